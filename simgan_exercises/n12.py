"""Checks of notebook 12: your own data."""

import numpy as np
from scipy import ndimage

from simgan_exercises import Hint, call, close, task
from simgan_lib.data import ImageSet


@task(
    "12.1",
    "Two sets that differ by one gray level in most pixels look alike to us, and can be told apart "
    "by a discriminator.",
)
def _(convert):
    scans = np.random.default_rng().integers(0, 1001, (3, 5, 4)) / 1000
    right = np.rint(255 * (1 - scans))
    received = call(convert, scans)
    if not isinstance(received, ImageSet):
        raise Hint(f"Return an ImageSet; received {type(received).__name__}.")
    pixels = received.images.astype(float)
    if pixels.shape == right.shape:
        if np.abs(pixels - np.rint(255 * scans)).max() <= 1:
            raise Hint("Black and white are not exchanged: paper (1.0) has to become black (0).")
        if np.array_equal(pixels, np.floor(255 * (1 - scans))):
            raise Hint("Many pixels are one level too dark: round before you convert.")
        if pixels.max() <= 1:
            raise Hint("Scale to 0 to 255 before you convert to whole numbers.")
    close(pixels, right, "Expected 255 where the scan is 0, and 0 where it is 1.", tolerance=1e-6)


@task(
    "12.2",
    "Whole numbers of 8 bits start again at 0 after 255, so the brightest strokes would turn dark, "
    "without any error.",
)
def _(bolder):
    rng = np.random.default_rng()
    images = rng.integers(0, 256, (3, 6, 7), "uint8")
    original = images.copy()
    plain = call(bolder, images, 0, 2)
    if not np.array_equal(images, original):
        raise Hint("The images that came in were changed. Work on a copy.")
    plain = np.asarray(plain)
    if plain.dtype != np.uint8:
        raise Hint(f"Give uint8 again; received {plain.dtype}.")
    if np.array_equal(plain, images * np.uint8(2)):
        raise Hint("Bright pixels became dark: 200 * 2 does not fit into uint8. Compute in floats.")
    close(plain, np.minimum(2.0 * images, 255), "With sigma 0 only the gain is left.", 0.005)
    spots = np.zeros((3, 6, 7), "uint8")
    spots[1, 3, 3] = 200
    soft = np.asarray(call(bolder, spots, 0.8, 1.5), float)
    if soft.shape == spots.shape and soft[[0, 2]].max() > 0:
        raise Hint("An image has blurred into its neighbours in the batch: sigma is (0, s, s).")
    if soft.shape == spots.shape and np.array_equal(soft, np.minimum(1.5 * spots, 255)):
        raise Hint("Nothing was blurred.")
    right = 1.5 * ndimage.gaussian_filter(spots.astype(float), (0, 0.8, 0.8))
    close(soft, right, "Blur first, by sigma pixels, then multiply by gain.", 1.5 / right.max())


@task(
    "12.3",
    "A plain difference calls a reader wrong by 358 degrees that is wrong by 2.",
)
def _(between):
    rng = np.random.default_rng()
    a, b = rng.uniform(-180, 180, (2, 200))
    right = np.degrees(np.abs(np.angle(np.exp(1j * np.radians(a - b)))))
    received = np.asarray(call(between, a, b), float)
    if received.shape == right.shape:
        if np.allclose(received, abs(a - b)):
            raise Hint("179 and -179 are 2 degrees apart, not 358: the circle closes.")
        if received.min() < -1e-6 and np.allclose(abs(received), right):
            raise Hint("The sign does not matter: give the absolute value.")
        if np.allclose(received, abs(a - b) % 180) or np.allclose(received, (a - b) % 180):
            raise Hint("Opposite directions are 180 degrees apart, and not 0.")
        if received.max() > 180 + 1e-6:
            raise Hint("No two directions are more than 180 degrees apart: take the shorter way.")
        if np.allclose(received, np.radians(right)):
            raise Hint("These are radians.")
    close(received, right, "Try 179 and -179, 0 and 180, 90 and -90, and look at the results.")
