# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 08 · The results, beside the report's
# <!-- colab:notebooks/08_results.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two CPU cores. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - lay a run of your own beside a published one, and say what may be compared;
# - read a loss as a probability;
# - see where in an image the discriminator finds fault;
# - say what a refiner changed, with a difference image, a histogram and a spectrum.
#
# **You need** notebooks 02 to 07.

# %% tags=["shared", "setup"]
import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import diagrams, notebook, plots, widgets
from simgan_lib.data import to_float

scale = notebook.start()
# Pixels as they are: this notebook is about small differences between them.
matplotlib.rcParams["image.interpolation"] = "nearest"

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refined real answer"), "this notebook looks at what comes out of training."
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
report = simgan_lib.reference_run("report-schedule")
best = simgan_lib.reference_run("best")

# %% [markdown]
# ## 1. Two runs
#
# Both runs are finished and lie in the folder `runs/`. This notebook trains nothing.
#
# - `report-schedule` has the report's settings and as many images as the report.
# - `best` has the settings of the preset `long`, on as many images.
#
# The report trained for 25,000 rounds. The record says how far ours went.

# %%
rounds = report.metrics[report.metrics["phase"] == "adversarial"].set_index("iteration")
reached = int(rounds.index.max())
about = report.environment
print(f"{reached:,} rounds of the report's 25,000, {reached / 25_000:.0%} of the way,")
print(
    f"in {about['training_seconds'] / 60:.0f} minutes on {about['device']}, {about['precision']},"
)
print(f"on {about['data']['synthetic']['images']:,} synthetic images; the report had 50,000")

# %% [markdown]
# The report refined UnityEyes images towards photographs: MPIIGaze, people at their own laptops. The
# embedded data of this course has no photographs. Its target is *simulated webcam* images. A program
# draws them and imitates a cheap camera.
#
# | may be compared | may not be compared |
# |---|---|
# | the shape of the curves: what rises, what falls, what settles | their exact values |
# | the order of events: R copies first, then moves towards the target | the look of the refined eyes |
# | signs of health and of failure | "our images are more realistic than the report's" |
#
# With Kaggle's files on your disk, `simgan train --data kaggle --preset report` repeats the experiment
# on the report's own images.

# %% [markdown]
# ## 2. A loss is a probability
#
# A cross-entropy is $-\log p$ of the right answer. So $e^{-\text{loss}}$ is a typical probability of the
# right answer. If a loss is a sum of $n$ cross-entropies, it is $e^{-\text{loss}/n}$.
#
# The report's curves settle near L_D = 1.1, L_R = 2.3, and a self-regularisation of 0.05 to 0.08.
#
# How many terms has the report's L_D? The equation in its text has two: refined images and real images.
# Its published code has three: fresh refined images, images from the history, and real images. The
# report does not say which code made its figures.
#
# **Predict.** By which reading is D further ahead: two terms or three?

# %%
for terms in (2, 3):
    print(f"{terms} terms: a guess has L_D = {terms * np.log(2):.2f}; ", end="")
    print(f"L_D = 1.1 gives the right answer {np.exp(-1.1 / terms):.0%}")
print(f"L_R = 2.3: D gives {np.exp(-2.3):.0%} to the answer that R hopes for")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Three terms. With two terms D gives the right answer a probability of 58%, and is hardly better than a
# guess. With three it is 69%. Only the second reading fits L_R = 2.3: D believes refined images to be
# real with 10%. If the published code made the figures, D was clearly ahead of R.
#
# The same code has the bug of [notebook 06](06_history_buffer.ipynb): the result of `np.append` is
# dropped, so the buffer never fills. Its "history" term then sees the fresh images once more.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 08.1
#
# Write `typical_probability(loss, terms)`: the probability of the right answer that
# belongs to a sum of `terms` cross-entropies. For L_D = 1.386 and two terms it is 0.50.
#
# <details><summary>Hint</summary>
#
# Divide first. The loss of one term is the mean of all terms.
#
# </details>
#
# [Solution](solutions/08_results.ipynb)


# %% tags=["exercise"]
def typical_probability(loss, terms): ...  # your code


# %% tags=["solution"]
def typical_probability(loss, terms):
    return np.exp(-loss / terms)


for loss in (1.386, 1.1, 0.1):
    print(f"L_D = {loss}: {typical_probability(loss, 2):.0%}")
assert verdict("08.1", typical_probability)[0]

# %% tags=["shared"]
check("08.1", typical_probability)

# %% [markdown] tags=["solution"]
# - 50% is a guess. Either R is perfect or D has learned nothing. Look at the images.
# - 58% is a game that goes on.
# - 95% means that D has won. R then gets gradients from a D that is sure of everything.
#
# The first and the last are worrying when they stay.

# %% [markdown]
# ## 3. Figures 1 and 2: the training curves
#
# The report's figure 1 is the self-regularisation of R. Its figure 2 has two panels: the loss of D and
# the loss of R. In the pre-training R's loss *is* the self-regularisation. We draw the same three
# panels, pre-training included.
#
# **Predict.** Which of the three will be close to the report's level: L_D, L_R, or the
# self-regularisation?

# %% tags=["plot"]
panels = {
    "figure 1: self-regularisation": ("self_regularisation", "pretrain_refiner", {"report": 0.065}),
    "figure 2: $L_D$": (
        "discriminator_loss",
        "pretrain_discriminator",
        {"report, two terms": 1.1, "report, three terms": 1.1 * 2 / 3},
    ),
    "figure 2: $L_R$": ("refiner_loss", "pretrain_refiner", {"report": 2.3}),
}

# %% tags=["plot"]
figure = Figure(figsize=(10, 3.4), layout="constrained")
for axis, (title, (name, phase, levels)) in zip(figure.subplots(1, 3), panels.items(), strict=True):
    before = report.metrics[report.metrics["phase"] == phase]
    values = before["self_regularisation" if name == "refiner_loss" else name]
    axis.plot(before["iteration"] - before["iteration"].max(), values, color=plots.GRAY)
    axis.plot(rounds.index, rounds[name], color=plots.BLUE, lw=0.8)
    for style, (label, level) in zip(("--", ":"), levels.items(), strict=False):
        axis.axhline(level, color=plots.ORANGE, ls=style, label=label)
    axis.set(title=title, xlabel="round (below 0: pre-training)", ylim=(0, None))
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2)
notebook.show(
    figure,
    "the report's settings against simulated webcam images. Gray: pre-training, of R on the left and "
    "right, of D in the middle. Blue: the rounds. Orange: where the report's curves settle, against "
    "photographs. An L_D of three terms is drawn as the L_D of two terms with the same probability.",
)

# %%
last = rounds.tail(max(1, len(rounds) // 4))
theirs = {"self_regularisation": 0.065, "discriminator_loss": 1.1, "refiner_loss": 2.3}
for name, level in theirs.items():
    print(f"{name:<22} {last[name].mean():5.2f} ± {last[name].std():.2f}   report: about {level}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# L_D lies between the two readings of the report's level. L_R is lower than the report's, so our D is
# less sure that refined images are refined. The self-regularisation is several times higher: this R
# moves further away from its input.
#
# </details>
#
# The *order of events* is the report's. The self-regularisation falls while R copies. It jumps at the
# first rounds. Then all losses fluctuate around a level. A GAN's losses do not fall towards zero,
# because each network is the other's moving target. **A level curve is not a training that has
# stopped.**
#
# Why do the levels differ? How far R must move a pixel depends on how far the target is from the
# simulator. The simulated webcam equalises its histogram, and that moves every gray level. The report's
# axis also does not say whether its curve is before or after the multiplication by lambda.

# %% tags=["check"]
copied = report.metrics.loc[report.metrics["phase"] == "pretrain_refiner", "self_regularisation"]
assert copied.iloc[-1] < copied.iloc[0], "pre-training teaches R to copy"
assert last["self_regularisation"].mean() > copied.iloc[-1], "the rounds move R away from the copy"
assert 0.7 < last["discriminator_loss"].mean() < 1.2, "between the two readings"
assert last["refiner_loss"].mean() < 2.3, "L_R is lower than the report's"
assert last["self_regularisation"].mean() > 2 * 0.08, "self-regularisation is much higher"

# %% [markdown]
# ## 4. Figures 3 to 7: the eyes as training goes on
#
# Each of the report's figures 3 to 7 is a batch of synthetic eyes on the left and the same eyes refined
# on the right, at rounds 0, 5,000, 10,000, 20,000 and 25,000. Our run kept *snapshots*: the same 32 eyes,
# refined every so often. We show the report's rounds, as far as our run went, and its last round.

# %%
kept = report.snapshots
report_figures = {3: 0, 4: 5_000, 5: 10_000, 6: 20_000, 7: 25_000}
for number, iteration in report_figures.items():
    print(
        f"figure {number}: round {iteration:>6,}", "" if iteration <= reached else "(not reached)"
    )


# %% tags=["plot"]
def as_in_the_report(iteration):
    snapshot = int(np.abs(kept["iteration"] - iteration).argmin())
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    pair = {"synthetic": kept["synthetic"], "refined": kept["refined"][snapshot]}
    for axis, (title, eyes) in zip(figure.subplots(1, 2), pair.items(), strict=True):
        rows = np.array_split(eyes[:32], 8)
        axis.imshow(
            np.vstack([np.hstack(list(row)) for row in rows]), cmap="gray", vmin=0, vmax=255
        )
        axis.set(title=title, xticks=[], yticks=[])
    return figure, int(kept["iteration"][snapshot])


def show_figure(number):
    if report_figures[number] > reached:
        print(f"The run was stopped at round {reached:,}, before the report's figure {number}.")
        return
    figure, iteration = as_in_the_report(report_figures[number])
    notebook.show(
        figure, f"round {iteration:,}, as in the report's figure {number}: synthetic, refined."
    )


# %% [markdown]
# **Predict.** Round 0 comes right after the pre-training. How will the refined eyes differ from the
# synthetic ones?

# %% tags=["plot"]
show_figure(3)

# %% [markdown]
# The report says of its figure 3 that the refined image is equivalent to the synthetic one. Ours is, too.
# R has only learned to copy.

# %% tags=["plot"]
show_figure(4)

# %% tags=["plot"]
show_figure(5)

# %% tags=["plot"]
show_figure(6)

# %% tags=["plot"]
show_figure(7)

# %% tags=["plot"]
if reached < 25_000:
    figure, iteration = as_in_the_report(reached)
    notebook.show(figure, f"round {iteration:,}, our last: synthetic, refined.")

# %% [markdown]
# The report says three things of its figures 4 to 7. Ask of each whether you see it in ours.
#
# | the report says | look for |
# |---|---|
# | R adds skin texture, noise and the tone of the target | contrast and roughness of the skin |
# | the longer the training, the more realistic | is a later figure better, or only different? |
# | refined eyes get eyebrows and hair that the synthetic ones lack | dark streaks at the upper edge |
#
# The third claim can be measured. A brow would be dark pixels in the upper rows that were not dark
# before.


# %%
def dark(eyes, rows=slice(0, 6)):
    return (eyes[:, rows] < 60).mean()


print(f"dark in the upper six rows: synthetic {dark(kept['synthetic']):.1%}")
for iteration, eyes in zip(kept["iteration"], kept["refined"], strict=True):
    if iteration in report_figures.values() or iteration == kept["iteration"][-1]:
        print(f"   round {iteration:>6,}: refined {dark(eyes):.1%}")
print(f"   simulated webcam: {dark(kept['real']):.1%}")

# %% [markdown]
# R can darken what already looks like the beginning of a brow. It sees 19 x 19 pixels, as notebook 02
# showed, so it cannot plan a brow where there is none. Two more numbers need no network: how far R went
# from the synthetic eye, and how much the brightness of the pictures differs.


# %%
def brightness_spread(eyes):
    return eyes.mean(axis=(1, 2)).std()


for k in np.linspace(0, len(kept["iteration"]) - 1, 6).astype(int):
    eyes = kept["refined"][k]
    change = np.abs(to_float(eyes) - to_float(kept["synthetic"])).mean()
    spread = brightness_spread(eyes)
    print(
        f"round {kept['iteration'][k]:>6,}: mean change {change:.2f}, brightness spread {spread:.1f}"
    )
print(f"simulated webcam:                 brightness spread {brightness_spread(kept['real']):.1f}")

# %% tags=["check"]
changes = [np.abs(to_float(e) - to_float(kept["synthetic"])).mean() for e in kept["refined"]]
assert changes[0] < 0.5 * min(changes[1:]), "at round 0 R copies; later it does not"

# %% [markdown]
# The change jumps early and then wanders. R finds the target's gray levels first. A paper that shows
# only the first and the last image hides this.
#
# ## 5. What the rounds cost, and what they gave
#
# | run | rounds | images a round, for R and D | gaze error | pupil shift, median |
# |---|---|---|---|---|
# | the report's settings | {{report-schedule metrics.iteration 0}} | 32 + 10 x 32 | {{report-schedule evaluation.gaze_error_deg.refined.mean 1}}° | {{report-schedule evaluation.pupil_shift_px.median 2}} px |
# | `quick` | {{quick/baseline/seed0 metrics.iteration 0}} | 16 + 5 x 16 | {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}° | {{quick/baseline/seed* evaluation.pupil_shift_px.median 2}} px |
# | `best` | {{best metrics.iteration 0}} | 32 + 10 x 32 | {{best evaluation.gaze_error_deg.refined.mean 1}}° | {{best evaluation.pupil_shift_px.median 2}} px |
#
# The gaze error is that of networks that learned from the refined images
# ([notebook 09](09_is_it_useful.ipynb)). `report-schedule` and `best` are one training each, and `quick` is
# three. All have three gaze networks for each training. The report's R has 64 feature maps, the two others have 32.

# %%
for name, value in vars(best.config).items():
    theirs = getattr(simgan_lib.preset("report"), name)
    if value != theirs and not name.endswith("_every"):
        print(f"{name:<32} the report: {theirs!s:<8} best: {value}")

# %% [markdown]
# Which of these differences matter? [Notebook 11](11_failure_lab.ipynb) changes one at a time, with five
# seeds each.
#
# Now step through the snapshots of `best`.

# %%
replay = widgets.RunReplay(best)
replay.slider.value = replay.slider.options[-1]
replay

# %% [markdown]
# **Predict.** The curves are level after a while. Do the images still change?

# %% tags=["plot"]
notebook.show(
    plots.timeline(best.snapshots, steps=4, count=5),
    "`best`: the same five eyes from round 0 to the last.",
)

# %%
for early, late in ((-3, -2), (-2, -1)):
    pair = best.snapshots["refined"][[early, late]].astype(int)
    first, second = best.snapshots["iteration"][[early, late]]
    print(f"round {first:,} to {second:,}: {np.abs(pair[1] - pair[0]).mean():.1f} gray levels")

# %% [markdown]
# <details><summary>Answer</summary>
#
# They do, by a few gray levels on average. You may not see it: the rows look alike. R goes on changing
# what D complained about last, and the average of its weights hides most of that.
#
# </details>

# %% [markdown]
# ## 6. Where does D find fault?
#
# D answers for each of 9 x 14 patches: how probable is it that this piece was refined? We lay that map
# over the eye, for synthetic eyes, for the same eyes refined, and for simulated webcam eyes.
#
# **Predict.** Which does the last D find more suspicious: synthetic or refined eyes? D was trained on
# refined images, and has not seen a synthetic one for a long time.

# %%
D = best.discriminator()
shots = best.snapshots
eyes_of = {
    "synthetic": shots["synthetic"],
    "refined": shots["refined"][-1],
    "simulated\nwebcam": shots["real"],
}


def suspicion(eyes):
    logits = D.predict(to_float(eyes), verbose=0)
    return np.exp(logits[..., 1]) / np.exp(logits).sum(axis=-1)


for name, eyes in eyes_of.items():
    found = suspicion(eyes).mean(axis=(1, 2))
    one_line = name.replace("\n", " ")
    print(
        f"{one_line:<17} mean {found.mean():.0%}, eyes from {found.min():.0%} to {found.max():.0%}"
    )

# %% tags=["plot"]
trust = LinearSegmentedColormap.from_list("D", [plots.BLUE, "white", plots.ORANGE])
figure = Figure(figsize=(9, 5.6), layout="constrained")
rows = figure.subplots(6, 4)
for pair, (name, eyes) in zip((rows[:2], rows[2:4], rows[4:]), eyes_of.items(), strict=True):
    for k, probability in enumerate(suspicion(eyes[:4])):
        pair[0, k].imshow(eyes[k], cmap="gray", vmin=0, vmax=255)
        # The middle of patch (i, j) lies on pixel (4 i + 2, 4 j + 2): two strides of two.
        shown = pair[1, k].imshow(probability, extent=(0, 56, 36, 0), cmap=trust, vmin=0, vmax=1)
        for axis in pair[:, k]:
            axis.set(xlim=(-0.5, 54.5), ylim=(34.5, -0.5), xticks=[], yticks=[])
    pair[0, 0].set_ylabel(name, rotation=0, ha="right", va="center")
    pair[1, 0].set_ylabel("D's map", rotation=0, ha="right", va="center")
figure.colorbar(shown, ax=rows, label="D: probability of refined", shrink=0.6)
notebook.show(
    figure,
    "the last D's map below each of four eyes of each kind. Orange: D takes the patch for refined. "
    "Blue: D takes it for a piece of a simulated webcam image. White: D cannot say.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# About equally suspicious. D has not been shown synthetic eyes since the first rounds. It judges them by
# what it knows of refined ones.
#
# </details>
#
# The maps are local. One eye can be convincing at the cheek and suspicious at the lid, and R is told so
# patch by patch. D is rather sure of its target: it suspects few patches of simulated webcam eyes. So
# this R has not won.
#
# D judges this game only. That is why notebook 10 never asks D how realistic an image is. It trains new
# classifiers.

# %%
widgets.BeforeAfter(best)

# %% tags=["check"]
assert shots["probability_refined"].shape[2:] == (9, 14)
assert suspicion(shots["real"]).mean() < 0.35, "D is rather sure of its target"
assert suspicion(shots["refined"][-1]).mean() > 0.5, "and finds refined eyes out"
assert abs(suspicion(shots["synthetic"]).mean() - suspicion(shots["refined"][-1]).mean()) < 0.1

# %% [markdown]
# ## 7. Refine new eyes
#
# `pretrained_refiner` loads the R of `best`. We give it eyes that no data set of this course holds. The
# simulator numbers its eyes, and we start counting far away from all that were used.

# %% tags=["shared"]
R = simgan_lib.pretrained_refiner()
fresh, labels = simgan_lib.simulate(300, "simulator", start=5 * 10**8)
refined = simgan_lib.refine(R, fresh)
webcam = data.real.images[:300]
print(refined.shape, refined.dtype)

# %% [markdown]
# **Predict.** R has never seen these eyes. Will it change them as much as those it was trained on?

# %%
seen = data.synthetic.images[:300]
pairs = {"trained on": (seen, simgan_lib.refine(R, seen)), "new": (fresh, refined)}
for name, (eyes, after) in pairs.items():
    print(f"{name:<10} mean |R(x) - x| = {np.abs(to_float(after) - to_float(eyes)).mean():.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# As much. A network of 74,337 numbers that sees 19 x 19 pixels cannot learn fifty thousand eyes by heart.
# It has learned a rule for repainting, and the rule works on any eye of this simulator.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 08.2
#
# What does R do to an eye that it has refined already? Choose first: (a) it leaves it
# alone, (b) it changes it again, by less than the first time, (c) it changes it by more. Write the letter
# to `again`. Then compute R(R(x)) and look.
#
# [Solution](solutions/08_results.ipynb)

# %% tags=["exercise"]
again = ...  # "a", "b" or "c"

# %% tags=["solution"]
again = "b"
twice = simgan_lib.refine(R, refined)
once, more = (np.abs(a.astype(int) - b).mean() for a, b in ((refined, fresh), (twice, refined)))
print(f"first time {once:.1f} gray levels, second time {more:.1f}")
assert 1 < more < once
assert verdict("08.2", again)[0]

# %% tags=["shared"]
check("08.2", again)

# %% tags=["solution", "plot"]
notebook.show(
    plots.contact_sheet({"x": fresh[:8], "R(x)": refined[:8], "R(R(x))": twice[:8]}, columns=8),
    "synthetic eyes, refined once, and refined twice.",
)

# %% [markdown] tags=["solution"]
# An ideal refiner would leave a convincing eye alone. Ours does not. It was only ever given simulator
# images, so it repaints a refined eye as well. Networks promise nothing for inputs that they were not
# trained on.

# %% [markdown]
# ## 8. What did R change?
#
# **Where.** The difference R(x) - x in gray levels: white where nothing changed, red where R made a pixel
# brighter, blue where it made it darker.

# %% tags=["plot"]
difference = refined.astype(int) - fresh
figure = Figure(figsize=(9, 3.8), layout="constrained")
axes = figure.subplots(3, 1)
for axis, eyes in zip(axes, (fresh, refined), strict=False):
    axis.imshow(np.hstack(list(eyes[:5])), cmap="gray", vmin=0, vmax=255)
shown = axes[2].imshow(np.hstack(list(difference[:5])), cmap="RdBu_r", vmin=-150, vmax=150)
for axis, title in zip(axes, ("synthetic", "refined", "difference"), strict=True):
    axis.set(xticks=[], yticks=[])
    axis.set_ylabel(title, rotation=0, ha="right", va="center")
figure.colorbar(shown, ax=axes, label="gray levels")
notebook.show(
    figure,
    "new eyes, the same refined, and the difference. Most of the skin below the eye turns brighter. The white "
    "of the eye and the rim of the lid turn darker. Iris and pupil are dark already and hardly change.",
)

# %% [markdown]
# **Which gray levels.** The simulated webcam equalises its histogram, so every gray level is about
# equally frequent. The simulator does not.
#
# **Predict** the shape of the three histograms.

# %% tags=["shared"]
kinds = {"synthetic": fresh, "refined": refined, "real": webcam}
names = {"synthetic": "synthetic", "refined": "refined", "real": "simulated webcam"}
levels = np.linspace(0, 256, 33)

# %% tags=["plot"]
figure = Figure(figsize=(9, 3.2), layout="constrained")
tone, bright = figure.subplots(1, 2)
for kind, eyes in kinds.items():
    style = {"color": plots.COLORS[kind], "label": names[kind], "histtype": "step", "lw": 2}
    tone.hist(eyes.ravel(), levels, density=True, **style)
    bright.hist(eyes.mean(axis=(1, 2)), np.linspace(20, 230, 43), **style)
tone.set(title="gray levels of all pixels", xlabel="gray level", ylabel="share per level")
bright.set(title="brightness of a whole picture", xlabel="mean gray level", ylabel="pictures")
figure.legend(*tone.get_legend_handles_labels(), loc="outside lower center", ncols=3)
bright.set_ylim(0, 60)
notebook.show(
    figure,
    "left: gray levels. The simulated webcam's are nearly level, and refining moves the synthetic ones there. "
    "Right: the mean of each picture. The simulated webcam's are all alike: one tall column, cut off here.",
)

# %% [markdown]
# The left plot shows success: R has learned the target's contrast. The right plot shows a limit. To
# equalise a picture one must count all its pixels, and R sees 19 x 19 of 35 x 55. It can make the average
# picture right, but not each one equally bright. Longer training does not change what a network can see.

# %%
for kind, eyes in kinds.items():
    print(
        f"{names[kind]:<17} mean {eyes.mean():5.1f}, brightness spread {brightness_spread(eyes):4.1f}"
    )

# %% tags=["check"]
assert brightness_spread(webcam) < brightness_spread(refined), "nearer, and not all the way"

# %% [markdown] tags=["task"]
# ### Exercise 08.3
#
# A colleague shows you refined images whose histogram equals the simulated webcam's, and
# says "realism solved". Build the counterexample: write `shuffle_pixels(eyes, rng)`. It returns images
# with exactly the gray levels of each eye, in random places.
#
# <details><summary>Hint</summary>
#
# `rng.permuted(array, axis=1)` shuffles each row of a two-dimensional array by itself.
#
# </details>
#
# [Solution](solutions/08_results.ipynb)


# %% tags=["exercise"]
def shuffle_pixels(eyes, rng): ...  # your code


# %% tags=["solution"]
def shuffle_pixels(eyes, rng):
    return rng.permuted(eyes.reshape(len(eyes), -1), axis=1).reshape(eyes.shape)


assert verdict("08.3", shuffle_pixels)[0]

# %% tags=["shared"]
check("08.3", shuffle_pixels)

# %% [markdown]
# **Which sizes of detail.** The Fourier transform splits an image into waves. Their power, averaged over
# all directions, says how much detail of each size there is. Broad shading is on the left, single pixels
# on the right. Blur takes from the right, and noise adds to it.


# %% tags=["shared"]
def spectrum(eyes, edges):
    window = np.outer(np.hanning(eyes.shape[1]), np.hanning(eyes.shape[2]))
    x = to_float(eyes)[..., 0]
    power = np.abs(np.fft.fft2((x - x.mean((1, 2), keepdims=True)) * window)) ** 2
    down, across = (np.fft.fftfreq(side) for side in eyes.shape[1:])
    ring = np.digitize(np.hypot(down[:, None], across), edges)
    return np.array([power[:, ring == k].mean() for k in range(1, len(edges))])


edges = np.linspace(0.02, 0.5, 17)
middle = (edges[1:] + edges[:-1]) / 2

# %% tags=["plot"]
figure = Figure(figsize=(7, 3.4), layout="constrained")
axis = figure.subplots()
for kind, eyes in kinds.items():
    axis.semilogy(middle, spectrum(eyes, edges), color=plots.COLORS[kind], label=names[kind])
axis.set(xlabel="waves per pixel (0.5: every other pixel)", ylabel="power")
axis.grid(alpha=0.3)
axis.legend()
notebook.show(
    figure,
    "power at each size of detail. The simulator's crisp edges have more fine detail than the simulated "
    "webcam, which blurs. Refining brings the line down to the webcam's.",
)

# %%
target, before, after = (spectrum(kinds[kind], edges) for kind in ("real", "synthetic", "refined"))
gap = {"before": np.abs(np.log10(before / target)), "after": np.abs(np.log10(after / target))}
for name, distance in gap.items():
    coarse, fine = distance[: len(distance) // 2].mean(), distance[len(distance) // 2 :].mean()
    print(f"{name:<7} decades from the simulated webcam: coarse {coarse:.2f}, fine {fine:.2f}")

# %% tags=["solution"]
shuffled = shuffle_pixels(webcam, np.random.default_rng(0))
ratio = spectrum(shuffled, edges) / spectrum(webcam, edges)
print(f"shuffled: {ratio[-1]:.0f} times the simulated webcam's power at single pixels")
assert ratio[-1] > 2

# %% [markdown] tags=["solution"]
# A histogram knows nothing of where gray levels are, so shuffled pixels pass. The spectrum exposes them:
# without neighbours that resemble each other, all sizes of detail are equally strong. The spectrum can be
# fooled, too: keep the power of the waves and shuffle their phases. A single test is never a proof.

# %% [markdown]
# R has learned to blur about as much as the webcam does, on average. These three tests need no label and
# no network. None proves realism. They tell you what is missing. Whether it matters is the question of
# notebooks 09 and 10.

# %% [markdown]
# ## What you have learned
#
# - The report's order of events repeats here: R copies, the losses jump, then they fluctuate. The levels
#   differ, as the target is simulated webcam images and not photographs.
# - $e^{-\text{loss}/n}$ is a probability, and $n$ must be known. If the report's code made its figures, its
#   D was further ahead than two terms suggest.
# - D's map shows where D finds fault, within its own game.
# - R repaints tone, contrast and edges by a local rule. It cannot do what needs the whole picture.

# %% [markdown] tags=["task"]
# ### Exercise 08.4, harder
#
# How far apart are the gray levels of two sets? The *earth mover's distance* is the
# area between the two cumulative histograms. Write `earth_movers_distance(a, b)`, in gray levels. Compute
# it from synthetic, from refined, and from hand-made images (`simgan_lib.gaze.handmade`: blur, noise,
# equalisation) to simulated webcam. Which wins, and what follows?
#
# <details><summary>Hint</summary>
#
# `np.bincount(eyes.ravel(), minlength=256)` counts gray levels. Two images that are all 10 and all 13 lie
# 3 gray levels apart.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# The three distances. That the hand-made recipe was made to equalise histograms. That a measure which one
# of the candidates was built to satisfy cannot judge between them.
#
# </details>
#
# [Solution](solutions/08_results.ipynb)


# %% tags=["exercise"]
def earth_movers_distance(a, b): ...  # in gray levels


# %% tags=["solution"]
from simgan_lib.evaluation.gaze import handmade


def earth_movers_distance(a, b):
    a, b = (np.cumsum(np.bincount(eyes.ravel(), minlength=256)) / eyes.size for eyes in (a, b))
    return np.abs(a - b).sum()


assert verdict("08.4", earth_movers_distance)[0]

# %% tags=["shared"]
check("08.4", earth_movers_distance)

# %% tags=["solution"]
sets = {"synthetic": fresh, "refined": refined, "by hand": handmade(fresh)}
distances = {name: earth_movers_distance(eyes, webcam) for name, eyes in sets.items()}
for name, distance in distances.items():
    print(f"{name:<10} {distance:5.1f} gray levels")
assert distances["by hand"] < distances["synthetic"]

# %% [markdown] tags=["solution"]
# The hand-made recipe equalises the histogram exactly, as the simulated webcam does. It was made for this
# measure. Notebook 09 trains gaze networks on both, and asks another question.

# %% [markdown]
# ## References
#
# - Bojja 2018, figures 1 to 7 and the text beside them: what this notebook repeats.
# - abojja9/SimGAN_eyes on GitHub: the code published with the report.
# - Shrivastava et al. 2017, figure 1 (refined eyes) and "Local Adversarial Loss".
# - Zhang et al., *Appearance-based gaze estimation in the wild*, CVPR 2015: MPIIGaze, which is photographs.
#
# **Next:** [09 · Is it useful?](09_is_it_useful.ipynb)
