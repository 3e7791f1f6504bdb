"""Planted answers for notebook 13."""

import keras
import numpy as np
from keras import layers, ops


def unet(crop="difference", joins=2, last="tanh", levels=2, channels=None):
    """Makes a builder of U-Nets, right ones and wrong ones."""

    def conv(x, filters, strides=1):
        return layers.Conv2D(filters, 3, strides, padding="same", activation="relu")(x)

    def up(coarse, fine, join, size):
        x = layers.UpSampling2D()(coarse)
        extra = [x.shape[axis] - fine.shape[axis] for axis in (1, 2)]
        if crop == "image at both levels":
            extra = [size[0] % 2, size[1] % 2]
        if crop == "last level only" and fine.shape[1:3] != size[:2]:
            extra = [0, 0]
        if crop == "never":
            extra = [0, 0]
        if crop == "lambda":
            x = layers.Lambda(lambda y: y[:, : fine.shape[1], : fine.shape[2]])(x)
        elif crop == "resizing":
            x = layers.Resizing(fine.shape[1], fine.shape[2])(coarse)
        else:
            x = layers.Cropping2D([(0, one) for one in extra])(x)
        return conv(layers.Concatenate()([fine, x]) if join else x, fine.shape[-1])

    def build(shape, filters):
        image = keras.Input(shape)
        ways = [conv(image, filters)]
        for _ in range(levels):
            ways.append(conv(ways[-1], 2 * filters, strides=2))
        x = ways.pop()
        while ways:
            x = up(x, ways.pop(), len(ways) < joins, shape)
        refined = layers.Conv2D(channels or shape[-1], 1, activation=last)(x)
        return keras.Model(image, refined)

    return build


def penalty(margin, real, refined, share, direction, step):
    share = np.reshape(share, (-1, 1, 1, 1))
    point = share * real + (1 - share) * refined
    return np.mean(((margin(point + step * direction) - margin(point)) / step) ** 2)


def penalty_one_by_one(margin, real, refined, share, direction, step):
    points = np.stack([b + s * (a - b) for a, b, s in zip(real, refined, share, strict=True)])
    rise = margin(points + step * direction) - margin(points)
    return float(np.square(rise).mean()) / step**2


def penalty_with(change):
    """Makes a penalty with one mistake: `change` gets all arguments by name, and the slope."""

    def wrong(margin, real, refined, share, direction, step):
        share = np.reshape(share, (-1, 1, 1, 1))
        point = share * real + (1 - share) * refined
        return change(margin(point + step * direction) - margin(point), step)

    return wrong


def penalty_not_reshaped(margin, real, refined, share, direction, step):
    point = share * real + (1 - share) * refined
    return np.mean(((margin(point + step * direction) - margin(point)) / step) ** 2)


def squares(on_real, on_refined):
    d = ops.mean(ops.square(on_real - 1)) + ops.mean(ops.square(on_refined))
    return d, ops.mean(ops.square(1 - on_refined))


def squares_in_numpy(real, refined):
    return [np.mean((real - 1) ** 2) + np.mean(refined**2), np.mean((refined - 1) ** 2)]


RIGHT = {
    "13.1": [(unet(),), (unet(crop="resizing"),)],
    "13.2": [(penalty,), (penalty_one_by_one,)],
    "13.3": [(squares,), (squares_in_numpy,)],
}
WRONG = {
    "13.1": [
        ((unet(crop="never"),), "their difference"),
        ((unet(crop="image at both levels"),), "their difference"),
        ((unet(last="sigmoid"),), "below 0"),
        ((lambda shape, filters: 1 / 0,), "stops with"),
        ((unet(crop="last level only"),), "feature map of that level"),
        ((unet(crop="lambda"),), "Lambda"),
        ((unet(levels=1),), "halved twice"),
        ((lambda shape, filters: unet()(shape, 4),), "argument filters"),
        ((unet(joins=1),), "both levels"),
        ((unet(last=None),), "leave [-1, 1]"),
        ((unet(channels=1),), "channels must be"),
        ((lambda shape, filters: np.zeros(shape),), "functional"),
    ],
    "13.2": [
        ((penalty_with(lambda rise, step: np.mean(rise**2)),), "Divide"),
        ((penalty_with(lambda rise, step: np.mean(rise / step) ** 2),), "Square before"),
        ((penalty_with(lambda rise, step: np.mean(abs(rise / step))),), "without a square"),
        ((penalty_with(lambda rise, step: np.mean(rise**2) / step),), "once"),
        ((penalty_with(lambda rise, step: np.mean((rise / step) ** 2) / 2),), "half"),
        ((penalty_with(lambda rise, step: (rise / step) ** 2),), "shape"),
        ((lambda m, a, b, s, d, e: penalty(m, b, a, s, d, e),), "share belongs"),
        ((lambda m, a, b, s, d, e: penalty(m, a, a, s, d, e),), "between"),
        ((penalty_not_reshaped,), "first axis"),
    ],
    "13.3": [
        ((lambda a, b: squares(b, a),), "exchanged"),
        ((lambda a, b: (squares(a, b)[0], np.mean(b**2)),), "recognised"),
        ((lambda a, b: (squares(a, b)[0], -np.mean(b)),), "scored 1"),
        ((lambda a, b: (squares(a, b)[0] / 2, squares(a, b)[1] / 2),), "one half"),
        ((lambda a, b: (np.sum((a - 1) ** 2) + np.sum(b**2), squares(a, b)[1]),), "two means"),
        ((lambda a, b: squares(a, b)[0],), "two numbers"),
        ((lambda a, b: (squares(a, b)[0], np.mean((b - 1) ** 2) + np.mean(a**2)),), "real ones"),
    ],
}
