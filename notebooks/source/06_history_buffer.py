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
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - explain how a discriminator that sees only the present lets the refiner go in circles;
# - build a history buffer, and compute how far back it remembers;
# - find, with one test, a bug that many public SimGAN codes share, the report's among them;
# - say what recorded trainings tell about the buffer's worth.
#
# **You need** notebooks 03 (the discriminator D) and 04 (its loss).

# %% tags=["shared", "setup"]
import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check
from simgan_lib import backends, diagrams, losses, notebook, plots
from simgan_lib.config import UserError
from simgan_lib.data import to_float, to_uint8
from simgan_lib.evaluation.report import collect, comparable, compare

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("history"),
    "where this notebook is on the map of the method. Half of the refined images that D sees come from the past.",
)

# %% [markdown]
# ## 1. A chase on a circle
#
# R's images always have *some* artifact: they are too bright, too dark, too rough or too smooth. D learns to
# see it, so R changes to another, and D follows. Has D then forgotten the first?
#
# In the smallest such game, an image is a point in the plane. Webcam images lie around the origin, and
# refined images on a circle around them. R chooses its artifact: the **angle**.


# %% tags=["shared"]
def draw(angle, number, rng):
    """Refined points: near the place on the circle that R has chosen."""
    points = [np.cos(angle), np.sin(angle)] + 0.2 * rng.normal(size=(number, 2))
    return points.astype("float32")


# %% [markdown]
# D is a logistic regression. It draws *one straight line* and calls one side refined.


# %% tags=["shared"]
def probability(weights, points):
    """D's probability that points are refined: a bias, and a weight for each coordinate."""
    return 1 / (1 + np.exp(-(weights[0] + np.asarray(points) @ weights[1:])))


def teach(weights, webcam, refined, rate=0.5):
    """Takes one gradient step of D."""
    points = np.concatenate([webcam, refined])
    labels = np.repeat([0.0, 1.0], [len(webcam), len(refined)])
    inputs = np.column_stack([np.ones(len(points)), points])
    return weights - rate * inputs.T @ (probability(weights, points) - labels) / len(webcam)


# %% [markdown]
# R turns its angle down the slope of its loss, $-\log(1 - D)$.


# %% tags=["shared"]
def turn(angle, weights, rate=0.5):
    """Takes one gradient step of R."""
    here, along = [np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]
    return angle - rate * probability(weights, here) * (weights[1:] @ along)


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


# %% [markdown]
# **Predict.** Will R's angle settle, swing to and fro, or run round and round?

# %% tags=["plot"]
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
for seed, color in enumerate((plots.BLUE, plots.ORANGE, plots.GREEN)):
    angles, weights = chase(seed=seed)
    axis.plot(angles / (2 * np.pi), color=color, label=f"seed {seed}")
axis.set(xlabel="round", ylabel="R's angle, in turns")
axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "R's angle over the rounds, for three seeds. A straight line is a steady run round the circle.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Round and round, at a steady pace.
#
# </details>
#
# What does D think in the end of R's earlier places?

# %%
angles, weights = chase()
way = np.sign(angles[-1] - angles[0])
for turns_ago in (0, 0.25, 0.5, 0.75):
    place = angles[-1] - way * 2 * np.pi * turns_ago
    p = probability(weights, [np.cos(place), np.sin(place)])
    print(f"artifact of {turns_ago:.2f} turns ago: D says refined with probability {p:.2f}")

# %% tags=["check"]
assert abs(angles[-1] - angles[0]) > 4 * np.pi
assert p < 0.4

# %% [markdown]
# D is late. It is surest of the artifact of a quarter turn ago, and has **forgotten** that of three quarters
# ago. On a circle this is *one quarter ahead*, where R goes next.
#
# The paper's remedy is a **history buffer**: a store of R's earlier images, which fill half of D's refined
# mini-batch.

# %% [markdown]
# ## 2. Does a convolutional D forget?
#
# A toy proves nothing about eyes. So D learns two stand-ins for refined images against the simulated webcam:
# synthetic eyes that are too bright, and later too dark ones. We test it on unseen bright ones.

# %%
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
webcam, synthetic = to_float(data.real.images), to_float(data.synthetic.images)
bright, dark = np.clip(synthetic + 0.6, -1, 1), np.clip(synthetic - 0.6, -1, 1)

# %% tags=["plot"]
rows = {"simulated\nwebcam": data.real.images[:6]}
rows |= {"too bright": to_uint8(bright[:6]), "too dark": to_uint8(dark[:6])}
notebook.show(
    plots.contact_sheet(rows, columns=6, zoom=1.3),
    "what D has to tell apart: simulated webcam images, and two stand-ins for refined ones with opposite artifacts.",
)

# %% [markdown]
# `model.buffer.mix` puts images of the past beside half a batch of fresh ones. With `buffer_size=0` the whole
# batch is fresh.


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
# **Predict.** After the dark lessons, what share of the patches of *bright* images does D still call refined?

# %%
forgetful = schooling(buffer_size=0)
half = len(forgetful) // 2
print("patches of bright images called refined:")
print(
    f"{forgetful[half - 1]:.0%} after the bright lessons, {forgetful[-1]:.0%} after the dark ones"
)

# %% tags=["check"]
if scale.live > 10:
    assert forgetful[-1] < forgetful[half - 1] - 0.2

# %% [markdown]
# <details><summary>Answer</summary>
#
# None, or nearly none. "Bright is webcam, dark is refined" has become the easiest rule.
#
# </details>
#
# This is *catastrophic forgetting*. R could now turn bright again and win.

# %% [markdown]
# ## 3. Build the buffer
#
# We write the library's buffer. It has a fixed number of slots, from which D draws different images at
# random. New images go into empty slots first, and later into random ones.
#
# It holds the images, the number of filled slots, and a source of random numbers. Section 6 says why all are
# Keras variables.


# %% tags=["shared"]
class Buffer:
    def __init__(self, size, shape, seed=0):
        self.size = size
        self.images = keras.Variable(np.zeros((size, *shape), "float32"))
        self.count = keras.Variable(0, dtype="int32")
        self.seed_generator = keras.random.SeedGenerator(seed)


def held(buffer):
    """Returns what is in the filled slots, as an array."""
    return ops.convert_to_numpy(buffer.images)[: int(buffer.count)]


# %% [markdown]
# To sample, every slot gets a random key below 1, or 2 if it is empty. The slots with the smallest keys are taken.


# %% tags=["shared", "taught:history"]
def sample(self, number):
    keys = keras.random.uniform((self.size,), seed=self.seed_generator)
    # Empty slots sort behind all filled ones.
    keys = ops.where(ops.arange(self.size) < self.count, keys, 2.0)
    return ops.take(self.images, ops.argsort(keys)[:number], axis=0)


# %% [markdown]
# To push, empty slots get negative keys, and so come first.


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
# `mix` adds images of the past to the fresh ones, and then stores the fresh ones. While the buffer holds too
# few, the fresh ones stand in for the past.


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
    """Returns images of one pixel, which carry these numbers."""
    return np.array(numbers, "float32")[:, None]


# %% [markdown]
# **Predict.** A buffer of 6 slots gets the images 1 to 4, then 5 to 8. What does it hold after each?

# %%
buffer = Buffer(6, shape=(1,))
for numbers in ((1, 2, 3, 4), (5, 6, 7, 8)):
    buffer.push(numbered(*numbers))
    print(f"{int(buffer.count)} filled:", held(buffer)[:, 0])
print("a sample of 3:", ops.convert_to_numpy(buffer.sample(3))[:, 0])

# %% [markdown]
# <details><summary>Answer</summary>
#
# First 1 to 4. Of the next four, two fill the empty slots, and two replace old images.
#
# </details>
#
# This must be true for all random numbers:

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
# A full buffer of $n$ slots replaces $k$ images at each push. An image survives a push with probability
# $1 - k/n$, so ages are geometrically distributed. Their mean is about $n/k$ pushes.
#
# **Predict.** Our buffer has 2,048 slots, and a push is 8 images. D is updated five times in a round. What is the
# mean age in updates of D, and in rounds?

# %%
k, n = scale.config.batch_size // 2, scale.config.buffer_size
k_d = scale.config.discriminator_updates
print(f"{n} slots, {k} images a push: mean age {n / k:.0f} updates of D, {n / k / k_d:.0f} rounds")

# %% [markdown]
# To check, every image carries the number of its push.

# %%
pushes, slots, new = 500, 512, 16
buffer = Buffer(slots, shape=(1,))
for number in range(pushes):
    buffer.push(np.full((new, 1), number, "float32"))
ages = pushes - 1 - held(buffer)[:, 0]
print(f"mean age {ages.mean():.0f} pushes; n/k = {slots / new:.0f}")

# %% tags=["plot"]
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
    "the ages of the images in a full buffer of 512, of which 16 are replaced at each push. Many are young, a few are old.",
)

# %% tags=["check"]
assert 0.7 * slots / new < ages.mean() < 1.4 * slots / new

# %% [markdown]
# The paper does not say how large its buffer is.

# %% [markdown] tags=["task"]
# ### Exercise 06.1 · How many slots?
#
# Write `slots_for(rounds, batch_size, discriminator_updates)`: the size of a buffer with a mean age of so
# many *rounds*.
#
# *Expected:* `slots_for(100, 32, 10)`, for the report's settings, is 16,000.
#
# <details><summary>Hint</summary>
#
# How many pushes has a round? How many images has a push?
#
# </details>
#
# [solution](solutions/06_history_buffer.ipynb)


# %% tags=["exercise"]
def slots_for(rounds, batch_size, discriminator_updates): ...


# %% tags=["solution"]
from simgan_exercises import verdict


def slots_for(rounds, batch_size, discriminator_updates):
    return rounds * discriminator_updates * batch_size // 2


print(f"quick: {slots_for(100, 16, 5):,} slots for 100 rounds")
assert verdict("06.1", slots_for)[0]

# %% tags=["shared"]
check("06.1", slots_for)

# %% [markdown] tags=["solution"]
# At 35 x 55 float32 pixels 16,000 images take 120 MB.

# %% [markdown]
# ## 5. A bug that was copied for years
#
# A well-known public SimGAN code stores its images like this, in our words:


# %% tags=["shared"]
class NeverFills:
    def __init__(self, size, shape):
        self.images = np.zeros((0, *shape))

    def push(self, images):
        np.append(self.images, images, axis=0)

    def sample(self, number):
        return self.images[:number]


# %% [markdown]
# **Predict.** What does `sample(4)` return after ten pushes: an error, four images, or something else?

# %%
broken = NeverFills(100, shape=(1,))
for number in range(10):
    broken.push(np.full((4, 1), number))
print("held:", len(broken.images), " sampled:", broken.sample(4).shape)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nothing, and *no error*. `np.append` returns a longer copy, and this code drops it. So D trains on fresh
# images alone.
#
# </details>
#
# The bug was copied into at least four other repositories. **One of them is the code that the report published.** The
# report describes a history. If that code made its figures, they had none.
#
# Other public codes have other bugs. One writes with `np.put`, which counts *pixels* and not images. Another
# always hands out the same slots.


# %% tags=["shared"]
rng = np.random.default_rng(0)


class WritesPixels:
    def __init__(self, size, shape):
        self.images, self.size = np.zeros((size, *shape)), size

    def push(self, images):
        np.put(self.images, rng.choice(self.size, len(images), replace=False), images)

    def sample(self, number):
        return self.images[rng.choice(self.size, number, replace=False)]


class AlwaysTheSame(WritesPixels):
    def push(self, images):
        self.images = np.concatenate([images, self.images])[: self.size]

    def sample(self, number):
        return self.images[-number:]


# %%
pixels = WritesPixels(6, shape=(2, 2))
pixels.push(np.full((2, 2, 2), 9.0))
print("slots with a pixel of 9:", [slot for slot in range(6) if 9.0 in pixels.images[slot]])
print("slots that are all 9:   ", [slot for slot in range(6) if (pixels.images[slot] == 9).all()])

# %% [markdown] tags=["task"]
# ### Exercise 06.2 · A test for any buffer
#
# Write `is_healthy(make)`. `make(size, shape)` gives a new buffer with the methods `push(images)` and
# `sample(number)`.
#
# *Expected:* `True` if all that was pushed can be sampled, whole, and `False` for the three buffers above.
#
# <details><summary>Hint</summary>
#
# Push 8 different images of 2 x 2 pixels into 8 slots. Then draw many samples of 4. Together they must be the
# pushed images. `image.tobytes()` can be put into a set.
#
# </details>
#
# [solution](solutions/06_history_buffer.ipynb)


# %% tags=["exercise"]
def is_healthy(make): ...


# %% tags=["solution"]
def is_healthy(make):
    buffer = make(8, (2, 2))
    pushed = np.arange(32, dtype="float32").reshape(8, 2, 2) + 1
    for start in (0, 4):
        buffer.push(pushed[start : start + 4])
    samples = [ops.convert_to_numpy(buffer.sample(4)).astype("float32") for _ in range(50)]
    drawn = {image.tobytes() for sample in samples for image in sample}
    return drawn == {image.tobytes() for image in pushed}


for kind in (Buffer, NeverFills, WritesPixels, AlwaysTheSame):
    print(f"{kind.__name__:14} healthy: {is_healthy(kind)}")
assert verdict("06.2", is_healthy)[0]

# %% tags=["shared"]
check("06.2", is_healthy)

# %% [markdown]
# The library logs the filled part: `history_filled` in `metrics.csv` must rise to 1.

# %% [markdown]
# ## 6. Why variables?
#
# Training steps are *compiled* into a graph of operations.
#
# **Predict.** The code of a step appends a note to a Python list. We compile it and call it five times. How
# many notes are there?

# %%
noted = []


def step(images):
    noted.append("called")
    return {"mean": ops.mean(images)}


compiled = backends.current().compile(step, [])
for _ in range(5):
    compiled([(np.zeros(3, "float32"),)])
print("five calls, notes:", len(noted))

# %% tags=["check"]
assert len(noted) < 5

# %% [markdown]
# <details><summary>Answer</summary>
#
# Not five. Python runs only while the graph is built. A buffer of Python lists would never fill.
#
# </details>
#
# A compiled step does change variables. A *checkpoint* saves them too, so a training can go on. The library's
# [`HistoryBuffer`](../simgan_lib/history.py) is our buffer as a Keras layer, so a model finds its variables.
# A compiled graph has fixed shapes, which explains the keys of section 3.

# %%
history = simgan_lib.HistoryBuffer(size=6, image_shape=(1, 1, 1))
for start in (1, 5):
    history.push(np.arange(start, start + 4, dtype="float32").reshape(4, 1, 1, 1))
    print(
        f"{float(history.fraction_filled()):.0%} full:",
        ops.convert_to_numpy(history.images).ravel(),
    )
print({variable.name: tuple(variable.shape) for variable in history.variables})

# %% tags=["check"]
inside = set(ops.convert_to_numpy(history.images).ravel().tolist())
assert {5.0, 6.0, 7.0, 8.0} < inside
drawn = [ops.convert_to_numpy(history.sample(3)).ravel().tolist() for _ in range(60)]
assert all(len(set(three)) == 3 for three in drawn)
assert {value for three in drawn for value in three} == inside

# %% [markdown] tags=["task"]
# ### Exercise 06.3 · Push first, sample afterwards
#
# In a colleague's run `history_filled` rises to 1, yet D forgets as if there were no buffer. The code pushes
# before it samples. The buffer has 16 slots, and half a batch is 16 images. What does D get as its past?
#
# - **A** The fresh images, a second time.
# - **B** Half of them are older.
# - **C** Nothing.
# - **D** The oldest images.
#
# *Expected:* a letter.
#
# <details><summary>Hint</summary>
#
# Try it with `Buffer(16, (1,))` and `np.full((16, 1), number)`.
#
# </details>
#
# [solution](solutions/06_history_buffer.ipynb)

# %% tags=["exercise"]
answer = ...

# %% tags=["solution"]
buffer = Buffer(16, shape=(1,))
for number in range(20):
    buffer.push(np.full((16, 1), number, "float32"))
print("push", number, "was sampled as", np.unique(ops.convert_to_numpy(buffer.sample(16))))
answer = "A"
assert verdict("06.3", answer)[0]

# %% tags=["shared"]
check("06.3", answer)

# %% [markdown] tags=["solution"]
# Sixteen new images fill all sixteen slots, so D sees them twice. `mix` samples before it pushes.

# %% [markdown]
# ## 7. Does it help D?
#
# First the toy: `chase` of section 1 takes our buffer's `mix`.


# %% tags=["shared"]
def remember(size, shape, seed=0):
    """Returns the compiled `mix` of a new buffer."""
    buffer = Buffer(size, shape, seed)
    state = [buffer.images, buffer.count, buffer.seed_generator.state]
    compiled = backends.current().compile(lambda fresh: {"mixed": buffer.mix(fresh)}, state)
    return lambda fresh: ops.convert_to_numpy(compiled([(fresh,)])["mixed"])


# %% [markdown]
# **Predict.** Does a large buffer stop the chase, slow it down, or change nothing?

# %%
runs = {"no buffer": [chase(seed=seed)[0] for seed in range(3)]}
for size in (16, 64, 256):
    runs[f"{size} slots"] = [chase(remember(size, (2,), seed), seed=seed)[0] for seed in range(3)]
turns = {name: [abs(a[-1] - a[100]) / (2 * np.pi) for a in some] for name, some in runs.items()}
for name, each in turns.items():
    print(
        f"{name:<10} {np.mean(each):.1f} turns in the last 200 rounds, by seed {np.round(each, 1)}"
    )

# %% tags=["plot"]
figure = Figure(figsize=(7, 2.8), layout="constrained")
axis = figure.subplots()
shades = (plots.BLUE, plots.PINK, plots.GREEN, plots.ORANGE)
for (name, some), color in zip(runs.items(), shades, strict=True):
    for number, angles in enumerate(some):
        label = name if number == 0 else None
        axis.plot(np.abs(angles - angles[0]) / (2 * np.pi), color=color, linewidth=1, label=label)
axis.set(xlabel="round", ylabel="turns since the start")
axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "how far R has run round the circle with buffers of growing size, three seeds each. The flatter a "
    "line, the slower the chase.",
)

# %% tags=["check"]
assert np.mean(turns["256 slots"]) < np.mean(turns["64 slots"]) < np.mean(turns["no buffer"])

# %% [markdown]
# <details><summary>Answer</summary>
#
# It slows the chase down, and does not stop it. From 64 slots to 256 little is gained. One seed with 256
# slots first ran the other way. D's straight line cannot reject the whole circle, which may be why R keeps
# running.
#
# </details>
#
# Now the convolutional D of section 2.
#
# **Predict.** With the history, what share of the bright patches does it recognise in the end?

# %%
mindful = schooling(scale.config.buffer_size)
late = {
    name: right[-half // 2 :].mean() for name, right in (("with", mindful), ("without", forgetful))
}
print("patches of bright images called refined, mean over the later half of the dark lessons:")
print(f"{late['with']:.0%} with the history, {late['without']:.0%} without")

# %% tags=["plot"]
figure = Figure(figsize=(7.5, 2.8), layout="constrained")
axis = figure.subplots()
axis.plot(range(1, 2 * half + 1), mindful, color=plots.PINK, label="with history")
axis.plot(range(1, 2 * half + 1), forgetful, color=plots.BLUE, label="without")
axis.axvline(half + 0.5, color=plots.GRAY, linestyle=":", label="then only\ndark images")
axis.set(xlabel="update of D", ylabel="share of patches\nof bright images", ylim=(0, 1.02))
axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "the share of patches of unseen bright images that D calls refined. Before the dotted line it learns bright "
    "images, after it dark ones.",
)

# %% tags=["check"]
if scale.live > 10:
    assert late["with"] > late["without"] + 0.2

# %% [markdown]
# <details><summary>Answer</summary>
#
# Most of them. D loses many in the first dark lessons, and recovers with the bright images in the buffer.
#
# </details>

# %% [markdown]
# ## 8. Does it help R?
#
# Do gaze networks learn more from the refined images? The recorded ablation trains with and without history.
#
# **Predict.** By how much does the gaze error change without history? Is that more than the spread over
# seeds?

# %%
table = collect("runs/ablation")
pair = table[table["cell"].isin(["baseline", "no_history"])]
measures = ["gaze_error_deg", "pupil_shift_px"]
found = pair.groupby("cell")[measures].agg(["mean", "std", "size"])
found.round(2)

# %%
if comparable(pair):
    print(compare(pair)[["difference", "p_value", "differs"]].round(3))
else:
    print("too few seeds for a test: at least five of each are needed")

# %% tags=["check"]
assert np.isfinite(found.to_numpy()).all()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Without history the error is even a little lower. The test finds no difference, even before notebook 11
# corrects its p. So five seeds show neither benefit nor harm.
#
# </details>
#
# The paper shows the effect of the history in pictures alone.
#
# A training on eyes differs from both demonstrations. Self-regularisation holds R near its input, and we
# average R's weights against oscillations: see [notebook 07](07_adversarial_training.ipynb), section 5.
#
# Pre-training, the local loss and the average show no certain gain over five seeds either. Trainings of 300
# rounds cannot prove a part useless, so the course keeps them.

# %% [markdown]
# ## What you have learned
#
# - A D that sees only the present forgets, and R can go in circles.
# - A buffer of $n$ images that takes $k$ at each push remembers about $n/k$ pushes.
# - It slows the toy's chase, and a convolutional D recognises old artifacts.
# - One test finds the bug in the report's code and others: what was pushed must be there.
# - Compiled steps need a buffer of variables.
# - What works in a demonstration need not show in the result.
#
# ## One harder exercise

# %% [markdown] tags=["task"]
# ### Exercise 06.4 · A line in place of the circle
#
# On the circle R never arrives. On a *line* it can: R chooses a `place` and starts at 1, and webcam images
# lie around 0. Write `approach(mix=None, rounds=600, seed=0)`, which returns the place after each round. Copy
# `chase` with these changes:
#
# - refined points are `place + 0.2 * rng.normal(size=(8, 1))`, or 4 of them, in float32, handed to `mix`;
# - webcam points are `0.2 * rng.normal(size=(8, 1))`, and D has two weights, which start at 0;
# - R's step is `place -= 0.2 * probability(weights, [place]) * weights[1]`.
#
# The swing is the standard deviation of the last 300 places. First predict: is it smaller or larger with
# `remember(64, (1,))` than with `mix=None`? Then measure it.
#
# *Expected:* 600 numbers that come near 0, and two swings.
#
# <details><summary>Hint</summary>
#
# `probability(weights, [place])` is a number, as `[place] @ weights[1:]` is one.
#
# </details>
#
# [solution](solutions/06_history_buffer.ipynb)


# %% tags=["exercise"]
def approach(mix=None, rounds=600, seed=0): ...


# %% tags=["solution"]
def approach(mix=None, rounds=600, seed=0):
    rng = np.random.default_rng(seed)
    place, weights, places = 1.0, np.zeros(2), []
    for _ in range(rounds):
        refined = place + 0.2 * rng.normal(size=(8 if mix is None else 4, 1))
        refined = refined if mix is None else mix(refined.astype("float32"))
        weights = teach(weights, 0.2 * rng.normal(size=(8, 1)), refined)
        place -= 0.2 * probability(weights, [place]) * weights[1]
        places.append(place)
    return np.array(places)


assert verdict("06.4", approach)[0]

# %% tags=["shared"]
check("06.4", approach)

# %% tags=["solution"]
swings = {}
for size in (0, 16, 64, 256):
    each = [approach(remember(size, (1,), seed) if size else None, seed=seed) for seed in range(3)]
    swings[size] = [a[300:].std() for a in each]
    print(f"{size:3} slots: swing by seed", np.round(swings[size], 2))
assert min(swings[64]) > max(swings[0])

# %% [markdown] tags=["solution"]
# The swing is *larger* with every buffer, and least so with 256 slots. When R is nearly there, the past shows
# D an error that R no longer makes. D pushes on, and R goes too far. So a history is no remedy for every
# oscillation.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, "Updating Discriminator using a History of Refined Images".
# - Bojja 2018, section 3.2.4 (half from the history), and `ops.py` of its code, abojja9/SimGAN_eyes.
# - Mescheder, Geiger and Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018: GANs so
#   small that their circles can be computed.
# - The bug: github.com/mjdietzx/SimGAN, issues 18 and 22; github.com/AlexHex7/SimGAN_pytorch, issue 5.
#
# **Next:** [07 · Adversarial training](07_adversarial_training.ipynb)
