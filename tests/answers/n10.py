"""Planted answers for notebook 10."""

import numpy as np
from scipy import stats

from simgan_lib.evaluation.realism import kernel_distance


def wilson(right, tested, z=1.96):
    share = right / tested
    centre = share + z**2 / (2 * tested)
    half = z * np.sqrt(share * (1 - share) / tested + z**2 / (4 * tested**2))
    return (centre - half) / (1 + z**2 / tested), (centre + half) / (1 + z**2 / tested)


def wilson_by_scipy(right, tested):
    interval = stats.binomtest(int(right), int(tested)).proportion_ci(method="wilson")
    return [interval.low, interval.high]


def wald(right, tested):
    share = right / tested
    half = 1.96 * np.sqrt(share * (1 - share) / tested)
    return share - half, share + half


def agresti_coull(right, tested, z=1.96):
    share = (right + z**2 / 2) / (tested + z**2)
    half = z * np.sqrt(share * (1 - share) / (tested + z**2))
    return share - half, share + half


def undivided(right, tested):
    return tuple(bound * (1 + 1.96**2 / tested) for bound in wilson(right, tested))


def kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


def squared_mmd(x, y):
    alike = [k[~np.eye(len(k), dtype=bool)].mean() for k in (kernel(x, x), kernel(y, y))]
    return sum(alike) - 2 * kernel(x, y).mean()


def mmd_by_sums(x, y):
    within = sum(
        (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))
    )
    return within - 2 * np.mean(kernel(y, x))


def biased(x, y):
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


def zero_diagonal(x, y):
    within = [k - np.diag(np.diag(k)) for k in (kernel(x, x), kernel(y, y))]
    return within[0].mean() + within[1].mean() - 2 * kernel(x, y).mean()


RIGHT = {
    "10.1": [(wilson,), (wilson_by_scipy,)],
    "10.2": [(squared_mmd,), (mmd_by_sums,)],
    "10.3": [("C",), ("c ",)],
}
WRONG = {
    "10.1": [
        ((wald,), "quadratic"),
        ((agresti_coull,), "formula"),
        ((undivided,), "1 + z²/n"),
        ((lambda r, n: wilson(r, n, 1.645),), "95%"),
        ((lambda r, n: [100 * bound for bound in wilson(r, n)],), "per cent"),
        ((lambda r, n: wilson(r, n)[::-1],), "lower bound"),
        ((lambda r, n: wilson(r, n)[0],), "two bounds"),
        ((lambda r, n: wilson(r, n / 2),), "formula"),
    ],
    "10.2": [
        ((biased,), "diagonal out"),
        ((lambda x, y: squared_mmd(x, y) + kernel(x, y).mean(),), "twice"),
        ((zero_diagonal,), "n (n - 1)"),
        ((lambda x, y: -squared_mmd(x, y),), "sign"),
        ((lambda x, y: np.sqrt(abs(squared_mmd(x, y))),), "root"),
        ((lambda x, y: abs(squared_mmd(x, y)),), "below 0"),
        ((lambda x, y: max(0.0, squared_mmd(x, y)),), "below 0"),
        ((kernel,), "shape"),
        ((lambda x, y: kernel_distance(x[:9], y)["mean"],), "Three means"),
    ],
    "10.3": [
        (("A",), "simulator's own"),
        (("B",), "simulator's own"),
        (("D",), "webcam's"),
        (("50%",), "one of the letters"),
    ],
}
