import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_evaluation import linear

from simgan_lib import cli
from simgan_lib.checks import diagnose
from simgan_lib.data import ImageSet, make_simulated, read_images, save_images
from simgan_lib.evaluation import grid, matching, report
from simgan_lib.evaluation.gaze import Effort
from simgan_lib.runs import Run, refine

SMALL = ["--preset", "smoke", "--set", "precision=float32"]
# One phase, as each compiles for seconds.
ROUNDS = [*SMALL, "--set", "refiner_pretraining_steps=0"]
ROUNDS += ["--set", "discriminator_pretraining_steps=0"]


def simgan(capsys, *arguments):
    """Runs a command as the shell would; returns its exit code and what it printed."""
    capsys.readouterr()
    before, sys.argv = sys.argv, ["simgan", *map(str, arguments)]
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of data as quickstart makes it, but small."""
    root = tmp_path_factory.mktemp("data")
    make_simulated(root / "simulated", 24, 24, 8, progress=False)
    return root


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    before, sys.argv = sys.argv, ["simgan", "train", "--run", str(folder), "--root", str(root)]
    sys.argv += SMALL
    with pytest.raises(SystemExit) as end:
        cli.main()
    sys.argv = before
    assert not end.value.code
    return folder


def test_quickstart_trains_shows_and_repeats_nothing(tmp_path, root, capsys, monkeypatch):
    monkeypatch.setattr(cli, "QUICK_IMAGES", 24)
    effort = Effort(epochs=1, network=linear, instrument_images=24)
    monkeypatch.setattr(report, "evaluate", partial(report.evaluate, effort=effort))
    folder = tmp_path / "runs" / "quickstart"
    command = ["quickstart", "--run", folder, "--root", root, *ROUNDS]
    code, text = simgan(capsys, *command)
    assert code == 0, text
    assert "6 of 6 rounds" in text
    assert re.search(r"^refined +[\d.]+°", text, re.MULTILINE)
    for name in ("before_after.png", "timeline.png", "loss_curves.png", "evaluation.png"):
        assert str(folder / name) in text
        assert np.asarray(Image.open(folder / name).convert("L")).std() > 10, f"{name} is empty"
    saved = Run(folder).checkpoint().read_bytes()
    monkeypatch.setattr(report, "evaluate", None)
    code, again = simgan(capsys, *command)
    assert code == 0, again
    assert "within 7 degrees" in again
    assert Run(folder).checkpoint().read_bytes() == saved


def test_train_on_real_images_of_another_file(tmp_path, root, capsys):
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "real.h5", "w") as file:
        for number in range(20):
            file[f"image/{number}"] = rng.integers(0, 256, (35, 55), "uint8")
    command = ["train", "--run", tmp_path / "run", "--root", root, "--real", tmp_path / "real.h5"]
    code, text = simgan(capsys, *command, *ROUNDS, "--set", "iterations=2")
    assert code == 0, text
    assert Run(tmp_path / "run").real_name == "real"
    np.testing.assert_array_equal(
        Run(tmp_path / "run").snapshots["real"], read_images(tmp_path / "real.h5").images
    )


def test_simulated_webcam_images_are_never_called_real(run):
    assert Run(run).real_name == "simulated webcam"


def test_a_grid_resizes_its_images_as_a_training_does(root, tmp_path, capsys, monkeypatch):
    shapes = []
    monkeypatch.setattr(
        grid, "ablate", lambda _, data, *rest, **named: shapes.append(data.image_shape)
    )
    where = ["--folder", tmp_path, "--root", root, "--limit", 8]
    simgan(capsys, "ablate", *where, "--size", 20, 30)
    assert shapes == [(20, 30, 1)]


def test_the_command_line_says_what_the_curves_show(run, capsys):
    code, text = simgan(capsys, "diagnose", "--run", run)
    assert code == 0
    assert text.splitlines()[-1] == diagnose(Run(run).metrics)[0]


def test_resume_takes_the_runs_own_settings(tmp_path, root, capsys):
    start = ["train", "--run", tmp_path, "--root", root]
    assert simgan(capsys, *start, *ROUNDS, "--set", "iterations=2")[0] == 0
    code, text = simgan(capsys, *start, "--resume", "--set", "iterations=4")
    assert code == 0, text
    assert f"  The curves: {diagnose(Run(tmp_path).metrics)[0]}\n" in text
    assert Run(tmp_path).metrics["iteration"].iloc[-1] == 4
    assert Run(tmp_path).config.filters == 8


def test_train_begins_with_the_networks_of_another_run(run, tmp_path, root, capsys):
    command = ["train", "--run", tmp_path / "run", "--root", root, "--start", run]
    code, text = simgan(capsys, *command, *SMALL, "--set", "iterations=2")
    assert code == 0, text
    begun = Run(tmp_path / "run")
    assert begun.metrics["phase"].tolist() == ["adversarial"]
    shots = begun.snapshots
    np.testing.assert_array_equal(
        shots["refined"][0], refine(Run(run).refiner(), shots["synthetic"])
    )
    code, text = simgan(capsys, *command, "--resume", "--set", "iterations=4")
    assert code == 0, text
    assert begun.metrics["iteration"].tolist() == [2, 4]


def test_tensorboard_gets_curves_and_eyes(tmp_path, root, capsys):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    command = ["train", "--run", tmp_path / "run", "--root", root, *ROUNDS, "--tensorboard"]
    code, text = simgan(capsys, *command)
    assert code == 0, text
    (folder,) = {path.parent for path in (tmp_path / "run").rglob("events.*")}
    events = accumulator.EventAccumulator(str(folder)).Reload()
    assert any("refined" in tag for tag in events.Tags()["tensors"] + events.Tags()["images"])


def test_refine_keeps_labels_and_order(run, root, tmp_path, capsys):
    source, target = root / "simulated" / "synthetic_gaze.h5", tmp_path / "refined.h5"
    code, text = simgan(capsys, "refine", "--run", run, source, target)
    assert code == 0, text
    before, after = read_images(source), read_images(target)
    pd.testing.assert_frame_equal(before.labels, after.labels)
    assert after.images.shape == before.images.shape
    refiner = Run(run).refiner()
    one_by_one = [refine(refiner, before.images[k : k + 1])[0] for k in range(24)]
    np.testing.assert_allclose(after.images, one_by_one, atol=1)
    assert len(np.unique(after.images, axis=0)) == 24

    target.write_bytes(b"precious")
    code, text = simgan(capsys, "refine", "--run", run, source, target)
    assert (code, "--overwrite" in text) == (2, True)
    assert target.read_bytes() == b"precious"
    assert simgan(capsys, "refine", "--run", run, source, target, "--overwrite")[0] == 0
    assert len(read_images(target)) == 24


def test_images_of_another_size_can_be_resized(run, root, tmp_path, capsys):
    rng = np.random.default_rng(0)
    large = tmp_path / "large.h5"
    save_images(large, ImageSet(rng.integers(0, 256, (20, 36, 60), "uint8")))
    command = ["refine", "--run", run, large, tmp_path / "out.h5", "--resize"]
    assert simgan(capsys, *command)[0] == 0
    assert read_images(tmp_path / "out.h5").images.shape == (20, 35, 55)
    command = ["train", "--run", tmp_path / "run", "--root", root, "--real", large, *ROUNDS]
    code, text = simgan(capsys, *command, "--size", "20", "30")
    assert code == 0, text
    assert Run(tmp_path / "run").snapshots["real"].shape[1:] == (20, 30)


@pytest.mark.parametrize(("place", "made"), [(["--root", "."], "simulated"), (["sim"], "sim")])
def test_data_make_and_check(tmp_path, capsys, monkeypatch, place, made):
    monkeypatch.chdir(tmp_path)
    command = ["data", "make", *place, "--synthetic", "12", "--real", "10", "--test"]
    assert simgan(capsys, *command, "8")[0] == 0
    code, text = simgan(capsys, "data", "check", f"{made}/webcam_test.h5")
    assert code == 0
    assert "8 images 35x55 uint8" in text
    code, text = simgan(capsys, *command, "9")
    assert (code, "overwrite" in text) == (2, True)


def test_data_match_keeps_eyes_with_their_labels(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(matching, "Effort", partial(Effort, epochs=3, instrument_images=200))
    make_simulated(tmp_path, 200, 100, 8, progress=False)
    command = ["data", "match", tmp_path / "synthetic_gaze.h5", tmp_path / "real_gaze.h5"]
    code, text = simgan(capsys, *command, tmp_path / "matched.h5")
    assert code == 0, text
    every, kept = (read_images(tmp_path / f"{n}.h5") for n in ("synthetic_gaze", "matched"))
    assert 0 < len(kept) < len(every)
    image = {pitch: number for number, pitch in enumerate(every.labels["pitch"].round(5))}
    places = [image[pitch] for pitch in kept.labels["pitch"].round(5)]
    np.testing.assert_array_equal(kept.images, every.images[places])
    for row in ("real", "synthetic", "kept"):
        assert row in text
    code, text = simgan(capsys, *command, tmp_path / "matched.h5")
    assert (code, "--overwrite" in text) == (2, True)


def test_data_check_fails_where_something_is_wrong(tmp_path, capsys):
    (tmp_path / "broken.h5").write_bytes(b"not an HDF5 file")
    code, text = simgan(capsys, "data", "check", tmp_path / "broken.h5")
    assert code == 1
    assert "PROBLEM" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--run", "new", "--set", "lamda_mean=1"], "Did you mean 'lambda_mean'"),
        (["train", "--run", "new", "--set", "lambda_mean"], "--set takes FIELD=VALUE"),
        (["train", "--run", "new", "--set", "batch_size=0"], "batch_size must be"),
        (["train", "--run", "new", "--preset", "fast"], "Unknown preset 'fast'"),
        (["train", "--run", "new", "--data", "nowhere.h5"], "nowhere.h5"),
        (["train", "--run", "new", "--data", "kaggle"], "real_gaze.h5"),
        (["train", "--run", "new", "--real", "missing.h5"], "missing.h5"),
        (["train", "--run", "RUN"], "--resume"),
        (["train", "--run", "RUN", "--resume", "--set", "seed=9"], "these differ: seed"),
        (["train", "--run", "new", "--real", "WRONG_SIZE"], "size"),
        (["train"], "--run"),
        (["refine", "--run", "new", "SYNTHETIC", "out.h5"], "new is not a run folder"),
        (["refine", "--run", "RUN", "missing.h5", "out.h5"], "missing.h5"),
        (["refine", "--run", "RUN", "WRONG_SIZE", "out.h5"], "--resize"),
        (["data", "fetch", "imagenet"], "only 'kaggle'"),
        (["data", "match", "SYNTHETIC", "WRONG_SIZE", "out.h5"], "--size"),
        (["data", "match", "SYNTHETIC", "SYNTHETIC", "out.png"], "must end in .h5"),
        (["refine", "--run", "RUN", "SYNTHETIC", "out.png"], "must end in .h5"),
        (["refine", "--run", "RUN", "SYNTHETIC", "WRONG_SIZE"], "exists. Choose another"),
        (["fly"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_get_one_message_and_code_2(
    arguments, message, run, root, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    wrong = tmp_path / "wrong_size.h5"
    save_images(wrong, ImageSet(np.zeros((4, 30, 30), "uint8")))
    places = {"RUN": run, "WRONG_SIZE": wrong, "SYNTHETIC": root / "simulated/synthetic_gaze.h5"}
    arguments = [places.get(argument, argument) for argument in arguments]
    if arguments[0] == "train":
        arguments += ["--root", root]
    code, text = simgan(capsys, *arguments)
    assert code == 2, text
    assert message in text
    assert "Traceback" not in text
    assert not (tmp_path / "new").exists(), "a refused command left a run folder"


def test_module_and_fields():
    done = subprocess.run(
        [sys.executable, "-m", "simgan_lib", "fields"], capture_output=True, text=True, check=True
    )
    assert re.search(r"^lambda_mean = [\d.]+: ", done.stdout, re.MULTILINE)


def test_the_readmes_library_example_runs(tmp_path, root, monkeypatch):
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 10
    small = 'preset("smoke")'
    assert 'preset("quick")' in code
    code = code.replace('preset("quick")', small).replace("limit=16000", "limit=24")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(root)
    exec(code, {})
    config = json.loads(next((tmp_path / "runs").glob("*/config.json")).read_text())
    assert config["iterations"] == 6
