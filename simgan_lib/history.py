"""The history buffer: refined images of the past, so that D does not forget them."""

import keras
from keras import ops

from simgan_lib.config import UserError


class HistoryBuffer(keras.layers.Layer):
    """Keeps a fixed number of refined images and replaces them at random.

    Without it, D sees only what R does now, and R can return to artifacts that D has forgotten. Its
    state is in variables, so a checkpoint holds it and a resumed run equals an unbroken one.

    Args:
        size: Number of images that the buffer holds when full. 0 means that it keeps nothing.
        image_shape: Height, width and channels of an image.
        seed: Makes the random choices repeatable.

    Example:
        >>> import numpy as np
        >>> buffer = HistoryBuffer(size=4, image_shape=(1, 1, 1))
        >>> buffer.mix(np.ones((2, 1, 1, 1), "float32")).shape == (4, 1, 1, 1)
        True
        >>> float(buffer.fraction_filled())
        0.5

    Reference:
        Shrivastava et al. 2017, "Updating Discriminator using a History of Refined Images".
    """

    def __init__(self, size: int, image_shape: tuple[int, int, int], seed: int = 0):
        super().__init__(name="history", trainable=False, dtype="float32")
        self.size = size
        zeros = {"initializer": "zeros", "trainable": False}
        self.images = self.add_weight((size, *image_shape), name="images", **zeros)
        self.count = self.add_weight((), dtype="int32", name="count", **zeros)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def mix(self, fresh):
        """Adds images of the past to fresh ones, and stores the fresh ones.

        Args:
            fresh: What R has just refined, float tensor `(number, height, width, channels)`.

        Returns:
            Float tensor `(2 * number, height, width, channels)`: the fresh images, then as many
            from the past. While the buffer holds too few, the fresh ones stand in for the past. A
            buffer of size 0 returns the fresh images alone.
        """
        if self.size == 0:
            return fresh
        number = fresh.shape[0]
        past = ops.where(self.count >= number, self.sample(number), fresh)
        self.push(fresh)
        return ops.concatenate([fresh, past])

    def sample(self, number: int):
        """Draws that many different images from the filled part, at random."""
        keys = keras.random.uniform((self.size,), seed=self.seed_generator)
        # Empty slots sort behind all filled ones.
        keys = ops.where(ops.arange(self.size) < self.count, keys, 2.0)
        return ops.take(self.images, ops.argsort(keys)[:number], axis=0)

    def push(self, images) -> None:
        """Stores images, at most `size`: in empty slots first, then in random different ones."""
        number = images.shape[0]
        if number > self.size:
            raise UserError(
                f"Received {number} images for a history buffer of {self.size}. "
                "Set buffer_size to at least half the batch size."
            )
        slots = ops.arange(self.size)
        keys = keras.random.uniform((self.size,), seed=self.seed_generator)
        # Keys of empty slots are negative and rise with the slot: they come first, in order.
        empty_first = ops.cast(slots - self.size, "float32")
        keys = ops.where(slots < self.count, keys, empty_first)
        chosen = ops.argsort(keys)[:number]
        self.images.assign(ops.scatter_update(self.images.value, chosen[:, None], images))
        self.count.assign(ops.minimum(self.count + number, self.size))

    def fraction_filled(self):
        """Returns the filled part of the buffer, a scalar in [0, 1]."""
        return ops.cast(self.count, "float32") / max(self.size, 1)
