"""Checks of notebook 04, the losses."""

import numpy as np

from simgan_exercises import Hint, call, close, task
from simgan_lib.losses import REAL, REFINED


def _cross_entropy(logits, label):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return -np.mean((shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))[..., label])


@task("04.1", "One function with two labels is the whole of D's loss. A guess is 2 ln 2 = 1.386.")
def _discriminator_loss(function):
    rng = np.random.default_rng()
    on_real, on_refined = (rng.normal(0, 3, (n, 9, 14, 2)).astype("float32") for n in (3, 5))
    # So that no two of the losses below are near each other.
    on_real[..., REAL] += 3
    on_refined[..., REAL] += 1
    received = float(call(function, on_real, on_refined))
    terms = _cross_entropy(on_real, REAL), _cross_entropy(on_refined, REFINED)
    swapped = _cross_entropy(on_real, REFINED) + _cross_entropy(on_refined, REAL)
    total = sum(terms)
    known = {
        swapped: "The labels are exchanged: this is what R would like D to answer.",
        -total: "The sign is turned: a cross-entropy is minus a logarithm, and never negative.",
        total / 2: "Equation 2 adds the two terms; this is their mean.",
        terms[0]: "Only the real batch is in it. Which term is missing?",
        terms[1]: "Only the refined batch is in it. Which term is missing?",
        _cross_entropy(on_real, REAL) + _cross_entropy(on_refined, REAL): (
            "Both batches have the same label. What is the true class of the refined ones?"
        ),
    }
    for value, hint in known.items():
        if abs(received - value) < 1e-3 * abs(value):
            raise Hint(hint)
    close(received, total, "Add two cross-entropies, each a mean over patches and images.", 1e-3)


@task("04.2", "With sums, lambda means something else for each size of image and of D's map.")
def _hands(times, side=224, patches=7):
    pixels, patches = side**2, patches**2
    expected = (pixels / patches) / (35 * 55 / 126)
    known = {
        1 / expected: "Turned over: divide the hands' lambda by the eyes'.",
        pixels / (35 * 55): "The pixels are counted, but not the patches of either map.",
        pixels / patches: "These are a hand's pixels for each patch. An eye's patch has some too.",
        0.01 * pixels / patches: "This is the hands' lambda in the mean form. Compare the eyes'.",
        126 / patches: "Only the patches are counted. The pixels change too.",
    }
    for value, hint in known.items():
        if np.allclose(times, value, rtol=0.01):
            raise Hint(hint)
    close(times, expected, "How many pixels has a patch to itself, of a hand and of an eye?", 0.02)


@task("04.3", "Who is content says which side each player is on; the change says who is held.")
def _diagnoses(answers, seed=5):
    names = np.random.default_rng(seed).permutation(["wrong sign", "lambda 100", "control"])
    expected = dict(zip("ABC", names.tolist(), strict=True))
    if not isinstance(answers, dict) or set(answers) != set(expected):
        raise Hint("Give a dictionary with the letters A, B and C.")
    if any(answer is ... for answer in answers.values()):
        raise Hint("There is no answer yet for some of the letters.")
    if set(answers.values()) != set(expected.values()):
        raise Hint('Use each of "control", "lambda 100" and "wrong sign" once.')
    wrong = {name for letter, name in expected.items() if answers[letter] != name}
    if wrong == {"wrong sign", "lambda 100"}:
        raise Hint("In two of them D's loss is low. In which of these is R content as well?")
    if wrong == {"control", "lambda 100"}:
        raise Hint("Compare mean_change: an R that is held tightly hardly changes a pixel.")
    if wrong == {"control", "wrong sign"}:
        raise Hint("Two opponents cannot both win. In which row are both losses low?")
    if wrong:
        raise Hint("Begin with the row whose losses are nearest to 1.386 and 0.693.")


@task(
    "04.4", "Independent noise nearly cancels in a mean of 25 pixels; a pupil that moves does not."
)
def _blurred(function):
    rng = np.random.default_rng()
    for channels in (1, 3):
        images = rng.normal(0, 1, (2, 12, 17, channels)).astype("float32")
        received = np.asarray(call(function, images))
        windows = np.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(1, 2))
        valid = windows.mean(axis=(-1, -2))
        if received.shape == images.shape:
            received = received[:, 2:-2, 2:-2]
        if received.shape != valid.shape:
            raise Hint(
                f"Images of shape {images.shape} gave {received.shape}. Every pixel should have a "
                "mean around it: use stride 1, and leave batch and channels alone."
            )
        if np.allclose(received, windows.max(axis=(-1, -2))):
            raise Hint("These are the largest of the pixels, not their mean.")
        close(received, valid, "Each value should be the mean of 5 x 5 pixels.", 1e-3)
