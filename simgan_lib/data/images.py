"""Images in memory: sets of them, of one size, scaled for the networks, in shuffled batches."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from PIL import Image

from simgan_lib.data.labels import ANGLES, LOOK, DataError

SIZE = (35, 55)  # The paper's and the report's, (H, W) in pixels.


@dataclass(repr=False, eq=False)
class ImageSet:
    """Gray images and, where they are known, their labels.

    It has a length, and an index (a slice or an array of numbers) gives the set of those images.

    Args:
        images: uint8 array `(n, H, W)`; 0 is black, 255 is white.
        labels: DataFrame with a row for each image, in columns of `LABELS` or others; or None.
        source: Where the images come from, for people to read.

    Raises:
        DataError: If the images are of another type or shape, or the labels of another number.

    Example:
        >>> ImageSet(np.zeros((2, 35, 55), np.uint8), source="two black images")
        ImageSet(2 images 35x55 uint8, range 0..0, mean 0.0, no labels, source: two black images)
    """

    images: np.ndarray
    labels: pd.DataFrame | None = None
    source: str = "memory"

    def __post_init__(self):  # noqa: D105
        shape = np.shape(self.images)
        dtype = getattr(self.images, "dtype", type(self.images))
        if len(shape) != 3 or dtype != np.uint8 or 0 in shape:
            expected = "expected uint8 images (n, H, W), at least one (see `to_uint8`)"
            raise DataError(f"{self.source}: {expected}; received {dtype} {shape}.")
        if self.labels is not None:
            self.labels = self.labels.reset_index(drop=True)
            if len(self.labels) != shape[0]:
                rows = f"{len(self.labels)} rows of labels for {shape[0]} images"
                raise DataError(f"{self.source}: {rows}; there must be one each, in their order.")

    def __len__(self) -> int:  # noqa: D105
        return len(self.images)

    def __getitem__(self, index) -> "ImageSet":  # noqa: D105
        labels = None if self.labels is None else self.labels.iloc[index]
        return ImageSet(self.images[index], labels, self.source)

    def __repr__(self) -> str:  # noqa: D105
        return f"ImageSet({self.summary()})"

    def summary(self) -> str:
        """The line that describes the set."""
        images = self.images
        count, height, width = images.shape
        labels = "no labels" if self.labels is None else f"labels: {', '.join(self.labels)}"
        return (
            f"{count} images {height}x{width} {images.dtype}, "
            f"range {images.min()}..{images.max()}, mean {images.mean():.1f}, "
            f"{labels}, source: {self.source}"
        )


@dataclass(repr=False, eq=False)
class GazeData:
    """What a training takes: labelled synthetic images, real ones, and perhaps a test set.

    Args:
        synthetic: Synthetic images and their labels.
        real: Real images of the same size.
        test: Labelled images in the style of the real ones, for evaluation only; or None.

    Raises:
        DataError: If the sets differ in the size of their images.

    Example:
        >>> black = ImageSet(np.zeros((2, 35, 55), np.uint8), source="black")
        >>> GazeData(black, black[:1])
        GazeData
          synthetic: 2 images 35x55 uint8, range 0..0, mean 0.0, no labels, source: black
          real:      1 images 35x55 uint8, range 0..0, mean 0.0, no labels, source: black
          test:      none
    """

    synthetic: ImageSet
    real: ImageSet
    test: ImageSet | None = None

    def __post_init__(self):  # noqa: D105
        sets = [self.synthetic, self.real, self.test]
        sizes = [images.images.shape[1:] for images in sets if images is not None]
        if len(set(sizes)) > 1:
            raise DataError(f"The sets differ in size (H, W): {sizes}. Resize: size={sizes[0]}.")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images, as the networks take them."""
        return (*self.synthetic.images.shape[1:], 1)

    def __repr__(self) -> str:  # noqa: D105
        test = "none" if self.test is None else self.test.summary()
        return (
            "GazeData\n"
            f"  synthetic: {self.synthetic.summary()}\n"
            f"  real:      {self.real.summary()}\n"
            f"  test:      {test}"
        )


def faults(found: ImageSet) -> dict[str, np.ndarray]:
    """Finds images and labels that look wrong.

    Args:
        found: Images and their labels, if any.

    Returns:
        For each kind of fault, in words, a bool array `(n,)`: which images have it.

    Example:
        >>> black = ImageSet(np.zeros((2, 35, 55), np.uint8))
        >>> faults(black)["that repeat another one"]
        array([False,  True])
    """
    flat = found.images.reshape(len(found), -1)
    wrong = {
        "of a single gray value": flat.min(axis=1) == flat.max(axis=1),
        "that repeat another one": pd.Series(map(bytes, flat)).duplicated().to_numpy(),
    }
    labels = found.labels
    if labels is None:
        return wrong
    wrong["with a label missing (NaN)"] = labels.isna().any(axis=1).to_numpy()
    if set(ANGLES + LOOK) <= set(labels):
        x, y, z = labels[LOOK].to_numpy(float).T
        pitch, yaw = labels[ANGLES].to_numpy(float).T
        wrong_pitch = np.abs(np.arcsin(-y.clip(-1, 1)) - pitch) > 0.01
        wrong_yaw = np.abs(np.arctan2(-x, -z) - yaw) > 0.01
        wrong["with a gaze vector not of length 1"] = np.abs(np.hypot(np.hypot(x, y), z) - 1) > 0.01
        wrong["whose pitch and yaw are not the gaze vector's"] = wrong_pitch | wrong_yaw
        wrong["that look away from the camera (look_z > 0)"] = z > 0
    return wrong


def check_size(size) -> tuple[int, int]:
    """The size as a pair of whole numbers, or a DataError if it is not (H, W) in pixels."""
    numbers = tuple(size) if isinstance(size, tuple | list | np.ndarray) else ()
    whole = [isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers]
    if len(numbers) != 2 or not all(whole) or min(numbers) < 1:
        raise DataError(f"size must be (H, W), two whole numbers of pixels, not {size!r}.")
    return int(numbers[0]), int(numbers[1])


def resize(images, labels: pd.DataFrame | None, size: tuple[int, int] | None):
    """Stacks images, at another size if one is given; labels in pixels follow.

    Args:
        images: uint8 images `(H, W)`: an array, or a list where sizes may differ.
        labels: DataFrame whose pupil_x and pupil_y, if any, are pixels; or None.
        size: `(H, W)` in pixels; None keeps the size, which must then be the same for all.

    Returns:
        uint8 array `(n, H, W)`, and the labels.

    Raises:
        DataError: If the images differ in size and none is given.

    Example:
        >>> images, _ = resize([np.zeros((35, 55), np.uint8)], None, (70, 110))
        >>> images.shape
        (1, 70, 110)
    """
    shapes = np.array([image.shape for image in images])
    if size is None or (shapes == size).all():
        if (shapes != shapes[0]).any():
            found = sorted({image.shape for image in images})
            raise DataError(f"The images differ in size (H, W): {found[:4]}. Give size={SIZE}.")
        return np.asarray(images), labels
    if labels is not None:
        labels = labels.copy()
        for axis, column in enumerate(["pupil_y", "pupil_x"]):
            if column in labels:
                # Pixel centres are at integers, so the image's edge is at -0.5.
                labels[column] = (labels[column] + 0.5) * size[axis] / shapes[:, axis] - 0.5
    height, width = size
    resized = np.empty((len(images), height, width), np.uint8)
    for number, image in enumerate(images):
        picture = Image.fromarray(image)
        resized[number] = picture.resize((width, height), Image.Resampling.BILINEAR)
    return resized, labels


def to_float(images: np.ndarray) -> np.ndarray:
    """Scales gray levels to the range of the networks and adds their channel axis.

    Args:
        images: uint8 array `(n, H, W)`; 0 is black, 255 is white.

    Returns:
        float32 array `(n, H, W, 1)` in [-1, 1].

    Raises:
        DataError: If the images are of another type or shape: those scaled already, say.

    Example:
        >>> to_float(np.array([[[0, 255]]], np.uint8)).ravel()
        array([-1.,  1.], dtype=float32)
    """
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(f"Expected uint8 (n, H, W); received {images.dtype} {images.shape}.")
    return images[..., np.newaxis].astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Scales what the networks give back to gray levels; `to_float` the other way round.

    Args:
        images: Float array `(n, H, W, 1)` or `(n, H, W)` in [-1, 1]. What lies outside is clipped.

    Returns:
        uint8 array `(n, H, W)`, rounded to the nearest gray level.

    Raises:
        DataError: If the images are of another shape: in colour, say.

    Example:
        >>> to_uint8(np.array([[[[-1.0], [0.0], [2.0]]]]))
        array([[[  0, 128, 255]]], dtype=uint8)
    """
    images = np.asarray(images, np.float32)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3:
        raise DataError(f"Expected (n, H, W, 1) or (n, H, W); received {images.shape}.")
    return np.clip(np.rint((images + 1) * 127.5), 0, 255).astype(np.uint8)


def batch_indices(
    count: int, batch_size: int, seed: int = 0, start: int = 0
) -> Iterator[np.ndarray]:
    """Yields the indices of shuffled batches, for ever.

    The batches cut one endless sequence: all indices shuffled (an epoch), then shuffled anew, and
    so on. So every batch is full, and where `count` is less than `batch_size`, images repeat in it.
    Batch b depends on `seed` and b alone: a run that is resumed with `start=b` sees the same ones.

    Args:
        count: Number of images.
        batch_size: Indices in a batch.
        seed: Another seed, another order. 0 or more.
        start: Number of the first batch, counted from 0.

    Yields:
        int64 array `(batch_size,)` of indices in [0, count - 1].

    Raises:
        DataError: If a size is less than 1, or `seed` or `start` is negative.

    Example:
        >>> batches = batch_indices(count=6, batch_size=4)
        >>> np.sort(np.concatenate([next(batches) for _ in range(3)]))
        array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    """
    if min(count, batch_size) < 1 or min(seed, start) < 0:
        raise DataError(f"Sizes start at 1, seeds at 0: {count=}, {batch_size=}, {seed=}, {start=}")

    @lru_cache(
        maxsize=2
    )  # Most batches lie in the epoch of the one before, or reach into the next.
    def shuffled(epoch):
        return np.random.default_rng([seed, epoch]).permutation(count)

    def batch(number):
        places = np.arange(number * batch_size, (number + 1) * batch_size)
        epochs, places_in_epoch = np.divmod(places, count)
        return np.concatenate(
            [shuffled(epoch)[places_in_epoch[epochs == epoch]] for epoch in np.unique(epochs)]
        )

    # A generator function would find mistakes in the arguments only when the first batch is taken.
    return map(batch, itertools.count(start))
