"""Checks of notebook 11: the failure lab. And the two patients of its last exercise."""

import math

import numpy as np
import pandas as pd

from simgan_exercises import Hint, call, close, task
from simgan_lib.config import Config
from simgan_lib.simgan import SimGAN

CAUSES = "164253"  # of the patients A to F, as the notebook numbers them


@task(
    "11.1",
    "The same pictures can have different causes. The two terms of R's loss, logged apart, tell "
    "them apart.",
)
def _(diagnosis):
    digits = str(diagnosis).replace(" ", "")
    if sorted(digits) != list("123456"):
        raise Hint('Give each of the digits 1 to 6 once, in one text such as "123456".')
    at = dict(zip("ABCDEF", digits, strict=True))
    if at["B"] != "6":
        raise Hint("In which patient are both losses small? What does R then want?")
    if at["A"] != "1":
        raise Hint("In one patient the change leaves the chart and stays there. What drives it?")
    if {at["D"], at["E"]} == {"2", "5"} and at["D"] != "2":
        raise Hint("D wins in two patients. Which of them changes next to nothing to the end?")
    if {at["D"], at["E"]} != {"2", "5"}:
        raise Hint("Two more patients have lost to D: its loss goes to 0 and R's grows. Why?")
    if digits != CAUSES:
        raise Hint("Two are left whose game is balanced. In which is R's loss all adversarial?")


def _log(losses, before):
    """A log of five rows of pre-training, with the loss `before`, and these losses of D."""
    rows = [{"phase": "pretrain_discriminator", "discriminator_loss": before}] * 5
    rows += [{"phase": "adversarial", "discriminator_loss": loss} for loss in losses]
    return pd.DataFrame(rows).assign(iteration=range(10, 10 * len(rows) + 10, 10))


@task(
    "11.2",
    "This log is told from that of a D in balance by its digits alone: one stands still, the other "
    "comes and goes.",
)
def _(frozen):
    rng, guess = np.random.default_rng(), 2 * math.log(2)
    phase = "Rows of pre-training do not count: choose the phase adversarial."
    cases = [
        (True, [guess] * 8, "A D that stands at 2 ln 2 from the first round on is frozen."),
        (True, [1.386294] * 6, "Logs are rounded: allow for a difference in the seventh digit."),
        (
            True,
            [*rng.uniform(0.8, 1.2, 6), *[guess] * 5],
            "A D that stands at 2 ln 2 over its last five rows is frozen, whatever came before.",
        ),
        (
            False,
            guess + rng.choice([-1, 1], 12) * rng.uniform(0.002, 0.01, 12),
            "A loss that comes and goes around 2 ln 2 is that of a D that learns.",
        ),
        (
            False,
            [*rng.uniform(0.8, 1.2, 9), guess],
            "A single row at 2 ln 2 is no standstill. Look at five of them.",
        ),
        (
            False,
            [*rng.uniform(0.8, 1.2, 6), *[guess] * 4],
            "Four rows at 2 ln 2 are too few: look at the last five.",
        ),
        (False, [0.0] * 8, "A loss that stands still at 0 is another illness."),
        (False, [1.5] * 8, "This loss stands still, but not at 2 ln 2."),
        (False, rng.uniform(0.6, 1.1, 4), phase),
    ]
    for expected, losses, hint in cases:
        received = call(frozen, _log(losses, guess))
        if not isinstance(received, bool | np.bool_):
            raise Hint(f"Return True or False; received {type(received).__name__}.")
        if received != expected:
            raise Hint(hint)
    # After four rounds either answer will do, if it does not hang on the pre-training.
    if call(frozen, _log([guess] * 4, guess)) != call(frozen, _log([guess] * 4, 0.9)):
        raise Hint(phase)


@task(
    "11.3",
    "A copied lambda without its reductions can be wrong by a factor of 1,925, and refined images "
    "then equal the synthetic ones.",
)
def _(in_means):
    value = float(np.random.default_rng().uniform(0.01, 1))
    received = {
        sums: call(in_means, value, *sums)
        for sums in ((True, True), (True, False), (False, True), (False, False))
    }
    close(
        received[False, False],
        value,
        "With means of both, nothing has to be converted.",
        tolerance=1e-6,
    )
    for sums, right in {(True, False): value * 1925, (False, True): value / 126}.items():
        of = "pixels" if sums[0] else "patches"
        if np.isclose(received[sums], value):
            raise Hint(f"A sum over {of} alone changes the balance too.")
        if np.isclose(received[sums], value**2 / right):
            raise Hint(f"For a sum over {of} you divide where you should multiply, or the reverse.")
        close(received[sums], right, f"By how many {of} do a sum and a mean differ?")
    close(received[True, True], value * 1925 / 126, "Both sums together: apply both factors.")


@task(
    "11.4",
    "Rules know only the illnesses that they were made for. Pictures, and what goes into D, come "
    "first.",
)
def _(causes):
    letters = str(causes).lower().replace(" ", "").replace(",", "")
    if len(letters) != 2 or not set(letters) <= set("abcdef"):
        raise Hint('Give two of the letters a to f, for G and for H, such as "ab".')
    if letters == "bc":
        raise Hint("The two causes are right, and exchanged.")
    if letters[0] != "c":
        raise Hint(
            "G: D is far ahead, and R changes much. What could D see at once, in every patch of "
            "a real image?"
        )
    if letters[1] != "b":
        raise Hint("H: how sure is D of anything, after all these rounds? Compare its `lead`.")


class _OtherRange(SimGAN):
    """A bug in code: the real images were scaled to another range than the refined ones."""

    def as_d_sees_it(self, real):
        return (real + 1) / 2

    def discriminator_loss(self, real, refined):
        return super().discriminator_loss(self.as_d_sees_it(real), refined)


def patient(letter: str, config: Config) -> SimGAN:
    """Builds patient G or H of notebook 11, untrained.

    Args:
        letter: `"G"` or `"H"`.
        config: The settings of a healthy training.
    """
    if letter == "G":
        return _OtherRange(config)
    return SimGAN(config.replace(discriminator_learning_rate=1e-6))
