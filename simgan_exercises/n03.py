"""The checks of notebook 03, the discriminator."""

import numpy as np

from simgan_exercises import Hint, call, task

WORDS = ("undecided", "dead", "misread")


def suspects(seed=None) -> dict[str, np.ndarray]:
    """Makes logits `(8, 9, 14, 2)` of three discriminators, whose cross-entropy is near 0.69.

    Returns:
        Logits by the letters A, B and C.
    """
    rng = np.random.default_rng(seed)
    made = _logits(rng)
    return dict(zip("ABC", [made[WORDS[k]] for k in rng.permutation(3)], strict=True))


def _logits(rng):
    shape, size = (8, 9, 14, 2), rng.uniform(2, 6)
    undecided = rng.normal(0, rng.uniform(0.02, 0.3), shape)
    # A few patches are alive: a network that has just died.
    dead = np.maximum(rng.normal(-1, 0.5, shape), 0)
    sure = rng.normal([-size, size], 0.05, shape)
    misread = np.moveaxis(sure, -1, 1).reshape(shape)
    return {"undecided": undecided, "dead": dead, "misread": misread}


def _map_size(pixels, padding, strides=(2, 2, 1, 1)):
    for stride in strides:
        pixels = -(-pixels // stride) if padding == "same" else (pixels - 3) // stride + 1
    return pixels


@task("03.1", "The number of patches says how many answers an image gets, and what lambda means.")
def _(map_size):
    drawn = 4 * np.random.default_rng().integers(8, 60, 4) + [0, 1, 2, 3]  # all ways to round
    for pixels in [35, 55, *drawn.tolist()]:
        for padding in ("same", "valid"):
            found, right = call(map_size, pixels, padding), _map_size(pixels, padding)
            if np.shape(found) != ():
                raise Hint(f"Return one number; received {found!r}.")
            if found == right:
                continue
            if padding == "same" and found == pixels // 2 // 2:
                raise Hint(f'With "same", {pixels} pixels do not give {found}. Is it rounded up?')
            if padding == "valid" and found == _map_size(pixels, "same"):
                raise Hint('"valid" gives the same as "same". It loses pixels at the edge.')
            if padding == "valid" and found == _map_size(pixels, padding, (2, 2, 1)):
                raise Hint("There are four layers with kernel 3. The pooling is one of them.")
            raise Hint(f'For {pixels} pixels and "{padding}" it is not {found}. Go layer by layer.')


def _sees(layers):
    field = step = 1
    for kernel, stride in layers:
        field, step = field + (kernel - 1) * step, step * stride
    return field


def _wrong_fields(layers):
    """Results of usual mistakes, with a hint for each."""
    widened = [kernel - 1 for kernel, _ in layers]
    strides = [stride for _, stride in layers]
    after = np.cumprod(strides).tolist()
    before = [1, *after[:-1]]
    yield 1 + sum(widened), "Strides are missing: later layers widen the view in larger steps."
    own = 1 + sum(w * s for w, s in zip(widened, after, strict=True))
    yield own, "A layer's own stride counts for the layers after it."
    alone = 1 + sum(w * s for w, s in zip(widened, strides, strict=True))
    yield alone, "Steps multiply: after two layers of stride 2, positions are 4 pixels apart."
    plain = sum(w * s for w, s in zip(widened, before, strict=True))
    yield plain, "Before the first layer a position sees one pixel: itself."
    kernels = 1 + sum((w + 1) * s for w, s in zip(widened, before, strict=True))
    yield kernels, "A kernel of size 1 adds nothing. So what does one of size k add?"


@task("03.2", "It says what D can complain about, and so what R can be asked to change.")
def _(sees):
    rng = np.random.default_rng()
    for _ in range(5):
        depth = rng.integers(3, 6)
        kernels, strides = 2 * rng.integers(1, 4, depth) + 1, rng.integers(1, 4, depth)
        layers = list(zip(kernels.tolist(), [2, 3, *strides[2:].tolist()], strict=True))
        found, right = call(sees, list(layers)), _sees(layers)
        if np.shape(found) != ():
            raise Hint(f"Return one number; received {found!r}.")
        if found == right:
            continue
        hints = [hint for wrong, hint in _wrong_fields(layers) if found == wrong]
        raise Hint(hints[0] if hints else f"For {layers} it is not {found}.")


@task("03.3", "The loss alone cannot tell a coin from a bug. The logits can.")
def _(diagnose):
    hints = {
        "undecided": "Small logits, none of them exactly zero: that D cannot tell.",
        "dead": "Most logits are exactly zero, though not all need be: what makes such zeros?",
        "misread": "The logits are large, so D is sure. Why is the loss that of a guess?",
    }
    rng = np.random.default_rng()
    for _ in range(5):
        for right, logits in _logits(rng).items():
            found = call(diagnose, logits.copy())
            if found not in WORDS:
                raise Hint(f"Return one of the words {', '.join(WORDS)}; received {found!r}.")
            if found != right:
                raise Hint(f"It says {found!r} of logits that deserve another word. {hints[right]}")
