"""Images in memory: sets of one size, scaling for the networks, and shuffled batches."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from PIL import Image

from simgan_lib.config import shown
from simgan_lib.data.camera import SIZE
from simgan_lib.data.files import DataError, warn
from simgan_lib.data.labels import LABELS

BLOCK = 2**23  # bytes of images that are looked at together
EXPECTED = "uint8 images (n, H, W) or (n, H, W, 3)"
REPEATED = "that repeat another one"
MISSING = "with a label missing (NaN)"
GRAY_REMEDY = "Give gray=True (--gray) to turn all of them gray."


@dataclass(repr=False, eq=False)
class ImageSet:
    """Gray or colour images and, where they are known, their labels.

    It has a length. Indexing with a slice or an array gives the set of those images.

    Args:
        images: uint8 array `(n, H, W)`, gray, or `(n, H, W, 3)`, red, green and blue.
        labels: A row for each image, with columns of `LABELS` or any others.
        source: Where the images come from, for people to read.

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
        if not _is_gray_or_colour(shape) or dtype != np.uint8 or 0 in shape:
            received = f"at least one; received {dtype} {shape}. `to_uint8` scales floats"
            raise DataError(f"{self.source}: expected {EXPECTED}, {received}.")
        if self.labels is not None:
            self.labels = self.labels.reset_index(drop=True)
            if len(self.labels) != shape[0]:
                rows = f"{len(self.labels)} rows of labels for {shape[0]} images"
                raise DataError(f"{self.source}: {rows}. Give one row for each, in their order.")

    def __len__(self) -> int:  # noqa: D105
        return len(self.images)

    def __getitem__(self, index) -> "ImageSet":  # noqa: D105
        labels = None if self.labels is None else self.labels.iloc[index]
        return ImageSet(self.images[index], labels, self.source)

    def __repr__(self) -> str:  # noqa: D105
        return f"ImageSet({describe(self)})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels, 1 or 3, as the networks take them."""
        return (*self.images.shape[1:], 1)[:3]


@dataclass(repr=False, eq=False)
class GazeData:
    """What a training takes: synthetic images, real images and an optional test set, of one shape.

    The test set is labelled, in the style of the real images, and for evaluation only.
    """

    synthetic: ImageSet
    real: ImageSet
    test: ImageSet | None = None

    def __post_init__(self):  # noqa: D105
        sets = {"synthetic": self.synthetic, "real": self.real, "test": self.test}
        shapes = {name: found.image_shape for name, found in sets.items() if found is not None}
        if len({*shapes.values()}) > 1:
            colour = len({channels for _, _, channels in shapes.values()}) > 1
            remedy = GRAY_REMEDY if colour else f"Resize: size={self.image_shape[:2]}."
            kind = f"{'colour' if colour else 'size'} (height, width, channels)"
            raise DataError(f"The sets differ in {kind}: {shapes}. {remedy}")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels, 1 or 3, as the networks take them."""
        return self.synthetic.image_shape

    def __repr__(self) -> str:  # noqa: D105
        sets = {"synthetic: ": self.synthetic, "real:      ": self.real, "test:      ": self.test}
        lines = [name + (describe(found) if found else "none") for name, found in sets.items()]
        return "\n  ".join(["GazeData", *lines])


def levels(images: np.ndarray) -> np.ndarray:
    """Counts the pixels of each level from 0 to 255."""
    return np.sum([np.bincount(image.ravel(), minlength=256) for image in images], axis=0)


def describe(some: ImageSet, counts: np.ndarray | None = None) -> str:
    """Describes a set in a line. If `some` is a part of it, `counts` are the `levels` of all."""
    counts = levels(some.images) if counts is None else counts
    height, width, channels = some.image_shape
    kind = "colour images" if channels == 3 else "images"
    names = "" if some.labels is None else ", ".join(map(str, some.labels))
    labels = f"labels: {shown(names)}" if names else "no labels"
    used, mean = np.flatnonzero(counts), counts @ np.arange(256) / counts.sum()
    return (
        f"{counts.sum() // some.images[0].size} {kind} {height}x{width} uint8, range {used[0]}.."
        f"{used[-1]}, mean {mean:.1f}, {labels}, source: {shown(some.source)}"
    )


def faults(found: ImageSet) -> dict[str, np.ndarray]:
    """Finds images and labels that look wrong: an array `(n,)` for each kind of fault.

    It holds whether an image has the fault. For REPEATED, which needs all images, it holds a hash.
    """
    pixels = found.images.reshape(len(found), -1, found.image_shape[2])
    labels = pd.DataFrame(index=range(len(found))) if found.labels is None else found.labels
    known = labels.columns.intersection([*LABELS])
    # A missing column becomes NaN, which no comparison finds wrong.
    table = labels.reindex(columns=[*LABELS]).to_numpy(float)
    pitch, yaw, x, y, z, pupil_x, pupil_y = table.T
    height, width = found.images.shape[1:3]
    length = np.hypot(np.hypot(x, y), z)
    turned = (np.arcsin(-y.clip(-1, 1)) - pitch, np.arctan2(-x, -z) - yaw)
    outside = (np.minimum(pupil_x, pupil_y) < -1) | (pupil_x > width) | (pupil_y > height)
    return {
        "of a single colour": (pixels == pixels[:, :1]).all(axis=(1, 2)),
        REPEATED: np.array([hash(image.tobytes()) for image in pixels]),
        MISSING: labels[known].isna().any(axis=1).to_numpy(),
        "whose pitch or yaw is not in radians": np.maximum(abs(pitch) * 2, abs(yaw)) > 3.16,
        "with a gaze vector not of length 1": np.abs(length - 1) > 0.02,
        "whose pitch and yaw are not the gaze vector's": np.abs(turned).max(axis=0) > 0.01,
        "that look away from the camera (look_z > 0)": z > 0,
        "whose pupil lies outside the picture": outside,
    }


def usable(found: ImageSet) -> ImageSet:
    """Warns of what looks wrong, and leaves out images with a label of `LABELS` missing.

    Raises:
        DataError: If all images have the same fault.
    """
    missing = tell([faults(found)], found.source)[MISSING]
    return found[~missing] if missing.any() else found


def tell(parts: list[dict[str, np.ndarray]], source: str) -> dict[str, np.ndarray]:
    """Warns of the `faults` of a set in parts, or raises a DataError where all images have one."""
    wrong = {fault: np.concatenate([part[fault] for part in parts]) for fault in parts[0]}
    wrong[REPEATED] = pd.Series(wrong[REPEATED]).duplicated().to_numpy()
    for fault, images in wrong.items():
        text = f"{source}: {images.sum()} of {len(images)} images {fault}"
        if images.all():
            raise DataError(f"{text}. This cannot be meant.")
        if images.any():
            end = ", are left out" if fault == MISSING else ""
            warn(f"{text}, e.g. {images.argmax()}{end}.")
    return wrong


def check_size(size) -> tuple[int, int]:
    """Returns (H, W) as a pair of ints, or raises a DataError if it is not a size in pixels."""
    numbers = np.asarray(size)
    if numbers.shape != (2,) or numbers.dtype.kind not in "iu" or numbers.min() < 1:
        raise DataError(f"size must be (H, W), two whole numbers of pixels, not {size!r}.")
    return tuple(numbers.tolist())


def blocks(
    images: Iterable[np.ndarray],
    labels: pd.DataFrame | None,
    source: str,
    size: tuple[int, int] | None = None,
    gray: bool = False,
) -> Iterator[ImageSet]:
    """Makes sets of one shape from single images. Pupils in the labels are scaled too."""
    fitted = (_fit(image, number, source, size, gray) for number, image in enumerate(images))
    first = next(fitted, None)
    if first is None:
        raise DataError(f"{source}: expected {EXPECTED}, at least one; received none.")
    shape, start = first[0].shape, 0
    fitted, count = itertools.chain([first], fitted), max(1, BLOCK // max(1, first[0].nbytes))
    while done := list(itertools.islice(fitted, count)):
        for image, _ in done:
            if image.ndim != len(shape):
                raise DataError(f"{source}: some images are gray and some in colour. {GRAY_REMEDY}")
            if image.shape != shape:
                found = f"{image.shape[:2]} and {shape[:2]}. Give size={SIZE}"
                raise DataError(f"{source}: the images differ in size (H, W): {found}.")
        rows = None if labels is None else labels.iloc[start : start + len(done)]
        for axis, column in enumerate(["pupil_y", "pupil_x"]):
            if size and rows is not None and column in rows:
                # Pixel centres are at integers, so the image's edge is at -0.5.
                scale = [size[axis] / before[axis] for _, before in done]
                rows = rows.assign(**{column: (rows[column] + 0.5) * scale - 0.5})
        yield ImageSet(np.stack([image for image, _ in done]), rows, source)
        start += len(done)


def _fit(image, number, source, size, gray):
    """Returns an image in the requested size and colours, and its size before."""
    before = image.shape[:2]
    if image.dtype != np.uint8 or len(before) < 2 or image.shape[2:] not in ((), (3,)):
        found = f"image {number} is {image.shape} {image.dtype}"
        raise DataError(f"{source}: {found}; expected uint8 (H, W) or (H, W, 3).")
    if gray and image.ndim == 3:
        image = np.asarray(Image.fromarray(image).convert("L"))
    if size and before != size:
        picture = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
        image = np.asarray(picture)
    return image, before


def to_float(images: np.ndarray) -> np.ndarray:
    """Scales uint8 images to float32 in [-1, 1]. Gray ones get a channel axis: `(n, H, W, 1)`.

    Example:
        >>> to_float(np.array([[[0, 255]]], np.uint8)).ravel()
        array([-1.,  1.], dtype=float32)
    """
    if images.dtype != np.uint8 or not _is_gray_or_colour(images.shape):
        raise DataError(f"Expected {EXPECTED}; received {images.dtype} {images.shape}.")
    images = images if images.ndim == 4 else images[..., np.newaxis]
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Scales float images from [-1, 1] to uint8 and clips them: the inverse of `to_float`.

    Example:
        >>> to_uint8(np.array([[[[-1.0], [0.0], [2.0]]]]))
        array([[[  0, 128, 255]]], dtype=uint8)
    """
    images = np.asarray(images, np.float32)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if not _is_gray_or_colour(images.shape):
        raise DataError(f"Expected (n, H, W, 1) or (n, H, W, 3); received {images.shape}.")
    return np.clip(np.rint((images + 1) * 127.5), 0, 255).astype(np.uint8)


def _is_gray_or_colour(shape):
    return len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)


def batch_indices(
    count: int, batch_size: int, seed: int = 0, start: int = 0
) -> Iterator[np.ndarray]:
    """Yields the indices of shuffled batches, int64 `(batch_size,)`, without end.

    The batches are cut from one endless sequence of epochs, each of which is all indices shuffled
    anew. Every batch is full; if `count` is less than `batch_size`, images repeat in it. Batch b
    depends on `seed` and b alone: a run that is resumed with `start=b` gets the same batches.

    Example:
        >>> batches = batch_indices(count=6, batch_size=4)
        >>> np.sort(np.concatenate([next(batches) for _ in range(3)]))
        array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    """
    if min(count, batch_size) < 1 or min(seed, start) < 0:
        raise DataError(f"Sizes start at 1, seeds at 0: {count=}, {batch_size=}, {seed=}, {start=}")

    @lru_cache(maxsize=2)  # a batch reaches into the next epoch at most, unless sets are tiny
    def shuffled(epoch):
        return np.random.default_rng([seed, epoch]).permutation(count)

    def batch(number):
        places = np.arange(number * batch_size, (number + 1) * batch_size)
        epochs, places = np.divmod(places, count)
        return np.concatenate([shuffled(e)[places[epochs == e]] for e in np.unique(epochs)])

    # A generator function would check the arguments only when the first batch is taken.
    return map(batch, itertools.count(start))
