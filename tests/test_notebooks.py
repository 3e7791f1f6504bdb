"""The notebooks: in step with their masters, executed, tidy, and true to the library."""

import ast
import importlib
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import jupytext
import nbformat
import pytest

import notebooks as tool

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"

MASTERS = tool.masters()
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb")) + sorted(FOLDER.glob("solutions/*.ipynb"))
COURSE = [
    "00_quickstart",
    "01_data",
    "02_refiner",
    "03_discriminator",
    "04_losses",
    "05_pretraining",
    "06_history_buffer",
    "07_adversarial_training",
    "08_results",
    "09_is_it_useful",
    "10_is_it_realistic",
    "11_failure_lab",
    "12_your_own_data",
    "13_your_own_method",
]
each_master = pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.relative_to(FOLDER).as_posix()
)


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_the_course_is_complete_and_in_order():
    assert [master.stem for master in MASTERS] == COURSE
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == COURSE
    assert sorted(path.stem for path in FOLDER.glob("solutions/*.ipynb")) == COURSE[1:]


@each_master
def test_notebooks_are_in_step_with_their_masters_and_the_records(master):
    for edition, path in tool.editions(master).items():
        written = read(path)
        built = tool.build(master, edition, written.metadata["simgan"]["minutes"])
        assert [cell.source for cell in written.cells] == [cell.source for cell in built.cells], (
            "run 'make notebooks'"
        )


@each_notebook
def test_committed_outputs_come_from_a_clean_run(path):
    notebook = read(path)
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "executed once, from top to bottom"
    assert "widgets" not in notebook.metadata
    for cell in code(notebook):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            for picture in ("image/png", "image/svg+xml"):
                if picture in output.get("data", {}):
                    assert output.metadata.get(picture, {}).get("alt"), "a picture without a text"
    text = path.read_text()
    for trace in ("/work/", "/tmp/", "/root/", "/home/", "site-packages", "Traceback"):
        assert trace not in text, f"{trace}, of the machine it ran on"
    assert not re.search(r"Warning:|oneDNN|cuda_|WARNING", text), "log noise"


def test_a_change_of_the_text_alone_is_written_without_an_execution(tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    monkeypatch.setattr(tool, "FOLDER", tmp_path / "notebooks")
    monkeypatch.setattr(tool, "execute", lambda *_: pytest.fail("executed"))
    text = (FOLDER / "source" / "02_refiner.py").read_text()
    master = tmp_path / "notebooks" / "source" / "02_refiner.py"
    master.write_text(text.replace("for the same price", "for as many parameters"))
    for path in tool.editions(master).values():
        path.parent.mkdir(exist_ok=True)
        shutil.copy(FOLDER / path.relative_to(tmp_path / "notebooks"), path)
    before = {path: read(path) for path in tool.editions(master).values()}
    tool.write(master, "smoke", always=False)
    for path, old in before.items():
        new = read(path)
        assert [cell.outputs for cell in code(new)] == [cell.outputs for cell in code(old)]
        assert new.metadata == old.metadata, "minutes stay"
    assert "for as many parameters" in prose(new)
    master.write_text(text.replace("limit=scale.images", "limit=9"))
    with pytest.raises(pytest.fail.Exception):
        tool.write(master, "smoke", always=False)


@each_notebook
def test_sizes(path):
    assert path.stat().st_size < 1_000_000
    lengths = [len(cell.source.splitlines()) for cell in code(read(path))]
    assert max(lengths) <= 25
    assert median(lengths) <= 7


@each_master
def test_every_notebook_is_built_alike(master):
    notebook = jupytext.read(master)
    first, text = notebook.cells[0].source, prose(notebook)
    number = master.stem[:2]
    assert first.startswith(f"# {number} · "), "a title with the number"
    assert f"<!-- colab:notebooks/{master.stem}.ipynb -->" in first
    assert "{{minutes}}" in first
    assert "You will be able to" in first
    levels = [len(mark) for mark in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), "no level is skipped"
    assert "## What you have learned" in text
    assert sum("setup" in tags(cell) for cell in notebook.cells) == 1
    if number != "00":
        assert "**Predict.**" in text
        tasks = [cell for cell in notebook.cells if "task" in tags(cell)]
        assert 2 <= len(tasks) <= 4
        assert any("exercise" in tags(cell) for cell in notebook.cells)
        assert any("solution" in tags(cell) for cell in code(notebook)), "solved and executed"
        assert any("check" in tags(cell) for cell in notebook.cells)
        assert "## References" in text


@each_notebook
def test_links_resolve(path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", prose(read(path))):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


SPELLINGS = {
    r"regulari[z]ation": "regularisation",
    r"\bgeneral?izes\b": "generalises",
    r"\bgrey\b": "gray",
    r"\bdata-?set\b": "data set",
    r"\breal webcam (?:images|eyes) of the embedded": "simulated webcam",
}


@each_master
def test_spelling_of_terms(master):
    text = prose(jupytext.read(master))
    for pattern, meant in SPELLINGS.items():
        found = re.search(pattern, text)
        assert not found, f"{found[0]}: write {meant}"


def plain(node):
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef):
            if ast.get_docstring(part, clean=False) is not None:
                part.body = part.body[1:]
            part.decorator_list = []
        if isinstance(part, ast.FunctionDef):
            part.returns = None
            arguments = part.args
            for argument in [*arguments.args, *arguments.kwonlyargs]:
                argument.annotation = None
    return ast.dump(node)


TAUGHT = {
    (tag.partition(":")[2], node.name): node
    for master in MASTERS
    for cell in code(jupytext.read(master))
    for tag in tags(cell)
    if tag.startswith("taught:")
    for node in ast.parse(cell.source).body
    if isinstance(node, ast.FunctionDef | ast.ClassDef)
}


@pytest.mark.parametrize(("module", "name"), TAUGHT, ids=[".".join(key) for key in TAUGHT])
def test_what_is_taught_is_the_librarys(module, name):
    source = Path(importlib.import_module(f"simgan_lib.{module}").__file__).read_text()
    library = {
        part.name: part
        for part in ast.walk(ast.parse(source))
        if isinstance(part, ast.FunctionDef | ast.ClassDef)
    }
    assert plain(TAUGHT[module, name]) == plain(library[name])


def test_the_heart_of_the_library_is_taught():
    heart = {
        "models": ["residual_block"],
        "losses": ["self_regularisation", "local_adversarial", "accuracy", "lambda_mean_from_sum"],
        "history": ["mix", "sample", "push"],
        "simgan": ["refiner_loss", "discriminator_loss", "round"],
        "evaluation.gaze": ["build_gaze_estimator"],
    }
    assert {(module, name) for module, names in heart.items() for name in names} <= set(TAUGHT)


def test_no_notebook_needs_a_name_of_another():
    """Tests run exercises and solutions as one notebook: each must do without the other."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821,F823"]
    done = subprocess.run([*command, *NOTEBOOKS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@each_master
def test_every_cell_runs(master, tmp_path):
    """Exercises and solutions in one notebook, under nbval, on the scale `smoke`."""
    path = tmp_path / f"{master.stem}.ipynb"
    nbformat.write(tool.build(master), path)
    options = ["-q", "--nbval-lax", "--nbval-cell-timeout=300", "-p", "no:cacheprovider"]
    options += ["-p", "nbval.plugin", "-o", "addopts="]
    environment = {"SIMGAN_PRESET": "smoke", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, path],
        cwd=FOLDER,
        # A checkout's library, wherever the notebook lies.
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
