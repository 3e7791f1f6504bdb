"""Checks of notebook 13: your own method."""

import keras
import numpy as np
from keras import layers, ops

from simgan_exercises import Hint, call, close, task


@task(
    "13.1",
    "A network for any size and any number of channels works on the next student's images too.",
)
def _(build):
    rng = np.random.default_rng()
    try:
        first = call(build, (35, 55, 1), 4)
    except Hint as hint:
        if "matching shapes" in str(hint):
            raise Hint(
                "Two feature maps of different sizes meet at a join. Print the shapes of both: "
                "what has to be cut off is their difference."
            ) from None
        raise
    _check_unet(first, (35, 55, 1))
    wide = call(build, (35, 55, 1), 64)
    if wide.count_params() == first.count_params():
        raise Hint("More filters do not change the network: use the argument filters.")
    # With so many filters, random weights of both signs give values of both signs.
    if ops.min(wide(rng.normal(size=(2, 35, 55, 1)).astype("float32"))) >= 0:
        raise Hint("No value lies below 0. Black is -1: which activation reaches it?")
    for shape in [(33, 50, 3), (36, 4 * int(rng.integers(9, 14)) + 2, 1)]:
        try:
            network = call(build, shape, 4)
        except Hint:
            raise Hint(
                f"35 x 55 works, and {shape[0]} x {shape[1]} does not. What has to be cut off "
                "depends on the feature map of that level, not on the size of the image."
            ) from None
        _check_unet(network, shape)


def _check_unet(network, shape):
    if not isinstance(network, keras.Model) or not getattr(network, "layers", None):
        raise Hint(f"Return a functional keras.Model; received {type(network).__name__}.")
    if network.input_shape[1:] != shape or network.output_shape[1:] != shape:
        raise Hint(
            f"For images of {shape} the network takes {network.input_shape[1:]} and gives "
            f"{network.output_shape[1:]}. Height, width and channels must be the image's."
        )
    if any(isinstance(layer, layers.Lambda) for layer in network.layers):
        raise Hint("A run cannot be opened safely with a Lambda layer: use Cropping2D.")
    outputs = [layer.output.shape for layer in network.layers]
    quarter = tuple(-(-size // 4) for size in shape[:2])
    if not any(tuple(size[1:3]) == quarter for size in outputs if len(size) == 4):
        raise Hint(f"The image is halved twice: a feature map of {quarter} is missing.")
    joins = [x for x in network.layers if isinstance(x, layers.Concatenate | layers.Add)]
    if len(joins) < 2:
        raise Hint("On the way up, join the features of the way down at both levels.")
    loud = 50 * np.random.default_rng().normal(size=(2, *shape)).astype("float32")
    if np.abs(ops.convert_to_numpy(network(loud))).max() > 1:
        raise Hint("The values leave [-1, 1]. Which activation keeps them there?")


@task(
    "13.2",
    "WGAN-GP puts its penalty there too. It asks for a slope of 1 in place of 0.",
)
def _(penalty):
    rng = np.random.default_rng()
    shape = (5, 4, 6, 1)
    real, refined, direction = rng.normal(size=(3, *shape))
    share, step, weights = rng.uniform(0.1, 0.9, 5), 0.3, rng.normal(size=shape[1:])

    def margin(images):
        if np.shape(images) != shape:
            raise ValueError(
                f"images of the shape {np.shape(images)} instead of {shape}: share was not lined "
                "up with the first axis"
            )
        return (weights * images**2).sum(axis=(2, 3))

    def slope_at(part):
        part = part.reshape(-1, 1, 1, 1)
        point = part * real + (1 - part) * refined
        return (margin(point + step * direction) - margin(point)) / step

    slope = slope_at(share)
    right = np.mean(slope**2)
    received = np.asarray(call(penalty, margin, real, refined, share, direction, step), float)
    if received.shape == ():
        wrong = {
            "Divide the difference by the step, before you square it.": right * step**2,
            "Square before the mean: slopes of both signs cancel.": np.mean(slope) ** 2,
            "These are slopes without a square.": np.mean(np.abs(slope)),
            "share belongs to the real images, 1 - share to the refined ones.": np.mean(
                slope_at(1 - share) ** 2
            ),
            "The points lie between the real and the refined images.": np.mean(
                slope_at(np.ones(5)) ** 2
            ),
            "No half is asked for.": right / 2,
        }
        for hint, value in wrong.items():
            if np.isclose(received, value):
                raise Hint(hint)
        if np.isclose(received, right / step**2) or np.isclose(received, right * step):
            raise Hint("The difference is divided by the step once, and then squared.")
    close(
        received, right, "Compute the points, the slope along the direction, and its mean square."
    )


@task(
    "13.3",
    "Far from its target a least-squares D pulls hard, where a cross-entropy that is sure of the "
    "answer no longer pulls at all.",
)
def _(losses):
    rng = np.random.default_rng()
    on_real, on_refined = rng.normal(size=(3, 4, 5, 1)), rng.normal(size=(7, 4, 5, 1))
    received = call(losses, on_real.astype("float32"), on_refined.astype("float32"))
    if not isinstance(received, tuple | list) or len(received) != 2:
        raise Hint("Return two numbers: D's loss, and R's adversarial loss.")
    d, r = (np.asarray(ops.convert_to_numpy(loss), float) for loss in received)

    def apart(scores, target):
        return np.mean((scores - target) ** 2)

    right_d = apart(on_real, 1) + apart(on_refined, 0)
    right_r = apart(on_refined, 1)
    if d.shape == () and r.shape == ():
        if np.isclose(d, apart(on_real, 0) + apart(on_refined, 1), rtol=1e-4):
            raise Hint("D: the two targets are exchanged.")
        if np.isclose(r, apart(on_refined, 0), rtol=1e-4):
            raise Hint("R would be paid for being recognised as refined. What does R want?")
        if np.isclose(r, right_r + apart(on_real, 0), rtol=1e-4):
            raise Hint(
                "R changes refined images only: the scores of real ones do not belong there."
            )
        if np.isclose(d, right_d / 2, rtol=1e-4) or np.isclose(r, right_r / 2, rtol=1e-4):
            raise Hint("No factor of one half is asked for.")
        sums = ((on_real - 1) ** 2).sum() + (on_refined**2).sum()
        if np.isclose(d, sums, rtol=1e-4) or np.isclose(d, sums / (10 * 4 * 5), rtol=1e-4):
            raise Hint("D's loss is a sum of two means, one for each kind of images.")
    close(
        d, right_d, "D: the mean square to 1 on real, plus the mean square to 0 on refined images."
    )
    close(r, right_r, "R: its images should be scored 1.")
