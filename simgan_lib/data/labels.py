"""Labels: columns, units and axes, tables of them, and which row belongs to which image."""

import hashlib
import io
import itertools
import json
import re
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.data.camera import look_vector
from simgan_lib.data.files import PICTURES, DataError, read_text, reading, warn

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

# The columns that are looked for, as `plain` gives them; data/README.md lists them.
NAMES = ("file", "filename", "path", "image", "imagename", "name")
NUMBERS = ("imagenumber", "imageindex", "number", "index", "id", "key", "unnamed0")
UNITY_VECTORS = ("lookvec", "gaze")
UNITY_PREFIXES = ("lookvec", "look", "gaze", "")


def gaze_labels(look: np.ndarray, source: str | Path = "look") -> pd.DataFrame:
    """Computes pitch, yaw (radians), look_x, look_y and look_z from gaze directions.

    Args:
        look: Array `(n, 3)` of unit vectors in the axes of `LABELS`. Missing ones are NaN.
        source: Where they come from, for an error.

    Raises:
        DataError: If a vector's length differs from 1 by more than 0.02.

    Example:
        >>> gaze_labels([[0, -0.6, -0.8]]).round(3)
           pitch  yaw  look_x  look_y  look_z
        0  0.644 -0.0     0.0    -0.6    -0.8
    """
    look = np.asarray(look, float)
    length = np.linalg.norm(look, axis=1, keepdims=True)
    far = (np.abs(length - 1) > 0.02).ravel()
    if far.any():
        some = f"{far.sum()} of {len(look)} gaze vectors are not of length 1, e.g. {far.argmax()}"
        raise DataError(f"{source}: {some}: {look[far][0].round(4).tolist()}. Leave these out.")
    x, y, z = (look / length).T
    angles = {"pitch": np.arcsin(-y), "yaw": np.arctan2(-x, -z)}
    return pd.DataFrame(angles | {"look_x": x, "look_y": y, "look_z": z})


def read_table(path: Path) -> pd.DataFrame:
    """Reads labels from CSV or JSON, in any dialect."""
    text = read_text(path)
    with reading(path):
        return (_from_json if path.suffix.lower() == ".json" else _from_csv)(text)


def read_own_table(path: Path, dtypes: dict[str, str]) -> pd.DataFrame:
    """Reads labels that `save_images` wrote, exactly as they were, with the dtypes it noted."""
    with reading(path):
        with open(path, encoding="utf-8-sig") as lines:
            comments = sum(1 for _ in itertools.takewhile(lambda line: line[0] == "#", lines))
        # pandas rounds some floats in the last bit. Text such as "007" or "NA" stays text.
        floats = [name for name, dtype in dtypes.items() if dtype.startswith("float")]
        kinds = {n: t if re.match("u?int|bool", t) else str for n, t in dtypes.items()}
        options = {"keep_default_na": False, "na_values": [""], "skiprows": comments}
        options["converters"] = {n: lambda text: float(text or "nan") for n in floats}
        options["dtype"] = {n: t for n, t in kinds.items() if n not in floats}
        others = {n: t for n, t in dtypes.items() if re.match("float|date|time|cat|complex", t)}
        return pd.read_csv(path, **options).astype(others)


def rows_sha256(table: Path) -> str:
    """Computes the SHA-256 of a CSV file's rows, without comments and the kind of line ends."""
    digest = hashlib.sha256()
    if table.is_file():
        with reading(table), open(table, encoding="utf-8-sig") as lines:
            rows = (line.removesuffix("\n") for line in lines if not line.startswith("#"))
            for number, row in enumerate(rows):
                digest.update((b"\n" if number else b"") + row.encode())
    return digest.hexdigest()


def _from_csv(text):
    # pandas' own `comment` would also cut a file's name at a '#'. Spreadsheets write `sep=;`.
    text = re.sub(r"\A(#.*\n)*(sep=.\s*\n)?", "", text)
    header = text.split("\n", 1)[0].strip()
    separator = max(",;\t|", key=header.count)
    options = {"sep": separator, "dtype": str, "skipinitialspace": True, "index_col": False}
    with warnings.catch_warnings(action="error"):  # pandas cuts rows that are too long
        table = pd.read_csv(io.StringIO(text), **options)
    if table.shape[1] == 1 and " " in header:
        raise ValueError(f"it has one column, {header!r}")
    for column in table:
        # A decimal sign may be a comma where that does not separate. A name such as "007" is text.
        values = table[column] if separator == "," else table[column].str.replace(",", ".")
        numbers = pd.to_numeric(values, errors="coerce")
        if plain(column) not in NAMES and (numbers.notna() == table[column].notna()).all():
            table[column] = numbers
    return table


def _from_json(text):
    try:
        data = json.loads(text)
    except json.JSONDecodeError:  # one value on each line, perhaps
        data = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(data, dict) and all(isinstance(value, dict) for value in data.values()):
        data = [{"file": name, **record} for name, record in data.items()]
    if isinstance(data, list) and all(isinstance(record, dict) for record in data):
        return flat_table(data)
    raise ValueError("JSON of another form")


def flat_table(records: list[dict]) -> pd.DataFrame:
    """Makes a table of records, with lists as JSON text, as a CSV file holds numbers and text."""
    table = pd.json_normalize(records)
    return table.map(lambda value: json.dumps(value) if isinstance(value, list) else value)


def match_rows(
    table: pd.DataFrame,
    images: list,
    source: Path,
    forms: Callable[[object], tuple],
    known: tuple = (NAMES, NUMBERS),
) -> pd.DataFrame:
    """Brings rows into the order of the images, by the columns that name or number them.

    Names go before numbers, as a column such as `id` often numbers the rows only. `forms` gives a
    name as written, then shorter and shorter forms. The first form that finds all images is used.
    """
    candidates = [[c for c in table if plain(c) in columns] for columns in known]
    for columns in candidates:
        places = {c: _places(table[c], images, forms) for c in columns}
        places = {column: found for column, found in places.items() if found}
        if len(set(map(tuple, places.values()))) > 1:
            differ = " and ".join(map(repr, places))
            raise DataError(f"{source}: columns {differ} name different images. Leave one of them.")
        if places:
            return table.iloc[next(iter(places.values()))].reset_index(drop=True)
    column = next((c for columns in candidates for c in columns), None)
    if column is None:
        rows = f"{len(table)} rows for {len(images)} images"
        raise DataError(f"{source}: {rows}, and no column names the image. Add `file`.")
    there = {forms(value)[-1] for value in table[column]}
    missing = [image for image in images if forms(image)[-1] not in there]
    wrong = f"has no row for {missing[:5]}" if missing else "names some images twice"
    rows = table[column].head().tolist()
    raise DataError(f"{source}: column {column!r} {wrong}; its rows are for {rows} ...")


def _places(column, images, forms):
    """Finds each image's row, or None. Two rows or two images of one name count as not found."""
    rows, wanted = (pd.DataFrame(map(forms, names)) for names in (column, images))
    for form in wanted if len(rows) else ():
        if rows[form].is_unique and wanted[form].is_unique and wanted[form].isin(rows[form]).all():
            return pd.Index(rows[form]).get_indexer(wanted[form]).tolist()
    return None


def name_forms(name) -> tuple[str, ...]:
    r"""Returns a name as written, then without case, folder, ending, and zeros before numbers.

    Example:
        >>> name_forms("imgs\\Eye07.PNG")
        ('imgs/Eye07.PNG', 'imgs/eye07.png', 'eye07.png', 'eye07', 'eye7')
    """
    # Systems differ in how they compose an accent and in the sign between folders.
    name = unicodedata.normalize("NFC", str(name).strip()).replace("\\", "/").removeprefix("./")
    base = name.lower().rsplit("/", 1)[-1]
    stem = base.rpartition(".")[0] if base.endswith(PICTURES) else base.removesuffix(".0")
    return name, name.lower(), base, stem, re.sub(r"(?<!\d)0+(?=\d)", "", stem)


def number_form(name) -> tuple[int]:
    """Returns the last number in a file's name, or the number itself: 'imgs/12.jpg' gives 12."""
    found = re.findall(r"\d+", name_forms(name)[3])
    return (int(found[-1]) if found else -1,)


def rows_of_stacked(table: pd.DataFrame, count: int, source: Path) -> pd.DataFrame:
    """Brings rows into the order of a stacked file, whose images have numbers but no names."""
    if len(table) != count:
        rows = f"{source}: {len(table)} rows of labels for {count} images"
        raise DataError(f"{rows}. Give one row for each, in their order.")
    for column in [c for known in (NUMBERS, NAMES) for c in table if plain(c) in known]:
        numbers = [number_form(value)[0] for value in table[column]]
        if plain(column) in NUMBERS and sorted(numbers) == [*range(count)]:
            return match_rows(table, [*range(count)], source, number_form, (NUMBERS,))
        if len({*numbers}) == len(numbers) and numbers != sorted(numbers):
            raise DataError(
                f"{source}: the rows are not in the order of column {column!r}. Number the images "
                "from 0 in a column `image_number`, or sort the rows and rename that column."
            )
    return table


def plain(name) -> str:
    """Returns a column's name in lower case and without punctuation."""
    letters = re.sub("[^a-z0-9]", "", str(name).lower())
    return letters.removeprefix("eyedetails")  # the prefix of UnityEyes' nested JSON


def _find(table, name):
    """Returns the column of this name, whatever its case and punctuation, or None."""
    return next((column for column in table if plain(column) == plain(name)), None)


def numbers_in(value, source: Path) -> list[float]:
    """Returns the first three numbers of '(1.0, 2.0, 3.0)' or '(1.0, 2.0, 3.0, 0.0)', or a list."""
    text = str(value).strip("()[] ")
    if text == "nan":  # a lost track
        return [np.nan] * 3
    if "." not in text and re.search(r"[\s;]", text):
        text = re.sub(r"(\d),(\d)", r"\1.\2", text)  # decimal commas
    try:
        found = [float(part) for part in re.split(r"[,;\s]+", text)]
    except ValueError:
        found = []
    if len(found) not in (3, 4):
        raise DataError(f"{source}: expected (x, y, z) or (x, y, z, 0); received {value!r}.")
    return found[:3]


def _floats(table, names, source):
    """Returns columns as floats `(n, len(names))`."""
    table = table[names]
    floats = table.apply(pd.to_numeric, errors="coerce")
    wrong = table.to_numpy()[(floats.isna() & table.notna()).to_numpy()]
    if wrong.size:
        where, value = ", ".join(map(str, names)), wrong[0]
        raise DataError(f"{source}: {where} must hold numbers like -0.5; received {value!r}.")
    return floats.to_numpy(float)


def unity_labels(look, source: Path) -> pd.DataFrame:
    """Converts UnityEyes' `look_vec`, whose axes are x right, y up and z away, to gaze columns."""
    return gaze_labels(np.asarray(look, float)[:, :3] * [1, -1, 1], source)


def complete(table: pd.DataFrame, source: Path, unity: bool = False) -> pd.DataFrame:
    """Completes gaze in our columns: a vector from angles, angles in radians from a vector.

    With `unity`, vectors are in UnityEyes' axes, unless there are angles and a vector in ours.
    """
    table = table.rename(columns={_find(table, n): n for n in LABELS if n not in table})
    known = [name for name in LABELS if name in table]
    if known:
        table[known] = _floats(table, known, source)
    if unity and not {*ANGLES, *LOOK} <= {*table}:
        vector = next((c for c in table if plain(c) in UNITY_VECTORS), None)
        axes = [[_find(table, prefix + axis) for axis in "xyz"] for prefix in UNITY_PREFIXES]
        axes = next((columns for columns in axes if None not in columns), None)
        look = None if axes is None else _floats(table, axes, source)
        if vector is not None:
            look = [numbers_in(value, source) for value in table[vector]]
        if look is not None:
            labels = unity_labels(look, source)
            return labels.join(table.drop(columns=[c for c in table if c in labels or c == vector]))
    if {*ANGLES} <= {*table}:
        if (np.abs(table[ANGLES]) > [np.pi / 2, np.pi]).any(axis=None):
            far = "pitch or yaw goes beyond what radians can mean"
            raise DataError(f"{source}: {far}. Convert them if they are in degrees.")
        if not {*LOOK} <= {*table}:
            table[LOOK] = np.stack(look_vector(*table[ANGLES].to_numpy().T), axis=1)
    elif {*LOOK} <= {*table}:
        table[ANGLES] = gaze_labels(table[LOOK], source)[ANGLES]
    else:
        columns = ", ".join(map(str, table))
        expected = "Gaze is read from pitch and yaw in radians, or look_x, look_y and look_z"
        warn(f"{source} has no gaze, only {columns}. {expected}.")
    order = [name for name in LABELS if name in table]
    return table[order + [name for name in table if name not in order]]
