import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.simulator import render, sample_eyes, simulate
from simgan_lib.evaluation import gaze, realism
from simgan_lib.evaluation import report as evaluation
from simgan_lib.evaluation.gaze import Effort, angular_error
from simgan_lib.models import build_gaze_estimator
from simgan_lib.notebook import plots
from simgan_lib.runs import Run, reference_run
from simgan_lib.training import train

QUICK = Effort(epochs=3, instrument_images=300)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def data():
    synthetic = ImageSet(*simulate(300, "simulator", workers=1), "simulator")
    real, _ = simulate(300, "webcam", start=10**8, workers=1)
    test = ImageSet(*simulate(150, "webcam", start=2 * 10**8, workers=1), "simulated webcam")
    return GazeData(synthetic, ImageSet(real, None, "simulated webcam"), test)


def test_angular_error_against_known_angles():
    turned = [[math.sin(math.radians(d)), 0, -math.cos(math.radians(d))] for d in (0, 1e-3, 7, 90)]
    found = angular_error(3.0 * np.array(turned), np.array([[0, 0, -1.0]] * 4))
    np.testing.assert_allclose(found, [0, 1e-3, 7, 90], rtol=1e-6, atol=1e-9)


def test_angular_error_is_symmetric_and_ignores_length():
    a, b = RNG.normal(size=(2, 50, 3))
    np.testing.assert_allclose(angular_error(a, b), angular_error(b, 7 * a))


def test_the_estimators_sizes():
    assert build_gaze_estimator().count_params() == 185_523
    paper = build_gaze_estimator(size="paper")
    assert paper.get_layer("flatten").output.shape == (None, 9_600)
    assert paper.get_layer("features").units == 1_000
    with pytest.raises(ValueError, match="received 'huge'"):
        build_gaze_estimator(size="huge")


def test_an_estimator_learns_gaze_and_repeats_itself(data):
    targets = data.synthetic.labels[gaze.LOOK].to_numpy()
    effort = Effort(epochs=15)
    errors = gaze.gaze_errors(
        {"synthetic": data.synthetic, "again": data.synthetic}, data.synthetic, 2, effort
    )
    mean = angular_error(np.repeat(targets.mean(axis=0, keepdims=True), 300, 0), targets)
    np.testing.assert_allclose(errors["mean_gaze"], np.stack([mean, mean]))
    assert errors["synthetic"].mean() < 0.5 * mean.mean()
    np.testing.assert_array_equal(errors["synthetic"], errors["again"])
    assert not np.array_equal(errors["synthetic"][0], errors["synthetic"][1])


def test_summary_of_errors_by_hand():
    errors = {
        "synthetic": np.array([[6.0, 14.0], [8.0, 16.0]]),
        "refined": np.array([[4.0, 8.0], [6.0, 6.0]]),
        "labelled": np.array([[2.0, 4.0], [4.0, 4.0]]),
    }
    found = gaze.summarise_errors(errors)
    spread = {"mean": 11.0, "std": math.sqrt(2), "per_seed": [10, 12]}  # of a sample
    assert found["gaze_error_deg"]["synthetic"] == spread
    assert found["within_7_deg"]["refined"]["per_seed"] == [50.0, 100.0]
    assert found["gap_closed"]["per_seed"] == pytest.approx([4 / 7, 6 / 8])
    curve = dict(zip(found["curve"]["degrees"], found["curve"]["synthetic"], strict=True))
    assert (curve[5.5], curve[6.0], curve[7.0], curve[30.0]) == (0.0, 25.0, 25.0, 100.0)


def test_handmade_images_are_equalised_blurred_and_repeatable(data):
    images = data.synthetic.images[:50]
    made = gaze.handmade(images, seed=1)
    assert (made.shape, made.dtype) == (images.shape, images.dtype)
    np.testing.assert_array_equal(made, gaze.handmade(images, seed=1))
    assert not np.array_equal(made, gaze.handmade(images, seed=2))
    # Each image by itself: equally bright, whatever the others are like.
    assert made.mean(axis=(1, 2)).std() < 1.0
    np.testing.assert_array_equal(made[:1], gaze.handmade(images[:1], seed=1))
    # An equalised histogram is flat: mean half, standard deviation 255 / sqrt(12).
    assert made.mean() == pytest.approx(127.5, abs=6)
    assert made.std() == pytest.approx(255 / math.sqrt(12), abs=4)


def test_two_sample_test_sees_a_difference_and_only_a_difference(data):
    webcam = data.real.images
    effort = Effort(epochs=6)
    alike, _ = realism.two_sample_test(webcam[:150], webcam[150:], effort=effort)
    assert alike["low"] < 0.5 < alike["high"]
    apart, _ = realism.two_sample_test(data.synthetic.images, webcam, effort=effort)
    assert apart["low"] > 0.8
    assert apart["tested"] == 300


def test_kernel_distance_against_the_definition():
    x, y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4)) + 1

    def k(a, b):
        return (a @ b / 4 + 1) ** 3

    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    expected = np.mean([k(x[i], x[j]) + k(y[i], y[j]) for i, j in pairs]) - 2 * np.mean(
        [k(a, b) for a in x for b in y]
    )
    found = realism.kernel_distance(x, y, subsets=3, size=6)
    assert found["mean"] == pytest.approx(expected)


def test_kernel_distance_is_unbiased():
    """The mean over many pairs of sets from one distribution is 0, and not the plain one's bias."""
    estimates = [
        realism.kernel_distance(*RNG.normal(size=(2, 30, 4)), subsets=1)["mean"] for _ in range(300)
    ]
    standard_error = np.std(estimates) / math.sqrt(300)
    assert abs(np.mean(estimates)) < 3 * standard_error
    bias = 2 * np.mean([(v @ v / 4 + 1) ** 3 for v in RNG.normal(size=(300, 4))]) / 30
    assert bias > 10 * standard_error, "the test could not see the bias"


@pytest.fixture(scope="module")
def instrument(tmp_path_factory):
    """An effort whose instrument is trained once for all tests."""
    return Effort(epochs=20, instrument_images=1000, cache=tmp_path_factory.mktemp("cache"))


def test_labels_kept_measures_a_known_shift(data, instrument):
    images = data.synthetic.images
    still = evaluation.labels_kept(data.synthetic, images, instrument)
    assert still["pupil_shift_px"] == {"median": 0.0, "p95": 0.0}
    assert still["mean_turn_deg"] == {"pitch": 0.0, "yaw": 0.0}
    assert still["instrument_error_px"]["median"] < 1.5
    moved = ndimage.shift(images, (0, 0, 3), order=1, mode="nearest")
    found = evaluation.labels_kept(data.synthetic, moved, instrument)
    assert found["pupil_shift_px"]["median"] == pytest.approx(3.0, abs=0.8)


def test_labels_kept_sees_a_turn_that_all_eyes_share(data, instrument):
    eyes = sample_eyes(len(data.synthetic), "simulator", seed=0)
    up = render(eyes.assign(pitch=eyes["pitch"] + 0.15), "simulator")
    found = evaluation.labels_kept(data.synthetic, up, instrument)
    assert found["mean_turn_deg"]["pitch"] == pytest.approx(np.degrees(0.15), abs=4)
    assert abs(found["mean_turn_deg"]["yaw"]) < 2


def test_evaluate_writes_what_it_promises(data, tmp_path):
    folder = tmp_path / "run"
    config = preset("smoke").replace(precision="float32", filters=8)
    train(data, config, folder, progress=False)
    found = evaluation.evaluate(Run(folder), data, seeds=2, effort=QUICK, times=2)
    assert json.loads((folder / "evaluation.json").read_text()) == found
    rows = [
        "mean_gaze",
        "synthetic",
        "handmade",
        "refined",
        "labelled",
        "synthetic_2x",
        "refined_2x",
    ]
    for key in ("gaze_error_deg", "within_7_deg"):
        assert list(found[key]) == rows
        for row in found[key].values():
            assert set(row) == {"mean", "std", "per_seed"}
            assert len(row["per_seed"]) == 2
    for key in ("two_sample_accuracy", "kid"):
        assert list(found[key]) == ["synthetic", "refined", "real"]
    assert set(found["pupil_shift_px"]) == {"median", "p95"}
    text = evaluation.table(found)
    assert "Told from simulated webcam images" in text
    assert "real" not in text, "drawn images are never called real"
    for name in rows:
        assert f"{name} " in text
    assert len(plots.evaluation_figure(found).axes) == 3


def test_the_table_warns_where_all_eyes_were_turned():
    found = dict(reference_run("best").evaluation)
    assert "turns all eyes" in evaluation.table(found)
    assert "data match" not in evaluation.table(found)
    found["mean_turn_deg"] = {"pitch": 0.5, "yaw": -6.5}
    assert "yaw -6.5 degrees. Their labels are wrong" in evaluation.table(found)
    del found["mean_turn_deg"]
    assert "turns" not in evaluation.table(found)


def test_photographs_without_labels_get_realism_alone(data, tmp_path):
    photographs = GazeData(data.synthetic, ImageSet(data.real.images, None, "my photographs"))
    train(photographs, preset("smoke").replace(precision="float32"), tmp_path, progress=False)
    found = evaluation.evaluate(Run(tmp_path), photographs, seeds=1, effort=QUICK, images=150)
    assert found["images"] == 150
    # Half of the pooled images of two kinds is held out; real against real has half of them.
    tested = {name: row["tested"] for name, row in found["two_sample_accuracy"].items()}
    assert tested == {"synthetic": 76, "refined": 76, "real": 76}
    assert "gaze_error_deg" not in found
    assert {"two_sample_accuracy", "kid", "pupil_shift_px"} <= set(found)
    assert "Told from real images" in evaluation.table(found)
    assert len(plots.evaluation_figure(found).axes) == 1


def test_evaluation_needs_labels(data, tmp_path):
    train(data, preset("smoke").replace(precision="float32"), tmp_path, progress=False)
    unlabelled = GazeData(
        ImageSet(data.synthetic.images, pd.DataFrame({"pitch": np.zeros(300)}), "x"), data.real
    )
    with pytest.raises(UserError, match="Evaluation needs labels look_x"):
        evaluation.evaluate(Run(tmp_path), unlabelled)


def test_visual_turing_test_has_the_papers_statistic():
    """517 of 1,000 right: p = 0.148."""
    real, refined = np.full((2, 1000, 2, 2), [[[[1]]], [[[0]]]], "uint8")
    test = realism.visual_turing_test(refined, real, pairs=1000, seed=4)
    sides = np.arange(1000)
    assert (test.pairs[sides, test.real_side] == 1).all(), "the real image is not where it says"
    assert (test.pairs[sides, 1 - test.real_side] == 0).all()
    assert 400 < test.real_side.sum() < 600
    answers = np.where(sides < 517, test.real_side, 1 - test.real_side)
    found = test.score(answers)
    assert (found["correct"], found["shown"]) == (517, 1000)
    assert found["p_value"] == pytest.approx(0.148, abs=5e-4)
    assert test.score(test.real_side)["p_value"] < 1e-100


def test_visual_turing_test_refuses_what_it_cannot_score():
    images = np.zeros((5, 2, 2), "uint8")
    with pytest.raises(UserError, match="6 pairs need"):
        realism.visual_turing_test(images, images, pairs=6)
    with pytest.raises(UserError, match="Expected 5 answers"):
        realism.visual_turing_test(images, images, pairs=5).score([0, 1])


def test_evaluation_refuses_other_data(data, tmp_path):
    train(data, preset("smoke").replace(precision="float32"), tmp_path, progress=False)
    fewer = GazeData(data.synthetic[:200], data.real, data.test)
    with pytest.raises(UserError, match="with the same limit"):
        evaluation.evaluate(Run(tmp_path), fewer)
