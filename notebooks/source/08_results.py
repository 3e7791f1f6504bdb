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
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - lay a run of your own beside a published one, and say what may be compared and what may not;
# - read a loss curve in probabilities, and use it as a sign of health rather than of quality;
# - see where in the image the discriminator finds fault, before and after refining;
# - say what a refiner changed, with a difference image, a spectrum and a histogram.
#
# **You need** notebooks 02 to 07 (refiner, discriminator, losses, training).

# %% tags=["shared", "setup"]
import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import notebook, plots, widgets
from simgan_lib.data import to_float

scale = notebook.start()
# Pixels as they are: this notebook is about small differences between them.
matplotlib.rcParams["image.interpolation"] = "nearest"

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
report = simgan_lib.reference_run("report-schedule")
best = simgan_lib.reference_run("best")

# %% [markdown]
# ## 1. Two runs, and a warning
#
# `report` was trained with the report's settings; `best` with those of the preset `long`, on the
# report's number of images. Both lie finished in the folder `runs/`, so this notebook trains nothing. The report's
# 25,000 rounds are many hours on a CPU. How far did ours get? The record knows.

# %%
rounds = report.metrics[report.metrics["phase"] == "adversarial"].set_index("iteration")
reached = int(rounds.index.max())
about = report.environment
print(f"{reached:,} rounds of the report's 25,000, {reached / 25_000:.0%} of the way,")
print(f"in {about['training_seconds'] / 60:.0f} minutes on {about['device']},")
print(f"on {about['data']['synthetic']['images']:,} synthetic images; the report had 50,000")

# %% [markdown]
# **The warning.** The report refined UnityEyes images towards *photographs*: MPIIGaze, people at their
# own laptops. The embedded data of this course has no photograph. Its target is **simulated webcam**
# images, drawn by a program that imitates a cheap camera. So:
#
# | may be compared | may not |
# |---|---|
# | the *shape* of the curves: what rises, what falls, what settles | their exact values |
# | the order of events: copy first, then drift towards the target | the look of the refined eyes |
# | signs of health and of failure | "our images are more realistic than the report's" |
#
# With Kaggle's files on your disk, `simgan train --data kaggle --preset report` is the same experiment
# on the report's own images.

# %% [markdown]
# ## 2. Figures 1 and 2: the training curves
#
# The report's figure 1 shows the self-regularisation, its figure 2 the losses of D and of R. In words:
# during the pre-training R learns to copy and its loss goes to nothing. When the game begins,
# everything jumps up, then fluctuates for the rest of the training: L_D about 1.1, L_R about 2.3,
# self-regularisation between 0.05 and 0.08.
#
# Before looking at ours, learn to read such numbers. A cross-entropy is $-\log p$ of the right answer,
# so $e^{-\text{loss}}$ brings back a probability, a typical one over patches and images. L_D is the sum
# of two such terms, one for each kind of image.

# %%
print(f"a D that guesses: L_D = 2 ln 2 = {2 * np.log(2):.3f}")
print(f"L_D = 1.1: {np.exp(-1.1 / 2):.0%} for the right answer, typically")
print(f"L_R = 2.3: {np.exp(-2.3):.0%} for the answer that R hopes for")

# %% [markdown]
# So in the report D is a little better than a guess, on average over both kinds of image. But the
# refined images that R's loss sees get one chance in ten. How do the two fit? R's loss sees the
# *newest* refined images, right after ten updates of D, while half of D's own refined images come from
# the history; and a mean of logarithms is pulled up by the few patches where D is very sure. A loss is
# a number *and* the place where it was taken.
#
# **Predict.** Same settings, other target images. Which of the three will agree with the report: L_D,
# L_R, or the self-regularisation?

# %%
settled = {
    "self_regularisation": (0.05, 0.08),
    "discriminator_loss": (1.1, 1.1),
    "refiner_loss": (2.3, 2.3),
}
titles = ["figure 1: self-regularisation", "figure 2: $L_D$", "figure 2: $L_R$"]


# %%
def curves(run):
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    copying = run.metrics[run.metrics["phase"] == "pretrain_refiner"]
    playing = run.metrics[run.metrics["phase"] == "adversarial"]
    for axis, (name, band), title in zip(
        figure.subplots(1, 3), settled.items(), titles, strict=True
    ):
        before = copying["iteration"] - copying["iteration"].max()
        axis.plot(before, copying[name], color=plots.GRAY, label="pre-training")
        axis.plot(playing["iteration"], playing[name], color=plots.BLUE, label="the game")
        low, high = band
        axis.axhspan(
            low - 0.01, high + 0.01, color=plots.ORANGE, alpha=0.4, label="the report's level"
        )
        axis.set(title=title, xlabel="round", ylim=(0, None))
        axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    return figure


# %%
notebook.show(
    curves(report),
    "the report's settings against simulated webcam images. Gray, left of 0: R learns to copy. Blue: the "
    "game. Orange: where the report's curves settle, against photographs.",
)

# %%
last = rounds.tail(max(1, len(rounds) // 4))
for name, (low, high) in settled.items():
    level, swing = last[name].mean(), last[name].std()
    print(f"{name:<22} {level:5.2f} ± {swing:.2f}   the report: about {(low + high) / 2:.2f}")

# %% [markdown]
# L_D agrees: in both, D is a little better than a guess. L_R is lower than the report's and the
# self-regularisation much higher: this R is further from its input, and is believed more often.
#
# The first thing to check is the *order of events*, and that is the report's: self-regularisation falls
# to nearly nothing while R copies, leaps when the game begins, and then keeps a noisy level instead of
# descending, as the losses do. A GAN's losses do not fall towards zero, because each network is the
# other's moving target. **A level curve is not a training that has stopped.**
#
# Why are the levels others? How far R must move a pixel depends on how far
# the target lies from the simulator, and our simulated webcam's histogram is equalised, which moves
# every gray level. Besides, the report's axis does not say whether its curve is a sum or a mean, before
# or after the multiplication by lambda. A number whose unit is unknown can be looked at, not compared.

# %% tags=["check"]
copied = report.metrics.loc[report.metrics["phase"] == "pretrain_refiner", "self_regularisation"]
assert copied.iloc[-1] < copied.iloc[0], "pre-training teaches R to copy"
assert last["self_regularisation"].mean() > copied.iloc[-1], "the game moves R away from the copy"
assert abs(last["discriminator_loss"].mean() - 1.1) < 0.15, "L_D agrees with the report's"
assert last["refiner_loss"].mean() < 2.3 - 0.3, "L_R is lower than the report's"
assert last["self_regularisation"].mean() > 2 * 0.08, "self-regularisation is much higher"

# %% [markdown]
# ## 3. Figures 3 to 7: the eyes as training goes on
#
# The report shows a batch of synthetic eyes on the left and the same eyes refined on the right, at
# rounds 0, 5,000, 10,000, 20,000 and 25,000. A run keeps *snapshots*: the same 30 eyes refined every so
# often. We take those nearest to the report's rounds, or, where our run is shorter, at the same
# fractions of the way.

# %%
report_figures = {3: 0, 4: 5_000, 5: 10_000, 6: 20_000, 7: 25_000}
kept = report.snapshots
chosen = {}
for number, iteration in report_figures.items():
    wanted = iteration * min(1, reached / 25_000)
    chosen[number] = int(np.abs(kept["iteration"] - wanted).argmin())
    print(
        f"figure {number}: the report's {iteration:>6,}, ours {kept['iteration'][chosen[number]]:>6,}"
    )


# %% [markdown]
# First in the report's own layout: figure 7, its last.


# %%
def as_in_the_report(snapshot):
    figure = Figure(figsize=(5.6, 1.5), layout="constrained")
    pair = {"synthetic": kept["synthetic"], "refined": kept["refined"][snapshot]}
    for axis, (title, eyes) in zip(figure.subplots(1, 2), pair.items(), strict=True):
        rows = np.array_split(eyes[:12], 3)
        axis.imshow(
            np.vstack([np.hstack(list(row)) for row in rows]), cmap="gray", vmin=0, vmax=255
        )
        axis.set(title=title, xticks=[], yticks=[])
    return figure


# %%
notebook.show(
    as_in_the_report(chosen[7]),
    f"round {kept['iteration'][chosen[7]]:,} of the report's settings: synthetic eyes on the left, the same "
    "eyes refined on the right.",
)

# %% [markdown]
# Now all five, one below the other, with the target beneath.
#
# **Predict.** Row "fig. 3" is round 0, after the pre-training. How will it differ from the row above
# it?

# %%
rows = {"synthetic": kept["synthetic"][:5]}
for number, snapshot in chosen.items():
    rows[f"fig. {number}\n{kept['iteration'][snapshot]:,}"] = kept["refined"][snapshot][:5]
rows["simulated\nwebcam"] = kept["real"][:5]
notebook.show(
    plots.contact_sheet(rows, columns=5, zoom=0.8),
    "the same five eyes at the same fractions of the way as the report's figures 3 to 7. The last row shows what R is "
    "after: *other* eyes, as the two sets are not paired.",
)

# %% [markdown]
# Read down a column and ask of each row what the report says of its own:
#
# 1. *At round 0 the refined eye is the synthetic one.* R has only learned to copy.
# 2. *Later R adds the camera's traces.* It paints skin tone, contrast and roughness in the target's
#    manner.
# 3. *The further the training, the more realistic.* Here be strict: is each row better than the one
#    above, or only different? Two networks that circle round each other need not improve from snapshot
#    to snapshot.
# 4. *R completes what is cropped: brows, and hair around the eye.* R sees 19 x 19 pixels (notebook 02),
#    so it cannot plan a brow. It can darken what already looks like the beginning of one.
#
# Impressions deserve numbers. Two that need no network: how far R went from the synthetic eye, and how
# much each picture's brightness differs from the next one's (the simulated webcam equalises every
# picture, so its pictures are all equally bright).


# %%
def brightness_spread(eyes):
    return eyes.mean(axis=(1, 2)).std()


for number, snapshot in chosen.items():
    eyes = kept["refined"][snapshot]
    change = np.abs(to_float(eyes) - to_float(kept["synthetic"])).mean()
    print(
        f"figure {number}: mean change {change:.2f}, brightness spread {brightness_spread(eyes):4.1f}"
    )
print(f"simulated webcam:                brightness spread {brightness_spread(kept['real']):4.1f}")

# %% tags=["check"]
first, final = (np.abs(to_float(kept["refined"][k]) - to_float(kept["synthetic"])) for k in (0, -1))
assert first.mean() < final.mean(), "at round 0 R copies; later it does not"

# %% [markdown]
# The change leaps between figures 3 and 4 and then only wanders: R finds the target's gray levels
# early, and spends the rest of the training on what is hard. Keep this in mind when a paper shows you
# only the first and the last image.

# %% [markdown]
# ## 4. The best run
#
# Now the settings of the preset `long`, on the report's number of images. What differs from the report's settings?

# %%
theirs, ours = vars(simgan_lib.preset("report")), vars(best.config)
for name, value in ours.items():
    if value != theirs[name] and not name.endswith("_every"):
        print(f"{name:<32} the report: {theirs[name]!s:<8} best: {value}")

# %% [markdown]
# Do they all matter? Lambda a great deal, as [notebook 11](11_failure_lab.ipynb) shows. Of others, such as
# the pre-training's length, the ablation there cannot say so, and the buffer's size was not varied at all.
# The report's ten D updates a round we kept. R has half of the paper's feature maps, as in `quick`, which sees fewer images:
# {{quick/baseline/seed0 config.iterations 0}} rounds in batches of {{quick/baseline/seed0 config.batch_size 0}}. The gaze error of `best` is
# {{best evaluation.gaze_error_deg.refined.mean 1}}°, that of `quick`
# {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}° (notebook 09). `best` is the one whose weights we keep.
# The report's own settings, above and with a simulator whose eyes looked further up, came to {{report-schedule evaluation.gaze_error_deg.refined.mean 1}}° (one
# gaze network), for several times the work, and with the pupil moved by
# {{report-schedule evaluation.pupil_shift_px.median 2}} pixels instead of
# {{best evaluation.pupil_shift_px.median 2}}. What is best in minutes need not be best in an hour.

# %%
replay = widgets.RunReplay(best)
replay.slider.value = replay.slider.options[-1]
replay

# %% [markdown]
# Move the slider through the snapshots. In the curves, $L_D$ lies below a guess's (dotted) and R's adversarial loss above it: D
# leads, as it takes ten steps for each one of R's, and does not run away; below, it is right on about four patches of five.

# %% [markdown]
# **Predict.** The curves are flat after a while. Do the images still change?

# %%
notebook.show(
    plots.timeline(best.snapshots, steps=4, count=5),
    "the best run's timeline: the same five eyes from round 0 to the last.",
)

# %% [markdown]
# They do. Tone and contrast come first; then shadows at the lids and streaks like lashes. R keeps
# repainting what D has last complained about. And the dark of iris and pupil stays where it was, in
# every row: that is the self-regularisation at work, and notebook 09 measures it.

# %% [markdown]
# ## 5. Where does D find fault?
#
# D answers for each of 9 x 14 patches: how probable is it that this piece was refined? A snapshot keeps
# these maps, so we can lay them over the eye. For simulated eyes as they are, and for the same eyes
# refined:

# %%
shots = best.snapshots
maps = {name: shots[f"probability_{name}"].astype("float32") for name in ("synthetic", "refined")}
print("snapshots, eyes, rows, columns:", maps["refined"].shape)
for name, probability in maps.items():
    print(f"{name:<10} first {probability[0].mean():.0%}, last {probability[-1].mean():.0%}")

# %% [markdown]
# **Predict.** At the *last* round, which of the two does D find more suspicious? Beware: it was trained
# to know *refined* images, and has not seen an unrefined one for a long time.


# %%
trust = LinearSegmentedColormap.from_list("D", [plots.BLUE, "white", plots.ORANGE])


def draw_map(axis, eye, probability):
    # The middle of patch (i, j) lies on pixel (4 i + 2, 4 j + 2): two strides of two.
    axis.imshow(eye, cmap="gray", vmin=0, vmax=255)
    shown = axis.imshow(probability, extent=(0, 56, 36, 0), cmap=trust, vmin=0, vmax=1, alpha=0.5)
    axis.set(xlim=(-0.5, 54.5), ylim=(34.5, -0.5), xticks=[], yticks=[])
    return shown


# %%
D = best.discriminator()
last_eyes = {
    "synthetic": shots["synthetic"],
    "refined": shots["refined"][-1],
    "real": shots["real"],
}


def suspicion(eyes):
    logits = D.predict(to_float(eyes), verbose=0)
    return np.exp(logits[..., 1]) / np.exp(logits).sum(axis=-1)


figure = Figure(figsize=(7, 2.9), layout="constrained")
for row, (name, eyes) in zip(figure.subplots(3, 4), last_eyes.items(), strict=True):
    for axis, eye, probability in zip(row, eyes, suspicion(eyes[:4]), strict=False):
        shown = draw_map(axis, eye, probability)
    title = {"real": "simulated\nwebcam"}.get(name, name)
    row[0].set_ylabel(title, rotation=0, ha="right", va="center")
figure.colorbar(shown, ax=figure.axes, label="D: probability of refined", shrink=0.8)
notebook.show(
    figure,
    "the last D's map over four eyes of each kind. Orange: D takes this patch for refined; blue: for a piece "
    "of a simulated webcam image; pale: it cannot say.",
)

# %%
for name, eyes in last_eyes.items():
    found = suspicion(eyes).mean(axis=(1, 2))
    print(f"{name:<10} mean {found.mean():.0%}, eyes from {found.min():.0%} to {found.max():.0%}")

# %% [markdown]
# Three lessons. The maps are *local*: one eye can be convincing at the cheek and suspicious at the lid,
# and R is told so, patch by patch.
#
# The *unrefined* eyes look about as suspicious as the refined ones, although they are the ones that R has left far behind: D has not been shown
# one since the first rounds, and guesses at them by what it knows of refined ones. Nor should you read too much into the refined: this R is a running average of R's weights,
# which D has never played against. And of its *target* D is rather sure: in simulated webcam eyes it suspects few patches. So this R has not won;
# it is found out more often than not, patch by patch, and by a D that sees nothing but patches.
#
# So D is a judge of *this* game only. That is why notebook 09 never asks D how realistic an image is;
# it trains fresh judges.
#
# Step through the other eyes of the snapshot:

# %%
widgets.BeforeAfter(best)

# %% tags=["check"]
assert maps["refined"].shape[2:] == (9, 14)
assert suspicion(shots["real"]).mean() < 0.35, "D is rather sure of its target"
assert suspicion(shots["refined"][-1]).mean() > 0.5, "and finds refined eyes out"
assert abs(suspicion(shots["synthetic"]).mean() - suspicion(shots["refined"][-1]).mean()) < 0.1

# %% [markdown]
# ## 6. Refine live
#
# `pretrained_refiner` loads the best run's R. We hand it eyes that no data set of this course holds.
# The simulator numbers its eyes; we start counting far away from all that were used.

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
for name, eyes, after in (
    ("trained on", seen, simgan_lib.refine(R, seen)),
    ("fresh", fresh, refined),
):
    print(f"{name:<10} mean |R(x) - x| = {np.abs(to_float(after) - to_float(eyes)).mean():.3f}")

# %% [markdown]
# The same. A network of 74,337 numbers that sees 19 pixels cannot learn fifty thousand eyes by heart;
# it learned a *rule of repainting*, and a rule works anywhere.
#
# ## 7. What did R change?
#
# **First: where.** The difference R(x) - x, in gray levels, on a diverging colour map: white where
# nothing changed, red where R made a pixel brighter, blue where darker.

# %%
difference = refined.astype(int) - fresh
figure = Figure(figsize=(8, 3), layout="constrained")
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
    "fresh eyes, the same refined, and the difference. Skin turns brighter, most of it below the eye; the white "
    "of the eye and the rim of the lid turn darker; iris and pupil, dark already, hardly change.",
)

# %% [markdown]
# **Second: which gray levels.** The simulated webcam equalises its histogram, so that every gray level
# is about equally frequent. The simulator does not. **Predict** the shape of each of the three
# histograms.

# %% tags=["shared"]
kinds = {"synthetic": fresh, "refined": refined, "real": webcam}
names = {"synthetic": "synthetic", "refined": "refined", "real": "simulated webcam"}
levels = np.linspace(0, 256, 33)

# %%
figure = Figure(figsize=(9, 2.7), layout="constrained")
tone, bright = figure.subplots(1, 2)
for kind, eyes in kinds.items():
    style = {"color": plots.COLORS[kind], "label": names[kind], "histtype": "step", "lw": 2}
    tone.hist(eyes.ravel(), levels, density=True, **style)
    bright.hist(eyes.mean(axis=(1, 2)), np.linspace(20, 230, 43), **style)
tone.set(title="gray levels of all pixels", xlabel="gray level", ylabel="share per level")
bright.set(title="brightness of a whole picture", xlabel="mean gray level", ylabel="pictures")
tone.legend(loc="upper right", fontsize="small")
bright.set_ylim(0, 60)
notebook.show(
    figure,
    "left: gray levels; the simulated webcam's are nearly flat, and refining moves the synthetic ones there. "
    "Right: the mean of each picture; the simulated webcam's are all alike (one tall column, cut off here).",
)

# %% [markdown]
# The left plot shows success: R has learned the target's contrast. The right one shows a limit. To
# equalise a picture you must count *all* its pixels, and R sees 19 x 19 of 35 x 55. It can make the
# average picture right, but not each one equally bright. No amount of training changes what a network
# can see.

# %%
for kind, eyes in kinds.items():
    print(
        f"{names[kind]:<17} mean {eyes.mean():5.1f}, brightness spread {brightness_spread(eyes):4.1f}"
    )

# %% tags=["check"]
# Refining brings pictures nearer to the equal brightness of the simulated webcam, and not all the way.
assert brightness_spread(webcam) < brightness_spread(refined)

# %% [markdown]
# **Third: which sizes of detail.** The Fourier transform splits an image into waves. Averaged over all
# directions, their power says how much detail of each size there is: left, broad shading; right, single
# pixels. Blur takes from the right, noise adds to it.


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

# %%
figure = Figure(figsize=(5.5, 2.8), layout="constrained")
axis = figure.subplots()
for kind, eyes in kinds.items():
    axis.semilogy(middle, spectrum(eyes, edges), color=plots.COLORS[kind], label=names[kind])
axis.set(xlabel="waves per pixel (0.5: every other pixel)", ylabel="power")
axis.grid(alpha=0.3)
axis.legend()
notebook.show(
    figure,
    "power at each size of detail. At the right, the simulator's crisp edges have more fine detail than the "
    "simulated webcam, which blurs. Refining brings the line down to the webcam's.",
)

# %%
target, before, after = (spectrum(kinds[kind], edges) for kind in ("real", "synthetic", "refined"))
gap = {"before": np.abs(np.log10(before / target)), "after": np.abs(np.log10(after / target))}
for name, distance in gap.items():
    coarse, fine = distance[: len(distance) // 2].mean(), distance[len(distance) // 2 :].mean()
    print(f"{name:<7} decades from the simulated webcam: coarse {coarse:.2f}, fine {fine:.2f}")

# %% [markdown]
# R has learned to blur, as the webcam does, and by the right amount, on average. Whether it does so for
# each *single* picture as the webcam would is another matter; notebook 09 looks.
#
# The three tests ask different questions and none of them needs a label or a network. None proves
# realism either: images can have the right histogram and the right spectrum and still be nonsense
# (shuffle the phases of the waves, and see). They are quick checks that tell you *what* is missing.
# Whether it matters is notebook 09's question.

# %% [markdown]
# ## What you have learned
#
# - The report's order of events repeats here: copy, jump, noisy level. The levels' values need not, as
#   the target is simulated webcam images and not photographs.
# - $e^{-\text{loss}}$ is a probability; a level curve means balance, neither success nor an end.
# - D's map shows where it finds fault, and only within its own game.
# - R repaints tone, contrast and edges by a local rule, which works on eyes it has never seen; what
#   needs the whole picture, it cannot do.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write `typical_probability(loss, terms)`: the probability of the right answer that
# belongs to a sum of `terms` cross-entropies. What do L_D = 1.386, 1.1 and 0.1 (two terms) say about D?
# Which of the three would worry you?


# %% tags=["exercise"]
def typical_probability(loss, terms): ...  # your code


# %% tags=["solution"]
def typical_probability(loss, terms):
    return np.exp(-loss / terms)


for loss in (1.386, 1.1, 0.1):
    print(f"L_D = {loss}: {typical_probability(loss, 2):.0%}")
assert abs(typical_probability(2 * np.log(2), 2) - 0.5) < 1e-6

# %% [markdown] tags=["solution"]
# 50%: a guess. Either R is perfect or D has learned nothing; look at the images. 58%: a game that is
# alive. 95%: D has won, and R's gradient comes from a judge who no longer hesitates. The first and the
# last are both worrying when they stay.

# %% [markdown] tags=["task"]
# **2. Predict, then run.** R makes an eye look more like a simulated webcam's. What does R do to an eye
# that it has refined already? Is R(R(x)) about R(x), or does it go as far again? Before you run: what
# would an *ideal* refiner do?

# %% tags=["exercise"]
# twice = simgan_lib.refine(R, refined)

# %% tags=["solution"]
twice = simgan_lib.refine(R, refined)
once = np.abs(refined.astype(int) - fresh).mean()
again = np.abs(twice.astype(int) - refined).mean()
print(f"first time {once:.1f} gray levels, second time {again:.1f}")
notebook.show(
    plots.contact_sheet({"x": fresh[:8], "R(x)": refined[:8], "R(R(x))": twice[:8]}, columns=8),
    "synthetic eyes, refined once, and refined twice.",
)

# %% [markdown] tags=["solution"]
# An ideal refiner would leave a convincing eye alone. Ours does not: it has only ever been given
# *simulator* images, so a refined one is as strange to it as a photograph of a cat. It applies its rule
# of repainting again, to something that did not need it. Networks promise nothing outside of what they
# were trained on.

# %% [markdown] tags=["task"]
# **3. Diagnose.** A colleague shows you a histogram of refined images that fits the simulated webcam's
# perfectly, and says "realism solved". Build the counterexample: images with exactly that histogram
# that are nobody's eyes. Which of this notebook's tests exposes them?

# %% tags=["exercise"]
# Start from webcam images and move pixels about: rng.permuted(..., axis=1).

# %% tags=["solution"]
rng = np.random.default_rng(0)
shuffled = rng.permuted(webcam.reshape(len(webcam), -1), axis=1).reshape(webcam.shape)
same = [np.histogram(eyes, levels)[0] for eyes in (webcam, shuffled)]
print("same histogram:", np.array_equal(*same))
ratio = spectrum(shuffled, edges) / spectrum(webcam, edges)
print(f"power at single pixels: {ratio[-1]:.0f} times the simulated webcam's")
assert np.array_equal(*same)
assert ratio[-1] > 2

# %% [markdown] tags=["solution"]
# A histogram knows nothing of *where* gray levels are, so shuffled pixels pass. The spectrum exposes
# them: without neighbours that resemble each other, all sizes of detail are equally strong. And the
# spectrum can be fooled in its turn, by keeping the waves' power and shuffling their phases. A single
# test is never a proof.

# %% [markdown] tags=["task"]
# **4. Extend.** Say with one number how far two sets' gray levels lie apart: the *earth mover's
# distance*, the area between the two cumulative histograms. Compute it from simulated and from refined
# to simulated webcam. Then for the hand-made recipe (`simgan_lib.gaze.handmade`: blur, noise,
# equalisation). Who wins, and what follows?


# %% tags=["exercise"]
def earth_movers_distance(a, b): ...  # in gray levels


# %% tags=["solution"]
from simgan_lib.evaluation.gaze import handmade


def earth_movers_distance(a, b):
    a, b = (np.cumsum(np.bincount(eyes.ravel(), minlength=256)) / eyes.size for eyes in (a, b))
    return np.abs(a - b).sum()


# %% tags=["solution"]
sets = {"synthetic": fresh, "refined": refined, "by hand": handmade(fresh)}
distances = {name: earth_movers_distance(eyes, webcam) for name, eyes in sets.items()}
for name, distance in distances.items():
    print(f"{name:<10} {distance:5.1f} gray levels")
assert distances["by hand"] < distances["synthetic"]

# %% [markdown] tags=["solution"]
# The hand-made recipe equalises the histogram exactly, as the webcam does, so it is hard to beat on
# this test. It was made *for* it. Notebook 09 trains gaze networks on both, and there the question is
# another one. A measure that one of the candidates was built to satisfy cannot judge between them.

# %% [markdown]
# ## References
#
# - Bojja 2018, sections 3.2.4, 3.3 and 4, figures 1 to 7: what this notebook repeats.
# - Shrivastava et al. 2017, figures 1, 5 and 8: refined eyes, and the local loss.
# - Zhang et al., *Appearance-based gaze estimation in the wild*, CVPR 2015: MPIIGaze, which is
#   photographs.
#
# **Next:** [09 · Is it useful?](09_is_it_useful.ipynb)
