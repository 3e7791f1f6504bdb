"""Keras's callbacks do what their documentation says. Each is tested by what it wrote."""

import itertools
import math

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from simgan_lib import training
from simgan_lib.config import preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.simgan import PHASES, SimGAN
from simgan_lib.training import train

SHAPE = (12, 16, 1)
CONFIG = preset("smoke").replace(precision="float32")  # 2, 2 and 3 epochs: 4, 4 and 6 steps by 2
EPOCHS = list(range(7))
rng = np.random.default_rng(0)
DARK = rng.integers(0, 120, (40, 12, 16), "uint8")
LIGHT = rng.integers(100, 256, (36, 12, 16), "uint8")
DATA = GazeData(ImageSet(DARK, None, "dark"), ImageSet(LIGHT, None, "light"))


def events(folder):
    """What TensorBoard reads: for each curve, its steps and values; and the pictures."""
    import tensorflow as tf

    curves, pictures = {}, {}
    for path in sorted(folder.rglob("events.out.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "images":
                    shown = [tf.io.decode_png(png).numpy() for png in value.tensor.string_val[2:]]
                    pictures.setdefault(value.tag, []).append((event.step, shown))
                elif value.metadata.plugin_data.plugin_name == "scalars":
                    number = float(tf.make_ndarray(value.tensor))
                    curves.setdefault(value.tag, []).append((event.step, number))
    return curves, pictures


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """One training with all callbacks that only write."""
    folder = tmp_path_factory.mktemp("callbacks")
    record = keras.callbacks.History()
    callbacks = [
        record,
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-4 * (epoch + 1)),
        keras.callbacks.TensorBoard(folder / "keras"),
        training.TensorBoard(folder / "ours", DARK),
        keras.callbacks.CSVLogger(folder / "log.csv"),
        keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.weights.h5", save_weights_only=True),
        keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.keras"),
    ]
    model = SimGAN(CONFIG, SHAPE)
    return train(DATA, CONFIG, folder / "run", callbacks=callbacks, model=model), folder, record


def test_epochs_rise_through_all_phases(everything):
    model, _, record = everything
    assert record.epoch == EPOCHS
    assert len(record.history["loss"]) == 7
    assert np.isfinite(record.history["loss"]).all()
    assert model.pretraining_epochs == 4


def test_the_buffer_keeps_its_name_beside_keras_history(everything):
    model, _, record = everything
    assert 0 < float(model.buffer.fraction_filled()) <= 1
    assert len(record.history["history_filled"]) == 7


@pytest.mark.parametrize("kind", ["keras", "ours"])
def test_tensorboard_has_each_step_once(everything, kind):
    _, folder, record = everything
    curves, _ = events(folder / kind)
    steps, values = zip(*curves["epoch_loss"], strict=True)
    assert list(steps) == EPOCHS
    assert values == pytest.approx(record.history["loss"])
    adversarial = [step for step, value in curves["epoch_refiner_loss"] if math.isfinite(value)]
    assert adversarial == EPOCHS[4:]
    d = [step for step, value in curves["epoch_discriminator_loss"] if math.isfinite(value)]
    assert d == EPOCHS[2:]


def test_our_tensorboard_shows_the_refined_eyes(everything):
    model, folder, _ = everything
    _, pictures = events(folder / "ours")
    (shown,) = pictures.values()
    step, (last,) = shown[-1]
    assert step == EPOCHS[-1]
    wanted = [np.concatenate(list(eyes[:16]), axis=1) for eyes in (DARK, model.refine(DARK))]
    np.testing.assert_array_equal(last[..., 0], np.concatenate(wanted))


def test_csv_logger_has_the_same_columns_in_all_phases(everything):
    _, folder, record = everything
    table = pd.read_csv(folder / "log.csv")
    assert table["epoch"].tolist() == EPOCHS
    known = [name for name in record.history if name != "learning_rate"]
    for name in known:
        np.testing.assert_allclose(table[name], record.history[name])
    assert table["discriminator_loss"].notna().tolist() == [False] * 2 + [True] * 5
    assert table["refiner_loss"].notna().tolist() == [False] * 4 + [True] * 3


def test_metrics_agree_with_what_callbacks_are_told(everything):
    _, folder, record = everything
    table = pd.read_csv(folder / "run" / "metrics.csv")
    assert table["phase"].tolist() == [PHASES[n] for n in (0, 0, 1, 1, 2, 2, 2)]
    assert table["iteration"].tolist() == [2, 4, 2, 4, 2, 4, 6]
    for name in ("loss", "refiner_loss", "discriminator_loss", "mean_change"):
        np.testing.assert_allclose(table[name], record.history[name])


def assert_equal(one, other):
    assert one.done == other.done
    for a, b in zip(one.state, other.state, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(a), ops.convert_to_numpy(b), err_msg=a.path
        )


def test_model_checkpoints_give_an_equal_model(everything):
    model, folder, _ = everything
    for epoch in range(1, 8):
        assert (folder / f"{epoch:02d}.weights.h5").exists()
    weights = SimGAN(CONFIG.replace(seed=9), SHAPE)
    weights.load_weights(folder / "07.weights.h5")
    assert_equal(model, weights)
    whole = keras.models.load_model(folder / "07.keras")
    assert whole.config == CONFIG
    assert_equal(model, whole)
    np.testing.assert_array_equal(whole.refine(DARK), model.refine(DARK))


def test_a_model_loaded_from_a_checkpoint_goes_on(everything):
    model, folder, _ = everything
    earlier = keras.models.load_model(folder / "05.keras")
    assert earlier.done == {**model.done, "adversarial": 2}
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-4 * (epoch + 1))
    assert_equal(model, earlier.train(DARK, LIGHT, [schedule]))


def test_a_whole_model_with_ones_own_networks_is_loaded(tmp_path):
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same")(image)
    x = keras.layers.BatchNormalization()(x)
    refiner = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(x))
    model = SimGAN(CONFIG.replace(iterations=2), SHAPE, refiner=refiner).train(DARK, LIGHT)
    model.save(tmp_path / "simgan.keras")
    loaded = keras.models.load_model(tmp_path / "simgan.keras")
    assert_equal(model, loaded)
    np.testing.assert_array_equal(model.refine(DARK), loaded.refine(DARK))


def test_a_schedule_changes_rs_rate_and_the_log_shows_it(everything):
    model, folder, record = everything
    wanted = [1e-4 * (epoch + 1) for epoch in EPOCHS]
    assert record.history["loss"]
    table = pd.read_csv(folder / "run" / "metrics.csv")
    np.testing.assert_allclose(table["learning_rate"], wanted, rtol=1e-5)
    assert float(model.refiner_optimizer.learning_rate) == pytest.approx(7e-4)


def test_a_rate_of_zero_stops_r_and_not_d():
    def refiner_weights():
        return [weight.copy() for weight in model.refiner.get_weights()]

    class Remember(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(refiner_weights())

    seen = []
    model = SimGAN(CONFIG, SHAPE)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0 if epoch > 4 else 1e-3)
    d = model.discriminator.get_weights()
    model.train(DARK, LIGHT, [schedule, Remember()])
    moved = [
        any((a != b).any() for a, b in zip(*pair, strict=True))
        for pair in itertools.pairwise(seen[3:])
    ]
    assert moved == [True, False, False]
    assert any((a != b).any() for a, b in zip(d, model.discriminator.get_weights(), strict=True))


def test_early_stopping_waits_for_the_rounds_and_stops_where_it_says():
    config = CONFIG.replace(iterations=40)
    model = SimGAN(config, SHAPE)
    stop = keras.callbacks.EarlyStopping(
        "refiner_loss",
        min_delta=1e9,  # never good enough
        patience=3,
        mode="min",
        start_from_epoch=model.pretraining_epochs,
    )
    model.train(DARK, LIGHT, [stop])
    # The first epoch of rounds sets the best; three more do not better it.
    assert stop.stopped_epoch == model.pretraining_epochs + 3
    assert model.done["adversarial"] == 4 * config.log_every


class BecomesNaN(SimGAN):
    def discriminator_loss(self, real, refined):
        loss, logs = super().discriminator_loss(real, refined)
        gone = ops.where(self.discriminator_optimizer.iterations >= 8, np.nan, 1.0)
        return loss * gone, logs | {"discriminator_loss": loss * gone}


def test_terminate_on_nan_ends_the_training():
    model = BecomesNaN(CONFIG, SHAPE)
    model.train(DARK, LIGHT, [keras.callbacks.TerminateOnNaN()])
    # Four steps of pre-training, then two a round: the third round is the first with a NaN. The
    # training ends with the row of metrics that this round belongs to.
    assert model.done == {**dict.fromkeys(PHASES[:2], 4), "adversarial": 4}


def test_a_training_that_a_callback_stops_ends_at_its_next_row_of_metrics():
    class StopAfterThree(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.phase == "adversarial" and batch == 2:
                self.model.stop_training = True

    model = SimGAN(CONFIG, SHAPE).train(DARK, LIGHT, [StopAfterThree()])
    assert model.done["adversarial"] == 4
