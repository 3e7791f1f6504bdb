"""Planted answers to the exercises of notebook 06."""

import numpy as np


def healthy(make):
    buffer = make(8, (2, 2))
    pushed = np.arange(32, dtype="float32").reshape(8, 2, 2) + 1
    buffer.push(pushed[:4])
    buffer.push(pushed[4:])
    samples = [np.asarray(buffer.sample(4), "float32") for _ in range(60)]
    drawn = {image.tobytes() for sample in samples for image in sample}
    return drawn == {image.tobytes() for image in pushed}


def healthy_by_numbers(make):
    buffer = make(6, (3, 3))
    for start in (1, 4):
        buffer.push(np.stack([np.full((3, 3), start + i, "float32") for i in range(3)]))
    seen = set()
    for _ in range(80):
        for image in np.asarray(buffer.sample(2)):
            if (image != image.flat[0]).any():
                return False
            seen.add(int(image.flat[0]))
    return seen == {1, 2, 3, 4, 5, 6}


def only_the_shape(make):
    buffer = make(8, (2, 2))
    buffer.push(np.ones((8, 2, 2)))
    return np.shape(buffer.sample(4)) == (4, 2, 2)


def one_sample(make):
    buffer = make(4, (2, 2))
    pushed = np.arange(16, dtype="float32").reshape(4, 2, 2) + 1
    buffer.push(pushed)
    drawn = {image.tobytes() for image in np.asarray(buffer.sample(4), "float32")}
    return len(drawn) == 4 and drawn <= {image.tobytes() for image in pushed}


def too_many(make):
    buffer = make(4, (2, 2))
    pushed = np.arange(64, dtype="float32").reshape(16, 2, 2)
    for start in range(0, 16, 4):
        buffer.push(pushed[start : start + 4])
    drawn = {
        image.tobytes() for _ in range(60) for image in np.asarray(buffer.sample(4), "float32")
    }
    return drawn == {image.tobytes() for image in pushed}


def asserting(make):
    buffer = make(8, (2, 2))
    buffer.push(np.ones((8, 2, 2)))
    assert len(buffer.sample(4)) == 4
    return True


def probability(weights, points):
    return 1 / (1 + np.exp(-(weights[0] + np.asarray(points) @ weights[1:])))


def teach(weights, webcam, refined):
    points = np.concatenate([webcam, refined])
    labels = np.repeat([0.0, 1.0], [len(webcam), len(refined)])
    inputs = np.column_stack([np.ones(len(points)), points])
    return weights - 0.5 * inputs.T @ (probability(weights, points) - labels) / len(webcam)


def approaching(
    direction=-1.0, start=1.0, fresh=4, use_seed=True, use_mix=True, use_past=True, keep=None
):
    def approach(mix=None, rounds=600, seed=0):
        rng = np.random.default_rng(seed if use_seed else 0)
        place, weights, places = start, np.zeros(2), []
        for _ in range(keep or rounds):
            number = 8 if mix is None else fresh
            refined = place + 0.2 * rng.normal(size=(number, 1))
            if mix is not None and use_mix:
                past = mix(refined.astype("float32"))
                refined = past if use_past else refined
            weights = teach(weights, 0.2 * rng.normal(size=(8, 1)), refined)
            place += direction * 0.2 * probability(weights, [place]) * weights[1]
            places.append(place)
        return np.array(places)

    return approach


RIGHT = {
    "06.1": [(lambda r, b, k: r * k * b // 2,), (lambda r, b, k: (b / 2) * (r * k),)],
    "06.2": [(healthy,), (healthy_by_numbers,)],
    "06.3": [("A",), ("a",)],
    "06.4": [(approaching(),), (lambda *a: list(approaching()(*a)),)],
}
WRONG = {
    "06.1": [
        ((lambda r, b, k: r * k * b,), "whole batch"),
        ((lambda r, b, k: r * b // 2,), "one update a round"),
        ((lambda r, b, k: r * k,), "counts pushes"),
        ((lambda r, b, k: r * b / 2 / k,), "multiply"),
        ((lambda r, b, k: r * k * b / 4,), "One half too many"),
    ],
    "06.2": [
        ((lambda make: True,), "never fills"),
        ((lambda make: False,), "rejects a healthy"),
        ((only_the_shape,), "parts of many"),
        ((one_sample,), "same slots"),
        ((too_many,), "rejects a healthy"),
        ((asserting,), "return False"),
    ],
    "06.3": [
        (("B",), "left for older"),
        (("C",), "How old"),
        (("D",), "replace"),
        (("the present",), "one letter"),
    ],
    "06.4": [
        ((approaching(direction=1.0),), "Which way"),
        ((approaching(start=0.0),), "starts at 1"),
        ((approaching(fresh=8),), "4 fresh points"),
        ((approaching(use_mix=False),), "never called"),
        ((approaching(use_past=False),), "does not learn"),
        ((approaching(use_seed=False),), "seed is not used"),
        ((approaching(keep=300),), "600 rounds"),
    ],
}
