"""The user's Keras settings and damaged run folders: one message says what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from simgan_lib import backends
from simgan_lib.cli import main
from simgan_lib.config import Config, UserError
from simgan_lib.data import ImageSet
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation.gaze import build_gaze_estimator
from simgan_lib.evaluation.matching import match_gaze
from simgan_lib.runs import Run, RunError, reference_run, refine


@pytest.fixture(autouse=True)
def settings_stay():
    yield
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("name", "value"),
    [("image_data_format", "channels_first"), ("floatx", "float16"), ("floatx", "float64")],
)
def test_settings_that_do_not_fit_are_one_message(name, value):
    getattr(keras.config, f"set_{name}")(value)
    with pytest.raises(UserError, match=rf"set to {name}={value}; simgan_lib needs .*set_{name}"):
        backends.current()


def test_a_backend_that_is_not_there_is_one_message():
    command = [sys.executable, "-m", "simgan_lib", "refine", "--run", "a", "b.h5", "c.h5"]
    environment = {**os.environ, "KERAS_BACKEND": "theano"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "KERAS_BACKEND" in done.stderr


def test_the_gaze_network_is_the_same_whatever_the_settings():
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_gaze_estimator()
    assert network.count_params() == 185_523
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}
    assert network.input_shape == (None, 35, 55, 1)


def test_a_runs_refiner_answers_the_same_under_a_mixed_policy():
    images = simulate(8, "simulator")[0]
    expected = refine(reference_run().refiner(), images)
    keras.config.set_dtype_policy("mixed_bfloat16")
    np.testing.assert_array_equal(refine(reference_run().refiner(), images), expected)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 43944\n"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", lambda run: run.config),
        ("environment.json", lambda run: run.environment),
        ("metrics.csv", lambda run: run.metrics),
        ("snapshots.h5", lambda run: run.snapshots),
        ("evaluation.json", lambda run: run.evaluation),
        ("refiner.keras", lambda run: run.refiner()),
    ],
)
@pytest.mark.parametrize(
    ("content", "message"),
    [(LFS, "git lfs pull"), (b"", "It is empty: copy it again"), (b"PK\3\4{cut", "copy it again")],
)
def test_damaged_files_of_a_run_are_named(tmp_path, name, read, content, message):
    (tmp_path / "config.json").write_text(Config().to_json())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError, match=rf"{name} cannot be read.*{message}"):
        read(Run(tmp_path))


def test_the_command_line_names_a_damaged_file(tmp_path, capsys, monkeypatch):
    (tmp_path / "config.json").write_text("{")
    arguments = ["simgan", "train", "--run", str(tmp_path), "--resume"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "config.json cannot be read" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(tmp_path):
    from simgan_lib.data.files import atomic

    def write():
        with atomic(tmp_path / "a.csv"), open("/dev/full", "w") as file:
            file.write("x" * 100_000)

    with pytest.raises(UserError, match=r"No space left on the disk for .*a\.csv"):
        write()


def test_matching_needs_eyes_that_look_different_ways():
    images, labels = simulate(12, "simulator")
    with pytest.raises(UserError, match="does not vary"):
        match_gaze(ImageSet(images, labels.assign(yaw=0.1)), ImageSet(images))
    missing = labels.assign(pitch=np.where(np.arange(12) < 4, np.nan, labels["pitch"]))
    with (
        pytest.warns(UserWarning, match="4 of 12 images with a label missing"),
        pytest.raises(UserError, match="at least 10"),
    ):
        match_gaze(ImageSet(images, missing), ImageSet(images))
