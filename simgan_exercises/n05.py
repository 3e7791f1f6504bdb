"""Checks of notebook 05, pre-training."""

import numpy as np
import pandas as pd

from simgan_exercises import Hint, call, task


@task("05.1", "So D's first steps are about images of an R that has had five steps itself.")
def _report_order(function):
    for turns in (1, int(np.random.default_rng().integers(2, 9))):
        received = call(function, turns)
        if not isinstance(received, str):
            raise Hint(f"Return text, such as 'RD'; received a {type(received).__name__}.")
        if set(received) != {"R", "D"}:
            raise Hint("The text should hold the letters R and D and no others.")
        if received.count("R") != 5 * turns or received.count("D") != turns:
            raise Hint(
                f"{turns} turns gave {received.count('R')} steps of R and {received.count('D')} "
                "of D. How many has each turn, by the table?"
            )
        if turns > 1 and received == "R" * 5 * turns + "D" * turns:
            raise Hint("This is the paper's order: all of R first. The report takes turns.")
        if received.startswith("D"):
            raise Hint("Which network begins a turn?")
        if received != ("R" * 5 + "D") * turns:
            raise Hint("Each turn has five steps of R, and then one of D.")


@task("05.2", "A number of gray levels can be compared with the webcam's noise; a loss cannot.")
def _first_below(function):
    rng = np.random.default_rng()
    steps = np.arange(1, 9) * int(rng.integers(4, 8))
    change = np.linspace(0.4, 0.02, 8) * rng.uniform(0.9, 1.0)
    change[5] = change[2]  # it need not fall all the time
    change[7] = 0  # which is not below 0
    rows = pd.DataFrame({"iteration": steps, "mean_change": change}, index=range(50, 58))
    level = 127.5 * (change[3] + change[2]) / 2
    received, expected = call(function, rows, level), steps[3]
    if np.ndim(received):
        raise Hint("Return one step: the first.")
    if expected == received:
        missing = function(rows, 0.0)
        if missing is not None:
            raise Hint(f"No row is below 0 levels: return None then; received {missing!r}.")
        return
    reached = steps[255 * change < level]
    known = {
        int(reached[0]) if len(reached) else -1: "A change of 2, from -1 to 1, is 255 levels.",
        int(steps[0]): "The first row is not below it yet. In which unit is mean_change?",
        int(steps[-1]): "This is the last step below it; the first one is asked for.",
        53: "This is the row's index. Return its step, the column iteration.",
        3: "This is the row's position. Return its step, the column iteration.",
    }
    raise Hint(known.get(int(received), "Return the first step whose change is below the levels."))


@task("05.3", "Where there is nothing to tell apart, the best that D can do is to guess: 2 ln 2.")
def _twice(answer):
    hints = {
        "A": "Near 0 D would be sure of every patch. By what could it know?",
        "C": "0.693 is a guess for one term. How many terms has D's loss?",
        "D": "A D that cannot tell learns to answer 50%. What is its loss then?",
    }
    answer = str(answer).strip().upper()
    if answer != "B":
        raise Hint(hints.get(answer, "Answer with one letter: A, B, C or D."))
