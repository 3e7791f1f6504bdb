"""Makes an nbgrader course from the masters: what is graded, and what students get.

    python tools/assignment.py FOLDER NAME ... [--seed N]     such as 02, or 02_refiner

An assignment holds a notebook's tasks, and the cells that these need. FOLDER/source has them with
solutions and hidden tests, FOLDER/release as nbgrader makes them for students. FOLDER/simgan.zip
holds the release and the course without solutions. Points are those in docs/teaching.md.
"""

import argparse
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from variants import variant

from notebooks import FOLDER, ROOT, SETUP_CELL, build, masters

CONFIG = '''"""Settings of nbgrader for this course."""

import os

c = get_config()
c.CourseDirectory.course_id = "simgan"
# The cell of an answer is released as the notebook has it.
c.ClearSolutions.code_stub = {"python": ""}
c.Execute.timeout = 300  # seconds for each cell
# Grading computes everything for a moment. The checks do not depend on that. The numbers of a
# written task do: read them in the file that was handed in, or grade with SIMGAN_PRESET=lesson.
os.environ.setdefault("SIMGAN_PRESET", "smoke")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # no notes of TensorFlow's in the feedback
'''
INTRO = """The notebook of this name teaches what these tasks ask. Write into the open cells, and
run all cells from top to bottom before you hand in. A cell with `check` says whether an answer is
right, or gives a hint, as often as you like."""
TEST = """check({arguments})
### BEGIN HIDDEN TESTS
from IPython.display import clear_output as _clear
from simgan_exercises import verdict as _verdict

_right, _text = _verdict({arguments})
_clear()  # nbgrader gives no points to a cell that has warned
print(_text)
assert _right, _text
### END HIDDEN TESTS"""
SOLVED = "{open}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"

ROW = re.compile(r"^\| (\d\d\.\d) \|.*\| (check|rubric|check and rubric) \| ([\d +]+) \|", re.M)
CHECK = re.compile(r'check\(("(\d\d\.\d)", .+)\)')
SOLUTION_LINK = re.compile(r"\s*\[[Ss]olution\]\(solutions/\w+\.ipynb\)")
RUBRIC = re.compile(r"<details><summary>What a good answer mentions</summary>(.*?)</details>", re.S)
HINT = "<details><summary>Hint</summary>"
# What students get of the repository.
COURSE = ("simgan_lib/", "simgan_exercises/", "runs/", "data/", "docs/", "tools/find_python.sh")
COURSE += ("CITATION.cff", "LICENSE", "Makefile", "README.md")
COURSE += ("constraints.txt", "environment.yml", "pyproject.toml", "setup.py")
FOR_TEACHERS = {"docs/teaching.md", "docs/research-log.md"}


def points() -> dict[str, tuple[int, int]]:
    """Returns the points of each task's check and of its written answer, from docs/teaching.md."""
    found = {}
    for number, judged, worth in ROW.findall((ROOT / "docs/teaching.md").read_text()):
        parts = tuple(int(part) for part in worth.split("+"))
        found[number] = {"check": (*parts, 0), "rubric": (0, *parts)}.get(judged, parts)
    return found


def source_version(master: Path, seed: int | None = None) -> NotebookNode:
    """Makes the version of an assignment that has solutions and hidden tests.

    Args:
        master: The notebook's master.
        seed: Changes the numbers of some tasks. Defaults to those of the notebook.

    Returns:
        A notebook with nbgrader's metadata.
    """
    notebook = build(master)
    worth = {task: both for task, both in points().items() if task[:2] == master.stem[:2]}
    for task, changes in variant(seed).items() if seed is not None else ():
        if task in worth:
            _rewrite(notebook, task, *changes)
    title = notebook.cells[0].source.splitlines()[0]
    listed = ", ".join(f"{task} ({sum(both)})" for task, both in worth.items())
    groups = [[]]
    for cell in notebook.cells:
        if "task" in cell.metadata.get("tags", []):
            groups.append([])
        groups[-1].append(cell)
    about = nbformat.v4.new_markdown_cell(f"{title}: tasks\n\n{INTRO}\n\nPoints: {listed}.")
    # The cells before the set-up find the course, and may be edited.
    setup = next(n for n, c in enumerate(groups[0]) if "setup" in c.metadata.get("tags", []))
    search = groups[0][setup - 1 - SETUP_CELL.count("# %%") : setup]
    cells = [_marked(about, "about", locked=True), *search, *_group(groups[0], "start", 0, 0)]
    for group, (task, both) in zip(groups[1:], worth.items(), strict=True):
        cells += _group(group, task.replace(".", "-"), *both)
    notebook.cells = cells
    return notebook


def _rewrite(notebook, task, numbers, texts):
    given = "".join(f", {name}={value}" for name, value in numbers.items())
    for old, new in texts.items():
        if not any(old in cell.source for cell in notebook.cells):
            raise ValueError(f"The text {old!r} of task {task} is not in its notebook any more.")
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    for cell in notebook.cells:
        cell.source = re.sub(rf'((?:check|verdict)\("{task}", \w+)\)', rf"\1{given})", cell.source)


def _group(cells, name, for_check, for_words):
    """Makes the cells of a task, or those before the first task."""
    tags = [set(cell.metadata.get("tags", [])) for cell in cells]
    exercise = next((n for n, tag in enumerate(tags) if "exercise" in tag), None)
    check = next((n for n, cell in enumerate(cells) if CHECK.fullmatch(cell.source)), None)
    code, words, rubric, made = [], [], "", []
    for number, (cell, tag) in enumerate(zip(cells, tags, strict=True)):
        if "solution" in tag and cell.cell_type == "markdown":
            words.append(cell.source)
        elif "solution" in tag and (for_words or number < check):  # what comes after it is a tour
            code.append(cell.source)
        rubric += "".join(RUBRIC.findall(SOLUTION_LINK.sub("", cell.source)))
    for number, (cell, tag) in enumerate(zip(cells, tags, strict=True)):
        if number == exercise:
            cell.source = SOLVED.format(open=cell.source, solution="\n\n".join(code))
            made.append(_marked(cell, f"answer-{name}", solution=True))
        elif number == check:
            cell.source = TEST.format(arguments=CHECK.fullmatch(cell.source)[1])
            made.append(_marked(cell, f"check-{name}", grade=True, locked=True, points=for_check))
        elif tag & {"task", "shared"} or cell.source.startswith(HINT):
            cell.source = without_answers(cell.source)
            made.append(_marked(cell, f"given-{name}-{number}", locked=True))
        if for_words and number == (check or exercise):
            solution = "\n\n".join([*words, f"**What a good answer mentions**{rubric.rstrip()}"])
            text = SOLVED.format(open="**Your answer in words**\n", solution=solution)
            cell, kind = nbformat.v4.new_markdown_cell(text), {"grade": True, "solution": True}
            made.append(_marked(cell, f"words-{name}", points=for_words, **kind))
    return made


def _marked(cell, name, **kind):
    """Gives a cell nbgrader's metadata, with nothing but defaults for what is not given."""
    cell.metadata.pop("tags", None)
    no = dict.fromkeys(("grade", "solution", "locked", "task"), False)
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, **no, **kind}
    cell.id = name
    return cell


def without_answers(text: str) -> str:
    """Takes links to solutions, and what a good answer mentions, out of a text."""
    return RUBRIC.sub("", SOLUTION_LINK.sub("", text)).rstrip()


def pack(archive: Path, release: list[Path]) -> None:
    """Packs the course without masters and solutions, and the assignments in their release version.

    Args:
        archive: The zip file to write.
        release: Notebooks for its folder `assignment`.
    """
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in listed.stdout.splitlines():
            if name.startswith(COURSE) and name not in FOR_TEACHERS:
                packed.write(ROOT / name, f"simgan/{name}")
        for path in sorted(FOLDER.glob("*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = without_answers(cell.source)
            packed.writestr(f"simgan/notebooks/{path.name}", nbformat.writes(notebook))
        for path in release:
            packed.write(path, f"simgan/assignment/{path.name}")


def nbgrader(*arguments: str, course: Path) -> None:
    """Runs a command of nbgrader, which looks for a program of its own environment in the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    subprocess.run(command, cwd=course, env={**os.environ, "PATH": path}, check=True)


def make(folder: Path, names: list[str], seed: int | None = None) -> list[Path]:
    """Writes the course of nbgrader.

    Args:
        folder: Where to. Its settings and gradebook stay if they are there already.
        names: Notebooks, such as `"02"` or `"02_refiner"`.
        seed: Changes the numbers of some tasks. Defaults to those of the notebooks.

    Returns:
        The notebooks of the release version.

    Raises:
        ValueError: If a name is none of a notebook with tasks.
    """
    known = {key: path for path in masters()[1:] for key in (path.stem[:2], path.stem)}
    if not names or not set(names) <= set(known):
        raise ValueError(f"NAMES should be among {', '.join(known)}; received {names}.")
    ending, release = "" if seed is None else f"-{seed}", []
    for master in sorted({known[name] for name in names}):
        name = master.stem + ending
        path = folder / "source" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(source_version(master, seed), path)
        if not (folder / "nbgrader_config.py").exists():
            (folder / "nbgrader_config.py").write_text(CONFIG)
        nbgrader("generate_assignment", name, "--force", course=folder)
        release.append(folder / "release" / name / f"{name}.ipynb")
    pack(folder / f"simgan{ending}.zip", release)
    return release


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make an nbgrader course from the masters.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+", help="notebooks, such as 02 or 02_refiner")
    parser.add_argument("--seed", type=int, help="other numbers in some tasks")
    arguments = parser.parse_args()
    print(*make(arguments.folder, arguments.names, arguments.seed), sep="\n")
