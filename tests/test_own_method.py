"""A student's own method, without editing the library."""

import sys

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from simgan_lib import cli, losses
from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet, read_images, save_images, to_float
from simgan_lib.losses import REFINED
from simgan_lib.models import build_discriminator, build_refiner, refine
from simgan_lib.runs import Run, RunError
from simgan_lib.simgan import SimGAN
from simgan_lib.training import train

SHAPE = (12, 16, 1)
CONFIG = preset("smoke").replace(precision="float32")
once = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="says nothing about the backend, and compiles long"
)
# One phase, as each compiles for seconds.
NO_PRETRAINING = CONFIG.replace(refiner_pretraining_steps=0, discriminator_pretraining_steps=0)


def make_data(shape=(12, 16)):
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 120, (40, *shape), "uint8")
    light = rng.integers(100, 256, (36, *shape), "uint8")
    return GazeData(ImageSet(dark, None, "dark"), ImageSet(light, None, "light"))


DATA = make_data()


def build_unet(image_shape=SHAPE):
    """Halves the image, doubles it again, and adds what it learned to the image."""
    image = keras.Input(image_shape)
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    coarse = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(fine)
    coarse = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(coarse))
    coarse = layers.Dropout(0.2)(coarse)
    both = layers.Concatenate()([layers.UpSampling2D()(coarse), fine])
    change = layers.Conv2D(image_shape[-1], 3, padding="same")(both)
    return keras.Model(image, layers.Activation("tanh")(layers.Add()([image, change])))


@keras.saving.register_keras_serializable("test_own_method")
class Brighten(layers.Layer):
    """A layer of one's own, with a weight and a setting."""

    def __init__(self, most, **kwargs):
        super().__init__(**kwargs)
        self.most = most

    def build(self, input_shape):
        self.amount = self.add_weight(shape=(), initializer="zeros")

    def call(self, images):
        return ops.clip(images + self.most * ops.tanh(self.amount), -1, 1)

    def get_config(self):
        return super().get_config() | {"most": self.most}


class Wasserstein(SimGAN):
    """D is a critic: one number per patch, high where it takes the image for real."""

    def discriminator_loss(self, real, refined):
        on_real, on_refined = (ops.mean(self.discriminator(x)) for x in (real, refined))
        loss = on_refined - on_real
        return loss, {"critic_loss": loss, "distance": on_real - on_refined}

    def refiner_loss(self, x):
        refined = self.refiner(x, training=True)
        kept = self.self_regularisation(refined, x)
        loss = self.config.lambda_mean * kept - ops.mean(self.discriminator(refined))
        return loss, {"refiner_loss": loss, "kept": kept}


def build_critic():
    d = build_discriminator(SHAPE, seed=1)
    score = layers.Conv2D(1, 1, name="score")(d.layers[-2].output)
    return keras.Model(d.input, score)


class GradientPenalty(SimGAN):
    """R1: D may not be steep at real images. Slopes are differences, so they have gradients."""

    weight = 10.0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.noise = keras.random.SeedGenerator(7)

    def discriminator_loss(self, real, refined):
        loss, logs = super().discriminator_loss(real, refined)
        step = 0.05 * keras.random.normal(ops.shape(real), seed=self.noise)
        before, after = (self.discriminator(x)[..., REFINED] for x in (real, real + step))
        # Over many random steps, the square of (step * slope) is the squared slope.
        penalty = ops.mean(ops.square((after - before) / 0.05)) / 2
        return loss + self.weight * penalty, logs | {"penalty": penalty, "drawn": ops.mean(step)}


class WrongSign(SimGAN):
    def refiner_loss(self, x):
        refined = self.refiner(x, training=True)
        loss = self.adversarial_loss(self.discriminator(refined, training=True), REFINED)
        return loss, {"refiner_loss": loss, "mean_change": ops.mean(ops.abs(refined - x))}


class DiscriminatorFirst(SimGAN):
    def round(self, x_r, x_d, y):
        for k in range(self.config.discriminator_updates):
            refined = self.buffer.mix(self.refiner(x_d[k], training=True))
            logs = self.update_discriminator(y[k], refined)
        for k in range(self.config.refiner_updates):
            logs |= self.update_refiner(x_r[k])
        return logs


class NoDiscriminator(SimGAN):
    def round(self, x_r, x_d, y):
        return self.update_refiner(x_r[0])


def rows(model, data=DATA):
    """Trains, and returns the logs of every epoch."""
    found = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: found.append(logs))
    model.train(data.synthetic.images, data.real.images, [watch])
    return found


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "unet"
    model = SimGAN(CONFIG, SHAPE, refiner=build_unet())
    return train(DATA, CONFIG, folder, progress=False, model=model), Run(folder)


def test_a_unet_run_opens_and_refines_like_the_model(unet):
    model, run = unet
    refiner = run.refiner()
    assert any(isinstance(layer, layers.BatchNormalization) for layer in refiner.layers)
    refined = model.refine(DATA.synthetic.images)
    np.testing.assert_array_equal(refined, refine(refiner, DATA.synthetic.images))
    np.testing.assert_array_equal(refined[:32], run.snapshots["refined"][-1])
    assert run.discriminator().count_params() == model.discriminator.count_params()


def test_training_moves_batch_normalisation_and_refining_does_not(unet):
    def moving(refiner):
        return [
            ops.convert_to_numpy(v) for v in refiner.non_trainable_variables if "moving" in v.path
        ]

    model, _ = unet
    fresh, trained = moving(build_unet()), moving(model.refiner)
    assert not any(np.array_equal(a, b) for a, b in zip(fresh, trained, strict=True))
    model.refine(DATA.synthetic.images)
    assert all(np.array_equal(a, b) for a, b in zip(trained, moving(model.refiner), strict=True))
    averaged = moving(model.averaged_refiner())
    assert all(np.array_equal(a, b) for a, b in zip(trained, averaged, strict=True))


@once
def test_simgan_refine_opens_any_architecture(unet, tmp_path, monkeypatch):
    model, run = unet
    labels = pd.DataFrame({"species": ["cat", "dog"] * 20, "age": range(40)})
    source = ImageSet(DATA.synthetic.images, labels, "animals")
    save_images(tmp_path / "in.h5", source)
    command = ["simgan", "refine", "--run", run.folder, tmp_path / "in.h5", tmp_path / "out.h5"]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    refined = read_images(tmp_path / "out.h5")
    np.testing.assert_array_equal(refined.images, model.refine(DATA.synthetic.images))
    pd.testing.assert_frame_equal(refined.labels, read_images(tmp_path / "in.h5").labels)
    assert refined.labels["species"].tolist() == labels["species"].tolist()


def test_a_run_of_ones_own_model_is_not_resumed_without_it(unet):
    with pytest.raises(RunError, match="model="):
        train(DATA, CONFIG.replace(iterations=8), unet[1].folder, resume=True, progress=False)


def arrays(model):
    return {variable.path: ops.convert_to_numpy(variable) for variable in model.state}


@pytest.mark.parametrize(
    "build",
    [
        lambda: SimGAN(CONFIG, SHAPE, refiner=build_unet()),
        lambda: GradientPenalty(CONFIG, SHAPE),
    ],
    ids=["dropout in R", "random numbers in a loss"],
)
def test_ones_own_model_resumes_to_the_bit(tmp_path, build):
    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.done["adversarial"] == 5:
                raise KeyboardInterrupt

    keras.utils.set_random_seed(0)
    whole = build()
    networks = whole.refiner.get_weights(), whole.discriminator.get_weights()
    rows(whole)
    for callbacks in ([Kill()], []):
        keras.utils.set_random_seed(0)
        model = build()
        model.refiner.set_weights(networks[0])
        model.discriminator.set_weights(networks[1])
        try:
            train(DATA, CONFIG, tmp_path, bool(not callbacks), callbacks, False, model=model)
        except KeyboardInterrupt:
            assert callbacks
    pairs = zip(whole.state, model.state, strict=True)
    differ = [a.path for a, b in pairs if not np.array_equal(a, b)]
    assert differ == []


@once
def test_a_wasserstein_loss_with_a_critic(tmp_path):
    model = Wasserstein(NO_PRETRAINING, SHAPE, discriminator=build_critic())
    model = train(DATA, NO_PRETRAINING, tmp_path, progress=False, model=model)
    run = Run(tmp_path)
    table = run.metrics[run.metrics["phase"] == "adversarial"]
    assert {"critic_loss", "distance", "kept", "refiner_loss"} <= set(table)
    assert np.isfinite(table[["critic_loss", "distance", "kept", "loss"]].to_numpy()).all()
    np.testing.assert_allclose(table["distance"], -table["critic_loss"])
    shots = run.snapshots
    assert "probability_refined" not in shots
    np.testing.assert_array_equal(shots["refined"][-1], model.refine(shots["synthetic"]))
    model = Wasserstein(NO_PRETRAINING.replace(iterations=8), SHAPE, discriminator=build_critic())
    train(DATA, model.config, tmp_path, resume=True, progress=False, model=model)
    assert Run(tmp_path).metrics["iteration"].iloc[-1] == 8


@once
def test_all_columns_are_there_in_all_phases():
    """Also those that a round of one's own does not log, but pre-training does."""
    found = rows(Wasserstein(CONFIG, SHAPE, discriminator=build_critic()))
    assert len({tuple(row) for row in found}) == 1
    assert {"critic_loss", "mean_change"} <= set(found[0])


def test_a_gradient_penalty_draws_new_numbers_at_every_step_and_flattens_d():
    def slope(kind):
        # R stands still, so that the two D learn the same task.
        config = NO_PRETRAINING.replace(
            iterations=40, log_every=1, refiner_learning_rate=0.0, discriminator_updates=2
        )
        model = kind(config, SHAPE)
        logs = rows(model)
        images = to_float(DATA.real.images)
        step = 0.05 * np.random.default_rng(0).normal(size=images.shape).astype("float32")
        before, after = (model.discriminator(x)[..., REFINED] for x in (images, images + step))
        return logs, np.square(ops.convert_to_numpy(after - before)).mean()

    logs, flat = slope(GradientPenalty)
    drawn = [row["drawn"] for row in logs]
    assert len(set(drawn)) == len(drawn) == 40
    assert np.isfinite([row["penalty"] for row in logs]).all()
    assert flat < 0.1 * slope(SimGAN)[1]


@once
def test_a_wrong_sign_makes_the_refined_images_easy_to_tell():
    def accuracy(kind):
        model = kind(CONFIG.replace(iterations=40, lambda_mean=0.0, batch_size=16), SHAPE)
        model.train(DATA.synthetic.images, DATA.real.images)
        refined = model.refiner(to_float(DATA.synthetic.images))
        return float(losses.local_adversarial(model.discriminator(refined), REFINED))

    assert accuracy(WrongSign) < accuracy(SimGAN)


def test_a_round_of_ones_own():
    swapped = DiscriminatorFirst(NO_PRETRAINING.replace(refiner_updates=2), SHAPE)
    assert {"refiner_loss", "accuracy_real"} <= set(rows(swapped)[-1])
    assert int(swapped.refiner_optimizer.iterations) == 2 * 6
    assert int(swapped.discriminator_optimizer.iterations) == 2 * 6
    usual = SimGAN(NO_PRETRAINING.replace(refiner_updates=2), SHAPE)
    rows(usual)
    assert not np.array_equal(swapped.refiner.get_weights()[0], usual.refiner.get_weights()[0])


@once
def test_a_round_without_d(tmp_path):
    model = NoDiscriminator(NO_PRETRAINING, SHAPE)
    before = model.discriminator.get_weights()
    train(DATA, NO_PRETRAINING, tmp_path, model=model)
    pairs = zip(before, model.discriminator.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert Run(tmp_path).metrics["refiner_loss"].notna().all()
    assert Run(tmp_path).metrics["loss"].equals(Run(tmp_path).metrics["refiner_loss"])


@once
def test_ones_own_simulator(tmp_path):
    """Any uint8 images, and labels of any kind."""
    rng = np.random.default_rng(0)
    boxes = rng.integers(2, 10, (40, 2))
    images = np.full((40, 20, 20), 30, "uint8")
    for image, (row, column) in zip(images, boxes, strict=True):
        image[row : row + 8, column : column + 8] = 200
    labels = pd.DataFrame({"row": boxes[:, 0], "name": [f"box {n}" for n in range(40)]})
    noisy = np.clip(images[::-1] + rng.normal(0, 20, images.shape), 0, 255).astype("uint8")
    data = GazeData(ImageSet(images, labels, "boxes"), ImageSet(noisy, None, "camera"))
    model = train(data, NO_PRETRAINING, tmp_path, progress=False)
    refined = ImageSet(model.refine(images), labels, "refined boxes")
    save_images(tmp_path / "refined.h5", refined)
    found = read_images(tmp_path / "refined.h5")
    np.testing.assert_array_equal(found.images, model.refine(images))
    assert found.labels["name"].tolist() == labels["name"].tolist()
    np.testing.assert_array_equal(found.labels["row"], labels["row"])


def test_colour_from_end_to_end(tmp_path):
    data = make_data((64, 64, 3))
    assert data.image_shape == (64, 64, 3)
    config = NO_PRETRAINING.replace(iterations=2)
    model = train(data, config, tmp_path / "run", progress=False)
    run = Run(tmp_path / "run")
    assert run.snapshots["refined"].shape == (2, 32, 64, 64, 3)
    refined = model.refine(data.synthetic.images)
    assert (refined.shape, refined.dtype) == ((40, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(refined, refine(run.refiner(), data.synthetic.images))
    save_images(tmp_path / "refined.h5", ImageSet(refined))
    np.testing.assert_array_equal(read_images(tmp_path / "refined.h5").images, refined)
    with pytest.raises(UserError, match=r"64, 64, 3.*64, 64, 1"):
        refine(run.refiner(), data.synthetic.images[..., 0])


@once
def test_a_registered_layer_of_ones_own_survives(tmp_path):
    image = keras.Input(SHAPE)
    refiner = keras.Model(image, Brighten(most=0.5)(image))
    config = NO_PRETRAINING.replace(refiner_learning_rate=0.05, lambda_mean=0.0)
    model = train(
        DATA, config, tmp_path, progress=False, model=SimGAN(config, SHAPE, refiner=refiner)
    )
    found = Run(tmp_path).refiner()
    assert found.layers[-1].most == 0.5
    assert float(found.layers[-1].amount) != 0
    refined = refine(found, DATA.synthetic.images)
    np.testing.assert_array_equal(refined, model.refine(DATA.synthetic.images))


@once
def test_an_unregistered_layer_is_named(tmp_path):
    class Unknown(layers.Layer):
        def call(self, images):
            return images

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(CONFIG.to_json())
    image = keras.Input(SHAPE)
    keras.Model(image, Unknown()(image)).save(folder / "refiner.keras")
    with pytest.raises(RunError, match="register_keras_serializable"):
        Run(folder).refiner()


class Subclassed(keras.Model):
    def call(self, images):
        return images


@once
@pytest.mark.parametrize(
    ("networks", "says"),
    [
        ({"refiner": build_refiner((12, 20, 1), 8)}, r"12, 20, 1.*12, 16, 1"),
        ({"refiner": build_refiner((12, 16, 3), 8)}, r"12, 16, 3.*12, 16, 1"),
        ({"refiner": build_discriminator(SHAPE)}, r"12, 16, 1.*3, 4, 2"),
        ({"refiner": Subclassed()}, "functional"),
        ({"discriminator": build_discriminator((24, 16, 1))}, r"24, 16, 1.*12, 16, 1"),
        ({"discriminator": build_critic()}, r"two logits.*3, 4, 1.*discriminator_loss"),
        (
            {"discriminator": keras.Sequential([keras.Input(SHAPE), layers.Flatten()])},
            r"two logits.*192",
        ),
        ({"discriminator": Subclassed()}, "functional"),
    ],
    ids=[
        "R size",
        "R channels",
        "R out",
        "R subclassed",
        "D size",
        "critic",
        "flat",
        "D subclassed",
    ],
)
def test_networks_of_unfitting_shapes_are_refused(networks, says):
    with pytest.raises(UserError, match=says):
        SimGAN(CONFIG, SHAPE, **networks)
