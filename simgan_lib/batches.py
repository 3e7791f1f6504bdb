"""What the steps of a training draw from the data."""

import math
from collections.abc import Iterator

import numpy as np
from keras import ops

from simgan_lib.config import Config
from simgan_lib.data import batch_indices
from simgan_lib.losses import Tensor

PHASES = ("pretrain_refiner", "pretrain_discriminator", "adversarial")


def step_batches(
    config: Config, phase: str, counts: tuple[int, int], start: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the indices that each step of a phase draws, for ever.

    They depend on the seed and on the number of the step alone, so a resumed run draws the same.

    Args:
        config: The settings.
        phase: One of `PHASES`.
        counts: Numbers of synthetic and of real images.
        start: Number of the first step, counted from 0.

    Yields:
        int32 arrays: `"refiner"` `(K_g, batch)`, `"fresh"` `(K_d, half a batch)`, or whole ones
        without a history, and `"real"` `(K_d, batch)`; K_g and K_d are 1 in pre-training. With
        `fresh_batches`, `"fresh"` has no more rows than that.

    Example:
        >>> batches = step_batches(Config(), "adversarial", (4000, 4000))
        >>> {name: indices.shape for name, indices in next(batches).items()}
        {'refiner': (1, 32), 'fresh': (10, 16), 'real': (10, 32)}
    """
    batch = config.batch_size
    adversarial = phase == "adversarial"
    refiner_updates = config.refiner_updates if adversarial else 1
    discriminator_updates = config.discriminator_updates if adversarial else 1
    fresh_batches = min(config.fresh_batches or discriminator_updates, discriminator_updates)
    draws = {
        "refiner": (counts[0], (refiner_updates, batch)),
        "fresh": (counts[0], (fresh_batches, batch // 2 if config.history else batch)),
        "real": (counts[1], (discriminator_updates, batch)),
    }
    # Nine streams a seed, so that no two phases or networks see the same shuffle.
    first = 9 * config.seed + 3 * PHASES.index(phase)
    streams = {
        name: batch_indices(count, math.prod(shape), seed=first + number, start=start)
        for number, (name, (count, shape)) in enumerate(draws.items())
    }
    while True:
        yield {
            name: next(stream).reshape(draws[name][1]).astype("int32")
            for name, stream in streams.items()
        }


def mirrored(images: Tensor) -> Tensor:
    """Turns every second image left for right.

    Args:
        images: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> images = np.arange(4.0).reshape(2, 1, 2, 1)
        >>> ops.convert_to_numpy(mirrored(images)).ravel().tolist()
        [0.0, 1.0, 3.0, 2.0]
    """
    second = np.arange(images.shape[0])[:, None, None, None] % 2 == 1
    return ops.where(second, ops.flip(images, axis=2), images)


def stacked(batches: Iterator[dict[str, np.ndarray]], count: int) -> dict[str, np.ndarray]:
    """Draws the batches of several steps that one compiled call will take.

    Args:
        batches: As from `step_batches`.
        count: Number of steps, 1 or more.

    Returns:
        The same arrays with one more axis, the first, of length `count`.
    """
    drawn = [next(batches) for _ in range(count)]
    return {name: np.stack([batch[name] for batch in drawn]) for name in drawn[0]}
