"""The embedded data set: a parametric eye with exact gaze labels, drawn in two styles.

An eye is a row of a table: whose it is, where it looks, and how it is photographed. This module
makes such tables and their labels, and `simgan_lib.data.camera` draws the rows. The styles differ
in the distributions of the columns and in the camera; the geometry of gaze is the same.
"""

import os

import numpy as np
import pandas as pd
from scipy.special import ndtri
from tqdm.contrib.concurrent import thread_map

from simgan_lib.data.camera import CAMERAS, IRIS_PLANE, SIZE, draw, look_vector, pixels_per_mm
from simgan_lib.data.images import check_size

VERSION = 3  # raise it when pictures change: `load` then refuses older sets on disk
STYLES = tuple(CAMERAS)
PEOPLE = 200
CHUNK = 64  # rows drawn at once: small enough for the processor's cache, large enough for NumPy
BLOCK = 256  # rows that share a random generator, as one for each row would take longer


# Each of these four turns luck, a random number in [0, 1), into a parameter.
def uniform(low, high):
    """Any number from low to high."""
    return lambda luck: low + (high - low) * luck


def normal(mean, spread):
    """A normal distribution, cut off at 2.5 standard deviations."""
    # Processors round logarithms differently: six decimals hide it.
    return lambda luck: mean + spread * np.round(np.clip(ndtri(luck), -2.5, 2.5), 6)


def skewed(low, high):
    """Mostly near low, now and then up to high."""
    return lambda luck: low + (high - low) * luck * luck * luck


def sometimes(chance, low, high):
    """Zero, or with this chance any number from low to high."""
    return lambda luck: np.where(luck < chance, low + (high - low) * luck / chance, 0.0)


# What belongs to a person. Column: (distribution in the simulator, in the simulated webcam).
PERSON = {
    # Lids in mm: how much iris the upper one hides, how far down the lower one and how far up the
    # fold lie; tilt in radians, outer corner up; roundness, 0 for an almond, 1 and more for round.
    "eye_width": (normal(31.5, 1.0), normal(31.0, 1.2)),
    "lid_cover": (normal(1.2, 0.4), normal(1.3, 0.5)),
    "lower_lid": (normal(6.2, 0.4), normal(6.0, 0.6)),
    "crease_height": (normal(7.2, 0.7), normal(8.2, 1.0)),
    "tilt": (normal(0.06, 0.04), normal(0.03, 0.05)),
    "roundness": (normal(1.1, 0.15), normal(0.45, 0.2)),
    # Depth of the lid's fold, of the bag below the eye, of wrinkles and of the shadows: 0 to 1.
    "crease": (uniform(0.15, 0.4), uniform(0.3, 0.8)),
    "bag": (uniform(0.0, 0.2), uniform(0.1, 0.6)),
    "wrinkles": (uniform(0.01, 0.035), uniform(0.02, 0.1)),
    "socket": (uniform(0.15, 0.25), uniform(0.7, 0.95)),
    "lid_shadow": (uniform(0.35, 0.55), uniform(0.5, 0.95)),
    # Reflectances from 0 (black) to 1 (white); contrast and place of the fibres in the iris.
    "skin": (normal(0.45, 0.05), normal(0.55, 0.08)),
    "sclera": (normal(0.6, 0.06), uniform(0.45, 0.8)),
    "iris": (uniform(0.09, 0.24), uniform(0.04, 0.12)),
    "iris_texture": (uniform(0.1, 0.4), uniform(0.0, 0.4)),
    "texture_phase": (uniform(0.0, 6.28), uniform(0.0, 6.28)),
    # Hair and spectacles: weights from 0 (none) to 1 (black), length and height in mm.
    "lash": (uniform(0.05, 0.25), uniform(0.55, 1.0)),
    "lash_length": (normal(5.5, 1.0), normal(4.0, 1.0)),
    "brow": (uniform(0.0, 0.35), uniform(0.3, 0.9)),
    "brow_height": (normal(16.0, 1.2), normal(13.2, 1.3)),
    "glasses": (uniform(0.0, 0.0), sometimes(0.2, 0.4, 1.0)),
}
# What changes from picture to picture.
PHOTO = {
    # Gaze, radians: pitch up, yaw to the image's left. Both styles alike, or R would turn eyes.
    "pitch": (uniform(-0.42, 0.2), uniform(-0.42, 0.2)),
    "yaw": (uniform(-0.45, 0.45), uniform(-0.45, 0.45)),
    # Head and crop: roll in radians, clockwise; shifts in mm, right and down; zoom as a factor.
    "roll": (normal(0.0, 0.06), normal(0.0, 0.07)),
    "shift_x": (normal(-0.3, 0.8), normal(0.0, 0.9)),
    "shift_y": (normal(-0.8, 0.7), normal(-1.2, 0.9)),
    "zoom": (normal(1.02, 0.04), normal(1.0, 0.05)),
    # How far the upper lid drops, in mm; the pupil's radius as a fraction of the iris's.
    "lid_squint": (normal(0.3, 0.4), normal(0.7, 0.5)),
    "pupil": (uniform(0.38, 0.66), uniform(0.3, 0.5)),
    # Light, about -1 (at the left, above) to 1 (right, below); a cast shadow, its strength and
    # place; a glint in the eye, its strength and place in mm; mm of the picture past the head.
    "light_x": (normal(0.0, 0.35), uniform(-0.8, 0.8)),
    "light_y": (normal(0.15, 0.3), normal(0.2, 0.3)),
    "shadow": (sometimes(0.1, 0.1, 0.4), sometimes(0.4, 0.3, 0.8)),
    "shadow_x": (normal(0.0, 1.0), normal(0.0, 1.0)),
    "glint": (sometimes(0.3, 0.1, 0.4), sometimes(0.8, 0.2, 0.9)),
    "glint_x": (normal(0.0, 1.5), normal(0.0, 1.8)),
    "head_cut": (sometimes(0.02, 1.0, 8.0), uniform(0.0, 0.0)),
    # Spectacles: the rim's place in mm, the strength of the reflection.
    "rim_x": (uniform(0.0, 0.0), normal(-3.0, 3.0)),
    "rim_height": (uniform(12.0, 12.0), normal(11.5, 1.5)),
    "reflection": (uniform(0.0, 0.0), sometimes(0.6, 0.3, 0.9)),
    # Camera: exposure as a factor, blur in pixels, noise in gray levels, JPEG quality.
    "exposure": (normal(1.15, 0.29), normal(1.0, 0.15)),
    "blur": (uniform(0.0, 0.0), skewed(0.0, 0.7)),
    "noise": (uniform(0.0, 0.0), skewed(3.0, 28.0)),
    "jpeg": (uniform(100.0, 100.0), uniform(75.0, 98.0)),
    # +1: inner corner at the left, as in UnityEyes; -1 for the other eye.
    "side": (uniform(1, 1), uniform(1, 1)),
    # Whose eye it is, and the seed of the camera's noise.
    "person": (uniform(0, PEOPLE), uniform(0, PEOPLE)),
    "noise_seed": (uniform(0, 2**31), uniform(0, 2**31)),
}
COLUMNS = (*PHOTO, *PERSON)
WHOLE_NUMBERS = ("side", "person", "noise_seed")


def sample_eyes(count: int, style: str, seed: int = 0, start: int = 0) -> pd.DataFrame:
    """Draws the parameters of random eyes: a table with the columns of `PERSON` and `PHOTO`.

    The arguments are those of `simulate`. Row i depends on seed, style and start + i alone.

    Example:
        >>> eyes = sample_eyes(4, "simulator", seed=1)
        >>> sample_eyes(2, "simulator", seed=1, start=2).equals(eyes[2:])
        True
    """
    if min(count, seed, start) < 0:
        raise ValueError(f"Expected 0 or more; received {count=}, {seed=}, {start=}.")
    numbers = range(start // BLOCK, -(-(start + count) // BLOCK))
    blocks = [np.random.default_rng([seed, _number(style), number]) for number in numbers]
    luck = [block.random((BLOCK, len(PHOTO))) for block in blocks]
    luck = np.concatenate([np.empty((0, len(PHOTO))), *luck])[start % BLOCK :][:count]
    index = pd.RangeIndex(start, start + count)
    eyes = pd.DataFrame(_parameters(PHOTO, luck, style), index=index)
    eyes = eyes.astype(dict.fromkeys(WHOLE_NUMBERS, np.int64))
    return set_person(eyes, eyes["person"], style)


def set_person(eyes: pd.DataFrame, person: int | np.ndarray, style: str) -> pd.DataFrame:
    """Gives eyes to other people, and leaves gaze, light and camera as they are.

    `person` is a number from 0 to 199: one for all rows, or an array of one for each.
    """
    person = np.broadcast_to(person, len(eyes))
    if not np.isin(person, range(PEOPLE)).all():
        raise ValueError(f"person must be from 0 to {PEOPLE - 1}; received {person}.")
    luck = np.random.default_rng(2017).random((PEOPLE, len(PERSON)))[person]
    return eyes.assign(person=person, **_parameters(PERSON, luck, style))


def _parameters(distributions, luck, style):
    columns = zip(distributions.items(), luck.T, strict=True)
    return {name: styles[_number(style)](column) for (name, styles), column in columns}


def _number(style):
    if style not in STYLES:
        raise ValueError(f"style must be one of {STYLES}; received {style!r}.")
    return STYLES.index(style)


def labels(eyes: pd.DataFrame, size: tuple[int, int] = SIZE) -> pd.DataFrame:
    """Computes where eyes look: a table with the columns of `simgan_lib.data.LABELS`.

    The axes are MPIIGaze's (Zhang et al., CVPR 2015). The pupil is in pixels of an image of `size`.

    Example:
        >>> eyes = sample_eyes(1, "simulator").assign(pitch=0.0, yaw=0.3, shift_x=0.0)
        >>> labels(eyes)[["look_x", "look_y", "look_z"]].round(3).values.tolist()
        [[-0.296, -0.0, -0.955]]
    """
    _check(eyes, size)
    scale = pixels_per_mm(eyes["zoom"], size)
    x, y, z = look_vector(eyes["pitch"].to_numpy(), eyes["yaw"].to_numpy())
    columns = {"pitch": eyes["pitch"], "yaw": eyes["yaw"], "look_x": x, "look_y": y, "look_z": z}
    columns["pupil_x"] = (size[1] - 1) / 2 + scale * (eyes["shift_x"] + IRIS_PLANE * x)
    columns["pupil_y"] = (size[0] - 1) / 2 + scale * (eyes["shift_y"] + IRIS_PLANE * y)
    return pd.DataFrame(columns, index=eyes.index)


def render(
    eyes: pd.DataFrame,
    style: str,
    size: tuple[int, int] = SIZE,
    workers: int | None = 1,
    progress: bool = False,
) -> np.ndarray:
    """Photographs eyes as uint8 images (n, H, W). The same table gives the same images.

    `style` chooses the camera; the table says what it sees. The rest is as in `simulate`.
    """
    _check(eyes, size, style)

    def work(first):
        chunk = eyes.iloc[first : first + CHUNK]
        return CAMERAS[style](draw(chunk, size), chunk)

    # Not processes: these take longer to start than to draw thousands of images, run a script's top
    # level again, and may hang when forked from TensorFlow.
    options = {"max_workers": os.cpu_count() if workers is None else workers, "desc": style}
    parts = thread_map(work, range(0, len(eyes), CHUNK), disable=not progress, **options)
    return np.concatenate([np.empty((0, *size), np.uint8), *parts])


def simulate(
    count: int,
    style: str,
    seed: int = 0,
    size: tuple[int, int] = SIZE,
    workers: int | None = None,
    start: int = 0,
    progress: bool = False,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Makes a labelled data set: uint8 images (count, H, W), and their `labels`.

    Args:
        count: Number of images, 0 or more.
        style: "simulator" (like UnityEyes) or "webcam" (simulated webcam, like MPIIGaze).
        seed: Seed of the data set, 0 or more.
        size: (H, W) in pixels.
        workers: Number of threads, None for one per processor. It does not change the images.
        start: Number of eyes to skip.
        progress: Whether to show a progress bar.

    Example:
        >>> images, where = simulate(8, "webcam", seed=1)
        >>> images.shape, len(where)
        ((8, 35, 55), 8)
    """
    eyes = sample_eyes(count, style, seed, start)
    where = labels(eyes, size)
    return render(eyes, style, size, workers, progress), where


def _check(eyes, size, style=STYLES[0]):
    _number(style)
    missing = [column for column in COLUMNS if column not in eyes]
    if missing:
        need = "Start from the table of sample_eyes() and change that."
        raise ValueError(f"eyes must have the columns of COLUMNS; missing are {missing}. {need}")
    check_size(size)
