"""Readers of the layouts in which files of images and labels are found.

`open_images` finds the layout. A reader returns an iterable of uint8 images, gray or in colour, in
the order of the numbers in their names, and a table with a row for each, or None. Gaze is converted
to the columns of `LABELS`; all other labels stay as they are.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from natsort import natsorted
from PIL import Image, ImageOps
from scipy.io import loadmat, whosmat
from tqdm.auto import tqdm

from simgan_lib.data import labels as tables
from simgan_lib.data.camera import SIZE
from simgan_lib.data.files import PICTURES, DataError, check_own, own, read_text, reading, warn
from simgan_lib.data.labels import complete, gaze_labels, match_rows, read_table

with suppress(ImportError):  # HDF5 filters that a user has installed
    import hdf5plugin  # noqa: F401

TABLES = (".csv", ".tsv", ".json")
UNITY_POINTS = ("interior_margin_2d", "caruncle_2d", "iris_2d")


def open_images(
    path: Path, size: tuple[int, int] | None = None, progress: bool = True
) -> tuple[str, Iterable[np.ndarray], pd.DataFrame | None]:
    """Opens a file or a folder and returns its source or layout, its images and its labels.

    Raises:
        DataError: If the path has none of the layouts.
    """
    bar = partial(tqdm, desc=f"Reading {path.name}", disable=not progress)
    if not os.path.exists(path):
        raise DataError(f"There is no file {path}. Check the name, or run `simgan data make`.")
    if path.suffix.lower() in PICTURES and path.is_file():
        raise DataError(f"{path} is one picture: give the folder that holds it.")
    if path.is_dir() or (path.suffix.lower() == ".mat" and not h5py.is_hdf5(path)):
        files = _files(path)
        if days := [file for file in files if file.suffix.lower() == ".mat" and _is_day(file)]:
            return "mpiigaze", *read_mpiigaze(days, bar)
        pictures = [file for file in files if file.suffix.lower() in PICTURES]
        records = {file.with_suffix(""): file for file in files if file.suffix.lower() == ".json"}
        pairs = {p: records[p.with_suffix("")] for p in pictures if p.with_suffix("") in records}
        if pairs:
            _warn_of_others(path, {*files} - {*pairs, *pairs.values()})
            return "unityeyes", *read_unityeyes(pairs, size or SIZE, bar)
        if pictures:
            return "folder", *read_folder(path, files, pictures, bar)
        held = ", ".join(sorted({file.name for file in files})[:5]) or "nothing"
        expected = f"MPIIGaze's Data/Normalized, UnityEyes' pairs, or {', '.join(PICTURES)}"
        raise DataError(f"{path} holds no images: expected {expected}; it holds {held}.")
    with reading(path), h5py.File(path) as file:
        if "image" not in file:
            raise DataError(f"{path} holds no `image`, only: {', '.join(file) or 'nothing'}.")
        kind, read = "stacked", read_stacked
        if isinstance(own(file, "image"), h5py.Group):
            kind, read = "group", read_group
        source, ours = str(file.attrs.get("source", kind)), "layout" in file.attrs
    images, labels = read(path, bar)
    return source, images if ours else _with_a_look(path, images), labels


def _with_a_look(path, images):
    """Warns where images lie on their side. Eyes are wider than high."""
    for number, image in enumerate(images):
        if number == 0 and image.ndim > 1 and image.shape[0] > image.shape[1]:
            found = f"the images are higher ({image.shape[0]}) than wide ({image.shape[1]})"
            warn(f"{path}: {found}. MATLAB and others reverse the axes: turn them.")
        yield image


def _files(folder):
    """Lists the files below a folder, 2 before 10, without hidden and macOS companion files."""
    found = folder.rglob("*") if folder.is_dir() else [folder]
    parts = {path: path.relative_to(folder).parts for path in found if path.is_file()}
    hidden = (".", "__MACOSX")
    return natsorted(p for p in parts if not any(name.startswith(hidden) for name in parts[p]))


def _warn_of_others(folder, others):
    """Warns of files that were not read, except those that hold no data."""
    plain = ("", ".md", ".ini", ".db")
    names = [p.name for p in natsorted(others) if p.suffix.lower() not in plain]
    names = [name for name in names if not name.lower().startswith("readme")]
    if names:
        warn(f"{folder}: {len(names)} files were not read: {', '.join(names[:3])} ...")


def read_stacked(path: Path, bar):
    """Reads our layout. Labels with our checksum stay; others are matched and completed."""
    with reading(path), h5py.File(path) as file:
        count = len(own(file, "image"))
        expected, dtypes = (file.attrs.get(name) for name in ("labels_sha256", "labels_dtypes"))
    images, table = _stacked_images(path, bar), path.with_suffix(".csv")
    if expected is None:
        if (table := label_table(path)) is None:
            return images, None
        return images, complete(tables.rows_of_stacked(read_table(table), count, table), table)
    if tables.rows_sha256(table) != expected:
        raise DataError(
            f"{table} was changed or removed since {path.name} was written, or its writing was "
            "stopped half-way: labels and images may not belong together. Save both again, or "
            "make them again with `simgan data make --overwrite`."
        )
    return images, tables.read_own_table(table, json.loads(dtypes)) if table.exists() else None


def _stacked_images(path, bar):
    with reading(path), h5py.File(path) as file:
        data = own(file, "image")
        turned = "MATLAB_class" in data.attrs
        step = data.chunks[0] * max(1, 2048 // data.chunks[0]) if data.chunks else 2048
        for start in bar(range(0, len(data), step)):
            images = data[start : start + step]
            # MATLAB reverses the axes.
            images = np.moveaxis(images.T, -1, 0) if turned else images
            yield from images[..., 0] if images.shape[3:] == (1,) else images


def read_group(path: Path, bar):
    """Reads Kaggle's layout, with labels from `look_vec` or the CSV or JSON file beside it."""
    with reading(path), h5py.File(path) as file:
        links, group = [], file["image"]
        group.id.links.iterate(lambda *found: links.append(found), info=True)
        if not links or not all(k.isdigit() and i.type == h5py.h5l.TYPE_HARD for k, i in links):
            raise DataError(f"{path}: group `image` must hold data sets named 0, 1, 2 ...")
        keys = sorted((key for key, _ in links), key=int)  # HDF5 lists them as text: '0', '10'.
        look = own(file, "look_vec") if "look_vec" in file else None
        if look is not None:
            look = np.asarray(look[()].T if "MATLAB_class" in look.attrs else look[()], float)
    images = _group_images(path, keys, bar)
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


def _group_images(path, keys, bar):
    with reading(path), h5py.File(path) as file:
        group, total, turned = file["image"], 0, None
        for key in bar(keys):
            data = h5py.h5d.open(group.id, key)  # group[key][()] takes three times as long
            if turned is None:  # One program wrote all images, and looking it up takes long.
                turned = h5py.h5a.exists(data, b"MATLAB_class")
            shape, dtype = data.shape, data.dtype
            if dtype == np.uint8 and shape:
                total += math.prod(shape)
                check_own(path, data, total)
                image = np.empty(shape, dtype)
                data.read(h5py.h5s.ALL, h5py.h5s.ALL, image)
            else:  # `images._fit` refuses it, and says what it is
                total += h5py.Dataset(data).nbytes
                check_own(path, data, total)
                image = h5py.Dataset(data)[()]
            yield image.T if turned else image


def label_table(path: Path) -> Path | None:
    """Returns the CSV, TSV or JSON file of the same name as an HDF5 file, or None."""
    beside = {file.name.lower(): file for file in path.parent.iterdir()}
    names = [(path.stem + ending).lower() for ending in TABLES]
    return next((beside[name] for name in names if name in beside), None)


def _is_day(path):
    """Returns whether a .mat file is one of MPIIGaze's. Calibrations hold no `data`."""
    try:
        return any(name == "data" and kind == "struct" for name, _, kind in whosmat(path))
    except Exception:  # the reader says what is wrong, unless pictures lie beside it
        return not any(p.suffix.lower() in PICTURES for p in path.parent.iterdir())


# SciPy crashes on some damaged files, so another process tries them first.
TRY = """import contextlib, sys, scipy.io
for path in sys.stdin.read().split("\\0"):
    print(path, flush=True)
    with contextlib.suppress(Exception):
        scipy.io.loadmat(path)
"""


def read_mpiigaze(days: list[Path], bar):
    """Reads MPIIGaze's `Data/Normalized/pNN/dayMM.mat`. Right eyes are kept as they are."""
    images, labels = [], []
    options = {"input": "\0".join(map(str, days)), "stdout": subprocess.PIPE, "text": True}
    child = subprocess.run([sys.executable, "-P", "-c", TRY], check=False, timeout=600, **options)
    if child.returncode:
        path = child.stdout.splitlines()[-1]
        raise DataError(f"{path} is damaged so that reading it crashes: fetch it again.")
    for path in bar(days):
        with reading(path):
            data = loadmat(path)["data"]
            for eye in ("left", "right"):
                record = data[eye][0, 0]
                found, look = (record[name][0, 0] for name in ("image", "gaze"))
                if len(found) != len(look):
                    raise ValueError(f"{len(look)} gazes for {len(found)} images")
                images.extend(found)
                table = gaze_labels(look, path).assign(person=path.parent.name, eye=eye)
                if "pose" in record.dtype.names:
                    table[["head_x", "head_y", "head_z"]] = record["pose"][0, 0]
                labels.append(table)
    return images, pd.concat(labels, ignore_index=True)


def read_unityeyes(pairs: dict[Path, Path], size: tuple[int, int], bar):
    """Reads UnityEyes' pairs `{n}.jpg` and `{n}.json`, and cuts the eye out of each picture."""
    height, width = size
    images, looks, pupils, records = [], [], [], []
    for picture, path in bar(pairs.items()):
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
        # Pillow refuses a box whose end rounding has put outside the picture.
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


def read_folder(folder: Path, files: list[Path], pictures: list[Path], bar):
    """Reads a folder's pictures, and labels by file name from its table if it has one."""
    found, labels = [file for file in files if file.suffix.lower() in TABLES], None
    if len(found) > 1:
        raise DataError(f"{folder} holds {len(found)} tables; leave the one with the labels.")
    _warn_of_others(folder, {*files} - {*pictures, *found})
    if found:
        names = [path.relative_to(folder).as_posix() for path in pictures]
        rows = match_rows(read_table(found[0]), names, found[0], tables.name_forms)
        labels = complete(rows, found[0])
    # One by one, as photographs are large before they are resized.
    return map(_picture, bar(pictures)), labels


def _picture(path):
    """Reads a picture as viewers show it: upright, on white if transparent, in 8 bits."""
    with reading(path), Image.open(path) as file:
        frames = getattr(file, "n_frames", 1)
        if frames > 1 and file.format != "MPO":  # a phone's picture may hold its preview
            warn(f"{path}: the first of {frames} pictures was read.")
        image = ImageOps.exif_transpose(file)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            image = _eight_bits(image, file.format, path)
        gray = image.mode in ("1", "L", "LA", "La")
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
        return np.asarray(image.convert("L" if gray else "RGB"))


def _eight_bits(image, kind, path):
    """Scales 0 to 65535, or 0 to 1 in floats, to 0 to 255. A dark picture stays dark."""
    top = 1.0 if image.mode == "F" else 65535
    known = image.mode != "I" or kind in ("PNG", "PPM")
    values = np.asarray(image, float)
    if not (known and values.min() >= 0 and top / 4 <= values.max() <= top):
        raise DataError(
            f"{path} holds values from {values.min():g} to {values.max():g}, in mode "
            f"{image.mode}; expected 0 to {top:g}, well used. Save it with 8 bits a pixel."
        )
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8))
