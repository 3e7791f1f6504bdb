"""Chooses the number format of the convolutions by timing them on the device at hand."""

import time

import keras
from keras import ops

from simgan_lib import backends

# Names as in Config.precision, and the Keras dtype policy of each. Weights are float32 in all.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def time_precisions(repeats: int = 3) -> dict[str, float]:
    """Times a convolution of the refiner, forwards and backwards, in each number format.

    float16 is timed on accelerators only: CPUs convert it to float32 first, which takes seconds.

    Args:
        repeats: Timed calls per format; the fastest counts.

    Returns:
        Seconds by format, for `"float32"`, `"bfloat16"` and, not on a CPU, `"float16"`.
    """
    on_cpu = backends.current().device_name() == "CPU"
    names = [name for name in POLICIES if not (on_cpu and name == "float16")]
    return {name: min(_time_convolution(name, repeats)) for name in names}


def fastest_precision(seconds: dict[str, float], gain: float = 1.15) -> str:
    """Picks a number format from its timings.

    Args:
        seconds: Seconds by format, as from `time_precisions`.
        gain: How many times faster than float32 a shorter format must be to be worth its rounding.

    Returns:
        The fastest format, or `"float32"` where none is `gain` times faster. Of two that are
        within 10% of each other, bfloat16 goes before float16, as its losses need no scaling.

    Example:
        >>> fastest_precision({"float32": 1.0, "bfloat16": 0.5, "float16": 4.0})
        'bfloat16'
        >>> fastest_precision({"float32": 1.0, "bfloat16": 0.95})
        'float32'
    """
    bfloat16, float16 = seconds["bfloat16"], seconds.get("float16", float("inf"))
    short = "bfloat16" if bfloat16 <= 1.1 * float16 else "float16"
    return short if seconds["float32"] >= gain * seconds[short] else "float32"


def _time_convolution(name: str, repeats: int) -> list[float]:
    backend = backends.current()
    # The features are a variable too, so that the step needs their gradient, as in a deep network.
    kernel = keras.Variable(keras.random.normal((3, 3, 64, 64), seed=0))
    features = keras.Variable(keras.random.normal((16, 35, 55, 64), seed=1))
    optimizer = keras.optimizers.SGD()
    optimizer.build([kernel, features])

    def loss():
        y = ops.conv(ops.cast(features, name), ops.cast(kernel, name), padding="same")
        return ops.mean(ops.square(ops.cast(y, "float32"))), {}

    def step():
        backend.gradient_update(loss, optimizer, [kernel, features])
        return ops.sum(kernel)

    run = backend.compile(step, [kernel, features, *optimizer.variables])
    backend.wait(run())
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        backend.wait(run())
        seconds.append(time.perf_counter() - start)
    return seconds
