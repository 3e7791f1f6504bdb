import numpy as np


def shuffle(eyes, rng):
    return rng.permuted(eyes.reshape(len(eyes), -1), axis=1).reshape(eyes.shape)


def shuffle_one_by_one(eyes, rng):
    flat = [rng.permutation(eye.ravel()).reshape(eye.shape) for eye in eyes]
    return np.stack(flat)


def shuffle_in_place(eyes, rng):
    rng.permuted(eyes.reshape(len(eyes), -1), axis=1, out=eyes.reshape(len(eyes), -1))
    return eyes


def one_order(eyes, rng):
    order = rng.permutation(eyes[0].size)
    return eyes.reshape(len(eyes), -1)[:, order].reshape(eyes.shape)


def rolled(eyes, rng):
    return np.stack([np.roll(eye, int(rng.integers(1, eye.size))) for eye in eyes])


def rows_and_columns(eyes, rng):
    return np.stack([rng.permutation(rng.permutation(eye), axis=1) for eye in eyes])


def distance(a, b):
    a, b = (np.cumsum(np.bincount(e.ravel(), minlength=256)) / e.size for e in (a, b))
    return np.abs(a - b).sum()


def root_of_squares(a, b):
    """Another distance: the root of the mean square of the ways."""
    number = np.lcm(a.size, b.size)
    a, b = (np.repeat(np.sort(e.ravel()).astype(float), number // e.size) for e in (a, b))
    return np.sqrt(((a - b) ** 2).mean())


RIGHT = {
    "08.1": [
        (lambda real, new, old: real + (new + old) / 2,),
        (lambda real, new, old: np.mean([real, real, new, old]) * 2,),
    ],
    "08.2": [("B",), (" b",)],
    "08.3": [(shuffle,), (shuffle_one_by_one,)],
    "08.4": [(distance,), (lambda a, b: distance(b, a),)],
}
WRONG = {
    "08.1": [
        ((lambda real, new, old: real + new + old,), "sum of three"),
        ((lambda real, new, old: (real + new + old) * 2 / 3,), "mean of the other"),
        ((lambda real, new, old: (real + new + old) / 3,), "mean of three"),
        ((lambda real, new, old: real + new,), "is old"),
        ((lambda real, new, old: (real + new) / 2 + old,), "their own mean"),
        ((lambda real, new, old: real + np.sqrt(new * old),), "Add the mean"),
        ((lambda real, new, old: None,), "returns nothing"),
    ],
    "08.2": [
        (("A",), "R(R(x))"),
        (("C",), "R(R(x))"),
        ((...,), "no answer"),
        ((2,), "letters"),
    ],
    "08.3": [
        ((lambda eyes, rng: rng.permuted(eyes[::-1], axis=1),), "another"),
        ((lambda eyes, rng: rng.permuted(eyes, axis=2),), "row"),
        ((lambda eyes, rng: rng.permuted(eyes, axis=1),), "column"),
        ((rolled,), "side by side"),
        ((rows_and_columns,), "side by side"),
        ((one_order,), "same way"),
        ((shuffle_in_place,), "changes the images"),
        ((lambda eyes, rng: eyes,), "still where"),
        ((lambda eyes, rng: rng.integers(0, 256, eyes.shape),), "not the same"),
    ],
    "08.4": [
        ((lambda a, b: distance(a, b) * a.size,), "Divide"),
        ((lambda a, b: float(a.mean()) - float(b.mean()),), "brighter"),
        (
            (
                lambda a, b: np.abs(
                    np.bincount(a.ravel(), minlength=256) / a.size
                    - np.bincount(b.ravel(), minlength=256) / b.size
                ).sum(),
            ),
            "brighter",
        ),
        ((lambda a, b: max(0.0, float(b.mean()) - float(a.mean())),), "sign"),
        ((lambda a, b: abs(a.mean() - b.mean()),), "both add up"),
        ((lambda a, b: abs(np.median(a) - np.median(b)),), "both add up"),
        ((root_of_squares,), "both add up"),
    ],
}
