import keras
import numpy as np
import pytest
from keras import ops

from simgan_lib.config import preset
from simgan_lib.data import to_float
from simgan_lib.losses import REAL
from simgan_lib.models import equalised
from simgan_lib.simgan import SimGAN

RNG = np.random.default_rng(0)
# Small images keep the tests fast; the networks are fully convolutional.
DARK = RNG.integers(0, 120, (24, 12, 16), "uint8")
LIGHT = RNG.integers(100, 256, (20, 12, 16), "uint8")
SHAPE = (12, 16, 1)

once = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="says nothing about the backend, and compiles long"
)


def make(**changes):
    return SimGAN(preset("smoke").replace(**{"precision": "float32", **changes}), SHAPE)


def weights(network):
    return [ops.convert_to_numpy(weight) for weight in network.weights]


def same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def floats(images):
    return ops.convert_to_tensor(to_float(images))


def change(model, images=DARK):
    """How far R moves a pixel, on average."""
    return np.abs(ops.convert_to_numpy(model(floats(images)) - floats(images))).mean()


def logged(model, dark=DARK, light=LIGHT):
    """Trains, and returns the logs of every epoch."""
    rows = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rows.append(logs))
    model.train(dark, light, [watch])
    return rows


def test_a_refiner_step_leaves_the_discriminator_untouched():
    model = make()
    refiner, discriminator = weights(model.refiner), weights(model.discriminator)
    model.update_refiner(floats(DARK[:8]))
    assert same(discriminator, weights(model.discriminator))
    assert not any(
        np.array_equal(a, b) for a, b in zip(refiner, weights(model.refiner), strict=True)
    )


def test_a_discriminator_step_leaves_the_refiner_untouched():
    model = make()
    refiner, discriminator = weights(model.refiner), weights(model.discriminator)
    model.update_discriminator(floats(LIGHT[:8]), floats(DARK[:8]))
    assert same(refiner, weights(model.refiner))
    assert not any(
        np.array_equal(a, b)
        for a, b in zip(discriminator, weights(model.discriminator), strict=True)
    )


def test_the_losses_are_the_papers_equations():
    model = make(lambda_mean=0.7)
    x, y = floats(DARK[:8]), floats(LIGHT[:8])
    refined = model.refiner(x)

    def cross_entropy(images, label):
        probability = ops.convert_to_numpy(ops.softmax(model.discriminator(images)))
        return -np.log(probability[..., label]).mean()

    kept = np.abs(ops.convert_to_numpy(refined - x)).mean()
    loss, logs = model.refiner_loss(x)
    assert float(loss) == pytest.approx(cross_entropy(refined, REAL) + 0.7 * kept, rel=1e-4)
    assert float(logs["mean_change"]) == pytest.approx(kept, rel=1e-4)
    loss, logs = model.discriminator_loss(y, refined)
    wanted = cross_entropy(y, REAL) + cross_entropy(refined, 1 - REAL)
    assert float(loss) == pytest.approx(wanted, rel=1e-4)
    on_real = ops.convert_to_numpy(model.discriminator(y))
    right = (on_real[..., 0] > on_real[..., 1]).mean()
    assert float(logs["accuracy_real"]) == pytest.approx(right)


def test_a_discriminator_step_of_a_round_sees_half_new_and_half_old_images():
    model = make(discriminator_updates=3, refiner_learning_rate=0.0)
    seen, update = [], model.update_discriminator

    def watch(y, refined):
        seen.append(ops.convert_to_numpy(refined)[:, 0, 0, 0])
        return update(y, refined)

    model.update_discriminator = watch
    x_d = floats(DARK[:12])
    x_d, y = ops.reshape(x_d, (3, 4, *SHAPE)), ops.stack([floats(LIGHT[:8])] * 3)
    fresh = [ops.convert_to_numpy(model.refiner(x))[:, 0, 0, 0] for x in x_d]
    logs = model.round(floats(DARK[:8])[None], x_d, y)
    for images, new in zip(seen, fresh, strict=True):
        np.testing.assert_allclose(images[:4], new, atol=1e-5)
    np.testing.assert_allclose(seen[0][4:], fresh[0], atol=1e-5)  # the buffer was empty
    np.testing.assert_allclose(np.sort(seen[1][4:]), np.sort(fresh[0]), atol=1e-5)
    past = np.concatenate(fresh[:2])
    assert np.abs(seen[2][4:, None] - past).min(axis=1).max() < 1e-5
    assert float(logs["history_filled"]) == pytest.approx(12 / 32)


def test_the_average_follows_r_and_leaves_it_alone():
    model = make(refiner_averaging=0.9)
    assert same(weights(model.refiner), weights(model.averaged_refiner()))
    expected = None
    for step in range(3):
        model.update_refiner(floats(DARK[:8]))
        model.done["adversarial"] = step + 1
        latest = weights(model.refiner)
        expected = expected or latest
        expected = [0.9 * e + 0.1 * w for e, w in zip(expected, latest, strict=True)]
    averaged = model.averaged_refiner()
    for found, wanted in zip(weights(averaged), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert same(latest, weights(model.refiner))
    np.testing.assert_array_equal(
        model.refine(DARK[:3])[..., None],
        np.rint((ops.convert_to_numpy(averaged(floats(DARK[:3]))) + 1) * 127.5),
    )


@once
def test_without_averaging_the_last_weights_count():
    model = make(refiner_averaging=0.0).train(DARK, LIGHT)
    assert same(weights(model.refiner), weights(model.averaged_refiner()))


@once
def test_without_history_a_whole_batch_is_new():
    seen = []

    class Watched(SimGAN):
        def round(self, x_r, x_d, y):
            seen.append((x_r.shape, x_d.shape, y.shape))
            return super().round(x_r, x_d, y)

    config = preset("smoke").replace(precision="float32")
    for size in (0, 32):
        Watched(config.replace(buffer_size=size, refiner_updates=3), SHAPE).train(DARK, LIGHT)
        r, d, y = map(tuple, seen[-1])
        assert (r, y) == ((3, 8, *SHAPE), (2, 8, *SHAPE))
        assert d == (2, 4 if size else 8, *SHAPE)


def test_pretraining_makes_the_refiner_the_identity():
    model = make(refiner_pretraining_steps=150, discriminator_pretraining_steps=0, iterations=0)
    before, discriminator = change(model), weights(model.discriminator)
    model.train(DARK, LIGHT)
    assert change(model) < 0.3 * before
    assert same(discriminator, weights(model.discriminator))


def test_an_equalised_refiner_is_not_charged_for_brightness():
    """An R that only equalises has kept everything, however dark the images are."""
    model = make(
        output_activation="equalised",
        refiner_pretraining_steps=200,
        discriminator_pretraining_steps=0,
        iterations=0,
        log_every=50,
    )
    rows = logged(model)
    assert rows[-1]["self_regularisation"] < 0.5 * rows[0]["self_regularisation"]
    assert rows[-1]["loss"] == rows[-1]["self_regularisation"]
    assert rows[-1]["mean_change"] > 0.4, "the change itself is still logged"
    difference = model(floats(DARK)) - equalised(floats(DARK))
    assert np.abs(ops.convert_to_numpy(difference)).mean() < 0.5 * rows[0]["self_regularisation"]


def test_training_moves_the_refined_images_towards_the_real_ones():
    """The two sets differ in brightness alone, which a few rounds suffice to see."""
    model = make(
        refiner_pretraining_steps=60,
        discriminator_pretraining_steps=40,
        iterations=60,
        lambda_mean=0.05,
        refiner_learning_rate=1e-3,
    )
    model.train(DARK, LIGHT)
    refined = ops.convert_to_numpy(model(floats(DARK))).mean()
    dark, light = DARK.mean() / 127.5 - 1, LIGHT.mean() / 127.5 - 1
    assert refined > dark + 0.3 * (light - dark)


@once
def test_a_large_lambda_keeps_the_image():
    def changed(lambda_mean):
        model = make(refiner_pretraining_steps=60, iterations=30, lambda_mean=lambda_mean)
        return change(model.train(DARK, LIGHT))

    assert changed(50.0) < 0.5 * changed(0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "output_activation": "linear", "refiner_updates": 3},
        {"precision": "float16", "adversarial_loss": "global"},
        pytest.param({"precision": "bfloat16"}, marks=once),
        pytest.param({"output_activation": "equalised", "buffer_size": 0}, marks=once),
    ],
    ids=str,
)
def test_every_setting_trains(changes):
    model = make(**changes)
    before = weights(model.refiner), weights(model.discriminator)
    rows = logged(model)
    assert np.isfinite(list(rows[-1].values())).all()
    assert not same(before[0], weights(model.refiner))
    assert not same(before[1], weights(model.discriminator))
    assert all(np.isfinite(weight).all() for weight in weights(model))


def test_one_seed_one_result():
    seeds = (5, 5, 6) if keras.backend.backend() == "tensorflow" else (5, 5)
    results = [weights(make(seed=seed).train(DARK, LIGHT)) for seed in seeds]
    assert same(results[0], results[1])
    assert not same(results[0], weights(make(seed=5)))
    assert len(seeds) == 2 or not same(results[0], results[2])


@once
def test_phases_take_the_planned_updates():
    model = make(refiner_updates=2, discriminator_updates=3, refiner_pretraining_steps=5)
    model.train(DARK, LIGHT)
    assert model.done == model.planned
    assert int(model.pretraining_optimizer.iterations) == 5
    assert int(model.refiner_optimizer.iterations) == 2 * 6
    assert int(model.discriminator_optimizer.iterations) == 4 + 3 * 6


def test_logs_are_means_of_what_they_say():
    """With learning rates of zero nothing moves, so each log can be computed by hand."""
    model = make(refiner_learning_rate=0.0, discriminator_learning_rate=0.0, lambda_mean=0.7)
    rows = logged(model, DARK[:8], LIGHT[:8])
    assert all(rows[0].keys() == row.keys() for row in rows)
    assert np.isnan(rows[0]["discriminator_loss"]), "R's pre-training has no such number"
    assert rows[0]["loss"] == rows[0]["self_regularisation"]
    last = rows[-1]
    assert last["mean_change"] == pytest.approx(change(model, DARK[:8]), rel=1e-4)
    assert last["refiner_loss"] == pytest.approx(
        last["adversarial_loss"] + 0.7 * last["self_regularisation"], rel=1e-4
    )
    assert last["loss"] == pytest.approx(last["refiner_loss"] + last["discriminator_loss"])
    assert last["history_filled"] == 1.0


@once
def test_save_weights_restores_the_model(tmp_path):
    one, two = make(seed=1), make(seed=2)
    one.train(DARK, LIGHT)
    one.save_weights(tmp_path / "simgan.weights.h5")
    two.load_weights(tmp_path / "simgan.weights.h5")
    assert two.done == one.done
    for a, b in zip(one.state, two.state, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def test_probabilities_are_ds_patch_map():
    model = make()
    found = model.probability_refined(LIGHT)
    assert (found.shape, found.dtype) == ((20, 3, 4), np.float16)
    wanted = ops.softmax(model.discriminator(floats(LIGHT)))[..., 1]
    np.testing.assert_allclose(found, ops.convert_to_numpy(wanted), atol=1e-3)
