"""Tables of gaze labels: our columns, and the way to them from the tables of others."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.data.files import DataError, reading, sha256

LABELS = {
    "pitch": "gaze angle, radians, up is positive: asin(-look_y)",
    "yaw": "gaze angle, radians, to the image's left is positive: atan2(-look_x, -look_z)",
    "look_x": "gaze direction, unit vector in camera coordinates, x to the image's right",
    "look_y": "gaze direction, y down",
    "look_z": "gaze direction, z away from the camera: an eye that looks at it has -1",
    "pupil_x": "centre of the pupil, pixels to the right of the left-most pixel's centre",
    "pupil_y": "centre of the pupil, pixels down from the top pixel's centre",
}
ANGLES = ["pitch", "yaw"]
LOOK = ["look_x", "look_y", "look_z"]

# Columns, without their punctuation, that may say which image a row belongs to.
IMAGE_COLUMNS = ["imagenumber", "number", "index", "imageindex", "id", "key"]
IMAGE_COLUMNS += ["file", "filename", "path", "image", "name", "unnamed0"]


def gaze_labels(look: np.ndarray) -> pd.DataFrame:
    """Computes the five gaze columns from gaze directions.

    Args:
        look: Array `(n, 3)` of x, y, z in camera coordinates: x right, y down, z away from the
            camera. Vectors of another length than 1 are scaled, with a warning.

    Returns:
        DataFrame with the columns pitch, yaw (radians), look_x, look_y and look_z.

    Example:
        >>> gaze_labels([[0, -0.6, -0.8]]).round(3)
           pitch  yaw  look_x  look_y  look_z
        0  0.644 -0.0     0.0    -0.6    -0.8
    """
    look = np.asarray(look, float)
    length = np.linalg.norm(look, axis=1, keepdims=True)
    if (np.abs(length - 1) > 0.01).any():
        warnings.warn("Some gaze vectors are not of length 1; they were scaled.", stacklevel=2)
    x, y, z = (look / np.maximum(length, 1e-12)).T
    angles = {"pitch": np.arcsin(-y), "yaw": np.arctan2(-x, -z)}
    return pd.DataFrame(angles | {"look_x": x, "look_y": y, "look_z": z})


def look_vectors(pitch: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Computes gaze directions from angles; `gaze_labels` the other way round.

    Args:
        pitch: Array `(n,)`, radians, up is positive.
        yaw: Array `(n,)`, radians, to the image's left is positive.

    Returns:
        Array `(n, 3)` of unit vectors in camera coordinates: x right, y down, z away.

    Example:
        >>> look_vectors(np.array([0.0]), np.array([np.pi / 6])).round(3)
        array([[-0.5  , -0.   , -0.866]])
    """
    x, z = -np.cos(pitch) * np.sin(yaw), -np.cos(pitch) * np.cos(yaw)
    return np.stack([x, -np.sin(pitch), z], axis=1)


def unity_labels(look: np.ndarray) -> pd.DataFrame:
    """Computes the five gaze columns from UnityEyes' `look_vec`.

    Unity's axes are x right, y up, z away from the camera, so that only y differs from ours.

    Args:
        look: Array `(n, 3)` or `(n, 4)`; a fourth column means nothing.

    Returns:
        DataFrame of the same columns as from `gaze_labels`.

    Example:
        >>> unity_labels([[0, 0.6, -0.8, 0]]).round(3)  # Up in Unity is up here.
           pitch  yaw  look_x  look_y  look_z
        0  0.644 -0.0     0.0    -0.6    -0.8
    """
    return gaze_labels(np.asarray(look, float)[:, :3] * [1, -1, 1])


def read_table(path: Path) -> pd.DataFrame:
    r"""Reads labels from CSV or JSON, with the columns that the file has.

    Args:
        path: A CSV file, which may begin with comments (`#`), or JSON: a list of records, records
            by image number, or lists by column.

    Returns:
        DataFrame with a row for each record.

    Raises:
        DataError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels.csv")
        ...     _ = path.write_text("# radians\nfile,pitch\neye1.png,0.25\n")
        ...     read_table(path)
               file  pitch
        0  eye1.png   0.25
    """
    path = Path(path)
    with reading(path), open(path, encoding="utf-8") as file:
        if path.suffix == ".csv":
            # pandas' own `comment` would also cut a file's name at a '#'.
            comments = next((i for i, line in enumerate(file) if line[0] != "#"), 0)
            return pd.read_csv(path, skiprows=comments, skipinitialspace=True)
        data = json.load(file)
        if isinstance(data, dict) and all(name.isdigit() for name in data):
            return pd.json_normalize(list(data.values())).assign(image_number=list(data))
        if isinstance(data, list):
            return pd.json_normalize(data)
        return pd.DataFrame(data)


def find_column(table: pd.DataFrame, names) -> str | None:
    """The first column called one of `names`, whatever its case and punctuation, or None."""

    def plain(name):
        letters = re.sub("[^a-z0-9]", "", str(name).lower())
        return letters.removeprefix("eyedetails")  # What nested JSON of UnityEyes begins with.

    columns = {plain(column): column for column in table}
    for name in names:
        if plain(name) in columns:
            return columns[plain(name)]
    return None


def number_in(name) -> int:
    """The last number in a file's name (or the number itself), or -1: 'imgs/12.jpg' gives 12."""
    found = re.findall(r"\d+", Path(str(name)).stem)
    return int(found[-1]) if found else -1


def stem(name) -> str:
    """A file's name without its folder and ending: 'imgs/12.jpg' gives '12'."""
    return Path(str(name)).stem


def numbers(value) -> list[float]:
    """The numbers of '(1.0, 2.0, 3.0)', or of a list."""
    parts = value.strip("()[] ").split(",") if isinstance(value, str) else value
    return [float(part) for part in parts]


def match_rows(table: pd.DataFrame, wanted: list, key: Callable, source: Path) -> pd.DataFrame:
    """Brings the rows of a table into the order of the images.

    Rows are found by a column that names the image (`IMAGE_COLUMNS`). Without such a column, the
    order and the number of the rows must be those of the images.

    Args:
        table: Labels, a row for each image at least.
        wanted: What `key` gives for each image, in their order.
        key: `number_in` or `stem`: what to compare in the names.
        source: The table's file, for messages.

    Returns:
        DataFrame with a row for each image, without the column that named it.

    Raises:
        DataError: If an image has no row, or two.

    Example:
        >>> table = pd.DataFrame({"file": ["eye2.png", "eye1.png"], "pitch": [0.2, 0.1]})
        >>> match_rows(table, ["eye1", "eye2"], stem, "labels.csv")
           pitch
        0    0.1
        1    0.2
    """
    column = find_column(table, IMAGE_COLUMNS)
    if column is None:
        if len(table) == len(wanted):
            return table
        lengths = f"{len(table)} rows for {len(wanted)} images"
        raise DataError(f"{source}: {lengths}, and no column names the image. Add `image_number`.")
    names = table[column].map(key)
    missing = sorted(set(wanted) - set(names))
    if missing or not names.is_unique:
        wrong = f"there is no row for {missing[:5]}" if missing else "some are there twice"
        raise DataError(f"{source}: column {column!r} must name every image once, but {wrong}.")
    return table.set_index(names).loc[wanted].reset_index(drop=True).drop(columns=column)


def in_radians(table: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Converts the columns whose names end in `_deg` to radians, and takes the ending away.

    Raises:
        DataError: If a column holds no numbers, or is there in radians as well.

    Example:
        >>> in_radians(pd.DataFrame({"pitch_deg": [90.0]}), "labels.csv").round(3)
           pitch
        0  1.571
    """
    table = table.copy()
    for column in [name for name in table if str(name).lower().endswith("_deg")]:
        name = column[: -len("_deg")]
        twin = find_column(table, [name])
        if twin is not None:
            raise DataError(f"{source} has both {twin} and {column}. Leave one of them.")
        with reading(source):
            table[column] = np.radians(pd.to_numeric(table[column]))
        table = table.rename(columns={column: name})
    return table


def complete_labels(table: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Completes labels that somebody wrote by hand, in our axes.

    Angles in degrees (`pitch_deg`) become radians, look_x, look_y and look_z are computed from
    pitch and yaw, or pitch and yaw from them, and our columns come first, as `LABELS` calls them.

    Args:
        table: Labels; a table without any gaze is as welcome.
        source: The table's file, for messages.

    Returns:
        DataFrame with the columns of `LABELS` that are known, and then all others.

    Raises:
        DataError: If a column holds no numbers, or pitch and yaw cannot be in radians.

    Example:
        >>> table = pd.DataFrame({"Pitch_deg": [30.0], "Yaw_deg": [0.0]})
        >>> complete_labels(table, "labels.csv").round(3)
           pitch  yaw  look_x  look_y  look_z
        0  0.524  0.0    -0.0    -0.5  -0.866
    """
    table = in_radians(table, source)
    missing = [name for name in LABELS if name not in table]
    table = table.rename(columns={find_column(table, [name]): name for name in missing})
    has_angles, has_look = set(ANGLES) <= set(table), set(LOOK) <= set(table)
    with reading(source):
        if has_angles and not has_look:
            pitch, yaw = table[ANGLES].to_numpy(float).T
            largest = max(np.abs(pitch).max(initial=0) * 2, np.abs(yaw).max(initial=0))
            if largest > np.pi:
                raise DataError(
                    f"{source}: pitch or yaw goes beyond what radians can mean. "
                    "Name the columns pitch_deg and yaw_deg if they are in degrees."
                )
            table[LOOK] = look_vectors(pitch, yaw)
        elif has_look and not has_angles:
            gaze = gaze_labels(table[LOOK])
            table[list(gaze)] = gaze.to_numpy()
    known = [name for name in LABELS if name in table]
    return table[known + [name for name in table if name not in known]]


def unity_table(table: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Finds gaze in UnityEyes' axes under various names, and converts it to our columns.

    A table that has our own pitch and yaw, with look_x, look_y and look_z or without any vector,
    is in our axes already.

    Args:
        table: Labels with a gaze vector in one column ("(x, y, z)") or in three.
        source: The table's file, for messages.

    Returns:
        DataFrame with the five gaze columns and the table's other numbers.

    Raises:
        DataError: If there is no gaze; it says which columns were looked for.

    Example:
        >>> table = pd.DataFrame({"Gaze_X": [0.0], "Gaze_Y": [0.6], "Gaze_Z": [-0.8]})
        >>> list(unity_table(table, "gaze.csv"))
        ['pitch', 'yaw', 'look_x', 'look_y', 'look_z', 'Gaze_X', 'Gaze_Y', 'Gaze_Z']
    """
    table = in_radians(table, source)
    if set(ANGLES + LOOK) <= set(table):
        return table
    vector = find_column(table, ["look_vec", "gaze", "gaze_vec"])
    prefixes = ["look_", "look_vec_", "gaze_", "gaze_vec_", "gaze_vector_", ""]
    columns = [find_column(table, [prefix + axis for prefix in prefixes]) for axis in "xyz"]
    if vector is not None:
        with reading(source):
            labels = unity_labels([numbers(value)[:3] for value in table[vector]])
    elif None not in columns:
        with reading(source):
            labels = unity_labels(table[columns])
    elif find_column(table, ["pitch"]) is not None and find_column(table, ["yaw"]) is not None:
        return complete_labels(table, source)
    else:
        missing = [name for name, column in zip(LOOK, columns, strict=True) if column is None]
        found = f"no column {', '.join(missing)} (or gaze_x, x ..., or look_vec)"
        raise DataError(f"{source}: {found}; it has: {', '.join(map(str, table))}.")
    others = table.select_dtypes("number")
    return labels.join(others[[name for name in others if name not in labels]])


def label_table(path: Path) -> Path | None:
    """The CSV or JSON file that belongs to an HDF5 file, under either of Kaggle's names."""
    kaggle = ["synthetic_gaze", "gaze"]
    stems = [path.stem, *kaggle] if path.stem in kaggle else [path.stem]
    for stem in stems:
        for suffix in (".csv", ".json"):
            table = path.with_name(stem + suffix)
            if table.exists():
                return table
    return None


def rows_sha256(text: bytes) -> str:
    """The SHA-256 of a CSV file's rows: comments and the kind of line ends do not count."""
    rows = [line for line in text.splitlines() if not line.startswith(b"#")]
    return sha256(b"\n".join(rows))
