"""Planted answers to the exercises of notebook 04."""

import numpy as np
from keras import ops

from simgan_lib.losses import REAL, REFINED, local_adversarial


def by_hand(on_real, on_refined):
    probability_real = np.exp(on_real) / np.exp(on_real).sum(-1, keepdims=True)
    probability_refined = np.exp(on_refined) / np.exp(on_refined).sum(-1, keepdims=True)
    return -np.log(probability_real[..., 0]).mean() - np.log(probability_refined[..., 1]).mean()


def loss(real_label, refined_label, factor=1.0):
    return lambda on_real, on_refined: (
        factor
        * (local_adversarial(on_real, real_label) + local_adversarial(on_refined, refined_label))
    )


def summed(on_real, on_refined):
    return 126 * 3 * local_adversarial(on_real, REAL) + local_adversarial(on_refined, REFINED)


def pool(kind=ops.average_pool, size=5, strides=1, padding="valid"):
    return lambda images: kind(images, size, strides=strides, padding=padding)


def shifted_means(images):
    height, width = images.shape[1:3]
    parts = [images[:, i : height - 4 + i, j : width - 4 + j] for i in range(5) for j in range(5)]
    return sum(parts) / 25


ORDER = np.random.default_rng(5).permutation(["wrong sign", "lambda 100", "control"]).tolist()


def diagnoses(**exchanged):
    return {
        letter: exchanged.get(n.replace(" ", "_"), n)
        for letter, n in zip("ABC", ORDER, strict=True)
    }


RIGHT = {
    "04.1": [(loss(REAL, REFINED),), (by_hand,)],
    "04.2": [(1024 / (1925 / 126),), (67,)],
    "04.3": [(diagnoses(),), (dict(zip("ABC", ORDER, strict=True)),)],
    "04.4": [(pool(),), (shifted_means,), (pool(padding="same"),)],
}
WRONG = {
    "04.1": [
        ((loss(REFINED, REAL),), "exchanged"),
        ((loss(REAL, REAL),), "same label"),
        ((loss(REAL, REFINED, 0.5),), "their mean"),
        ((loss(REAL, REFINED, -1.0),), "sign"),
        ((lambda on_real, on_refined: local_adversarial(on_refined, REFINED),), "missing"),
        ((summed,), "a mean over patches"),
        ((lambda on_real, on_refined: None,), "returns nothing"),
    ],
    "04.2": [
        ((1925 / 126 / 1024,), "Turned over"),
        ((224 * 224 / 1925,), "not the patches"),
        ((1024,), "An eye's patch"),
        ((10.24,), "mean form"),
        ((126 / 49,), "Only the patches"),
        ((4.0,), "to itself"),
    ],
    "04.3": [
        ((diagnoses(wrong_sign="lambda 100", lambda_100="wrong sign"),), "content"),
        ((diagnoses(control="lambda 100", lambda_100="control"),), "mean_change"),
        ((diagnoses(control="wrong sign", wrong_sign="control"),), "both win"),
        (
            (diagnoses(control="wrong sign", wrong_sign="lambda 100", lambda_100="control"),),
            "nearest",
        ),
        ((diagnoses(control="lambda 100"),), "once"),
        (({"A": ..., "B": ..., "C": ...},), "no answer yet"),
        (("ABC",), "dictionary"),
    ],
    "04.4": [
        ((pool(strides=5),), "stride 1"),
        ((pool(size=3),), "stride 1"),
        ((pool(ops.max_pool),), "largest"),
        ((lambda images: images,), "mean of 5 x 5"),
        ((pool(size=7, padding="same"),), "mean of 5 x 5"),
        ((lambda images: images.mean(axis=(1, 2)),), "stride 1"),
    ],
}
