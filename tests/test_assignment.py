"""The nbgrader course that 'make assignment' writes: what students get, and what grading gives."""

import importlib.util
import re
import zipfile
from pathlib import Path

import assignment as tool
import nbformat
import numpy as np
import pandas as pd
import pytest
from variants import variant

import notebooks
import simgan_exercises
import simgan_lib
from simgan_exercises import verdict
from simgan_lib.losses import lambda_mean_from_sum

pytest.importorskip("nbgrader", reason="nbgrader is not installed: pip install -e '.[teaching]'")
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

ROOT = Path(__file__).parent.parent
ANSWERS = ROOT / "tests" / "answers"
MASTERS = {master.stem: master for master in notebooks.masters()[1:]}
NAMES = ["02_refiner", "04_losses"]  # whose cells take a moment
WRITTEN = "05_pretraining"  # where one answer is in words
POINTS = tool.points()
each_master = pytest.mark.parametrize("master", MASTERS.values(), ids=list(MASTERS))


def answers(task, kind):
    """Returns the planted answers to a task: tuples, or pairs of a tuple and a hint."""
    path = ANSWERS / f"n{task[:2]}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, kind)[task]


def cells_of(notebook):
    return {cell.id: cell for cell in notebook.cells}


def graded(notebook):
    """Returns the cells that earn points, by name."""
    about = {cell.id: cell.metadata.get("nbgrader", {}) for cell in notebook.cells}
    return {name: each["points"] for name, each in about.items() if each.get("grade")}


def secrets(master):
    """Returns what no student may get: the solutions and the rubrics of a notebook."""
    cells = notebooks.build(master).cells
    solved = [cell.source for cell in cells if "solution" in cell.metadata.get("tags", [])]
    rubrics = tool.RUBRIC.findall("\n".join(cell.source for cell in cells))
    return [*solved, *(rubric.strip() for rubric in rubrics), "BEGIN SOLUTION", "_verdict"]


@each_master
def test_every_task_is_in_the_table_with_its_kind_of_judgement(master):
    notebook = tool.source_version(master)
    MetadataValidator().validate_nb(notebook)
    listed = {task: both for task, both in POINTS.items() if task[:2] == master.stem[:2]}
    expected = {}
    for task, (for_check, for_words) in listed.items():
        name = task.replace(".", "-")
        expected |= {f"check-{name}": for_check} if for_check else {}
        expected |= {f"words-{name}": for_words} if for_words else {}
    assert graded(notebook) == expected
    tasks = re.findall(r'tags=\["task"\]\n# .*?(\d\d\.\d)', master.read_text())
    assert tasks == list(listed)
    for name, cell in cells_of(notebook).items():
        if name.startswith("words"):
            solution = cell.source.partition("What a good answer mentions")
            assert len(solution[0]) > 100, "the solution"
            assert len(solution[2]) > 100, "the rubric"


def test_every_check_of_the_course_earns_points():
    for task in MASTERS:
        verdict(f"{task[:2]}.0", 0)  # reads the module
    course = {name[:2] for name in MASTERS}
    checks = {task for task in simgan_exercises._TASKS if task[:2] in course}
    assert checks == {task for task, (for_check, _) in POINTS.items() if for_check}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("SIMGAN_PRESET", raising=False)  # as the course's settings say
        tool.make(folder, ["02", "04_losses", "05"])
        yield folder


def test_a_name_must_be_one_of_a_notebook_with_tasks(tmp_path):
    for names in (["2"], ["02", "00"], []):
        with pytest.raises(ValueError, match="NAMES should be among 01, 01_data, 02"):
            tool.make(tmp_path, names)


def test_the_release_is_made_by_nbgrader_and_holds_no_solutions(course):
    for name in [*NAMES, WRITTEN]:
        release = nbformat.read(course / "release" / name / f"{name}.ipynb", 4)
        MetadataValidator().validate_nb(release)
        source = nbformat.read(course / "source" / name / f"{name}.ipynb", 4)
        assert list(cells_of(release)) == list(cells_of(source))
        assert graded(release) == graded(source)
        text = "\n".join(cell.source for cell in release.cells)
        for secret in secrets(MASTERS[name]):
            assert secret not in text
        sheet = notebooks.build(MASTERS[name]).cells
        left_open = [cell.source for cell in sheet if "exercise" in cell.metadata.get("tags", [])]
        answered = [cell for cell in release.cells if cell.id.startswith("answer-")]
        assert [cell.source.rstrip() for cell in answered] == left_open
        for task, (for_check, _) in POINTS.items():
            if task[:2] == name[:2]:
                assert (f'\ncheck("{task}", ' in text) == (for_check > 0), "a hint for students"


def test_students_get_the_course_without_masters_solutions_and_rubrics(course):
    with zipfile.ZipFile(course / "simgan.zip") as packed:
        names = packed.namelist()
        texts = {n: packed.read(n).decode() for n in names if n.endswith((".ipynb", ".py", ".md"))}
    assert {name.partition("/")[0] for name in names} == {"simgan"}, "one folder"
    for part in ("solutions/", "source/", "answers", "tests/", "teaching.md", "tools/assignment"):
        assert not [name for name in names if part in name]
    for needed in (
        "pyproject.toml",
        "setup.py",
        "simgan_lib/__init__.py",
        "simgan_exercises/n02.py",
    ):
        assert f"simgan/{needed}" in names
    assert sum(name.startswith("simgan/runs/failures/") for name in names) > 10
    sheets = [name for name in names if name.endswith(".ipynb")]
    assert len(sheets) == len(MASTERS) + 1 + len([*NAMES, WRITTEN])
    prose = {}
    for name in sheets:
        cells = nbformat.reads(texts[name], 4).cells
        prose[name] = "\n".join(cell.source for cell in cells)
        assert "solutions/" not in prose[name], name
    for master in MASTERS.values():
        for secret in secrets(master):
            assert not [name for name in sheets if secret in prose[name]], secret


def place_wrong(notebook, task):
    """Puts a planted wrong answer into the cell of a task."""
    name = task.replace(".", "-")
    cells = cells_of(notebook)
    variable = re.match(r'check\("[\d.]+", (\w+)\)', cells[f"check-{name}"].source)[1]
    cells[f"answer-{name}"].source = (
        "import sys\n\nfrom simgan_exercises import verdict\n\n"  # solutions below call it
        f"sys.path.insert(0, {str(ANSWERS)!r})\nimport n{task[:2]}\n\n"
        f"(({variable},), _) = n{task[:2]}.WRONG[{task!r}][1]"
    )


# The checks call it, and it warns.
WARNS = """
def warning(function):
    def call(*arguments):
        print("careful", file=sys.stderr)
        return function(*arguments)

    return call


{0} = warning({0})
"""


def hand_in(course, student, name, notebook):
    path = course / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def scores(course):
    """Grades some submissions, and returns for each the points that every cell got."""
    for name in NAMES:
        tasks = [task for task in POINTS if task[:2] == name[:2]]
        for turn in range(2):
            # Every second task is answered wrongly, the others as the solutions do: no task's
            # points hang on another's.
            notebook = nbformat.read(course / "source" / name / f"{name}.ipynb", 4)
            if (name, turn) == (NAMES[0], 1):
                cells_of(notebook)["answer-02-1"].source += WARNS.format("parameters")
            for task in tasks[turn::2]:
                place_wrong(notebook, task)
            hand_in(course, f"mixed{turn}", name, notebook)
    name = NAMES[0]
    hand_in(course, "blank", name, nbformat.read(course / "release" / name / f"{name}.ipynb", 4))
    tool.nbgrader("autograde", "*", course=course)  # all assignments
    found = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for name in NAMES:
            for submission in gradebook.assignment_submissions(name):
                points = found.setdefault(submission.student.id, {})
                points |= {g.name: g.auto_score for g in submission.notebooks[0].grades}
    return found


@pytest.mark.parametrize("turn", [0, 1])
def test_solutions_score_all_their_points_and_wrong_answers_lose_theirs_alone(scores, turn):
    expected = {}
    for name in NAMES:
        tasks = [task for task in POINTS if task[:2] == name[:2]]
        for position, task in enumerate(tasks):
            right = position % 2 != turn
            expected[f"check-{task.replace('.', '-')}"] = right * POINTS[task][0]
    assert scores[f"mixed{turn}"] == expected


def test_a_blank_scores_nothing(scores):
    assert list(scores["blank"].values()) == [0, 0, 0, 0]


def test_feedback_shows_the_hints(course, scores):
    tool.nbgrader("generate_feedback", "02_refiner", "--student", "mixed0", course=course)
    page = (course / "feedback" / "mixed0" / "02_refiner" / "02_refiner.html").read_text()
    (_, hint) = answers("02.1", "WRONG")[1]
    assert hint in page
    assert "Score: 4.0 / 8.0" in page


def test_words_are_graded_by_hand_and_none_earn_nothing(course):
    for student in ("silent", "writer"):
        notebook = nbformat.read(course / "release" / WRITTEN / f"{WRITTEN}.ipynb", 4)
        cell = cells_of(notebook)["words-05-4"]
        assert cell.source.rstrip().endswith("YOUR ANSWER HERE")
        if student == "writer":
            cell.source = "Three seeds show no difference."
        hand_in(course, student, WRITTEN, notebook)
    tool.nbgrader("autograde", WRITTEN, "--no-execute", course=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        grades = {
            student: gradebook.find_grade("words-05-4", WRITTEN, WRITTEN, student)
            for student in ("silent", "writer")
        }
        assert grades["silent"].auto_score == 0
        assert grades["writer"].auto_score is None
        assert not grades["silent"].needs_manual_grade
        assert grades["writer"].needs_manual_grade
        assert grades["writer"].max_score == POINTS["05.4"][1] == 4


@pytest.mark.parametrize("seed", [1, 7])
def test_a_seed_gives_numbers_that_the_models_solution_meets_and_the_courses_answer_does_not(seed):
    for task, (numbers, texts) in variant(seed).items():
        name = next(name for name in MASTERS if name[:2] == task[:2])
        notebook = tool.source_version(MASTERS[name], seed)
        cells = cells_of(notebook)
        given = "".join(f", {key}={value}" for key, value in numbers.items())
        assert cells[f"check-{task.replace('.', '-')}"].source.count(f"{given})") == 2
        text = "\n".join(cell.source for cell in notebook.cells)
        for old, new in texts.items():
            assert old not in text
            assert new in text
        (usual, *_) = answers(task, "RIGHT")
        if "seed" not in numbers:  # two seeds may give letters in the same order
            assert not verdict(task, *usual, **numbers)[0]
        if task != "07.3":  # which trains
            assert verdict(task, solved(notebook, task), **numbers)[0]
        else:
            assert verdict(task, numbers["stop"] + 1, **numbers)[0]
    assert variant(seed) != variant(seed + 1)


def solved(notebook, task):
    """Runs a task's solution, and the cell that shuffles runs for it, and returns the answer."""
    names = {"np": np, "pd": pd, "simgan_lib": simgan_lib, "verdict": verdict}
    names["lambda_mean_from_sum"] = lambda_mean_from_sum
    cells = cells_of(notebook)
    number = task.replace(".", "-")
    for cell in notebook.cells:
        if "default_rng(" in cell.source and "reference_run" in cell.source:
            exec(cell.source, names)
    source = cells[f"answer-{number}"].source
    solution = re.search("BEGIN SOLUTION\n(.*)\n### END", source, re.DOTALL)[1]
    exec(solution, names)
    return names[re.match(rf'check\("{task}", (\w+)', cells[f"check-{number}"].source)[1]]
