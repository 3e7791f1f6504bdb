"""The networks of SimGAN: the refiner R and the discriminator D."""

from functools import lru_cache, partial

import keras
import numpy as np
from keras import layers, ops
from tqdm.auto import tqdm

from simgan_lib import backends
from simgan_lib.config import UserError
from simgan_lib.data import to_float, to_uint8
from simgan_lib.losses import Tensor

ImageShape = tuple[int | None, int | None, int]


def residual_block(
    features: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    dtype: str | None = None,
    initializer: keras.Initializer | str = "glorot_uniform",
) -> keras.KerasTensor:
    """Adds the output of two convolutions to their input.

    Convolution, ReLU, convolution, sum with the input, ReLU. Where the convolutions give zero, the
    input passes through.

    Args:
        features: Float tensor `(batch, height, width, filters)`, not negative. So is the result.
        filters: Feature maps of both convolutions.
        kernel_size: Height and width of both kernels, in pixels.
        dtype: Keras dtype policy, such as `"mixed_bfloat16"`. The global policy if `None`.
        initializer: Draws the kernels.

    Reference:
        Shrivastava et al. 2017, "Implementation Details".
    """
    conv = _convolution(dtype, initializer)
    change = conv(filters, kernel_size)(conv(filters, kernel_size, activation="relu")(features))
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([features, change]))


def build_refiner(
    image_shape: ImageShape = (35, 55, 1),
    filters: int = 64,
    kernel_size: int = 3,
    blocks: int = 4,
    output_activation: str = "tanh",
    dtype: str | None = None,
    seed: int | None = None,
) -> keras.Model:
    """Builds the refiner R: a simulated image in, a refined image of the same size out.

    R is fully convolutional with stride 1: it changes pixels and cannot resample the image. The
    defaults are the paper's for gaze: an output pixel sees 19 x 19 input pixels. The paper's R for
    NYU hands has `image_shape=(224, 224, 1)`, `kernel_size=7` and `blocks=10`.

    Args:
        image_shape: Height and width in pixels (`None` for any), and channels.
        filters: Feature maps of every hidden convolution.
        kernel_size: Height and width of all kernels but the last, in pixels.
        blocks: Number of residual blocks.
        output_activation: Last layer: `"tanh"` (the report's code), `"linear"` (the paper's table)
            or `"equalised"`, which alone depends on the whole image: see `equalised`.
        dtype: Keras dtype policy, such as `"mixed_bfloat16"`. The global policy if `None`.
        seed: Makes the initial weights repeatable.

    Returns:
        A model from float images in [-1, 1] to float32 images of the same shape, `(batch, height,
        width, channels)`.

    Example:
        >>> build_refiner().count_params()
        296129

    Reference:
        Shrivastava et al. 2017, "Appearance-based Gaze Estimation" and "Hand Pose Estimation".
    """
    initializer = _initializer(seed)
    conv = _convolution(dtype, initializer)
    image = keras.Input(image_shape, name="image")
    x = conv(filters, kernel_size, activation="relu")(image)
    for _ in range(blocks):
        x = residual_block(x, filters, kernel_size, dtype, initializer)
    # The pixels stay float32: bfloat16 would lose changes of less than half a gray level.
    activation = None if output_activation == "equalised" else output_activation
    refined = conv(image_shape[-1], 1, activation=activation, dtype="float32")(x)
    if output_activation == "equalised":
        refined = equalised(refined)
    return keras.Model(image, refined, name="refiner")


def equalised(images: Tensor) -> Tensor:
    """Equalises histograms differentiably, as if gray levels were normally distributed.

    Each image `(batch, height, width, channels)`, of any range, is brought to mean 0 and standard
    deviation 1. The normal distribution's cumulative function, scaled to [-1, 1], then replaces
    the image's own, which `camera.equalize` uses. Brightness and contrast have no effect.

    Example:
        >>> ramp = ops.reshape(ops.linspace(-0.3, 0.1, 35 * 55), (1, 35, 55, 1))
        >>> float(ops.max(ops.abs(equalised(ramp) - equalised(2 * ramp + 1)))) < 1e-3
        True
    """
    centred = images - ops.mean(images, axis=(1, 2), keepdims=True)
    # Without the small number, an image of one gray level would divide by zero.
    variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True) + 1e-6
    return ops.erf(centred / ops.sqrt(2.0 * variance))


def build_discriminator(
    image_shape: ImageShape = (35, 55, 1),
    filters: tuple[int, int, int, int] = (96, 64, 32, 32),
    kernel_sizes: tuple[int, int, int] = (3, 3, 3),
    strides: tuple[int, int, int] = (2, 2, 1),
    pool_stride: int = 1,
    dtype: str | None = None,
    seed: int | None = None,
) -> keras.Model:
    """Builds the discriminator D: an image in, a map of two logits per patch out.

    D is fully convolutional: each position of the map judges the patch that it sees, real (class 0)
    or refined (class 1). The defaults are the paper's for gaze: a patch is 23 x 23 pixels. The
    paper's D for NYU hands has `image_shape=(224, 224, 1)`, `kernel_sizes=(7, 5, 3)`,
    `strides=(4, 2, 2)` and `pool_stride=2`.

    Args:
        image_shape: Height and width in pixels (`None` for any), and channels.
        filters: Feature maps of the three spatial convolutions and of the 1x1 convolution.
        kernel_sizes: Kernels of the three spatial convolutions, in pixels.
        strides: Strides of the three spatial convolutions, in pixels.
        pool_stride: Stride of the max pooling that follows the second convolution.
        dtype: Keras dtype policy, such as `"mixed_bfloat16"`. The global policy if `None`.
        seed: Makes the initial weights repeatable.

    Returns:
        A model from float images in [-1, 1], `(batch, height, width, channels)`, to float32 logits,
        `(batch, map_height, map_width, 2)`.

    Example:
        >>> build_discriminator().output_shape
        (None, 9, 14, 2)

    Reference:
        Shrivastava et al. 2017, "Appearance-based Gaze Estimation" and "Hand Pose Estimation".
    """
    conv = partial(_convolution(dtype, _initializer(seed)), activation="relu")
    image = keras.Input(image_shape, name="image")
    x = conv(filters[0], kernel_sizes[0], strides=strides[0])(image)
    x = conv(filters[1], kernel_sizes[1], strides=strides[1])(x)
    x = layers.MaxPooling2D(3, strides=pool_stride, padding="same", dtype=dtype)(x)
    x = conv(filters[2], kernel_sizes[2], strides=strides[2])(x)
    x = conv(filters[3], 1)(x)
    logits = conv(2, 1, activation=None, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="discriminator")


def receptive_field(model: keras.Model) -> int:
    """Computes the side of the square that an output position sees, in pixels.

    Every convolution or pooling widens the view by `kernel - 1` steps. A step is the product of
    the strides before it. All these layers must lie on one path, as in R and D.

    Example:
        >>> receptive_field(build_refiner()), receptive_field(build_discriminator())
        (19, 23)
    """
    field = step = 1
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.MaxPooling2D):
            kernel = layer.kernel_size if isinstance(layer, layers.Conv2D) else layer.pool_size
            field += (kernel[0] - 1) * step
            step *= layer.strides[0]
    return field


def refine(
    refiner: keras.Model, images: np.ndarray, batch_size: int = 128, progress: bool = False
) -> np.ndarray:
    """Refines images, batch by batch.

    Args:
        refiner: R, such as `Run(folder).refiner()`.
        images: uint8 `(n, height, width)` or `(n, height, width, 3)`. So is the result.
        batch_size: Images refined in one call. Only these are held as floats.
        progress: Whether to show a progress bar.

    Raises:
        UserError: If the images do not fit the refiner, or it gives values that are not finite.

    Example:
        >>> refine(build_refiner(), np.zeros((3, 35, 55), "uint8")).shape
        (3, 35, 55)
    """
    check_shape(refiner, to_float(images[:1]).shape[1:])
    call, refined = _compiled(refiner), np.empty_like(images)
    starts = range(0, len(images), batch_size)
    for start in tqdm(starts, desc="refining", unit="batch", disable=not progress):
        # The last batch begins earlier, so that one compiled shape serves all batches.
        part = slice(max(0, min(start, len(images) - batch_size)), start + batch_size)
        batch = ops.convert_to_tensor(to_float(images[part]))
        floats = ops.convert_to_numpy(call([(batch,)])["refined"])
        if not np.isfinite(floats).all():
            raise UserError(
                "The refiner gives values that are not finite: its training failed. Use another."
            )
        refined[part] = to_uint8(floats)
    return refined


def fits(shape: ImageShape, other: ImageShape) -> bool:
    """Returns whether two shapes of an image agree. `None` stands for any number."""
    pairs = zip(shape, other, strict=False)
    return len(shape) == len(other) and all(a == b or None in (a, b) for a, b in pairs)


def check_shape(network: keras.Model, image_shape: ImageShape) -> None:
    """Raises a UserError if a network does not take images of a height, width and channels."""
    taken = network.input_shape[1:]
    if not fits(taken, image_shape):
        raise UserError(
            f"The {network.name} takes images (height, width, channels) of {taken}; received "
            f"{tuple(image_shape)}. Read them with size=(height, width) (--size, --resize), and "
            "gray=True (--gray) to take their colour away."
        )


# Cached, as snapshots and widgets refine a few eyes with the same R again and again.
@lru_cache(maxsize=4)
def _compiled(refiner):
    step = lambda batch: {"refined": refiner(batch)}  # noqa: E731
    return backends.current().compile(step, refiner.variables)


def _initializer(seed: int | None) -> keras.Initializer:
    # A generator, not a number: with a number every layer would draw the same kernel.
    return keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))


def _convolution(dtype, initializer):
    return partial(layers.Conv2D, padding="same", dtype=dtype, kernel_initializer=initializer)
