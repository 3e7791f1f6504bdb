"""Files: written whole or not at all, and read with errors that say what to do."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from simgan_lib.config import UserError


class DataError(UserError):
    """A data file or an argument that cannot be used. The message says what to do about it."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Writes a file so that a reader sees the old one or the new one, never a part.

    It yields a path beside `path` to write to. That becomes `path` when the block ends, and is
    removed if the block fails.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keeps other processes from writing into a folder, which it makes if there is none.

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
    """Raises a UserError if a disk has fewer free bytes than needed.

    A full disk would end the process while HDF5 closes its file.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder} has {free / 1e6:.0f} MB of free space; {needed / 1e6:.0f} MB are needed. "
            "Free some space, or choose another folder."
        )


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turns whatever a library raises for a file that it cannot read into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        hint = "It may be damaged, cut short or of another layout: fetch or make it again."
        raise DataError(f"{path} cannot be read: {error!r}. {hint}") from error


def sha256(data: bytes | np.ndarray) -> str:
    """The SHA-256 of bytes or of an array, as hexadecimal text."""
    data = data if isinstance(data, bytes) else np.ascontiguousarray(data)
    return hashlib.sha256(data).hexdigest()
