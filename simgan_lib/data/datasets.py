"""The data sets: synthetic eyes with gaze labels and real eyes, in memory and on disk."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from simgan_lib.config import shown
from simgan_lib.data import images as sets
from simgan_lib.data import readers, simulator
from simgan_lib.data.camera import SIZE
from simgan_lib.data.files import DataError, atomic, check_space, locked, own, reading
from simgan_lib.data.images import GazeData, ImageSet, check_size, usable
from simgan_lib.data.labels import LABELS, rows_sha256

KAGGLE = "4quant/eye-gaze"
KAGGLE_FILES = ("gaze.h5", "gaze.csv", "gaze.json", "real_gaze.h5")
KAGGLE_HELP = f"""Download {", ".join(KAGGLE_FILES)} from https://www.kaggle.com/datasets/{KAGGLE}
and put them into {{}} (gaze.h5, or synthetic_gaze.h5, and real_gaze.h5 are enough)."""

# File, style and first eye. The starts lie far apart, so that no two files share an eye.
SIMULATED = [("synthetic_gaze.h5", "simulator", 0), ("real_gaze.h5", "webcam", 10**8)]
SIMULATED += [("webcam_test.h5", "webcam", 2 * 10**8)]
# Run.real_name reads from this that the webcam's images are drawn.
SOURCES = {"simulator": "simulator images", "webcam": "simulated webcam images"}


def load(
    name: str | Path = "simulated",
    real: str | Path | None = None,
    root: str | Path = "data",
    size: tuple[int, int] | None = None,
    limit: int | None = None,
    progress: bool = True,
    gray: bool = False,
) -> GazeData:
    """Loads a data set: synthetic images with labels, and real images, of one size.

    Args:
        name: "simulated" (made on first use, with `limit` images of each kind), "kaggle", a folder
            with synthetic_gaze.h5 or gaze.h5, real_gaze.h5 and, for a test set, webcam_test.h5, or
            any other path that `read_images` reads.
        real: File or folder of the real images, instead of the data set's own.
        root: Folder that holds the folders `simulated` and `kaggle`.
        size: `(H, W)` in pixels to resize all images to.
        limit: Largest number of images of each kind. The first ones are taken, so that a small
            simulated set is the start of a large one. Of other real images, evenly spaced ones are
            taken, as files are ordered by person.
        progress: Whether to show a progress bar.
        gray: Whether to turn colour images gray.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     data = load("simulated", root=root, limit=4, progress=False)
        >>> data.synthetic.images.shape, data.real.images.dtype, data.real.labels
        ((4, 35, 55), dtype('uint8'), None)
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit must be at least 1; received {limit}.")
    folder = Path(root, name) if name in ("simulated", "kaggle") else Path(name)
    if name == "simulated":
        if not (folder / "webcam_test.h5").exists():  # the last to be made
            counts = (limit, limit, min(limit, 2_000)) if limit else ()
            make_simulated(folder, *counts, progress=progress)
        for path in (folder / name for name, _, _ in SIMULATED):
            recipe = _recipe(path)
            # Without a recipe it is a user's own file of this name.
            if isinstance(recipe, dict) and recipe.get("version") != simulator.VERSION:
                raise DataError(
                    f"{path} was drawn by another version of the simulator. Make the set again "
                    f"(simgan data make --overwrite), or read it as it is: {str(folder)!r}."
                )
    candidates = [folder / "synthetic_gaze.h5", folder / "gaze.h5"]
    synthetic_path = next((path for path in candidates if path.exists()), folder)
    if name == "kaggle" and synthetic_path == folder:
        raise DataError(f"No Kaggle data set here. {KAGGLE_HELP.format(folder.resolve())}")
    real_path = Path(real or folder / "real_gaze.h5")
    if real is None and not real_path.exists():
        raise DataError(f"There is no {real_path}. Put it there, or say where with real=PATH.")
    read = partial(read_images, size=size, progress=progress, gray=gray)
    test_path = folder / "webcam_test.h5"
    test = usable(read(test_path)) if test_path.exists() else None
    data = GazeData(usable(read(synthetic_path)), read(real_path), test)
    usable(ImageSet(data.real.images, source=data.real.source))  # its labels are not used
    if limit is None:
        return data
    if name == "simulated" and limit > len(data.synthetic):
        found = f"{folder} holds {len(data.synthetic)} synthetic images, not {limit}"
        raise DataError(f"{found}. Use another root, or `simgan data make --overwrite`.")
    first, count = slice(limit), min(limit, len(data.real))
    spread = real is not None or name != "simulated"
    some = np.arange(count) * len(data.real) // count if spread else first
    return GazeData(data.synthetic[first], data.real[some], test and test[first])


def read_images(
    path: str | Path, size: tuple[int, int] | None = None, progress: bool = True, gray: bool = False
) -> ImageSet:
    """Reads images and labels from a file or a folder, whichever layout it has.

    data/README.md lists the layouts and the columns that are looked for. Images are in the order of
    the numbers in their names. Gaze is converted to the axes of `LABELS`; other labels are kept.

    Args:
        path: An HDF5 file, ours or Kaggle's; a folder of MPIIGaze, of UnityEyes or of pictures,
            with a CSV or JSON file of labels if there is one.
        size: `(H, W)` in pixels to resize all images to.
        progress: Whether to show a progress bar.
        gray: Whether to turn colour images gray.

    Raises:
        DataError: If the path cannot be read, or is ambiguous.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (110, 70)).save(Path(folder, "eye1.png"))
        ...     read_images(folder, size=(35, 55), progress=False).images.shape
        (1, 35, 55, 3)
    """
    found = [*read_blocks(path, size, progress, gray)]
    images, labels = np.concatenate([block.images for block in found]), found[0].labels
    labels = labels if labels is None else pd.concat([block.labels for block in found])
    return ImageSet(images, labels, found[0].source)


def read_blocks(path, size=None, progress: bool = True, gray: bool = False) -> Iterator[ImageSet]:
    """Reads what `read_images` reads, in parts of some MB, as all may not fit into memory."""
    path, size = Path(path), check_size(size) if size is not None else None
    with reading(path):
        source, images, labels = readers.open_images(path, size, progress)
        yield from sets.blocks(images, labels, f"{path} ({source[:200]})", size, gray)


def check_target(path: str | Path, overwrite: bool = False) -> None:
    """Raises a DataError for a path that `save_images` refuses."""
    path = Path(path)
    if path.suffix not in (".h5", ".hdf5"):
        raise DataError(f"{path} must end in .h5. The labels go into the .csv file of that name.")
    taken = [file for file in (path, path.with_suffix(".csv")) if file.exists()]
    if taken and not overwrite:
        other = "Choose another name, or give overwrite=True (--overwrite)"
        raise DataError(f"{taken[0]} exists. {other}.")


def save_images(
    path: str | Path,
    images: ImageSet | Iterable[ImageSet],
    overwrite: bool = False,
    recipe: dict | None = None,
) -> int:
    """Writes our stacked layout: an HDF5 file and, for labels, the CSV file of the same name.

    The HDF5 file holds the data set `image`. Its attributes hold source, recipe, and checksums of
    the pixels and the CSV file's rows. Each file appears whole or not at all, the images last.

    Args:
        path: The HDF5 file, with the ending .h5 or .hdf5.
        images: One set, or its parts, taken one by one.
        overwrite: Whether to replace files that exist.
        recipe: How the images were made: anything that JSON can hold.

    Returns:
        How many images were written.

    Raises:
        DataError: If the files exist, or the name has another ending.
    """
    check_target(path, overwrite)
    path, table = Path(path), Path(path).with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = iter([images] if isinstance(images, ImageSet) else images)
    first, pixels = next(parts), hashlib.sha256()
    about = {"source": first.source, "layout": 1, "recipe": json.dumps(recipe)}
    written = contextlib.nullcontext(Path(os.devnull)) if first.labels is None else atomic(table)
    with atomic(path) as temporary:
        with written as rows, h5py.File(temporary, "w") as file, open(rows, "wb") as text:
            if first.labels is not None:
                notes = [f"# {name}: {LABELS[name]}\n" for name in first.labels if name in LABELS]
                text.write("".join(notes).encode())
                dtypes = first.labels.dtypes.items()
                about["labels_dtypes"] = json.dumps({str(n): str(t) for n, t in dtypes})
            # Fletcher-32 makes HDF5 notice damaged data whenever it is read.
            shape, options = first.images.shape[1:], {"dtype": "u1", "fletcher32": True}
            options |= {"chunks": (min(256, len(first)), *shape), "maxshape": (None, *shape)}
            data = file.create_dataset("image", (0, *shape), **options)
            for block in itertools.chain([first], parts):
                check_space(path.parent, 2 * block.images.nbytes)
                data.resize(len(data) + len(block), axis=0)
                data[-len(block) :] = block.images
                pixels.update(np.ascontiguousarray(block.images))
                if block.labels is not None:
                    options = {"index": False, "header": block is first, "lineterminator": "\n"}
                    block.labels.to_csv(text, **options)
            text.flush()
            file.attrs.update(about, sha256=pixels.hexdigest())
            file.attrs["labels_sha256"], count = rows_sha256(rows), len(data)
        if first.labels is None:
            table.unlink(missing_ok=True)  # of the file that this one replaces
    return count


def make_simulated(
    folder: str | Path = "data/simulated",
    synthetic: int = 50_000,
    real: int = 34_100,
    test: int = 2_000,
    seed: int = 0,
    size: tuple[int, int] = SIZE,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Makes the simulated data set, in the files and by default the sizes of the report.

    It writes synthetic_gaze.h5 and .csv (simulator images, labelled), real_gaze.h5 (simulated
    webcam images, not labelled), webcam_test.h5 and .csv (other ones, labelled, for evaluation
    only), and returns the folder. `synthetic`, `real` and `test` are the numbers of images. Files
    of the same recipe are kept, so that a stopped run can be resumed. Without `overwrite`, a file
    of another recipe is an error. So is another process that makes the same set.
    """
    if min(synthetic, real, test) < 1 or seed < 0:
        raise DataError(f"Sizes start at 1, seeds at 0: {synthetic=}, {real=}, {test=}, {seed=}.")
    size = check_size(size)
    folder = Path(folder)
    with locked(folder):
        for (name, style, start), count in zip(SIMULATED, (synthetic, real, test), strict=True):
            path = folder / name
            eyes = {"count": count, "style": style, "seed": seed, "start": start, "size": [*size]}
            recipe = {**eyes, "version": simulator.VERSION}
            if path.exists() and not overwrite:
                found = _recipe(path)
                if found == recipe:
                    continue
                made = f"{path} was made by the recipe {found}; asked for: {recipe}"
                raise DataError(f"{made}. Give another folder, or overwrite it (--overwrite).")
            images, labels = simulator.simulate(**eyes, progress=progress)
            made = ImageSet(images, None if name == "real_gaze.h5" else labels, SOURCES[style])
            save_images(path, made, overwrite=True, recipe=recipe)
        # No other process can hold it. Windows keeps files that are open.
        with contextlib.suppress(OSError):
            (folder / ".lock").unlink()
    return folder


def fetch_kaggle(root: str | Path = "data") -> Path:
    """Downloads the report's files from Kaggle to `root`/kaggle. Files that exist are kept."""
    folder = Path(root, "kaggle")
    folder.mkdir(parents=True, exist_ok=True)
    # One by one, as the whole data set has several GB more, which are not needed.
    for path in (folder / name for name in KAGGLE_FILES):
        try:
            if not path.exists():
                import kagglehub

                with atomic(path) as temporary:
                    shutil.copyfile(kagglehub.dataset_download(KAGGLE, path=path.name), temporary)
            if zipfile.is_zipfile(path):  # Kaggle zips what it sends, and keeps the name
                with atomic(path) as temporary, zipfile.ZipFile(path) as archive:
                    temporary.write_bytes(archive.read(path.name))
            if path.suffix == ".h5":
                with reading(path), h5py.File(path) as file:
                    own(file, "image")
        except Exception as error:  # kagglehub raises what its HTTP library raises
            failed = f"Fetching {path.name} failed: {type(error).__name__}: {error}."
            raise DataError(f"{failed} By hand: {KAGGLE_HELP.format(folder.resolve())}") from error
    return folder


def check(path: str | Path) -> list[str]:
    """Says what a file, or each HDF5 file in a folder, holds. Faults begin with PROBLEM."""
    path = Path(path)
    files = sorted(path.glob("[!.]*.h5")) if os.path.isdir(path) else []
    if files:
        return [line for file in files for line in check(file)]
    counts, pixels, labels, found = np.zeros(256, int), hashlib.sha256(), [], []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for block in read_blocks(path, progress=False):
                counts += sets.levels(block.images)
                pixels.update(block.images)
                labels.append(block.labels)
                found.append(sets.faults(block))
            sets.tell(found, block.source)
    except DataError as error:
        return [f"PROBLEM: {error}"]
    spread = np.sqrt(np.cov(np.arange(256), fweights=counts, ddof=0))
    lines = [f"ImageSet({sets.describe(block, counts)})", f"standard deviation {spread:.1f}"]
    if block.labels is not None:
        for name, values in pd.concat(labels).select_dtypes("number").items():
            lines.append(f"{shown(str(name))}: {values.min():.3f} to {values.max():.3f}")
    # The owner of the file does not need libraries' deprecations.
    told = [str(warning.message) for warning in caught if warning.category is UserWarning]
    recorded = _attribute(path, "sha256") if h5py.is_hdf5(path) else None
    if recorded not in (None, pixels.hexdigest()):
        told.append(f"{path}: the images were changed: their checksum is another.")
    return lines + [f"PROBLEM: {text}" for text in told]


def _attribute(path, name):
    with reading(path), h5py.File(path) as file:
        return str(file.attrs[name]) if name in file.attrs else None


def _recipe(path):
    with reading(path):
        return json.loads(_attribute(path, "recipe") or "null")
