"""Files that are either whole or absent, and the errors that users can mend."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(ValueError):
    """A mistake that the user can mend; the message says how. The CLI shows nothing else."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Writes a file so that a reader sees the old one or the new one, never a part.

    Args:
        path: The file to write.

    Yields:
        A path in the same folder, with the same ending, to write to. It becomes `path` when the
        block ends, and is removed if the block fails.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.csv"
        >>> with atomic(path) as temporary:
        ...     _ = temporary.write_text("1,2,3")
        ...     path.exists()
        False
        >>> path.read_text()
        '1,2,3'
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
