"""What differs between Keras's backends: taking compiled optimiser steps.

Each backend module has the same functions, these above all:

- `gradient_update` takes one optimiser step on a loss,
- `repeat` takes one such step for every slice of its inputs,
- `compile` turns a function of such steps into one fast call.

Several devices share the work through `keras.distribution`: `data_parallel` says which, `split`
gives each its part of a batch, and `everywhere` gives each all of a tensor.
"""

import importlib
from contextlib import contextmanager

import keras
from keras import ops

from simgan_lib.config import UserError

SUPPORTED = ("tensorflow", "jax")


def current():
    """Returns the module for the backend that Keras runs on.

    Returns:
        `simgan_lib.backends.tensorflow` or `simgan_lib.backends.jax`.

    Raises:
        RuntimeError: If Keras runs on another backend.

    Example:
        >>> current().__name__.startswith("simgan_lib.backends.")
        True
    """
    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise RuntimeError(
            f"Keras runs on the {name!r} backend; simgan_lib trains on {' or '.join(SUPPORTED)}. "
            "Set the environment variable KERAS_BACKEND to one of them before importing keras."
        )
    return importlib.import_module(f"{__name__}.{name}")


@contextmanager
def data_parallel(devices: int, batch_size: int):
    """Splits every batch over several devices, for models that are built and trained inside.

    Args:
        devices: How many. With 1, nothing is split.
        batch_size: Images in a batch. Half a batch, what R refines for D, must split evenly too.

    Raises:
        UserError: If there are fewer devices, the batch does not split, or Keras runs on another
            backend than JAX.

    Example:
        >>> with data_parallel(devices=1, batch_size=32):
        ...     print(keras.distribution.distribution())
        None
    """
    if devices == 1:
        yield
        return
    if keras.backend.backend() != "jax":
        raise UserError(
            f"devices={devices} needs JAX, the one backend on which Keras splits batches; "
            f"this is {keras.backend.backend()}. Set KERAS_BACKEND=jax."
        )
    found = keras.distribution.list_devices()
    if not 1 <= devices <= len(found):
        raise UserError(f"devices must be from 1 to {len(found)} here; received {devices}.")
    if batch_size % (2 * devices):
        raise UserError(
            f"A batch of {batch_size}, and its half, must split evenly over {devices} devices. "
            f"Use a batch_size that is a multiple of {2 * devices}."
        )
    with keras.distribution.DataParallel(devices=found[:devices]).scope():
        yield


def split(images):
    """Gives each device its part of a batch: a hint, which changes no number.

    Args:
        images: Tensor `(batch, height, width, channels)`.

    Returns:
        The same tensor, split along the batch inside `data_parallel`.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return images
    layout = distribution.get_data_layout(images.shape)
    return keras.distribution.distribute_tensor(images, layout)


def everywhere(images):
    """Copies an array to the device, or all of it to each: it stays there while R and D train.

    Args:
        images: Array of any shape, such as uint8 `(n, height, width)`.

    Returns:
        The tensor.
    """
    images = ops.convert_to_tensor(images)
    distribution = keras.distribution.distribution()
    if distribution is None:
        return images
    layout = keras.distribution.TensorLayout([None] * len(images.shape), distribution.device_mesh)
    return keras.distribution.distribute_tensor(images, layout)
