"""Checks for the exercises of the course.

    from simgan_exercises import check

    check("02.1", parameters)

A check says "right" and why it matters, or gives a hint. It never shows the answer. Each notebook
has a module here, which holds a function for each of its tasks. Fresh random inputs are drawn at
every call, so that no answer fits one input only.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np


class Hint(Exception):  # noqa: N818
    """What a wrong answer is told. It points at the mistake and does not give the answer."""


_TASKS: dict[str, tuple[Callable, str]] = {}


def task(number: str, why: str) -> Callable:
    """Registers a function as the check of a task.

    Args:
        number: Notebook and task, such as `"02.1"`.
        why: What a right answer is told: why it matters.

    Returns:
        A decorator for a function of the answers. It raises `Hint` for a wrong one.
    """

    def register(function):
        _TASKS[number] = function, why
        return function

    return register


def verdict(number: str, *answers, **numbers) -> tuple[bool, str]:
    """Judges the answers to a task.

    Args:
        number: Notebook and task, such as `"02.1"`.
        *answers: What the task asks for: values, letters or functions.
        **numbers: What an assignment changed in the task's text. Defaults to the notebook's.

    Returns:
        Whether they are right, and what to tell the student.

    Example:
        >>> verdict("02.99", 7)[0]
        False
    """
    module = f"n{number.partition('.')[0]}"
    if (Path(__file__).parent / f"{module}.py").exists():
        importlib.import_module(f"{__name__}.{module}")
    if number not in _TASKS:
        return False, f"There is no check {number!r}. There are: {', '.join(sorted(_TASKS))}."
    if not answers or any(answer is None or answer is ... for answer in answers):
        return False, "There is no answer yet. Replace the dots, run that cell, and then this one."
    judge, why = _TASKS[number]
    try:
        judge(*answers, **numbers)
    except Hint as hint:
        return False, str(hint)
    except Exception as error:
        return False, f"The answer cannot be used: {type(error).__name__}: {str(error)[:200]}"
    return True, why


def check(number: str, *answers, **numbers) -> None:
    """Prints whether the answers to a task are right, with the reason or a hint.

    Args:
        number: Notebook and task, such as `"02.1"`.
        *answers: What the task asks for: values, letters or functions.
        **numbers: What an assignment changed in the task's text. Defaults to the notebook's.
    """
    right, text = verdict(number, *answers, **numbers)
    print(f"{number} {'is right' if right else 'is not right yet'}. {text}")


def call(function: Callable, *arguments):
    """Calls a student's function, and turns what goes wrong into a hint."""
    if not callable(function):
        raise Hint(f"Give the function itself, without calling it; received {function!r}.")
    try:
        result = function(*arguments)
    except Exception as error:
        raise Hint(f"Your function stops with {type(error).__name__}: {str(error)[:200]}") from None
    if result is None or result is ...:
        raise Hint("Your function returns nothing. End it with 'return' and the result.")
    return result


def close(received, expected, hint: str, tolerance: float = 1e-4) -> None:
    """Raises a hint unless a number or an array has the expected shape and values.

    Args:
        received: The student's number, array or tensor.
        expected: The right one.
        hint: What to say if the shapes agree and the values do not.
        tolerance: Largest difference allowed, as a part of the largest expected value.
    """
    received, expected = np.asarray(received, "float64"), np.asarray(expected, "float64")
    if received.shape != expected.shape:
        raise Hint(f"The shape should be {expected.shape}; it is {received.shape}.")
    allowed = tolerance * max(1e-6, np.abs(expected).max(initial=0.0))
    if not np.all(np.abs(received - expected) <= allowed):  # NaN is not close to anything
        raise Hint(hint)
