# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 04 · The losses
# <!-- colab:notebooks/04_losses.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - write the paper's equations 1 to 4 in a few lines each, and check them by hand;
# - read 0.693 and 1.386 in a log at sight;
# - say why R minimises $-\log(1 - D)$, and find a sign slip in a printed equation by experiment;
# - convert one author's lambda into another's;
# - see both terms' gradients as pictures.
#
# **You need** notebook 03: logits, softmax, and the labels real = 0 and refined = 1.

# %% tags=["shared", "setup"]
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check
from simgan_lib import backends, diagrams, losses, notebook, plots, widgets
from simgan_lib.data import to_float
from simgan_lib.evaluation.report import collect
from simgan_lib.losses import REAL, REFINED

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("synthetic refined answer"),
    "where this notebook is on the map of the method. One loss compares R(x) with x. The other one reads D's answer.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
x = to_float(data.synthetic.images[:32])
print(x.shape, f"from {x.min():.2f} to {x.max():.2f}")

# %% [markdown]
# ## 1. Two aims in one number
#
# D should take R's images for real. Each image should also stay close to its synthetic original, so that its label
# stays true. The paper's equation 1 adds both:
#
# $$ \mathcal L_R = \sum_i \ell_\text{real}(x_i) + \lambda \, \ell_\text{reg}(x_i) $$
#
# We take *means* where the paper takes sums. Section 7 says what that does to $\lambda$.

# %% [markdown]
# ## 2. Staying close: self-regularisation
#
# The simplest measure of closeness is the mean change of a pixel, an *L1* distance:
#
# $$ \ell_\text{reg} = \text{mean} \, \bigl| \psi(R(x)) - \psi(x) \bigr| $$
#
# $\psi$ is a *feature*: it says what is compared. Usually that is the pixels, `identity`. There are two more.


# %% tags=["shared", "taught:losses"]
def identity(images):
    return images


def image_gradients(images):
    corner = images[:, :-1, :-1]
    right, down = images[:, :-1, 1:], images[:, 1:, :-1]
    return ops.concatenate([right - corner, down - corner], axis=-1)


def channel_mean(images):
    return ops.mean(images, axis=-1, keepdims=True)


# %% tags=["shared", "taught:losses"]
def self_regularisation(refined, synthetic, feature=identity):
    return ops.mean(ops.abs(feature(refined) - feature(synthetic)))


# %% [markdown]
# In an image of 2 x 3 pixels, one pixel changes by 0.6.

# %% tags=["shared"]
before = np.array([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]], "float32")[None, ..., None]
after = before.copy()
after[0, 0, 0, 0] += 0.6
print(f"{float(self_regularisation(after, before)):.3f}, by hand {0.6 / 6:.3f}")

# %% [markdown]
# **Predict.** `image_gradients` compares the differences of neighbouring pixels. Which costs nothing: making the
# image *brighter everywhere*, or changing *that one pixel*?

# %%
for feature in (identity, image_gradients):
    brighter = float(self_regularisation(before + 0.2, before, feature))
    one_pixel = float(self_regularisation(after, before, feature))
    print(f"{feature.__name__:15} brighter {brighter:.3f}   one pixel {one_pixel:.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The brighter image. The one pixel is in two of the four differences, so it costs 2 x 0.6 / 4 = 0.3.
#
# </details>
#
# `channel_mean` is for colour images. A hue may change if the brightness stays.

# %%
colour = np.zeros((1, 2, 2, 3), "float32")
warmer = colour + np.array([0.2, 0.0, -0.2], "float32")
for feature in (identity, channel_mean):
    found = float(self_regularisation(warmer, colour, feature))
    print(f"a warmer colour in {feature.__name__:12}: {found:.3f}")

# %% tags=["check"]
for feature in (identity, image_gradients, channel_mean):
    ours = float(self_regularisation(warmer, colour, feature))
    assert abs(ours - float(losses.self_regularisation(warmer, colour, feature))) < 1e-6
assert float(self_regularisation(before + 0.2, before, image_gradients)) < 1e-6

# %% [markdown]
# ## 3. Equation 2: D's loss
#
# D gives each patch a probability $D(\cdot)$ of being *refined*. A refined image costs $-\log D$, a real one
# $-\log(1 - D)$:
#
# $$ \mathcal L_D = -\sum_i \log D(R(x_i)) - \sum_j \log\bigl(1 - D(y_j)\bigr) $$
#
# Both terms are cross-entropies. One function serves both, and R:


# %% tags=["shared", "taught:losses"]
def local_adversarial(logits, label):
    return -ops.mean(ops.log_softmax(logits, axis=-1)[..., label])


# %% [markdown]
# We check it on two patches with probabilities 0.8 and 0.5.

# %%
two_patches = np.log([[[[0.2, 0.8], [0.5, 0.5]]]])
for name, label, p in (("refined", REFINED, [0.8, 0.5]), ("real", REAL, [0.2, 0.5])):
    ours, by_hand = float(local_adversarial(two_patches, label)), -np.mean(np.log(p))
    print(f"wanted {name:8} {ours:.4f}, by hand {by_hand:.4f}")

# %% [markdown]
# Why `log_softmax`? A very sure D's probability rounds to zero, and its logarithm ends the training.

# %%
sure = np.array([[[[60.0, -60.0]]]], "float32")
rounded = (np.exp(sure) / np.exp(sure).sum())[..., REFINED].item()
print("softmax first: probability", rounded, "whose logarithm is minus infinity")
print("log_softmax:   loss", float(local_adversarial(sure, REFINED)))

# %% tags=["check"]
assert abs(float(local_adversarial(two_patches, REFINED)) - 0.4581) < 1e-3
assert float(local_adversarial(sure, REFINED)) == float(losses.local_adversarial(sure, REFINED))
assert rounded == 0.0

# %% [markdown]
# The global loss of notebook 03 takes the mean of each image's logits first:


# %% tags=["taught:losses"]
def global_adversarial(logits, label):
    return local_adversarial(ops.mean(logits, axis=(1, 2)), label)


# %%
print(f"the two patches as one: {float(global_adversarial(two_patches, REFINED)):.4f}")

# %% [markdown] tags=["task"]
# ### Exercise 04.1 · Equation 2
#
# Write `discriminator_loss(on_real, on_refined)`, equation 2 with means. It takes D's logits on a real and a refined
# batch, and calls `local_adversarial` twice.
#
# *Expected:* 1.386 where all logits are 0.
#
# <details><summary>Hint</summary>
#
# D should give each batch its true class.
#
# </details>
#
# [solution](solutions/04_losses.ipynb)


# %% tags=["exercise"]
def discriminator_loss(on_real, on_refined): ...


# %% tags=["solution"]
from simgan_exercises import verdict


def discriminator_loss(on_real, on_refined):
    return local_adversarial(on_real, REAL) + local_adversarial(on_refined, REFINED)


assert verdict("04.1", discriminator_loss)[0]

# %% tags=["shared"]
check("04.1", discriminator_loss)

# %% tags=["solution"]
always_real = np.zeros((1, 9, 14, 2), "float32") + np.log([0.9, 0.1]).astype("float32")
print(f"always real: {float(discriminator_loss(always_real, always_real)):.3f}")

# %% [markdown] tags=["solution"]
# A D that always answers "real" with probability 0.9 has the loss $-\log 0.9 - \log 0.1 = 2.41$, worse than a guess.
# Only wrong answers can raise $L_D$ above 1.386.

# %% [markdown]
# ## 4. Two numbers to know by heart
#
# In notebook 03 a guess cost ln 2 = 0.693. $L_D$ has two terms, so a guess costs twice that. These are our
# *landmarks*:

# %%
guess = np.zeros((1, 9, 14, 2), "float32")
one_term = float(local_adversarial(guess, REFINED))
print(f"one term {one_term:.3f} (ln 2 = {np.log(2):.3f}), L_D {2 * one_term:.3f}")

# %% [markdown]
# | in the log | meaning |
# |---|---|
# | $L_D$ = 1.386 | D guesses. R is perfect, or D learns nothing. |
# | $L_D$ near 0 | D is sure of nearly every patch. |
# | R's adversarial term = 0.693 | D cannot tell R's images. |
# | the same, far above 0.693 | D is sure that they are refined. |
#
# The library also logs D's **accuracy**, the share of patches on the right side. A tie counts as half right.


# %% tags=["shared", "taught:losses"]
def accuracy(logits, label):
    margin = logits[..., label] - logits[..., 1 - label]
    return ops.mean((ops.sign(margin) + 1.0) / 2.0)


# %%
for name, logits in {"a guess": guess, "the two patches": two_patches}.items():
    print(f"{name}: accuracy {float(accuracy(logits, REFINED))}")

# %% [markdown]
# Here they are in notebook 11's *control*.

# %% tags=["plot"]
run = simgan_lib.reference_run("failures/baseline/seed0")
notebook.show(
    plots.loss_curves(run.metrics, run.real_name),
    "a recorded training. Left, dotted, the landmarks. $L_D$ (blue) stays below its 1.386, so D knows "
    "something. R's adversarial term (orange) stays above its 0.693, so D still recognises R's images.",
)

# %% [markdown]
# Where one network gains, the other loses. Here D stays ahead. In a good training it may be further ahead: the run
# `best` ends with $L_D$ {{best metrics.discriminator_loss 2}} and an adversarial term of
# {{best metrics.adversarial_loss 2}}.
#
# **Count the terms before you compare.** The report's $L_D$ settles near 1.1. Its published code sums *three* means:
# fresh refined images, images from the history, and real ones. So there a guess costs 3 ln 2 = 2.08.

# %% [markdown]
# ## 5. Equation 3: why R minimises $-\log(1 - D)$
#
# R wants the label *real* for its images:
#
# $$ \ell_\text{real} = -\log\bigl(1 - D(R(x))\bigr) $$
#
# This is `local_adversarial(logits, REAL)`. R could also make *D's* loss large, and minimise $+\log D(R(x))$. Both
# make D(R(x)) small, but with other *gradients*, which we measure as in notebook 03.

# %% tags=["shared"]
gradient = backends.current().gradient

# %% [markdown]
# **Predict.** At the start D is sure: D(R(x)) = 0.99. Which loss gives the larger gradient at D's logit?


# %%
FORMS = {
    "-log(1 - D)": lambda z: local_adversarial(z, REAL),
    "+log D": lambda z: -local_adversarial(z, REFINED),
}
certainty = np.array([0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
logits = [np.log([[[[1 - p, p]]]]).astype("float32") for p in certainty]
push = {name: [gradient(f, z)[..., REFINED].item() for z in logits] for name, f in FORMS.items()}
pd.DataFrame(push, index=pd.Index(certainty, name="D(R(x))")).round(3)

# %% tags=["plot"]
figure = Figure(figsize=(6.5, 2.8), layout="constrained")
axis = figure.subplots()
margin = np.linspace(-6, 8, 200)
formulas = {"-log(1 - D)": 1 / (1 + np.exp(-margin)), "+log D": 1 / (1 + np.exp(margin))}
for (name, values), color in zip(push.items(), (plots.ORANGE, plots.BLUE), strict=True):
    axis.plot(margin, formulas[name], color=color)
    measured = np.log(certainty / (1 - certainty))
    axis.plot(
        measured, values, "o", color=color, label=f"R minimises ${name}$".replace("log", "\\log ")
    )
axis.set(
    xlabel="D's margin $z_1 - z_0$ (right: sure that it is refined)", ylabel="gradient at the logit"
)
axis.legend(fontsize="small", loc="center left")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "the gradient of both forms at D's logit. Dots are measured. The lines are the formulas $D$ and $1 - D$. "
    "Where D is sure (right), $-\\log(1 - D)$ has its full gradient and $+\\log D$ has none.",
)

# %% tags=["check"]
assert np.abs(np.array(push["-log(1 - D)"]) - certainty).max() < 1e-3
assert np.abs(np.array(push["+log D"]) - (1 - certainty)).max() < 1e-3

# %% [markdown]
# <details><summary>Answer</summary>
#
# $-\log(1 - D)$: its gradient is $D$ = 0.99, that of $+\log D$ is $1 - D$ = 0.01. The second form *saturates* where R
# is worst.
#
# </details>
#
# So R uses the **non-saturating** form. In Goodfellow's texts D is the probability of *real*, and $\log(1 - D)$
# saturates. **Ask what D = 1 means before you copy a GAN loss.**
#
# The gradient at the logit says how much R is asked to change. The direction comes from D's weights. When D is sure
# of everything, no small change of pixels changes its answer much, and the direction may be useless. Notebook 11 has
# such a D.

# %% [markdown]
# ## 6. Two equations that disagree
#
# Equation 4 joins the parts. The report has two versions:
#
# | | the refiner's loss |
# |---|---|
# | the paper, eq. 4, and the report, eq. 2 | $-\log(1 - D(R(x))) + \lambda \lVert R(x) - x \rVert_1$ |
# | the report, eq. 4 | $-\log(D(R(x))) + \lambda \lVert R(x) - x \rVert_1$ |
#
# An experiment decides. It needs an R that copies and a D that has learned something. Both come from a short
# *pre-training*, which notebook 05 explains.

# %% tags=["shared"]
config = scale.config.replace(
    iterations=0,
    filters=16,
    refiner_pretraining_steps=scale.live,
    discriminator_pretraining_steps=scale.live,
    precision="float32",
)

# %% tags=["shared"]
model = simgan_lib.SimGAN(config)
model.train(data.synthetic.images, data.real.images)
R, D = model.refiner, model.discriminator


def recognised(refiner):
    logits = D(refiner(x[:16]))
    return float(ops.mean(ops.softmax(logits)[..., REFINED]))


print(f"D gives R's images p(refined) = {recognised(R):.3f} on average")


# %% [markdown]
# One copy of this R minimises the paper's loss. Another minimises the report's equation 4 as printed: a subclass of
# `SimGAN` has `REFINED` in place of `REAL`.


# %%
class AsPrinted(simgan_lib.SimGAN):
    def refiner_loss(self, x):
        refined = self.refiner(x, training=True)
        adversarial = self.adversarial_loss(self.discriminator(refined, training=True), REFINED)
        kept = self.self_regularisation(refined, x)
        return adversarial + self.config.lambda_mean * kept, {}


# %% [markdown]
# D does not learn here.
#
# **Predict.** Which copy does D recognise *better* after a few steps?


# %%
def steps_of(kind, number=6):
    copy = kind(config)
    copy.refiner.set_weights(R.get_weights())
    copy.discriminator.set_weights(D.get_weights())
    found = [recognised(copy.refiner)]
    for _ in range(number):
        copy.update_refiner(x[:16])
        found.append(recognised(copy.refiner))
    return found


# %%
paths = {"the paper": steps_of(simgan_lib.SimGAN), "eq. 4 as printed": steps_of(AsPrinted)}
for name, found in paths.items():
    print(f"{name:17} before {found[0]:.3f}, after 1 step {found[1]:.3f}, after 6 {found[-1]:.3f}")

# %% tags=["plot"]
figure = Figure(figsize=(6.5, 2.6), layout="constrained")
axis = figure.subplots()
for (name, found), color in zip(paths.items(), (plots.ORANGE, plots.PINK), strict=True):
    axis.plot(found, "o-", color=color, label=name)
axis.axhline(0.5, color=plots.GRAY, linestyle=":", label="D cannot tell")
axis.set(xlabel="steps of R", ylabel="D: p(refined)", ylim=(0, 1.02))
axis.legend(fontsize="small", loc="lower left")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "how surely D recognises R's images. With the paper's sign R becomes harder to recognise. With the "
    "printed sign of equation 4 it becomes easier.",
)

# %% tags=["check"]
paper, printed = paths.values()
assert paper[0] == printed[0]
if scale.live > 10:
    assert paper[-1] < paper[0] < printed[-1]

# %% [markdown]
# <details><summary>Answer</summary>
#
# The copy with the printed sign.
#
# </details>
#
# So equation 4 has a slip of sign. In the report's code D is the probability of *real*, and there $-\log D(R(x))$ is
# right. Equations 1 to 3 of its text use the paper's convention, equation 4 the code's.
#
# A recorded training has the printed sign and {{failures/wrong_sign/seed0 config.iterations 0}} rounds. The control
# has the paper's sign and {{failures/baseline/seed0 config.iterations 0}} rounds:

# %%
wrong = simgan_lib.reference_run("failures/wrong_sign/seed0")
names = ["adversarial_loss", "discriminator_loss", "accuracy_refined", "mean_change"]
ends = {"control": run, "wrong sign": wrong}
pd.DataFrame({name: r.metrics[names].iloc[-3:].mean() for name, r in ends.items()}).round(3)

# %% tags=["plot"]
rows = {
    "synthetic": run.snapshots["synthetic"][:6],
    "control": run.snapshots["refined"][-1][:6],
    "wrong sign": wrong.snapshots["refined"][-1][:6],
    "simulated\nwebcam": run.snapshots["real"][:6],
}
notebook.show(
    plots.contact_sheet(rows, columns=6, zoom=1.3),
    "the same eyes after a training with the paper's sign and with the printed one. The control's skin and "
    "contrast come closer to the simulated webcam's, which are other eyes. The wrong sign's do not.",
)

# %% [markdown]
# With the wrong sign R's adversarial term *and* D's loss are low, because R and D want the same. That gives the
# mistake away: opponents cannot both win. A gaze network that learns from these images errs by
# {{failures/wrong_sign/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees, from the control's by
# {{failures/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}, from unrefined ones by
# {{failures/wrong_sign/seed0 evaluation.gaze_error_deg.synthetic.mean 1}}.

# %% tags=["check"]
last = {name: r.metrics[names].iloc[-3:].mean() for name, r in ends.items()}
assert last["wrong sign"]["adversarial_loss"] < np.log(2) < last["control"]["adversarial_loss"]
assert last["wrong sign"]["discriminator_loss"] < last["control"]["discriminator_loss"]

# %% [markdown]
# ## 7. What lambda means
#
# The paper *sums* the cross-entropy over patches and the L1 over pixels. We divide its loss by the number of patches:
#
# $$ \underbrace{\frac{1}{126} \sum_\text{patches} \text{CE}}_{\text{mean}} + \lambda_\text{sum} \,
#    \underbrace{\frac{1925}{126}}_{15.3} \; \underbrace{\frac{1}{1925} \sum_\text{pixels} |R(x) - x|}_{\text{mean}} $$


# %% tags=["shared", "taught:losses"]
def lambda_mean_from_sum(lambda_sum, image_size=(35, 55), patches=(9, 14)):
    return lambda_sum * (image_size[0] * image_size[1]) / (patches[0] * patches[1])


# %% [markdown]
# **Predict.** An author sums, with lambda 0.01. What is it in *our* form?

# %%
refined = ops.convert_to_numpy(R(x[:1]))
adversarial = float(local_adversarial(D(refined), REAL))
in_sums = 126 * adversarial + 0.01 * float(np.abs(refined - x[:1]).sum())
ours = lambda_mean_from_sum(0.01)
in_means = adversarial + ours * float(self_regularisation(refined, x[:1]))
print(f"lambda_mean {ours:.3f}: the paper's loss / 126 = {in_sums / 126:.5f}, ours {in_means:.5f}")

# %% tags=["check"]
assert abs(in_sums / 126 - in_means) < 1e-4
assert abs(ours - losses.lambda_mean_from_sum(0.01)) < 1e-12

# %% [markdown] tags=["task"]
# ### Exercise 04.2 · From eyes to hands
#
# The paper also refines hands: 224 x 224 pixels, 7 x 7 patches. An author takes `lambda_sum = 0.01` over from the
# eyes. How many times as strong is self-regularisation now, against the adversarial term?
#
# *Expected:* one number, `times`.
#
# <details><summary>Hint</summary>
#
# Convert 0.01 for eyes and for hands, and divide the second by the first.
#
# </details>
#
# [solution](solutions/04_losses.ipynb)

# %% tags=["exercise"]
times = ...

# %% tags=["solution"]
hands = lambda_mean_from_sum(0.01, (224, 224), (7, 7))
times = hands / lambda_mean_from_sum(0.01)
print(f"hands {hands:.2f}: {times:.0f} times as strong")
assert verdict("04.2", times)[0]

# %% tags=["shared"]
check("04.2", times)

# %% [markdown] tags=["solution"]
# A patch of a hand has 1,024 pixels to itself, one of an eye 15.

# %% [markdown]
# Three forms are in use:
#
# | form | cross-entropy | L1 | lambda times this is ours |
# |---|---|---|---|
# | this course | mean | mean | 1 |
# | the paper | sum over patches | sum over pixels | 1,925 / 126 |
# | mjdietzx/SimGAN | mean | sum over the whole batch | 1,925 · batch size |
#
# In the third form lambda 0.0001 is 98.6 of ours with batches of 512, and 6.2 with batches of 32. The figure shows
# public codes in our form. The paper prints no value. A 0.01 is ascribed to its authors, without a known source. The
# report's 0.01 is a mean by its code, and may be a sum over pixels by its text.

# %%
values = {"mjdietzx": 98.6, "mnjm": 98.6, "wkhademi": 10.0, "the report, by its code": 0.01}
values |= {"the report, by its text": 0.01 * 35 * 55, "this course": 1.0}
summed = {
    "carpedm20": 0.5,
    "AlexHex7": 0.15,
    "daniel-merrick": 0.04,
    "the paper (unconfirmed)": 0.01,
}
values |= {name: lambda_mean_from_sum(value) for name, value in summed.items()}
values = dict(sorted(values.items(), key=lambda pair: pair[1]))

# %% tags=["plot"]
figure = Figure(figsize=(8, 3.1), layout="constrained")
axis = figure.subplots()
marked = ["D" if name.startswith(("this", "the")) else "o" for name in values]
for row, (value, mark) in enumerate(zip(values.values(), marked, strict=True)):
    axis.plot(value, row, mark, color=plots.ORANGE if mark == "D" else plots.BLUE, markersize=8)
    axis.annotate(
        f"{value:.2g}", (value, row), (9, -4), textcoords="offset points", fontsize="small"
    )
axis.set_yticks(range(len(values)), values)
axis.set(xscale="log", xlabel="lambda in the mean form", xlim=(0.005, 400))
factor = lambda_mean_from_sum(1.0)
top = axis.secondary_xaxis("top", functions=(lambda v: v / factor, lambda v: v * factor))
top.set_xlabel("the same in the paper's form")
axis.grid(alpha=0.3, axis="x")
notebook.show(
    figure,
    "one symbol, ten readings, on a logarithmic axis: four orders of magnitude. Diamonds: the paper, "
    "the report and this course.",
)

# %% tags=["check"]
assert max(values.values()) / min(values.values()) > 5_000

# %% [markdown]
# What does lambda do? These trainings differ in nothing else. `mean_change` is the final mean |R(x) - x|, of a range
# of 2. A network that finds pupils reads their shift, and in [notebook 09](09_is_it_useful.ipynb) 0.7 pixels for a
# recipe that moves nothing.
#
# **Predict.** Lambda rises from 0.01 to 100. Which of the three columns fall throughout? Where is the gaze error
# smallest?

# %%
table = collect("runs/ablation")
table = table[table["cell"].str.fullmatch(r"baseline|lambda_[\d.]+")]
table["lambda"] = [
    simgan_lib.Run(f"runs/ablation/{name}").config.lambda_mean for name in table["run"]
]
columns = ["mean_change", "pupil_shift_px", "gaze_error_deg"]
measured = table.groupby("lambda")[columns].mean()
measured.assign(seeds=table.groupby("lambda").size()).round(2)

# %%
print(f"unrefined: change 0, shift 0, gaze error {table['synthetic_deg'].mean():.2f} degrees")
deviation = table.groupby("lambda")["gaze_error_deg"].std().mean()
print(f"standard deviation of the gaze error between seeds: {deviation:.2f} degrees")

# %% tags=["check"]
assert measured["mean_change"].iloc[-1] < 0.3 * measured["mean_change"].loc[1.0]
assert measured["pupil_shift_px"].iloc[-1] < measured["pupil_shift_px"].loc[1.0]
assert measured["gaze_error_deg"].iloc[-1] > measured["gaze_error_deg"].loc[1.0] + 1
assert measured["gaze_error_deg"].iloc[-1] < table["synthetic_deg"].mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# The change and the mean shift fall. The gaze error falls, then rises. At lambda 100 most of the benefit is lost:
# {{ablation/lambda_100/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees against
# {{ablation/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} unrefined and
# {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} at lambda 1. The error is smallest at lambda
# 10, by 1.6 standard errors of the difference from lambda 1. So five seeds do not settle which is better.
#
# </details>
#
# The slider shows the eyes of these trainings. KID is a distance between two sets of images: 0 means alike. Notebook
# 10 explains it.
#
# **Which lambda?** The course takes 1. Its images are nearer to the target than those of 10, with a KID of
# {{ablation/baseline/seed* evaluation.kid.refined.mean 3}} against
# {{ablation/lambda_10/seed* evaluation.kid.refined.mean 3}}. Those of 0.01 are nearer still, but its pupils move
# most, and its gaze error is {{ablation/lambda_0.01/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees.
# Exercise 12.4 chooses a lambda without labels.

# %%
explorer = widgets.LambdaExplorer("runs/ablation")
explorer.slider.label = "1"  # the course's
explorer

# %% [markdown] tags=["task"]
# ### Exercise 04.3 · Three logs
#
# Of three trainings one is a `"control"`, one has `"lambda 100"`, one the `"wrong sign"`. These are means over rounds
# 100 to 150. Which is which?
#
# *Expected:* a name for each letter, such as `{"A": "control", ...}`.
#
# <details><summary>Hint</summary>
#
# Whose loss is low, R's or D's? Does R change anything?
#
# </details>
#
# [solution](solutions/04_losses.ipynb)

# %% tags=["shared"]
cells = ["wrong_sign/seed0", "lambda_too_large/seed0", "baseline/seed1"]
cells = np.random.default_rng(5).permutation(cells)
logs = [simgan_lib.reference_run(f"failures/{cell}").metrics for cell in cells]
chosen = "phase == 'adversarial' and 100 <= iteration <= 150"
seen = ["discriminator_loss", "adversarial_loss", "mean_change"]
means = {letter: log.query(chosen)[seen].mean() for letter, log in zip("ABC", logs, strict=True)}
pd.DataFrame(means).T.round(3)

# %% tags=["exercise"]
answers = {"A": ..., "B": ..., "C": ...}

# %% tags=["solution"]
meant = {"wrong_sign": "wrong sign", "lambda_too_large": "lambda 100", "baseline": "control"}
answers = {letter: meant[cell.split("/")[0]] for letter, cell in zip("ABC", cells, strict=True)}
print(answers)
assert verdict("04.3", answers)[0]

# %% tags=["shared"]
check("04.3", answers)

# %% [markdown] tags=["solution"]
# - Both losses are low. **The wrong sign.**
# - D's loss is low, R's adversarial term *high*, and R changes hardly anything. **Lambda 100.**
# - Both losses are near their landmarks, and R changes much. **The control.**
#
# `adversarial_loss` alone tells the three apart.

# %% [markdown]
# ## 8. Gradients as pictures
#
# How would each term change each pixel of R(x)? We take the R and D of section 6.

# %%
refined = ops.convert_to_numpy(R(x))
wish = gradient(lambda images: local_adversarial(D(images), REAL), refined)
pull = gradient(lambda images: self_regularisation(images, x), refined)
change = np.abs(refined - x)
print(f"mean |R(x) - x| {change.mean():.3f}; unchanged pixels {np.mean(change == 0):.2%}")

# %% [markdown]
# **Predict.** One pixel is off by 0.03, and another by 1. How hard does the L1 pull the first one back: **(A)** with
# 3% of the other's force, **(B)** as hard, or **(C)** not at all?

# %%
full = 1 / x.size
print(f"full force 1 / pixels: {full:.2e}")
print(f"pixels that are pulled with it: {np.isclose(np.abs(pull), full, rtol=1e-3).mean():.1%}")

# %% tags=["check"]
assert np.isclose(np.abs(pull), full, rtol=1e-3).mean() > 0.95

# %% [markdown]
# <details><summary>Answer</summary>
#
# **(B)**. The slope of |u| is 1 or -1, however small u is. A squared difference would pull harder on pixels that
# moved further.
#
# </details>
#
# The force on a pixel is $\lambda$ / pixels. The adversarial term's gradient is D's *wish* for that pixel. In units
# of 1 / pixels the L1's force is simply $\lambda$. Its values are from section 7.

# %%
strength = np.abs(wish) * x.size
lambdas = [0.01, 0.153, 0.61, 1.0, 2.3, 7.6, 100.0]
share = [np.mean(strength > value) for value in lambdas]
pd.DataFrame({"lambda": lambdas, "D's wish is stronger": [f"{s:.1%}" for s in share]})

# %% tags=["plot"]
figure = Figure(figsize=(11, 3.1), layout="constrained")
axes = figure.subplots(2, 5)
limit = np.percentile(strength[[0, 2]], 98)
for row, eye in zip(axes, (0, 2), strict=True):
    row[0].imshow(refined[eye, ..., 0], cmap="gray", vmin=-1, vmax=1)
    arrow = -wish[eye, ..., 0] * x.size
    shown = row[1].imshow(arrow, cmap=plots.BLUE_TO_ORANGE, vmin=-limit, vmax=limit)
    for axis, value in zip(row[2:], (1.0, 7.6, 100.0), strict=True):
        axis.imshow(strength[eye, ..., 0] > value, cmap="gray", vmin=0, vmax=1.3)
        axis.set_title(f"wish beats lambda {value:g}", fontsize="small")
    row[0].set_title("R(x) after pre-training", fontsize="small")
    row[1].set_title("D's wish", fontsize="small")
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
figure.colorbar(shown, ax=axes[:, 1], label="darker      brighter", ticks=[])
notebook.show(
    figure,
    "two eyes, the direction in which D wants each pixel (orange brighter, blue darker), and the pixels at which "
    "this wish is stronger than the L1's pull (bright). D cares about some places more than about others. "
    "The larger lambda is, the fewer pixels are free to change.",
)

# %% tags=["check"]
assert (np.diff(share) <= 0).all()
if scale.live > 10:
    assert share[-1] < 0.5 * share[3]

# %% [markdown]
# So $\lambda$ is a *threshold*: a pixel moves away from x only where D's wish is stronger.
#
# This picture has two limits. R cannot move single pixels, as all share its weights. And wishes shrink with D(R(x)),
# as in section 5, so the same lambda holds more pixels when D is less sure.

# %% [markdown]
# ## What you have learned
#
# - $L_D$ and R's adversarial term are one cross-entropy with other labels. A guess costs ln 2 = 0.693 a term.
# - R minimises $-\log(1 - D)$, whose gradient is large while D is sure. What D = 1 means decides every sign.
# - A wrong sign shows as *two* low losses.
# - Sums or means decide what lambda is worth: a factor of 15.3 here.
# - The L1 pulls every changed pixel with the same force, lambda / pixels.
#
# ## One harder exercise

# %% [markdown] tags=["shared"]
# The simulated webcam is noisy, so R has to add noise, which self-regularisation punishes. A better feature makes
# noise cheap and moved pupils costly. `pupil_to_noise` compares the two:


# %% tags=["shared"]
def pupils_moved(images, labels, pixels=2, half=6):
    """Cuts out a square around each pupil, and puts it back further right."""
    moved = images.copy()
    for image, before, (_, row) in zip(moved, images, labels.iterrows(), strict=True):
        left, top = max(int(row["pupil_x"]) - half, 0), max(int(row["pupil_y"]) - half, 0)
        right = min(left + 2 * half, image.shape[1] - pixels)
        rows = slice(top, top + 2 * half)
        image[rows, left + pixels : right + pixels] = before[rows, left:right]
    return moved


noisy = x + np.random.default_rng(0).normal(0, 0.1, x.shape).astype("float32")
moved = pupils_moved(x, data.synthetic.labels[:32])


# %% tags=["shared"]
def pupil_to_noise(feature):
    shift, noise = (float(self_regularisation(z, x, feature)) for z in (moved, noisy))
    return shift / noise


print(f"identity {pupil_to_noise(identity):.2f}, gradients {pupil_to_noise(image_gradients):.2f}")

# %% [markdown] tags=["task"]
# ### Exercise 04.4 · A feature that allows noise
#
# Write a feature `blurred(images)`: each pixel becomes the mean of the 5 x 5 pixels around it. Use
# `ops.average_pool`.
#
# *Expected:* the shape (n, 31, 51, 1) for our eyes, or (n, 35, 55, 1) with padding, and a `pupil_to_noise(blurred)`
# above 0.3.
#
# <details><summary>Hint</summary>
#
# `ops.average_pool(images, pool_size, strides=..., padding=...)`. Without `strides=1` the picture shrinks to a fifth.
#
# </details>
#
# [solution](solutions/04_losses.ipynb)


# %% tags=["exercise"]
def blurred(images): ...


# %% tags=["solution"]
def blurred(images):
    return ops.average_pool(images, 5, strides=1, padding="valid")


assert verdict("04.4", blurred)[0]

# %% tags=["shared"]
check("04.4", blurred)

# %% tags=["solution"]
print(f"blurred {pupil_to_noise(blurred):.2f}")
assert pupil_to_noise(blurred) > 2 * pupil_to_noise(identity)

# %% [markdown] tags=["solution"]
# A mean of 25 independent errors is five times smaller, so noise costs a fifth. A pupil is larger than 5 x 5 pixels,
# so most of its shift remains. To train with it, subclass `SimGAN`: `self_regularisation(self, refined, x)` returns
# `losses.self_regularisation(refined, x, blurred)`. [Own method](../docs/own-method.md) shows how.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017: "Adversarial Loss with Self-Regularization" (equations 1 to 4, and the feature $\psi$).
# - Bojja 2018, sections 2 and 3.2.2 (its equations 2 and 4), and its code, abojja9/SimGAN_eyes.
# - Goodfellow et al., *Generative adversarial nets*, 2014, section 3: the saturating and the non-saturating form.
# - Public codes of section 7: mjdietzx/SimGAN, mnjm/SimGAN, wkhademi/SimGAN,
#   carpedm20/simulated-unsupervised-tensorflow, AlexHex7/SimGAN_pytorch, and daniel-merrick's, whose lambda lies between
#   0.03 and 0.05 in the paper's form.
# - The library's source: [losses.py](../simgan_lib/losses.py), [simgan.py](../simgan_lib/simgan.py).
#
# **Next:** [05 · Pre-training](05_pretraining.ipynb)
