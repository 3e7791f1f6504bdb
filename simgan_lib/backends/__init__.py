"""All that differs between Keras's backends, number formats and devices.

Each backend module has the same functions. `gradient_update` takes one optimiser step on a loss,
and `compile` turns a function of such steps into one fast call.
"""

import importlib
import time
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import numpy as np

from simgan_lib.config import UserError

try:
    import keras
    from keras import ops
except (ImportError, ValueError) as error:
    raise UserError(
        f"Keras cannot start its backend: {error}. Install it, or set the environment variable "
        "KERAS_BACKEND to tensorflow or jax; ~/.keras/keras.json may name another."
    ) from error

SUPPORTED = ("tensorflow", "jax")
# Names as in Config.precision, and the Keras dtype policy of each. Weights are float32 in all.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def current() -> ModuleType:
    """Returns the module for the backend that Keras runs on, `tensorflow` or `jax`.

    Raises:
        UserError: If Keras has another backend, axes or floats. Networks would train, but differ.
    """
    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise UserError(
            f"Keras runs on the {name!r} backend; simgan_lib trains on {' or '.join(SUPPORTED)}. "
            "Set the environment variable KERAS_BACKEND to one of them before importing keras."
        )
    for setting, needed in (("image_data_format", "channels_last"), ("floatx", "float32")):
        found = getattr(keras.config, setting)()
        if found != needed:
            raise UserError(
                f"Keras is set to {setting}={found}; simgan_lib needs {needed}. Call "
                f"keras.config.set_{setting}({needed!r}), or change ~/.keras/keras.json."
            )
    return importlib.import_module(f"{__name__}.{name}")


current()  # refuses before anything is built


def data_parallel(devices: int, batch_size: int) -> AbstractContextManager:
    """Splits every batch over several devices, for models that are built and trained inside.

    Raises:
        UserError: If there are fewer devices, half a batch, which R refines for D, does not split
            evenly, or the backend is not JAX.
    """
    if devices == 1:
        return nullcontext()
    if keras.backend.backend() != "jax":
        raise UserError(
            f"devices={devices} needs JAX: Keras splits batches nowhere else. "
            "Set KERAS_BACKEND=jax."
        )
    found = keras.distribution.list_devices()
    if not 1 <= devices <= len(found) or batch_size % (2 * devices):
        raise UserError(
            f"devices must be from 1 to {len(found)} here, and batch_size a multiple of "
            f"{2 * devices}; received devices={devices}, batch_size={batch_size}."
        )
    return keras.distribution.DataParallel(devices=found[:devices]).scope()


def to_device(batches: np.ndarray):
    """Copies batches `(number, batch, height, width, channels)` to the device, or splits them."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return ops.convert_to_tensor(batches)
    axes = [None, distribution.batch_dim_name, None, None, None]
    layout = keras.distribution.TensorLayout(axes, distribution.device_mesh)
    return keras.distribution.distribute_tensor(batches, layout)


def time_precisions() -> dict[str, float]:
    """Times a convolution of the refiner, forwards and backwards, in each number format.

    Returns:
        Seconds by format: `"float32"`, `"bfloat16"` and `"float16"`. The last is left out on a CPU,
        which would take seconds to convert it.
    """
    on_cpu = current().device_name() == "CPU"
    return {n: _time_convolution(n) for n in POLICIES if not (on_cpu and n == "float16")}


def fastest_precision(seconds: dict[str, float]) -> str:
    """Picks a number format from the times that `time_precisions` returns.

    A shorter format must be 15% faster than float32 to be worth its rounding. bfloat16 is preferred
    to a float16 that is up to 10% faster, as its losses need no scaling.

    Example:
        >>> fastest_precision({"float32": 1.0, "bfloat16": 0.5, "float16": 4.0})
        'bfloat16'
    """
    bfloat16, float16 = seconds["bfloat16"], seconds.get("float16", float("inf"))
    short = "bfloat16" if bfloat16 <= 1.1 * float16 else "float16"
    return short if seconds["float32"] >= 1.15 * seconds[short] else "float32"


def _time_convolution(name: str) -> float:
    # The features are a variable too, so that the step needs their gradient, as in a deep network.
    kernel = keras.Variable(keras.random.normal((3, 3, 64, 64), seed=0))
    features = keras.Variable(keras.random.normal((16, 35, 55, 64), seed=1))
    variables, optimizer = [kernel, features], keras.optimizers.SGD()
    optimizer.build(variables)

    def loss():
        y = ops.conv(ops.cast(features, name), ops.cast(kernel, name), padding="same")
        return ops.mean(ops.square(ops.cast(y, "float32"))), {}

    def step():
        current().gradient_update(loss, optimizer, variables, variables)
        return {"sum": ops.sum(kernel)}

    run, seconds = current().compile(step, [*variables, *optimizer.variables]), []
    for _ in range(4):
        start = time.perf_counter()
        ops.convert_to_numpy(run([()])["sum"])
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])  # the first call compiles
