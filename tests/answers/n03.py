"""Right and wrong answers to the tasks of notebook 03."""

import math

import keras
import numpy as np

from simgan_lib.models import build_discriminator, receptive_field


def map_size(pixels, padding):
    for stride in (2, 2, 1, 1):
        pixels = -(-pixels // stride) if padding == "same" else (pixels - 3) // stride + 1
    return pixels


def asked_of_keras(pixels, padding):
    if padding == "same":
        return build_discriminator((pixels, pixels, 1), (2, 2, 2, 2)).output_shape[1]
    image = x = keras.Input((pixels, pixels, 1))
    for stride in (2, 2, 1, 1):
        x = keras.layers.Conv2D(1, 3, stride)(x)
    return keras.Model(image, x).output_shape[1]


def sizes(strides=(2, 2, 1, 1), up=math.ceil, more=1):
    def wrong(pixels, padding):
        for stride in strides:
            same = up(pixels / stride)
            pixels = same if padding == "same" else (pixels - 3) // stride + more
        return pixels

    return wrong


def sees(layers):
    field = step = 1
    for kernel, stride in layers:
        field, step = field + (kernel - 1) * step, step * stride
    return field


def backwards(layers):
    """From one answer back to the pixels."""
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def of_the_library(layers):
    image = x = keras.Input((500, 500, 1))
    for kernel, stride in layers:
        x = keras.layers.Conv2D(1, kernel, stride)(x)
    return receptive_field(keras.Model(image, x))


def stride_first(layers):
    field = step = 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def diagnose(logits):
    if np.mean(logits == 0) > 0.1:
        return "dead"
    return "misread" if np.abs(logits).mean() > 1 else "undecided"


def by_signs(logits):
    if logits.min() == 0:  # a ReLU leaves nothing below
        return "dead"
    return "misread" if logits.std() > 0.9 else "undecided"


RIGHT = {
    "03.1": [(map_size,), (asked_of_keras,)],
    "03.2": [(sees,), (backwards,), (of_the_library,)],
    "03.3": [(diagnose,), (by_signs,)],
}
WRONG = {
    "03.1": [
        ((sizes(up=math.floor),), "rounded up"),
        ((lambda pixels, padding: map_size(pixels, "same"),), "loses pixels"),
        ((sizes(strides=(2, 2, 1)),), "four layers"),
        ((sizes(more=0),), "layer by layer"),
        ((lambda n, padding: n // 4 + 1 if padding == "same" else map_size(n, padding),), "layer"),
        ((lambda pixels, padding: (9, 14),), "one number"),
        ((lambda pixels, padding: None,), "returns nothing"),
    ],
    "03.2": [
        ((lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),), "Strides are missing"),
        ((stride_first,), "own stride"),
        ((lambda layers: 1 + sum((k - 1) * s for k, s in layers),), "Steps multiply"),
        ((lambda layers: sees(layers) - 1,), "itself"),
        ((lambda layers: 2,), "is not 2"),
        ((lambda layers: [sees(layers)] * 2,), "one number"),
        ((71,), "the function itself"),
    ],
    "03.3": [
        ((lambda logits: "undecided",), "exactly zero"),
        ((lambda logits: "dead",), "cannot tell"),
        ((lambda logits: "misread",), "cannot tell"),
        ((lambda logits: "dead" if not logits.any() else by_signs(np.abs(logits) + 1e-9),), "zero"),
        ((lambda logits: "dead" if (logits == 0).any() else "undecided",), "D is sure"),
        ((lambda logits: "C",), "one of the words"),
        ((lambda logits: ...,), "returns nothing"),
    ],
}
