"""Planted answers for notebook 09."""

import numpy as np


def within(errors, degrees):
    return 100 * (np.asarray(errors) <= degrees).mean()


def within_by_counting(errors, degrees):
    return 100 * sum(error <= degrees for error in errors) / len(errors)


def angles(look):
    look = np.asarray(look)
    return np.degrees([np.arcsin(-look[:, 1]), np.arctan2(-look[:, 0], -look[:, 2])])


def mean_turn(before, after):
    return tuple((angles(after) - angles(before)).mean(axis=1))


def mean_turn_of_means(before, after):
    return [float(a.mean() - b.mean()) for a, b in zip(angles(after), angles(before), strict=True)]


def turn(change):
    return lambda before, after: change(angles(after) - angles(before))


RIGHT = {
    "09.1": [(within,), (within_by_counting,)],
    "09.2": [("C",), (" c",)],
    "09.3": [(mean_turn,), (mean_turn_of_means,)],
    "09.4": [("CAB",), ("cab",)],
}
WRONG = {
    "09.1": [
        (lambda e, d: (np.asarray(e) <= d).mean(), "share between 0 and 1"),
        (lambda e, d: 100 * (np.asarray(e) < d).mean(), "at most"),
        (lambda e, d: 100 * (np.asarray(e) > d).mean(), "larger"),
        (lambda e, d: (np.asarray(e) <= d).sum(), "number"),
        (lambda e, d: 100 * (np.asarray(e) <= d), "shape"),
        (lambda e, d: np.percentile(e, d), "another one"),
    ],
    "09.2": [
        ("A", "standard errors"),
        ("B", "standard errors"),
        ("D", "one of the letters"),
        (2, "one of the letters"),
    ],
    "09.3": [
        (turn(lambda d: np.radians(d.mean(axis=1))), "radians"),
        (turn(lambda d: np.abs(d).mean(axis=1)), "absolute"),
        (turn(lambda d: -d.mean(axis=1)), "after minus before"),
        (turn(lambda d: d.mean(axis=1)[::-1]), "Pitch comes first"),
        (turn(lambda d: d.mean(axis=1) * [-1, 1]), "sign of pitch"),
        (turn(lambda d: d.mean(axis=0)), "two numbers"),
        (turn(lambda d: np.median(d, axis=1)), "formulas above"),
    ],
    "09.4": [
        ("ABC", "hardly changed"),
        ("BCA", "hardly changed"),
        ("BAC", "labels are lost"),
        ("AAA", "once"),
        ("C", "once"),
    ],
}
WRONG = {n: [((answer,), says) for answer, says in pairs] for n, pairs in WRONG.items()}
