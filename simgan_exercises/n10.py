"""Checks of notebook 10: is it realistic?"""

import numpy as np
from scipy import stats

from simgan_exercises import Hint, call, close, task


@task(
    "10.1",
    "An accuracy without its interval cannot be compared. This one stays inside 0 and 1, and has a "
    "width even where every answer was right.",
)
def _(wilson):
    rng = np.random.default_rng()
    tested = int(rng.integers(40, 200))
    for right in (tested // 4, int(0.9 * tested), tested):
        interval = stats.binomtest(right, tested).proportion_ci(method="wilson")
        bounds = np.array([interval.low, interval.high])
        received = np.asarray(call(wilson, right, tested), float)
        if received.shape != (2,):
            raise Hint(f"Return two bounds; the shape is {received.shape}.")
        if received.max() > 1.5:
            raise Hint("Give shares between 0 and 1, not per cent.")
        if received[0] > received[1]:
            raise Hint("The lower bound comes first.")
        share = right / tested
        plain = 1.96 * np.sqrt(share * (1 - share) / tested)
        if np.allclose(received, [share - plain, share + plain], atol=1e-4):
            raise Hint(
                f"That interval is {received[1] - received[0]:.3f} wide for {right} right of "
                f"{tested}. Near 0 and 1 it is too narrow: solve the quadratic equation."
            )
        if np.allclose(received, bounds * (1 + 1.96**2 / tested), atol=1e-4):
            raise Hint("One division is missing: that by 1 + z²/n.")
        narrow = stats.binomtest(right, tested).proportion_ci(0.9, "wilson")
        if np.allclose(received, [narrow.low, narrow.high], atol=1e-3):
            raise Hint("That is the interval for 90%. For 95% z is 1.96.")
        close(received, bounds, "Compare centre and half-width with the formula above.", 2e-3)


def _kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


@task(
    "10.2",
    "Without the diagonal the estimate is 0 on average for equal sets, so a small distance means "
    "that the sets are near.",
)
def _(squared_mmd):
    rng = np.random.default_rng()
    x, y = rng.normal(size=(30, 6)), rng.normal(1, 1, size=(40, 6))
    xx, yy, xy = _kernel(x, x), _kernel(y, y), _kernel(x, y)

    def mean_off(k):
        return k[~np.eye(len(k), dtype=bool)].mean()

    def zeroed(k):
        return (k.sum() - np.trace(k)) / k.size

    right = mean_off(xx) + mean_off(yy) - 2 * xy.mean()
    known = {
        "Vectors are compared with themselves too. Leave the diagonal out of the first two.": (
            xx.mean() + yy.mean() - 2 * xy.mean()
        ),
        "The mean between the two sets counts twice.": mean_off(xx) + mean_off(yy) - xy.mean(),
        "A diagonal of zeros still counts in a mean. Divide by n (n - 1).": (
            zeroed(xx) + zeroed(yy) - 2 * xy.mean()
        ),
        "The sign is turned round.": -right,
        "That is a root. The estimate may be below 0, so it stays a square.": np.sqrt(abs(right)),
    }
    received = call(squared_mmd, x, y)
    if np.shape(received) == ():
        for hint, wrong in known.items():
            if np.isclose(received, wrong, rtol=1e-6, atol=1e-9):
                raise Hint(hint)
    close(received, right, "Three means: within x, within y, and between x and y.", 1e-5)
    below = 2 * mean_off(xx) - 2 * xx.mean()  # as vectors are most like themselves
    hint = "Between a set and itself the unbiased estimate is below 0. Leave its sign as it is."
    close(call(squared_mmd, x, x), below, hint, 1e-5)


@task(
    "10.3",
    "What a refiner has to keep gives it away. So its accuracy has to be read beside that of a "
    "perfect refiner, not beside 50%.",
)
def _(letter):
    letter = str(letter).strip().upper()
    if letter not in {"A", "B", "C", "D"}:
        raise Hint('Answer with one of the letters "A", "B", "C" and "D".')
    if letter == "D":
        raise Hint("Perfect means: as a webcam would show this eye. Is it an eye of the webcam's?")
    if letter in "AB":
        raise Hint("Which of the three has the most left of the simulator's own distribution?")
