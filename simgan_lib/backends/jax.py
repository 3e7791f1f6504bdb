"""Optimiser steps on JAX, whose functions take state in and hand it out."""

import jax
import keras


def gradient_update(loss_function, optimizer, variables, frozen=()):
    """Takes one optimiser step on `variables`, and on nothing else.

    Args:
        loss_function: Takes nothing, returns a scalar loss and a dict of scalars to log.
        optimizer: A built Keras optimiser.
        variables: The Keras variables to change.
        frozen: Variables that the loss reads and the step must not change.

    Returns:
        The dict of scalars.
    """
    read_only = [(variable, variable.value) for variable in frozen]

    def loss_of(values):
        with keras.StatelessScope([*zip(variables, values, strict=True), *read_only]):
            loss, logs = loss_function()
        return optimizer.scale_loss(loss), logs

    values = [variable.value for variable in variables]
    gradients, logs = jax.grad(loss_of, has_aux=True)(values)
    optimizer_values = [variable.value for variable in optimizer.variables]
    values, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, values)
    _assign(variables, values)
    _assign(optimizer.variables, optimizer_values)
    return logs


def repeat(update, state, *sequences):
    """Calls `update` once for every slice along the first axis of the sequences.

    On an accelerator the calls are one loop, so that compiling takes no longer for more of them. On
    a CPU they are written out: inside loops convolutions are a hundred times as slow (jax#12868).

    Args:
        update: Takes one slice of each sequence, returns a dict of scalars.
        state: All variables that `update` may change.
        *sequences: Tensors with the same first dimension, or dicts of such.

    Returns:
        The dict of scalars, averaged over the calls.
    """

    def slices(step):
        return jax.tree.map(lambda sequence: sequence[step], sequences)

    if not outruns_host():
        steps = len(jax.tree.leaves(sequences)[0])
        logs = [update(*slices(step)) for step in range(steps)]
        return jax.tree.map(lambda *log: sum(log) / len(log), *logs)

    def step(values, slices):
        return _stateless(update, state, values, slices)

    values, logs = jax.lax.scan(step, [variable.value for variable in state], sequences)
    _assign(state, values)
    return jax.tree.map(lambda log: log.mean(axis=0), logs)


def compile(function, state):
    """Compiles a function that takes tensors and changes variables.

    Args:
        function: Takes tensors, returns tensors.
        state: All variables that it may change.

    Returns:
        A function of the same arguments.
    """

    @jax.jit
    def pure(values, arguments):
        return _stateless(function, state, values, arguments)

    def call(*arguments):
        values, result = pure([variable.value for variable in state], arguments)
        _assign(state, values)
        return result

    return call


def device_name() -> str:
    """Returns the name of the device that computes, such as `"CPU"` or a GPU's model."""
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else device.device_kind


def outruns_host() -> bool:
    """Returns whether the device ends a round sooner than the host can ask for the next."""
    return device_name() != "CPU"


def wait(tensor) -> None:
    """Blocks until the tensor has been computed."""
    jax.block_until_ready(tensor)


def _stateless(function, state, values, arguments):
    with keras.StatelessScope(list(zip(state, values, strict=True))) as scope:
        result = function(*arguments)
    return [scope.get_current_value(variable) for variable in state], result


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
