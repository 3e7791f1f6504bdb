"""Read eye images and their gaze labels from the file layouts in which they are found.

Every reader takes a path and returns `(images, labels)`: uint8 images `(H, W)`, and a DataFrame
with a row for each in the same order, or None. Labels are in the convention of `tables.LABELS`,
whatever the file's own one was. `datasets.read_images` finds out the layout and calls the reader.
"""

import json
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import loadmat
from tqdm.auto import tqdm

from simgan_lib.data import labels as tables
from simgan_lib.data.files import atomic
from simgan_lib.data.images import SIZE
from simgan_lib.data.labels import LABELS, DataError, reading, rows_sha256, sha256

UNITY_POINTS = ("interior_margin_2d", "caruncle_2d", "iris_2d")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".gif", ".tif", ".tiff"}


def layout(path: Path) -> str:
    """Which layout a path has: a key of READERS."""
    if not path.exists():
        raise DataError(f"There is no file {path}. Check the name, or run `simgan data make`.")
    if path.is_dir():
        if next(path.rglob("*.mat"), None):
            return "mpiigaze"
        if _unity_records(path):
            return "unityeyes"
        if any(inner.suffix.lower() in SUFFIXES for inner in path.iterdir()):
            return "folder"
        raise DataError(f"{path} holds no images: no .mat, no UnityEyes .jpg + .json, no pictures.")
    with reading(path), h5py.File(path) as file:
        if "image" not in file:
            raise DataError(f"{path} holds no `image`, only: {', '.join(file) or 'nothing'}.")
        return "group" if isinstance(file["image"], h5py.Group) else "stacked"


def read_stacked(path: str | Path, size=None, progress: bool = True):
    """Reads our layout: data set `image`, and labels in the CSV file of the same name.

    Args:
        path: HDF5 file with uint8 `image` `(n, H, W)`.
        size: Not used here: the images keep their size.
        progress: Not used here: reading takes no time.

    Returns:
        uint8 array `(n, H, W)`, and a DataFrame or None.

    Raises:
        DataError: If a file is damaged, or the two do not belong together: a stop between the
            writing of one and the other, or a change by hand. Files without checksums, which we
            did not write, are taken as they are, and their labels completed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with h5py.File(Path(folder, "eyes.h5"), "w") as file:
        ...         file["image"] = np.zeros((3, 35, 55), np.uint8)
        ...     images, labels = read_stacked(Path(folder, "eyes.h5"))
        >>> images.shape, labels
        ((3, 35, 55), None)
    """
    path = Path(path)
    table = path.with_suffix(".csv")
    with reading(path), h5py.File(path) as file:
        images = file["image"][()]
        expected = file.attrs.get("labels_sha256")
    if expected is not None:
        with reading(table):
            found = rows_sha256(table.read_bytes() if table.exists() else b"")
        if found != expected:
            raise DataError(
                f"{table} was changed or removed since {path.name} was written, or its writing "
                "was stopped half-way: labels and images may not belong together. Save both again, "
                "or make them again with `simgan data make --overwrite`."
            )
        return images, tables.read_table(table) if table.exists() else None
    if not table.exists():
        return images, None
    return images, tables.complete_labels(tables.read_table(table), table)


def write_stacked(path: Path, images: np.ndarray, labels: pd.DataFrame | None, **about) -> None:
    """Writes our layout; each of the two files appears whole or not at all, the images last."""
    table, text = path.with_suffix(".csv"), b""
    if labels is not None:
        notes = [f"# {name}: {LABELS[name]}\n" for name in labels if name in LABELS]
        text = ("".join(notes) + labels.to_csv(index=False, lineterminator="\n")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        with h5py.File(temporary, "w") as file:
            # Fletcher-32 makes HDF5 notice damaged data whenever it is read.
            chunks = (min(256, len(images)), *images.shape[1:])
            file.create_dataset("image", data=images, chunks=chunks, fletcher32=True)
            file.attrs.update(about, sha256=sha256(images), labels_sha256=rows_sha256(text))
        if labels is None:
            table.unlink(missing_ok=True)  # That of the file which this one replaces.
        else:
            with atomic(table) as temporary_table:
                temporary_table.write_bytes(text)


def read_group(path: str | Path, size=None, progress: bool = True):
    """Reads Kaggle's layout: group `image` with a data set for each picture, named by its number.

    Labels come from `look_vec` (rows in the order of the numbers), or else from the CSV or JSON
    file of the same name.

    Args:
        path: HDF5 file, such as `gaze.h5`.
        size: Not used here: the images keep their size.
        progress: Whether to show a progress bar.

    Returns:
        uint8 array `(n, H, W)` in the order of the numbers, and a DataFrame or None.

    Raises:
        DataError: If an image is not uint8 or of another size, or the labels do not fit.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with h5py.File(Path(folder, "real_gaze.h5"), "w") as file:
        ...         for number in range(11):
        ...             file[f"image/{number}"] = np.full((35, 55), number, np.uint8)
        ...     images, labels = read_group(Path(folder, "real_gaze.h5"), progress=False)
        >>> images[:, 0, 0], labels  # By number, although '10' comes before '2' as text.
        (array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10], dtype=uint8), None)
    """
    path = Path(path)
    with reading(path), h5py.File(path) as file:
        group = file["image"]
        if len(group) == 0 or not all(key.isdigit() for key in group):
            raise DataError(f"{path}: group `image` must hold data sets named 0, 1, 2 ...")
        keys = sorted(group, key=int)  # HDF5 lists them as text: '0', '1', '10'.
        shape = group[keys[0]].shape
        images = np.empty((len(keys), *shape), np.uint8)
        bar = tqdm(keys, f"Reading {path.name}", unit=" images", disable=not progress)
        for key, image in zip(bar, images, strict=True):
            data = h5py.h5d.open(group.id, key.encode())  # Takes a third of the time of group[key].
            if len(shape) != 2 or data.shape != shape or data.dtype != np.uint8:
                raise DataError(
                    f"{path}: image/{key} is {data.shape} {data.dtype}; expected uint8 (H, W), all "
                    f"of one size, which is {shape} for image/{keys[0]}. Convert or remove it."
                )
            data.read(h5py.h5s.ALL, h5py.h5s.ALL, image)
        look = file["look_vec"][()] if "look_vec" in file else None
    if look is not None:
        if look.ndim != 2 or look.shape[1] not in (3, 4) or len(look) != len(keys):
            raise DataError(f"{path}: look_vec is {look.shape}; expected ({len(keys)}, 3 or 4).")
        return images, tables.unity_labels(look)
    table = tables.label_table(path)
    if table is None:
        return images, None
    numbers = [int(key) for key in keys]
    rows = tables.match_rows(tables.read_table(table), numbers, tables.number_in, table)
    return images, tables.unity_table(rows, table)


def cached(path: Path) -> Path:
    """Where a file is kept stacked: the name has a hash of its path, then one of its state."""
    folder = os.environ.get("SIMGAN_CACHE") or Path.home() / ".cache" / "simgan"
    state = []
    for file in (path, tables.label_table(path)):
        if file is not None:
            state.append((str(file), file.stat().st_size, file.stat().st_mtime_ns))
    place = sha256(repr(path.resolve()).encode())[:12]
    return Path(folder, f"{path.stem}-{place}-{sha256(repr(state).encode())[:12]}.h5")


def read_mpiigaze(folder: str | Path, size=None, progress: bool = True):
    """Reads MPIIGaze's `Data/Normalized/pNN/dayMM.mat`; right eyes are kept as they are.

    Args:
        folder: Folder with the .mat files, at any depth.
        size: Not used here: the images keep their size.
        progress: Whether to show a progress bar.

    Returns:
        uint8 array `(n, 36, 60)`, and a DataFrame with gaze, `person` and `eye` (left or right).

    Raises:
        DataError: If there are no such files, or one cannot be read.

    Example:
        >>> import tempfile
        >>> from scipy.io import savemat
        >>> eye = {"image": np.zeros((2, 36, 60), np.uint8), "gaze": np.tile([0, 0, -1], (2, 1))}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     savemat(Path(folder, "day01.mat"), {"data": {"left": eye, "right": eye}})
        ...     images, labels = read_mpiigaze(folder, progress=False)
        >>> images.shape, list(labels["eye"])
        ((4, 36, 60), ['left', 'left', 'right', 'right'])
    """
    paths = _in_order(Path(folder).rglob("*.mat"))
    if not paths:
        raise DataError(f"{folder} holds no .mat files.")
    images, labels = [], []
    for path in tqdm(paths, f"Reading {folder}", disable=not progress):
        with reading(path):
            data = loadmat(path)["data"]
            for eye in ("left", "right"):
                record = data[eye][0, 0]
                images.append(record["image"][0, 0])
                gaze = tables.gaze_labels(record["gaze"][0, 0])
                labels.append(gaze.assign(person=path.parent.name, eye=eye))
    return np.concatenate(images), pd.concat(labels, ignore_index=True)


def read_unityeyes(folder: str | Path, size: tuple[int, int] | None = None, progress: bool = True):
    """Reads UnityEyes' pairs `{n}.jpg` and `{n}.json`, and cuts the eye out of each picture.

    Args:
        folder: Folder with the pairs, or with a folder `imgs` of them.
        size: `(H, W)` in pixels of the images cut out; 35 x 55 if None.
        progress: Whether to show a progress bar.

    Returns:
        uint8 array `(n, H, W)`, and a DataFrame with gaze and the pupil's place in pixels.

    Raises:
        DataError: If there are no such pairs, or one cannot be read.

    Example:
        >>> import tempfile
        >>> points = {name: ["(20, 40, 1)", "(80, 60, 1)"] for name in UNITY_POINTS}
        >>> record = {"eye_details": {"look_vec": "(0, 0, -1, 0)"}, **points}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (100, 100)).save(Path(folder, "1.jpg"))
        ...     _ = Path(folder, "1.json").write_text(json.dumps(record))
        ...     images, labels = read_unityeyes(folder, progress=False)
        >>> images.shape, round(float(labels["pupil_x"][0]), 1)
        ((1, 35, 55), 27.0)
    """
    paths = _unity_records(Path(folder))
    if not paths:
        raise DataError(f"{folder} holds no pairs of {{number}}.jpg and {{number}}.json.")
    height, width = size or SIZE
    images, look, pupils = [], [], []
    for path in tqdm(paths, f"Reading {folder}", unit=" images", disable=not progress):
        picture = _gray(path.with_suffix(".jpg"))
        with reading(path):
            record = json.loads(path.read_text())
            look.append(tables.numbers(record["eye_details"]["look_vec"])[:3])
            lids, corner, iris = (_points(record[name], picture) for name in UNITY_POINTS)
        eye = np.concatenate([lids, corner])
        box, start = _crop(eye.min(axis=0), eye.max(axis=0), width / height, picture.size)
        # Rounding must not put the box's end outside the picture, which Pillow refuses.
        end = np.minimum(start + box, picture.size)
        images.append(picture.resize((width, height), Image.Resampling.BILINEAR, (*start, *end)))
        pupils.append((iris.mean(axis=0) - start) * (width, height) / box - 0.5)
    labels = tables.unity_labels(look)
    labels[["pupil_x", "pupil_y"]] = np.array(pupils)
    return np.stack(images), labels


def _points(texts, picture) -> np.ndarray:
    points = np.array([tables.numbers(text)[:2] for text in texts])
    points[:, 1] = picture.height - points[:, 1]  # Unity's origin is at the bottom left.
    return points


def _crop(low, high, shape: float, picture_size) -> tuple[np.ndarray, np.ndarray]:
    """Width and height of the box to cut out around the eye from low to high, and its corner."""
    eye_width, eye_height = high - low
    # Wider than the eye by a quarter, and as high as the eye at least.
    width = max(1.25 * eye_width, eye_height * shape)
    box = np.array([width, width / shape])
    box = box * min(1, *(picture_size / box))
    start = np.clip((low + high - box) / 2, 0, picture_size - box)
    return box, start


def _unity_records(folder: Path) -> list[Path]:
    paths = [*folder.glob("*.json"), *folder.glob("imgs/*.json")]
    return _in_order(p for p in paths if p.stem.isdigit() and p.with_suffix(".jpg").exists())


def read_folder(folder: str | Path, size=None, progress: bool = True):
    r"""Reads a folder of pictures, with labels by file name from its CSV file if it has one.

    Args:
        folder: Folder with pictures, and at most one CSV file. Its column `file` names them; its
            other columns are in our axes, and in degrees where their names end in `_deg`.
        size: Not used here: the images keep their sizes.
        progress: Whether to show a progress bar.

    Returns:
        A list of uint8 images `(H, W)`, 2 before 10, and a DataFrame or None.

    Raises:
        DataError: If a picture cannot be read or has no row, or there are several CSV files.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (55, 35)).save(Path(folder, "eye1.png"))
        ...     _ = Path(folder, "labels.csv").write_text("file,pitch_deg,yaw_deg\neye1.png,0,30\n")
        ...     images, labels = read_folder(folder, progress=False)
        >>> labels.round(3)
           pitch    yaw  look_x  look_y  look_z
        0    0.0  0.524    -0.5    -0.0  -0.866
    """
    folder = Path(folder)
    paths = _in_order(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    bar = tqdm(paths, f"Reading {folder}", unit=" images", disable=not progress)
    images = [np.asarray(_gray(path)) for path in bar]
    found = list(folder.glob("*.csv"))
    if not found:
        return images, None
    if len(found) > 1:
        raise DataError(f"{folder} holds {len(found)} CSV files; leave the one with the labels.")
    stems = [path.stem for path in paths]
    rows = tables.match_rows(tables.read_table(found[0]), stems, tables.stem, found[0])
    return images, tables.complete_labels(rows, found[0])


def _gray(path: Path) -> Image.Image:
    with reading(path), Image.open(path) as image:
        return image.convert("L")


def _in_order(paths) -> list[Path]:
    """Sorts paths with the numbers in them compared as numbers, so that 2 comes before 10."""

    def pieces(path):
        # Text and numbers take turns, so that like is compared with like.
        parts = re.split(r"(\d+)", str(path))
        return [int(part) if part.isdigit() else part for part in parts]

    return sorted(paths, key=pieces)


READERS = {
    "stacked": read_stacked,
    "group": read_group,
    "mpiigaze": read_mpiigaze,
    "unityeyes": read_unityeyes,
    "folder": read_folder,
}
