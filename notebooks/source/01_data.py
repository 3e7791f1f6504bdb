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
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - open the files of a data set yourself, and say what each number in them means, with its unit;
# - draw a gaze label onto the eye that it belongs to, and so catch a wrong sign before it costs you a day;
# - turn gray levels into what the networks take, and feed them in batches that can be resumed;
# - show in two ways that two sets of images differ: by telling them apart, and by what a network loses
#   that learned from one and is tested on the other.
#
# **You need** NumPy arrays, and to have seen a network trained once. This is the first notebook after the quickstart.

# %% tags=["shared", "setup"]
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import datasets, gaze, notebook, plots, realism, widgets
from simgan_lib.data import ImageSet, batch_indices, to_float, to_uint8
from simgan_lib.data.simulator import simulate

scale = notebook.start()

# %% [markdown]
# ## 1. The problem, in three files
#
# We want a network that sees an eye and says where it looks. To learn, it needs thousands of images
# *with the answer*. Nobody can measure the gaze of thousands of people to the degree; but a simulator
# knows the gaze of every eye it draws. So we have
#
# | file | what is in it | labels |
# |---|---|---|
# | `synthetic_gaze.h5` | clean images from the simulator: the *synthetic* ones | yes |
# | `real_gaze.h5` | images as a webcam takes them | **no** |
# | `webcam_test.h5` | the like, of other eyes, to measure with at the end | yes |
#
# One line loads them, and draws them first if they are not there yet.

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print(data)

# %% [markdown]
# One word of caution, for the whole course. The library calls the second set `real` because of its
# *role*: it is what refined images should come to look like. Photographs of people cannot be shipped
# with a course, so in the embedded data the simulator draws that set too, through another
# camera. We call those images *simulated webcam* images. "Real" is for photographs.
#
# **Predict.** Both styles draw the same kind of eye. What will differ? Write down three things before
# you look.

# %%
rows = {"synthetic": data.synthetic.images[:16], "simulated\nwebcam": data.real.images[:16]}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "the two styles, eight eyes a row. The simulator's are clean, with crisp lids and even light; the "
    "simulated webcam's are soft and noisy, of high contrast, with dark lashes and deep shadows.",
)

# %% [markdown]
# The eyes in one column have nothing to do with each other: no image has a partner in the other style. That
# is the rule of the game, and why "just learn the mapping from pairs" is not an option.

# %% [markdown]
# ## 2. Inside an HDF5 file
#
# HDF5 is a folder inside a file: *data sets* (arrays) with names, and *attributes* (small notes) that
# hang on them. Ours holds one array. Opening the file reads none of its pixels; indexing does.

# %% tags=["shared"]
folder = Path("data/simulated")
with h5py.File(folder / "synthetic_gaze.h5") as file:
    print("holds:", list(file), file["image"].shape, file["image"].dtype)
    first = file["image"][:4]
    notes = dict(file.attrs)
print("read: ", first.shape, "from", first.min(), "to", first.max())

# %% [markdown]
# `uint8` is a whole number from 0 (black) to 255 (white). The order of the axes is image, row, column:
# `image[0, 17, 27]` lies in row 17 from the *top* and column 27 from the *left*.
#
# Now the notes. A file that says how it was made can be made again, and a checksum shows whether
# its pixels are still those that were written.

# %%
for name, value in notes.items():
    print(f"{name:14}", str(value)[:88])

# %% [markdown]
# **Predict.** The recipe names a style, a seed and where to start. If you draw four eyes by that recipe,
# how many of their 7,700 pixels will differ from the file's?

# %%
recipe = json.loads(notes["recipe"])
again, _ = simulate(4, recipe["style"], seed=recipe["seed"], start=recipe["start"])
print("pixels that differ:", int((again != first).sum()))

# %% tags=["check"]
assert np.array_equal(again, data.synthetic.images[:4])

# %% [markdown]
# None: each eye depends on the seed and its own number alone. A small set is the beginning of a large one.

# %% [markdown]
# ## 3. The labels: columns and units
#
# HDF5 keeps the pixels; the labels are in a CSV file of the same name, which any spreadsheet opens. Row
# *i* belongs to image *i*. The file begins with lines of `#` that say what the columns mean. A number without its
# unit is a rumour, so read these first.

# %%
text = (folder / "synthetic_gaze.csv").read_text().splitlines()
print("\n".join(text[:8]))

# %% tags=["shared"]
labels = pd.read_csv(folder / "synthetic_gaze.csv", comment="#", nrows=scale.images)
degrees = np.degrees(labels[["pitch", "yaw"]])
print(degrees.describe().loc[["mean", "std", "min", "max"]].round(1))

# %% [markdown]
# So the eyes look up to some 29 degrees to either side, and from 24 down to some 21 up.
#
# Gaze is there twice: as two angles, which we can imagine, and as a vector of length 1, which networks
# prefer to predict (angles jump from 360 to 0, vectors never jump). One gives the other:
#
# $$ \text{pitch} = \arcsin(-\text{look}_y), \qquad \text{yaw} = \operatorname{atan2}(-\text{look}_x, -\text{look}_z) $$

# %%
look = labels[["look_x", "look_y", "look_z"]].to_numpy()
pitch = np.arcsin(-look[:, 1])
yaw = np.arctan2(-look[:, 0], -look[:, 2])
print("length of the vectors:", np.linalg.norm(look, axis=1).min().round(6), "and up")
print("largest difference:   ", np.abs(pitch - labels["pitch"]).max().round(6), "radians")

# %% tags=["check"]
assert np.allclose(np.linalg.norm(look, axis=1), 1)
assert np.allclose(pitch, labels["pitch"])
assert np.allclose(yaw, labels["yaw"])

# %% [markdown]
# ## 4. A label you can see
#
# Why all the minus signs? The axes are the camera's: x to the right of the image, y *down* (as rows are
# counted), z away from the camera. An eye that looks into the lens looks *towards* the camera: (0, 0, -1).
#
# **Predict.** An eye has yaw = +0.4 and pitch = 0. Does its pupil sit left or right of the middle, seen by you?
#
# Seen from the front, the gaze vector is simply foreshortened: its x and y parts are already
# an arrow in the image, to the right and down. We start it at the pupil.


# %% tags=["shared"]
def draw_gaze(axis, image, label, length=24):
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    start = label["pupil_x"], label["pupil_y"]
    end = start[0] + length * label["look_x"], start[1] + length * label["look_y"]
    arrow = {"arrowstyle": "->", "color": plots.ORANGE, "linewidth": 2.5}
    axis.annotate("", xy=end, xytext=start, arrowprops=arrow)
    axis.set_title(f"pitch {label['pitch']:+.2f}, yaw {label['yaw']:+.2f}", fontsize="small")
    axis.axis("off")


# %%
extremes = labels["yaw"].idxmax(), labels["yaw"].idxmin(), labels["pitch"].idxmax()
figure = Figure(figsize=(10, 1.9), layout="constrained")
for axis, number in zip(figure.subplots(1, 4), [*extremes, labels["pitch"].idxmin()], strict=True):
    draw_gaze(axis, data.synthetic.images[number], labels.loc[number])
notebook.show(
    figure,
    "the eyes with the largest and the smallest yaw, then the largest and the smallest pitch, in "
    "radians. Positive yaw points to the left of the image, positive pitch up.",
)

# %% [markdown]
# Positive yaw is the *left* of the image: the person's own right. MPIIGaze, the usual set of webcam
# photographs, has the same convention; UnityEyes, the usual simulator, counts y upwards and has to be
# turned over. **A wrong sign raises no error. It only makes an arrow point the wrong way, so draw the
# arrow whenever you meet a new data set.**
#
# The simulated webcam's test set has its arrows too, and they must behave the same, or the comparison between
# the two styles would be worth nothing.

# %%
figure = Figure(figsize=(10, 1.9), layout="constrained")
for axis, number in zip(figure.subplots(1, 4), range(4), strict=True):
    draw_gaze(axis, data.test.images[number], data.test.labels.loc[number])
notebook.show(
    figure,
    "simulated webcam images with their labels. Through noise and shadow, the arrow still starts on "
    "the pupil and points where the eye looks: the geometry is shared.",
)

# %% [markdown]
# Turn the eye yourself, in both styles, with its label. **Predict** what *pupil*, *lids* and *light* do to
# the arrow before you move them.

# %%
widgets.EyeExplorer()

# %% [markdown]
# Nothing: the label is the direction of gaze alone. Everything else is what a gaze network must learn
# to look past.
#
# ## 5. What a camera does to numbers
#
# Back to your three predictions. Looking is good, measuring is better: two numbers per set to begin with.

# %%
for name, images in [("synthetic", data.synthetic.images), ("simulated webcam", data.real.images)]:
    each = images.mean(axis=(1, 2)).std()
    print(
        f"{name:17} mean {images.mean():5.1f}  std {images.std():4.1f}  brightness varies by {each:4.1f}"
    )

# %% [markdown]
# The simulated webcam is brighter and has more contrast. And its images are all *equally* bright,
# as its camera equalises the histogram of each, while the simulator's exposure varies from image to image.
#
# Two pictures say more: how often each gray level occurs, and how much of the image is fine detail. For
# the second we take the Fourier transform along the rows. Slow waves (left in the plot) are skin and
# shadow, fast ones (right) are edges and noise.


# %%
def power_spectrum(images):
    waves = images - images.mean(axis=(1, 2), keepdims=True)
    # The window fades the left and right ends, whose jump would look like detail.
    power = np.abs(np.fft.rfft(waves * np.hanning(images.shape[2]), axis=2)) ** 2
    return np.fft.rfftfreq(images.shape[2]), power.mean(axis=(0, 1))


# %%
figure = Figure(figsize=(9, 3), layout="constrained")
left, right = figure.subplots(1, 2)
for name, images in [("synthetic", data.synthetic.images), ("real", data.real.images)]:
    label = "simulated webcam" if name == "real" else name
    share = np.bincount(images.ravel(), minlength=256) / images.size
    left.plot(100 * share, color=plots.COLORS[name], label=label)
    right.semilogy(*power_spectrum(images[:1000]), color=plots.COLORS[name], label=label)
left.set(xlabel="gray level", ylabel="% of the pixels", ylim=(0, None))
right.set(xlabel="cycles per pixel", ylabel="power (gray levels squared)")
for axis in (left, right):
    axis.legend(fontsize="small")
    axis.grid(alpha=0.3)
notebook.show(
    figure,
    "left, the gray levels. Synthetic images have a hump, and a spike at each end, pixels that are pure black "
    "or pure white; the simulated webcam has nearly all levels alike. Right, "
    "how much slow (left) and fast (right) waves there are: the simulator's crisp edges hold more of the "
    "fast ones, the simulated webcam's shadows more of the slow ones.",
)

# %% [markdown]
# These numbers know nothing of *what* is in an image. A set can match them all and look like
# nothing on earth: they may find a difference, they never prove that there is none.

# %% [markdown]
# ## 6. From gray levels to tensors
#
# Networks like numbers around zero, and our refiner ends in a tanh, whose output lies in
# [-1, 1]. So 0 becomes -1 and 255 becomes 1:
#
# $$ x = \frac{\text{gray}}{127.5} - 1 $$
#
# Keras also wants a *channel* axis at the end, of length 1 for gray, and 32-bit floats. By hand:

# %%
by_hand = data.synthetic.images[:32, :, :, np.newaxis].astype("float32") / 127.5 - 1
x = to_float(data.synthetic.images[:32])
print("by hand:", by_hand.shape, by_hand.dtype, "library:", x.shape, x.dtype)
print("largest difference:", np.abs(by_hand - x).max())

# %% tags=["check"]
assert np.allclose(by_hand, x, atol=1e-6)
assert x.min() >= -1
assert x.max() <= 1
assert np.array_equal(to_uint8(x), data.synthetic.images[:32])

# %% [markdown]
# `to_uint8` goes the other way, and nothing is lost. Both refuse what they were not made for. Scaling
# twice is a classic: images that are all nearly -1, no error, and a network that learns nothing.
#
# **Predict.** What would 255 become if it were scaled twice?

# %%
print("255, scaled twice:", (255 / 127.5 - 1) / 127.5 - 1)
try:
    to_float(x)
except datasets.DataError as error:
    print("the library says:", error)

# %% [markdown]
# And why not store the floats? Four bytes a pixel instead of one. We keep `uint8` everywhere and scale a
# batch at the moment it is used.

# %% [markdown]
# ## 7. Batches from an endless stream
#
# Two networks train in turns, on two sets of different sizes, for a number of *rounds*, not epochs. So we
# want each set to be a stream that can be asked for another batch at any time. The indices of the images
# are shuffled, cut into batches, shuffled anew, and so on for ever; where an epoch ends in the middle of
# a batch, the batch simply goes on into the next.

# %%
batches = batch_indices(count=6, batch_size=4, seed=0)
for number in range(6):
    print(f"batch {number}:", next(batches))

# %% [markdown]
# Six images, batches of four: three batches hold every image exactly twice. (At the seam of two epochs, one
# batch may hold an image twice; that harms nobody.) Drawing at random with
# replacement would be shorter to write, but **predict**: of 6,000 images, how many would it not have shown after
# 6,000 draws?

# %%
draws = np.random.default_rng(0).integers(0, 6_000, 6_000)
print(f"never shown: {1 - len(np.unique(draws)) / 6_000:.0%} (1/e = {np.exp(-1):.0%})")

# %% [markdown]
# More than a third. The shuffled stream shows every image once before any image comes twice.
#
# It has another virtue. Batch number b depends on the seed and b alone, so a training that was
# stopped after 1,000 rounds goes on with batch 1,000, as if nothing had happened.

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
# ## 8. The domain gap, seen by a judge
#
# The two styles differ; by how much? Ask a judge. Train a small network to tell them apart on one half of the images,
# and count how often it is right on the other half. If no network can do better than 50%, the sets
# are alike for all purposes of networks. This is a *two-sample test*, and we will meet it again: a discriminator is
# such a judge, and a refiner is good when the judge is reduced to guessing.
#
# A measurement needs a control. Ours is the test on two sets of *one* style, where there is nothing to find.
#
# **Predict** both numbers.

# %% tags=["shared"]
half = min(2_000, scale.images // 2)
simulator_images, webcam_images = data.synthetic.images[:half], data.real.images[:half]
apart, _ = realism.two_sample_test(simulator_images, webcam_images, effort=scale.effort)
control, _ = realism.two_sample_test(
    simulator_images, data.synthetic.images[half:], effort=scale.effort
)
for name, found in [
    ("synthetic or simulated webcam?", apart),
    ("two halves of one style", control),
]:
    print(f"{name:30} right on {found['accuracy']:.1%} of {found['tested']} images")

# %% tags=["check"]
if scale.live > 10:
    assert apart["accuracy"] > 0.9
    assert 0.4 < control["accuracy"] < 0.6

# %% [markdown]
# The judge of the two styles is right nearly every time; the judge of the control does no better than
# a coin, however long it studies. The gap is wide. Is it one of *style* alone? Then the eyes would have to look
# the same ways in both sets. The labels know; the simulated webcam's are in its test set:

# %%
for name, images in [("synthetic", data.synthetic), ("simulated webcam", data.test)]:
    for angle in ("pitch", "yaw"):
        found = np.degrees(images.labels[angle])
        spread = f"{found.mean():5.1f} ± {found.std():4.1f}"
        print(
            f"{name:17} {angle:6} {spread}, from {found.min():5.1f} to {found.max():4.1f} degrees"
        )

# %% [markdown]
# The same ranges, so the gap is one of style and not of where people look. That is no accident: a simulator can be told
# where its eyes shall look, and this one was told the range of the target. Section 7 of notebook 09 says what
# refining may do to the labels where the ranges differ.

# %% tags=["check"]
if scale.live > 10:
    highest = [np.degrees(some.labels["pitch"].max()) for some in (data.synthetic, data.test)]
    assert np.allclose(highest, np.degrees(0.2), atol=0.2)

# %% [markdown]
# ## 9. The domain gap, in degrees
#
# Does the gap matter for the task? Train a gaze network on synthetic images and test it twice: on synthetic
# images that it has not seen, and on simulated webcam images. We measure the angle between the true and the predicted
# direction. A yardstick: the error of always answering the mean gaze, which takes no eyes at all.

# %%
cut = len(data.synthetic) * 3 // 4
training, own_test = data.synthetic[:cut], data.synthetic[cut:]
targets = training.labels[gaze.LOOK].to_numpy()
network = gaze.train_estimator(training.images, targets, seed=0, effort=scale.effort)
network.count_params()


# %%
def errors_on(test):
    predicted = network.predict(to_float(test.images), batch_size=256, verbose=0)
    return gaze.angular_error(predicted, test.labels[gaze.LOOK].to_numpy())


# %% [markdown]
# **Predict.** On its own domain the network will err by a few degrees. And on the other?

# %%
errors = {"synthetic": errors_on(own_test), "simulated webcam": errors_on(data.test)}
true = data.test.labels[gaze.LOOK].to_numpy()
guess = gaze.angular_error(np.broadcast_to(targets.mean(axis=0), true.shape), true)
for name, values in {**errors, "the same, guessing": guess}.items():
    print(f"{name:18} mean error {values.mean():4.1f} degrees")

# %%
figure = Figure(figsize=(6, 3), layout="constrained")
axis = figure.subplots()
for (name, values), color in zip(errors.items(), (plots.BLUE, plots.GREEN), strict=True):
    axis.plot(np.sort(values), np.linspace(0, 100, len(values)), color=color, label=f"on {name}")
axis.plot(np.sort(guess), np.linspace(0, 100, len(guess)), ":", color=plots.GRAY, label="guessing")
axis.set(xlabel="error, degrees", ylabel="% of images with at most this error", xlim=(0, 45))
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "one network, trained on synthetic images, tested on both styles. On its own style nearly all "
    "errors are small; on the simulated webcam much of what it learned is lost.",
)

# %% tags=["check"]
if scale.live > 10:
    assert 1.5 * errors["synthetic"].mean() < errors["simulated webcam"].mean()

# %% [markdown]
# The same network, task and range of gaze; only the style has changed, and the error is several times
# as large. That is the **domain gap**, and it is why labelled synthetic images are not enough.
#
# How good could it get? A network that had simulated webcam *labels* to learn from would show it. We have such
# labels, in the test set, which nobody has in practice; so this is a yardstick, not a method. The library
# compares training sets on one test set, which must not share an image with them:

# %%
middle = len(data.test) // 2
sets = {"synthetic": data.synthetic[:middle], "labelled": data.test[:middle]}
found = gaze.gaze_errors(sets, data.test[middle:], seeds=1, effort=scale.effort, progress=False)
for name, values in found.items():
    print(f"{name:10} {values.mean():4.1f} degrees on the simulated webcam")

# %% tags=["check"]
if scale.live > 10:
    assert found["labelled"].mean() < found["synthetic"].mean()

# %% [markdown]
# With as many images, labelled ones of the simulated webcam do far better. Between these two numbers lies what
# SimGAN can win: **make synthetic images look like the webcam's, and keep their labels.** (Here each network had no
# more than half a test set to learn from, 1,000 images. With 4,000, in the records of the course, the gap runs from
# {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} degrees to
# {{quick/baseline/seed0 evaluation.gaze_error_deg.labelled.mean 1}}.)

# %% [markdown]
# ## 10. Is the file sound? And how to use photographs
#
# `simgan data check FILE` on the command line reads a file as the library does, and says what it holds and
# what is wrong with it. In Python it is `datasets.check`:

# %%
for line in datasets.check(folder / "webcam_test.h5"):
    print(line[:100])

# %% [markdown]
# **Predict.** Someone "repairs" one pixel of a copy and blackens two images. What can be noticed?

# %%
with tempfile.TemporaryDirectory() as place:
    copy = Path(place, "copy.h5")
    datasets.save_images(copy, ImageSet(data.real.images[:50]))
    with h5py.File(copy, "r+") as file:
        file["image"][3, 17, 27] ^= 1
        file["image"][[7, 8]] = 0
    problems = [line for line in datasets.check(copy) if line.startswith("PROBLEM")]
for line in problems:
    print(line.replace(str(copy), "copy.h5"))

# %% tags=["check"]
assert len(problems) == 3

# %% [markdown]
# Black images, images that repeat, and a checksum that fits no longer. Even the one pixel alone would have
# changed the checksum. Check a data set *before* a night's training.
#
# ### The data of the report
#
# The course report used 50,000 UnityEyes images and 34,100 MPIIGaze photographs, published at
# [Kaggle](https://www.kaggle.com/datasets/4quant/eye-gaze). They are not ours to pass on, and fetching them takes
# Kaggle's client (`pip install 'simgan_lib[kaggle]'`), perhaps an account there, and a network:
#
#     simgan data fetch kaggle                 # into data/kaggle; says what to do by hand if it fails
#     simgan data check data/kaggle            # does it hold what it should?
#     simgan train --data kaggle --run runs/my-first-photographs
#
# In a notebook, one argument of `load` switches the cells that train. Others stay with the simulated data: those that
# draw with the simulator, replay recorded runs, or need labels of webcam images, which those photographs lack. Other
# layouts (MPIIGaze's own, UnityEyes' own, a folder of pictures) are in the [data card](../data/README.md).

# %%
if Path("data/kaggle/real_gaze.h5").exists():
    photographs = simgan_lib.load("kaggle", limit=scale.images, progress=False)
    print(photographs)
else:
    print("No Kaggle data here: the course goes on with the simulated data.")

# %% [markdown]
# ## What you have learned
#
# - A data set is pixels, labels, units and a record of how it was made; all four can be looked at.
# - Pitch is positive up, yaw is positive to the image's left; an arrow shows at once whether that was heeded.
# - `uint8` on disk, float32 in [-1, 1] for the networks, from an endless shuffled stream.
# - The domain gap is measured: a judge tells the styles apart, and a gaze network loses most of its skill
#   on the other style.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write the way from angles to the gaze vector, and test it against the file's columns. (Start from an
# eye that looks into the camera: (0, 0, -1).)


# %% tags=["exercise"]
def gaze_vector(pitch, yaw): ...  # your code


# %% tags=["solution"]
def gaze_vector(pitch, yaw):
    return np.stack(
        [-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=-1
    )


# %% tags=["solution"]
vectors = gaze_vector(labels["pitch"].to_numpy(), labels["yaw"].to_numpy())
print("largest difference:", np.abs(vectors - labels[gaze.LOOK]).to_numpy().max().round(6))
assert np.allclose(vectors, labels[gaze.LOOK])

# %% [markdown] tags=["solution"]
# Pitch first: its sine is the part that points up, so *minus* y. What is left, cos(pitch), lies in the
# horizontal plane and is split by yaw into the part to the left (minus x) and the part towards the camera
# (minus z).

# %% [markdown] tags=["task"]
# **2. Predict, then run.** A cheap way to double a data set: mirror each image left to right. Which of the seven columns
# must change, and how? Write `mirrored(images, labels)` and look at an arrow.


# %% tags=["exercise"]
def mirrored(images, labels): ...  # your code


# %% tags=["solution"]
def mirrored(images, labels):
    turned = labels.assign(yaw=-labels["yaw"], look_x=-labels["look_x"])
    # The centre of the last column has the number width - 1.
    turned["pupil_x"] = images.shape[2] - 1 - labels["pupil_x"]
    return images[:, :, ::-1], turned


# %% tags=["solution"]
images, turned = mirrored(data.synthetic.images, data.synthetic.labels)
figure = Figure(figsize=(6, 2), layout="constrained")
axes = figure.subplots(1, 2)
draw_gaze(axes[0], data.synthetic.images[0], data.synthetic.labels.loc[0])
draw_gaze(axes[1], images[0], turned.loc[0])
notebook.show(figure, "an eye and its mirror image: the arrow still fits the pupil.")
assert np.allclose(turned["yaw"], np.arctan2(-turned["look_x"], -turned["look_z"]))

# %% [markdown] tags=["solution"]
# Three columns: yaw and look_x change their sign, pupil_x is counted from the other side (from 54, not 55:
# pixel *centres* have whole numbers). Who mirrors images and leaves the labels alone teaches the network
# that left is right in half of the cases; it will then answer "straight ahead", the best compromise, and no
# error message ever appears.

# %% [markdown] tags=["task"]
# **3. Diagnose.** Kaggle's file has one small data set per image, named `0`, `1`, ... `10`, and HDF5 lists
# names as *text*: `0`, `1`, `10`, `100`, ... A colleague read the images in that order, and the labels from the
# CSV in the order of numbers. Training "works". Below is what she has. Find a test without any network that shows
# that something is wrong, and that would pass on sound data.

# %% tags=["shared"]
text_order = sorted(range(len(data.synthetic)), key=str)
hers = ImageSet(data.synthetic.images[text_order], data.synthetic.labels)

# %% tags=["exercise"]
# Which quantity can be measured in an image AND be read in its label?


# %% tags=["solution"]
def dark_centre(images):
    dark = images <= np.quantile(images, 0.05, axis=(1, 2), keepdims=True)
    columns = dark.sum(axis=1)  # how many dark pixels each column of an image has
    return (columns * np.arange(images.shape[2])).sum(axis=1) / columns.sum(axis=1)


# %% tags=["solution"]
for name, some in [("sound", data.synthetic), ("hers", hers)]:
    together = np.corrcoef(dark_centre(some.images), some.labels["pupil_x"])[0, 1]
    print(f"{name:6} correlation of the dark spot with the label: {together:+.2f}")
    assert (abs(together) < 0.25) == (name == "hers")

# %% [markdown] tags=["solution"]
# The pupil is dark, so the centre of the darkest pixels must move with the label `pupil_x`. On sound data
# the two go together, if not perfectly, as lashes and shadows are dark too; in hers they have nothing to do
# with each other. A network trained on such a set finds no rule and answers the mean gaze: its error is that of guessing, which
# is why that yardstick stands in every table of this course. (`simgan_lib.load` sorts by number.)

# %% [markdown] tags=["task"]
# **4. Extend.** Do we need learning at all? `gaze.handmade` equalises, blurs and adds noise by hand. Repeat section 8
# with its images. Does the judge still tell them from the simulated webcam's? And what, do you think, does it look at?

# %% tags=["exercise"]
handmade = gaze.handmade(simulator_images)
# realism.two_sample_test(...)

# %% tags=["solution"]
handmade = gaze.handmade(simulator_images)
found, _ = realism.two_sample_test(handmade, webcam_images, effort=scale.effort)
print(f"synthetic {apart['accuracy']:.1%}, handmade {found['accuracy']:.1%} (a guess: 50%)")
rows = {"handmade": handmade[:8], "simulated\nwebcam": webcam_images[:8]}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "synthetic images treated by hand, and simulated webcam images. Mean and contrast of the two "
    "sets now agree; single images do not: lashes and shadows are missing, and the noise is another.",
)

# %% [markdown] tags=["solution"]
# The mean and the contrast of the set are right now, and the judge is still not fooled: there are lashes, brows, shadows
# under the lid and the grain of the noise left to look at. Every one of them could be added by hand, after somebody
# has noticed it. A discriminator notices by itself; that is the idea of the next notebooks.

# %% [markdown]
# ## References
#
# - Shrivastava et al., *Learning from simulated and unsupervised images through adversarial training*, CVPR 2017.
# - Bojja 2018, section 3.1: the data of the report.
# - Zhang et al., *Appearance-based gaze estimation in the wild*, CVPR 2015 (MPIIGaze, and its axes).
# - Wood et al., *Learning an appearance-based gaze estimator from one million synthesised images*, ETRA 2016 (UnityEyes).
# - Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, ICLR 2017.
#
# **Next:** [02 · The refiner](02_refiner.ipynb)
