"""The embedded data set: labels that fit the images, and images that look like the real ones."""

import os
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.stats import ks_2samp

from simgan_lib.data import simulator
from simgan_lib.data.camera import blur, draw, equalize
from simgan_lib.data.simulator import labels, render, sample_eyes, simulate

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
REAL = {"simulator": "unityeyes_gaze.h5", "webcam": "real_gaze.h5"}
both_styles = pytest.mark.parametrize("style", simulator.STYLES)
# An eye opened so wide, and so plainly lit, that nothing hides or brightens its pupil.
OPEN = {"lid_cover": -9, "lower_lid": 15, "lid_squint": 0, "eye_width": 44, "lid_shadow": 0}
OPEN |= {"shadow": 0, "glint": 0, "glasses": 0, "socket": 0, "light_x": 0, "light_y": 0, "lash": 0}


def pupil_centre(eyes, size=(35, 55)):
    """The centre of what changes in the scene when the pupil grows."""
    eyes = eyes.assign(**OPEN)
    change = np.abs(draw(eyes.assign(pupil=0.6), size) - draw(eyes.assign(pupil=0), size))
    weight = change / change.sum((1, 2), keepdims=True)
    return (weight * np.arange(size[1])).sum((1, 2)), (weight.sum(2) * np.arange(size[0])).sum(1)


@both_styles
@pytest.mark.parametrize("size", [(35, 55), (70, 110), (41, 63)])
def test_the_pupil_is_where_the_label_says(style, size):
    eyes = sample_eyes(60, style, seed=5)
    eyes["roll"] *= 3
    x, y = pupil_centre(eyes, size)
    where = labels(eyes, size)
    error = np.hypot(x - where["pupil_x"], y - where["pupil_y"])
    assert np.median(error) < 0.25
    assert error.max() < 0.6


@both_styles
def test_the_dark_spot_of_the_picture_is_near_the_label(style):
    eyes = sample_eyes(200, style, seed=6)
    images, where = render(eyes, style).astype(np.float32), labels(eyes)
    dark = blur(images, np.float32(2)).reshape(len(eyes), -1).argmin(1)
    y, x = np.divmod(dark, 55)
    error = np.hypot(x - where["pupil_x"], y - where["pupil_y"])
    assert np.median(error) < 4


@both_styles
def test_pitch_up_is_up_and_yaw_left_is_left(style):
    eye = sample_eyes(8, style, seed=1).assign(pitch=0.0, yaw=0.0)
    x, y = pupil_centre(eye)
    assert (pupil_centre(eye.assign(pitch=0.3))[1] < y - 3).all()
    assert (pupil_centre(eye.assign(yaw=0.3))[0] < x - 3).all()
    assert (labels(eye.assign(pitch=0.3))["look_y"] < 0).all()
    assert (labels(eye.assign(yaw=0.3))["look_x"] < 0).all()


@both_styles
def test_look_is_a_unit_vector_with_pitch_and_yaw(style):
    where = labels(sample_eyes(100, style))
    assert list(where) == ["pitch", "yaw", "look_x", "look_y", "look_z", "pupil_x", "pupil_y"]
    look = where[["look_x", "look_y", "look_z"]].to_numpy()
    np.testing.assert_allclose(np.linalg.norm(look, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(np.arcsin(-look[:, 1]), where["pitch"], atol=1e-12)
    np.testing.assert_allclose(np.arctan2(-look[:, 0], -look[:, 2]), where["yaw"], atol=1e-12)


def test_both_styles_look_the_same_ways():
    sets = [labels(sample_eyes(20_000, style)) for style in ("webcam", "simulator")]
    for angle, low, high in (("pitch", -0.42, 0.2), ("yaw", -0.45, 0.45)):
        webcam, simulator = (found[angle].to_numpy() for found in sets)
        assert ks_2samp(webcam, simulator).pvalue > 0.01
        for found in (webcam, simulator):
            np.testing.assert_allclose([found.min(), found.max()], [low, high], atol=0.002)


@both_styles
def test_mirrored_eyes_draw_mirrored_scenes(style):
    eyes = sample_eyes(64, style, seed=2)
    eyes["glasses"] = eyes["reflection"] = 0.8
    eyes["head_cut"] = 4.0
    turned = ("side", "yaw", "roll", "shift_x", "light_x", "shadow_x", "glint_x")
    mirrored = eyes.assign(**{column: -eyes[column] for column in turned})
    scenes = draw(eyes, (35, 55))
    np.testing.assert_allclose(draw(mirrored, (35, 55)), scenes[:, :, ::-1], atol=2e-4)
    np.testing.assert_allclose(labels(mirrored)["pupil_x"], 54 - labels(eyes)["pupil_x"])


@both_styles
def test_same_seed_same_bytes_whoever_draws(style):
    images, where = simulate(150, style, seed=3, workers=1)
    for_two, where_two = simulate(150, style, seed=3, workers=2)
    np.testing.assert_array_equal(images, for_two)
    assert where.equals(where_two)
    parts = [simulate(n, style, seed=3, start=start) for start, n in ((0, 37), (37, 64), (101, 49))]
    np.testing.assert_array_equal(images, np.concatenate([part for part, _ in parts]))
    assert where[37:101].equals(parts[1][1])
    assert not np.array_equal(images, simulate(150, style, seed=4)[0])


# Change them only together with simulator.VERSION.
GOLDEN = [1017079982, 1948085204, 1588204614, 1900918355]


def checksums():
    """Of the images and the labels of either style."""
    found = []
    for style in simulator.STYLES:
        drawn = [simulate(300, style, seed=1), simulate(20, style, seed=1, size=(70, 110))]
        for part in zip(*drawn, strict=True):
            found.append(zlib.crc32(b"".join(np.asarray(values).tobytes() for values in part)))
    return found


def test_the_eyes_are_those_of_every_other_machine():
    assert checksums() == GOLDEN


def test_the_same_bytes_without_the_processor_s_vector_instructions():
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found")
    if not found:
        pytest.skip("NumPy uses no vector instructions here that could be switched off")
    off = {"NPY_DISABLE_CPU_FEATURES": " ".join(found), "JSIMD_FORCENONE": "1"}
    off |= {"OPENBLAS_CORETYPE": "Prescott"}
    off |= {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-FMA,-FMA4"}
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", "from test_simulator import checksums; print(checksums())"]
    done = subprocess.run(
        command, env={**os.environ, **off, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(GOLDEN), done.stderr


def test_rows_may_start_in_any_block():
    whole = sample_eyes(600, "webcam", seed=9)
    assert sample_eyes(90, "webcam", seed=9, start=500).equals(whole[500:590])
    assert len(sample_eyes(0, "webcam")) == 0
    assert simulate(0, "webcam")[0].shape == (0, 35, 55)


@both_styles
@pytest.mark.parametrize("size", [(70, 110), (33, 47), (64, 64), (128, 128), (1, 1)])
def test_any_size(style, size):
    images, where = simulate(3, style, size=size)
    assert images.shape == (3, *size)
    assert images.dtype == np.uint8
    if size == (70, 110):  # A pixel's centre is at a whole number, so its edge is half a pixel off.
        small = labels(sample_eyes(3, style))
        np.testing.assert_allclose(where["pupil_x"] + 0.5, 2 * (small["pupil_x"] + 0.5))
        np.testing.assert_allclose(where["pupil_y"] + 0.5, 2 * (small["pupil_y"] + 0.5))


def test_people_keep_their_eyes():
    eyes = sample_eyes(4000, "webcam")
    assert eyes["person"].nunique() == simulator.PEOPLE
    assert (eyes.groupby("person")[list(simulator.PERSON)].nunique() == 1).all(axis=None)
    moved = simulator.set_person(eyes, 3, "webcam")
    assert moved["yaw"].equals(eyes["yaw"])
    assert (moved["iris"] == eyes["iris"][eyes["person"] == 3].iloc[0]).all()


def test_styles_differ_in_content_and_not_only_in_the_camera():
    clean, webcam = (sample_eyes(1000, style) for style in simulator.STYLES)
    assert webcam["lash"].mean() > 3 * clean["lash"].mean()
    assert webcam["shadow"].mean() > 5 * clean["shadow"].mean()
    assert (webcam["glasses"] > 0).mean() > 0.05
    assert (clean["glasses"] == 0).all()


def test_equalised_levels_are_spread_evenly():
    image = np.random.default_rng(0).integers(90, 140, (35, 55)).astype(np.uint8)
    assert 120 < equalize(image).mean() < 136
    assert 70 < equalize(image).std() < 78


def measure(images):
    images = images.astype(np.float64)
    slope = [np.abs(np.diff(images, axis=axis)).mean() for axis in (1, 2)]
    centred = (images - images.mean((1, 2), keepdims=True)) * np.outer(
        np.hanning(35), np.hanning(55)
    )
    power = (np.abs(np.fft.fft2(centred)) ** 2).mean(0)
    frequency = np.hypot(np.fft.fftfreq(35)[:, None], np.fft.fftfreq(55))
    edges = (0.02, 0.05, 0.09, 0.15, 0.22, 0.32, 0.5)
    rings = [(frequency >= a) & (frequency < b) for a, b in pairwise(edges)]
    bands = np.log10([power[ring].mean() for ring in rings])
    return images.mean(), images.std(), images.std((1, 2)).mean(), np.array(slope), bands


@both_styles
def test_statistics_are_near_the_real_ones(style):
    path = DATA / REAL[style]
    if not path.exists():
        pytest.skip(f"{path} is absent: the real images are not the project's to ship")
    with h5py.File(path) as file:
        real = np.stack([image[()] for image in file["image"].values()])
    theirs, ours = measure(real), measure(simulate(1500, style, seed=11)[0])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0.06)  # Mean.
    np.testing.assert_allclose(ours[1:3], theirs[1:3], rtol=0.08)  # Contrast, of all and of each.
    np.testing.assert_allclose(ours[3], theirs[3], rtol=0.18)  # Gradients, down and across.
    np.testing.assert_allclose(ours[4], theirs[4], atol=0.35)  # Power spectrum, in decades.


def test_errors_say_what_to_do():
    eyes = sample_eyes(2, "webcam")
    with pytest.raises(ValueError, match=r"one of \('simulator', 'webcam'\); received 'real'"):
        sample_eyes(2, "real")
    with pytest.raises(ValueError, match="received 'real'"):
        render(eyes, "real")
    with pytest.raises(ValueError, match="0 or more; received count=-1"):
        simulate(-1, "webcam")
    with pytest.raises(ValueError, match=r"missing are \['yaw'\].*sample_eyes"):
        labels(eyes.drop(columns="yaw"))
    with pytest.raises(ValueError, match=r"\(H, W\).*not \(0, 55\)"):
        render(eyes, "webcam", size=(0, 55))
    with pytest.raises(ValueError, match=r"not \(35,\)"):
        labels(eyes, size=(35,))
    with pytest.raises(ValueError, match="workers must be greater than 0"):
        simulate(2, "webcam", workers=0)
    with pytest.raises(ValueError, match="from 0 to 199"):
        simulator.set_person(eyes, 200, "webcam")
