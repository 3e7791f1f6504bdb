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
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
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
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import diagrams, notebook, plots, widgets
from simgan_lib.data import to_float
from simgan_lib.data.camera import equalize

scale = notebook.start()
# Pixels as they are: this notebook is about small differences between them.
matplotlib.rcParams["image.interpolation"] = "nearest"

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refined real answer"),
    "where this notebook is on the map of the method. It looks at what comes out of training.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
report = simgan_lib.reference_run("report-schedule")
best = simgan_lib.reference_run("best")

# %% [markdown]
# ## 1. Two runs
#
# This notebook trains nothing. Both runs lie in `runs/`.
#
# - `report-schedule` has the report's settings and as many images.
# - `best` has the settings of the preset `long`, on as many images.

# %%
rounds = report.metrics[report.metrics["phase"] == "adversarial"].set_index("iteration")
reached = int(rounds.index.max())
about = report.environment
print(f"rounds:           ours {reached:,}, the report's 25,000")
print(f"synthetic images: ours {about['data']['synthetic']['images']:,}, the report's 50,000")
print(f"{about['training_seconds'] / 60:.0f} minutes on {about['device']}, {about['precision']}")

# %% [markdown]
# The report refined UnityEyes images towards photographs: MPIIGaze, people at their own laptops. Our target
# is drawn: *simulated webcam* images. So we may compare what rises and falls, and in which order. Where a
# value differs, the images may be the reason. Whose eyes look more real cannot be said.
#
# With Kaggle's files on your disk, `simgan train --data kaggle --preset report` repeats the experiment
# on the report's own images.

# %% [markdown]
# ## 2. A loss is a probability
#
# For a sum of $n$ cross-entropies, $e^{-L_D/n}$ is D's *lead*: the probability that D typically gives to
# the right answer, as in [exercise 07.2](07_adversarial_training.ipynb).
#
# The report's curves settle near $L_D$ = 1.1, $L_R$ = 2.3, and a self-regularisation of 0.05 to 0.08. The
# report's equation of $L_D$ has two terms. Its published code has three, with one for the history.
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
# With three terms. $L_R$ = 2.3 also says that D was ahead: it gives refined images only 10% for *real*. Which
# reading is right is not known.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 08.1 · Three terms in the form of two
#
# The report's code adds three mean cross-entropies: on real, newly refined and older refined images. Our
# refined batch is half new and half old, and has one mean. Write `as_two_terms(real, new, old)`: the $L_D$
# that our code logs for a D with these three. *Expected:* 1.386 for three guesses of 0.693.
#
# <details><summary>Hint</summary>
#
# What is the mean of two halves with the means `new` and `old`?
#
# </details>
#
# [solution](solutions/08_results.ipynb)


# %% tags=["exercise"]
def as_two_terms(real, new, old): ...  # your code


# %% tags=["solution"]
def as_two_terms(real, new, old):
    return real + (new + old) / 2


for parts in ((0.367, 0.367, 0.367), (0.5, 0.5, 0.1), (0.1, 0.5, 0.5)):
    print(f"{parts}: three terms {sum(parts):.2f}, two terms {as_two_terms(*parts):.2f}")
assert verdict("08.1", as_two_terms)[0]

# %% tags=["shared"]
check("08.1", as_two_terms)

# %% [markdown] tags=["solution"]
# Three terms with the sum 1.1 can be different games. Our $L_D$ is two thirds of the sum only if `real` is
# the mean of `new` and `old`.

# %% [markdown]
# ## 3. Figures 1 and 2: the training curves
#
# The report's figure 1 shows R's self-regularisation, and figure 2 the losses of D and R. We draw the same
# panels. In the pre-training R's loss is the self-regularisation alone.
#
# **Predict.** Which of the three will be the farthest from the report's level?

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
    "photographs. The dotted line is 1.1 · 2/3: three equal terms, converted to two.",
)

# %%
last = rounds.tail(max(1, len(rounds) // 4))
theirs = {"self_regularisation": 0.065, "discriminator_loss": 1.1, "refiner_loss": 2.3}
print("the last quarter of our rounds, beside the report's level")
for name, level in theirs.items():
    ours, spread = last[name].mean(), last[name].std()
    print(f"{name:<20} {ours:5.2f} ± {spread:.2f}   {ours / level:3.1f} times {level}")
print(f"our D gives the right answer {np.exp(-last['discriminator_loss'].mean() / 2):.0%}")
for terms in (2, 3):
    print(f"the report's D, if its loss has {terms} terms: {np.exp(-1.1 / terms):.0%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The self-regularisation. It is several times the report's, so our R moves further away from its input. Our
# $L_R$ is half the report's. If both are means, our D is less sure of refined images. Our $L_D$ is at the
# report's level if that has two terms.
#
# </details>
#
# The *order of events* is the report's: in the pre-training the losses fall, and in the first rounds they
# jump. $L_R$ also jumps because the adversarial term joins it. The report's curves then fluctuate around a
# level. Ours are nearly level, but $L_D$ still rises and $L_R$ falls.
#
# Why the levels differ was not tested. The report does not say whether its losses are sums or means.

# %% tags=["check"]
copied = report.metrics.loc[report.metrics["phase"] == "pretrain_refiner", "self_regularisation"]
assert copied.iloc[-1] < copied.iloc[0], "pre-training teaches R to copy"
assert last["self_regularisation"].mean() > copied.iloc[-1], "the rounds move R away from the copy"
guessed = report.metrics.loc[
    report.metrics["phase"] == "pretrain_discriminator", "discriminator_loss"
]
assert guessed.iloc[-1] < guessed.iloc[0], "pre-training teaches D to tell the kinds apart"
assert last["discriminator_loss"].mean() > guessed.iloc[-1], "the rounds make it harder"
assert last["self_regularisation"].mean() > 2 * 0.08, "self-regularisation is much higher"
before = rounds.iloc[-2 * len(last) : -len(last)].mean(numeric_only=True)
assert last["discriminator_loss"].mean() > before["discriminator_loss"], "L_D still rises"
assert last["refiner_loss"].mean() < before["refiner_loss"], "L_R still falls"
away = {name: abs(np.log(last[name].mean() / level)) for name, level in theirs.items()}
assert max(away, key=away.get) == "self_regularisation", "it is the farthest"

# %% [markdown]
# ## 4. Figures 3 to 7: the eyes as training goes on
#
# A run keeps *snapshots* of 32 eyes, so we can draw the report's figures 3 to 7 as far as our run went,
# synthetic eyes beside refined ones. The report says four things of them:
#
# 1. After the pre-training R returns its input.
# 2. Then R adds the noise of real images.
# 3. The longer the training, the more realistic the images.
# 4. R gives eyes the brows and hair that the synthetic ones lack.

# %%
kept = report.snapshots
report_figures = {3: 0, 4: 5_000, 5: 10_000, 6: 20_000, 7: 25_000}  # a number: its round
drawn = [number for number, iteration in report_figures.items() if iteration <= reached]
print("the figures that our run reached:", *drawn)


# %% tags=["plot"]
def collage(eyes):
    # 64 gray levels in place of 256 keep the notebook small; the eye does not notice.
    return np.vstack([np.hstack(list(row)) for row in np.array_split(eyes[:32] // 4 * 4, 8)])


def as_in_the_report(iteration):
    snapshot = int(np.abs(kept["iteration"] - iteration).argmin())
    figure = Figure(figsize=(8.3, 5.4))
    pair = {"synthetic": kept["synthetic"], "refined": kept["refined"][snapshot]}
    for left, (title, eyes) in zip((0, 4.3), pair.items(), strict=True):
        # 4 inches for 4 eyes of 55 pixels: at 110 dots per inch, 2 dots a pixel.
        axis = figure.add_axes((left / 8.3, 0, 4 / 8.3, 56 / 11 / 5.4))
        axis.imshow(collage(eyes), cmap="gray", vmin=0, vmax=255)
        axis.set_title(title)
        axis.set_axis_off()
    return figure, int(kept["iteration"][snapshot])


# %% tags=["plot"]
CLAIMS = {
    3: "The report says that R returns its input here.",
    4: "The report says that R adds the noise of real images. Look at the skin.",
    5: "The report says that images get more realistic. Compare with the figure before.",
    6: "The report says that R adds brows and hair. Look along the upper edge of each eye.",
    7: "The report's last. Is it better than the figures before, or only different?",
}


def show_figure(number):
    figure, iteration = as_in_the_report(report_figures[number])
    title = f"round {iteration:,}, as in the report's figure {number}: synthetic, refined."
    notebook.show(figure, f"{title} {CLAIMS[number]}")


# %% [markdown]
# **Predict.** Which of the four claims will hold for our run?

# %% tags=["plot"]
show_figure(3)

# %% [markdown]
# The first claim holds.

# %% tags=["plot"]
for number in drawn[1:]:
    show_figure(number)

# %% [markdown]
# From figure 4 on the figures look much alike. The skin is bright, with specks, and the lids are broad and
# dark. The irises stay in place, but few show a pupil. In figures 4 to 6 one eye of the second row has a
# white spot beside its iris, which the synthetic eye lacks. Some upper corners are dark, but none has the
# shape of a brow.
#
# Three numbers need no network: the mean change, the grain, and the spread of brightness over the pictures.
# The *grain* is the median difference of two neighbours in a row of pixels. Edges are few and hardly move a
# median. Noise raises it, and so does contrast. So we also print synthetic eyes with equalised histograms:
# they have more contrast and no noise.
#
# **Predict.** Which claim will the grain decide?


# %%
def brightness_spread(eyes):
    return eyes.mean(axis=(1, 2)).std()


def grain(eyes):
    return np.median(np.abs(np.diff(eyes.astype(int), axis=2)))


print("                     mean change   grain   brightness spread")
equalised = np.stack([equalize(eye) for eye in kept["synthetic"]])
rows = {"synthetic": kept["synthetic"], "synthetic, equalised": equalised}
rows |= {f"round {n:,}": eyes for n, eyes in zip(kept["iteration"], kept["refined"], strict=True)}
for name, eyes in rows.items():
    change = np.abs(to_float(eyes) - to_float(kept["synthetic"])).mean()
    print(f"{name:<21}{change:11.2f}{grain(eyes):8.0f}{brightness_spread(eyes):20.1f}")
print(f"{'simulated webcam':<32}{grain(kept['real']):8.0f}{brightness_spread(kept['real']):20.1f}")

# %% tags=["check"]
copied, *later = kept["refined"]
assert np.abs(copied.astype(int) - kept["synthetic"]).mean() < 2, "at round 0 R copies"
assert all(abs(grain(eyes) - grain(kept["real"])) <= 1 for eyes in [equalised, *later])
assert grain(copied) == grain(kept["synthetic"]) < grain(kept["real"]) - 2
assert brightness_spread(kept["refined"][-1]) > 5 * brightness_spread(kept["real"])

# %% [markdown]
# <details><summary>Answer</summary>
#
# None. From round 1,000 on the grain is the webcam's, or nearly so. Equalising alone brings it as far, so
# claim 2, added noise, is not shown. It is as near at round 1,000 as at the last, so claim 3, longer is
# better, is not shown. By the pictures claim 1 holds, and claim 4 does not.
#
# </details>
#
# The brightness spread stays far from the webcam's. Section 8 says why.
#
# ## 5. What the rounds cost, and what they gave
#
# | run | rounds | refined images a round, for R + D | gaze error | measured pupil shift |
# |---|---|---|---|---|
# | the report's settings | {{report-schedule metrics.iteration 0}} | 32 + 10 x 32 | {{report-schedule evaluation.gaze_error_deg.refined.mean 1}}° | {{report-schedule evaluation.pupil_shift_px.median 2}} px |
# | `quick` | {{quick/baseline/seed0 metrics.iteration 0}} | 16 + 5 x 16 | {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}° | {{quick/baseline/seed* evaluation.pupil_shift_px.median 2}} px |
# | `best` | {{best metrics.iteration 0}} | 32 + 10 x 32 | {{best evaluation.gaze_error_deg.refined.mean 1}}° | {{best evaluation.pupil_shift_px.median 2}} px |
#
# The gaze error is that of three networks that learned from refined images, as in [notebook
# 09](09_is_it_useful.ipynb). The ± is over three trainings of `quick`. The other rows are one training each,
# so a few tenths of a degree may be chance. Notebook 09 also measures about 0.7 pixels for a recipe that
# moves nothing.

# %%
for name, value in vars(best.config).items():
    theirs = getattr(simgan_lib.preset("report"), name)
    if value != theirs and not name.endswith("_every"):
        print(f"{name:<32} the report: {theirs!s:<8} best: {value}")

# %% [markdown]
# [Notebook 11](11_failure_lab.ipynb) changes some of these settings one at a time, with five seeds each.
#
# **Predict.** The curves of `best` are level after a while. Do its images still change?

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
# They do, by about 5 gray levels in 100 rounds. The rows look alike all the same.
#
# </details>
#
# Step through all its snapshots:

# %%
replay = widgets.RunReplay(best)
replay.slider.value = replay.slider.options[-1]
replay

# %% [markdown]
# ## 6. Where does D find fault?
#
# D's map gives for each of 9 x 14 patches the probability that it was refined. We draw it for three kinds of
# eyes.
#
# **Predict.** Which does the last D find more suspicious: synthetic or refined eyes? D met copies of
# synthetic ones only at the start.

# %%
D = best.discriminator()
shots = best.snapshots
eyes_of = {
    "synthetic": shots["synthetic"],
    "refined": shots["refined"][-1],
    "simulated webcam": shots["real"],
}


def suspicion(eyes):
    logits = D.predict(to_float(eyes), verbose=0)
    return np.exp(logits[..., 1]) / np.exp(logits).sum(axis=-1)


for name, eyes in eyes_of.items():
    found = suspicion(eyes).mean(axis=(1, 2))
    print(f"{name:<17} mean {found.mean():.0%}, eyes from {found.min():.0%} to {found.max():.0%}")

# %% tags=["plot"]
eyes = np.concatenate([kind[:4] for kind in eyes_of.values()])
titles = [name for name in eyes_of for _ in range(4)]
notebook.show(
    plots.answer_maps(eyes, suspicion(eyes), titles),
    "the last D's map below each of four eyes of each kind. Orange: D takes the patch for refined. "
    "Blue: D takes it for a piece of a simulated webcam image. White: D cannot say.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Synthetic eyes, by a little, and the ranges of single eyes overlap.
#
# </details>
#
# Some patches of an eye are orange and others blue, and R is told so patch by patch. On average D still tells
# the kinds apart. It judges its own game only, so notebook 10 measures realism with new classifiers. The next
# widget lays the maps over an eye of your choice.

# %%
widgets.BeforeAfter(best)

# %% tags=["check"]
assert shots["probability_refined"].shape[2:] == (9, 14)
assert suspicion(shots["real"]).mean() < 0.35, "D is rather sure of its target"
assert suspicion(shots["refined"][-1]).mean() > 0.5, "and finds refined eyes out"
ahead = suspicion(shots["synthetic"]).mean() - suspicion(shots["refined"][-1]).mean()
assert 0 < ahead < 0.1, "synthetic eyes are more suspicious, by a little"

# %% [markdown]
# ## 7. Refine new eyes
#
# `pretrained_refiner` loads the R of `best`. The simulator numbers its eyes. For new ones we start far from
# all numbers in use.

# %% tags=["shared"]
R = simgan_lib.pretrained_refiner()
fresh, labels = simgan_lib.simulate(300, "simulator", start=5 * 10**8)
refined = simgan_lib.refine(R, fresh)
webcam = data.real.images[:300]
print(refined.shape, refined.dtype, f"from an R of {R.count_params():,} weights")

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
# About as much. R has few weights for the pixels of 50,000 eyes, and sees 19 x 19 pixels at a time. It has
# learned a rule, not its eyes by heart.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 08.2 · Refined twice
#
# What does R do to an eye that it has refined already? Write your guess to `again`. Then compute R(R(x)) and
# look. *Expected:* a letter.
#
# - **A**: nothing.
# - **B**: it changes it by less than the first time.
# - **C**: it changes it by more than the first time.
#
# <details><summary>Hint</summary>
#
# Has R ever been asked to leave a convincing eye alone?
#
# </details>
#
# [solution](solutions/08_results.ipynb)

# %% tags=["exercise"]
again = ...  # "A", "B" or "C"

# %% tags=["solution"]
again = "B"
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
# An ideal refiner would leave a convincing eye alone. Ours was trained on simulator images only, and repaints
# a refined eye too, by less.

# %% [markdown]
# ## 8. What did R change?
#
# **Where.** The difference R(x) - x in gray levels is white where nothing changed. Red pixels turned
# brighter, and blue ones darker.

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
    "of the eye and the rim of the lid turn darker. The pupil turns a little brighter, and can hardly be seen "
    "in its iris any more.",
)

# %% [markdown]
# **Which gray levels.** The simulated webcam equalises its histogram, so every gray level is about equally
# frequent.
#
# **Predict.** Draw the three histograms.

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
    "left, the gray levels of all pixels. Right, the mean of each picture. The simulated webcam's pictures are all "
    "equally bright: one tall column, cut off here.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The simulated webcam's is nearly level. The synthetic one has a hump at 100. The refined one is close to the
# webcam's: R has learned the target's contrast.
#
# </details>
#
# To equalise a picture one must count all its pixels, and an output pixel of R sees 19 x 19 of 35 x 55. So R
# can make the average picture right, but not each one equally bright.

# %%
for kind, eyes in kinds.items():
    print(
        f"{names[kind]:<17} mean {eyes.mean():5.1f}, brightness spread {brightness_spread(eyes):4.1f}"
    )

# %% tags=["check"]
assert brightness_spread(webcam) < brightness_spread(refined), "nearer, and not all the way"

# %% [markdown] tags=["task"]
# ### Exercise 08.3 · The right gray levels in the wrong places
#
# A colleague shows you refined images whose histogram equals the simulated webcam's, and says "realism
# solved". Write the counterexample `shuffle_pixels(eyes, rng)`, which puts each eye's pixels in random
# places. *Expected:* each eye keeps its mean.
#
# <details><summary>Hint</summary>
#
# `rng.permuted(array, axis=1)` shuffles each row of a two-dimensional array.
#
# </details>
#
# [solution](solutions/08_results.ipynb)


# %% tags=["exercise"]
def shuffle_pixels(eyes, rng): ...  # your code


# %% tags=["solution"]
def shuffle_pixels(eyes, rng):
    return rng.permuted(eyes.reshape(len(eyes), -1), axis=1).reshape(eyes.shape)


assert verdict("08.3", shuffle_pixels)[0]

# %% tags=["shared"]
check("08.3", shuffle_pixels)

# %% [markdown]
# **Which sizes of detail.** The Fourier transform splits an image into waves. Their power, averaged over all
# directions, says how much detail of each size there is. Broad shading is on the left, single pixels on the
# right. Blur takes from the right, and noise adds to it. A *decade* is a factor of ten.


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

# %% tags=["check"]
fine = {name: distance[len(distance) // 2 :].mean() for name, distance in gap.items()}
assert fine["after"] < 0.2 * fine["before"], "the gap in fine detail nearly closes"

# %% tags=["solution"]
shuffled = shuffle_pixels(webcam, np.random.default_rng(0))
ratio = spectrum(shuffled, edges) / spectrum(webcam, edges)
print(f"shuffled: {ratio[-1]:.0f} times the simulated webcam's power at single pixels")
assert ratio[-1] > 2

# %% [markdown] tags=["solution"]
# The spectrum exposes shuffled pixels: all sizes of detail are then equally strong. To fool it too, keep the
# power of the waves and shuffle their phases.

# %% [markdown]
# On average R blurs as much as the webcam. These three tests need no label and no network. They can show that
# something is missing, but not that nothing is.

# %% [markdown]
# ## What you have learned
#
# - The report's order of events repeats here: R copies, then the losses jump.
# - D's lead is $e^{-L_D/n}$, and $n$ must be known.
# - D's map shows where D finds fault, within its own game.
# - R repaints tone, contrast and edges by a local rule. It cannot do what needs the whole picture.
#
# ## One harder exercise

# %% [markdown] tags=["task"]
# ### Exercise 08.4 · How far apart are gray levels?
#
# The *earth mover's distance* between the gray levels of two sets is the area between their cumulative
# histograms. Write `earth_movers_distance(a, b)`, in gray levels. Compute it between simulated webcam images
# and three kinds: synthetic, refined, and hand-made. `simgan_lib.gaze.handmade` blurs, adds noise and
# equalises. Which kind wins, and what follows? *Expected:* 3 for images that are all 10 and all 13.
#
# <details><summary>Hint</summary>
#
# `np.bincount(eyes.ravel(), minlength=256)` counts gray levels, and `np.cumsum` adds them up.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# - The three distances.
# - The hand-made recipe was made to equalise histograms.
# - A measure that one of the candidates was built to satisfy cannot judge between them.
#
# </details>
#
# [solution](solutions/08_results.ipynb)


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
assert min(distances, key=distances.get) == "by hand"

# %% [markdown] tags=["solution"]
# The hand-made recipe wins. It equalises the histogram, as the webcam does, so it was made for this measure.
# Notebook 09 trains gaze networks on both.

# %% [markdown]
# ## References
#
# - Bojja 2018, figures 1 to 7 and the text beside them.
# - abojja9/SimGAN_eyes: the code published with the report.
# - Shrivastava et al. 2017, figure 1 (refined eyes) and "Local Adversarial Loss".
# - Zhang et al., *Appearance-based gaze estimation in the wild*, CVPR 2015: MPIIGaze.
#
# **Next:** [09 · Is it useful?](09_is_it_useful.ipynb)
