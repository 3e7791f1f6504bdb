# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 09 · Is it useful?
# <!-- colab:notebooks/09_is_it_useful.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - measure what refining is worth: the gaze error of a network that learned from refined images;
# - place that error between the worst and the best possible one, with a spread over seeds;
# - say what four times as many images give, before and after refining;
# - check that labels were kept, with an instrument that you have calibrated.
#
# **You need** notebook 08, and to have met a mean and a standard deviation.

# %% tags=["shared", "setup"]
import dataclasses
import tempfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from keras import layers
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import gaze, notebook, plots
from simgan_lib.data import to_float
from simgan_lib.evaluation import report, with_spread
from simgan_lib.notebook import diagrams

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refined"),
    "where this notebook is on the map of the method. It trains a gaze network on refined images with their labels.",
)

# %% [markdown]
# A network that learned from refined images should work on the target's. This notebook measures whether it
# does.
#
# The target here is **simulated webcam** images, whose gaze is known exactly. No number below says how
# well photographs would do.
#
# The refiner is that of `best`: the preset `long`, {{best config.iterations 0}} rounds on as many images as
# the report had.

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
synthetic, test = data.synthetic, data.test
refined = simgan_lib.refine(simgan_lib.pretrained_refiner(), synthetic.images)
print(f"{len(refined):,} refined eyes, with the labels of the synthetic ones")
print(f"{len(test):,} simulated webcam eyes with labels, for testing only")

# %% [markdown]
# ## 1. The measure: an angle
#
# Gaze is a direction: a vector $g$ in space. The error of an answer $\hat g$ is the angle between the
# two, from
#
# $$ \tan\theta = \frac{\lVert \hat g \times g \rVert}{\hat g \cdot g} $$
#
# With $\arccos(\hat g \cdot g)$ rounding hides small angles, as the cosine is flat at 0. In the form above
# the lengths of the vectors do not matter either.


# %% tags=["shared", "taught:evaluation.gaze"]
def angular_error(predicted, true):
    cross = np.linalg.norm(np.cross(predicted, true), axis=-1)
    return np.degrees(np.arctan2(cross, (predicted * true).sum(axis=-1)))


# %% [markdown]
# **Check it by hand.** An eye that looks into the camera has $g = (0, 0, -1)$. Another looks up, along
# $(0, -0.6, -0.8)$. The dot product is 0.8, and $\arccos 0.8 = 36.87°$.

# %%
straight, up = np.array([[0, 0, -1.0]]), np.array([[0, -0.6, -0.8]])
print(f"straight against up: {angular_error(straight, up)[0]:.2f} degrees")
print(f"ten times as long:   {angular_error(10 * straight, up)[0]:.2f} degrees")

# %%
tilt = np.radians(0.01)
near = np.array([[0, np.sin(tilt), -np.cos(tilt)]], "float32")
cosine = (near * straight.astype("float32")).sum()
print(f"0.01 degrees apart: {angular_error(near, straight)[0]:.4f} with the tangent")
print(f"                    {np.degrees(np.arccos(cosine)):.4f} with the cosine, in float32")

# %% tags=["check"]
assert abs(angular_error(straight, up)[0] - 36.87) < 0.01
assert abs(angular_error(near, straight)[0] - 0.01) < 1e-4
assert np.allclose(angular_error(straight, up), gaze.angular_error(straight, up))

# %% [markdown]
# ## 2. The worst and the best possible error
#
# An error of 8 degrees says nothing alone.
#
# **The worst** is that of an answer without looking: always the mean gaze of the training set.

# %%
truth = test.labels[gaze.LOOK].to_numpy()
mean_gaze = synthetic.labels[gaze.LOOK].to_numpy().mean(axis=0, keepdims=True)
errors = {"mean gaze": angular_error(np.repeat(mean_gaze, len(truth), axis=0), truth)}
print(f"always the mean gaze: {errors['mean gaze'].mean():.1f} degrees")

# %% [markdown]
# **The best possible** is that of a network that learns from *labelled* simulated webcam images. In
# practice nobody has them.
#
# Between the two stand three candidates with the same eyes and labels:
#
# - the synthetic images as they are;
# - the same after a **hand-made recipe**: blur, noise, histogram equalisation;
# - the same, refined.
#
# If the recipe does as well as R, nobody needs a GAN.

# %%
handmade = gaze.handmade(synthetic.images)
labelled, labels = simgan_lib.simulate(len(synthetic), "webcam", start=report.LABELLED_START)
rows = {
    "synthetic": synthetic.images,
    "handmade": handmade,
    "refined": refined,
    "labelled": labelled,
}

# %% tags=["plot"]
notebook.show(
    plots.contact_sheet({name: images[:6] for name, images in rows.items()}, 6, zoom=1.5),
    "what the four networks learn from. The first three rows are the same eyes with the same labels. "
    "The last row is other eyes, drawn in the simulated webcam's style.",
)

# %% [markdown]
# In some refined eyes the edge of the iris is lost: see section 6.
#
# One small network learns from each row. Three convolutions of stride 2 lead to a gaze vector:


# %% tags=["taught:evaluation.gaze"]
def build_gaze_estimator(image_shape=(35, 55, 1), outputs=3, seed=None):
    initializer = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    settings = {"activation": "relu", "kernel_initializer": initializer}
    # Whatever the user's Keras settings are.
    axes = {"data_format": "channels_last", "dtype": "float32"}
    x = image = keras.Input(image_shape)
    for filters in (32, 48, 64):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", **axes, **settings)(x)
    x = layers.Flatten(**axes)(x)
    x = layers.Dense(64, name="features", dtype="float32", **settings)(x)
    gaze = layers.Dense(outputs, kernel_initializer=initializer, dtype="float32")(x)
    return keras.Model(image, gaze, name="gaze_estimator")


# %%
print(f"{build_gaze_estimator().count_params():,} parameters")

# %% [markdown]
# The next cell trains it four times from the same initial weights. Only the images differ.
#
# **Predict.** Write down four numbers, one for each row.


# %%
def train_and_test(images, labels, seed=0):
    network = gaze.train_estimator(images, labels[gaze.LOOK].to_numpy(), seed, scale.effort)
    answers = network.predict(to_float(test.images), batch_size=256, verbose=0)
    return angular_error(answers, truth)


for name, images in rows.items():
    errors[name] = train_and_test(images, labels if name == "labelled" else synthetic.labels)
    print(f"{name:<10} {errors[name].mean():5.1f} degrees")

# %% tags=["check"]
if scale.live > 10:
    assert errors["labelled"].mean() < errors["refined"].mean() < errors["synthetic"].mean()
    assert errors["refined"].mean() < errors["handmade"].mean()
    assert errors["synthetic"].mean() < errors["mean gaze"].mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Refined images teach more than synthetic and hand-made ones, and less than labelled ones.
#
# </details>

# %% [markdown]
# ## 3. How many are within an angle?
#
# A mean hides whether all answers are a little wrong or a few are very wrong. The **cumulative error curve**
# shows it: for each angle, the share of test images with at most that error. The paper quotes one point, 7
# degrees.

# %% [markdown] tags=["task"]
# ### Exercise 09.1 · Share within an angle
#
# Write `within(errors, degrees)`: the percentage of errors that are at most `degrees`. *Expected:*
# `within([1, 5, 7, 20], 7)` gives `75.0`.
#
# <details><summary>Hint</summary>
#
# A comparison of an array with a number gives true and false, and their mean is a share. A list must become
# an array first.
#
# </details>
#
# [solution](solutions/09_is_it_useful.ipynb)


# %% tags=["exercise"]
def within(errors, degrees): ...  # your code


# %% tags=["solution"]
def within(errors, degrees):
    return 100 * (np.asarray(errors) <= degrees).mean()


print(within([1, 5, 7, 20], 7), "% of four")
assert verdict("09.1", within)[0]

# %% tags=["shared"]
check("09.1", within)

# %% [markdown] tags=["solution"]
# Three of four: an error of exactly 7 counts.

# %% tags=["plot"]
figure = Figure(figsize=(7, 3.6), layout="constrained")
axis = figure.subplots()
for name, found in errors.items():
    share = 100 * np.arange(1, len(found) + 1) / len(found)
    axis.plot(np.sort(found), share, color=plots.COLORS[name.split()[0]], label=name)
axis.axvline(7, color="black", linestyle=":")
axis.set(xlim=(0, 30), ylim=(0, 100), xlabel="error, degrees", ylabel="% of test images within")
axis.grid(alpha=0.3)
figure.legend(loc="outside right center", fontsize="small", frameon=False)
notebook.show(
    figure,
    "the cumulative error curves of the five rows. The higher a curve, the better. Dotted: 7 degrees.",
)

# %%
for name, found in errors.items():
    near, tail = (found <= 7).mean(), np.percentile(found, 90)
    print(f"{name:<10} within 7 degrees: {near:4.0%}; one in ten errs by more than {tail:.0f}")

# %% [markdown]
# Refining raises the whole curve.

# %% [markdown]
# ## 4. Once is not enough
#
# A difference counts only where it is larger than the spread over seeds. So the records hold three trainings
# of the preset `quick`, and three gaze networks for each.

# %%
baseline = [simgan_lib.reference_run(f"quick/baseline/seed{seed}") for seed in range(3)]
best = simgan_lib.reference_run("best")
display(Markdown(report.gaze_markdown(baseline)))

# %% [markdown]
# The ± is a standard deviation over gaze networks: nine for the refined row, and three where no refiner is
# involved.
#
# Refining lowers the error by 3.5 degrees, four times the larger of the two spreads. The hand-made row lies
# within the spread of the synthetic one. So the recipe shows no gain. Refining is 3.3 degrees better.
#
# ### The share of the gap
#
# $$ \text{gap closed} = \frac{e_\text{synthetic} - e_\text{refined}}{e_\text{synthetic} - e_\text{labelled}} $$
#
# It is 0 where refining did nothing, and 1 where refined images teach as much as labelled ones. It is
# {{quick/baseline/seed* evaluation.gap_closed.mean 2}} for `quick`, and
# {{best evaluation.gap_closed.mean 2}} for the one training of `best`.
#
# ### Which run is which
#
# The column *images* says from how many R learned, *refiners* counts trainings, and *networks* the gaze
# networks for each. Those learned from 4,000 images.

# %% tags=["plot"]
records = {"quick": baseline, "best": [best]}
records |= {name: [simgan_lib.reference_run(name)] for name in ("closest", "report-schedule")}
lines = []
for name, runs in records.items():
    found, config = [run.evaluation for run in runs], runs[0].config
    measured = [record["gaze_error_deg"]["refined"]["mean"] for record in found]
    spread = f" ± {np.std(measured, ddof=1):.1f}" if len(runs) > 1 else ""
    lines.append(
        {
            "run": name,
            "rounds": int(runs[0].metrics["iteration"].iloc[-1]),
            "maps in R": config.filters,
            "images": runs[0].environment["data"]["synthetic"]["images"],
            "refiners": len(runs),
            "networks": found[0]["seeds"],
            "synthetic, deg": f"{found[0]['gaze_error_deg']['synthetic']['mean']:.1f}",
            "refined, deg": f"{np.mean(measured):.1f}{spread}",
        }
    )
print(pd.DataFrame(lines).to_string(index=False))

# %% [markdown]
# The run `closest` went on from `best`, with 7,000 rounds behind it. Where one refiner was trained, a few
# tenths of a degree may be chance. [runs/README](../runs/README.md) says how each was made.

# %% tags=["check"]
for runs in records.values():
    for run in runs:
        error = {name: value["mean"] for name, value in run.evaluation["gaze_error_deg"].items()}
        assert error["refined"] < error["synthetic"] < error["mean_gaze"]

# %% [markdown]
# ## 5. Four times as many images
#
# The paper's best row has four times as many refined images. For the run `best`, three gaze networks learned
# from 4,000 images, and three from 16,000. Its images have other noise than those of `quick`, so the rows of
# section 4 differ a little.

# %% [markdown] tags=["task"]
# ### Exercise 09.2 · Four times as many
#
# Four times as many images lower both errors. Which row gains more degrees in this record? A difference
# counts if it is larger than two of its standard errors.
#
# - **A**: the synthetic one. More variety makes up for the wrong style.
# - **B**: the refined one. More images help more where the style is right.
# - **C**: this record does not tell.
#
# Answer before you run the cells below.
#
# <details><summary>Hint</summary>
#
# How large was the spread of the synthetic row in section 4?
#
# </details>
#
# [solution](solutions/09_is_it_useful.ipynb)

# %% tags=["exercise"]
gains_more = ...

# %% tags=["solution"]
gains_more = "C"
assert verdict("09.2", gains_more)[0]

# %% tags=["shared"]
check("09.2", gains_more)

# %%
found = best.evaluation
for name in ("synthetic", "synthetic_4x", "refined", "refined_4x", "labelled"):
    degrees = with_spread(found["gaze_error_deg"][name], " deg")
    print(
        f"{name:<14}{degrees:>15}{with_spread(found['within_7_deg'][name], '%'):>15} within 7 deg"
    )

# %%
mean = {name: error["mean"] for name, error in found["gaze_error_deg"].items()}
gain, error = {}, {}
for name in ("synthetic", "refined"):
    few, many = (found["gaze_error_deg"][each] for each in (name, f"{name}_4x"))
    gain[name] = few["mean"] - many["mean"]
    error[name] = np.hypot(few["std"], many["std"]) / np.sqrt(3)
    print(f"four times as many {name} images: {gain[name]:.1f} degrees less, ", end="")
    print(f"with a standard error of {error[name]:.2f}")

# %% tags=["check"]
assert abs(gain["refined"] - gain["synthetic"]) < 2 * np.hypot(*error.values())
assert gain["refined"] > 2 * error["refined"]

# %% [markdown] tags=["solution"]
# The refined row gains 1.0 degrees with a standard error of 0.04, and the synthetic row 0.9 with 0.57. So
# this record does not tell which gains more. More refined images do help.

# %% [markdown]
# ## 6. Were the labels kept?
#
# If R moves the pupil, the label becomes wrong. Self-regularisation should prevent that.
#
# Our **instrument** is a network that learned from labelled images of both styles. It reads the pupil and the
# gaze of $x$ and $R(x)$.
#
# We **calibrate** it on three changes whose truth is known:
#
# | change | what it truly does |
# |---|---|
# | identity | nothing |
# | hand-made | changes the look and moves nothing |
# | shifted | moves everything by exactly 2 pixels, and turns no gaze |
#
# **Predict.** By how many pixels will the instrument say that the hand-made recipe moves the pupil?

# %%
cache = tempfile.TemporaryDirectory()  # the instrument is trained once and reads four times
half = scale.effort.instrument_images // 2
effort = dataclasses.replace(scale.effort, instrument_images=half, cache=Path(cache.name))
changes = {
    "identity": synthetic.images,
    "handmade": handmade,
    "shifted": np.roll(synthetic.images, 2, axis=2),
    "refined": refined,
}

# %%
kept = {}
for name, images in changes.items():
    kept[name] = report.labels_kept(synthetic, images, effort)
    pupil, angle = (kept[name][key]["median"] for key in ("pupil_shift_px", "gaze_shift_deg"))
    print(f"{name:<9} pupil moved by {pupil:.2f} pixels, gaze by {angle:4.1f} degrees (median)")

# %%
for images, key in (("synthetic", "instrument"), ("refined", "refined")):
    px, degrees = (kept["refined"][f"{key}_error_{unit}"]["median"] for unit in ("px", "deg"))
    print(
        f"the instrument's own error on {images:<9} images: {px:.2f} pixels, {degrees:.1f} degrees"
    )

# %% tags=["check"]
assert kept["identity"]["pupil_shift_px"]["median"] == 0
if scale.live > 10:
    assert abs(kept["shifted"]["pupil_shift_px"]["median"] - 2) < 0.7
    assert 0.2 < kept["handmade"]["pupil_shift_px"]["median"] < 2

# %% [markdown]
# <details><summary>Answer</summary>
#
# By 0.72. The recipe moves nothing, so this is the instrument's noise, caused by the new look. The known
# shift is read well.
#
# </details>
#
# The instrument reads 0.91 pixels for R, little more than for the recipe. So we cannot show that R moves the
# pupil. Independent shifts add as squares, and $\sqrt{0.91^2 - 0.72^2} = 0.56$. So about half a pixel may be
# R's, of a pupil about ten pixels wide. The gaze is read alike. The instrument errs more on refined images,
# which may be its fault or R's.
#
# The instrument of the records learned from more images, and errs by
# {{best evaluation.instrument_error_px.median 2}} pixels. It reads
# {{quick/baseline/seed* evaluation.pupil_shift_px.median 2}} pixels for three trainings of `quick` and
# {{best evaluation.pupil_shift_px.median 2}} for `best`.
#
# ### A shift with a direction
#
# A turn in one direction is worse than a random one: it adds the same error to every answer of the gaze
# network. To find it, we average the turn *with its sign*. A gaze vector $(x, y, z)$ has the angles:
#
# $$ \text{pitch} = \arcsin(-y), \qquad \text{yaw} = \operatorname{arctan2}(-x, -z) $$

# %% [markdown] tags=["task"]
# ### Exercise 09.3 · A turn with its sign
#
# Write `mean_turn(before, after)` for gaze vectors `(n, 3)` of length 1. It returns two numbers, in degrees:
# the mean of pitch after minus pitch before, and the same for yaw. *Expected:* about `(36.87, 0)` from
# `[[0, 0, -1]]` to `[[0, -0.6, -0.8]]`.
#
# <details><summary>Hint</summary>
#
# First write a function that turns vectors into the two angles. Keep the signs.
#
# </details>
#
# [solution](solutions/09_is_it_useful.ipynb)


# %% tags=["exercise"]
def mean_turn(before, after): ...  # your code


# %% tags=["solution"]
def angles(look):
    return np.degrees([np.arcsin(-look[:, 1]), np.arctan2(-look[:, 0], -look[:, 2])])


def mean_turn(before, after):
    pitch, yaw = (angles(np.asarray(after)) - angles(np.asarray(before))).mean(axis=1)
    return pitch, yaw


turn = mean_turn(np.array([[0, 0, -1]]), np.array([[0, -0.6, -0.8]]))
print("from straight to up: {:.2f}, {:.2f}".format(*turn))
assert verdict("09.3", mean_turn)[0]

# %% tags=["shared"]
check("09.3", mean_turn)

# %% [markdown]
# `labels_kept` has measured this too. **Predict.** Will R's eyes look up, down, or neither?

# %%
for name in changes:
    turn = kept[name]["mean_turn_deg"]
    print(f"{name:<9} mean turn: pitch {turn['pitch']:+.1f} degrees, yaw {turn['yaw']:+.1f}")
for name, of in (("synthetic", synthetic), ("simulated webcam", test)):
    print(f"{name:<17} looks at pitch {np.degrees(of.labels['pitch'].mean()):+.1f} on average")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Neither, as far as this instrument can tell. It reads as much for the recipe and more for the shift, which
# turn no gaze. Both kinds of eyes look nearly the same way on average.
#
# </details>
#
# **What if the target looked lower?** D could then tell real eyes by their gaze, and R could win by turning
# the gaze down. So the simulator must draw the target's range of gaze. `simgan data match` estimates that
# range, and keeps the synthetic eyes within it.

# %% tags=["check"]
if scale.live > 10:
    assert max(abs(turn) for turn in kept["refined"]["mean_turn_deg"].values()) < 3

# %% [markdown]
# ## 7. The paper's tables beside ours
#
# | gaze error, degrees | the paper: MPIIGaze photographs | ours: simulated webcam, `quick` |
# |---|---|---|
# | CNN on synthetic | 11.2 | {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} ± {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.std 1}} |
# | CNN on **refined** | **7.8** | {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} |
#
# | within 7 degrees, % | the paper | ours: `best` |
# |---|---|---|
# | synthetic | 62.3 | {{best evaluation.within_7_deg.synthetic.mean 1}} ± {{best evaluation.within_7_deg.synthetic.std 1}} |
# | synthetic, 4 times as many | 64.9 | {{best evaluation.within_7_deg.synthetic_4x.mean 1}} ± {{best evaluation.within_7_deg.synthetic_4x.std 1}} |
# | refined | 69.4 | {{best evaluation.within_7_deg.refined.mean 1}} ± {{best evaluation.within_7_deg.refined.std 1}} |
# | refined, 4 times as many | 87.2 | {{best evaluation.within_7_deg.refined_4x.mean 1}} ± {{best evaluation.within_7_deg.refined_4x.std 1}} |
#
# The ± is over three gaze networks, and for the refined row of `quick` over three refiners.
#
# Directions may be compared: refined is better than synthetic in both. Four times as many refined
# images add 17.8 percentage points in the paper and 10.3 in ours. Synthetic ones add 2.6 in the paper,
# and 4 with a standard error of 4 in ours.
#
# Degrees may not be compared: images, eyes and test sets differ. The paper trained a larger network on 1.2
# million synthetic images. It gives no spread, no worst or best possible error and no hand-made row.

# %%
print(f"the paper: refining takes away {1 - 7.8 / 11.2:.0%} of the error")
print(f"best:      refining takes away {1 - mean['refined'] / mean['synthetic']:.0%} of the error")

# %% [markdown]
# ## 8. Reading three records
#
# Three refiners without names:

# %% tags=["shared"]
names = ["quick/baseline/seed0", "failures/lambda_too_large/seed0", "failures/collapse/seed0"]
cards = [names[k] for k in np.random.default_rng(5).permutation(3)]
print("    gaze error   pupil shift   mean change")
for letter, name in zip("ABC", cards, strict=True):
    run = simgan_lib.reference_run(name)
    degrees = run.evaluation["gaze_error_deg"]["refined"]["mean"]
    shift = run.evaluation["pupil_shift_px"]["median"]
    change = run.metrics["mean_change"].iloc[-1]
    print(f"{letter} {degrees:8.1f} deg {shift:10.2f} px {change:13.2f}")

# %% [markdown] tags=["task"]
# ### Exercise 09.4 · Three refiners
#
# One refiner is healthy, one changes next to nothing, one has lost the labels. `mean change` is the mean of
# |R(x) - x|, of 2 possible. Give three letters, such as `"ABC"`, in this order. Then write down which *pair* of numbers explains each gaze error.
#
# <details><summary>Hint</summary>
#
# A small pupil shift has two causes: the labels are safe, or the image did not change at all.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# - One number does not say why. A small shift is good in a refiner that changes the image, and a symptom in
#   one that does not.
# - Change and shift together explain the three. The gaze error confirms it.
# - A gaze error near that of the mean gaze says that nothing can be learned.
#
# </details>
#
# [solution](solutions/09_is_it_useful.ipynb)

# %% tags=["exercise"]
diagnosis = ...

# %% tags=["solution"]
diagnosis = "".join("ABC"[cards.index(name)] for name in names)
print(diagnosis)
assert verdict("09.4", diagnosis)[0]

# %% tags=["shared"]
check("09.4", diagnosis)

# %% [markdown] tags=["solution"]
# With a small change and a small shift the labels are safe, and little is gained: the gaze error is near that
# of synthetic images. The largest change leaves no pupil to find, and a gaze error near that of the mean
# gaze. The healthy refiner changes the image. Its shift of 0.95 pixels is near the 0.72 of a recipe that
# moves nothing.

# %% [markdown]
# ## What you have learned
#
# - Usefulness is a gaze error in degrees with its spread, beside the worst, the best possible and a hand-made
#   one.
# - Refined images teach a gaze network more than synthetic and hand-made ones. More of them teach more.
# - An instrument is calibrated on changes whose truth is known.
# - Labels are judged by shift and change together, and a turn by its signed mean.
#
# ## References
#
# - Shrivastava et al. 2017, "Appearance-based Gaze Estimation": the tables of gaze errors.
# - Bojja 2018, sections 3 and 4: the same method on 50,000 synthetic and 34,100 real eyes.
#
# **Next:** [10 · Is it realistic?](10_is_it_realistic.ipynb)
