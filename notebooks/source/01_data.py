# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 01 · The data
# <!-- colab:notebooks/01_data.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 75 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - open a data set and say what each number in it means, with its unit;
# - draw a gaze label onto its eye, and so find a wrong sign;
# - turn gray levels into batches of tensors;
# - measure how far apart two kinds of images are, with a classifier and with a gaze network.
#
# **You need** [notebook 00](00_quickstart.ipynb), NumPy arrays, and to have seen a network trained once.

# %% tags=["shared", "setup"]
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import datasets, diagrams, gaze, notebook, plots, realism, simulator, widgets
from simgan_lib.data import ImageSet, batch_indices, to_float, to_uint8

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("synthetic real"),
    "where this notebook is on the map of the method. It is about what goes in: labelled synthetic images, "
    "and unlabelled images of the target.",
)

# %% [markdown]
# ## 1. Three files
#
# | file | what is in it | labels |
# |---|---|---|
# | `synthetic_gaze.h5` | synthetic images, from the simulator | yes |
# | `real_gaze.h5` | images of the target | **no** |
# | `webcam_test.h5` | other images of the target, to measure with | yes |
#
# One line loads them, and draws them first if need be.

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print(data)

# %% [markdown]
# The library calls the second set `real`. Here it holds *simulated webcam* images.

# %% tags=["plot"]
rows = {"synthetic": data.synthetic.images[:16], "simulated\nwebcam": data.real.images[:16]}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "the two kinds. Synthetic eyes have clear lids and even light. Simulated webcam eyes are blurred and noisy, with "
    "strong contrast, dark lashes and deep shadows.",
)

# %% [markdown]
# No image has a partner of the other kind to learn from.

# %% [markdown]
# ## 2. Inside a file
#
# An HDF5 file holds named arrays, and small notes called attributes.

# %% tags=["shared"]
folder = Path("data/simulated")
with h5py.File(folder / "synthetic_gaze.h5") as file:
    print("holds", list(file), file["image"].shape, file["image"].dtype)
    first = file["image"][:4]
    recipe = json.loads(file.attrs["recipe"])
print(recipe)

# %% [markdown]
# `uint8` is a whole number from 0, black, to 255, white. The axes are image, row from the *top*, column from the
# *left*.
#
# **Predict.** We draw the first four eyes again by that recipe. How many of their 7,700 pixels differ from the file's?

# %%
again, _ = simulator.simulate(4, recipe["style"], seed=recipe["seed"], start=recipe["start"])
print("pixels that differ:", int((again != first).sum()))

# %% tags=["check"]
assert np.array_equal(again, first)

# %% [markdown]
# <details><summary>Answer</summary>
#
# None. An eye depends on the seed and its number alone.
#
# </details>

# %% [markdown]
# ## 3. The labels
#
# The labels are in a CSV file of the same name. Row *i* belongs to image *i*. Its first lines explain the columns.

# %%
text = (folder / "synthetic_gaze.csv").read_text().splitlines()
print("\n".join(text[:8]))

# %% tags=["shared"]
labels = pd.read_csv(folder / "synthetic_gaze.csv", comment="#", nrows=scale.images)
degrees = np.degrees(labels[["pitch", "yaw"]])
print(degrees.describe().loc[["mean", "std", "min", "max"]].round(1))

# %% [markdown]
# The gaze is there twice: as two angles, and as a vector of length 1, `gaze.LOOK`. Networks predict the vector. Its
# axes are x to the right of the image, y *down*, z away from the camera. So
#
# $$ \text{pitch} = \arcsin(-\text{look}_y), \qquad \text{yaw} = \operatorname{atan2}(-\text{look}_x, -\text{look}_z) $$

# %%
look = labels[gaze.LOOK].to_numpy()
pitch = np.arcsin(-look[:, 1])
yaw = np.arctan2(-look[:, 0], -look[:, 2])
print("shortest vector:", np.linalg.norm(look, axis=1).min().round(6))
print("largest difference in pitch:", np.abs(pitch - labels["pitch"]).max().round(6), "radians")

# %% tags=["check"]
assert np.allclose(np.linalg.norm(look, axis=1), 1)
assert np.allclose(pitch, labels["pitch"])
assert np.allclose(yaw, labels["yaw"])

# %% [markdown] tags=["task"]
# ### Exercise 01.1 · From angles to a vector
#
# Write `gaze_vector(pitch, yaw)`. It takes two arrays of n angles in radians and returns the gaze vectors: shape (n,
# 3), columns x, y, z.
#
# *Expected:* `gaze_vector(np.array([0.0]), np.array([0.0]))` is (0, 0, -1), and every vector has length 1.


# %% tags=["exercise"]
def gaze_vector(pitch, yaw): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# The part that points up is sin(pitch). The horizontal rest has the length cos(pitch). Yaw splits it into a part to
# the left and a part towards the camera. `np.stack(..., axis=-1)` joins columns. [solution](solutions/01_data.ipynb)
#
# </details>


# %% tags=["solution"]
def gaze_vector(pitch, yaw):
    x = -np.cos(pitch) * np.sin(yaw)
    return np.stack([x, -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=-1)


assert verdict("01.1", gaze_vector)[0]

# %% tags=["shared"]
check("01.1", gaze_vector)

# %% [markdown] tags=["solution"]
# Up is minus y, left is minus x, and towards the camera is minus z. Without the factor cos(pitch), the vectors of
# eyes that look up or down would be longer than 1.

# %% [markdown]
# ## 4. A label you can see
#
# **Predict.** An eye has yaw +0.4 and pitch 0. On which side of the image is its pupil?
#
# The gaze vector's x and y are an arrow in the image. We start it at the pupil.


# %% tags=["shared"]
def draw_gaze(axis, image, label, length=20):
    plots.show_pixels(plots.picture_in(axis), image)
    start = label["pupil_x"], label["pupil_y"]
    end = start[0] + length * label["look_x"], start[1] + length * label["look_y"]
    arrow = {"arrowstyle": "->", "color": plots.ORANGE, "linewidth": 2.5, "shrinkA": 0}
    axis.annotate("", xy=end, xytext=start, arrowprops=arrow, annotation_clip=False)
    axis.set_title(f"pitch {label['pitch']:+.2f}, yaw {label['yaw']:+.2f}", fontsize="small")


# %% tags=["plot"]
figure = Figure(figsize=(10, 3.5), layout="constrained")
for row, some in zip(figure.subplots(2, 4), (data.synthetic, data.test), strict=True):
    angles = some.labels[["yaw", "pitch"]]
    ends = [angles["yaw"].idxmax(), angles["yaw"].idxmin()]
    ends += [angles["pitch"].idxmax(), angles["pitch"].idxmin()]
    for axis, number in zip(row, ends, strict=True):
        draw_gaze(axis, some.images[number], some.labels.loc[number])
    row[0].set_ylabel("synthetic" if some is data.synthetic else "simulated\nwebcam")
notebook.show(
    figure,
    "for each kind, the eyes with the largest and the smallest yaw, then the largest and the smallest pitch, in radians. "
    "The arrows start on the pupils and point where the eyes look.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# On the left.
#
# </details>
#
# A wrong sign raises no error. UnityEyes, another simulator, counts y upwards. So draw arrows for every new data set.
#
# **Predict.** Besides pitch and yaw, the sliders below change the pupil's size, the lids, the light and the person.
# Which of these four move the arrow? Run the cell to try: a saved page shows only a picture.

# %%
widgets.EyeExplorer()

# %% [markdown]
# <details><summary>Answer</summary>
#
# None. They change the image and leave the label. A gaze network has to ignore them.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 01.2 · A mirror
#
# Mirroring every image left to right doubles a data set, if the labels follow. Write `mirrored(images, labels)`. It
# takes uint8 images of shape (n, 35, 55) and a table with the seven columns. It returns new ones and does not change
# its arguments.
#
# *Expected:* a pupil at `pupil_x` 0, in the middle of the first column, goes to 54.


# %% tags=["exercise"]
def mirrored(images, labels): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# Three of the seven columns change. `labels.assign(name=...)` makes a new table. The last column of pixels has the
# number width - 1. [solution](solutions/01_data.ipynb)
#
# </details>


# %% tags=["solution"]
def mirrored(images, labels):
    turned = labels.assign(yaw=-labels["yaw"], look_x=-labels["look_x"])
    turned["pupil_x"] = images.shape[2] - 1 - labels["pupil_x"]
    return images[:, :, ::-1], turned


assert verdict("01.2", mirrored)[0]

# %% tags=["shared"]
check("01.2", mirrored)

# %% tags=["solution"]
images, turned = mirrored(data.synthetic.images[:1], data.synthetic.labels[:1])
figure = Figure(figsize=(5, 1.9), layout="constrained")
axes = figure.subplots(1, 2)
draw_gaze(axes[0], data.synthetic.images[0], data.synthetic.labels.loc[0])
draw_gaze(axes[1], images[0], turned.loc[0])
notebook.show(figure, "an eye and its mirror image. The arrow still starts on the pupil.")

# %% [markdown] tags=["solution"]
# yaw and look_x change their signs, and pupil_x is counted from the other side. With unchanged labels, a network that
# learns from both sets would do best to answer yaw 0.

# %% [markdown]
# ## 5. What differs between the two kinds
#
# The simulator draws an eye from numbers: whose eye it is, where it looks, how it is photographed. Here are some
# means:

# %% tags=["plot"]
MEANING = {
    "pitch": "gaze, radians, up",
    "yaw": "gaze, radians, left",
    "roundness": "shape of the lids: 0 almond, 1 round",
    "lid_squint": "mm by which the upper lid drops",
    "pupil": "radius, as a share of the iris's",
    "iris": "brightness of the iris: 0 black, 1 white",
    "lash": "darkness of the lashes",
    "brow": "darkness of the brow",
    "glasses": "spectacles: 0 none",
    "shadow": "strength of a shadow cast over the eye",
    "noise": "of the camera, in gray levels",
}

# %%
drawn = {style: simulator.sample_eyes(2_000, style) for style in simulator.STYLES}
means = {style: eyes[list(MEANING)].mean().round(2) for style, eyes in drawn.items()}
pd.DataFrame(means).assign(meaning=MEANING)

# %% tags=["check"]
for angle in ("pitch", "yaw"):
    assert abs(means["simulator"][angle] - means["webcam"][angle]) < 0.05
    assert np.abs(drawn["simulator"][angle].max() - drawn["webcam"][angle].max()) < 0.02
assert means["webcam"]["lash"] > 2 * means["simulator"]["lash"]

# %% [markdown]
# Only the two gaze rows agree, on purpose: R could learn a difference in gaze too. A roundness may exceed 1.

# %%
for name, images in [("synthetic", data.synthetic.images), ("simulated webcam", data.real.images)]:
    each = images.mean(axis=(1, 2)).std()
    print(f"{name:17} mean {images.mean():5.1f}, std {images.std():4.1f}", end=", ")
    print(f"brightness of images differs by {each:4.1f}")

# %% tags=["check"]
assert data.real.images.mean() > data.synthetic.images.mean()
assert data.real.images.std() > data.synthetic.images.std()
assert data.real.images.mean(axis=(1, 2)).std() < 2

# %% [markdown]
# All simulated webcam images are equally bright, because their camera *equalises* each histogram: it moves gray
# levels until all are about equally frequent.
#
# Next we count gray levels, and measure detail. A Fourier transform splits each row into waves. Slow waves are skin
# and shadow, fast ones edges and noise.


# %%
def power_spectrum(images):
    waves = images - images.mean(axis=(1, 2), keepdims=True)
    # The window fades the left and right ends, whose jump would look like detail.
    power = np.abs(np.fft.rfft(waves * np.hanning(images.shape[2]), axis=2)) ** 2
    return np.fft.rfftfreq(images.shape[2]), power.mean(axis=(0, 1))


# %% tags=["plot"]
figure = Figure(figsize=(9, 3), layout="constrained")
left, right = figure.subplots(1, 2)
for name, images in [("synthetic", data.synthetic.images), ("real", data.real.images)]:
    label = "simulated webcam" if name == "real" else name
    style = {"color": plots.COLORS[name], "linestyle": "--" if name == "real" else "-"}
    share = np.bincount(images.ravel(), minlength=256) / images.size
    left.plot(100 * share, **style, label=label)
    right.semilogy(*power_spectrum(images[:1000]), **style, label=label)
left.set(xlabel="gray level", ylabel="% of the pixels", ylim=(0, None))
right.set(xlabel="waves: cycles per pixel", ylabel="power (gray levels squared)")
for axis in (left, right):
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="upper right")
notebook.show(
    figure,
    "left, gray levels. Synthetic images have a hump, and spikes at pure black and pure white. The simulated webcam's levels "
    "are about equally frequent. Right, synthetic images have more of the fast waves, from their crisp edges. Simulated "
    "webcam images have more of the slowest.",
)

# %% [markdown]
# Such numbers can show a difference, but not that there is none.

# %% [markdown]
# ## 6. From gray levels to tensors
#
# The refiner's output lies between -1 and 1, so its input does too:
#
# $$ x = \frac{\text{gray}}{127.5} - 1 $$
#
# Keras also wants 32-bit floats and a final *channel* axis, of length 1 for gray images.

# %%
by_hand = data.synthetic.images[:32, :, :, np.newaxis].astype("float32") / 127.5 - 1
x = to_float(data.synthetic.images[:32])
print("by hand:", by_hand.shape, by_hand.dtype, " library:", x.shape, x.dtype)
print("largest difference:", np.abs(by_hand - x).max())

# %% tags=["check"]
assert np.allclose(by_hand, x, atol=1e-6)
assert -1 <= x.min() <= x.max() <= 1
assert np.array_equal(to_uint8(x), data.synthetic.images[:32])

# %% [markdown]
# `to_uint8` goes back without loss. We store `uint8`, which takes a quarter of the space.
#
# **Predict.** What does 255 become if it is scaled twice?

# %%
print("255, scaled twice:", round((255 / 127.5 - 1) / 127.5 - 1, 3))
try:
    to_float(x)
except datasets.DataError as error:
    print("the library says:", error)

# %% [markdown]
# <details><summary>Answer</summary>
#
# About -0.99. All images would be nearly black, without an error. So the library refuses floats.
#
# </details>

# %% [markdown]
# ## 7. Batches from an endless stream
#
# Training counts rounds, not epochs, and the two sets may differ in size. So each is an endless stream of batches:
# all indices are shuffled, cut up, and shuffled anew.

# %%
batches = batch_indices(count=6, batch_size=4, seed=0)
for number in range(3):
    print(f"batch {number}:", next(batches))

# %% [markdown]
# Three batches hold each of the six images twice. Batch 1 crosses two shuffles, so it holds image 1 twice. Drawing
# with replacement would be simpler.
#
# **Predict.** We draw 6,000 times from 6,000 images, with replacement. What share never appears?

# %%
draws = np.random.default_rng(0).integers(0, 6_000, 6_000)
print(f"never shown: {1 - len(np.unique(draws)) / 6_000:.0%}; 1/e = {np.exp(-1):.0%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# More than a third, close to 1/e. The shuffled stream misses none.
#
# </details>
#
# Batch b depends on the seed and b alone. So a training that stopped after 1,000 batches can go on with batch 1,000.

# %%
stream = batch_indices(count=4_000, batch_size=32, seed=7)
uninterrupted = [next(stream) for _ in range(1_003)][1_000:]
resumed = batch_indices(count=4_000, batch_size=32, seed=7, start=1_000)
print("same batches:", all(np.array_equal(batch, next(resumed)) for batch in uninterrupted))

# %% tags=["check"]
fresh = batch_indices(count=6, batch_size=4)
assert np.bincount(np.concatenate([next(fresh) for _ in range(3)])).tolist() == [2] * 6
assert np.array_equal(next(resumed), next(stream))

# %% [markdown]
# ## 8. The gap, seen by a classifier
#
# On one half of the images a classifier learns to tell the two kinds apart. We count how often it is right on the
# other half. This is a **two-sample test**. A guess is right half of the time.
#
# As a control, we also compare two halves of *one* kind.
#
# **Predict** both accuracies.

# %% tags=["shared"]
half = min(2_000, scale.images // 2)
simulator_images, webcam_images = data.synthetic.images[:half], data.real.images[:half]
others = data.synthetic.images[half:]
apart, _ = realism.two_sample_test(simulator_images, webcam_images, effort=scale.effort)
control, _ = realism.two_sample_test(simulator_images, others, effort=scale.effort)
print(f"synthetic or simulated webcam: right on {apart['accuracy']:.1%} of {apart['tested']}")
print(f"two halves of one kind:        right on {control['accuracy']:.1%} of {control['tested']}")

# %% tags=["check"]
if scale.live > 10:
    assert apart["accuracy"] > 0.9
    assert 0.4 < control["accuracy"] < 0.6

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nearly 100% between the kinds, near 50% in the control. A refiner should bring the first number down to 50%.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 01.3 · Do we need learning at all?
#
# `gaze.handmade` blurs images, adds noise and equalises them: a fixed recipe. Test `handmade` against `webcam_images`
# in the same way. Look at eight images of each. What still tells them apart? How could a refiner do better?
#
# *Expected:* an accuracy between 0.5 and 1, and three differences that you see.

# %% tags=["exercise"]
handmade = gaze.handmade(simulator_images)

# %% [markdown]
# <details><summary>What a good answer mentions</summary>
#
# - The accuracy, beside those of untreated images and of a guess.
# - That mean and contrast now agree, as the recipe equalises.
# - Three differences. The recipe cannot add lashes, brows, shadows under the lid, spectacles, darker irises or other
#   lids. Its noise is too strong in dark images.
# - That a person must notice each difference, and a discriminator finds them by itself.
#
# [solution](solutions/01_data.ipynb)
#
# </details>

# %% tags=["solution"]
handmade = gaze.handmade(simulator_images)
found, _ = realism.two_sample_test(handmade, webcam_images, effort=scale.effort)
print(f"synthetic {apart['accuracy']:.1%}, handmade {found['accuracy']:.1%}, a guess 50%")
rows = {"handmade": handmade[:8], "simulated\nwebcam": webcam_images[:8]}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "synthetic images after the recipe, and simulated webcam images. Lashes, shadows and dark irises are missing above.",
)

# %% [markdown] tags=["solution"]
# Mean and contrast are right now, and the classifier still tells nearly all images apart. Equalising makes the noise
# of dark images too strong.

# %% [markdown]
# ## 9. The gap, in degrees
#
# Does the gap matter for the task? A gaze network learns from synthetic images. We test it on other synthetic images,
# and on simulated webcam images. The error is the angle between true and predicted gaze. We compare with always
# answering the mean gaze.

# %%
cut = len(data.synthetic) * 3 // 4
training, own_test = data.synthetic[:cut], data.synthetic[cut:]
targets = training.labels[gaze.LOOK].to_numpy()
network = gaze.train_estimator(training.images, targets, seed=0, effort=scale.effort)


# %%
def errors_on(test):
    predicted = network.predict(to_float(test.images), batch_size=256, verbose=0)
    return gaze.angular_error(predicted, test.labels[gaze.LOOK].to_numpy())


# %% [markdown]
# **Predict.** On its own kind the network errs by a few degrees. By how many on the other?

# %%
errors = {"synthetic": errors_on(own_test), "simulated webcam": errors_on(data.test)}
true = data.test.labels[gaze.LOOK].to_numpy()
guess = gaze.angular_error(np.broadcast_to(targets.mean(axis=0), true.shape), true)
for name, values in {**errors, "the mean gaze": guess}.items():
    print(f"{name:18} mean error {values.mean():4.1f} degrees")

# %% tags=["plot"]
figure = Figure(figsize=(6.5, 3), layout="constrained")
axis = figure.subplots()
lines = {"on synthetic": (errors["synthetic"], plots.BLUE, "-")}
lines["on simulated webcam"] = (errors["simulated webcam"], plots.GREEN, "--")
lines["the mean gaze"] = (guess, plots.GRAY, ":")
for name, (values, color, style) in lines.items():
    percent = np.linspace(0, 100, len(values))
    axis.plot(np.sort(values), percent, style, color=color, label=name)
axis.set(xlabel="error, degrees", ylabel="% of images with at most this error", xlim=(0, 35))
axis.legend(fontsize="small", loc="lower right")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "one network that learned from synthetic images, tested on both kinds. The higher a curve, the more images have a small "
    "error.",
)

# %% tags=["check"]
if scale.live > 10:
    assert 1.5 * errors["synthetic"].mean() < errors["simulated webcam"].mean() < guess.mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# By several times as many.
#
# </details>
#
# The network and the range of gaze are the same, and only the images differ. This is the **domain gap**.
#
# How small could the error be? A network learns from labelled simulated webcam images. Training and test share no
# image.

# %%
middle = len(data.test) // 2
sets = {"synthetic": data.synthetic[:middle], "labelled": data.test[:middle]}
found = gaze.gaze_errors(sets, data.test[middle:], seeds=1, effort=scale.effort, progress=False)
for name in sets:
    print(f"{name:10} {found[name].mean():4.1f} degrees, from {middle:,} images")

# %% tags=["check"]
if scale.live > 10:
    assert found["labelled"].mean() < found["synthetic"].mean()

# %% [markdown]
# With 4,000 images and three networks, the errors are
# {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} degrees for synthetic and
# {{quick/baseline/seed0 evaluation.gaze_error_deg.labelled.mean 1}} for labelled images. SimGAN can win what lies
# between.

# %% [markdown]
# ## 10. Is a file sound?
#
# `datasets.check` says what is wrong with a file, as does the command `simgan data check FILE`.
#
# **Predict.** In a copy, somebody changes one pixel and blackens two images. What can be noticed?

# %%
with tempfile.TemporaryDirectory() as place:
    copy = Path(place, "copy.h5")
    datasets.save_images(copy, ImageSet(data.real.images[:50]))
    with h5py.File(copy, "r+") as file:
        file["image"][3, 17, 27] ^= 1
        file["image"][[7, 8]] = 0
    problems = [line for line in datasets.check(copy) if line.startswith("PROBLEM")]
print("\n".join(problems).replace(str(copy), "copy.h5"))

# %% tags=["check"]
assert len(problems) == 3

# %% [markdown]
# <details><summary>Answer</summary>
#
# Black images, a repeated image, and a checksum that no longer fits, for which one pixel is enough. No such check
# sees that labels belong to other images.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 01.4 · Labels of other images
#
# In Kaggle's file images have names: `0`, `1`, ..., `10`. HDF5 lists names as *text*: `0`, `1`, `10`, `100`. A
# colleague read the images in that order, and the labels in the order of numbers.
#
# Write `mixed_up(images, labels)`. It takes at least 400 synthetic images (n, 35, 55) and labels. It returns `True`
# if the labels belong to other images and `False` if they fit. Use no network.
#
# *Expected:* `False` for `data.synthetic`, `True` for `hers`.

# %% tags=["shared"]
text_order = sorted(range(len(data.synthetic)), key=str)
hers = ImageSet(data.synthetic.images[text_order], data.synthetic.labels)


# %% tags=["exercise"]
def mixed_up(images, labels): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# The pupil is dark. Where are an image's darkest pixels, and does that place go with `pupil_x`? `np.corrcoef` says
# how strongly. [solution](solutions/01_data.ipynb)
#
# </details>


# %% tags=["solution"]
def dark_column(images):
    dark = images <= np.quantile(images, 0.05, axis=(1, 2), keepdims=True)
    columns = dark.sum(axis=1)  # how many dark pixels each column of an image has
    return (columns * np.arange(images.shape[2])).sum(axis=1) / columns.sum(axis=1)


def mixed_up(images, labels):
    together = np.corrcoef(dark_column(images), labels["pupil_x"])[0, 1]
    return bool(together < 0.25)


assert verdict("01.4", mixed_up)[0]

# %% tags=["shared"]
check("01.4", mixed_up)

# %% tags=["solution"]
for name, some in [("sound", data.synthetic), ("hers", hers)]:
    together = np.corrcoef(dark_column(some.images), some.labels["pupil_x"])[0, 1]
    print(f"{name:6} correlation {together:+.2f}, mixed up: {mixed_up(some.images, some.labels)}")

# %% [markdown] tags=["solution"]
# The centre of the darkest pixels goes with the pupil, but not perfectly, as lashes and shadows are dark too.
# `simgan_lib.load` sorts names by number.

# %% [markdown]
# ## 11. Photographs
#
# The report's 50,000 UnityEyes images and 34,100 MPIIGaze photographs are at
# [Kaggle](https://www.kaggle.com/datasets/4quant/eye-gaze). We may not ship them. Install `simgan_lib[kaggle]`, and then:
#
#     simgan data fetch kaggle        # into data/kaggle; if it fails, it says what to do by hand
#     simgan train --data kaggle --run runs/my-first-photographs
#
# The [data card](../data/README.md) lists other layouts.
#
# ## What you have learned
#
# - A data set holds pixels, labels with units, and a record of how it was made.
# - Pitch is positive up, yaw to the image's left. An arrow shows whether that holds.
# - Images are `uint8` on disk, and float32 in [-1, 1] in networks.
# - The two kinds share the range of gaze. Camera, lids, lashes, pupils and light differ.
# - A classifier tells them apart. A gaze network that learned from one makes large errors on the other.
#
# ## References
#
# - Shrivastava et al., *Learning from simulated and unsupervised images through adversarial training*, CVPR 2017.
# - Bojja 2018, the course report: its data.
# - Zhang et al., *Appearance-based gaze estimation in the wild*, CVPR 2015: MPIIGaze and its axes.
# - Wood et al., *Learning an appearance-based gaze estimator from one million synthesised images*, ETRA 2016: UnityEyes.
# - Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, ICLR 2017.
#
# **Next:** [02 · The refiner](02_refiner.ipynb)
