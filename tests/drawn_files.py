"""Small files as users' programs write them, drawn for the tests of the readers."""

import json

import h5py
import numpy as np
from PIL import Image

from simgan_lib.data import ImageSet
from simgan_lib.data.labels import gaze_labels


def some_images(n=12, size=(35, 55), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *size), dtype=np.uint8)


def some_looks(n=12, seed=0):
    """Gaze directions in UnityEyes' axes: y up, the camera at -z."""
    look = np.random.default_rng(seed).normal([0, 0, -3], 1, (n, 3))
    look[:, 2] = -np.abs(look[:, 2])
    return look / np.linalg.norm(look, axis=1, keepdims=True)


def unity(look):
    """From UnityEyes' axes to ours."""
    return gaze_labels(np.asarray(look) * [1, -1, 1])


def labelled(n=12, seed=0, size=(35, 55)):
    labels = unity(some_looks(n, seed))
    return ImageSet(some_images(n, size, seed), labels.assign(pupil_x=27.0, pupil_y=17.0), "test")


def in_colour(n=12, size=(35, 55), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *size, 3), dtype=np.uint8)


def write_group(path, images, look=None):
    with h5py.File(path, "w") as file:
        for i, image in enumerate(images):
            file[f"image/{i}"] = image
        if look is not None:
            file["look_vec"] = look


def write_unityeyes(folder, number, look, iris, box=(200, 330, 250, 350), size=(800, 600)):
    """One record; `iris` and `box` (left, right, top, bottom) are in pixels from the top left."""
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    picture = np.where((x - iris[0]) ** 2 + (y - iris[1]) ** 2 < 12**2, 0, 200).astype(np.uint8)
    Image.fromarray(picture).convert("RGB").save(folder / f"{number}.jpg", quality=95)

    def points(xy):
        return [f"({px + 0.5:.4f}, {height - py - 0.5:.4f}, 9.0000)" for px, py in xy]

    left, right, top, bottom = box
    middle = (left + right) / 2, (top + bottom) / 2
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    record = {
        "eye_details": {"look_vec": f"({look[0]:.4f}, {look[1]:.4f}, {look[2]:.4f}, 0.0000)"},
        "interior_margin_2d": points([(middle[0], top), (right, middle[1]), (middle[0], bottom)]),
        "caruncle_2d": points([(left, middle[1])]),
        "iris_2d": points([(iris[0] + 12 * np.cos(a), iris[1] + 12 * np.sin(a)) for a in angles]),
        "head_pose": "(0.0, 180.0, 0.0)",
    }
    (folder / f"{number}.json").write_text(json.dumps(record))


def write_pictures(folder, table):
    folder.mkdir(exist_ok=True)
    for i, image in enumerate(some_images(3)):
        Image.fromarray(image).save(folder / f"eye{i}.png")
    table.assign(file=[f"eye{i}" for i in range(3)]).to_csv(folder / "labels.csv", index=False)
