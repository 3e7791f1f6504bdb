import numpy as np
import pytest
from scipy import ndimage

from simgan_lib.config import UserError
from simgan_lib.data import ImageSet
from simgan_lib.data.simulator import labels, render, sample_eyes, simulate
from simgan_lib.evaluation.gaze import Effort
from simgan_lib.evaluation.matching import gaze_reader, match_gaze
from simgan_lib.evaluation.report import labels_kept


@pytest.fixture(scope="module")
def effort(tmp_path_factory):
    """An effort whose instrument is trained once for all tests."""
    return Effort(epochs=20, instrument_images=1000, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def synthetic():
    return ImageSet(*simulate(1500, "simulator"), "simulator")


@pytest.fixture(scope="module")
def eyes(synthetic):
    return synthetic[:300]


def webcam(pitch, yaw, count=200):
    """Simulated webcam eyes that look about one way, in radians; their labels are thrown away."""
    rng = np.random.default_rng(0)
    eyes = sample_eyes(count, "webcam", start=10**8)
    eyes = eyes.assign(pitch=rng.normal(pitch, 0.08, count), yaw=rng.normal(yaw, 0.1, count))
    return ImageSet(render(eyes, "webcam"), None, "simulated webcam")


def test_the_reader_reads_eyes_of_both_styles(effort):
    read = gaze_reader((35, 55), effort)
    for style in ("simulator", "webcam"):
        eyes = sample_eyes(200, style, seed=1)
        found, true = read(render(eyes, style)), labels(eyes)
        assert np.degrees(np.abs(found["pitch"] - true["pitch"])).median() < 4
        assert np.degrees(np.abs(found["yaw"] - true["yaw"])).median() < 4
        assert np.abs(found["pupil_x"] - true["pupil_x"]).median() < 1.5


def test_kept_eyes_look_where_the_real_ones_do(synthetic, effort):
    kept, looks = match_gaze(synthetic, webcam(0.02, -0.15), effort)
    true = np.degrees([0.02, -0.15])
    gaze = np.degrees(kept.labels[["pitch", "yaw"]])
    before = np.degrees(synthetic.labels[["pitch", "yaw"]])
    assert np.linalg.norm(before.mean() - true) > 8
    assert np.linalg.norm(gaze.mean() - true) < 4
    assert (gaze.std() < 0.8 * before.std()).all()
    np.testing.assert_allclose(looks.loc["kept", ["pitch", "yaw"]].astype(float), gaze.mean())
    # Images and labels still belong together, and what is kept is the simulator's own.
    row = {pitch: number for number, pitch in enumerate(synthetic.labels["pitch"])}
    place = [row[pitch] for pitch in kept.labels["pitch"]]
    np.testing.assert_array_equal(kept.images, synthetic.images[place])
    assert 50 < len(kept) < len(synthetic)


def test_eyes_that_look_alike_keep_their_range_and_their_number(synthetic, effort):
    alike = ImageSet(simulate(400, "webcam", start=10**8)[0], None, "simulated webcam")
    kept, looks = match_gaze(synthetic, alike, effort)
    assert len(kept) > len(synthetic) / 5
    assert np.abs(looks.loc["kept"] - looks.loc["real"]).max() < 4


def test_eyes_that_look_nowhere_near_are_an_error(synthetic, effort):
    left = synthetic[synthetic.labels["yaw"].to_numpy() > 0.35]
    with pytest.raises(UserError, match="Simulate eyes that look there"):
        match_gaze(left, webcam(-0.1, -0.35), effort)


def test_matching_needs_gaze_labels_one_size_and_enough_images(synthetic):
    with pytest.raises(UserError, match="received 1500 synthetic and 9 real"):
        match_gaze(synthetic, synthetic[:9])
    with pytest.raises(UserError, match="needs labels pitch and yaw"):
        match_gaze(ImageSet(synthetic.images, None, "pictures"), synthetic)
    small = ImageSet(np.zeros((9, 18, 28), np.uint8), None, "small pictures")
    with pytest.raises(UserError, match="of one size"):
        match_gaze(synthetic, small)


def test_labels_kept_measures_a_known_shift(eyes, effort):
    images = eyes.images
    still = labels_kept(eyes, images, effort)
    assert still["pupil_shift_px"] == {"median": 0.0, "p95": 0.0}
    assert still["mean_turn_deg"] == {"pitch": 0.0, "yaw": 0.0}
    assert still["instrument_error_px"]["median"] < 1.5
    moved = ndimage.shift(images, (0, 0, 3), order=1, mode="nearest")
    found = labels_kept(eyes, moved, effort)
    assert found["pupil_shift_px"]["median"] == pytest.approx(3.0, abs=0.8)


def test_labels_kept_sees_a_turn_that_all_eyes_share(eyes, effort):
    drawn = sample_eyes(len(eyes), "simulator")
    up = render(drawn.assign(pitch=drawn["pitch"] + 0.15), "simulator")
    found = labels_kept(eyes, up, effort)
    assert found["mean_turn_deg"]["pitch"] == pytest.approx(np.degrees(0.15), abs=4)
    assert abs(found["mean_turn_deg"]["yaw"]) < 2
