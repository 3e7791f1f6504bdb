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
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - write the paper's equations 1 to 4 in a few lines each, and check them by hand;
# - read 0.693 and 1.386 in a log at sight;
# - say why R minimises $-\log(1 - D)$ and not $\log D$, and find a sign slip in a printed equation by experiment;
# - convert one author's lambda into another's, and see why "lambda = 0.01" alone means nothing;
# - look at the gradients of both terms as pictures, and say who pulls where.
#
# **You need** notebook 03 (logits, softmax, real = 0 and refined = 1).

# %% tags=["shared", "setup"]
import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import backends, losses, notebook, plots, widgets
from simgan_lib.data import to_float
from simgan_lib.losses import REAL, REFINED

scale = notebook.start()

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
x = to_float(data.synthetic.images[:32])
print(x.shape, f"from {x.min():.2f} to {x.max():.2f}")

# %% [markdown]
# ## 1. Two wishes in one number
#
# R has two wishes: to be found *real*, and to stay *close* to the synthetic image, because that image's label
# still has to be true. The paper adds them up, with a weight $\lambda$ (equation 1):
#
# $$ \mathcal L_R = \sum_i \ell_\text{real}(x_i) + \lambda \, \ell_\text{reg}(x_i) $$
#
# We build the terms one at a time. We take *means* over pixels and patches where the paper takes sums, so that
# a loss does not depend on the size of an image; section 7 shows what that does to $\lambda$.

# %% [markdown]
# ## 2. Staying close: self-regularisation
#
# The simplest measure of "close": by how much did a pixel change, on average?
#
# $$ \ell_\text{reg} = \text{mean} \, \bigl| \psi(R(x)) - \psi(x) \bigr| $$
#
# $\psi$ is *what we look at*, the feature transform. Most of the time it is the identity, the pixels
# themselves. The library has two more. Each is a function of images.


# %% tags=["shared", "taught:losses"]
def identity(images):
    return images


# %% tags=["shared", "taught:losses"]
def image_gradients(images):
    corner = images[:, :-1, :-1]
    right, down = images[:, :-1, 1:], images[:, 1:, :-1]
    return ops.concatenate([right - corner, down - corner], axis=-1)


# %% tags=["shared", "taught:losses"]
def channel_mean(images):
    return ops.mean(images, axis=-1, keepdims=True)


# %% tags=["shared", "taught:losses"]
def self_regularisation(refined, synthetic, feature=identity):
    return ops.mean(ops.abs(feature(refined) - feature(synthetic)))


# %% [markdown]
# A tiny image of 2 x 3 pixels. **Predict** the loss: one pixel of six has moved by 0.6.

# %% tags=["shared"]
before = np.array([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]], "float32")[None, ..., None]
after = before.copy()
after[0, 0, 0, 0] += 0.6
print(f"{float(self_regularisation(after, before)):.3f}, by hand {0.6 / 6:.3f}")

# %% [markdown]
# What do the other features forgive? We make the image *brighter everywhere*, and in comparison change
# *that one pixel*.
#
# **Predict.** Which of the two changes costs nothing in `image_gradients`, the differences of neighbouring pixels?

# %%
for feature in (identity, image_gradients):
    brighter = float(self_regularisation(before + 0.2, before, feature))
    one_pixel = float(self_regularisation(after, before, feature))
    print(f"{feature.__name__:15} brighter {brighter:.3f}   one pixel {one_pixel:.3f}")

# %% [markdown]
# `image_gradients` sees edges and is blind to exposure: a simulator that is too dark may be brightened for
# free. (The one pixel lies in two of the four differences: 2 x 0.6 / 4 = 0.3.) `channel_mean` is for colour
# images, and is the paper's own example (section 3.1): a hue may change as long as the brightness stays.

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
# ## 3. Equation 2: what D pays
#
# D gives each patch a probability $D(\cdot)$ of being *refined*. For a refined image it pays $-\log D$, for a
# real one $-\log(1 - D)$ (equation 2):
#
# $$ \mathcal L_D = -\sum_i \log D(R(x_i)) - \sum_j \log\bigl(1 - D(y_j)\bigr) $$
#
# Both terms are the same thing with another label: a **cross-entropy**, minus the log-probability of the class
# that is wanted. One function is enough for D, and for R as well.


# %% tags=["shared", "taught:losses"]
def local_adversarial(logits, label):
    return -ops.mean(ops.log_softmax(logits, axis=-1)[..., label])


# %% [markdown]
# By hand, with two patches of a refined image. D says "refined" with probability 0.8 of the first and 0.5 of the
# second. (The logarithms of probabilities are logits that give these probabilities.)

# %%
two_patches = np.log([[[[0.2, 0.8], [0.5, 0.5]]]])
print(
    f"wanted refined: {float(local_adversarial(two_patches, REFINED)):.4f},"
    f" by hand {-(np.log(0.8) + np.log(0.5)) / 2:.4f}"
)
print(
    f"wanted real:    {float(local_adversarial(two_patches, REAL)):.4f},"
    f" by hand {-(np.log(0.2) + np.log(0.5)) / 2:.4f}"
)

# %% [markdown]
# Why `log_softmax` and not the logarithm of a softmax? Because a sure D rounds to zero, and the logarithm of zero
# ends the training.

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
# The global loss of notebook 03 is the same function. It takes the mean of an image's logits first, as if the image were
# one patch:


# %% tags=["taught:losses"]
def global_adversarial(logits, label):
    return local_adversarial(ops.mean(logits, axis=(1, 2)), label)


# %%
print(f"the two patches as one: {float(global_adversarial(two_patches, REFINED)):.4f}")

# %% [markdown]
# ## 4. Two numbers to know by heart
#
# **Predict.** D has no idea and says 0.5 everywhere. What does it pay per term, and in all?

# %%
guess = np.zeros((1, 9, 14, 2), "float32")
one_term = float(local_adversarial(guess, REFINED))
print(f"one term {one_term:.3f} (ln 2 = {np.log(2):.3f}), L_D {2 * one_term:.3f}")

# %% [markdown]
# | you read | it means |
# |---|---|
# | $L_D$ = 1.386 | D is guessing: a perfect R, or a D that learns nothing |
# | $L_D$ near 0 | D has won; R learns from a hopeless position |
# | R's adversarial term = 0.693 | D cannot tell R's images |
# | the same, far above | D is sure that they are refined |
#
# A loss is hard to imagine, so the library logs D's **accuracy** as well: the share of patches on the right side.
# A tie is half right, so that an undecided D scores 0.5 on both classes, and not 1 and 0.


# %% tags=["shared", "taught:losses"]
def accuracy(logits, label):
    margin = logits[..., label] - logits[..., 1 - label]
    return ops.mean((ops.sign(margin) + 1.0) / 2.0)


# %%
print(
    "guess:",
    float(accuracy(guess, REFINED)),
    " two patches:",
    float(accuracy(two_patches, REFINED)),
)

# %% [markdown]
# One patch right and one undecided: 0.75. Now the landmarks in a recorded training, the baseline of the course:

# %%
run = simgan_lib.reference_run("ablation/baseline/seed0")
notebook.show(
    plots.loss_curves(run.metrics, run.real_name),
    "a training in numbers. The dotted lines are the landmarks: $L_D$ (blue) below its 1.386 means that D knows "
    "something; the refiner's term (orange) above its 0.693 means that R is still found out.",
)

# %% [markdown]
# A GAN's losses do *not* fall to zero: where one player wins, the other loses. Look for two curves that stay
# within reach of their landmarks. (The report's curves settle near $L_D$ = 1.1.)

# %% [markdown]
# ## 5. Equation 3: what R pays to be found real
#
# R wants label 0 for its images (equation 3):
#
# $$ \ell_\text{real} = -\log\bigl(1 - D(R(x))\bigr) $$
#
# which is `local_adversarial(logits, REAL)`. But is it the obvious choice? R is D's opponent, and the obvious
# wish of an opponent is that *D's loss becomes large*: minimise $+\log D(R(x))$, D's own term with the sign turned. Both
# want D(R(x)) to be small. What differs is the *gradient*, and we measure it, with the trick of notebook 03: one step
# of plain descent, of size 1, from zero.


# %% tags=["shared"]
def gradient(loss, at):
    step = keras.Variable(np.zeros(at.shape, "float32"))
    descent = keras.optimizers.SGD(learning_rate=1.0)
    descent.build([step])
    descend = backends.current().gradient_update
    descend(lambda: (loss(at + step.value), {}), descent, [step], [step])
    return -ops.convert_to_numpy(step.value)


# %% [markdown]
# **Predict.** At the start R is bad and D is sure: D(R(x)) = 0.99. Which loss gives R the stronger push?

# %%
certainty = np.array([0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
push = {"-log(1 - D)": [], "+log D": []}
for p in certainty:
    z = np.log([[[[1 - p, p]]]]).astype("float32")
    push["-log(1 - D)"].append(
        gradient(lambda z: local_adversarial(z, REAL), z)[..., REFINED].item()
    )
    push["+log D"].append(
        gradient(lambda z: -local_adversarial(z, REFINED), z)[..., REFINED].item()
    )
pd.DataFrame(push, index=pd.Index(certainty, name="D(R(x))")).round(3)

# %%
figure = Figure(figsize=(6.5, 2.8), layout="constrained")
axis = figure.subplots()
for (name, values), color in zip(push.items(), (plots.ORANGE, plots.GRAY), strict=True):
    axis.plot(
        np.log(certainty / (1 - certainty)), values, "o-", color=color, label=f"R minimises {name}"
    )
axis.set(
    xlabel="D's margin, $z_1 - z_0$: right = sure it is refined", ylabel="gradient at the logit"
)
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "the push on R. Where D is sure (right), $-\\log(1 - D)$ pushes with full force, and $+\\log D$ hardly at all: "
    "it *saturates* just where R needs help.",
)

# %% [markdown]
# The derivatives are $D$ and $1 - D$. So R uses the **non-saturating** form, which is strong where R is losing. It is
# Goodfellow's old advice in a disguise: his texts have D = probability of *real*, and there $\log(1 - D)$ is
# the weak form. Here D is the probability of *refined*, so the roles of $D$ and $1 - D$ are
# exchanged. **Never copy a GAN loss without asking what D = 1 means.** The next section is what happens otherwise.

# %% tags=["check"]
assert np.abs(np.array(push["-log(1 - D)"]) - certainty).max() < 1e-3
assert np.abs(np.array(push["+log D"]) - (1 - certainty)).max() < 1e-3

# %% [markdown]
# ## 6. A puzzle: two equations that disagree
#
# Equation 4 puts the parts together. The report has it twice:
#
# | | the refiner's loss |
# |---|---|
# | the paper, eq. 4 | $-\log(1 - D(R(x))) + \lambda \lVert R(x) - x \rVert_1$ |
# | the report, eq. 2 | $-\log(1 - D(R(x))) + \lambda \lVert R(x) - x \rVert_1$ |
# | the report, eq. 4 | $-\log(D(R(x))) + \lambda \lVert R(x) - x \rVert_1$ |
#
# They cannot both be what R minimises. Do not argue; try. We need an R that copies and a D that
# has learned something: a pre-training (notebook 05 is about it; here it is a tool). The refiner is a small one, to
# save time.

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


print(f"D gives R's images p_refined = {recognised(R):.3f} on average")


# %% [markdown]
# Now two copies of the same R. One minimises the paper's loss, the other the report's equation 4 as printed. For the second
# we need a `SimGAN` with another loss of R. A subclass overrides `refiner_loss`. It has the library's lines, with one word
# changed, `REFINED` instead of `REAL`:


# %%
class AsPrinted(simgan_lib.SimGAN):
    def refiner_loss(self, x):
        refined = self.refiner(x, training=True)
        adversarial = self.adversarial_loss(self.discriminator(refined, training=True), REFINED)
        kept = self.self_regularisation(refined, x)
        return adversarial + self.config.lambda_mean * kept, {}


# %% [markdown]
# D stands still.
#
# **Predict.** Which copy will D recognise *better* after a step?


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


paths = {
    "-log(1 - D), the paper": steps_of(simgan_lib.SimGAN),
    "-log D, eq. 4 as printed": steps_of(AsPrinted),
}
for name, found in paths.items():
    print(f"{name:24} before {found[0]:.3f}, after 1 step {found[1]:.3f}, after 6 {found[-1]:.3f}")

# %%
figure = Figure(figsize=(6.5, 2.6), layout="constrained")
axis = figure.subplots()
for (name, found), color in zip(paths.items(), (plots.BLUE, plots.ORANGE), strict=True):
    axis.plot(found, "o-", color=color, label=name)
axis.axhline(0.5, color=plots.GRAY, linestyle=":", label="D cannot tell")
axis.set(xlabel="steps of R, D stands still", ylabel="D: p(refined)")
axis.legend(fontsize="small")
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "how surely D recognises R's images. With the paper's sign R becomes harder to recognise, with the printed sign of "
    "equation 4 *easier*: R works for its opponent.",
)

# %% tags=["check"]
paper, printed = paths.values()
assert paper[0] == printed[0]
if scale.live > 10:
    assert paper[-1] < paper[0] < printed[-1]

# %% [markdown]
# So equation 4 has a slip of sign. Where may it come from? In the report's public code (`abojja9/SimGAN_eyes`) D is
# trained the other way round, as the probability of being *real*; there $-\log D(R(x))$ is right. Equations 1 to 3
# of the text follow the paper's convention, equation 4 fits the code's. Each is fine alone, together they train R
# against itself: a mistake of one word in the definition of D.
#
# **How would you notice in a log?** A whole training with the printed sign is among the recorded failures:

# %%
wrong = simgan_lib.reference_run("failures/wrong_sign/seed0")
names = ["adversarial_loss", "discriminator_loss", "accuracy_refined", "mean_change"]
ends = {"baseline": run, "wrong sign": wrong}
pd.DataFrame({name: r.metrics[names].iloc[-3:].mean() for name, r in ends.items()}).round(3)

# %%
rows = {
    "synthetic": run.snapshots["synthetic"][:8],
    "baseline": run.snapshots["refined"][-1][:8],
    "wrong sign": wrong.snapshots["refined"][-1][:8],
    "simulated\nwebcam": run.snapshots["real"][:8],
}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "the same eyes after a training with the paper's sign and with the printed one. Compare each with the "
    "simulated webcam below: which one went towards it?",
)

# %% [markdown]
# The treacherous part: with the wrong sign **R's adversarial loss looks wonderful**. It is low because R and D want
# the same. The tell-tale is that D's loss is low *too*: in a game for two, both players cannot win. A gaze network
# trained on these images errs by {{failures/wrong_sign/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees, on the baseline's by
# {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}, on unrefined ones by
# {{failures/wrong_sign/seed0 evaluation.gaze_error_deg.synthetic.mean 1}}.

# %% [markdown]
# ## 7. What lambda means
#
# The paper *sums* the cross-entropy over the patches and the L1 over the pixels of an image; we take means. What is one
# author's $\lambda$ in the other's form? Divide the paper's loss by the number of patches:
#
# $$ \underbrace{\frac{1}{126} \sum_\text{patches} \text{CE}}_{\text{mean}} + \lambda_\text{sum} \,
#    \underbrace{\frac{1925}{126}}_{15.3} \; \underbrace{\frac{1}{1925} \sum_\text{pixels} |R(x) - x|}_{\text{mean}} $$


# %% tags=["shared", "taught:losses"]
def lambda_mean_from_sum(lambda_sum, image_size=(35, 55), patches=(9, 14)):
    return lambda_sum * (image_size[0] * image_size[1]) / (patches[0] * patches[1])


# %% [markdown]
# **Predict.** An author writes "lambda = 0.01" and sums. Which lambda must *we* use?

# %%
refined = ops.convert_to_numpy(R(x[:1]))
z = ops.convert_to_numpy(D(refined))
in_sums = 126 * float(local_adversarial(z, REAL)) + 0.01 * float(np.abs(refined - x[:1]).sum())
ours = lambda_mean_from_sum(0.01)
in_means = float(local_adversarial(z, REAL)) + ours * float(self_regularisation(refined, x[:1]))
print(
    f"lambda_mean = {ours:.3f}; the paper's form / 126 = {in_sums / 126:.5f}, ours = {in_means:.5f}"
)

# %% tags=["check"]
assert abs(in_sums / 126 - in_means) < 1e-4
assert abs(ours - losses.lambda_mean_from_sum(0.01)) < 1e-12

# %% [markdown]
# The mix is the worst: a *mean* cross-entropy with an L1 *summed over the whole batch*. A well-known Keras code,
# mjdietzx/SimGAN, does that: with 0.0001, which looks tiny, and batches of 512.

# %%
lambda_mean = 1e-4 * 512 * (35 * 55)
print(f"0.0001 summed over a batch of 512 is lambda_mean = {lambda_mean:.1f}")
print(f"the same code with a batch of 32: {1e-4 * 32 * 35 * 55:.1f}")

# %% [markdown]
# Not tiny at all, and *the batch size silently sets lambda*. Here is what the symbol stood for, in seven public codes
# and in this course, all converted to both forms. (The paper prints no value; 0.01 is second-hand, from an author's
# comment. daniel-merrick's lies between 0.03 and 0.05.)

# %%
in_mean_form = {"mjdietzx": lambda_mean, "mnjm": lambda_mean, "wkhademi": 10.0}
in_mean_form |= {
    "this course": simgan_lib.preset("quick").lambda_mean,
    "abojja9 (the report)": 0.01,
}
in_sum_form = {
    "carpedm20": 0.5,
    "AlexHex7": 0.15,
    "daniel-merrick": 0.04,
    "the paper (second-hand)": 0.01,
}
rows = {name: (value / lambda_mean_from_sum(1.0), value) for name, value in in_mean_form.items()}
rows |= {name: (value, lambda_mean_from_sum(value)) for name, value in in_sum_form.items()}
columns = ["sum form (paper)", "mean form (ours)"]
table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).sort_values(columns[0])
table.map("{:.2g}".format)

# %%
figure = Figure(figsize=(8, 3), layout="constrained")
axis = figure.subplots()
colors = [
    plots.ORANGE if name in ("this course", "the paper (second-hand)") else plots.BLUE
    for name in table.index
]
axis.scatter(table[columns[1]], range(len(table)), color=colors, s=60, zorder=3)
axis.set_yticks(range(len(table)), table.index)
axis.set(xscale="log", xlabel="lambda_mean: mean L1 against mean cross-entropy")
factor = lambda_mean_from_sum(1.0)
top = axis.secondary_xaxis("top", functions=(lambda v: v / factor, lambda v: v * factor))
top.set_xlabel("lambda_sum: the paper's form")
axis.grid(alpha=0.3, which="both", axis="x")
notebook.show(
    figure,
    "nine values of one symbol, on a logarithmic axis: four orders of magnitude. Orange: the paper's "
    "(second-hand) and this course's.",
)

# %% tags=["check"]
assert table[columns[1]].max() / table[columns[1]].min() > 5_000

# %% [markdown]
# And what does it do? Whole trainings, with nothing changed but lambda. "Change" is the mean |R(x) - x| at the end, of a
# range of 2; the gaze network learned from the refined images.
#
# | lambda_mean | whose | change | pupil shift, px | gaze error, degrees |
# |---|---|---|---|---|
# | 0.01 | the report | {{ablation/lambda_0.01/seed* metrics.mean_change 3}} | {{ablation/lambda_0.01/seed* evaluation.pupil_shift_px.median 2}} | {{ablation/lambda_0.01/seed* evaluation.gaze_error_deg.refined.mean 1}} |
# | 0.153 | the paper (second-hand) | {{ablation/lambda_0.153/seed* metrics.mean_change 3}} | {{ablation/lambda_0.153/seed* evaluation.pupil_shift_px.median 2}} | {{ablation/lambda_0.153/seed* evaluation.gaze_error_deg.refined.mean 1}} |
# | 1 | this course | {{ablation/baseline/seed* metrics.mean_change 3}} | {{ablation/baseline/seed* evaluation.pupil_shift_px.median 2}} | {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} |
# | 7.6 | carpedm20 | {{ablation/lambda_7.6/seed* metrics.mean_change 3}} | {{ablation/lambda_7.6/seed* evaluation.pupil_shift_px.median 2}} | {{ablation/lambda_7.6/seed* evaluation.gaze_error_deg.refined.mean 1}} |
# | 100 | mjdietzx, mnjm | {{ablation/lambda_100/seed* metrics.mean_change 3}} | {{ablation/lambda_100/seed* evaluation.pupil_shift_px.median 2}} | {{ablation/lambda_100/seed* evaluation.gaze_error_deg.refined.mean 1}} |
#
# Follow the column "change" downwards: it falls from lambda 1 on; the two rows above hardly differ, as
# a price so small hardly holds R back. The pupils follow, less steadily. Then ask the last column what holding R back costs: with lambda 100 most of the gain.
# (Differences of half a degree are noise here: where there is a ±, it is the spread of two trainings.) With the slider
# you can walk through these runs and see their eyes.

# %%
widgets.LambdaExplorer("runs/ablation")

# %% [markdown]
# The commonest complaint in the issues of the public codes is "my refined images look like the synthetic ones"; the last row shows a good reason.

# %% [markdown]
# ## 8. Who pulls where
#
# A loss speaks to R only through its gradient. So let us look at the gradients *as pictures*: in which direction would each
# term change each pixel of R(x)? We start where every training starts, at R(x) = x.
#
# **Predict.** What does the gradient of mean |R(x) - x| look like at R(x) = x?

# %%
eyes = x[[0, 2]]
adversarial = gradient(lambda images: local_adversarial(D(images), REAL), eyes)
at_start = gradient(lambda images: self_regularisation(images, eyes), eyes)
print(
    f"adversarial: largest {np.abs(adversarial).max():.1e}; self-regularisation: {np.abs(at_start).max():.1e}"
)

# %% [markdown]
# Zero. $|u|$ has a kink at $u = 0$; the software calls its slope there 0, so **at the start nothing holds R back**. But
# that changes after the smallest step, and abruptly: the slope of $|u|$ is $\pm 1$, however small $u$ is. We let
# every pixel follow the adversarial term a little, and look again.

# %%
moved = eyes - 0.01 * np.sign(adversarial)
pull = gradient(lambda images: self_regularisation(images, eyes), moved)
print(f"largest pull: {np.abs(pull).max():.7f}; 1 / (2 x 1,925 pixels): {1 / (2 * 1925):.7f}")
print(
    f"pulled with exactly this force: {np.isclose(np.abs(pull), 1 / 3850).mean():.0%} of the pixels"
)

# %% [markdown]
# The L1 pulls at every pixel that has moved with the same force, 1 / pixels, times $\lambda$. So we measure all forces in
# units of 1 / pixels: in these units the pull is simply $\lambda$.

# %%
brighter_darker = LinearSegmentedColormap.from_list("b", [plots.BLUE, "white", plots.ORANGE])
wish, hold = -eyes.size * adversarial, -eyes.size * pull
columns = {"adversarial wish": wish, "L1, lambda = 1": hold, "L1, lambda = 100": 100 * hold}
figure = Figure(figsize=(11, 3.2), layout="constrained")
axes = figure.subplots(2, 4)
for row, eye in zip(axes, eyes, strict=True):
    row[0].imshow(eye[..., 0], cmap="gray", vmin=-1, vmax=1)
    row[0].set_title("synthetic eye x")
for column, (title, force) in enumerate(columns.items(), start=1):
    for row in (0, 1):
        look = {"cmap": brighter_darker, "vmin": -100, "vmax": 100}
        shown = axes[row, column].imshow(force[row, ..., 0], **look)
        axes[row, column].set_title(title)
for axis in axes.flat:
    axis.axis("off")
figure.colorbar(shown, ax=axes, label="darker          brighter")
notebook.show(
    figure,
    "where each term wants to go: minus its gradient, in units of 1 / pixels. The adversarial wish has places that it "
    "cares about and others that it hardly minds; its fine stripes are the footprint of D's strides of 2. The L1 pulls "
    "back everywhere alike: invisible beside it with lambda = 1, a wall with 100.",
)

# %% [markdown]
# These pictures explain $\lambda$. A pixel stays changed only if the adversarial term pulls **harder than
# $\lambda$ / pixels**; below that, every step is taken back at once. So $\lambda$ is not a spring that pulls harder
# with distance (an L2 would be); it is a *price of entry*. L1 says: change few places, but those properly.
#
# That can be counted before any training. **Predict** the share of pixels at which the adversary wins with lambda = 100.

# %%
wishes = np.abs(gradient(lambda images: local_adversarial(D(images), REAL), x)) * x.size
lambdas = np.array([0.01, 0.153, 0.6, 1.0, 2.3, 7.6, 100.0])
share = [np.mean(wishes > value) for value in lambdas]
pd.DataFrame(
    {"lambda_mean": lambdas, "pixels where D's wish wins": [f"{value:.1%}" for value in share]}
)

# %%
figure = Figure(figsize=(9.5, 1.9), layout="constrained")
axes = figure.subplots(1, 4)
axes[0].imshow(x[2, ..., 0], cmap="gray", vmin=-1, vmax=1)
axes[0].set_title("x")
for axis, value in zip(axes[1:], (1.0, 7.6, 100.0), strict=True):
    axis.imshow(wishes[2, ..., 0] > value, cmap="cividis", vmin=0, vmax=1)
    axis.set_title(f"lambda = {value:g}")
for axis in axes:
    axis.axis("off")
notebook.show(
    figure,
    "pixels at which the adversarial pull beats the L1's (yellow), at R(x) = x. The larger lambda is, the fewer "
    "places are free to change; with 100 hardly any is left, and refined images look like the synthetic ones.",
)

# %% tags=["check"]
assert np.abs(at_start).max() == 0.0
assert (np.diff(share) <= 0).all()
assert share[0] > share[-1]

# %% [markdown]
# Two cautions. R cannot move pixels one by one: its weights are shared by all of them, so it follows the *average* wish of
# many places. And the wishes shrink as D becomes less sure (section 5: they go with D), so that later the same lambda
# holds more. Still, the order of magnitude is useful, and you can compute it for your own images in a second, before you
# spend an hour on a training.

# %% [markdown]
# ## What you have learned
#
# - $L_D$ and R's adversarial term are one function, a cross-entropy with a label; ln 2 = 0.693 a term is a guess, 1.386 for $L_D$.
# - R minimises $-\log(1 - D)$: strong gradients while D is sure. What D = 1 means decides every sign.
# - A wrong sign shows as *two* low losses: R and D both content.
# - Sum or mean decides what lambda is worth: a factor 15.3 here, and the batch size if that is summed too.
# - The L1 pulls with constant force, lambda / pixels: a threshold, not a spring, and none at R(x) = x.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write D's loss, equation 2, from the logits of a real and of a refined batch, with
# `local_adversarial`. What does it give for a D that always answers "real" with probability 0.9?


# %% tags=["exercise"]
def discriminator_loss(on_real, on_refined): ...  # your code


# %% tags=["solution"]
def discriminator_loss(on_real, on_refined):
    return local_adversarial(on_real, REAL) + local_adversarial(on_refined, REFINED)


guessing = np.zeros((1, 9, 14, 2), "float32")
always_real = guessing + np.log([0.9, 0.1]).astype("float32")
print(f"guess {float(discriminator_loss(guessing, guessing)):.3f}")
print(f"always real {float(discriminator_loss(always_real, always_real)):.3f}")
assert abs(float(discriminator_loss(guessing, guessing)) - 2 * np.log(2)) < 1e-5

# %% [markdown] tags=["solution"]
# $-\log 0.9 - \log 0.1 = 2.41$: *worse than a guess*. A D that likes one class pays dearly on the other, and a value above
# 1.386 always means that D is sure of something wrong. You will see it for a moment whenever R has found a new trick.

# %% [markdown] tags=["task"]
# **2. Predict, then compute.** The paper's hands are 224 x 224 pixels, with 7 x 7 patches. An author takes
# `lambda_sum = 0.01` from the eyes. How much stronger, or weaker, is self-regularisation now, against the adversarial
# term?

# %% tags=["exercise"]
lambda_mean_from_sum(0.01)  # for eyes; and for hands?

# %% tags=["solution"]
eyes_mean = lambda_mean_from_sum(0.01)
hands_mean = lambda_mean_from_sum(0.01, (224, 224), (7, 7))
print(f"eyes {eyes_mean:.3f}, hands {hands_mean:.2f}: {hands_mean / eyes_mean:.0f} times as strong")
assert 60 < hands_mean / eyes_mean < 75

# %% [markdown] tags=["solution"]
# A patch of a hand has 1,024 pixels to itself instead of 15, so a *sum* over pixels outweighs a sum over patches.
# With sums, lambda has to be chosen anew for each size of image and of map; with means much of that falls away.

# %% [markdown] tags=["task"]
# **3. Diagnose.** Three recorded trainings, names removed. One is the baseline, one has lambda = 100, one has the wrong
# sign. Which is which? Use sections 4, 6 and 8, and say which *two* columns decide.

# %% tags=["shared"]
cells = ["failures/wrong_sign", "failures/lambda_too_large", "ablation/baseline"]
cells = np.random.default_rng(5).permutation(cells)
logs = [simgan_lib.reference_run(f"{cell}/seed0").metrics for cell in cells]
seen = ["discriminator_loss", "adversarial_loss", "mean_change"]
ends = {letter: log[seen].iloc[-3:].mean() for letter, log in zip("ABC", logs, strict=True)}
pd.DataFrame(ends).T.round(3)

# %% tags=["exercise"]
answers = {"A": ..., "B": ..., "C": ...}

# %% [markdown] tags=["solution"]
# - Two low losses at once, D's and R's adversarial one: both players win, so they play on the same side. **The wrong sign.**
# - D's loss low, R's adversarial loss *high*, and hardly any change: R is held so tightly that it cannot even try.
#   **lambda = 100.** The price of entry of section 8 keeps nearly every pixel out.
# - Losses within reach of 1.386 and 0.693, and a change that can be seen: a game. **The baseline.**
#
# The two columns are `adversarial_loss` (who is content?) and `mean_change` (does R move at all?).

# %% tags=["solution"]
for letter, cell in zip("ABC", cells, strict=True):
    print(letter, "was", cell)

# %% [markdown] tags=["task"]
# **4. Extend.** The simulated webcam is noisy, so R has to add noise, and self-regularisation makes it pay for that. Write
# a feature `blurred` that averages 5 x 5 pixels (`ops.average_pool`, stride 1). Show that it forgives noise,
# and does not forgive a pupil that moves by two pixels.


# %% tags=["exercise"]
def blurred(images): ...  # your transform


# %% tags=["solution"]
def blurred(images):
    return ops.average_pool(images, 5, strides=1, padding="valid")


# %% tags=["solution"]
noisy = x + np.random.default_rng(0).normal(0, 0.1, x.shape).astype("float32")
shifted = np.roll(x, 2, axis=2)
for feature in (identity, image_gradients, blurred):
    noise = float(self_regularisation(noisy, x, feature))
    shift = float(self_regularisation(shifted, x, feature))
    name = feature.__name__
    print(f"{name:15} noise {noise:.3f}   shift {shift:.3f}   shift / noise {shift / noise:.1f}")
assert float(self_regularisation(noisy, x, blurred)) < float(self_regularisation(noisy, x))

# %% [markdown] tags=["solution"]
# The last column is the point: a good feature is *deaf to what may change and alert to what must not*. `image_gradients` is the
# worst choice here, as noise is all gradient; `blurred` the best, as a mean of 25 independent errors is five times smaller.
# To train with it, write a subclass of `SimGAN` whose `self_regularisation(self, refined, x)` returns
# `losses.self_regularisation(refined, x, blurred)`, and hand it to `train` with `model=`.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, section 2 (equations 1 to 4), section 3.1 (the feature transform).
# - Bojja 2018, sections 2 and 3.2.2 (its equations 2 and 4).
# - Goodfellow et al., *Generative adversarial nets*, 2014, section 3: the saturating and the non-saturating form.
# - Public codes of the table: mjdietzx/SimGAN, mnjm/SimGAN, wkhademi/SimGAN (its training loop is unfinished),
#   carpedm20/simulated-unsupervised-tensorflow, AlexHex7/SimGAN_pytorch, daniel-merrick's PyTorch code, abojja9/SimGAN_eyes.
# - The library's source: [losses.py](../simgan_lib/losses.py), [simgan.py](../simgan_lib/simgan.py).
#
# **Next:** [05 · Pre-training](05_pretraining.ipynb)
