"""Counts the floating-point operations that a round needs, from the layers."""

import math

import keras

from benchmarks.problem import Problem
from simgan_lib.models import build_discriminator, build_refiner


def forward(network: keras.Model) -> list[int]:
    """Counts each convolution's operations for one image: two a weight and output position.

    What the padding multiplies by zero is counted too, as is usual; activations, sums and pooling,
    under 1% of the whole, are not.

    Args:
        network: R or D, built for images of a known size.

    Returns:
        Operations by convolution, from the input on.
    """
    return [
        2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]


def of_a_round(problem: Problem) -> dict[str, float]:
    """Counts what one round needs, and no more.

    An update differentiates every layer with respect to its weights and to its input, each as much
    work as the layer itself, with two exceptions: nobody asks for the gradient of the images (the
    first layer's input), and R's update leaves D's weights alone.

    Args:
        problem: The round.

    Returns:
        Operations of one `refiner_update`, of one `discriminator_update` (with the refining of the
        half-batch that it is shown), and of the `round`; and the round's `by_kind`.
    """
    shape = (problem.height, problem.width, 1)
    refiner = forward(build_refiner(shape, problem.filters))
    discriminator = forward(build_discriminator(shape))
    r, d, batch = sum(refiner), sum(discriminator), problem.batch
    refiner_update = batch * (3 * r - refiner[0] + 2 * d)
    discriminator_update = 2 * batch * (3 * d - discriminator[0]) + batch // 2 * r
    updates = problem.discriminator_updates
    by_kind = {
        "convolution": batch * (r + d) + updates * batch * (2 * d + r // 2),
        "gradient of the weights": batch * r + updates * 2 * batch * d,
        "gradient of the input": batch * (r - refiner[0] + d)
        + updates * 2 * batch * (d - discriminator[0]),
    }
    return {
        "refiner_update": refiner_update,
        "discriminator_update": discriminator_update,
        "round": refiner_update + updates * discriminator_update,
        "by_kind": by_kind,
    }
