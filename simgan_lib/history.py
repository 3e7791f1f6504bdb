"""The history buffer: refined images of the past, so that D does not forget them."""

import keras
from keras import ops


class HistoryBuffer(keras.layers.Layer):
    """Keeps a fixed number of refined images and replaces them at random.

    D sees half of each refined mini-batch from here. Without it, D looks only at what R does now,
    and R can return to old artifacts that D has forgotten.

    Everything is a variable (the images, how many there are, the random state), so a checkpoint
    holds the buffer and a resumed run goes on as if it had never stopped.

    Args:
        size: Number of images the buffer holds when full.
        image_shape: Height, width and channels of an image.
        seed: Makes the random choices repeatable.

    Example:
        >>> import numpy as np
        >>> buffer = HistoryBuffer(size=4, image_shape=(1, 1, 1))
        >>> buffer.push(np.ones((2, 1, 1, 1), "float32"))
        >>> float(buffer.fraction_filled())
        0.5
        >>> buffer.sample(2).shape == (2, 1, 1, 1)
        True

    Reference:
        Shrivastava et al. 2017, section 2.3 and figure 4.
    """

    def __init__(self, size: int, image_shape: tuple[int, int, int], seed: int = 0):
        super().__init__(name="history", trainable=False, dtype="float32")
        if size < 1:
            raise ValueError(
                f"The history buffer's size must be at least 1 image; received {size}. "
                "To train without a history, set history=False instead."
            )
        self.size = size
        self.images = self.add_weight(
            shape=(size, *image_shape), initializer="zeros", trainable=False, name="images"
        )
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="count"
        )
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def fraction_filled(self):
        """Returns the filled part of the buffer, a scalar in [0, 1]."""
        return ops.cast(self.count, "float32") / self.size

    def sample(self, number: int):
        """Draws different images from the filled part, at random.

        Args:
            number: How many; `can_sample` tells whether the buffer holds that many already.

        Returns:
            Float tensor `(number, height, width, channels)`.
        """
        keys = keras.random.uniform((self.size,), seed=self.seed_generator)
        # Empty slots sort behind all filled ones.
        keys = ops.where(ops.arange(self.size) < self.count, keys, 2.0)
        return ops.take(self.images, ops.argsort(keys)[:number], axis=0)

    def can_sample(self, number: int):
        """Returns whether the buffer holds at least `number` images, a boolean scalar."""
        return self.count >= number

    def push(self, images) -> None:
        """Puts images into empty slots first, then into random ones, each into another slot.

        Args:
            images: Float tensor `(number, height, width, channels)`, at most `size` of them.
        """
        number = images.shape[0]
        if number > self.size:
            raise ValueError(
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
