# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 06 · The history buffer
# <!-- colab:notebooks/06_history_buffer.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - explain how a discriminator that sees only the present lets the refiner go round in circles;
# - build a history buffer, and compute how far back it remembers;
# - catch, with one assertion, a bug that has been copied through public SimGAN codes for years;
# - weigh what the recorded runs do, and do not, say about the buffer's worth.
#
# **You need** notebooks 03 (the discriminator D) and 04 (its loss).

# %% tags=["shared", "setup"]
from functools import partial

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import backends, checks, losses, notebook, plots
from simgan_lib.config import UserError
from simgan_lib.data import to_float, to_uint8
from simgan_lib.runs import Run

scale = notebook.start()

# %% [markdown]
# ## 1. Cat and mouse on a circle
#
# R can hardly ever be perfect; it will leave *some* artifact. But it may choose which: eyes too bright, too dark,
# too rough, too smooth. D learns to spot today's artifact, so R turns to another. D follows. Has D, by
# then, forgotten the first?
#
# We shrink the story until it fits on a page. An image is a point in the plane. Webcam images lie around
# the origin. Refined images lie on a circle around them: the radius says that there is an artifact,
# and R chooses only the **angle**, which one.


# %% tags=["shared"]
def draw(angle, number, rng):
    """Refined points: near the place on the circle that R has chosen."""
    points = [np.cos(angle), np.sin(angle)] + 0.2 * rng.normal(size=(number, 2))
    return points.astype("float32")


# %% [markdown]
# D is the smallest there is, a logistic regression: it draws *one straight line* through the plane and calls
# one side refined. It takes a gradient step on the same loss $L_D$ as ever:


# %% tags=["shared"]
def probability(weights, points):
    """D's probability that points are refined: a bias, and a weight for each coordinate."""
    return 1 / (1 + np.exp(-(weights[0] + np.asarray(points) @ weights[1:])))


def teach(weights, webcam, refined, rate=0.5):
    """One gradient step of D."""
    points = np.concatenate([webcam, refined])
    labels = np.repeat([0.0, 1.0], [len(webcam), len(refined)])
    inputs = np.column_stack([np.ones(len(points)), points])
    return weights - rate * inputs.T @ (probability(weights, points) - labels) / len(webcam)


# %% [markdown]
# R turns its angle down the slope of its loss, $-\log(1 - D)$: away from where D expects refined images.


# %% tags=["shared"]
def turn(angle, weights, rate=0.5):
    """One gradient step of R."""
    here, along = [np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]
    return angle - rate * probability(weights, here) * (weights[1:] @ along)


# %% [markdown]
# **Predict.** The two take turns, 300 rounds, a batch of 8. Will R's angle settle, swing to and fro, or run
# round and round?


# %% tags=["shared"]
def chase(mix=None, rounds=300, seed=0):
    """Plays the game; `mix` puts points of the past beside the fresh ones."""
    rng = np.random.default_rng(seed)
    angle, weights, angles = 0.3, np.zeros(3), []
    for _ in range(rounds):
        refined = draw(angle, 8, rng) if mix is None else mix(draw(angle, 4, rng))
        weights = teach(weights, 0.2 * rng.normal(size=(8, 2)), refined)
        angle = turn(angle, weights)
        angles.append(angle)
    return np.array(angles), weights


# %%
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
for seed in range(3):
    angles, weights = chase(seed=seed)
    axis.plot(angles / (2 * np.pi), color=plots.BLUE, alpha=0.4 + 0.3 * seed, label=f"seed {seed}")
axis.set(xlabel="round", ylabel="R's angle, in turns")
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "R's angle over the rounds, for three seeds. A straight line means that R runs round the circle at a "
    "steady pace; up or down is a matter of luck.",
)

# %%
way = np.sign(angles[-1] - angles[0])
for turns_ago in (0, 0.25, 0.5, 0.75):
    place = angles[-1] - way * 2 * np.pi * turns_ago
    p = probability(weights, [np.cos(place), np.sin(place)])
    print(f"artifact of {turns_ago:.2f} turns ago: D says refined with probability {p:.2f}")

# %% tags=["check"]
assert abs(angles[-1] - angles[0]) > 4 * np.pi
assert p < 0.4

# %% [markdown]
# Round and round, in one direction, for as long as you let it. Nothing improves: R's images are as far from
# the webcam's as ever. And the numbers show why it never ends. D lags behind: it is surest of the artifact of a
# quarter of a turn ago. The one of three quarters ago it has **forgotten** and takes for a webcam's. But on a circle, three
# quarters back is *one quarter ahead*: there R goes next, with profit.
#
# The remedy of the paper (section 2.3): D should know all of R's images so far, not only the latest. All
# is too many; so keep *some* in a **history buffer**, and let it fill half of D's refined mini-batch.

# %% [markdown]
# ## 2. Does a real D forget?
#
# A toy proves nothing about eyes. So: two stand-ins for the refined images of two phases of a training, simulated eyes
# that are too bright, and later ones that are too dark. D first learns the bright ones against the simulated
# webcam, then the dark ones. All the while we test it on bright ones that it has never trained on.

# %%
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
webcam, synthetic = to_float(data.real.images), to_float(data.synthetic.images)
bright, dark = np.clip(synthetic + 0.6, -1, 1), np.clip(synthetic - 0.6, -1, 1)
rows = {
    "simulated\nwebcam": data.real.images[:6],
    "too bright": to_uint8(bright[:6]),
    "too dark": to_uint8(dark[:6]),
}
notebook.show(
    plots.contact_sheet(rows, columns=6),
    "what D has to tell apart: simulated webcam images, and two stand-ins for refined ones with opposite "
    "artifacts.",
)

# %% [markdown]
# `update_discriminator` of `SimGAN` is one step of D. Before it, `model.buffer.mix` puts images of the past beside half a
# batch of fresh ones. With `buffer_size=0` there is no past, and the whole batch is fresh.


# %%
def schooling(buffer_size):
    """Teaches D bright, then dark; returns its accuracy on unseen bright ones."""
    steps = max(4, scale.live // 3)
    model = simgan_lib.SimGAN(scale.config.replace(buffer_size=buffer_size))

    def lesson(y, fresh):
        return model.update_discriminator(y, model.buffer.mix(fresh))

    update = backends.current().compile(lesson, model.state)
    rng, size = np.random.default_rng(0), scale.config.batch_size
    seen, right = len(synthetic) - 100, []
    for step in range(2 * steps):
        refined = bright if step < steps else dark
        fresh = refined[rng.integers(seen, size=size // 2 if buffer_size else size)]
        update([(webcam[rng.integers(len(webcam), size=size)], fresh)])
        right.append(float(losses.accuracy(model.discriminator(bright[seen:]), losses.REFINED)))
    return np.array(right)


# %% [markdown]
# **Predict.** At the end of the dark lessons, what share of the patches of *bright* images will D still call refined?

# %%
forgetful = schooling(buffer_size=0)
half = len(forgetful) // 2
print(f"bright images, patches called refined: {forgetful[half - 1]:.0%} after the bright lessons,")
print(f"{forgetful[-1]:.0%} after the dark ones")

# %% tags=["check"]
if scale.live > 10:
    assert forgetful[-1] < forgetful[half - 1] - 0.2

# %% [markdown]
# What D knew well, it has lost. Nobody told it that bright images had become genuine; they only stopped coming, and
# "bright is webcam, dark is refined" became the easiest rule. This is *catastrophic forgetting*, and
# an R that listens to this D will be glad to turn bright again.
#
# ## 3. Build the buffer
#
# Three rules. (1) It has a fixed number of slots. (2) D draws different images from it, at random. (3) New images
# go into empty slots first, and later into random ones. We write the library's buffer, a rule at a time, and test it
# with images of one pixel that carry a number.
#
# Rule 1 is what the buffer *is*: images, how many slots are filled, and a source of random numbers. All are Keras
# variables. Section 6 says why.


# %% tags=["shared"]
class Buffer:
    def __init__(self, size, shape, seed=0):
        self.size = size
        self.images = keras.Variable(np.zeros((size, *shape), "float32"))
        self.count = keras.Variable(0, dtype="int32")
        self.seed_generator = keras.random.SeedGenerator(seed)


def held(buffer):
    """What is in the filled slots, as an array."""
    return ops.convert_to_numpy(buffer.images)[: int(buffer.count)]


# %% [markdown]
# Rule 2. Every slot gets a random key, and the slots with the smallest keys are taken. No key of a filled slot reaches 1,
# so an empty slot with the key 2 comes last.


# %% tags=["shared", "taught:history"]
def sample(self, number):
    keys = keras.random.uniform((self.size,), seed=self.seed_generator)
    # Empty slots sort behind all filled ones.
    keys = ops.where(ops.arange(self.size) < self.count, keys, 2.0)
    return ops.take(self.images, ops.argsort(keys)[:number], axis=0)


# %% [markdown]
# Rule 3. The same trick, but the keys of empty slots are negative. They come first, and in order.


# %% tags=["shared", "taught:history"]
def push(self, images):
    number = images.shape[0]
    if number > self.size:
        raise UserError(
            f"Received {number} images for a history buffer of {self.size}. "
            "Set buffer_size to at least half the batch size."
        )
    slots = ops.arange(self.size)
    keys = keras.random.uniform((self.size,), seed=self.seed_generator)
    # Keys of empty slots are negative and rise with the slot: they come first, in order.
    empty_first = ops.cast(slots - self.size, "float32")
    keys = ops.where(slots < self.count, keys, empty_first)
    chosen = ops.argsort(keys)[:number]
    self.images.assign(ops.scatter_update(self.images.value, chosen[:, None], images))
    self.count.assign(ops.minimum(self.count + number, self.size))


# %% [markdown]
# D takes both at once. `mix` puts images of the past beside the fresh ones, and then keeps the fresh ones. While the
# buffer holds too few, the fresh ones stand in for the past.


# %% tags=["shared", "taught:history"]
def mix(self, fresh):
    if self.size == 0:
        return fresh
    number = fresh.shape[0]
    past = ops.where(self.count >= number, self.sample(number), fresh)
    self.push(fresh)
    return ops.concatenate([fresh, past])


# %% tags=["shared"]
Buffer.sample, Buffer.push, Buffer.mix = sample, push, mix


def numbered(*numbers):
    """Images of one pixel, which carry these numbers."""
    return np.array(numbers, "float32")[:, None]


# %% [markdown]
# **Predict.** A buffer of 6 slots is handed the images 1 to 4, then 5 to 8. What does it hold after each?

# %%
buffer = Buffer(6, shape=(1,))
for numbers in ((1, 2, 3, 4), (5, 6, 7, 8)):
    buffer.push(numbered(*numbers))
    print(f"{int(buffer.count)} filled:", held(buffer)[:, 0])
print("a sample of 3:", ops.convert_to_numpy(buffer.sample(3))[:, 0])

# %% [markdown]
# The 5 and the 6 (or whichever come first) went into the two empty slots; the other two each drove out one of the old.
# A slip is easy in code like this, so we say in assertions what we expect, whatever the random numbers do:

# %% tags=["check"]
for seed in range(20):
    buffer = Buffer(6, shape=(1,), seed=seed)
    buffer.push(numbered(1, 2, 3, 4))
    assert sorted(held(buffer)[:, 0]) == [1, 2, 3, 4]
    buffer.push(numbered(5, 6, 7, 8))
    assert int(buffer.count) == 6
    assert {5, 6, 7, 8} < set(held(buffer)[:, 0])
    assert len(set(ops.convert_to_numpy(buffer.sample(5))[:, 0])) == 5

# %% [markdown]
# ## 4. How far back does it remember?
#
# Once the buffer is full, each push of $k$ images replaces a share $k/n$ of its $n$ slots. So an image
# survives a push with probability $1 - k/n$, its age is geometrically distributed, and its mean is
# about $n/k$ pushes.
#
# **Predict.** Our buffer, with half a batch a push: how many D updates back is that? How many rounds?

# %%
k, n = scale.config.batch_size // 2, scale.config.buffer_size
print(f"{n} slots, {k} images a push: {n / k:.0f} D updates,")
print(
    f"with K_d = {scale.config.discriminator_updates} that is {n / k / scale.config.discriminator_updates:.0f} rounds"
)

# %% [markdown]
# Check it: every image carries the number of its push, so its age can be read off.

# %%
pushes, slots, new = 500, 512, 16
buffer = Buffer(slots, shape=(1,))
for number in range(pushes):
    buffer.push(np.full((new, 1), number, "float32"))
ages = pushes - 1 - held(buffer)[:, 0]
print(f"mean age {ages.mean():.0f} pushes; n/k = {slots / new:.0f}")

# %%
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
edges = np.arange(0, 201, 10)
axis.hist(ages, edges, color=plots.PINK, label="in the buffer")
expected = slots * -np.diff((1 - new / slots) ** edges)
axis.plot(edges[:-1] + 5, expected, "o-", color="black", markersize=3, label="geometric")
axis.set(xlabel="age, in pushes", ylabel="images")
axis.legend(fontsize="small")
notebook.show(
    figure,
    "how old the images in a full buffer of 512 are, when 16 are replaced at a time: many young, few old, as "
    "the geometric distribution says.",
)

# %% tags=["check"]
assert 0.7 * slots / new < ages.mean() < 1.4 * slots / new

# %% [markdown]
# This is a memory that fades, and its length is ours to choose: $n/k$ must be *longer than one swing* of R, or D has
# forgotten by the time R returns. The paper names no size.
#
# ## 5. A bug that was copied for years
#
# One of the best-known public SimGAN codes pushes into its buffer like this (the idea, in our words):


# %%
class NeverFills:
    """Spot the bug."""

    def __init__(self, shape):
        self.images = np.zeros((0, *shape))

    def push(self, images):
        np.append(self.images, images, axis=0)

    def sample(self, number):
        return self.images[:number]


# %% [markdown]
# **Predict.** What does `sample(4)` return after ten pushes: an error, four images, or something else?

# %%
broken = NeverFills(shape=(1,))
for number in range(10):
    broken.push(np.full((4, 1), number))
print("held:", len(broken.images), " sampled:", broken.sample(4).shape)

# %% [markdown]
# Nothing, and *no error*. `np.append` does not append: it returns a longer copy, which is thrown away here. The buffer
# stays empty for ever, and slicing an empty array is legal. Joined to half a batch of fresh images, no
# images are still half a batch, so D trains on; losses fall, pictures appear. The bug was copied into
# at least four more repositories and into Kaggle notebooks, and issue trackers are where one reads of it
# (mjdietzx#18 and #22, AlexHex7#5).
#
# How would you have noticed? Not from the curves. But from one line, written on the day the buffer was:

# %%
try:
    assert len(broken.images) > 0, "pushed forty images, holds none"
except AssertionError as error:
    print("caught:", error)

# %% [markdown]
# **What goes in must be there afterwards.** A container deserves no better test, and no less. Our library logs it too:
# `history_filled` in `metrics.csv` must climb to 1.
#
# ### Two cousins
#
# Others got it wrong in their own way. One code puts images with `np.put`, which counts in the *flattened*
# array; another always hands out the oldest.

# %%
images = np.zeros((6, 2, 2))
np.put(images, [0, 3], np.full((2, 2, 2), 9.0))
print(
    "slots 0 and 3 should be all 9:", *(f"\nslot {slot}: {images[slot].ravel()}" for slot in (0, 3))
)

# %% [markdown]
# Two *pixels* of slot 0 were replaced, and slot 3 not at all: `images[[0, 3]] = ...` was meant. With
# training, such a buffer turns into a collage. The test: after a push, every slot holds a whole image, old or new.


# %%
def oldest(buffer, number):
    """Always the same slots: those that were filled first."""
    return held(buffer)[:number]


buffer = Buffer(8, shape=(1,))
buffer.push(numbered(*range(8)))
for name, draw_four in (("random", buffer.sample), ("oldest", partial(oldest, buffer))):
    drawn = [ops.convert_to_numpy(draw_four(4))[:, 0].astype(int) for _ in range(3)]
    print(f"{name}:", *(sorted(four.tolist()) for four in drawn))

# %% [markdown]
# The second D meets the same half again and again. It will learn *these images* by heart. The test:
# over many samples, every filled slot must come up.

# %% tags=["check"]
drawn = {value for _ in range(50) for value in ops.convert_to_numpy(buffer.sample(4))[:, 0]}
assert drawn == set(range(8)), "every slot comes up"
assert {value for _ in range(50) for value in oldest(buffer, 4)[:, 0]} != set(range(8))

# %% [markdown]
# ## 6. Why variables?
#
# Why Keras variables, and not a list and a counter? Training steps are *compiled*: Python runs once, while the graph is
# traced, and never again. A list or a counter in Python is then frozen.
#
# **Predict.** We call a compiled step five times; it notes each call in a Python list. How long is the list?

# %%
noted = []


def step(images):
    noted.append("called")
    return {"mean": ops.mean(images)}


compiled = backends.current().compile(step, [])
for _ in range(5):
    compiled([(np.zeros(3, "float32"),)])
print("five calls, noted:", len(noted))

# %% [markdown]
# Not five. A buffer made of Python would never fill: the old bug in new clothes. So the images, the count and the random
# state are *variables*. The compiled step changes them, and a checkpoint saves them, so that a resumed run goes on with its
# memories. The library's [`HistoryBuffer`](../simgan_lib/history.py) is our buffer as a Keras layer, whose variables a
# model finds by itself:

# %%
history = simgan_lib.HistoryBuffer(size=6, image_shape=(1, 1, 1))
for start in (1, 5):
    history.push(np.arange(start, start + 4, dtype="float32").reshape(4, 1, 1, 1))
    print(
        f"{float(history.fraction_filled()):.0%} full:",
        ops.convert_to_numpy(history.images).ravel(),
    )
print("a sample of 3:", ops.convert_to_numpy(history.sample(3)).ravel())
print({variable.name: tuple(variable.shape) for variable in history.variables})

# %% [markdown]
# Compiling explains the keys of section 3 as well: shapes in a compiled graph are fixed, so it cannot take a part whose
# size changes. The library's buffer stands the same tests:

# %% tags=["check"]
inside = set(ops.convert_to_numpy(history.images).ravel().tolist())
assert float(history.fraction_filled()) == 1.0
assert {5.0, 6.0, 7.0, 8.0} < inside
drawn = [ops.convert_to_numpy(history.sample(3)).ravel().tolist() for _ in range(60)]
assert all(len(set(three)) == 3 for three in drawn)
assert {value for three in drawn for value in three} == inside

# %% [markdown]
# In `mix` the order matters: **first sample, then push**. The other way round, some of the "past" would be
# the images just refined, and D would see them twice.
#
# ## 7. Does it help?
#
# First the toy. `chase` of section 1 takes the `mix` of our buffer. We compile it, as it is called thousands of times.


# %% tags=["shared"]
def remember(size, shape, seed=0):
    """Returns the compiled `mix` of a new buffer."""
    buffer = Buffer(size, shape, seed)
    state = [buffer.images, buffer.count, buffer.seed_generator.state]
    compiled = backends.current().compile(lambda fresh: {"mixed": buffer.mix(fresh)}, state)
    return lambda fresh: ops.convert_to_numpy(compiled([(fresh,)])["mixed"])


# %% [markdown]
# **Predict.** D still draws one straight line only, and half of its batch is always fresh. Can the buffer stop the
# chase altogether?

# %%
runs = {"no buffer": [chase(seed=seed)[0] for seed in range(3)]}
for size in (16, 64, 256):
    runs[f"{size} slots"] = [chase(remember(size, (2,), seed), seed=seed)[0] for seed in range(3)]
turns = {name: [abs(a[-1] - a[100]) / (2 * np.pi) for a in some] for name, some in runs.items()}
for name, each in turns.items():
    print(
        f"{name:<10} {np.mean(each):.1f} turns in the last 200 rounds (seeds: {np.round(each, 1)})"
    )

# %%
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
shades = (plots.BLUE, plots.PINK, plots.GREEN, plots.ORANGE)
for (name, some), color in zip(runs.items(), shades, strict=True):
    for number, angles in enumerate(some):
        label = name if number == 0 else None
        axis.plot(np.abs(angles - angles[0]) / (2 * np.pi), color=color, linewidth=1, label=label)
axis.set(xlabel="round", ylabel="turns since the start")
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "how far R has run round the circle, with buffers of growing size, three seeds each. The larger "
    "the buffer, the flatter the line, but none is level.",
)

# %% tags=["check"]
assert np.mean(turns["256 slots"]) < np.mean(turns["64 slots"]) < np.mean(turns["no buffer"])

# %% [markdown]
# The buffer slows the chase, the more the further it remembers, and does not end it. Memory pulls D's line back from
# today's artifact; but half of each batch is fresh, and *this* D could not reject the whole circle
# even if it remembered all of it. One line is too simple a mind. Keep this in view: **a history helps only a D that
# is able to use it** (exercise 2 has a game in which it does harm). Now a D that is able, on eyes:

# %%
mindful = schooling(scale.config.buffer_size)
print(f"bright images called refined, at the end: {mindful[-1]:.0%} with the history,")
print(f"{forgetful[-1]:.0%} without")

# %%
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
axis.plot(range(1, 2 * half + 1), mindful, color=plots.PINK, label="with history")
axis.plot(range(1, 2 * half + 1), forgetful, color=plots.BLUE, label="without")
axis.axvline(half + 0.5, color=plots.GRAY, linestyle=":", label="from here on, dark images only")
axis.set(xlabel="update of D", ylabel="share of patches\nof bright images", ylim=(0, 1.02))
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "how many patches of unseen bright images D calls refined, while it is taught bright images, and "
    "after the dotted line dark ones, with and without the history buffer.",
)

# %% tags=["check"]
if scale.live > 10:
    assert mindful[-1] > forgetful[-1] + 0.1

# %% [markdown]
# With a history, D keeps what it has learned: some of the past half of each batch is bright still. That is
# the mechanism of the paper, seen at work in a real D on real convolutions. Whether it *matters* in a
# training is another question.
#
# ## 8. What the recorded runs say
#
# A training on eyes differs from both demonstrations. Self-regularisation holds R near its input, so that R cannot run
# freely; D is no straight line. The records hold the same training with history and without, and of each two
# versions of R:
#
# | | with history | without |
# |---|---|---|
# | R's weights averaged | `ablation/baseline` | `ablation/no_history` |
# | R's latest weights | `ablation/no_averaging` | `failures/no_history` |
#
# The two rows share their trainings (the last is the first 250 rounds of 300): averaging changes which weights
# we take home, not the game. So there is *one* comparison of curves, and two of pictures. Averaging hides an oscillation from
# the pictures; the lower pair is the one in which to look for circles.
#
# **Predict.** By how much does the gaze error change without history? A degree? Less than two seeds differ?


# %% tags=["shared"]
def recorded(cell):
    """Opens the recorded runs of a cell, one a seed."""
    return [
        Run(path.parent) for path in sorted(notebook.REPOSITORY.glob(f"runs/{cell}/*/config.json"))
    ]


def spread(values, decimals=2):
    """Writes a mean, and a standard deviation where there is more than one value."""
    more = f" ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else " (one seed)"
    return f"{np.mean(values):.{decimals}f}" + more


PAIRS = [
    ("ablation/baseline", "ablation/no_history"),
    ("ablation/no_averaging", "failures/no_history"),
]

# %%
for cell in PAIRS[0]:
    runs = recorded(cell)
    wobble = [checks.vital_signs(run.metrics)["wobble"] for run in runs]
    lead = [checks.vital_signs(run.metrics)["lead"] for run in runs]
    print(f"{cell:<22} wobble {spread(wobble)}, D's lead {spread(lead)}")

# %% [markdown]
# `wobble` is how far mean |R(x) - x| jumps from one logged row to the next (ten rounds), as a share of itself, in the later
# half of the run; `lead` is the probability D gives to the right answer. Now the pictures: the mean gray level of the
# snapshots, always of the same thirty eyes.

# %%
figure = Figure(figsize=(9, 2.8), layout="constrained")
for axis, pair in zip(figure.subplots(1, 2, sharey=True), PAIRS, strict=True):
    for cell, color in zip(pair, (plots.PINK, plots.BLUE), strict=True):
        for number, run in enumerate(recorded(cell)):
            shots = run.snapshots
            gray = shots["refined"].mean(axis=(1, 2, 3))
            label = cell if number == 0 else None
            axis.plot(shots["iteration"], gray, "o-", color=color, markersize=3, label=label)
    axis.axhline(shots["real"].mean(), color=plots.GREEN, linestyle=":", label="simulated webcam")
    axis.set(xlabel="round", ylabel="mean gray level (of 255)")
    axis.legend(fontsize="x-small")
    axis.grid(alpha=0.3)
notebook.show(
    figure,
    "the mean gray level of the refined snapshots, with history (pink) and without (blue). Left, R's "
    "averaged weights; right, its latest. A line that swings up and down is an R that goes in circles.",
)

# %%
for cell in [*PAIRS[0], *PAIRS[1]]:
    gray = [run.snapshots["refined"].mean(axis=(1, 2, 3)) for run in recorded(cell)]
    # Of some runs only the first and the last snapshot are kept.
    swings = [np.abs(np.diff(levels[2:])).mean() for levels in gray if len(levels) > 3]
    print(f"{cell:<22} from snapshot to snapshot {spread(swings, 1)} gray levels")

# %%
for cell in ("quick/baseline", *PAIRS[0], *PAIRS[1]):
    found = [run.evaluation for run in recorded(cell) if run.evaluation]
    degrees = [evaluation["gaze_error_deg"]["refined"]["mean"] for evaluation in found]
    told = [100 * evaluation["two_sample_accuracy"]["refined"]["mean"] for evaluation in found]
    print(f"{cell:<22} gaze error {spread(degrees, 1)} degrees, told apart {spread(told, 1)} %")

# %% [markdown]
# By the wobble, and by the averaged pictures, the two cannot be told apart. R's *latest* weights swing more without history, as the
# theory has it (though that is one training), and the average calms both.
#
# In numbers: gaze networks trained on refined images err by
# {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees with history and by
# {{ablation/no_history/seed* evaluation.gaze_error_deg.refined.mean 1}} without; with R's latest weights, by
# {{ablation/no_averaging/seed* evaluation.gaze_error_deg.refined.mean 1}} and
# {{failures/no_history/seed* evaluation.gaze_error_deg.refined.mean 1}}. Three seeds of the preset `quick` give
# {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}. The spread of the seeds is the yardstick. A difference
# that is not clearly larger than it is *no finding*, whichever way it points.
#
# So be careful with the buffer's fame. The paper shows its effect in a pair of pictures, not in degrees. Reasons why
# it may matter little in a run like ours:
#
# - $\lambda$ holds R near its input: it has little circle to run on;
# - a few hundred rounds are short. Compare $n/k$ of section 4: for part of the run the buffer holds nearly
#   everything, and there is not much yet to forget;
# - D and R learn slowly enough that D's weights are themselves a memory;
# - the running average of R's weights fights the same oscillation from the other side.
#
# It costs next to nothing (half a batch is refined instead of a whole one: it even *saves* time), so we keep it.

# %% [markdown]
# ## What you have learned
#
# - A D that sees only the present forgets; an R that listens to it can go round in circles.
# - A buffer of $n$ images that takes $k$ a push remembers $n/k$ pushes, fading geometrically.
# - In the toy it slows the chase without ending it; in a real D it keeps old artifacts known.
# - "What goes in must be there afterwards": one assertion catches the bug that so many public codes share.
# - Compiled steps need a buffer made of variables, and checkpoints get it for free.
# - A mechanism that works in a demonstration may still be small in the end result. Measure.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write `slots_for`, the buffer size whose mean age is a given number of *rounds*. What would the report's
# settings need (batch 32, 10 D updates a round) to remember 100 rounds?


# %% tags=["exercise"]
def slots_for(rounds, batch_size, discriminator_updates): ...  # your code


# %% tags=["solution"]
def slots_for(rounds, batch_size, discriminator_updates):
    return rounds * discriminator_updates * batch_size // 2


print("report:", f"{slots_for(100, 32, 10):,}", " ours:", f"{slots_for(100, 32, 2):,}")
assert slots_for(1, 32, 1) == 16

# %% [markdown] tags=["solution"]
# Mean age is $n/k$ pushes, a push is a D update, and $k$ is half a batch. At 35 x 55 float32 pixels 16,000
# images are 120 MB: memory is a fair price on a computer, less so on a small GPU.

# %% [markdown] tags=["task"]
# **2. Predict, then run.** On the circle R can never arrive. Now let it: replace the circle by a *line*, on which R chooses
# a place and the webcam's is 0. R starts at 1. Without a buffer it comes to rest near 0. What will a buffer of 64 do: damp
# the last swings, or the opposite?

# %% tags=["exercise"]
# Copy `chase`: refined = place + 0.2 * rng.normal(size=(number, 1)), two weights, and
# R's step is place -= 0.2 * probability(weights, [place]) * weights[1]


# %% tags=["solution"]
def approach(mix=None, rounds=600, seed=0):
    rng = np.random.default_rng(seed)
    place, weights, places = 1.0, np.zeros(2), []
    for _ in range(rounds):
        refined = place + 0.2 * rng.normal(size=(8 if mix is None else 4, 1))
        if mix is not None:
            refined = mix(refined.astype("float32"))
        weights = teach(weights, 0.2 * rng.normal(size=(8, 1)), refined)
        place -= 0.2 * probability(weights, [place]) * weights[1]
        places.append(place)
    return np.array(places)


for size in (0, 16, 64, 256):
    each = [approach(remember(size, (1,), seed) if size else None, seed=seed) for seed in range(3)]
    print(
        f"{size} slots: R swings by {spread([a[300:].std() for a in each])} round the webcam's place"
    )

# %% [markdown] tags=["solution"]
# The opposite, and not by a little. When R is nearly there, the past tells D of an error that R no longer makes; D pushes on,
# R overshoots, and so to and fro. Any engineer of controls knows it: *delay in a loop makes it swing*. (It is
# worst when the memory is about as long as a swing, and milder when it is much longer.) So memory is a medicine for a D that
# forgets, not for every oscillation, and this D, with one number to know, had nothing to forget.

# %% [markdown] tags=["task"]
# **3. Diagnose.** In a colleague's run, `history_filled` climbs to 1 as it should, yet D forgets as if there were no buffer. The code pushes
# first and then samples; the buffer has 16 slots, the batch 32 images. What has happened?

# %% tags=["exercise"]
# What is in the buffer when D samples? Try it with Buffer(16, (1,)) and numbered pushes.

# %% tags=["solution"]
buffer = Buffer(16, shape=(1,))
for number in range(20):
    buffer.push(np.full((16, 1), number, "float32"))
    drawn = ops.convert_to_numpy(buffer.sample(16))
print("push number", number, "was sampled back as", np.unique(drawn))
assert np.unique(drawn).tolist() == [number]

# %% [markdown] tags=["solution"]
# Sixteen new images fill all sixteen slots: the "past" is the present, twice. It is full, and useless. "Filled" is not
# "old": log the mean age as well. Sampling first would have given a memory of one step.

# %% [markdown] tags=["task"]
# **4. Extend.** Our D of section 1 is too simple to remember the whole circle. Give it the squares of the coordinates too (six lines
# change), so that it can learn "far from the origin is refined". Does R still run? Does the buffer help more, or less?

# %% tags=["exercise"]
# A start: inputs = np.column_stack([np.ones(len(points)), points, points**2])


# %% tags=["solution"]
def features(points):
    return np.column_stack([points, np.square(points)])


# %% tags=["solution"]
def chase_round(mix=None, rounds=300, seed=0):
    rng, angle, weights, angles = np.random.default_rng(seed), 0.3, np.zeros(5), []
    for _ in range(rounds):
        refined = draw(angle, 8, rng) if mix is None else mix(draw(angle, 4, rng))
        weights = teach(weights, features(0.2 * rng.normal(size=(8, 2))), features(refined))
        c, s = np.cos(angle), np.sin(angle)
        slope = weights[1:] @ [-s, c, -2 * c * s, 2 * c * s]
        angle -= 0.5 * probability(weights, [c, s, c * c, s * s]) * slope
        angles.append(angle)
    return np.array(angles)


# %% tags=["solution"]
for size in (0, 16, 64, 256):
    each = [
        chase_round(remember(size, (2,), seed) if size else None, seed=seed) for seed in range(3)
    ]
    way = [float(np.abs(np.diff(a[100:])).sum() / (2 * np.pi)) for a in each]
    print(f"{size} slots: {spread(way, 1)} turns of way, to and fro together")

# %% [markdown] tags=["solution"]
# R runs about half as far as against a straight line, buffer or not: this D can know that the whole circle is
# refined, and its weights remember it. The buffer still helps, by a third or so. A D with a better memory of its own
# leaves the buffer less to do, in turns per round; keep it in mind for section 8.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, section 2.3 and figure 4 (how), figure 8 (with and without, in pictures).
# - Bojja 2018, section 3.2.4: half of D's refined images from the history.
# - Mescheder, Geiger and Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018: GANs so small
#   that their circles can be computed.
# - The bug: github.com/mjdietzx/SimGAN, issues 18 and 22; github.com/AlexHex7/SimGAN_pytorch, issue 5.
#
# **Next:** [07 · Adversarial training](07_adversarial_training.ipynb)
