"""Files: written whole or not at all, and read with errors that say what to do."""

import codecs
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
from filelock import FileLock, Timeout

from simgan_lib.config import UserError, shown

# The first bytes of a file that is not what its name says, and what to do about it.
BEGINS = {
    b"PK": "It is a zip archive or a spreadsheet: unpack it, or save it as CSV UTF-8.",
    b"\x1f\x8b": "It is packed with gzip: unpack it.",
    (b"\x89PNG", b"\xff\xd8\xff"): "It is a picture: give the folder that holds it.",
    b"<": "It is a web page: download the file itself.",
    b"\x93NUMPY": "It is a NumPy array: save its images as pictures, or in an HDF5 file.",
    b"MATLAB 7.3": "It is a MATLAB 7.3 file: save it again with save(..., '-v7').",
}
# What libraries say of a file that is not damaged, and what to do about it.
SAID = {
    "lock file|temporarily unavailable": "Another program has it open for writing: close it there.",
    "already open for write": "The program that wrote it did not close it: run `h5clear -s` on it.",
    "plugin|required filter": "It needs a filter that is not installed: pip install hdf5plugin.",
    "UnicodeDecodeError": "It is not UTF-8: save it again as UTF-8 (in spreadsheets: CSV UTF-8).",
    "Length of header|Expected .* fields": "A row has more values than there are columns: is a "
    "decimal sign a comma?",
    "it has one column": "Separate the columns by commas.",
    "JSON of another form": "Expected a list of records, or records by file name or number.",
    "MemoryError": "It needs more memory than there is: give a size (--size).",
    "PermissionError": "Allow yourself to read it.",
}
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".gif", ".tif", ".tiff", ".webp")


class DataError(UserError):
    """A data file or an argument that cannot be used. The message says what to do about it."""


def warn(text: str) -> None:
    """Warns of something in a file, at the caller's caller, with unprintable text escaped."""
    warnings.warn(shown(text), stacklevel=3)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Writes a file so that a reader sees the old one or the new one, never a part.

    It yields a path beside `path`, which becomes `path` when the block ends, unless that fails.

    Raises:
        UserError: If the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except Exception as error:  # HDF5's errors have no errno.
        if "No space left" not in str(error):
            raise
        size = temporary.stat().st_size / 1e6 if temporary.exists() else 0
        raise UserError(
            f"No space left on the disk for {path} (more than {size:.1f} MB). The files written "
            "before are whole. Make room and repeat the command; a training goes on with --resume."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keeps other processes from writing into a folder, and makes the folder if necessary.

    A process that is killed leaves the file `.lock`, but no lock.

    Raises:
        UserError: If another process has locked the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"Another process is writing into {folder}. Wait for it, or choose another folder."
        ) from None


def check_space(folder: str | Path, needed: int) -> None:
    """Raises a UserError if fewer bytes than needed are free: on a full disk, HDF5 crashes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder} has {free / 1e6:.0f} MB of free space; {needed / 1e6:.0f} MB are needed. "
            "Free some space, or choose another folder."
        )


@contextmanager
def reading(
    path: str | Path, raises: type[UserError] = DataError, again: str = ""
) -> Iterator[None]:
    """Turns whatever a library raises for a file that it cannot read into one short message.

    `again` is the remedy for an empty or damaged file. A pipe is refused: reading it may never end.
    """
    path = Path(path)
    if os.path.exists(path) and not (path.is_file() or path.is_dir()):
        raise raises(f"{path} is a pipe or a device. Give a file.")
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        remedy = _remedy(path, said, again)
        raise raises(f"{path} cannot be read: {said}. {remedy}") from error


def _remedy(path, said, again):
    start = b"?"
    if os.path.isfile(path) and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            start = file.read(32).lstrip()
    data = path.suffix.lower() not in PICTURES and not again  # a run's files may be archives
    again = again or "fetch or make it again"
    if start.startswith(b"version https://git-lfs"):
        return "It is a Git LFS pointer, not the file: run `git lfs pull`."
    if not start:
        return f"It is empty: {again}."
    known = [remedy for begin, remedy in BEGINS.items() if data and start.startswith(begin)]
    known += [remedy for words, remedy in SAID.items() if re.search(words, said)]
    return [*known, f"It may be damaged, cut short or of another layout: {again}."][0]


def own(group: h5py.Group, name: str) -> h5py.Dataset | h5py.Group:
    """Opens an object of an HDF5 file, unless its values lie in other files or are too many.

    A link could show what its sender cannot read. A short file may declare too much for memory.
    """
    path = group.file.filename
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise DataError(f"{path}: {name} is a link. Copy the data into the file.")
    found = group[name]
    if isinstance(found, h5py.Dataset):
        check_own(path, found.id, found.nbytes)
    return found


def check_own(path: str | Path, data: h5py.h5d.DatasetID, declared: int) -> None:
    """Raises a DataError for what `own` refuses; `declared` is the number of bytes in memory."""
    if data.get_offset() is None:  # data with an offset lies in this file
        made = data.get_create_plist()
        if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
            raise DataError(f"{path} shows data of other files. Copy the data into the file.")
    held = os.path.getsize(path)
    if declared > 100 * held + 2**20:  # more than compression saves
        raise DataError(
            f"{path} has {held / 1e6:.3f} MB and declares {declared / 1e6:.0f} MB of values. It is "
            "damaged, or made to fill the memory: fetch or make it again."
        )


def read_text(path: Path) -> str:
    """Reads text in UTF-8, or in UTF-16 with a byte order mark, and drops the mark."""
    with reading(path):
        data = path.read_bytes()
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return data.decode("utf-16" if data.startswith(marks) else "utf-8-sig")
