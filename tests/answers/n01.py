"""Right and wrong answers to the tasks of notebook 01."""

import numpy as np
from scipy import ndimage


def vector(pitch, yaw):
    x, z = -np.cos(pitch) * np.sin(yaw), -np.cos(pitch) * np.cos(yaw)
    return np.stack([x, -np.sin(pitch), z], axis=-1)


def by_rotations(pitch, yaw):
    result = []
    for p, w in zip(pitch, yaw, strict=True):
        about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
        about_y = np.array([[np.cos(w), 0, np.sin(w)], [0, 1, 0], [-np.sin(w), 0, np.cos(w)]])
        result.append(about_y @ about_x @ [0, 0, -1])
    return result


def without_cosine(pitch, yaw):
    return np.stack([-np.sin(yaw), -np.sin(pitch), -np.cos(yaw)], axis=-1)


def signs(*factors):
    return lambda pitch, yaw: vector(pitch, yaw) * factors


def mirrored(images, labels):
    turned = labels.copy()
    turned[["yaw", "look_x"]] *= -1
    turned["pupil_x"] = 54 - turned["pupil_x"]
    return images[:, :, ::-1], turned


def with_numpy(images, labels):
    changes = {"yaw": -labels.yaw, "look_x": -labels.look_x, "pupil_x": 54.0 - labels.pupil_x}
    return [np.flip(images, axis=2), labels.assign(**changes)]


def off_by_one(images, labels):
    turned, table = mirrored(images, labels)
    return turned, table.assign(pupil_x=images.shape[2] - labels["pupil_x"])


def keeps(*columns):
    def wrong(images, labels):
        turned, table = mirrored(images, labels)
        return turned, table.assign(**{name: labels[name] for name in columns})

    return wrong


def in_place(images, labels):
    labels["yaw"] *= -1
    labels["look_x"] *= -1
    labels["pupil_x"] = 54 - labels["pupil_x"]
    return images[:, :, ::-1], labels


def dark_column(images):
    dark = images <= np.quantile(images, 0.05, axis=(1, 2), keepdims=True)
    columns = dark.sum(axis=1)
    return (columns * np.arange(images.shape[2])).sum(axis=1) / columns.sum(axis=1)


def mixed_up(images, labels):
    return np.corrcoef(dark_column(images), labels["pupil_x"])[0, 1] < 0.25


def by_gray_level(images, labels):
    """The pupil's place is darker than the mean of the image, in nearly all images."""
    blurred = ndimage.uniform_filter(images.astype(float), (0, 3, 3))
    x, y = (labels[name].round().astype(int) for name in ("pupil_x", "pupil_y"))
    at_pupil = blurred[np.arange(len(images)), y, x]
    return bool(np.median(at_pupil) > 15)


def compares_means(images, labels):
    return bool(abs(dark_column(images).mean() - labels["pupil_x"].mean()) > 3)


RIGHT = {
    "01.1": [(vector,), (by_rotations,)],
    "01.2": [(mirrored,), (with_numpy,)],
    "01.4": [(mixed_up,), (by_gray_level,)],
}
WRONG = {
    "01.1": [
        ((without_cosine,), "length 1"),
        ((signs(1, -1, 1),), "sign of y"),
        ((signs(-1, 1, 1),), "sign of x"),
        ((signs(1, 1, -1),), "(0, 0, -1)"),
        ((lambda pitch, yaw: vector(pitch, yaw).T,), "One row for each eye"),
        ((lambda pitch, yaw: vector(yaw, pitch),), "arcsin"),
        ((lambda pitch, yaw: vector(np.radians(pitch), np.radians(yaw)),), "arcsin"),
        ((lambda pitch, yaw: ...,), "returns nothing"),
    ],
    "01.2": [
        ((off_by_one,), "off by 1 pixels"),
        ((keeps("pupil_x"),), "pupil_x must change"),
        ((keeps("look_x"),), "look_x must change"),
        ((keeps("yaw", "look_x", "pupil_x"),), "yaw must change"),
        ((lambda i, t: (i[:, ::-1], t.assign(pitch=-t["pitch"])),), "upside down"),
        ((lambda i, t: (i[:, :, ::-1], t.assign(**-t)),), "must stay"),
        ((lambda i, t: i[:, :, ::-1],), "two things"),
        ((in_place,), "arguments were changed"),
        ((lambda i, t: mirrored(i.astype(float), t),), "uint8"),
        ((lambda i, t: None,), "returns nothing"),
    ],
    "01.4": [
        ((lambda images, labels: False,), "does not notice"),
        ((lambda images, labels: True,), "sound data"),
        ((compares_means,), "does not notice"),
        ((lambda images, labels: bool(labels.duplicated().any()),), "does not notice"),
        ((lambda images, labels: labels.index.tolist() == sorted(labels.index),), "sound data"),
        ((lambda images, labels: 0.7,), "True or False"),
        ((lambda images, labels: dark_column(images),), "True or False"),
    ],
}
