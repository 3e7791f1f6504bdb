"""Optimiser steps on TensorFlow, whose variables change in place."""

import keras
import tensorflow as tf


def gradient_update(loss_function, optimizer, variables, frozen=()):
    """Takes one optimiser step on `variables`, and on nothing else.

    Args:
        loss_function: Takes nothing, returns a scalar loss and a dict of scalars to log.
        optimizer: A built Keras optimiser.
        variables: The Keras variables to change.
        frozen: Variables that the loss reads and the step must not change (JAX needs their names).

    Returns:
        The dict of scalars.
    """
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss, logs = loss_function()
        loss = optimizer.scale_loss(loss)
    optimizer.apply(tape.gradient(loss, values), variables)
    return logs


def repeat(update, state, *sequences):
    """Calls `update` once for every slice along the first axis of the sequences.

    Args:
        update: Takes one slice of each sequence, returns a dict of scalars.
        state: All variables that `update` may change (JAX carries them from step to step).
        *sequences: Tensors with the same first dimension, or dicts of such.

    Returns:
        The dict of scalars, averaged over the calls.
    """

    def slices(step):
        return tf.nest.map_structure(lambda sequence: sequence[step], sequences)

    steps = tf.nest.flatten(sequences)[0].shape[0]
    logs = [update(*slices(step)) for step in range(steps)]
    return {name: tf.add_n([log[name] for log in logs]) / len(logs) for name in logs[0]}


def compile(function, state):
    """Compiles a function that takes tensors and changes variables.

    XLA stays off: on a CPU its convolutions are slower than oneDNN's.

    Args:
        function: Takes tensors, returns tensors.
        state: All variables that it may change (JAX hands them in and out).

    Returns:
        A function of the same arguments.
    """
    return tf.function(function, autograph=False, jit_compile=False, reduce_retracing=True)


def device_name() -> str:
    """Returns the name of the device that computes, such as `"CPU"` or a GPU's model."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def outruns_host() -> bool:
    """Returns False: a graph of several rounds would take minutes to build, one is enough."""
    return False


def wait(tensor) -> None:
    """Blocks until the tensor has been computed."""
    keras.ops.convert_to_numpy(tensor)
