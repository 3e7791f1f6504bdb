"""Files: written whole or not at all, and read with errors that say what to do."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

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
