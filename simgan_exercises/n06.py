"""Checks of notebook 06, the history buffer."""

import numpy as np

from simgan_exercises import Hint, call, task


@task("06.1", "The memory should be longer than one turn of R, and it costs space.")
def _slots_for(function):
    rng = np.random.default_rng()
    rounds, half, updates = int(rng.integers(20, 90)), int(rng.choice([11, 13, 17, 19, 23])), 3
    received = float(call(function, rounds, 2 * half, updates))
    expected = rounds * updates * half
    known = {
        2 * expected: "A push stores the images that were refined for D. Is that a whole batch?",
        rounds * half: "These are pushes of one update a round. There are several.",
        2 * rounds * half: "How many pushes are in a round, and how many images are in a push?",
        expected / 2: "One half too many: half a batch is pushed.",
        rounds * updates: "This counts pushes. Each of them stores several images.",
        rounds * half / updates: "More updates of D push more images: multiply by them.",
    }
    for value, hint in known.items():
        if np.isclose(received, value):
            raise Hint(hint)
    if not np.isclose(received, expected):
        raise Hint("The mean age is n / k pushes. How many pushes are in that many rounds?")


class _Healthy:
    """A list of whole images; new ones replace random old ones."""

    def __init__(self, size, shape):
        self.rng, self.size, self.images = np.random.default_rng(), size, []

    def push(self, images):
        for image in np.array(images):
            if len(self.images) < self.size:
                self.images.append(image)
            else:
                self.images[self.rng.integers(self.size)] = image

    def sample(self, number):
        chosen = self.rng.choice(len(self.images), number, replace=False)
        return np.array([self.images[slot] for slot in chosen])


class _NeverFills(_Healthy):
    def push(self, images):
        pass

    def sample(self, number):
        return np.array(self.images)[:number]


class _WritesPixels(_Healthy):
    def __init__(self, size, shape):
        super().__init__(size, shape)
        self.images = np.zeros((size, *shape), "float32")

    def push(self, images):
        np.put(self.images, self.rng.choice(self.size, len(images), replace=False), images)


class _AlwaysTheSame(_Healthy):
    def sample(self, number):
        return np.array(self.images[:number])


class _KeepsOnlyTheLast(_Healthy):
    def push(self, images):
        self.images = list(np.array(images))

    def sample(self, number):
        return np.array(self.images)[self.rng.choice(len(self.images), number)]


@task("06.2", "Ten lines of test, written on the day of the buffer, would have found the bug.")
def _is_healthy(function):
    bugs = {
        _NeverFills: "Your test calls a buffer healthy that never fills.",
        _WritesPixels: "Your test calls a buffer healthy whose slots hold parts of many images.",
        _AlwaysTheSame: "Your test calls a buffer healthy that hands out the same slots each time.",
        _KeepsOnlyTheLast: "Your test calls a buffer healthy that keeps the last push alone.",
    }
    for _ in range(2):
        try:
            healthy = call(function, _Healthy)
        except Hint as hint:
            raise Hint(f"On a healthy buffer: {hint}") from None
        if not healthy:
            raise Hint(
                "Your test rejects a healthy buffer. Are there more images than slots, or too few "
                "samples for each image to come up?"
            )
        for bug, hint in bugs.items():
            try:
                accepted = function(bug)
            except Exception as error:
                raise Hint(
                    f"With one of the broken buffers your test stops with {type(error).__name__}. "
                    "It should return False."
                ) from None
            if accepted or accepted is None:
                raise Hint(hint)


@task("06.3", "Filled is not the same as old. The order of sampling and pushing matters.")
def _full_and_useless(answer):
    hints = {
        "B": "How many of the 16 slots are left for older images after a push of 16?",
        "C": "The buffer is full, so there is something in it. How old is it?",
        "D": "Which slots does a push of 16 images into 16 slots replace?",
    }
    answer = str(answer).strip().upper()
    if answer != "A":
        raise Hint(hints.get(answer, "Answer with one letter: A, B, C or D."))


@task("06.4", "The past is a delay, and a delay makes a control loop swing. Compare the swings.")
def _approach(function):
    shapes = []

    def mix(fresh):
        shapes.append(np.shape(fresh))
        return np.concatenate([fresh, fresh])

    plain = np.asarray(call(function, None, 600, 0), "float64")
    if plain.shape != (600,):
        raise Hint(f"Return one place for each of 600 rounds; received the shape {plain.shape}.")
    if not np.isfinite(plain).all():
        raise Hint("Some places are not finite. Compare the signs and rates of both steps.")
    if len(np.asarray(call(function, None, 20, 0))) != 20:
        raise Hint("The argument rounds is not used.")
    if not abs(plain[0] - 1) < 0.2:
        raise Hint("R starts at 1, and its first step is a small one.")
    if not (np.abs(plain[300:]).mean() < 0.3 and plain[:300].min() < 0.5):
        raise Hint("R should come near 0, the webcam's place. Which way does its step go?")
    if not np.allclose(plain, call(function, None, 600, 0)):
        raise Hint("The same seed should give the same places.")
    if np.allclose(plain, call(function, None, 600, 1)):
        raise Hint("The argument seed is not used.")
    mixed = call(function, mix, 10, 0)
    if not shapes:
        raise Hint("mix is never called: with it, D should learn from what it returns.")
    if set(shapes) != {(4, 1)}:
        raise Hint(f"mix should get 4 fresh points of shape (4, 1); it got {shapes[0]}.")
    if np.allclose(mixed, call(function, lambda fresh: mix(fresh) - 5, 10, 0)):
        raise Hint("mix is called, and D does not learn from what it returns.")
