"""Planted answers for notebook 11."""

import math

import numpy as np


def rows_of(metrics):
    return metrics.loc[metrics["phase"] == "adversarial", "discriminator_loss"]


def frozen(metrics):
    late = rows_of(metrics).tail(5)
    return bool(late.std() < 1e-5 and abs(late.mean() - 2 * math.log(2)) < 1e-3)


def frozen_by_all(metrics):
    late = rows_of(metrics).to_numpy()[-5:]
    return np.all(np.abs(late - 2 * np.log(2)) < 2e-6)


def frozen_after_five(metrics):
    late = rows_of(metrics).tail(5)
    return len(late) == 5 and bool((abs(late - 2 * math.log(2)) < 1e-5).all())


def stands_still(losses):
    return bool((abs(losses - 2 * math.log(2)) < 1e-5).all())


def in_means(lambda_, sums_pixels, sums_patches):
    return lambda_ * (35 * 55 if sums_pixels else 1) / (9 * 14 if sums_patches else 1)


def in_means_by_cases(lambda_, sums_pixels, sums_patches):
    factors = {(1, 1): 15.2778, (1, 0): 1925.0, (0, 1): 1 / 126, (0, 0): 1.0}
    return lambda_ * factors[int(sums_pixels), int(sums_patches)]


RIGHT = {
    "11.1": [("164253",), (164253,)],
    "11.2": [(frozen,), (frozen_by_all,), (frozen_after_five,)],
    "11.3": [(in_means,), (in_means_by_cases,)],
    "11.4": [("cb",), ("C, B",)],
}
WRONG = {
    "11.1": [
        (("123456",), "both losses small"),
        (("564213",), "leaves the chart"),
        (("164523",), "next to nothing"),
        (("163254",), "all adversarial"),
        (("162453",), "lost to D"),
        (("16425",), "once"),
    ],
    "11.2": [
        ((lambda m: m["discriminator_loss"].iloc[-1] > 1.37,), "comes and goes"),
        ((lambda m: bool(rows_of(m).tail(5).std() < 1e-5),), "at 0"),
        (
            (lambda m: bool(abs(rows_of(m).tail(5).mean() - 2 * math.log(2)) < 0.02),),
            "comes and goes",
        ),
        ((lambda m: bool((rows_of(m) == 2 * math.log(2)).all()),), "seventh digit"),
        ((lambda m: bool(rows_of(m).std() < 1e-5),), "whatever came before"),
        ((lambda m: bool(abs(rows_of(m).iloc[-1] - 2 * math.log(2)) < 1e-5),), "single row"),
        ((lambda m: stands_still(m["discriminator_loss"].tail(5)),), "pre-training"),
        ((lambda m: stands_still(rows_of(m).tail(4)),), "too few"),
        ((lambda m: stands_still(rows_of(m).tail(6)),), "whatever came before"),
        ((lambda m: rows_of(m).tail(5).std(),), "True or False"),
    ],
    "11.3": [
        ((lambda lam, pixels, patches: 15.3 * lam,), "nothing has to be converted"),
        (
            (lambda lam, pixels, patches: lam * 1925 / 126 if pixels and patches else lam,),
            "pixels alone",
        ),
        ((lambda lam, pixels, patches: lam * (1925 if pixels else 1),), "patches alone"),
        (
            (lambda lam, p, q: lam / (1925 if p else 1) * (126 if q else 1),),
            "divide where you should multiply",
        ),
        ((lambda lam, p, q: lam * (90 if p else 1) / (126 if q else 1),), "how many pixels"),
    ],
    "11.4": [
        (("bc",), "exchanged"),
        (("fb",), "G:"),
        (("ca",), "H:"),
        (("c",), "two of the letters"),
        (("xy",), "two of the letters"),
    ],
}
