"""Optimiser steps on TensorFlow, whose variables change in place. See `jax` for the arguments."""

import logging

import tensorflow as tf

# TensorFlow warns of every new graph after the fourth. Here each one is intended.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def gradient_update(loss_function, optimizer, variables, state):
    """Takes one optimiser step on `variables`, as on JAX, which alone needs the `state`."""
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        loss, logs = loss_function()
        loss = optimizer.scale_loss(loss)
    optimizer.apply(tape.gradient(loss, values), variables)
    return logs


def gradient(loss, at):
    """Returns the gradient of `loss`, a function of one tensor, at `at`, as a NumPy array."""
    at = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(at)
        found = loss(at)
    return tape.gradient(found, at).numpy()


def compile(step, state):
    """Compiles a step, as on JAX, which alone needs the `state`. Each call takes one step."""
    # Without XLA, whose convolutions are slower than oneDNN's on a CPU.
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
