"""Checks of notebook 09: is it useful?"""

import numpy as np

from simgan_exercises import Hint, call, close, task


@task(
    "09.1",
    "A mean alone cannot say this: two networks with the same mean error may differ in how many "
    "answers are usable.",
)
def _(within):
    errors = np.random.default_rng().uniform(0, 30, 200)
    share = 100 * (errors <= 9).mean()
    received = call(within, errors, 9)
    if np.shape(received) == ():
        if abs(received - share / 100) < 1e-9:
            raise Hint("That is a share between 0 and 1. A percentage goes up to 100.")
        if abs(received - (100 - share)) < 1e-9:
            raise Hint("That is the percentage of the errors that are larger.")
        if abs(received - 2 * share) < 1e-9:
            raise Hint("That is their number. A percentage does not grow with the test set.")
    close(received, share, "For 200 random errors the percentage is another one.")
    close(call(within, [7.0, 8.0], 7), 50.0, "An error of exactly 7 counts: 'at most'.")


@task(
    "09.2",
    "The two gains differ by less than their standard error. That is no proof that they are equal.",
)
def _(letter):
    letter = str(letter).strip().upper()
    if letter not in {"A", "B", "C"}:
        raise Hint('Answer with one of the letters "A", "B" and "C".')
    if letter != "C":
        raise Hint("Compare the difference of the two printed gains with their standard errors.")


@task(
    "09.3",
    "A turn with a direction adds the same error to every answer of the gaze network. A median of "
    "absolute turns cannot tell it from noise.",
)
def _(mean_turn):
    rng = np.random.default_rng()
    pitch, yaw = rng.uniform(-0.4, 0.4, (2, 2, 60))
    pitch[1] += 0.15
    yaw[1] -= 0.1
    looks = np.stack(
        [-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=-1
    )
    right = np.degrees([(pitch[1] - pitch[0]).mean(), (yaw[1] - yaw[0]).mean()])
    received = np.asarray(call(mean_turn, looks[0], looks[1]), float)
    if received.shape != (2,):
        raise Hint(f"Return two numbers, pitch and yaw; the shape is {received.shape}.")
    known = {
        "These are radians. np.degrees converts them.": np.radians(right),
        "The signs are turned round: it is after minus before.": -right,
        "Pitch comes first, then yaw.": right[::-1],
        "The sign of pitch is turned round. Up is positive, and y points down.": right * [-1, 1],
        "The sign of yaw is turned round. It is measured from -x and -z.": right * [1, -1],
    }
    absolute = np.degrees(np.abs([pitch[1] - pitch[0], yaw[1] - yaw[0]]).mean(axis=1))
    known["These are means of absolute values, which hide the direction."] = absolute
    for hint, wrong in known.items():
        if np.allclose(received, wrong, atol=1e-6) and not np.allclose(wrong, right, atol=1e-3):
            raise Hint(hint)
    close(received, right, "Compare your two angles with the formulas above, for one eye.", 1e-3)


@task(
    "09.4",
    "Change and shift together explain each gaze error. Neither of them does so alone.",
)
def _(letters, seed=5):
    letters = str(letters).strip().upper()
    if sorted(letters) != ["A", "B", "C"]:
        raise Hint('Give each of the letters A, B and C once, in one text such as "ABC".')
    # The notebook shuffles healthy (0), changes nothing (1) and labels lost (2) with this seed.
    order = np.random.default_rng(seed).permutation(3).tolist()
    right = ["ABC"[order.index(kind)] for kind in range(3)]
    if letters[1] != right[1]:
        raise Hint("Which refiner has hardly changed its images? One of the columns says so.")
    if letters[2] != right[2]:
        raise Hint("Where labels are lost, the pupil has moved, and nothing can be learned.")
