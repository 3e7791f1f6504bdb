"""The checks of notebook 01, the data."""

import numpy as np

from simgan_exercises import Hint, call, close, task
from simgan_lib.data import simulate
from simgan_lib.data.camera import look_vector


@task("01.1", "Networks predict the vector, and the error in degrees is the angle between vectors.")
def _(gaze_vector):
    pitch, yaw = np.random.default_rng().uniform([[-0.6], [-0.8]], [[0.6], [0.8]], (2, 50))
    expected = np.stack(look_vector(pitch, yaw), axis=1)
    found = np.asarray(call(gaze_vector, pitch, yaw), float)
    if found.shape == expected.T.shape:
        raise Hint("There is a row for each of x, y, z. One row for each eye is asked for.")
    close(found[:0], expected[:0], "")  # the shape
    if found.shape != expected.shape:
        raise Hint(f"The shape should be {expected.shape}; it is {found.shape}.")
    if not np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4):
        raise Hint("Not all vectors have length 1. What does pitch leave for the horizontal plane?")
    straight = np.asarray(call(gaze_vector, np.zeros(1), np.zeros(1)), float)
    close(straight, [[0, 0, -1]], "An eye that looks into the camera has the vector (0, 0, -1).")
    signs = {"x": "Positive yaw is the left of the image.", "y": "y counts *down*.", "z": ""}
    for column, (axis, about) in enumerate(signs.items()):
        if np.allclose(found[:, column], -expected[:, column], atol=1e-4):
            raise Hint(f"The sign of {axis} is wrong. {about}")
    close(found, expected, "Going back with arcsin and atan2 does not give the pitch and the yaw.")


@task("01.2", "Mirroring doubles a data set, and one forgotten column would spoil half of it.")
def _(mirrored):
    images, labels = simulate(6, "simulator", seed=int(np.random.default_rng().integers(10**6)))
    given = images.copy(), labels.copy()
    result = call(mirrored, images, labels)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Hint("Return two things: the images and the table.")
    if not (np.array_equal(images, given[0]) and labels.equals(given[1])):
        raise Hint("The arguments were changed. Make a new array and a new table.")
    turned, table = np.asarray(result[0]), result[1]
    if np.array_equal(turned, images[:, ::-1]):
        raise Hint("The images are upside down. The axes are image, row, column.")
    close(turned, images[:, :, ::-1], "The images are not mirrored left to right.")
    if turned.dtype != np.uint8:
        raise Hint(f"Return uint8 images, as they came; received {turned.dtype}.")
    missing = [name for name in labels if name not in table]
    if missing:
        raise Hint(f"The table has lost the columns {', '.join(missing)}.")
    moved = np.asarray(table["pupil_x"] - (54 - labels["pupil_x"]), float)
    if np.allclose(moved, moved[0]) and 0.1 < abs(moved[0]) < 1.5:
        raise Hint(
            f"pupil_x is off by {abs(moved[0]):g} pixels. The first column has the number 0."
        )
    expected = labels.assign(
        yaw=-labels["yaw"], look_x=-labels["look_x"], pupil_x=54 - labels["pupil_x"]
    )
    for name in expected:
        change = "must change" if name in ("yaw", "look_x", "pupil_x") else "must stay as it is"
        close(table[name], expected[name], f"In a mirror, {name} {change}. Look at its values.")


@task("01.4", "No error message says that labels belong to other images. A test of your own does.")
def _(mixed_up):
    rng = np.random.default_rng()
    count = 600
    images, labels = simulate(count, "simulator", seed=int(rng.integers(10**6)))
    orders = {
        "in the order of text": sorted(range(count), key=str),
        "in a random order": rng.permutation(count),
        "one place further on": np.roll(np.arange(count), 1),
    }
    answer = call(mixed_up, images, labels)
    if not isinstance(answer, bool | np.bool_):
        raise Hint(f"Return True or False; received {type(answer).__name__}.")
    if answer:
        raise Hint("It calls sound data mixed up. Compare with what sound data give.")
    for name, order in orders.items():
        if not call(mixed_up, images[order], labels):
            remedy = "Compare each image with its own label."
            raise Hint(f"It does not notice images that come {name}. {remedy}")
