import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import h5py
import keras
import numpy as np
import pandas as pd
import pytest

from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.files import atomic
from simgan_lib.runs import COLUMNS, Run, RunError, pretrained_refiner, refine
from simgan_lib.simgan import PHASES, SimGAN
from simgan_lib.training import ProgressBar, TrainingError, train

CONFIG = preset("smoke").replace(precision="float32")

once = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="says nothing about the backend, and compiles long"
)


def make_data(seed=0):
    rng = np.random.default_rng(seed)
    synthetic, real = (rng.integers(0, 256, (40, 12, 16), "uint8") for _ in range(2))
    return GazeData(ImageSet(synthetic, None, "noise"), ImageSet(real, None, "more noise"), None)


def files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    )


def state(folder):
    """Every array of the checkpoint, by its path in the file."""
    arrays = {}
    with h5py.File(Run(folder).checkpoint()) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


def done(folder):
    """How many steps of each phase the checkpoint has taken."""
    return next(a.tolist() for name, a in state(folder).items() if name.endswith("/done"))


def assert_same_run(whole, other):
    """All that two runs hold is equal to the bit, but for the clock."""
    a, b = state(whole.folder), state(other.folder)
    assert a.keys() == b.keys()
    assert [name for name in a if not np.array_equal(a[name], b[name])] == []
    for name, values in whole.snapshots.items():
        np.testing.assert_array_equal(values, other.snapshots[name])
    for network in ("refiner", "discriminator"):
        pairs = zip(*(getattr(r, network)().get_weights() for r in (whole, other)), strict=True)
        assert all(np.array_equal(x, y) for x, y in pairs), network


def assert_same_metrics(whole, other):
    clock = "rounds_per_second"
    assert other.metrics.drop(columns=clock).equals(whole.metrics.drop(columns=clock))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return train(make_data(), CONFIG, folder, progress=False), Run(folder)


@pytest.fixture(scope="module")
def run(trained):
    return trained[1]


def test_a_run_is_the_documented_files_and_no_others(run):
    *checkpoints, config = files(run.folder)[:3]
    assert [name[:20] for name in checkpoints] == ["checkpoint/00000012-", "checkpoint/00000014-"]
    assert [config, *files(run.folder)[3:]] == [
        "config.json",
        "discriminator.keras",
        "environment.json",
        "metrics.csv",
        "refiner.keras",
        "snapshots.h5",
    ]


def test_metrics_have_a_row_per_logged_round(run):
    metrics = run.metrics
    assert tuple(metrics.columns) == COLUMNS
    assert metrics["phase"].unique().tolist() == list(PHASES)
    adversarial = metrics[metrics["phase"] == "adversarial"]
    assert adversarial["iteration"].tolist() == [2, 4, 6]
    assert not adversarial.isna().any().any()
    assert "6 of 6 rounds" in repr(run)


def test_snapshots_refine_the_same_images(run):
    shots = run.snapshots
    assert shots["iteration"].tolist() == [0, 3, 6]
    assert shots["refined"].shape == (3, 32, 12, 16)
    assert shots["probability_refined"].shape == (3, 32, 3, 4)
    np.testing.assert_array_equal(shots["synthetic"], make_data().synthetic.images[:32])
    assert not np.array_equal(shots["refined"][0], shots["refined"][-1])


def test_the_model_the_run_and_the_last_snapshot_refine_alike(trained):
    model, run = trained
    images = run.snapshots["synthetic"]
    refined = model.refine(images)
    np.testing.assert_array_equal(refined, refine(run.refiner(), images))
    np.testing.assert_array_equal(refined, run.snapshots["refined"][-1])
    probability = model.probability_refined(images)
    np.testing.assert_array_equal(probability, run.snapshots["probability_synthetic"][-1])


@pytest.mark.parametrize("network", ["refiner", "discriminator"])
def test_a_saved_network_opens_with_colabs_keras(run, network):
    """Keras 3.15 writes two settings of initialisers, which Keras 3.13 refuses."""
    with zipfile.ZipFile(run.folder / f"{network}.keras") as archive:
        assert not re.search("(in|out)put_axes", archive.read("config.json").decode())


def test_environment_says_what_ran(run):
    environment = run.environment
    assert environment["backend"] == keras.backend.backend()
    assert environment["precision"] == "float32"
    assert environment["data"]["synthetic"]["images"] == 40
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


@pytest.mark.parametrize(
    "where",
    [pytest.param(("pretrain_discriminator", 3), marks=once), ("adversarial", 5)],
    ids=lambda where: where[0],
)
def test_a_resumed_run_equals_an_uninterrupted_one(run, tmp_path, where):
    config = CONFIG.replace(checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(make_data(), config, tmp_path, progress=False, callbacks=[StopAt(*where)])
    assert 0 < sum(done(tmp_path)) < 14
    train(make_data(), config, tmp_path, resume=True, progress=False)
    assert_same_run(run, Run(tmp_path))
    assert_same_metrics(run, Run(tmp_path))


@once
def test_a_finished_run_can_go_on(run, tmp_path):
    train(make_data(), CONFIG.replace(iterations=3), tmp_path, progress=False)
    train(make_data(), CONFIG, tmp_path, resume=True, progress=False)
    assert_same_run(run, Run(tmp_path))


@once
@pytest.mark.parametrize(
    ("phase", "at", "name"),
    [
        ("pretrain_refiner", 1, "SIGINT"),
        ("adversarial", 4, "SIGHUP"),
    ],
)
def test_a_stop_signal_saves_and_ends_at_a_row(run, tmp_path, phase, at, name):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.phase == phase and self.model.done[phase] == at:
                os.kill(os.getpid(), getattr(signal, name))

    # A shell may have told its background jobs to ignore it, and 'train' respects that.
    before = signal.signal(getattr(signal, name), signal.default_int_handler)
    model = train(make_data(), CONFIG, tmp_path, progress=False, callbacks=[Stop()])
    assert model.done[phase] == at + at % CONFIG.log_every
    assert done(tmp_path) == list(model.done.values())
    assert signal.signal(getattr(signal, name), before) is signal.default_int_handler
    train(make_data(), CONFIG, tmp_path, resume=True, progress=False)
    assert_same_run(run, Run(tmp_path))
    assert_same_metrics(run, Run(tmp_path))


class Poison(keras.callbacks.Callback):
    """Makes R's weights NaN, as a training that diverges does."""

    def __init__(self, round_number):
        super().__init__()
        self.round_number = round_number

    def on_train_batch_end(self, batch, logs=None):
        if self.model.done["adversarial"] == self.round_number:
            self.model.refiner.set_weights([w * np.nan for w in self.model.refiner.get_weights()])


@once
def test_a_training_that_fails_keeps_the_last_good_checkpoint(tmp_path):
    config = CONFIG.replace(checkpoint_every=2)
    with pytest.raises(TrainingError, match="learning_rate"):
        train(make_data(), config, tmp_path, progress=False, callbacks=[Poison(4)])
    assert done(tmp_path)[2] == 2
    refiner = Run(tmp_path).refiner()
    images = make_data().synthetic.images
    assert refine(refiner, images).shape == images.shape
    refiner.set_weights([w * np.nan for w in refiner.get_weights()])
    with pytest.raises(UserError, match="not finite"):
        refine(refiner, images)


@once
def test_a_training_warns_once_of_what_goes_wrong(tmp_path, capsys):
    # R begins with random weights, nothing holds it back, and D learns nothing.
    changes = {"lambda_mean": 0.0, "discriminator_learning_rate": 0.0}
    changes |= {"refiner_pretraining_steps": 0, "log_every": 1}
    train(make_data(), CONFIG.replace(**changes), tmp_path)
    said = capsys.readouterr().err
    assert said.count("R repaints freely") == said.count("simgan: by round ") == 1
    ProgressBar(show=False).warn("unseen")
    assert not capsys.readouterr().err


@once
def test_a_damaged_checkpoint_costs_no_more_than_the_rounds_after_the_one_before(run, tmp_path):
    shutil.copytree(run.folder, tmp_path, dirs_exist_ok=True)
    last = Run(tmp_path).checkpoint()
    damaged = bytearray(last.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    last.write_bytes(damaged)
    (tmp_path / "snapshots.h5").write_bytes(b"not HDF5")
    with pytest.warns(UserWarning, match="damaged"):
        model = train(make_data(), CONFIG, tmp_path, resume=True, progress=False)
    assert model.done == model.planned
    assert_same_metrics(run, Run(tmp_path))
    np.testing.assert_array_equal(
        Run(tmp_path).snapshots["refined"][-1], run.snapshots["refined"][-1]
    )
    for path in (tmp_path / "checkpoint").glob("*.h5"):
        path.write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(RunError, match="whole"):
        train(make_data(), CONFIG, tmp_path, resume=True, progress=False)


@once
def test_one_training_at_a_time_writes_into_a_folder(tmp_path):
    class Second(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            with pytest.raises(UserError, match="Another process"):
                train(make_data(), CONFIG, tmp_path, resume=True, progress=False)

    train(make_data(), CONFIG, tmp_path, progress=False, callbacks=[Second()])
    assert sum(done(tmp_path)) == 14


@once
def test_a_finished_run_is_left_alone(run):
    before = {name: (run.folder / name).stat().st_mtime_ns for name in files(run.folder)}
    train(make_data(), CONFIG, run.folder, resume=True, progress=False)
    after = {name: (run.folder / name).stat().st_mtime_ns for name in files(run.folder)}
    assert before.keys() == after.keys()
    assert {n for n in after if before[n] != after[n]} <= {"config.json", "environment.json"}


@once
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
    deadline = time.monotonic() + 120
    try:
        while not any((tmp_path / "checkpoint").glob("0000001[1-9]-*")):
            assert time.monotonic() < deadline, "the training does not get going"
            assert victim.poll() is None, "the training failed"
            time.sleep(0.05)
    finally:  # also where it is too slow: it would train for hours
        victim.kill()
        victim.wait()
    rounds = done(tmp_path)[2]
    assert Run(tmp_path).metrics["iteration"].iloc[-1] >= rounds
    assert Run(tmp_path).snapshots["iteration"].tolist()[: rounds + 1] == list(range(rounds + 1))
    assert Run(tmp_path).refiner().input_shape == (None, 12, 16, 1)
    model = train(
        make_data(), config.replace(iterations=rounds + 1), tmp_path, resume=True, progress=False
    )
    assert model.done["adversarial"] == rounds + 1
    whole = tmp_path.with_name("whole")
    train(make_data(), config.replace(iterations=rounds + 1), whole, progress=False)
    assert_same_run(Run(whole), Run(tmp_path))
    assert_same_metrics(Run(whole), Run(tmp_path))


def test_nothing_is_overwritten_silently(run, tmp_path):
    with pytest.raises(RunError, match=r"--resume"):
        train(make_data(), CONFIG, run.folder)
    # What a training leaves that is killed at its first file is no obstacle.
    (tmp_path / ".123.config.json").write_text("{")
    (tmp_path / "checkpoint").mkdir()
    train(make_data(), CONFIG.replace(iterations=0), tmp_path, progress=False)
    assert not (tmp_path / ".123.config.json").exists()
    tmp_path = tmp_path / "mine"
    tmp_path.mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="another folder"):
        train(make_data(), CONFIG, tmp_path)
    assert files(tmp_path) == ["thesis.txt"]


def test_resume_refuses_other_settings_and_other_data(run):
    with pytest.raises(RunError, match="lambda_mean, seed"):
        train(make_data(), CONFIG.replace(seed=3, lambda_mean=9.0), run.folder, resume=True)
    with pytest.raises(RunError, match="trained with data"):
        train(make_data(seed=1), CONFIG, run.folder, resume=True)
    data = make_data()
    data.synthetic.labels = pd.DataFrame({"yaw": np.zeros(40)})
    with pytest.raises(RunError, match="labels_crc32"):
        train(data, CONFIG, run.folder, resume=True)


@pytest.mark.parametrize(
    ("model", "devices", "says"),
    [
        (lambda: SimGAN(CONFIG.replace(seed=3), (12, 16, 1)), 1, "another config"),
        (lambda: SimGAN(CONFIG, (12, 20, 1)), 1, r"\(12, 20, 1\).*\(12, 16, 1\)"),
        (lambda: SimGAN(CONFIG, (12, 16, 1)), 2, "devices=2"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path, model, devices, says):
    with pytest.raises(RunError, match=says):
        train(make_data(), CONFIG, tmp_path / "run", devices=devices, model=model())
    assert not (tmp_path / "run").exists()


def test_reading_what_is_not_there(run, tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        Run(tmp_path)
    (tmp_path / "config.json").write_text(CONFIG.to_json())
    assert Run(tmp_path).metrics.empty
    assert "0 of 6 rounds" in repr(Run(tmp_path))
    (tmp_path / "environment.json").write_text((run.folder / "environment.json").read_text())
    with pytest.raises(RunError, match="first checkpoint"):
        Run(tmp_path).refiner()


@pytest.mark.parametrize("name", ["best", "closest"])
def test_the_pretrained_refiners_open(name):
    images = np.random.default_rng(0).integers(0, 256, (4, 35, 55), "uint8")
    refined = refine(pretrained_refiner(name), images)
    assert refined.shape == images.shape
    assert (refined != images).mean() > 0.5


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
