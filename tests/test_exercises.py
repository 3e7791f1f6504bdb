"""The checks of the exercises: right answers are accepted, wrong ones get the hint that fits.

`tests/answers/nNN.py` holds, for the tasks of a notebook, `RIGHT`: lists of answers, each a tuple,
and `WRONG`: lists of pairs of such a tuple and a piece of the hint that it should get.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import simgan_exercises
from simgan_exercises import Hint, call, check, close, task, verdict


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = [load(path) for path in sorted((Path(__file__).parent / "answers").glob("n*.py"))]
RIGHT = [(number, a) for answers in ANSWERS for number, all_ in answers.RIGHT.items() for a in all_]
WRONG = [
    (number, *pair)
    for answers in ANSWERS
    for number, all_ in answers.WRONG.items()
    for pair in all_
]


@pytest.mark.parametrize(("number", "answers"), RIGHT, ids=[n for n, *_ in RIGHT])
def test_right_answers_are_accepted(number, answers):
    right, text = verdict(number, *answers)
    assert right, text


@pytest.mark.parametrize(("number", "answers", "says"), WRONG, ids=[n for n, *_ in WRONG])
def test_wrong_answers_get_the_hint_that_fits(number, answers, says):
    right, text = verdict(number, *answers)
    assert not right
    assert says in text


def test_every_check_has_right_answers_and_at_least_four_wrong_ones():
    for path in sorted(Path(simgan_exercises.__file__).parent.glob("n*.py")):
        verdict(f"{path.stem[1:]}.0", 0)  # reads the module
    for number in simgan_exercises._TASKS:
        assert sum(n == number for n, *_ in RIGHT) >= 2, f"{number}: one written differently"
        assert sum(n == number for n, *_ in WRONG) >= 4, number


def test_stubs_and_accidents_get_a_hint_and_never_a_traceback(capsys, monkeypatch):
    monkeypatch.setattr(simgan_exercises, "_TASKS", dict(simgan_exercises._TASKS))

    @task("99.1", "Sums are everywhere.")
    def _(add):
        close(call(add, 2.0, 3.0), 5.0, "Add the two numbers.")

    check("99.1", ...)
    check("99.1", lambda a, b: None)
    check("99.1", lambda a, b: a / 0)
    check("99.1", 5.0)
    check("99.1", lambda a, b: np.ones(2))
    check("99.1", lambda a, b: np.nan)
    check("99.1", lambda a, b: a + b, "one answer too many")
    check("99.2", 1)
    check("99.1", lambda a, b: a + b)
    *wrong, right = capsys.readouterr().out.splitlines()
    assert right == "99.1 is right. Sums are everywhere."
    assert len(wrong) == 8
    assert all("is not right yet" in line for line in wrong)
    assert "Add the two numbers" in wrong[5]


def test_close_compares_shapes_and_values():
    close([1.0, 2.0], np.array([1.0, 2.0]), "never")
    with pytest.raises(Hint, match="shape"):
        close([1.0], [1.0, 2.0], "no")
    with pytest.raises(Hint, match="off"):
        close([1.0, 2.1], [1.0, 2.0], "off")
