import itertools

import keras
import numpy as np
import pytest
from keras import ops

from simgan_lib.config import preset
from simgan_lib.losses import NOISE, gradient_penalty
from simgan_lib.models import equalised
from simgan_lib.simgan import SimGAN, to_float

RNG = np.random.default_rng(0)
# Small images keep the tests fast; the networks are fully convolutional.
DARK = RNG.integers(0, 120, (24, 12, 16), "uint8")
LIGHT = RNG.integers(100, 256, (20, 12, 16), "uint8")
SHAPE = (12, 16, 1)


def make(**changes):
    config = preset("smoke").replace(precision="float32", filters=8, **changes)
    return SimGAN(config, SHAPE)


def weights(network):
    return [ops.convert_to_numpy(weight) for weight in network.weights]


def same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_refiner_step_leaves_the_discriminator_untouched():
    model = make()
    refiner, discriminator = weights(model.refiner), weights(model.discriminator)
    model.update_refiner(to_float(ops.convert_to_tensor(DARK[:8])))
    assert same(discriminator, weights(model.discriminator))
    assert not any(
        np.array_equal(a, b) for a, b in zip(refiner, weights(model.refiner), strict=True)
    )


def test_a_discriminator_step_leaves_the_refiner_untouched():
    model = make()
    refiner, discriminator = weights(model.refiner), weights(model.discriminator)
    images = to_float(ops.convert_to_tensor(DARK[:8]))
    model.update_discriminator(images[:4], images)
    assert same(refiner, weights(model.refiner))
    assert not any(
        np.array_equal(a, b)
        for a, b in zip(discriminator, weights(model.discriminator), strict=True)
    )


def test_discriminator_steps_see_half_new_and_half_old_images():
    model = make(batch_size=8)
    seen = []
    loss = model.discriminator_loss
    model.discriminator_loss = lambda real, refined: (
        seen.append(ops.convert_to_numpy(refined)) or loss(real, refined)
    )
    real = to_float(ops.convert_to_tensor(LIGHT[:8]))
    for number in range(3):
        model.update_discriminator(ops.full((4, *SHAPE), number / 10), real)
    first, second, third = (
        [round(float(image[0, 0, 0]), 1) for image in images] for images in seen
    )
    assert first == [0.0] * 8, "an empty history is stood in for by the new images"
    assert second == [0.1] * 4 + [0.0] * 4
    assert third[:4] == [0.2] * 4
    assert set(third[4:]) <= {0.0, 0.1}
    assert int(model.history_buffer.count) == 12


def test_the_average_follows_r_and_leaves_it_alone():
    model = make(refiner_averaging=0.9)
    images = to_float(ops.convert_to_tensor(DARK[:8]))
    with model.averaged_refiner() as refiner:
        assert refiner is model.refiner, "before the first round there is nothing to average"
    expected = None
    for step in range(3):
        model.update_refiner(images)
        model.done["adversarial"] = step + 1
        latest = weights(model.refiner)
        expected = expected or latest
        expected = [0.9 * e + 0.1 * w for e, w in zip(expected, latest, strict=True)]
    with model.averaged_refiner() as refiner:
        for found, wanted in zip(weights(refiner), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert same(latest, weights(model.refiner))


def test_keras_own_history_callback_leaves_the_buffer_alone():
    model = make()
    record = keras.callbacks.History()
    model.train(DARK, LIGHT, callbacks=[record])
    assert float(model.history_buffer.fraction_filled()) > 0
    assert len(record.history["mean_change"]) > 0


def test_without_averaging_the_last_weights_count():
    model = make(refiner_averaging=0.0)
    model.train(DARK, LIGHT)
    latest = weights(model.refiner)
    with model.averaged_refiner() as refiner:
        assert same(latest, weights(refiner))


def test_the_goal_turns_the_adversarial_term_round():
    images = to_float(ops.convert_to_tensor(DARK[:8]))
    real, refined = (
        make(refiner_goal=goal).refiner_loss(images)[1] for goal in ("real", "refined")
    )
    assert float(real["self_regularisation"]) == float(refined["self_regularisation"])
    logits = make().discriminator(make().refiner(images))
    probability = ops.convert_to_numpy(ops.softmax(logits))
    for logs, label in ((real, 0), (refined, 1)):
        wanted = -np.log(probability[..., label]).mean()
        assert float(logs["adversarial_loss"]) == pytest.approx(wanted, rel=1e-4)


def test_without_history_a_whole_batch_is_new():
    model = make(history=False, discriminator_updates=2)
    model.phase = "adversarial"
    assert next(model._batches(24, 20))["fresh"].shape == (2, 8)
    model.train(DARK, LIGHT)
    assert int(model.history_buffer.count) == 0


def test_pretraining_makes_the_refiner_the_identity():
    model = make(refiner_pretraining_steps=150, discriminator_pretraining_steps=0, iterations=0)
    images = to_float(ops.convert_to_tensor(DARK))
    before = np.abs(ops.convert_to_numpy(model(images) - images)).mean()
    discriminator = weights(model.discriminator)
    model.train(DARK, LIGHT)
    after = np.abs(ops.convert_to_numpy(model(images) - images)).mean()
    assert after < 0.3 * before
    assert same(discriminator, weights(model.discriminator))


def test_an_equalised_refiner_is_not_charged_for_brightness():
    """An R that only equalises has kept everything, however dark the images are."""
    model = make(
        blocks=0, kernel_size=1, output_activation="equalised", refiner_pretraining_steps=200
    )
    model.train(DARK, LIGHT)
    images = to_float(ops.convert_to_tensor(DARK))
    kept, logs = model.pretraining_loss(images)
    assert float(kept) < 0.1
    np.testing.assert_allclose(model(images), equalised(images), atol=0.3)
    assert float(logs["mean_change"]) > 0.4, "the change itself is still logged"


def test_training_moves_the_refined_images_towards_the_real_ones():
    """The two sets differ in brightness alone, which a few rounds suffice to see."""
    model = make(
        refiner_pretraining_steps=60,
        discriminator_pretraining_steps=40,
        iterations=60,
        lambda_mean=0.05,
    )
    model.train(DARK, LIGHT)
    refined = ops.convert_to_numpy(model(to_float(ops.convert_to_tensor(DARK)))).mean()
    dark, light = DARK.mean() / 127.5 - 1, LIGHT.mean() / 127.5 - 1
    assert refined > dark + 0.3 * (light - dark)


def test_a_large_lambda_keeps_the_image():
    def change(lambda_mean):
        model = make(refiner_pretraining_steps=60, iterations=30, lambda_mean=lambda_mean)
        model.train(DARK, LIGHT)
        images = to_float(ops.convert_to_tensor(DARK))
        return np.abs(ops.convert_to_numpy(model(images) - images)).mean()

    assert change(50.0) < 0.5 * change(0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"adversarial_loss": "global"},
        {"feature": "gradients"},
        {"optimizer": "sgd"},
        {"refiner_updates": 3, "discriminator_updates": 1},
        {"gradient_penalty": 0.5},
        {"gradient_penalty": 0.5, "history": False},
        {"output_activation": "linear"},
        {"output_activation": "equalised"},
        {"output_activation": "equalised", "equalise_input": True},
        {"precision": "bfloat16"},
        {"precision": "float16"},
    ],
    ids=str,
)
def test_every_setting_trains(changes):
    logged = []
    model = SimGAN(
        preset("smoke").replace(**{"precision": "float32", "filters": 8, **changes}), SHAPE
    )
    before = weights(model.refiner), weights(model.discriminator)
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logged.append(logs))
    model.train(DARK, LIGHT, [watch])
    assert all(np.isfinite(list(logs.values())).all() for logs in logged)
    assert not same(before[0], weights(model.refiner))
    assert not same(before[1], weights(model.discriminator))
    assert all(np.isfinite(weight).all() for weight in weights(model))


def test_one_seed_one_result():
    runs = [weights(make(seed=seed).train(DARK, LIGHT)) for seed in (5, 5, 6)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_rounds_take_the_planned_updates():
    model = make(refiner_updates=2, discriminator_updates=3, refiner_pretraining_steps=5)
    model.train(DARK, LIGHT)
    assert int(model.pretraining_optimizer.iterations) == 5
    assert int(model.refiner_optimizer.iterations) == 2 * 6
    assert int(model.discriminator_optimizer.iterations) == 4 + 3 * 6


def test_the_gradient_penalty_flattens_d():
    def slope(weight):
        model = make(gradient_penalty=weight, discriminator_learning_rate=1e-2, iterations=20)
        model.train(DARK, LIGHT)
        images = to_float(ops.convert_to_tensor(LIGHT))
        noise = np.random.default_rng(0).normal(0, NOISE, images.shape).astype("float32")
        answers = [model.discriminator(batch) for batch in (images, images + noise)]
        return float(gradient_penalty(*answers))

    assert slope(10.0) < 0.2 * slope(0.0)


@pytest.mark.parametrize(("fresh_batches", "drawn"), [(0, 3), (2, 2), (5, 3)])
def test_refining_the_half_batches_at_once_equals_one_by_one(fresh_batches, drawn):
    changes = {"discriminator_updates": 3, "fresh_batches": fresh_batches}
    together, alone = make(**changes), make(**changes)
    together.phase = "adversarial"
    batches = next(together._batches(24, 20))
    together.discriminator_updates(
        ops.convert_to_tensor(DARK),
        ops.convert_to_tensor(LIGHT),
        {name: ops.convert_to_tensor(indices) for name, indices in batches.items()},
    )
    assert batches["fresh"].shape == (drawn, 4)
    turns = itertools.cycle(batches["fresh"])
    for fresh, real in zip(turns, batches["real"], strict=False):
        refined = alone.refiner(to_float(ops.convert_to_tensor(DARK[fresh])))
        alone.update_discriminator(refined, to_float(ops.convert_to_tensor(LIGHT[real])))
    for a, b in zip(weights(together.discriminator), weights(alone.discriminator), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


@pytest.mark.parametrize("mirror", [False, True])
def test_mirroring_turns_every_second_image(mirror):
    images = make(mirror=mirror)._images(ops.convert_to_tensor(DARK), ops.arange(4))
    wanted = DARK[:4].copy()
    if mirror:
        wanted[1::2] = wanted[1::2, :, ::-1]
    np.testing.assert_array_equal(images, to_float(wanted))


def test_logs_are_means_of_what_they_say():
    """With learning rates of zero nothing moves, so each log can be computed by hand."""
    logged = []
    model = make(refiner_learning_rate=0.0, discriminator_learning_rate=0.0, lambda_mean=0.7)
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logged.append(logs))
    model.train(DARK[:8], LIGHT[:8], [watch])
    logs = logged[-1]
    images = to_float(ops.convert_to_tensor(DARK[:8]))
    change = np.abs(ops.convert_to_numpy(model(images) - images)).mean()
    assert logs["mean_change"] == pytest.approx(change, rel=1e-4)
    assert logs["refiner_loss"] == pytest.approx(
        logs["adversarial_loss"] + 0.7 * logs["self_regularisation"], rel=1e-4
    )
    on_real = ops.convert_to_numpy(model.discriminator(to_float(ops.convert_to_tensor(LIGHT[:8]))))
    assert logs["accuracy_real"] == pytest.approx((on_real[..., 0] > on_real[..., 1]).mean())
    assert logs["history_filled"] == 1.0


def test_keras_callbacks_work():
    class StopAfterThree(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.phase == "adversarial" and batch == 2:
                self.model.stop_training = True

    model = make()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.train(DARK, LIGHT, [StopAfterThree(), schedule, keras.callbacks.TerminateOnNaN()])
    assert model.done["adversarial"] == 3
    assert float(model.refiner_optimizer.learning_rate) < model.config.refiner_learning_rate


def test_save_weights_restores_the_model(tmp_path):
    one, two = make(seed=1), make(seed=2)
    one.train(DARK, LIGHT)
    one.save_weights(tmp_path / "simgan.weights.h5")
    two.load_weights(tmp_path / "simgan.weights.h5")
    assert same(weights(one), weights(two))
