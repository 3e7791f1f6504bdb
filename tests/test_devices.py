"""Several rounds in one call, and batches split over devices, give what one by one gives."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from simgan_lib import backends
from simgan_lib.config import UserError, preset
from simgan_lib.simgan import SimGAN

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(0)
DARK = RNG.integers(0, 120, (24, 12, 16), "uint8")
LIGHT = RNG.integers(100, 256, (20, 12, 16), "uint8")
CONFIG = preset("smoke").replace(precision="float32", filters=8, log_every=2, snapshot_every=4)
CONFIG = CONFIG.replace(refiner_pretraining_steps=0, discriminator_pretraining_steps=0)


def trained(rounds_per_call):
    model = SimGAN(CONFIG.replace(iterations=7), (12, 16, 1))
    model.rounds_per_call, model.done["adversarial"] = rounds_per_call, 1
    ends, logged = [], []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(batch + 1),
        on_epoch_end=lambda epoch, logs: logged.append(logs),
    )
    model.train(DARK, LIGHT, [watch])
    for logs in logged:
        del logs["rounds_per_second"]
    return model, ends, logged


def test_several_rounds_in_one_call_equal_one_by_one():
    alone, one_by_one, logs_alone = trained(1)
    together, ends, logs_together = trained(2)
    assert one_by_one == [2, 3, 4, 5, 6, 7]
    assert ends == [2, 4, 6, 7], "odd starts and ends take a round alone"
    assert len(logs_alone) == len(logs_together) == 4
    for a, b in zip(logs_alone, logs_together, strict=True):
        assert a == pytest.approx(b, rel=1e-3, abs=1e-5)
    for a, b in zip(alone.state, together.state, strict=True):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)


def test_one_round_a_call_on_a_cpu_and_no_callbacks_turn_left_out(monkeypatch):
    assert SimGAN(CONFIG, (12, 16, 1)).rounds_per_call == 1
    monkeypatch.setattr(backends.current(), "outruns_host", lambda: True)
    assert SimGAN(CONFIG, (12, 16, 1)).rounds_per_call == 2
    assert SimGAN(CONFIG.replace(snapshot_every=5), (12, 16, 1)).rounds_per_call == 1


TRAIN = """
    import json, sys
    import jax
    sys.path.insert(0, "tests")
    from simgan_lib import backends
    from test_devices import CONFIG, DARK, LIGHT
    from simgan_lib.data import GazeData, ImageSet
    from simgan_lib.runs import Run
    from simgan_lib.training import train
    data = GazeData(ImageSet(DARK), ImageSet(LIGHT))
    devices, folder = int(sys.argv[1]), sys.argv[2]
    # The two take several rounds a call, as two GPUs would.
    backends.current().outruns_host = lambda: devices == 2
    train(data, CONFIG.replace(iterations=4), folder, progress=False, devices=devices)
    model = train(data, CONFIG, folder, resume=True, progress=False, devices=devices)
    used = {len(variable.value.devices()) for variable in model.state}
    print(json.dumps([len(jax.devices()), sorted(used)]))
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
    return root, said


def test_two_devices_give_the_losses_of_one(two_devices):
    from simgan_lib.runs import Run

    root, said = two_devices
    assert said == ["[2, [1]]", "[2, [2]]"], "devices that there are, devices that hold the state"
    one, two = (Run(root / devices).metrics for devices in ("1", "2"))
    losses = [name for name in one if name not in ("phase", "rounds_per_second")]
    assert one["iteration"].tolist() == [2, 4, 6]
    np.testing.assert_allclose(one[losses], two[losses], rtol=2e-3, atol=1e-5)
    for name, values in Run(root / "1").snapshots.items():
        other = Run(root / "2").snapshots[name].astype(float)
        assert np.abs(values - other).max() <= (1 if "prob" not in name else 0.01), name


@pytest.mark.parametrize(
    ("devices", "batch", "message"),
    [(2, 32, "needs JAX"), (64, 128, "devices must be from 1 to"), (0, 32, "from 1 to")],
)
def test_devices_that_cannot_be_had_are_refused(devices, batch, message):
    if keras.backend.backend() != "jax":
        message = "needs JAX"
    elif message == "needs JAX":
        pytest.skip("this is JAX")
    with pytest.raises(UserError, match=message), backends.data_parallel(devices, batch):
        pass


def test_a_batch_that_does_not_split_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "cpu:1", "cpu:2"])
    with (
        pytest.raises(UserError, match="multiple of 6"),
        backends.data_parallel(3, batch_size=32),
    ):
        pass
