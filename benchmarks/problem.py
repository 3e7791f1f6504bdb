"""What is computed in a timed round: the same for our code and for its peers."""

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


# The report's training: lambda and the two learning rates are those of the preset `report`.
LAMBDA, LEARNING_RATE, BETA_1 = 0.01, 1e-3, 0.5


class History:
    """The history buffer as the peers write it: a NumPy array, some of it replaced at random.

    Args:
        size: Images when full.
        seed: Of the random choices.
    """

    def __init__(self, size: int, seed: int = 0):
        self.size, self.images, self.rng = size, None, np.random.default_rng(seed)

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
