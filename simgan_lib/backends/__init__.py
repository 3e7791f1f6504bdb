"""What differs between Keras's backends: taking compiled optimiser steps.

Each backend module has the same three functions:

- `gradient_update` takes one optimiser step on a loss,
- `repeat` takes one such step for every slice of its inputs,
- `compile` turns a function of such steps into one fast call.
"""

import importlib

import keras

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
