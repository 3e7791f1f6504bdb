"""Several rounds in one call, and batches split over devices, give what one by one gives."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

from simgan_lib import backends
from simgan_lib.config import UserError, preset
from simgan_lib.runs import Run

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(0)
DARK = RNG.integers(0, 120, (24, 12, 16), "uint8")
LIGHT = RNG.integers(100, 256, (20, 12, 16), "uint8")
CONFIG = preset("smoke").replace(
    precision="float32",
    refiner_pretraining_steps=0,
    discriminator_pretraining_steps=0,
    log_every=2,
    snapshot_every=4,
)

TRAIN = """
    import json, sys
    import jax, keras
    sys.path.insert(0, "tests")
    from simgan_lib import backends
    from test_devices import CONFIG, DARK, LIGHT
    from simgan_lib.data import GazeData, ImageSet
    from simgan_lib.training import train
    data = GazeData(ImageSet(DARK), ImageSet(LIGHT))
    devices, folder, ends = int(sys.argv[1]), sys.argv[2], []
    # The two take several rounds a call, as two GPUs would.
    backends.current().steps_per_call = lambda most: most if devices == 2 else 1
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda n, logs: ends.append(n + 1))
    for iterations in (3, 6):
        config = CONFIG.replace(iterations=iterations)
        model = train(data, config, folder, iterations == 6, [watch], False, devices)
    used = {len(variable.value.devices()) for variable in model.state}
    print(json.dumps({"devices": len(jax.devices()), "hold": sorted(used), "ends": ends}))
"""


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory):
    """The same training, resumed half-way, on one and on two virtual devices."""
    pytest.importorskip("jax")
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    root = tmp_path_factory.mktemp("devices")
    command = [sys.executable, "-c", textwrap.dedent(TRAIN)]
    pipes = {"cwd": ROOT, "env": {**os.environ, **flags}, "text": True, "stdout": subprocess.PIPE}
    started = [subprocess.Popen([*command, n, str(root / n)], **pipes) for n in ("1", "2")]
    said = [process.communicate()[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    return root, [json.loads(line) for line in said]


def test_two_devices_and_several_rounds_a_call_give_the_losses_of_one(two_devices):
    root, (one, two) = two_devices
    assert one == {"devices": 2, "hold": [1], "ends": [1, 2, 3, 4, 5, 6]}
    # Odd ends and starts take a round alone.
    assert two == {"devices": 2, "hold": [2], "ends": [2, 3, 4, 6]}
    one, two = (Run(root / devices).metrics for devices in ("1", "2"))
    losses = [name for name in one if name not in ("phase", "rounds_per_second")]
    assert one["iteration"].tolist() == [2, 3, 4, 6]
    np.testing.assert_allclose(one[losses], two[losses], rtol=2e-3, atol=1e-5)
    for name, values in Run(root / "1").snapshots.items():
        other = Run(root / "2").snapshots[name].astype(float)
        assert np.abs(values - other).max() <= (1 if "prob" not in name else 0.01), name


@pytest.mark.parametrize(
    ("devices", "batch", "says"), [(2, 32, "JAX"), (64, 128, "from 1 to"), (0, 32, "from 1 to")]
)
def test_devices_that_cannot_be_had_are_refused(devices, batch, says):
    if keras.backend.backend() != "jax":
        says = "JAX"
    elif says == "JAX":
        pytest.skip("this is JAX")
    with pytest.raises(UserError, match=says), backends.data_parallel(devices, batch):
        pass


def test_a_batch_that_does_not_split_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "cpu:1", "cpu:2"])
    with (
        pytest.raises(UserError, match="multiple of 6"),
        backends.data_parallel(3, batch_size=32),
    ):
        pass


def test_a_format_must_be_faster_to_be_taken():
    fastest = backends.fastest_precision
    assert fastest({"float32": 1.0, "bfloat16": 0.95}) == "float32"
    assert fastest({"float32": 1.0, "bfloat16": 0.5}) == "bfloat16"
    assert fastest({"float32": 1.0, "bfloat16": 0.5, "float16": 0.48}) == "bfloat16"
    assert fastest({"float32": 1.0, "bfloat16": 0.5, "float16": 0.3}) == "float16"
