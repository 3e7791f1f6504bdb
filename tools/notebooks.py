"""Writes the notebooks from their masters, and executes them.

    python tools/notebooks.py [NAME ...]     such as 02_refiner; all of them without a name

A master, `notebooks/source/NN_name.py`, is a script in jupytext's percent format. Tags of cells:

    exercise    only in notebooks/NN_name.ipynb, where it is left open
    solution    only in notebooks/solutions/NN_name.ipynb
    task        an exercise's text: in both
    shared      a cell that the solutions need: in both
    plot        code that only draws, folded away: its output is what matters

    check       asserts what the text says; in the first alone, as are cells without these tags

In text, `{{RUNS KEY DECIMALS}}` quotes a number from the records in runs/ (see
`tables.quote`), and `{{minutes}}` the measured running time.
"""

import argparse
import base64
import io
import os
import re
import time
from pathlib import Path

import jupytext
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image
from repository import CELL, MARKED, SETTING, badges
from tables import quote

from simgan_lib.data.files import atomic

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
QUOTE = re.compile(r"\{\{(.+?)\}\}")
# Each notebook begins with it, as it may be opened alone.
SETUP_CELL = (Path(__file__).parent / "setup_cell.py").read_text().strip()


def masters() -> list[Path]:
    """Returns the masters, in order."""
    return sorted((FOLDER / "source").glob("*.py"))


def build(master: Path, edition: str = "both", minutes: float = 0.0) -> NotebookNode:
    """Makes a notebook from its master, without outputs.

    Args:
        master: The script.
        edition: `"exercises"`, `"solutions"`, or `"both"`: all cells in one notebook, which the
            tests run.
        minutes: What to say of its running time.

    Returns:
        The notebook.
    """
    repository = SETTING.search((ROOT / "pyproject.toml").read_text())[1]
    cells = []
    for cell in jupytext.read(master).cells:
        tags = set(cell.metadata.get("tags", []))
        if edition == "exercises" and "solution" in tags:
            continue
        if edition == "solutions" and not tags & {"solution", "task", "shared"}:
            continue
        if "setup" in tags:
            source = CELL.sub(f'REPOSITORY = "{repository}"', SETUP_CELL)
            cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["plot"]}))
        if cell.cell_type == "markdown":
            cell.source = fill(cell.source, repository, minutes)
        cells.append(cell)
    for number, cell in enumerate(cells):
        if "plot" in cell.metadata.get("tags", []):  # as JupyterLab and as Colab fold code
            cell.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
        cell.id = f"{master.stem[:2]}-{number}"
    # Nothing of this machine: a notebook changes only where its master or a result does.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    metadata["simgan"] = {"minutes": minutes}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def fill(text: str, repository: str, minutes: float) -> str:
    """Fills in quotes from the records, the running time, and the badges."""

    def value(match):
        if match[1] == "minutes":
            return f"{minutes:.1f} minutes"
        runs, key, decimals = match[1].split()
        return quote(runs, key, int(decimals))

    text = MARKED.sub(lambda m: m[1] + badges(ROOT, repository, m[2]) + m[3], text)
    return QUOTE.sub(value, text)


def execute(notebook: NotebookNode, scale: str) -> float:
    """Runs all cells in place, and keeps of their outputs what belongs into the repository.

    Args:
        notebook: The notebook.
        scale: `"lesson"` or `"smoke"`, as in `simgan_lib.notebook.start`.

    Returns:
        Minutes.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=1200,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": FOLDER}},
    )
    client.execute(env={**os.environ, "SIMGAN_PRESET": scale})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _belongs(output)]
            for output in cell.outputs:
                _compress(output)
    return (time.perf_counter() - start) / 60


def _belongs(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    # A widget without its kernel is an empty box: its picture stays, if it has one.
    widget = output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    if widget and "image/png" in output.data:
        output.metadata["image/png"] = {"alt": f"The widget {output.data['text/plain']} at rest."}
    return widget is None or "image/png" in output.data


def _compress(output: NotebookNode) -> None:
    """Packs a picture with a palette of 256 colours, which the eye cannot tell from the whole."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        dpi = picture.info.get("dpi")
        picture = picture.convert("RGB")
        red, green, blue = (np.asarray(channel) for channel in picture.split())
        gray = np.array_equal(red, green) and np.array_equal(green, blue)
        packed = io.BytesIO()
        small = picture.convert("L") if gray else picture.quantize(256, Image.Quantize.MAXCOVERAGE)
        small.save(packed, "PNG", optimize=True, dpi=dpi)
        data["image/png"] = base64.b64encode(packed.getvalue()).decode()


def editions(master: Path) -> dict[str, Path]:
    """Returns where each of a master's notebooks belongs, by edition."""
    paths = {"exercises": FOLDER / f"{master.stem}.ipynb"}
    if "solution" in master.read_text():
        paths["solutions"] = FOLDER / "solutions" / f"{master.stem}.ipynb"
    return paths


def write(master: Path, scale: str) -> None:
    """Builds, executes and writes the notebooks of a master, and says how long they took."""
    for edition, path in editions(master).items():
        notebook = build(master, edition)
        minutes = round(execute(notebook, scale), 1)
        written = build(master, edition, minutes)
        for cell, executed in zip(written.cells, notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
        path.parent.mkdir(exist_ok=True)
        with atomic(path) as temporary:
            nbformat.write(written, temporary)
        print(f"{path.relative_to(ROOT)}: {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write and execute the notebooks.")
    parser.add_argument("names", nargs="*", help="such as 02_refiner; all if left out")
    parser.add_argument("--scale", default="lesson", choices=("lesson", "smoke"))
    arguments = parser.parse_args()
    for path in masters():
        if not arguments.names or path.stem in arguments.names:
            write(path, arguments.scale)
