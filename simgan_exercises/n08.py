"""Checks of notebook 08: the results beside the report's."""

import numpy as np

from simgan_exercises import Hint, call, close, task


@task("08.1", "A sum says nothing before its terms are known, and what each is a mean of.")
def _(as_two_terms):
    real, new, old = np.random.default_rng().uniform(0.05, 3.0, 3)
    received = call(as_two_terms, real, new, old)
    known = {
        "This is the sum of three. Our refined images have one mean.": real + new + old,
        "This is right only where real images have the mean of the other two terms.": (
            real + new + old
        )
        * 2
        / 3,
        "L_D is a sum of two means, and not a mean of three.": (real + new + old) / 3,
        "Half of our refined batch is old.": real + new,
        "Old images are refined ones. Real images have their own mean.": (real + new) / 2 + old,
    }
    for hint, wrong in known.items():
        if np.shape(received) == () and np.isclose(received, wrong):
            raise Hint(hint)
    close(received, real + (new + old) / 2, "Add the mean on real and the mean on refined images.")


@task("08.2", "R learned a rule for the simulator's images. It has no notion of 'enough'.")
def _(again):
    letter = str(again).strip().upper()
    if letter not in {"A", "B", "C"}:
        raise Hint('Answer with one of the letters "A", "B" and "C".')
    if letter != "B":
        raise Hint("Compute R(R(x)), and compare the mean change of both steps in gray levels.")


@task("08.3", "A histogram does not know where the gray levels are.")
def _(shuffle_pixels):
    rng = np.random.default_rng()
    eyes = rng.integers(0, 256, (6, 9, 11), "uint8")
    before = eyes.copy()
    shuffled = np.asarray(call(shuffle_pixels, eyes, rng))
    if not np.array_equal(eyes, before):
        raise Hint("Your function changes the images that it is given. Return new ones.")
    if shuffled.shape != eyes.shape:
        raise Hint(f"The shape should be {eyes.shape}; it is {shuffled.shape}.")
    if not np.array_equal(np.sort(shuffled.ravel()), np.sort(eyes.ravel())):
        raise Hint("The gray levels are not the same: pixels may only change places.")
    flat, old = shuffled.reshape(6, -1), eyes.reshape(6, -1)
    if not np.array_equal(np.sort(flat, axis=1), np.sort(old, axis=1)):
        raise Hint("Pixels have moved from one image to another. Shuffle each image by itself.")
    if (flat == old).mean() > 0.2:
        raise Hint("Many pixels are still where they were. Shuffle all pixels of an image.")
    ramp = np.tile(np.arange(99, dtype="uint8").reshape(1, 9, 11), (6, 1, 1))
    moved = np.asarray(call(shuffle_pixels, ramp, rng)).reshape(6, -1)
    if (moved == moved[0]).all():
        raise Hint("All images are shuffled in the same way. Draw new places for each one.")
    rows, columns = moved.reshape(6, 9, 11) // 11, moved.reshape(6, 9, 11) % 11
    if (rows == np.arange(9)[:, None]).all():
        raise Hint("Pixels stay in their row. Flatten each image before you shuffle it.")
    if (columns == np.arange(11)).all():
        raise Hint("Pixels stay in their column. Flatten each image before you shuffle it.")
    along, down = np.diff(rows, axis=2) == 0, np.diff(columns, axis=1) == 0
    if along.mean() > 0.5 or down.mean() > 0.5:
        raise Hint("Pixels of one row or column stay side by side. Each pixel moves by itself.")


@task("08.4", "It says in gray levels how far the pixels would have to be moved.")
def _(earth_movers_distance):
    rng = np.random.default_rng()
    a = rng.integers(0, 200, (5, 7, 9), "uint8")
    shift = int(rng.integers(3, 40))
    received = float(call(earth_movers_distance, a, (a + shift).astype("uint8")))
    if received > 50 * shift:
        raise Hint("Divide the counts by the number of pixels: sets may differ in size.")
    close(received, shift, f"All pixels {shift} brighter is a distance of {shift} gray levels.")
    close(
        call(earth_movers_distance, a[:2], np.concatenate([a[:2]] * 3)), 0.0, "Sets of other sizes."
    )
    close(call(earth_movers_distance, (a + shift).astype("uint8"), a), shift, "It has no sign.")
    gray = np.full((2, 6, 8), 100, "uint8")
    spread = gray.copy()
    spread[:, 0:6:4] -= np.uint8(shift)  # rows 0 and 4
    spread[:, 1:6:4] += np.uint8(shift)  # rows 1 and 5
    close(
        call(earth_movers_distance, spread, gray),
        shift * 2 / 3,
        f"Where a third of the pixels is {shift} darker and a third {shift} brighter, both add up.",
    )
