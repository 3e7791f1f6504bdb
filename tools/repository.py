"""Tells the notebooks where the course lies: their set-up cells, and their badges.

    python tools/repository.py owner/name

The address stands in one place, `repository` under `[tool.simgan]` in pyproject.toml. Badges stand
between two markers. While no repository is known, nothing stands there.
"""

import re
import sys
from pathlib import Path
from urllib.parse import quote

MARKED = re.compile(r"(<!-- colab:(.*?) -->).*?(<!-- /colab -->)", re.DOTALL)
CELL = re.compile(r'REPOSITORY = "[^"]*"')
SETTING = re.compile(r'^repository = "(.*)"$', re.MULTILINE)
# The page that opens a notebook of a repository, and its badge.
SERVICES = {
    "Open in Colab": (
        "https://colab.research.google.com/github/{repository}/blob/main/{notebook}",
        "https://colab.research.google.com/assets/colab-badge.svg",
    ),
    "Open in Kaggle": (
        "https://kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/main/{notebook}",
        "https://kaggle.com/static/images/open-in-kaggle.svg",
    ),
    "Open in Binder": (
        "https://mybinder.org/v2/gh/{repository}/main?labpath={notebook}",
        "https://mybinder.org/badge_logo.svg",
    ),
}


def badges(root: Path, repository: str, notebook: str) -> str:
    """Returns the Markdown of a notebook's badges, or nothing where they would lead nowhere.

    Args:
        root: The checkout.
        repository: `owner/name` on GitHub, or an empty string.
        notebook: The notebook's path in the repository.
    """
    if not repository or not (root / notebook).exists():
        return ""
    return " ".join(
        f"[![{name}]({picture})]({page.format(repository=repository, notebook=quote(notebook))})"
        for name, (page, picture) in SERVICES.items()
    )


def set_repository(root: Path, repository: str) -> list[Path]:
    """Writes the address into pyproject.toml and into every notebook.

    Args:
        root: The checkout.
        repository: `owner/name`; an empty string removes the badges.

    Returns:
        The files that changed.

    Raises:
        ValueError: If the address is not of the form `owner/name`.
    """
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"REPO must be owner/name, as on GitHub; received {repository!r}.")
    changed = []
    for path in [root / "pyproject.toml", *sorted((root / "notebooks").rglob("*.ipynb"))]:
        before = path.read_text()
        if path.name == "pyproject.toml":
            after = SETTING.sub(f'repository = "{repository}"', before)
        else:
            after = MARKED.sub(lambda m: m[1] + badges(root, repository, m[2]) + m[3], before)
            # In a notebook's JSON, quotes are escaped.
            cell = f'REPOSITORY = \\"{repository}\\"'
            after = re.sub(r'REPOSITORY = \\"[^"\\]*\\"', lambda _, cell=cell: cell, after)
        if after != before:
            path.write_text(after)
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        for changed_path in set_repository(Path(__file__).parent.parent, sys.argv[1]):
            print(changed_path)
    except ValueError as error:
        sys.exit(f"repository: {error}")
