"""Right and wrong answers to the tasks of notebook 02."""

import keras
import numpy as np

from simgan_lib.models import build_refiner, receptive_field, residual_block


def parameters(filters, kernel_size):
    return 2 * (kernel_size**2 * filters**2 + filters)


def counted_by_keras(filters, kernel_size):
    features = keras.Input((9, 9, filters))
    return keras.Model(features, residual_block(features, filters, kernel_size)).count_params()


def refiner_sees(blocks, kernel_size):
    return 1 + (1 + 2 * blocks) * (kernel_size - 1)


def asked_of_the_library(blocks, kernel_size):
    return receptive_field(build_refiner(filters=1, blocks=blocks, kernel_size=kernel_size))


RIGHT = {
    "02.1": [(parameters,), (counted_by_keras,)],
    "02.2": [("A",), (" a",)],
    "02.3": [(refiner_sees,), (asked_of_the_library,)],
    "02.4": [((45, 8),), (np.array([45, 8]),)],
}
WRONG = {
    "02.1": [
        ((lambda f, k: 2 * k * k * f * f,), "bias"),
        ((lambda f, k: 2 * k * k * f * f + f,), "Both convolutions"),
        ((lambda f, k: k * k * f * f + f,), "one convolution"),
        ((lambda f, k: 2 * (k * k + 1) * f,), "all maps"),
        ((lambda f, k: 2 * (k * f * f + f),), "height and a width"),
        ((lambda f, k: 73_856,), "one kernel first"),
        ((73_856,), "the function itself"),
    ],
    "02.2": [
        (("B",), "sign"),
        (("C",), "weights are zero"),
        (("D",), "after the sum"),
        (("yes",), "one letter"),
        ((0.0,), "one letter"),
        ((...,), "no answer yet"),
    ],
    "02.3": [
        ((lambda b, k: 1 + 2 * b * (k - 1),), "opening"),
        ((lambda b, k: (1 + 2 * b) * (k - 1),), "itself"),
        ((lambda b, k: 1 + (1 + b) * (k - 1),), "two convolutions"),
        ((lambda b, k: 1 + (1 + 2 * b) * (k // 2),), "both sides"),
        ((lambda b, k: (1 + 2 * b) * k,), "Too wide"),
        ((lambda b, k: 3 + 4 * b,), ""),
        ((lambda b, k: print(b),), "returns nothing"),
    ],
    "02.4": [
        (((64, 8),), "more than"),
        (((64, 4),), "sees 19"),
        (((32, 8),), "More maps"),
        (((30, 10),), "Fewer blocks"),
        (((8, 45),), "order"),
        ((45,), "two whole numbers"),
        (((45.5, 8),), "two whole numbers"),
    ],
}
