"""Writes the notebooks from their masters, and executes them.

    python tools/notebooks.py [NAME ...]     such as 02_refiner; all of them without a name

A master, `notebooks/source/NN_name.py`, is a script in jupytext's percent format. Tags of cells:

    exercise    only in notebooks/NN_name.ipynb, where it is left open
    solution    only in notebooks/solutions/NN_name.ipynb
    task        an exercise's text: in both
    shared      a cell that the solutions need: in both

    check       asserts what the text says; in the first alone, as are cells without these tags

In text, `{{RUNS KEY DECIMALS}}` quotes a number from the records in runs/ (see
`simgan_lib.notebook.quote`), and `{{minutes}}` the measured running time.
"""

import argparse
import os
import re
import time
from pathlib import Path

import jupytext
import nbformat
from colab import MARKED, SETTING, badge
from nbclient import NotebookClient
from nbformat import NotebookNode

from simgan_lib.data.files import atomic
from simgan_lib.notebook import quote

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
QUOTE = re.compile(r"\{\{(.+?)\}\}")
# Only what is missing is installed: bounds are lower ones, so Colab's own versions stay.
COLAB_CELL = """\
# On Colab this cell fetches the course and what it needs; in a checkout it does nothing.
import importlib.util, subprocess, sys

if importlib.util.find_spec("simgan_lib") is None:
    repository = ''  # owner/name on GitHub
    assert repository, "simgan_lib is missing: open this notebook with 'make lab' in a checkout"
    address = repository if "://" in repository else f"https://github.com/{repository}"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", address, "simgan"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-e", "simgan"], check=True)
    sys.path.insert(0, "simgan")"""


def masters() -> list[Path]:
    """Returns the masters, in order."""
    return sorted((FOLDER / "source").glob("*.py"))


def build(master: Path, solutions: bool, minutes: float) -> NotebookNode:
    """Makes a notebook from its master, without outputs.

    Args:
        master: The script.
        solutions: Whether to make the notebook of the solutions.
        minutes: What to say of its running time.

    Returns:
        The notebook.
    """
    source = jupytext.read(master)
    cells = []
    for cell in source.cells:
        tags = set(cell.metadata.get("tags", []))
        wanted = tags & {"solution", "task", "shared"} if solutions else "solution" not in tags
        if wanted:
            if "setup" in tags:
                cells.append(_colab_cell(master, len(cells)))
            if cell.cell_type == "markdown":
                cell.source = fill(cell.source, minutes)
            cell.id = f"{master.stem[:2]}-{len(cells)}"
            cells.append(cell)
    # Nothing of this machine: a notebook changes only where its master or a result does.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    metadata["simgan"] = {"minutes": minutes}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _colab_cell(master: Path, number: int) -> NotebookNode:
    repository = f"repository = '{_repository()}'"
    cell = nbformat.v4.new_code_cell(COLAB_CELL.replace("repository = ''", repository))
    cell.id, cell.metadata["tags"] = f"{master.stem[:2]}-{number}", ["colab"]
    return cell


def _repository() -> str:
    return SETTING.search((ROOT / "pyproject.toml").read_text())[1]


def fill(text: str, minutes: float) -> str:
    """Fills in quotes from the records, the running time, and the Colab link."""

    def value(match):
        if match[1] == "minutes":
            return f"{minutes:.1f} minutes"
        runs, key, decimals = match[1].split()
        return quote(runs, key, int(decimals))

    text = MARKED.sub(lambda m: m[1] + badge(ROOT, _repository(), m[2]) + m[3], text)
    return QUOTE.sub(value, text)


def execute(notebook: NotebookNode, preset: str) -> float:
    """Runs all cells in place, and keeps of their outputs what belongs into the repository.

    Args:
        notebook: The notebook.
        preset: `quick` or `smoke`.

    Returns:
        Minutes.
    """
    os.environ["SIMGAN_PRESET"] = preset
    start = time.perf_counter()
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": FOLDER}}).execute()
    minutes = (time.perf_counter() - start) / 60
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _belongs(output)]
    return minutes


def _belongs(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    # A widget without its kernel is an empty box: its picture stays, if it has one.
    widget = output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    if widget and "image/png" in output.data:
        output.metadata["image/png"] = {"alt": f"The widget {output.data['text/plain']} at rest."}
    return widget is None or "image/png" in output.data


def write(master: Path, preset: str) -> None:
    """Builds, executes and writes both notebooks of a master, and says how long they took."""
    solved = "solution" in master.read_text()
    for solutions in (False, True) if solved else (False,):
        notebook = build(master, solutions, minutes=0.0)
        minutes = round(execute(notebook, preset), 1)
        filled = build(master, solutions, minutes)
        for cell, new in zip(notebook.cells, filled.cells, strict=True):
            cell.source = new.source
        notebook.metadata["simgan"] = {"minutes": minutes}
        path = FOLDER / ("solutions" if solutions else "") / f"{master.stem}.ipynb"
        path.parent.mkdir(exist_ok=True)
        with atomic(path) as temporary:
            nbformat.write(notebook, temporary)
        print(f"{path.relative_to(ROOT)}: {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write and execute the notebooks.")
    parser.add_argument("names", nargs="*", help="such as 02_refiner; all if left out")
    parser.add_argument("--preset", default="quick", choices=("quick", "smoke"))
    arguments = parser.parse_args()
    for path in masters():
        if not arguments.names or path.stem in arguments.names:
            write(path, arguments.preset)
