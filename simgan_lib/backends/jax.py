"""Optimiser steps on JAX, whose functions take state in and hand it out."""

import jax
import keras
import numpy as np


def gradient_update(loss_function, optimizer, variables, state):
    """Takes one optimiser step on `variables`.

    Args:
        loss_function: Takes nothing, returns a scalar loss and a dict of scalars to log.
        optimizer: A built Keras optimiser.
        variables: The Keras variables to change.
        state: All variables that the loss reads. Those that it changes, like seeds, stay changed.

    Returns:
        The dict of scalars.
    """
    chosen = {id(variable) for variable in variables}
    others = [variable for variable in state if id(variable) not in chosen]

    def loss_of(values, other_values):
        pairs = [*zip(variables, values, strict=True), *zip(others, other_values, strict=True)]
        with keras.StatelessScope(pairs) as scope:
            loss, logs = loss_function()
        changed = [scope.get_current_value(variable) for variable in others]
        return optimizer.scale_loss(loss), (logs, changed)

    gradient = jax.grad(loss_of, has_aux=True)
    values = [variable.value for variable in variables]
    gradients, (logs, changed) = gradient(values, [variable.value for variable in others])
    optimizer_values = [variable.value for variable in optimizer.variables]
    values, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, values)
    _assign([*variables, *optimizer.variables, *others], [*values, *optimizer_values, *changed])
    return logs


def gradient(loss, at):
    """Returns the gradient of `loss`, a function of one tensor, at `at`, as a NumPy array."""
    return np.asarray(jax.grad(loss)(at))


def compile(step, state):
    """Compiles a step, so that one call takes one or several of them.

    Args:
        step: Takes tensors, changes variables, returns a dict of scalars.
        state: All variables that it reads or changes.

    Returns:
        A function of a list of steps' arguments, each a tuple. It returns the scalars, averaged
        over the steps. Its attribute `names` maps one step's arguments to the scalars' names.
    """

    def pure(values, arguments):
        with keras.StatelessScope(list(zip(state, values, strict=True))) as scope:
            logs = step(*arguments)
        return [scope.get_current_value(variable) for variable in state], logs

    def several(values, arguments):
        values, logs = jax.lax.scan(pure, values, arguments)
        return values, jax.tree.map(lambda log: log.mean(axis=0), logs)

    one, many = jax.jit(pure), jax.jit(several)

    def run(steps):
        values = [variable.value for variable in state]
        if len(steps) == 1:
            values, logs = one(values, steps[0])
        else:
            values, logs = many(values, jax.tree.map(lambda *x: jax.numpy.stack(x), *steps))
        _assign(state, values)
        return logs

    def names(arguments):
        return list(one.eval_shape([variable.value for variable in state], arguments)[1])

    run.names = names
    return run


def device_name() -> str:
    """Returns the name of the device that computes, such as `"CPU"` or a GPU's model."""
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else device.device_kind


def steps_per_call(most: int) -> int:
    """Returns how many steps one call should take: `most` where the device outruns its host."""
    return 1 if device_name() == "CPU" else most


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
