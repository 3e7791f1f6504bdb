"""Checks of notebook 07, adversarial training."""

import numpy as np

from simgan_exercises import Hint, call, close, task
from simgan_lib.config import Config


@task("07.1", "The sources differ by a factor of 500 in how much each network sees.")
def _images_seen(function):
    rng = np.random.default_rng()
    config = Config(
        iterations=int(rng.integers(100, 900)),
        batch_size=2 * int(rng.integers(4, 20)),
        refiner_updates=3,
        discriminator_updates=7,
    )
    received = np.asarray(call(function, config), "float64")
    if received.shape != (2,):
        raise Hint(f"Return two numbers, R's and D's; received the shape {received.shape}.")
    each = config.iterations * config.batch_size
    by_r, by_d = 3 * each, 14 * each
    with_r = by_r + config.refiner_pretraining_steps * config.batch_size
    known_r = {
        each: "A round has config.refiner_updates steps of R.",
        with_r: "Pre-training does not count here.",
        2 * by_r: "R's steps see synthetic images only.",
        by_d: "The first number is R's, the second one D's.",
        3 * config.iterations: "These are steps. Each of them takes a batch of images.",
    }
    known_d = {
        7 * each: "D's steps see real images and refined ones.",
        7 * each * 3 / 2: "The refined half from the history counts too: D learns from it.",
        2 * each: "A round has config.discriminator_updates steps of D.",
    }
    for value, known in ((received[0], known_r), (received[1], known_d)):
        for wrong, hint in known.items():
            if np.isclose(value, wrong, rtol=1e-9):
                raise Hint(hint)
    close(received[0], by_r, "R's: rounds, steps of R in each, and images in each step.", 1e-9)
    close(received[1], by_d, "D's: rounds, steps of D, and the images of both kinds.", 1e-9)


@task("07.2", "Losses with different numbers of terms can be compared as probabilities.")
def _lead(function):
    rng = np.random.default_rng()
    for terms in (2, 3, 4):
        loss = float(rng.uniform(0.3, 1.2))
        received = float(call(function, loss, terms))
        known = {
            np.exp(-loss): "The loss is a sum. What is one term of it, on average?",
            np.exp(-loss * terms): "Divide by the number of terms; you multiply by it.",
            np.exp(loss / terms): "A probability is at most 1. Look at the sign.",
            1 - np.exp(-loss / terms): "This is the probability of the wrong answer.",
            2 ** (-loss / terms): "The cross-entropy has the natural logarithm.",
            np.exp(-loss / 2): "There may be another number of terms than two.",
            np.exp(-loss) / terms: "Divide inside the exponential: a geometric mean is asked for.",
        }
        expected = np.exp(-loss / terms)
        for value, hint in known.items():
            if np.isclose(received, value) and not np.isclose(value, expected):
                raise Hint(hint)
        close(received, expected, "Solve  loss / terms = -log(p)  for p.")


@task("07.3", "So a resumed run writes the same rows as one that was never stopped.")
def _ends_after(answer, stop=7):
    known = {
        stop: "The stop waits for something that comes every second round.",
        12: "The flag ends the training before its planned end.",
        stop - 1: f"When round {stop} is over, round {stop - 1} cannot be the last one.",
        stop + 2: "Rows are written after even rounds.",
        0: f"It had played {stop} rounds when the flag was set.",
    }
    if isinstance(answer, bool) or not np.isscalar(answer):
        raise Hint(f"Give a number of rounds; received {answer!r}.")
    if int(answer) != stop + 1:
        raise Hint(known.get(int(answer), f"Which is the first row of metrics after round {stop}?"))
