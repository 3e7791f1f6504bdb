"""Files of images and labels, in the layouts in which they are found.

Every reader takes a path, a size and whether to show a bar. It returns uint8 images, gray or in
colour, in the order of the numbers in their names, and a table with a row for each, or None. Gaze
comes in the columns of `LABELS`, whatever the file's axes; all other labels come as they are.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from natsort import natsorted
from PIL import Image, ImageOps
from scipy.io import loadmat, whosmat
from tqdm.auto import tqdm

from simgan_lib.data import tables
from simgan_lib.data.camera import SIZE
from simgan_lib.data.files import DataError, check_own, own, read_text, reading, warn
from simgan_lib.data.labels import gaze_labels
from simgan_lib.data.tables import PICTURES, complete, match_rows, read_table

with suppress(ImportError):  # Filters that a user has installed for HDF5.
    import hdf5plugin  # noqa: F401

TABLES = (".csv", ".tsv", ".json")
UNITY_POINTS = ("interior_margin_2d", "caruncle_2d", "iris_2d")


def layout(path: Path) -> str:
    """Which layout a path has: a key of READERS."""
    if not os.path.exists(path):
        raise DataError(f"There is no file {path}. Check the name, or run `simgan data make`.")
    if path.is_dir():
        for kind, found in {"mpiigaze": _days, "unityeyes": _pairs, "folder": _pictures}.items():
            if found(path):
                return kind
        held = ", ".join(sorted({file.name for file in _files(path)})[:5]) or "nothing"
        expected = f"MPIIGaze's .mat, UnityEyes' pairs, or {', '.join(PICTURES)}"
        raise DataError(f"{path} holds no images: expected {expected}; it holds {held}.")
    if path.suffix.lower() in PICTURES:
        raise DataError(f"{path} is one picture: give the folder that holds it.")
    if path.suffix.lower() == ".mat" and not h5py.is_hdf5(path):
        return "mpiigaze"
    with reading(path), h5py.File(path) as file:
        if "image" not in file:
            raise DataError(f"{path} holds no `image`, only: {', '.join(file) or 'nothing'}.")
        return "group" if isinstance(own(file, "image"), h5py.Group) else "stacked"


def _files(folder: Path, *endings: str) -> list[Path]:
    """All files below a folder, 2 before 10, without hidden ones and systems' companions."""
    if folder.is_file():
        return [folder]
    found = [path for path in folder.rglob("*") if path.is_file()]
    shown = [p for p in found if not f"/{p.relative_to(folder).as_posix()}".count("/.")]
    shown = [path for path in shown if "__MACOSX" not in path.parts]
    return natsorted(p for p in shown if not endings or p.suffix.lower() in endings)


def _pictures(folder):
    return _files(folder, *PICTURES)


def _warn_of_others(folder, used):
    """Warns of files that were not read, but for those that hold no data."""
    plain = ("", ".md", ".ini", ".db")
    others = [p for p in _files(folder) if p not in used and p.suffix.lower() not in plain]
    others = [path.name for path in others if not path.name.lower().startswith("readme")]
    if others:
        some = ", ".join(others[:3])
        warn(f"{folder}: {len(others)} files were not read: {some} ...")


def read_stacked(path: Path, size=None, progress: bool = True):
    """Reads our layout. Only labels without our checksum are matched and completed."""
    with reading(path), h5py.File(path) as file:
        count = len(own(file, "image"))
        expected, dtypes = (file.attrs.get(name) for name in ("labels_sha256", "labels_dtypes"))
    images = _rows_of(path, progress)
    table = path.with_suffix(".csv")
    if expected is None:
        table = label_table(path)
        if table is None:
            return images, None
        labels = complete(tables.rows_of_stacked(read_table(table), count, table), table)
    elif rows_sha256(table) != expected:
        raise DataError(
            f"{table} was changed or removed since {path.name} was written, or its writing was "
            "stopped half-way: labels and images may not belong together. Save both again, or "
            "make them again with `simgan data make --overwrite`."
        )
    else:
        labels = tables.read_own_table(table, json.loads(dtypes)) if table.exists() else None
    if labels is not None and len(labels) != count:
        rows = f"{table}: {len(labels)} rows of labels for {count} images"
        raise DataError(f"{rows}. Give one row for each, in their order.")
    return images, labels


def _rows_of(path, progress):
    with reading(path), h5py.File(path) as file:
        data = own(file, "image")
        turned = "MATLAB_class" in data.attrs
        step = data.chunks[0] * max(1, 2048 // data.chunks[0]) if data.chunks else 2048
        starts = range(0, len(data), step)
        for start in tqdm(starts, f"Reading {path.name}", disable=not progress):
            images = data[start : start + step]
            # MATLAB reverses the axes.
            images = np.moveaxis(images.T, -1, 0) if turned else images
            yield from images[..., 0] if images.shape[3:] == (1,) else images


def rows_sha256(table: Path) -> str:
    """The SHA-256 of a CSV file's rows: comments and the kind of line ends do not count."""
    digest, between = hashlib.sha256(), b""
    if table.is_file():
        with reading(table), open(table, encoding="utf-8-sig") as lines:
            for line in lines:
                if not line.startswith("#"):
                    digest.update(between + line.removesuffix("\n").encode())
                    between = b"\n"
    return digest.hexdigest()


def read_group(path: Path, size=None, progress: bool = True):
    """Reads Kaggle's layout, with labels from `look_vec` or the CSV or JSON file beside it."""
    with reading(path), h5py.File(path) as file:
        links, group = [], file["image"].id
        group.links.iterate(lambda key, link: links.append((key, link)), info=True)
        if not links or not all(k.isdigit() and i.type == h5py.h5l.TYPE_HARD for k, i in links):
            raise DataError(f"{path}: group `image` must hold data sets named 0, 1, 2 ...")
        keys = sorted((key for key, _ in links), key=int)  # HDF5 lists them as text: '0', '10'.
        look = None
        if "look_vec" in file:
            data = own(file, "look_vec")
            look = np.asarray(data[()].T if "MATLAB_class" in data.attrs else data[()], float)
    images = _images_of(path, tqdm(keys, f"Reading {path.name}", disable=not progress))
    if look is not None:
        if look.ndim != 2 or look.shape[1] not in (3, 4) or len(look) != len(keys):
            raise DataError(f"{path}: look_vec is {look.shape}; expected ({len(keys)}, 3 or 4).")
        return images, tables.unity_labels(look, path)
    table = label_table(path)
    if table is None:
        return images, None
    rows = read_table(table)
    named = any(tables.plain(c) in tables.NAMES + tables.NUMBERS for c in rows)
    if named or len(rows) != len(keys):
        rows = match_rows(rows, [int(key) for key in keys], table, tables.number_form)
    return images, complete(rows, table, unity=True)


def _images_of(path, keys):
    total = 0
    with reading(path), h5py.File(path) as file:
        group, turned = file["image"].id, None
        for key in keys:
            # Opened so, it takes a third of the time of group[key].
            data = h5py.h5d.open(group, key)
            if turned is None:  # All images are of one program, and looking it up takes long.
                turned = h5py.h5a.exists(data, b"MATLAB_class")
            dtype, shape = data.dtype, data.shape[::-1] if turned else data.shape
            if dtype != np.uint8 or len(shape) < 2 or shape[2:] not in ((), (3,)):
                found = f"{path}: image/{key.decode()} is {shape} {dtype}"
                raise DataError(f"{found}; expected uint8 (H, W) or (H, W, 3).")
            total += math.prod(shape)
            check_own(path, data, total)
            image = np.empty(data.shape, dtype)
            data.read(h5py.h5s.ALL, h5py.h5s.ALL, image)
            yield image.T if turned else image


def label_table(path: Path) -> Path | None:
    """The CSV or JSON file that belongs to an HDF5 file, under either of Kaggle's names."""
    kaggle = ["synthetic_gaze", "gaze"]
    stems = [path.stem, *kaggle] if path.stem in kaggle else [path.stem]
    beside = {file.name.lower(): file for file in path.parent.iterdir()}
    names = [(stem + ending).lower() for stem in stems for ending in TABLES]
    return next((beside[name] for name in names if name in beside), None)


def _days(folder: Path) -> list[Path]:
    """MPIIGaze's .mat files. Calibrations and others hold no `data`."""
    return [path for path in _files(folder, ".mat") if _is_day(path)]


def _is_day(path):
    try:
        return any(name == "data" and kind == "struct" for name, _, kind in whosmat(path))
    except Exception:  # The reader says what is wrong, where it is no pictures' companion.
        return not any(p.suffix.lower() in PICTURES for p in path.parent.iterdir())


# SciPy ends the process at some damaged files. So another one tries them first.
TRY = """import sys, scipy.io
for path in sys.stdin.read().split("\\0"):
    print(path, flush=True)
    try:
        scipy.io.loadmat(path)
    except Exception:
        pass
"""


def read_mpiigaze(folder: Path, size=None, progress: bool = True):
    """Reads MPIIGaze's `Data/Normalized/pNN/dayMM.mat`. Right eyes are kept as they are."""
    images, labels, days = [], [], _days(folder)
    if not days:
        raise DataError(f"{folder} holds no MPIIGaze `data`. Give the folder Data/Normalized.")
    options = {"input": "\0".join(map(str, days)), "stdout": subprocess.PIPE, "text": True}
    child = subprocess.run([sys.executable, "-P", "-c", TRY], check=False, timeout=600, **options)
    if child.returncode:
        path = child.stdout.splitlines()[-1]
        raise DataError(f"{path} is damaged so that reading it crashes: fetch it again.")
    for path in tqdm(days, f"Reading {folder}", disable=not progress):
        with reading(path):
            data = loadmat(path)["data"]
            for eye in ("left", "right"):
                record = data[eye][0, 0]
                found, look = (record[name][0, 0] for name in ("image", "gaze"))
                if found.dtype != np.uint8 or found.ndim != 3 or len(found) != len(look):
                    raise ValueError(f"{len(look)} gazes for images {found.dtype} {found.shape}")
                images.extend(found)
                table = gaze_labels(look, path).assign(person=path.parent.name, eye=eye)
                if "pose" in record.dtype.names:
                    table[["head_x", "head_y", "head_z"]] = record["pose"][0, 0]
                labels.append(table)
    return images, pd.concat(labels, ignore_index=True)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """UnityEyes' pictures, each with the .json file of its name."""
    records = {record.with_suffix(""): record for record in _files(folder, ".json")}
    pictures = _pictures(folder) if records else []
    return [(p, records[p.with_suffix("")]) for p in pictures if p.with_suffix("") in records]


def read_unityeyes(folder: Path, size: tuple[int, int] | None = None, progress: bool = True):
    """Reads UnityEyes' pairs `{n}.jpg` and `{n}.json`, and cuts the eye out of each picture."""
    height, width = size or SIZE
    images, looks, pupils, records, pairs = [], [], [], [], _pairs(folder)
    _warn_of_others(folder, {path for pair in pairs for path in pair})
    for picture, path in tqdm(pairs, f"Reading {folder}", disable=not progress):
        image = Image.fromarray(_picture(picture))
        with reading(path):
            record = json.loads(read_text(path))
            look = tables.numbers_in(record["eye_details"].pop("look_vec"), path)
            looks.append(tables.unity_labels([look], path))
            lids, corner, iris = (_points(record[name], image, path) for name in UNITY_POINTS)
        eye = np.concatenate([lids, corner])
        low, high, pupil = eye.min(axis=0), eye.max(axis=0), iris.mean(axis=0)
        beyond = np.maximum(high, pupil) > np.add(image.size, 1)
        if min(*low, *pupil) < -1 or beyond.any() or (high - low).min() < 1:
            raise DataError(
                f"{path}: the eye's points, up to {high.round()}, do not fit {picture.name}, which "
                f"is {image.size} (W, H). Was it resized or cropped? Give the original."
            )
        # Wider than the eye by a quarter, and as high as the eye at least.
        box = max([1.25, width / height] * (high - low)) * np.array([1, height / width])
        box *= min(1, *(image.size / box))
        start = np.clip((low + high - box) / 2, 0, image.size - box)
        # Rounding must not put the box's end outside the picture, which Pillow refuses.
        end = np.minimum(start + box, image.size)
        eye = image.resize((width, height), Image.Resampling.BILINEAR, (*start, *end))
        images.append(np.asarray(eye))
        pupils.append((pupil - start) * (width, height) / box - 0.5)
        records.append({name: value for name, value in record.items() if name[-3:] != "_2d"})
    labels = pd.concat(looks, ignore_index=True)
    labels[["pupil_x", "pupil_y"]] = np.array(pupils)
    return images, labels.join(tables.flat_table(records))


def _points(texts, picture, path):
    points = np.array([tables.numbers_in(text, path)[:2] for text in texts])
    return points * [1, -1] + [0, picture.height]  # Unity's origin is at the bottom left.


def read_folder(folder: Path, size=None, progress: bool = True):
    """Reads a folder of pictures, and labels by file name from its table if it has one."""
    paths, found = _pictures(folder), _files(folder, *TABLES)
    if len(found) > 1:
        raise DataError(f"{folder} holds {len(found)} tables; leave the one with the labels.")
    _warn_of_others(folder, {*paths, *found})
    # One by one, as photographs are large until they are resized.
    images = map(_picture, tqdm(paths, f"Reading {folder}", disable=not progress))
    if not found:
        return images, None
    names = [path.relative_to(folder).as_posix() for path in paths]
    rows = match_rows(read_table(found[0]), names, found[0], tables.name_forms)
    return images, complete(rows, found[0])


def _picture(path: Path) -> np.ndarray:
    """A picture as viewers show it: upright, on white where it is transparent, in 8 bits."""
    with reading(path), Image.open(path) as file:
        frames = getattr(file, "n_frames", 1)
        if frames > 1 and file.format != "MPO":  # A phone's picture may hold its own preview.
            warn(f"{path}: the first of {frames} pictures was read.")
        image = ImageOps.exif_transpose(file)
        deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
        if deep:
            image = _eight_bits(image, file.format, path)
        gray = image.mode in ("1", "L", "LA", "La")
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
        return np.asarray(image.convert("L" if gray else "RGB"))


def _eight_bits(image, kind, path):
    """Scales 0 to 65535, or 0 to 1 in floats: by type, as a dark picture must stay dark."""
    top = 1.0 if image.mode == "F" else 65535
    known = image.mode != "I" or kind in ("PNG", "PPM")
    values = np.asarray(image, float)
    if not (known and values.min() >= 0 and top / 4 <= values.max() <= top):
        raise DataError(
            f"{path} holds values from {values.min():g} to {values.max():g}, in mode "
            f"{image.mode}; expected 0 to {top:g}, well used. Save it with 8 bits a pixel."
        )
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8))


READERS = {"stacked": read_stacked, "group": read_group, "mpiigaze": read_mpiigaze}
READERS |= {"unityeyes": read_unityeyes, "folder": read_folder}
