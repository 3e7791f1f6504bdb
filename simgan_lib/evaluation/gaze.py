"""Gaze error: networks learn from different images and are tested on the same ones."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from joblib import Memory
from keras import layers
from scipy import ndimage
from tqdm.auto import tqdm

from simgan_lib.data import ImageSet, to_float
from simgan_lib.data.camera import equalize
from simgan_lib.data.labels import LOOK
from simgan_lib.evaluation import summarise

CURVE_DEGREES = np.arange(0.0, 30.5, 0.5)


def build_gaze_estimator(
    image_shape: tuple[int, int, int] = (35, 55, 1), outputs: int = 3, seed: int | None = None
) -> keras.Model:
    """Builds a small network that tells from an image where the eye looks.

    It takes float images in [-1, 1], `(batch, H, W, channels)`, and gives `(batch, outputs)`: 3
    numbers for a gaze vector. `seed` makes the initial weights repeatable.

    Example:
        >>> build_gaze_estimator().count_params()
        185523
    """
    initializer = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    settings = {"activation": "relu", "kernel_initializer": initializer}
    # Given, so that the user's Keras settings have no effect.
    axes = {"data_format": "channels_last", "dtype": "float32"}
    x = image = keras.Input(image_shape)
    for filters in (32, 48, 64):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", **axes, **settings)(x)
    x = layers.Flatten(**axes)(x)
    x = layers.Dense(64, name="features", dtype="float32", **settings)(x)
    gaze = layers.Dense(outputs, kernel_initializer=initializer, dtype="float32")(x)
    return keras.Model(image, gaze, name="gaze_estimator")


@dataclass(frozen=True)
class Effort:
    """The network that measures, and how long it is trained.

    Attributes:
        epochs: Passes over the training images.
        network: Builds the network, whose last hidden layer must be called `"features"`.
        instrument_images: Images of each style that `matching.gaze_reader` learns from.
        cache: A folder for trained networks, such as `cache_folder()`, so that runs share those
            that do not depend on the refiner. Changed code of the network goes unnoticed.
    """

    epochs: int = 12
    network: Callable[[tuple, int, int], keras.Model] = build_gaze_estimator
    instrument_images: int = 4_000
    cache: Path | None = None


def cache_folder() -> Path | None:
    """Returns the user's own folder for trained networks, or `None` if there is no home.

    They are pickles, which run code when read, so none lie in run folders, which people share.
    """
    with suppress(OSError, RuntimeError):
        folder = Path.home() / ".cache" / "simgan_lib"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder


def angular_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Computes the angles, in degrees, between gaze vectors `(n, 3)` of any length.

    Example:
        >>> angular_error(np.array([[0, 0, -2.0]]), np.array([[0, 1.0, -1.0]])).round(3)
        array([45.])
    """
    # The arctangent is precise for small angles, where the cosine is flat.
    cross = np.linalg.norm(np.cross(predicted, true), axis=-1)
    return np.degrees(np.arctan2(cross, (predicted * true).sum(axis=-1)))


def train_estimator(
    images: np.ndarray, targets: np.ndarray, seed: int = 0, effort: Effort | None = None
) -> keras.Model:
    """Trains a network that predicts numbers from images, with the L2 loss.

    Images are uint8 `(n, H, W)` or `(n, H, W, 3)`; targets are float `(n, outputs)`, such as gaze
    vectors. `seed` draws the initial weights and the shuffles.
    """
    effort = effort or Effort()
    fit = Memory(effort.cache, verbose=0).cache(_fit)
    return fit(images, targets, seed, effort.epochs, effort.network)


def _fit(images, targets, seed, epochs, network):
    keras.utils.set_random_seed(seed)
    scaled = to_float(images)
    model = network(scaled.shape[1:], targets.shape[1], seed)
    steps = epochs * math.ceil(len(images) / 64)
    # Without the decay to zero, the noise of the last steps would decide the comparison.
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(keras.optimizers.Adam(rate), "mse")
    model.fit(scaled, targets, batch_size=64, epochs=epochs, verbose=0)
    return model


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Returns a network's answers to uint8 images, float32 `(n, outputs)`."""
    return network.predict(to_float(images), batch_size=256, verbose=0)


def handmade(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Makes images look like a webcam's by a fixed recipe: blur, noise, histogram equalisation.

    Images are uint8 `(n, H, W)` or `(n, H, W, 3)`. So is the result.
    """
    sigma = (0, 0.7, 0.7, 0)[: images.ndim]
    blurred = ndimage.gaussian_filter(images.astype("float32"), sigma)
    noise = np.random.default_rng(seed).normal(0.0, 6.0, images.shape)
    noisy = np.clip(blurred + noise, 0, 255).astype("uint8")
    # One by one, so that no image depends on the others.
    return np.stack([equalize(image) for image in noisy])


def gaze_errors(
    training: dict[str, ImageSet],
    test: ImageSet,
    seeds: int = 3,
    effort: Effort | None = None,
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """Trains gaze networks on each training set, with `seeds` seeds, and tests all on one set.

    All sets have gaze vectors. The result is degrees `(seeds, n)` by name. `"mean_gaze"`, the
    first, is the error of always answering the mean gaze of the first training set.
    """
    true = test.labels[LOOK].to_numpy()
    mean = next(iter(training.values())).labels[LOOK].to_numpy().mean(axis=0)
    constant = angular_error(np.broadcast_to(mean, true.shape), true)
    errors = {"mean_gaze": [constant] * seeds} | {name: [] for name in training}
    jobs = [(name, seed) for name in training for seed in range(seeds)]
    for name, seed in tqdm(jobs, desc="gaze networks", unit="network", disable=not progress):
        targets = training[name].labels[LOOK].to_numpy()
        network = train_estimator(training[name].images, targets, seed, effort)
        errors[name].append(angular_error(predict(network, test.images), true))
    return {name: np.stack(values) for name, values in errors.items()}


def summarise_errors(errors: dict[str, np.ndarray]) -> dict:
    """Turns what `gaze_errors` returns into the numbers of the paper's tables.

    They are `gaze_error_deg`, `median_error_deg`, `within_7_deg` (%) and `curve`, the % of images
    within each angle, all by name. If `labelled` is among the names, `gap_closed` is the fraction
    of the way from `synthetic` to `labelled` that the refined images go.
    """
    summary = {
        "gaze_error_deg": {n: summarise(e.mean(axis=1)) for n, e in errors.items()},
        "median_error_deg": {n: summarise(np.median(e, axis=1)) for n, e in errors.items()},
        "within_7_deg": {n: summarise(100 * (e <= 7).mean(axis=1)) for n, e in errors.items()},
        "curve": {"degrees": CURVE_DEGREES.tolist()},
    }
    for name, found in errors.items():
        within = [100 * (found <= degrees).mean() for degrees in CURVE_DEGREES]
        summary["curve"][name] = np.round(within, 2).tolist()
    if "labelled" in errors:
        names = ("synthetic", "refined", "labelled")
        before, after, best = (errors[name].mean(axis=1) for name in names)
        summary["gap_closed"] = summarise((before - after) / (before - best))
    return summary
