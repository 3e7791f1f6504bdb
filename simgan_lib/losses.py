"""The losses of SimGAN, as means over pixels and patches, in `keras.ops`."""

from collections.abc import Callable

from keras import ops

Tensor = object  # what the backend calls a tensor, or a NumPy array

# The paper's label convention: D answers "is this refined?".
REAL, REFINED = 0, 1


def identity(images: Tensor) -> Tensor:
    """Returns the images: the feature transform of the paper's experiments."""
    return images


def image_gradients(images: Tensor) -> Tensor:
    """Returns the differences between neighbouring pixels, rightwards and downwards."""
    corner = images[:, :-1, :-1]
    right, down = images[:, :-1, 1:], images[:, 1:, :-1]
    return ops.concatenate([right - corner, down - corner], axis=-1)


def channel_mean(images: Tensor) -> Tensor:
    """Returns the mean of the colour channels, so that a change of hue alone costs nothing."""
    return ops.mean(images, axis=-1, keepdims=True)


def self_regularisation(
    refined: Tensor, synthetic: Tensor, feature: Callable[[Tensor], Tensor] = identity
) -> Tensor:
    r"""Computes the L1 distance between what goes into the refiner and what comes out.

    The mean of `|psi(R(x)) - psi(x)|`, with psi the feature transform. It keeps the labels valid.

    Args:
        refined: R(x), float tensor `(batch, height, width, channels)` in [-1, 1].
        synthetic: x, of the same shape and range.
        feature: psi, such as `identity`, `image_gradients` or `channel_mean`.

    Example:
        >>> import numpy as np
        >>> x = np.zeros((2, 35, 55, 1), "float32")
        >>> float(self_regularisation(x + 0.25, x))
        0.25

    Reference:
        Shrivastava et al. 2017, "Adversarial Loss with Self-Regularization" (there a sum).
    """
    return ops.mean(ops.abs(feature(refined) - feature(synthetic)))


def local_adversarial(logits: Tensor, label: int) -> Tensor:
    """Computes the cross-entropy of D's answers, patch by patch.

    Args:
        logits: D's output, float tensor `(batch, map_height, map_width, 2)`.
        label: The class that the patches should get: `REAL` (0) or `REFINED` (1).

    Returns:
        Scalar: the mean over all patches. It is ln 2 = 0.693 if D guesses.

    Example:
        >>> import numpy as np
        >>> round(float(local_adversarial(np.zeros((1, 9, 14, 2), "float32"), REAL)), 3)
        0.693

    Reference:
        Shrivastava et al. 2017, "Local Adversarial Loss" (there a sum over patches).
    """
    return -ops.mean(ops.log_softmax(logits, axis=-1)[..., label])


def global_adversarial(logits: Tensor, label: int) -> Tensor:
    """Computes the cross-entropy of one answer per image: the mean of its patches' logits.

    The ablation of `local_adversarial`, with the same arguments. The result is a mean over images.
    """
    return local_adversarial(ops.mean(logits, axis=(1, 2)), label)


def accuracy(logits: Tensor, label: int) -> Tensor:
    """Computes the fraction of patches to which D gives the right class, the label.

    A tie counts as half right, so an undecided D scores 0.5 on both classes.
    """
    margin = logits[..., label] - logits[..., 1 - label]
    return ops.mean((ops.sign(margin) + 1.0) / 2.0)


def lambda_mean_from_sum(
    lambda_sum: float, image_size: tuple[int, int] = (35, 55), patches: tuple[int, int] = (9, 14)
) -> float:
    """Converts the paper's lambda to ours.

    The paper sums cross-entropy over patches and L1 over pixels; we take means of both. Its refiner
    loss divided by the number of patches is our loss, with lambda multiplied by pixels per patch:
    1,925 / 126 = 15.3 for 35 x 55 images. To convert ours to the paper's, divide by that number.

    Args:
        lambda_sum: Weight of the summed L1 against the summed cross-entropy.
        image_size: Height and width of the image, in pixels.
        patches: Height and width of D's map, in patches.

    Example:
        >>> round(lambda_mean_from_sum(0.01), 3)
        0.153
    """
    return lambda_sum * (image_size[0] * image_size[1]) / (patches[0] * patches[1])
