"""Optimiser steps on TensorFlow, whose variables change in place."""

import logging

import tensorflow as tf

# TensorFlow warns of every new network after the fourth. Here each one is meant.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def gradient_update(loss_function, optimizer, variables, state):
    """Takes one optimiser step on `variables`.

    Args:
        loss_function: Takes nothing, returns a scalar loss and a dict of scalars to log.
        optimizer: A built Keras optimiser.
        variables: The Keras variables to change.
        state: All variables that the loss reads (JAX needs their names).

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


def compile(step, state):
    """Compiles a step.

    XLA stays off: on a CPU its convolutions are slower than oneDNN's.

    Args:
        step: Takes tensors, changes variables, returns a dict of scalars.
        state: All variables that it reads or changes (JAX hands them in and out).

    Returns:
        A function of a list with one step's arguments, a tuple. It returns the scalars. Its
        `names` says, of one step's arguments, which scalars these are.
    """
    one = tf.function(step, autograph=False, jit_compile=False, reduce_retracing=True)

    def run(steps):
        (arguments,) = steps  # see `steps_per_call`
        return one(*arguments)

    run.names = lambda arguments: list(one.get_concrete_function(*arguments).structured_outputs)
    return run


def device_name() -> str:
    """Returns the name of the device that computes, such as `"CPU"` or a GPU's model."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def steps_per_call(most: int) -> int:
    """Returns 1: a graph of several rounds would take minutes to build."""
    return 1
