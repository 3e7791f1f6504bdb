"""Writes the notebooks from their masters, and executes those whose code has changed.

    python tools/notebooks.py                 executes where a master's code cells are new
    python tools/notebooks.py 02_refiner      executes it, whatever has changed
    python tools/notebooks.py all             executes all of them

Where a master's code is as it was when its notebook was executed, the text alone is written anew:
outputs, execution counts and minutes stay. The set-up cells do not count as code, as they print
nothing. A change of the library is not noticed: name the notebooks that show it.

A master, `notebooks/source/NN_name.py`, is a script in jupytext's percent format. Tags of cells:

    exercise    only in notebooks/NN_name.ipynb, where it is left open
    solution    only in notebooks/solutions/NN_name.ipynb
    task        an exercise's text: in both
    shared      a cell that the solutions need: in both
    plot        code that only draws, folded away: its output is what matters

    check       asserts what the text says; in the first alone, as are cells without these tags

The set-up cells, `setup_cell.py`, come before the cell with the tag `setup`: the reader's setting,
and two that are folded away. A solutions notebook gets a title and a link back. In text,
`{{RUNS KEY DECIMALS}}` quotes a number from the records in runs/ (see `tables.quote`), and
`{{minutes}}` the measured running time.
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
LINK = re.compile(r"\]\((?!https?:|#|mailto:)")  # to a file, as seen from notebooks/
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
    cells = [title(master)] if edition == "solutions" else []
    for cell in jupytext.read(master).cells:
        tags = set(cell.metadata.get("tags", []))
        if edition == "exercises" and "solution" in tags:
            continue
        if edition == "solutions" and not tags & {"solution", "task", "shared"}:
            continue
        if "setup" in tags:
            setting, *search = CELL.sub(f'REPOSITORY = "{repository}"', SETUP_CELL).split("# %%")
            cells.append(nbformat.v4.new_code_cell(setting.strip()))
            for part in search:
                folded = {"tags": ["plot"]}
                cells.append(nbformat.v4.new_code_cell(part.strip(), metadata=folded))
        if cell.cell_type == "markdown":
            cell.source = fill(cell.source, repository, minutes)
            if edition == "solutions":
                cell.source = LINK.sub("](../", cell.source)
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


def title(master: Path) -> NotebookNode:
    """Returns the first cell of a solutions notebook."""
    name = re.search(r"^# # (.+)$", master.read_text(), re.MULTILINE)[1]
    text = f"# {name}: solutions\n\nThe exercises stand in [the notebook](../{master.stem}.ipynb)."
    return nbformat.v4.new_markdown_cell(text)


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


def taught(notebook: NotebookNode) -> list[NotebookNode]:
    """Returns the code cells after the set-up cells."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    setup = next(n for n, cell in enumerate(code) if "setup" in cell.metadata.get("tags", []))
    return code[setup:]


def executed(path: Path, built: NotebookNode) -> NotebookNode | None:
    """Reads the written notebook, if it was executed with the code cells of `built`."""
    if not path.exists():
        return None
    written = nbformat.read(path, as_version=4)
    same = [c.source for c in taught(written)] == [c.source for c in taught(built)]
    return written if same and all(cell.execution_count for cell in taught(written)) else None


def write(master: Path, scale: str, always: bool) -> None:
    """Builds, executes and writes the notebooks of a master, and says how long they took.

    Args:
        master: The script.
        scale: As in `execute`.
        always: Whether to execute also where only text has changed.
    """
    for edition, path in editions(master).items():
        notebook = build(master, edition)
        before = None if always else executed(path, notebook)
        if before:
            minutes = before.metadata["simgan"]["minutes"]
        else:
            minutes = round(execute(notebook, scale), 1)
        written = build(master, edition, minutes)
        _take_outputs(before or notebook, written)
        path.parent.mkdir(exist_ok=True)
        with atomic(path) as temporary:
            nbformat.write(written, temporary)
        did = "its text" if before else f"{minutes:.1f} minutes"
        print(f"{path.relative_to(FOLDER.parent)}: {did}", flush=True)


def _take_outputs(source: NotebookNode, target: NotebookNode) -> None:
    """Moves outputs and execution counts from an executed notebook to one without."""
    cells = [cell for cell in target.cells if cell.cell_type == "code"]
    for count, cell in enumerate(cells, 1):  # set-up cells print nothing
        cell.execution_count = count
    shift = len(cells) - len([cell for cell in source.cells if cell.cell_type == "code"])
    for cell, before in zip(taught(target), taught(source), strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count + shift
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write and execute the notebooks.")
    parser.add_argument("names", nargs="*", help="to execute, such as 02_refiner, or 'all'")
    parser.add_argument("--scale", default="lesson", choices=("lesson", "smoke"))
    arguments = parser.parse_args()
    for path in masters():
        if {path.stem, "all"} & set(arguments.names) or not arguments.names:
            write(path, arguments.scale, always=bool(arguments.names))
