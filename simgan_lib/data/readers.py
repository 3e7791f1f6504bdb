"""Files of images and labels, in the layouts in which they are found.

Every reader takes a path, a size and whether to show a bar. It returns uint8 images, gray or in
colour, in the order of the numbers in their names, and a table with a row for each, or None. Gaze
comes in the columns of `LABELS`, whatever the file's axes; all other labels come as they are.
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

from simgan_lib.data.camera import SIZE
from simgan_lib.data.files import DataError, atomic, reading, sha256
from simgan_lib.data.labels import ANGLES, LABELS, LOOK, gaze_labels, look_vectors

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".gif", ".tif", ".tiff"}
UNITY_POINTS = ("interior_margin_2d", "caruncle_2d", "iris_2d")
TEXT = ("object", "str", "string")  # as pandas calls columns of text
# Columns, in lower case and without punctuation, that may say which image a row belongs to.
IMAGE_COLUMNS = ["file", "filename", "path", "imagenumber", "number", "index", "imageindex"]
IMAGE_COLUMNS += ["id", "key", "image", "name", "unnamed0"]


def layout(path: Path) -> str:
    """Which layout a path has: a key of READERS."""
    if not path.exists():
        raise DataError(f"There is no file {path}. Check the name, or run `simgan data make`.")
    if path.is_dir():
        if next(path.rglob("*.mat"), None):
            return "mpiigaze"
        if _unity_records(path):
            return "unityeyes"
        if _pictures(path):
            return "folder"
        raise DataError(f"{path} holds no images: no .mat, no UnityEyes .jpg + .json, no pictures.")
    with reading(path), h5py.File(path) as file:
        if "image" not in file:
            raise DataError(f"{path} holds no `image`, only: {', '.join(file) or 'nothing'}.")
        return "group" if isinstance(file["image"], h5py.Group) else "stacked"


def read_stacked(path: Path, size=None, progress: bool = True):
    """Reads our layout. Only labels without our checksum are completed."""
    table = path.with_suffix(".csv")
    with reading(path), h5py.File(path) as file:
        images = file["image"][()]
        expected, dtypes = (file.attrs.get(name) for name in ("labels_sha256", "labels_dtypes"))
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if expected is None:
        return images, _complete(read_table(table), table) if table.exists() else None
    with reading(table):
        found = _rows_sha256(table.read_bytes() if table.exists() else b"")
    if found != expected:
        raise DataError(
            f"{table} was changed or removed since {path.name} was written, or its writing was "
            "stopped half-way: labels and images may not belong together. Save both again, or "
            "make them again with `simgan data make --overwrite`."
        )
    return images, read_table(table, dtypes and json.loads(dtypes)) if table.exists() else None


def write_stacked(path: Path, images: np.ndarray, labels: pd.DataFrame | None, **about) -> None:
    """Writes our layout. Each of the two files appears whole or not at all, the images last."""
    table, text = path.with_suffix(".csv"), b""
    if labels is not None:
        notes = [f"# {name}: {LABELS[name]}\n" for name in labels if name in LABELS]
        text = ("".join(notes) + labels.to_csv(index=False, lineterminator="\n")).encode()
        about["labels_dtypes"] = json.dumps({str(n): str(t) for n, t in labels.dtypes.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        with h5py.File(temporary, "w") as file:
            # Fletcher-32 makes HDF5 notice damaged data whenever it is read.
            chunks = (min(256, len(images)), *images.shape[1:])
            file.create_dataset("image", data=images, chunks=chunks, fletcher32=True)
            file.attrs.update(about, sha256=sha256(images), labels_sha256=_rows_sha256(text))
        if labels is None:
            table.unlink(missing_ok=True)  # That of the file which this one replaces.
        else:
            with atomic(table) as temporary_table:
                temporary_table.write_bytes(text)


def read_group(path: Path, size=None, progress: bool = True):
    """Reads Kaggle's layout, with labels from `look_vec` or the CSV or JSON file beside it."""
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
            if data.shape != shape or shape[2:] not in ((), (3,)) or data.dtype != np.uint8:
                raise DataError(
                    f"{path}: image/{key} is {data.shape} {data.dtype}; expected uint8 (H, W) or "
                    f"(H, W, 3), all of one shape, which is {shape} for image/{keys[0]}."
                )
            data.read(h5py.h5s.ALL, h5py.h5s.ALL, image)
        look = file["look_vec"][()] if "look_vec" in file else None
    if look is not None:
        if look.ndim != 2 or look.shape[1] not in (3, 4) or len(look) != len(keys):
            raise DataError(f"{path}: look_vec is {look.shape}; expected ({len(keys)}, 3 or 4).")
        return images, _unity_labels(look)
    table = _label_table(path)
    if table is None:
        return images, None
    rows = _match_rows(read_table(table), [int(key) for key in keys], _number_in, table)
    return images, _unity_table(rows, table)


def cached(path: Path) -> Path:
    """Where a file is kept stacked: the name has a hash of its path, then one of its state."""
    folder = os.environ.get("SIMGAN_CACHE") or Path.home() / ".cache" / "simgan"
    files = [file for file in (path, _label_table(path)) if file is not None]
    state = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    place = sha256(repr(path.resolve()).encode())[:12]
    return Path(folder, f"{path.stem}-{place}-{sha256(repr(state).encode())[:12]}.h5")


def read_mpiigaze(folder: Path, size=None, progress: bool = True):
    """Reads MPIIGaze's `Data/Normalized/pNN/dayMM.mat`. Right eyes are kept as they are."""
    images, labels = [], []
    for path in tqdm(_in_order(folder.rglob("*.mat")), f"Reading {folder}", disable=not progress):
        with reading(path):
            data = loadmat(path)["data"]
            for eye in ("left", "right"):
                record = data[eye][0, 0]
                images.append(record["image"][0, 0])
                table = gaze_labels(record["gaze"][0, 0]).assign(person=path.parent.name, eye=eye)
                if "pose" in record.dtype.names:
                    table[["head_x", "head_y", "head_z"]] = record["pose"][0, 0]
                labels.append(table)
    return np.concatenate(images), pd.concat(labels, ignore_index=True)


def read_unityeyes(folder: Path, size: tuple[int, int] | None = None, progress: bool = True):
    """Reads UnityEyes' pairs `{n}.jpg` and `{n}.json`, and cuts the eye out of each picture."""
    height, width = size or SIZE
    images, look, pupils, records = [], [], [], []
    for path in tqdm(_unity_records(folder), f"Reading {folder}", disable=not progress):
        picture = _picture(path.with_suffix(".jpg"))
        with reading(path):
            record = json.loads(path.read_text())
            look.append(_numbers(record["eye_details"].pop("look_vec"))[:3])
            lids, corner, iris = (_points(record[name], picture) for name in UNITY_POINTS)
        eye = np.concatenate([lids, corner])
        box, start = _crop(eye.min(axis=0), eye.max(axis=0), width / height, picture.size)
        # Rounding must not put the box's end outside the picture, which Pillow refuses.
        end = np.minimum(start + box, picture.size)
        eye = picture.resize((width, height), Image.Resampling.BILINEAR, (*start, *end))
        images.append(np.asarray(eye))
        pupils.append((iris.mean(axis=0) - start) * (width, height) / box - 0.5)
        records.append({name: value for name, value in record.items() if name[-3:] != "_2d"})
    labels = _unity_labels(look)
    labels[["pupil_x", "pupil_y"]] = np.array(pupils)
    return images, labels.join(_normalised(records))


def _points(texts, picture):
    points = np.array([_numbers(text)[:2] for text in texts])
    return points * [1, -1] + [0, picture.height]  # Unity's origin is at the bottom left.


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


def read_folder(folder: Path, size=None, progress: bool = True):
    """Reads a folder of pictures, and labels by file name from its CSV file if it has one."""
    paths = _pictures(folder)
    bar = tqdm(paths, f"Reading {folder}", unit=" images", disable=not progress)
    images = [np.asarray(_picture(path)) for path in bar]
    found = list(folder.glob("*.csv"))
    if not found:
        return images, None
    if len(found) > 1:
        raise DataError(f"{folder} holds {len(found)} CSV files; leave the one with the labels.")
    rows = _match_rows(read_table(found[0]), [_stem(path) for path in paths], _stem, found[0])
    return images, _complete(rows, found[0])


def _pictures(folder: Path) -> list[Path]:
    return _in_order(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _picture(path: Path) -> Image.Image:
    with reading(path), Image.open(path) as image:
        gray = image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
        return image.convert("L" if gray else "RGB")


def _in_order(paths) -> list[Path]:
    """Sorts paths with the numbers in them compared as numbers, so that 2 comes before 10."""
    # Text and numbers take turns in the pieces, so that like is compared with like.
    pieces = {path: re.split(r"(\d+)", str(path)) for path in paths}
    return sorted(pieces, key=lambda p: [int(x) if x.isdigit() else x for x in pieces[p]])


READERS = {"stacked": read_stacked, "group": read_group, "mpiigaze": read_mpiigaze}
READERS |= {"unityeyes": read_unityeyes, "folder": read_folder}


def read_table(path: Path, dtypes: dict[str, str] | None = None) -> pd.DataFrame:
    """Reads labels from CSV or JSON; with the dtypes of our own files, exactly as written."""
    with reading(path), open(path, encoding="utf-8") as file:
        if path.suffix == ".csv":
            # pandas' own `comment` would also cut a file's name at a '#'.
            comments = next((i for i, line in enumerate(file) if line[0] != "#"), 0)
            if dtypes is None:
                options = {"skiprows": comments, "skipinitialspace": True}
                names = pd.read_csv(path, nrows=0, **options)
                text = [name for name in names if _plain(name) in IMAGE_COLUMNS[:3]]
                return pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
            # Text such as "007" or "NA" stays text; floats are parsed by NumPy, to the last bit.
            whole = ("int", "uint", "bool")
            text = [name for name, dtype in dtypes.items() if not dtype.startswith(whole)]
            options = {"skiprows": comments, "keep_default_na": False, "na_values": [""]}
            table = pd.read_csv(path, dtype=dict.fromkeys(text, str), **options)
            return table.astype({n: t for n, t in dtypes.items() if t not in TEXT})
        data = json.load(file)
        if isinstance(data, dict) and all(name.isdigit() for name in data):
            data = [{**record, "image_number": number} for number, record in data.items()]
        return _normalised(data) if isinstance(data, list) else pd.DataFrame(data)


def _normalised(records: list[dict]) -> pd.DataFrame:
    """A table of records, with lists as their JSON text: a CSV file holds numbers and text only."""
    table = pd.json_normalize(records)
    return table.map(lambda value: json.dumps(value) if isinstance(value, list) else value)


def _plain(name) -> str:
    """A column's name in lower case and without punctuation."""
    letters = re.sub("[^a-z0-9]", "", str(name).lower())
    return letters.removeprefix("eyedetails")  # What nested JSON of UnityEyes begins with.


def _find(table: pd.DataFrame, *names: str):
    """The first column called one of these names, whatever its case and punctuation, or None."""
    columns = {_plain(column): column for column in table}
    return next((columns[_plain(name)] for name in names if _plain(name) in columns), None)


def _number_in(name) -> int:
    """The last number in a file's name (or the number itself), or -1: 'imgs/12.jpg' gives 12."""
    found = re.findall(r"\d+", _stem(name))
    return int(found[-1]) if found else -1


def _stem(name) -> str:
    """A file's name without its folder and a picture's ending: 'imgs/a.b.jpg' gives 'a.b'."""
    path = Path(str(name))
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _numbers(value) -> list[float]:
    """The numbers of '(1.0, 2.0, 3.0)'."""
    return [float(part) for part in str(value).strip("()[] ").split(",")]


def _match_rows(table: pd.DataFrame, wanted: list, key, source: Path) -> pd.DataFrame:
    """Brings rows into the order of the images, by a column that names them if there is one."""
    columns = [c for name in IMAGE_COLUMNS if (c := _find(table, name)) is not None]
    if not columns and len(table) == len(wanted):
        return table
    if not columns:
        lengths = f"{len(table)} rows for {len(wanted)} images"
        raise DataError(f"{source}: {lengths}, and no column names the image. Add `file`.")
    for column in columns:
        names = table[column].map(key)
        if names.is_unique and set(wanted) <= set(names):
            return table.set_index(names).loc[wanted].reset_index(drop=True).drop(columns=column)
    names = table[columns[0]].map(key)
    missing = sorted(set(wanted) - set(names))
    wrong = f"there is no row for {missing[:5]}" if missing else "some are there twice"
    raise DataError(f"{source}: column {columns[0]!r} must name every image once, but {wrong}.")


def _complete(table: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Completes gaze in our axes: degrees, vector from angles, angles from vector."""
    for name in ANGLES:
        degrees = _find(table, f"{name}_deg")
        if degrees is not None:
            twin = _find(table, name)
            if twin is not None:
                raise DataError(f"{source} has both {twin} and {degrees}. Leave one of them.")
            with reading(source):
                table = table.assign(**{degrees: np.radians(pd.to_numeric(table[degrees]))})
            table = table.rename(columns={degrees: name})
    table = table.rename(columns={_find(table, n): n for n in LABELS if n not in table})
    with reading(source):
        if set(ANGLES) <= set(table) and not set(LOOK) <= set(table):
            pitch, yaw = table[ANGLES].to_numpy(float).T
            if max(np.abs(pitch).max(initial=0) * 2, np.abs(yaw).max(initial=0)) > np.pi:
                raise DataError(
                    f"{source}: pitch or yaw goes beyond what radians can mean. "
                    "Name the columns pitch_deg and yaw_deg if they are in degrees."
                )
            table[LOOK] = look_vectors(pitch, yaw)
        elif set(LOOK) <= set(table) and not set(ANGLES) <= set(table):
            table[ANGLES] = gaze_labels(table[LOOK])[ANGLES]
    known = [name for name in LABELS if name in table]
    return table[known + [name for name in table if name not in known]]


def _unity_labels(look) -> pd.DataFrame:
    """The gaze columns of UnityEyes' `look_vec`, whose axes are x right, y up and z away."""
    return gaze_labels(np.asarray(look, float)[:, :3] * [1, -1, 1])


def _unity_table(table: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Finds gaze in UnityEyes' axes under various names, or in ours, and adds our columns."""
    vector = _find(table, "look_vec", "gaze", "gaze_vec")
    prefixes = ["look_", "look_vec_", "gaze_", "gaze_vec_", "gaze_vector_", ""]
    columns = [_find(table, *(prefix + axis for prefix in prefixes)) for axis in "xyz"]
    if set(ANGLES + LOOK) <= set(table) or (vector is None and None in columns):
        return _complete(table, source)
    with reading(source):
        look = table[columns] if vector is None else [_numbers(value) for value in table[vector]]
        labels = _unity_labels(look)
    return labels.join(table.drop(columns=[c for c in table if c in labels or c == vector]))


def _label_table(path: Path) -> Path | None:
    """The CSV or JSON file that belongs to an HDF5 file, under either of Kaggle's names."""
    kaggle = ["synthetic_gaze", "gaze"]
    stems = [path.stem, *kaggle] if path.stem in kaggle else [path.stem]
    tables = [path.with_name(stem + suffix) for stem in stems for suffix in (".csv", ".json")]
    return next((table for table in tables if table.exists()), None)


def _rows_sha256(text: bytes) -> str:
    """The SHA-256 of a CSV file's rows: comments and the kind of line ends do not count."""
    return sha256(b"\n".join(row for row in text.splitlines() if not row.startswith(b"#")))
