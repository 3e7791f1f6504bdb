import json
import math

import keras
import numpy as np
import pytest

from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet, to_float
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import gaze, realism, report
from simgan_lib.evaluation.gaze import Effort, angular_error, build_gaze_estimator
from simgan_lib.models import refine
from simgan_lib.notebook import plots
from simgan_lib.runs import Run, reference_run
from simgan_lib.training import train


def linear(image_shape, outputs, seed):
    """A network of one's own, and one that is quick to build."""
    flat = keras.layers.Flatten(name="features")
    return keras.Sequential([keras.Input(image_shape), flat, keras.layers.Dense(outputs)])


FAST = Effort(epochs=1, network=linear, instrument_images=64)
# One phase, as each compiles for seconds.
CONFIG = preset("smoke").replace(
    precision="float32",
    iterations=2,
    refiner_pretraining_steps=0,
    discriminator_pretraining_steps=0,
)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def data():
    synthetic = ImageSet(*simulate(300, "simulator", workers=1), "simulator")
    real, _ = simulate(300, "webcam", start=10**8, workers=1)
    test = ImageSet(*simulate(60, "webcam", start=2 * 10**8, workers=1), "simulated webcam")
    return GazeData(synthetic, ImageSet(real, None, "simulated webcam"), test)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(data, CONFIG, folder, progress=False)
    return Run(folder)


def test_angular_error_against_known_angles():
    turned = [[math.sin(math.radians(d)), 0, -math.cos(math.radians(d))] for d in (0, 1e-3, 7, 90)]
    found = angular_error(3.0 * np.array(turned), np.array([[0, 0, -1.0]] * 4))
    np.testing.assert_allclose(found, [0, 1e-3, 7, 90], rtol=1e-6, atol=1e-9)


def test_angular_error_is_symmetric_and_ignores_length():
    a, b = RNG.normal(size=(2, 50, 3))
    np.testing.assert_allclose(angular_error(a, b), angular_error(b, 7 * a))


def test_the_estimators_size():
    assert build_gaze_estimator().count_params() == 185_523
    assert build_gaze_estimator((20, 33, 3), outputs=5).output_shape == (None, 5)


def test_an_estimator_learns_gaze_and_repeats_itself(data):
    targets = data.synthetic.labels[gaze.LOOK].to_numpy()
    effort = Effort(epochs=15)
    errors = gaze.gaze_errors(
        {"synthetic": data.synthetic, "again": data.synthetic}, data.synthetic, 1, effort
    )
    mean = angular_error(np.repeat(targets.mean(axis=0, keepdims=True), 300, 0), targets)
    np.testing.assert_allclose(errors["mean_gaze"], mean[None])
    assert errors["synthetic"].mean() < 0.5 * mean.mean()
    np.testing.assert_array_equal(errors["synthetic"], errors["again"])


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


def test_a_cached_network_is_the_one_that_was_trained(data, tmp_path):
    images, targets = data.synthetic.images[:64], np.ones((64, 3))
    cached = Effort(epochs=1, cache=tmp_path)
    efforts = (Effort(epochs=1), cached, cached)
    networks = [gaze.train_estimator(images, targets, 0, effort) for effort in efforts]
    answers = [network.predict(to_float(images), verbose=0) for network in networks]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    np.testing.assert_array_equal(answers[1], answers[2])
    other = gaze.train_estimator(images, targets, 1, cached)
    assert not np.allclose(other.predict(to_float(images), verbose=0), answers[2])


def test_a_network_of_ones_own_measures(data):
    network = gaze.train_estimator(data.synthetic.images, np.ones((300, 2)), effort=FAST)
    assert network.count_params() == (35 * 55 + 1) * 2
    assert network.get_layer("features").output.shape == (None, 35 * 55)


def test_evaluate_writes_what_it_promises(data, run):
    found = report.evaluate(run, data, seeds=1, effort=FAST, times=2, images=80)
    assert json.loads((run.folder / "evaluation.json").read_text()) == found == run.evaluation
    rows = ["mean_gaze", "synthetic", "handmade", "refined", "labelled"]
    rows += ["synthetic_2x", "refined_2x"]
    for key in ("gaze_error_deg", "median_error_deg", "within_7_deg"):
        assert list(found[key]) == rows
        assert all(len(row["per_seed"]) == 1 for row in found[key].values())
    for key in ("two_sample_accuracy", "kid"):
        assert list(found[key]) == ["synthetic", "refined", "real"]
    # Half of the real images is the reference. Half of the pooled images is held out.
    tested = {name: row["tested"] for name, row in found["two_sample_accuracy"].items()}
    assert tested == {"synthetic": 40, "refined": 40, "real": 40}
    assert set(found["pupil_shift_px"]) == {"median", "p95"}
    assert found["left_out"] == []
    text = report.table(found)
    assert "from simulated webcam images" in text
    assert "real" not in text, "drawn images are never called real"
    assert all(f"\n{name} " in text for name in rows)
    assert len(plots.evaluation_figure(found).axes) == 3


def test_realism_is_measured_without_any_labels(data, run):
    bare = GazeData(ImageSet(data.synthetic.images, None, "simulator"), data.real)
    found = report.evaluate(run, bare, seeds=1, effort=FAST, images=80)
    assert {"two_sample_accuracy", "kid"} <= set(found)
    assert not {"gaze_error_deg", "pupil_shift_px", "label_error"} & set(found)
    assert [line.split(":")[0] for line in found["left_out"]] == ["gaze errors", "labels kept"]
    assert report.table(found).count("Left out") == 2
    assert len(plots.evaluation_figure(found).axes) == 1
    row = report.collect(run.folder).iloc[0]
    assert row[["gaze_error_deg", "pupil_shift_px", "label_error"]].isna().all()
    assert row["two_sample_accuracy"] == 100 * found["two_sample_accuracy"]["refined"]["mean"]


def test_labels_of_ones_own_are_measured_by_a_function(data, run):
    def label_error(training, test, seed):
        """Predicts the mean of the training labels, and errs by the seed more."""
        mean = training.labels["openness"].mean() - training.images.mean()
        return np.abs(test.labels["openness"] - mean).to_numpy() + seed

    def opened(images):
        labels = images.labels[["pitch"]].assign(openness=np.arange(len(images)))
        return ImageSet(images.images, labels, images.source)

    own = GazeData(opened(data.synthetic), data.real, opened(data.test))
    with pytest.warns(UserWarning, match="labels are not those of the training"):
        found = report.evaluate(run, own, 2, FAST, images=80, label_error=label_error)
    refined = ImageSet(refine(run.refiner(), own.synthetic.images[:80]), own.synthetic[:80].labels)
    for name, images in {"synthetic": own.synthetic[:80], "refined": refined}.items():
        expected = [label_error(images, own.test, seed).mean() for seed in (0, 1)]
        assert found["label_error"][name]["per_seed"] == pytest.approx(expected)
    assert f" {found['label_error']['refined']['mean']:.3f}" in report.table(found)
    assert "| label error |" in report.markdown(report.collect(run.folder))
    with pytest.raises(UserError, match=r"data\.test"):
        report.evaluate(run, GazeData(own.synthetic, own.real), label_error=label_error)


def test_a_number_that_is_none_is_null_in_the_record(data, run):
    found = report.evaluate(
        run, data, 1, FAST, images=80, label_error=lambda training, test, seed: np.full(3, np.nan)
    )
    text = (run.folder / "evaluation.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["label_error"]["refined"]["mean"] is None
    assert np.isnan(run.evaluation["label_error"]["refined"]["mean"])
    assert report.table(run.evaluation) == report.table(found)
    assert np.isnan(report.collect(run.folder)["label_error"]).all()


def test_infinite_labels_are_refused_before_anything_is_trained(data, run, monkeypatch):
    monkeypatch.setattr(gaze, "train_estimator", pytest.fail)
    images, labels = data.synthetic.images, data.synthetic.labels.assign(openness=np.inf)
    broken = GazeData(ImageSet(images, labels, data.synthetic.source), data.real, data.test)
    with pytest.raises(UserError, match="finite"):
        report.evaluate(run, broken, seeds=1, effort=FAST)


def test_colour_images_are_measured(data, tmp_path):
    tint = np.array([1.0, 0.8, 0.6])
    synthetic, real, test = (
        ImageSet(
            (found.images[:40, :24, :31, None] * tint).astype("uint8"),
            found.labels if found.labels is None else found.labels.iloc[:40],
            "tinted",
        )
        for found in (data.synthetic, data.real, data.test)
    )
    tinted = GazeData(synthetic, real, test)
    train(tinted, CONFIG, tmp_path, progress=False)
    found = report.evaluate(Run(tmp_path), tinted, seeds=1, effort=FAST)
    assert list(found["gaze_error_deg"]) == ["mean_gaze", "synthetic", "handmade", "refined"]
    assert "gap_closed" not in found
    assert found["left_out"] == ["labels kept: only measured on gray eyes with gaze and pupils"]
    assert found["two_sample_accuracy"]["refined"]["tested"] == 20
    assert "from real images" in report.table(found)


def test_evaluation_refuses_other_data(data, run):
    fewer = GazeData(data.synthetic[:200], data.real, data.test)
    with pytest.raises(UserError, match="with the same limit"):
        report.evaluate(run, fewer)


def test_the_table_warns_where_all_eyes_were_turned():
    found = dict(reference_run("best").evaluation)
    assert "data match" not in report.table(found)
    found["mean_turn_deg"] = {"pitch": 0.5, "yaw": -6.5}
    assert "yaw -6.5 degrees.\nThe labels are wrong" in report.table(found)


def test_visual_turing_test_knows_where_the_real_image_is():
    real, refined = np.full((2, 1000, 2, 2), [[[[1]]], [[[0]]]], "uint8")
    pairs, real_side = realism.visual_turing_test(refined, real, pairs=1000, seed=4)
    numbers = np.arange(1000)
    assert (pairs[numbers, real_side] == 1).all()
    assert (pairs[numbers, 1 - real_side] == 0).all()
    assert 400 < real_side.sum() < 600
    with pytest.raises(UserError, match="1001 pairs need"):
        realism.visual_turing_test(real, real, pairs=1001)
