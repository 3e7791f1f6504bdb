"""Planted answers to the exercises of notebook 07."""

import math

import numpy as np


def seen(of_r=1.0, of_d=2.0, r_steps=True, d_steps=True, pretraining=False, batch=True):
    def function(config):
        each = config.iterations * (config.batch_size if batch else 1)
        by_r = of_r * each * (config.refiner_updates if r_steps else 1)
        by_d = of_d * each * (config.discriminator_updates if d_steps else 1)
        extra = config.refiner_pretraining_steps * config.batch_size if pretraining else 0
        return by_r + extra, by_d

    return function


def counted(config):
    r = d = 0
    for _ in range(config.iterations):
        r += config.refiner_updates * config.batch_size
        d += config.discriminator_updates * (config.batch_size + 2 * (config.batch_size // 2))
    return [r, d]


RIGHT = {
    "07.1": [(seen(),), (counted,)],
    "07.2": [(lambda loss, terms: np.exp(-loss / terms),), (lambda a, n: math.exp(-a) ** (1 / n),)],
    "07.3": [(8,), (np.int64(8),)],
}
WRONG = {
    "07.1": [
        ((seen(r_steps=False),), "steps of R"),
        ((seen(of_d=1.0),), "and refined ones"),
        ((seen(of_d=1.5),), "from the history"),
        ((seen(pretraining=True),), "Pre-training"),
        ((seen(d_steps=False),), "discriminator_updates"),
        ((seen(batch=False),), "a batch of images"),
        ((lambda config: seen()(config)[::-1],), "first number is R's"),
        ((lambda config: 7,), "two numbers"),
    ],
    "07.2": [
        ((lambda loss, terms: np.exp(-loss),), "one term"),
        ((lambda loss, terms: np.exp(-loss * terms),), "multiply"),
        ((lambda loss, terms: np.exp(loss / terms),), "sign"),
        ((lambda loss, terms: 1 - np.exp(-loss / terms),), "wrong answer"),
        ((lambda loss, terms: np.exp(-loss / 2),), "than two"),
        ((lambda loss, terms: loss / terms,), "Solve"),
    ],
    "07.3": [
        ((7,), "waits"),
        ((12,), "planned end"),
        ((6,), "cannot be"),
        ((10,), "first row"),
        (([8],), "number of rounds"),
    ],
}
