"""Gaze error: what a network that learned from simulated images is worth on others."""

import logging
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from joblib import Memory
from scipy import ndimage
from tqdm.auto import tqdm

from simgan_lib.data import ImageSet, to_float
from simgan_lib.data.camera import equalize
from simgan_lib.evaluation import summarise
from simgan_lib.models import build_gaze_estimator

# TensorFlow warns of every new network after the fourth; here each one is meant.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

LOOK = ["look_x", "look_y", "look_z"]
CURVE_DEGREES = np.arange(0.0, 30.5, 0.5)


@dataclass(frozen=True)
class Effort:
    """How long the networks that measure are trained.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images in a step.
        size: `"small"` or `"paper"`, as for `build_gaze_estimator`.
        instrument_images: Images of each style that the label-keeping network learns from.
        cache: A folder that keeps trained networks, so that runs on the same data share those
            that do not depend on the refiner. It does not notice a change of the network's code.
    """

    epochs: int = 12
    batch_size: int = 64
    size: str = "small"
    instrument_images: int = 4_000
    cache: Path | None = None


def angular_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Computes the angle between gaze directions.

    Args:
        predicted: Vectors of any length, `(n, 3)`.
        true: Vectors of any length, `(n, 3)`.

    Returns:
        Degrees from 0 to 180, `(n,)`.

    Example:
        >>> angular_error(np.array([[0, 0, -2.0]]), np.array([[0, 1.0, -1.0]])).round(3)
        array([45.])
    """
    # The arctangent keeps its precision for small angles, where the cosine is flat.
    cross = np.linalg.norm(np.cross(predicted, true), axis=-1)
    return np.degrees(np.arctan2(cross, (predicted * true).sum(axis=-1)))


def train_estimator(
    images: np.ndarray, targets: np.ndarray, seed: int = 0, effort: Effort | None = None
) -> keras.Model:
    """Trains a network that predicts numbers from images, with the L2 loss.

    Args:
        images: uint8 `(n, height, width)`.
        targets: What to predict, float `(n, outputs)`, such as gaze vectors.
        seed: Of the initial weights and the shuffles.
        effort: How long to train.

    Returns:
        The trained network.

    Reference:
        Shrivastava et al. 2017, section 4.1: L2 loss on the gaze vector.
    """
    effort = effort or Effort()
    fit = Memory(effort.cache, verbose=0).cache(_fit)
    return fit(images, targets, seed, effort.epochs, effort.batch_size, effort.size)


def _fit(images, targets, seed, epochs, batch_size, size):
    keras.utils.set_random_seed(seed)
    network = build_gaze_estimator((*images.shape[1:], 1), size, targets.shape[1], seed)
    steps = epochs * -(-len(images) // batch_size)
    # Without the decay to zero, the last steps' noise would decide the comparison.
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    network.compile(keras.optimizers.Adam(rate), "mse")
    network.fit(to_float(images), targets, batch_size, epochs, verbose=0)
    return network


def handmade(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Makes simulated images look like a webcam's by hand: blur, noise, histogram equalisation.

    The obvious alternative to learning, which a refiner has to beat.

    Args:
        images: uint8 `(n, height, width)`, at least one.
        seed: Of the noise.

    Returns:
        uint8 `(n, height, width)`.
    """
    blurred = ndimage.gaussian_filter(images.astype("float32"), (0, 0.7, 0.7))
    noise = np.random.default_rng(seed).normal(0.0, 6.0, images.shape)
    noisy = np.clip(blurred + noise, 0, 255).astype("uint8")
    # One by one, as a camera does: no image may depend on its neighbours.
    return np.stack([equalize(image) for image in noisy])


def gaze_errors(
    training: dict[str, ImageSet],
    test: ImageSet,
    seeds: int = 3,
    effort: Effort | None = None,
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """Tests gaze networks that learn from different images on the same labelled ones.

    Args:
        training: Labelled images by name; a network learns from each.
        test: Labelled images of the style that counts.
        seeds: Networks per training set.
        effort: How long to train.
        progress: Show a progress bar.

    Returns:
        Degrees by name, `(seeds, n)`, with `"mean_gaze"` first: the error of always answering the
        mean gaze of the first training set.
    """
    true = test.labels[LOOK].to_numpy()
    mean = next(iter(training.values())).labels[LOOK].to_numpy().mean(axis=0, keepdims=True)
    errors = {
        "mean_gaze": np.repeat(angular_error(np.repeat(mean, len(true), 0), true)[None], seeds, 0)
    }
    jobs = [(name, seed) for name in training for seed in range(seeds)]
    found = {name: [] for name in training}
    for name, seed in tqdm(jobs, desc="gaze networks", unit="network", disable=not progress):
        targets = training[name].labels[LOOK].to_numpy()
        network = train_estimator(training[name].images, targets, seed, effort)
        predicted = network.predict(to_float(test.images), batch_size=256, verbose=0)
        found[name].append(angular_error(predicted, true))
    return errors | {name: np.stack(values) for name, values in found.items()}


def summarise_errors(errors: dict[str, np.ndarray]) -> dict:
    """Turns angular errors into the figures of the paper's tables.

    Args:
        errors: Degrees by name, `(seeds, n)`, with `synthetic`, `refined` and `labelled`.

    Returns:
        `gaze_error_deg`, `median_error_deg` and `within_7_deg` (a percentage) by name, with `mean`,
        `std` and `per_seed`; `gap_closed`, how much of the way from `synthetic` to `labelled` the
        refined images go; and `curve`, the percentage of the images within each angle.
    """
    summary = {
        "gaze_error_deg": {name: summarise(e.mean(axis=1)) for name, e in errors.items()},
        "median_error_deg": {name: summarise(np.median(e, axis=1)) for name, e in errors.items()},
        "within_7_deg": {
            name: summarise(100 * (e <= 7).mean(axis=1)) for name, e in errors.items()
        },
        "curve": {
            "degrees": CURVE_DEGREES.tolist(),
            **{
                name: [round(100 * float((e <= degrees).mean()), 2) for degrees in CURVE_DEGREES]
                for name, e in errors.items()
            },
        },
    }
    synthetic, refined, labelled = (
        errors[name].mean(axis=1) for name in ("synthetic", "refined", "labelled")
    )
    summary["gap_closed"] = summarise((synthetic - refined) / (synthetic - labelled))
    return summary
