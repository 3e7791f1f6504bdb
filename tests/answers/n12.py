"""Planted answers for notebook 12."""

import numpy as np
from scipy import ndimage

from simgan_lib.data import ImageSet


def pixels(scans):
    return np.rint(255 * (1 - scans)).astype("uint8")


def bolder(images, sigma, gain):
    soft = ndimage.gaussian_filter(images.astype(float), (0, sigma, sigma))
    return np.clip(np.rint(gain * soft), 0, 255).astype("uint8")


def bolder_one_by_one(images, sigma, gain):
    blurred = [ndimage.gaussian_filter(image.astype("float32"), sigma) for image in images]
    return np.minimum(gain * np.stack(blurred), 255).astype("uint8")


def bolder_in_place(images, sigma, gain):
    images[:] = bolder(images, sigma, gain)
    return images


def between(a, b):
    return abs((np.asarray(a) - np.asarray(b) + 180) % 360 - 180)


def between_by_minimum(a, b):
    plain = np.abs(np.subtract(a, b)) % 360
    return np.minimum(plain, 360 - plain)


RIGHT = {
    "12.1": [
        (lambda scans: ImageSet(pixels(scans)),),
        (lambda scans: ImageSet(255 - np.rint(255 * scans - 1e-9).astype("uint8")),),
    ],
    "12.2": [(bolder,), (bolder_one_by_one,)],
    "12.3": [(between,), (between_by_minimum,)],
}
WRONG = {
    "12.1": [
        ((pixels,), "ImageSet"),
        ((lambda s: ImageSet(np.rint(255 * s).astype("uint8")),), "exchanged"),
        ((lambda s: ImageSet((255 * (1 - s)).astype("uint8")),), "one level too dark"),
        ((lambda s: ImageSet((1 - s).astype("uint8")),), "Scale"),
        ((lambda s: ImageSet(pixels(s) // 2),), "Expected 255"),
        ((lambda s: ImageSet(255 * (1 - s)),), "uint8"),
    ],
    "12.2": [
        ((lambda i, s, g: np.clip(i * np.uint8(g), 0, 255),), "does not fit"),
        ((lambda i, s, g: np.clip(g * i.astype(float), 0, 255).astype("uint8"),), "blurred"),
        (
            (
                lambda i, s, g: np.clip(
                    g * ndimage.gaussian_filter(i.astype(float), s), 0, 255
                ).astype("uint8"),
            ),
            "neighbours",
        ),
        ((lambda i, s, g: g * ndimage.gaussian_filter(i.astype(float), (0, s, s)),), "uint8 again"),
        ((bolder_in_place,), "copy"),
        ((lambda i, s, g: bolder(i, 2 * s, g),), "Blur first"),
    ],
    "12.3": [
        ((lambda a, b: abs(a - b),), "circle closes"),
        ((lambda a, b: (a - b + 180) % 360 - 180,), "absolute"),
        ((lambda a, b: abs(a - b) % 180,), "Opposite"),
        ((lambda a, b: (a - b) % 360,), "shorter way"),
        ((lambda a, b: np.radians(between(a, b)),), "radians"),
        ((lambda a, b: between(a, b).mean(),), "shape"),
        ((lambda a, b: between(a, 0),), "look at the results"),
    ],
}
