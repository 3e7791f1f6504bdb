"""What is computed in a timed round: the same for our code and for its peers."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """One round of the report: 1 update of R and 10 of D, each on a batch of 32.

    D sees 32 real images, 16 that R has just refined and 16 from the history, in each update.

    Args:
        batch: Images in a batch.
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        filters: Feature maps of R.
        discriminator_updates: K_d.
        images: Images of each kind to draw from. Their content does not matter to the clock.
    """

    batch: int = 32
    height: int = 35
    width: int = 55
    filters: int = 64
    discriminator_updates: int = 10
    images: int = 2048

    @property
    def buffer_size(self) -> int:
        """Images in the history buffer: 100 batches, as in the report's preset."""
        return 100 * self.batch

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the synthetic and the real images, uint8 `(images, height, width)`."""
        rng = np.random.default_rng(0)
        shape = (self.images, self.height, self.width)
        return rng.integers(0, 160, shape, "uint8"), rng.integers(96, 256, shape, "uint8")


TINY = Problem(batch=4, height=12, width=16, filters=8, discriminator_updates=2, images=32)
# The report's training: lambda and the two learning rates are those of the preset `report`.
LAMBDA, LEARNING_RATE, BETA_1 = 0.01, 1e-3, 0.5


class History:
    """The history buffer as the peers write it: a NumPy array, some of it replaced at random.

    Args:
        size: Images when full.
    """

    def __init__(self, size: int):
        self.size, self.images, self.rng = size, None, np.random.default_rng(0)

    def sample(self, number: int) -> np.ndarray | None:
        """Draws different images, or None while there are not so many."""
        if self.images is None or len(self.images) < number:
            return None
        return self.images[self.rng.choice(len(self.images), number, replace=False)]

    def push(self, images: np.ndarray) -> None:
        """Appends images while there is room, then replaces random ones."""
        if self.images is None:
            self.images = images.copy()
        elif len(self.images) < self.size:
            self.images = np.concatenate([self.images, images])[: self.size]
        else:
            slots = self.rng.choice(self.size, len(images), replace=False)
            self.images[slots] = images


def operations(problem: Problem) -> dict[str, int]:
    """Counts the floating-point operations that a round needs, from the layers.

    A convolution takes two for each weight and output position. An update differentiates every
    layer with respect to its weights and to its input, each as much work as the layer itself, with
    two exceptions: nobody asks for the gradient of the images, which are the first layer's input,
    and R's update leaves D's weights alone. Activations, sums and pooling, under 1% of the whole,
    are not counted.

    Returns:
        Operations of one `refiner_update`, of one `discriminator_update` (with the refining of the
        half-batch that it is shown), and of the `round`.
    """
    import keras

    from simgan_lib.models import build_discriminator, build_refiner

    def count(network):
        return [
            2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
            for layer in network.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]

    shape, batch = (problem.height, problem.width, 1), problem.batch
    refiner = count(build_refiner(shape, problem.filters))
    discriminator = count(build_discriminator(shape))
    r, d = sum(refiner), sum(discriminator)
    refiner_update = batch * (3 * r - refiner[0] + 2 * d)
    discriminator_update = 2 * batch * (3 * d - discriminator[0]) + batch // 2 * r
    return {
        "refiner_update": refiner_update,
        "discriminator_update": discriminator_update,
        "round": refiner_update + problem.discriminator_updates * discriminator_update,
    }
