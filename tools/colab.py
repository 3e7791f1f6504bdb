"""Writes the Colab links of the notebooks, and remembers the repository.

The address stands in one place, `repository` under `[tool.simgan]` in pyproject.toml. Links stand
between two markers; while no repository is known, nothing stands there.
"""

import re
import sys
from pathlib import Path
from urllib.parse import quote

MARKED = re.compile(r"(<!-- colab:(.*?) -->).*?(<!-- /colab -->)", re.DOTALL)
# In the notebooks' set-up cells, which fetch the course.
CELL = re.compile(r"repository = '[^']*'")
SETTING = re.compile(r'^repository = "(.*)"$', re.MULTILINE)


def badge(root: Path, repository: str, notebook: str) -> str:
    """Returns the Markdown of a Colab link, or nothing where it would lead nowhere.

    Args:
        root: The checkout.
        repository: `owner/name` on GitHub, or an empty string.
        notebook: The notebook's path in the repository.
    """
    if not repository or not (root / notebook).exists():
        return ""
    page = f"https://colab.research.google.com/github/{repository}/blob/main/{quote(notebook)}"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({page})"


def write_links(root: Path, repository: str) -> list[Path]:
    """Sets the repository and rewrites every link.

    Args:
        root: The checkout.
        repository: `owner/name`; an empty string removes the links.

    Returns:
        The files that changed.

    Raises:
        ValueError: If the address is not of the form `owner/name`.
    """
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"REPO must be owner/name, as on GitHub; received {repository!r}.")
    notebooks = [p for p in (root / "notebooks").rglob("*") if p.suffix in (".ipynb", ".py")]
    changed = []
    for path in [root / "pyproject.toml", *notebooks]:
        before = path.read_text()
        if path.name == "pyproject.toml":
            after = SETTING.sub(f'repository = "{repository}"', before)
        else:
            after = MARKED.sub(lambda m: m[1] + badge(root, repository, m[2]) + m[3], before)
            if path.suffix == ".ipynb":
                after = CELL.sub(f"repository = '{repository}'", after)
        if after != before:
            path.write_text(after)
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        for changed_path in write_links(Path(__file__).parent.parent, sys.argv[1]):
            print(changed_path)
    except ValueError as error:
        sys.exit(f"colab: {error}")
