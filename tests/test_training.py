import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
from keras import ops

from simgan_lib.config import preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.files import atomic
from simgan_lib.data.simulator import simulate
from simgan_lib.runs import COLUMNS, Run, RunError, pretrained_refiner, refine
from simgan_lib.training import train

CONFIG = preset("smoke").replace(precision="float32", filters=8)


def make_data(seed=0):
    rng = np.random.default_rng(seed)
    synthetic, real = (rng.integers(0, 256, (24, 12, 16), "uint8") for _ in range(2))
    return GazeData(ImageSet(synthetic, None, "noise"), ImageSet(real, None, "more noise"), None)


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def state(folder):
    with np.load(folder / "checkpoint" / "state.npz") as saved:
        return {name: saved[name] for name in saved.files}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(make_data(), CONFIG, folder, progress=False)
    return Run(folder)


def test_a_run_is_the_documented_files_and_no_others(run):
    assert files(run.folder) == [
        "checkpoint/state.npz",
        "config.json",
        "discriminator.weights.h5",
        "environment.json",
        "metrics.csv",
        "refiner.weights.h5",
        "snapshots.h5",
    ]


def test_metrics_have_a_row_per_logged_round(run):
    metrics = run.metrics
    assert tuple(metrics.columns) == COLUMNS
    adversarial = metrics[metrics["phase"] == "adversarial"]
    assert adversarial["iteration"].tolist() == [2, 4, 6]
    assert not adversarial.isna().any().any()
    assert "6 of 6 rounds" in repr(run)


def test_snapshots_refine_the_same_images(run):
    shots = run.snapshots
    assert shots["iteration"].tolist() == [0, 3, 6]
    assert shots["refined"].shape == (3, 8, 12, 16)
    assert shots["probability_refined"].shape == (3, 8, 3, 4)
    np.testing.assert_array_equal(shots["synthetic"], make_data().synthetic.images[:8])
    np.testing.assert_array_equal(shots["refined"][-1], refine(run.refiner(), shots["synthetic"]))
    assert not np.array_equal(shots["refined"][0], shots["refined"][-1])


def test_environment_says_what_ran(run):
    environment = run.environment
    assert environment["backend"] == keras.backend.backend()
    assert environment["precision"] == "float32"
    assert environment["data"]["synthetic"]["images"] == 24
    assert environment["training_seconds"] > 0
    assert str(run.folder.parent) not in json.dumps(environment), "a path of this machine"


class StopAt(keras.callbacks.Callback):
    """Stops the training as a kill would, with no farewell."""

    def __init__(self, phase, done):
        super().__init__()
        self.phase, self.done = phase, done

    def on_train_batch_end(self, batch, logs=None):
        if (self.model.phase, self.model.done[self.phase]) == (self.phase, self.done):
            raise KeyboardInterrupt


@pytest.mark.parametrize("where", [("pretrain_discriminator", 3), ("adversarial", 5)])
def test_a_resumed_run_equals_an_uninterrupted_one(run, tmp_path, where):
    config = CONFIG.replace(checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(make_data(), config, tmp_path, progress=False, callbacks=[StopAt(*where)])
    train(make_data(), config, tmp_path, resume=True, progress=False)
    whole, resumed = state(run.folder), state(tmp_path)
    assert [name for name in whole if not np.array_equal(whole[name], resumed[name])] == []
    for name, values in run.snapshots.items():
        np.testing.assert_array_equal(values, Run(tmp_path).snapshots[name])
    clock = "rounds_per_second"
    assert Run(tmp_path).metrics.drop(columns=clock).equals(run.metrics.drop(columns=clock))


def test_a_finished_run_can_go_on(run, tmp_path):
    train(make_data(), CONFIG.replace(iterations=3), tmp_path, progress=False)
    train(make_data(), CONFIG, tmp_path, resume=True, progress=False)
    whole, extended = state(run.folder), state(tmp_path)
    assert all(np.array_equal(whole[name], extended[name]) for name in whole)


@pytest.mark.parametrize(("phase", "at"), [("pretrain_refiner", 1), ("adversarial", 4)])
def test_interrupt_saves_and_ends_after_the_round(run, tmp_path, phase, at):
    class CtrlC(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.phase == phase and self.model.done[phase] == at:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model = train(make_data(), CONFIG, tmp_path, progress=False, callbacks=[CtrlC()])
    assert model.done[phase] == at
    assert state(tmp_path)["done"].sum() == sum(model.done.values())
    assert signal.getsignal(signal.SIGINT) is before
    train(make_data(), CONFIG, tmp_path, resume=True, progress=False)
    whole, resumed = state(run.folder), state(tmp_path)
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    assert Run(tmp_path).snapshots["iteration"].tolist() == [0, 3, 6]


def test_a_finished_run_is_left_alone(run):
    before = {name: (run.folder / name).stat().st_mtime_ns for name in files(run.folder)}
    train(make_data(), CONFIG, run.folder, resume=True, progress=False)
    after = {name: (run.folder / name).stat().st_mtime_ns for name in files(run.folder)}
    assert {n for n in after if before[n] != after[n]} <= {"config.json", "environment.json"}


def test_a_kill_leaves_a_run_that_can_be_resumed(tmp_path):
    """Every round writes everything, so that the kill comes in the middle of a write."""
    config = CONFIG.replace(checkpoint_every=1, log_every=1, snapshot_every=1, iterations=100_000)
    code = f"""
        from simgan_lib.config import Config
        from test_training import make_data, train
        train(make_data(), Config.from_json({config.to_json()!r}), {str(tmp_path)!r})
    """
    victim = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=os.path.dirname(__file__),
        stderr=subprocess.DEVNULL,
    )
    checkpoint = tmp_path / "checkpoint" / "state.npz"
    deadline = time.monotonic() + 120
    while not (checkpoint.exists() and state(tmp_path)["done"][2] >= 3):
        assert time.monotonic() < deadline, "the training does not get going"
        assert victim.poll() is None, "the training failed"
        time.sleep(0.05)
    victim.kill()
    victim.wait()
    done = int(state(tmp_path)["done"][2])
    assert Run(tmp_path).metrics["iteration"].iloc[-1] >= done
    assert Run(tmp_path).snapshots["iteration"].tolist()[: done + 1] == list(range(done + 1))
    model = train(
        make_data(), config.replace(iterations=done + 1), tmp_path, resume=True, progress=False
    )
    assert model.done["adversarial"] == done + 1
    assert Run(tmp_path).metrics["iteration"].tolist()[-done - 1 :] == list(range(1, done + 2))


def test_nothing_is_overwritten_silently(run, tmp_path):
    with pytest.raises(RunError, match=r"already holds a run\. Go on with it \(--resume\)"):
        train(make_data(), CONFIG, run.folder)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files that are not a run's"):
        train(make_data(), CONFIG, tmp_path)


def test_resume_refuses_other_settings_and_other_data(run):
    with pytest.raises(RunError, match="these differ: lambda_mean, seed"):
        train(make_data(), CONFIG.replace(seed=3, lambda_mean=9.0), run.folder, resume=True)
    with pytest.raises(RunError, match="trained on other data"):
        train(make_data(seed=1), CONFIG, run.folder, resume=True)


def test_a_run_may_begin_with_the_networks_of_another(run, tmp_path):
    """In place of pre-training; the last layer may be another; the record says so."""
    config = CONFIG.replace(output_activation="equalised", iterations=2)
    train(make_data(1), config.replace(iterations=0), tmp_path / "a", start=run.folder)
    for network in ("refiner", "discriminator"):
        before, after = (getattr(r, network)().get_weights() for r in (run, Run(tmp_path / "a")))
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), network

    model = train(make_data(1), config, tmp_path / "b", start=run.folder, progress=False)
    assert model.done["adversarial"] == 2
    assert set(Run(tmp_path / "b").metrics["phase"]) == {"adversarial"}
    origin = Run(tmp_path / "b").environment["start"]
    assert origin["run"] == "run"
    train(make_data(1), config.replace(iterations=4), tmp_path / "b", resume=True, progress=False)
    assert Run(tmp_path / "b").environment["start"] == origin, "forgotten by --resume"
    assert "start" not in run.environment


def test_a_refiner_is_read_back_with_what_comes_before_its_first_layer(tmp_path):
    config = CONFIG.replace(output_activation="equalised", equalise_input=True, iterations=2)
    model = train(make_data(1), config, tmp_path, progress=False)
    images = make_data(1).synthetic.images[:4]
    with model.averaged_refiner() as refiner:
        np.testing.assert_array_equal(
            refine(Run(tmp_path).refiner(), images), refine(refiner, images)
        )


def test_a_run_cannot_begin_with_networks_of_another_shape(run, tmp_path):
    with pytest.raises(RunError, match=r"The refiner of .*run has other layers.*filters"):
        train(make_data(), CONFIG.replace(filters=4), tmp_path / "run", start=run.folder)
    assert not (tmp_path / "run").exists()


def test_reading_what_is_not_there(run, tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        Run(tmp_path)
    (tmp_path / "config.json").write_text(CONFIG.to_json())
    assert Run(tmp_path).metrics.empty
    assert "0 of 6 rounds" in repr(Run(tmp_path))
    (tmp_path / "environment.json").write_text((run.folder / "environment.json").read_text())
    with pytest.raises(RunError, match="wait for the run's first checkpoint"):
        Run(tmp_path).refiner()


@pytest.mark.parametrize("name", ["equalised", "closest"])
def test_the_equalising_records_refine_whatever_the_exposure(name):
    """Their R gives pictures as bright as the webcam's, whose histograms are equalised."""
    eyes = simulate(32, "simulator", seed=5)[0]
    gray = refine(pretrained_refiner(name), eyes).mean(axis=(1, 2))
    before = refine(pretrained_refiner("best"), eyes).mean(axis=(1, 2))
    assert abs(gray.mean() - 128) < 4
    assert gray.std() < before.std() / 3


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("old")

    def fail():
        with atomic(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["metrics.csv"]


def test_refine_matches_the_network_and_any_batch_size(run):
    images = make_data().synthetic.images
    whole = refine(run.refiner(), images)
    np.testing.assert_array_equal(whole, refine(run.refiner(), images, batch_size=7))
    direct = ops.convert_to_numpy(run.refiner()(images[..., None] / 127.5 - 1.0))[..., 0]
    assert np.abs(whole - (direct + 1) * 127.5).max() <= 0.51


def test_refine_follows_the_weights_though_it_is_compiled_once(run):
    images, refiner = make_data().synthetic.images[:5], run.refiner()
    before = refine(refiner, images)
    refiner.set_weights([-weights for weights in refiner.get_weights()])
    after = refine(refiner, images)
    assert (before != after).any()
    refiner.set_weights([-weights for weights in refiner.get_weights()])
    np.testing.assert_array_equal(refine(refiner, images), before)


@pytest.mark.parametrize("contrast", [1.0, 0.5])
def test_an_equalising_refiner_warns_of_a_target_that_is_not_equalised(tmp_path, recwarn, contrast):
    data = make_data()
    darker = (data.real.images * contrast).astype("uint8")
    data = GazeData(data.synthetic, ImageSet(darker, None, "noise"), None)
    config = CONFIG.replace(output_activation="equalised", iterations=0)
    train(data, config, tmp_path / "run", progress=False)
    warned = [str(w.message) for w in recwarn if "output_activation='tanh'" in str(w.message)]
    assert len(warned) == (contrast < 1)
