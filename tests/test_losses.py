import numpy as np
import pytest
from keras import ops

from simgan_lib import backends, losses
from simgan_lib.losses import REAL, REFINED

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (2, 4, 5, 3)), RNG.uniform(-1, 1, (2, 4, 5, 3))
LOGITS = RNG.normal(0, 2, (3, 4, 5, 2))


def value(tensor):
    return float(ops.convert_to_numpy(tensor))


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def test_self_regularisation_against_numpy():
    refined, synthetic = IMAGES
    change = refined - synthetic
    assert value(losses.self_regularisation(refined, synthetic)) == pytest.approx(
        np.abs(change).mean()
    )
    assert value(
        losses.self_regularisation(refined, synthetic, losses.channel_mean)
    ) == pytest.approx(np.abs(change.mean(axis=-1)).mean())
    steps = np.diff(change, axis=2)[:, :-1], np.diff(change, axis=1)[:, :, :-1]
    assert value(
        losses.self_regularisation(refined, synthetic, losses.image_gradients)
    ) == pytest.approx(np.abs(np.stack(steps)).mean())


def test_features_forgive_what_they_should():
    refined = IMAGES[0]
    assert value(losses.self_regularisation(refined + 0.3, refined, losses.image_gradients)) < 1e-6
    hue = np.array([0.2, -0.1, -0.1])
    assert value(losses.self_regularisation(refined + hue, refined, losses.channel_mean)) < 1e-6


@pytest.mark.parametrize("label", [REAL, REFINED])
def test_adversarial_losses_against_numpy(label):
    local = -np.log(softmax(LOGITS)[..., label]).mean()
    assert value(losses.local_adversarial(LOGITS, label)) == pytest.approx(local)
    per_image = -np.log(softmax(LOGITS.mean(axis=(1, 2)))[..., label]).mean()
    assert value(losses.global_adversarial(LOGITS, label)) == pytest.approx(per_image)
    assert local != pytest.approx(per_image)


def test_losses_stay_finite_for_a_certain_discriminator():
    certain = np.array([[[[200.0, -200.0]]]], "float32")
    assert value(losses.local_adversarial(certain, REFINED)) == pytest.approx(400.0)


@pytest.mark.parametrize("label", [REAL, REFINED])
def test_the_gradient_at_a_logit_is_the_probability_minus_its_target(label):
    logits = LOGITS.astype("float32")
    found = backends.current().gradient(lambda z: losses.local_adversarial(z, label), logits)
    expected = (softmax(logits) - np.eye(2)[label]) / logits[..., 0].size
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_guessing_gives_ln_2_and_half():
    undecided = np.zeros((2, 9, 14, 2))
    for label in (REAL, REFINED):
        loss = value(losses.local_adversarial(undecided, label))
        assert loss == pytest.approx(np.log(2), abs=1e-5)
        assert value(losses.accuracy(undecided, label)) == 0.5


def test_accuracy_counts_patches():
    logits = np.array([[[[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [3.0, 0.0]]]])
    assert value(losses.accuracy(logits, REAL)) == 0.75
    assert value(losses.accuracy(logits, REFINED)) == 0.25


def test_lambda_conversion_keeps_the_trade_off():
    """The summed loss is the mean loss times the number of patches, whatever the images."""
    synthetic = RNG.uniform(-1, 1, (1, 35, 55, 1))
    refined = RNG.uniform(-1, 1, (1, 35, 55, 1))
    logits = RNG.normal(0, 1, (1, 9, 14, 2))
    summed = -np.log(softmax(logits)[..., REAL]).sum() + 0.01 * np.abs(refined - synthetic).sum()
    mean = value(losses.local_adversarial(logits, REAL)) + losses.lambda_mean_from_sum(
        0.01
    ) * value(losses.self_regularisation(refined, synthetic))
    assert summed == pytest.approx(126 * mean, rel=1e-5)
