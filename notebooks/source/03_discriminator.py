# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 03 · The discriminator
# <!-- colab:notebooks/03_discriminator.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 70 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - follow an image through the discriminator D, and say why 35 x 55 pixels become 9 x 14 answers;
# - turn two logits into a probability and a loss by hand;
# - say which pixels an answer is about, and test it;
# - explain what a *local* adversarial loss tells R that a global one does not;
# - find two mistakes that raise no error.
#
# **You need** [notebook 02](02_refiner.ipynb): convolutions, the receptive field, changing one pixel.

# %% tags=["shared", "setup"]
import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure
from scipy import stats

import simgan_lib
from simgan_exercises import check, verdict
from simgan_exercises.n03 import suspects
from simgan_lib import backends, diagrams, losses, notebook, plots
from simgan_lib.data import to_float
from simgan_lib.data.camera import blur, equalize
from simgan_lib.evaluation.report import collect
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import receptive_field

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("discriminator answer"),
    "where this notebook is on the map of the method. It builds D and reads its answers.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print(data.synthetic.images.shape, "synthetic;", data.real.images.shape, "simulated webcam")

# %% [markdown]
# ## 1. The other player
#
# D sees images of two kinds and says how probable it is that R painted them:
#
# | shown to D | what it is | right answer | label |
# |---|---|---|---|
# | y | an image of the target, here *simulated webcam* | real | 0 |
# | R(x) | a refined image | refined | 1 |
#
# **D answers "is this refined?"** Many GAN texts ask "is this real?", so their formulas differ. The library names
# both classes:

# %%
print("REAL =", losses.REAL, "  REFINED =", losses.REFINED)

# %% [markdown]
# D gives **126** answers for an image, one for each position of a 9 x 14 grid, the *map*. Each judges a *patch* of
# the image.

# %% tags=["plot"]
notebook.show(
    diagrams.discriminator(),
    "the discriminator. Two convolutions of stride 2 shrink the image to 9 x 14 positions. There is no dense layer.",
)

# %% [markdown]
# **Predict.** R has 296,129 parameters. Does D have more, or fewer?

# %%
D = simgan_lib.build_discriminator(seed=1)
x = to_float(data.synthetic.images[:1])
h = x
for layer in D.layers[1:]:
    h = layer(h)
    shape, count = str(tuple(h.shape[1:])), layer.count_params()
    print(f"{type(layer).__name__:13} -> {shape:13} {count:6,} parameters")
print(f"{D.count_params():,} in all")

# %% tags=["check"]
assert D.count_params() == 75_906
assert D.output_shape == (None, 9, 14, 2)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Fewer, about a quarter.
#
# </details>
#
# A padded layer of stride s gives $\lceil n / s \rceil$ positions for n: 35 → 18 → 9 and 55 → 28 → 14. The pooling,
# of stride 1, takes the strongest features around a position.

# %% [markdown] tags=["task"]
# ### Exercise 03.1 · The size of the map
#
# Write `map_size(pixels, padding)` for one side of D's map. `padding` is `"same"` or `"valid"`. "valid" does not pad:
# kernel k and stride s give $\lfloor (n - k)/s \rfloor + 1$ positions. D's layers with kernel 3 have the strides 2,
# 2, 1 and 1. The 1 x 1 convolutions change no size.
#
# *Expected:* `map_size(35, "same")` is 9, `map_size(55, "same")` is 14, and `map_size(35, "valid")` is 4.


# %% tags=["exercise"]
def map_size(pixels, padding): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# `-(-n // s)` divides and rounds up. The pooling counts as a layer. [solution](solutions/03_discriminator.ipynb)
#
# </details>


# %% tags=["solution"]
def map_size(pixels, padding):
    for stride in (2, 2, 1, 1):
        pixels = -(-pixels // stride) if padding == "same" else (pixels - 3) // stride + 1
    return pixels


assert verdict("03.1", map_size)[0]

# %% tags=["shared"]
check("03.1", map_size)

# %% [markdown] tags=["solution"]
# Without padding there are 4 x 9 = 36 answers instead of 126, and all windows lie inside the image. The paper does
# not say which it used. We pad, as most public codes do.

# %% [markdown]
# ## 2. Two logits, by hand
#
# At every position D gives two numbers, the **logits** $z_0$ for real and $z_1$ for refined. Softmax turns them into
# probabilities:
#
# $$ p_\text{refined} = \frac{e^{z_1}}{e^{z_0} + e^{z_1}}, \qquad p_\text{real} = 1 - p_\text{refined} $$

# %%
logits = ops.convert_to_numpy(D(x))
z = logits[0, 4, 7]
p = np.exp(z) / np.exp(z).sum()
print(f"logits {z.round(3)}  ->  p_real = {p[REAL]:.3f}, p_refined = {p[REFINED]:.3f}")

# %% [markdown]
# This untrained D is near 0.5. An answer's loss is the **cross-entropy**: minus the logarithm of the *right* class's
# probability. This image is synthetic, so here its right class is "refined".

# %%
by_hand = -np.log(p[REFINED])
one_patch = logits[:, 4:5, 7:8]
print(f"by hand {by_hand:.4f}, library {losses.local_adversarial(one_patch, REFINED):.4f}")
print(f"a guess costs ln 2 = {np.log(2):.4f}")

# %% tags=["check"]
assert abs(by_hand - float(losses.local_adversarial(one_patch, REFINED))) < 1e-5

# %% [markdown]
# **Predict.** Add 5 to *both* logits. What happens to the probability?

# %%
for shift in (0, 5):
    shifted = np.exp(z + shift) / np.exp(z + shift).sum()
    print(f"logits {np.round(z + shift, 2)} -> p_refined = {shifted[REFINED]:.3f}")
print(f"sigmoid of the difference: {1 / (1 + np.exp(z[REAL] - z[REFINED])):.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nothing. Only the difference $z_1 - z_0$ counts. So two logits with a softmax do the same as one with a sigmoid, as
# in the report's code.
#
# </details>

# %% [markdown]
# ## 3. What does one patch see?
#
# In notebook 02 every layer widened the view by kernel - 1 pixels. After a stride of 2, neighbouring positions are 2
# input pixels apart, so later layers widen it twice as much.

# %%
field, step, rows = 1, 1, []
for name, kernel, stride in [("conv", 3, 2), ("conv", 3, 2), ("max pool", 3, 1), ("conv", 3, 1)]:
    field += (kernel - 1) * step
    step *= stride
    rows.append({"layer": name, "kernel": kernel, "stride": stride, "sees": field, "step": step})
pd.DataFrame(rows)

# %% [markdown]
# So an answer judges 23 x 23 pixels. Neighbouring windows are 4 pixels apart and overlap.
#
# To test it, we change *every* pixel of a noise image, one at a time, and look at answer (4, 6): row, column.

# %%
noise = np.random.default_rng(0).uniform(-1, 1, (1, 35, 55, 1)).astype("float32")
pokes = np.eye(35 * 55, dtype="float32").reshape(-1, 35, 55, 1)
answers = ops.convert_to_numpy(D.predict(noise + pokes, batch_size=64, verbose=0))
noticed = np.abs(answers - ops.convert_to_numpy(D(noise)))[:, 4, 6].max(axis=-1).reshape(35, 55)
seen_rows, seen_columns = np.nonzero(noticed > 1e-6)
print(f"rows {seen_rows.min()} to {seen_rows.max()}", end=", ")
print(f"columns {seen_columns.min()} to {seen_columns.max()}")

# %% tags=["plot"]
figure = Figure(figsize=(9.5, 2.7), layout="constrained")
axes = figure.subplots(1, 2)
shown = axes[0].imshow(np.log10(noticed + 1e-9), cmap="cividis", vmin=-5, vmax=-1)
axes[0].set_title("the pixels that answer (4, 6) depends on", fontsize="small")
figure.colorbar(shown, ax=axes[0], label="log10 of the change")
axes[1].imshow(data.synthetic.images[0], cmap="gray", vmin=0, vmax=255)
axes[1].plot([14.5, 37.5, 37.5, 14.5, 14.5], [6.5, 6.5, 29.5, 29.5, 6.5], color=plots.ORANGE)
axes[1].set_title("the same window on an eye", fontsize="small")
for axis in axes:
    axis.set(xlabel="column", ylabel="row", yticks=[0, 17, 34])
notebook.show(
    figure,
    "left, how much the answer changes when a pixel does: within 23 x 23 pixels, and nowhere else. Right, that window on "
    "an eye. It holds an iris and pieces of both lids, and not the whole eye.",
)

# %% tags=["check"]
assert receptive_field(D) == 23
assert (seen_rows.min(), seen_columns.min()) >= (7, 15)
assert seen_rows.max() <= 29
assert seen_columns.max() <= 37

# %% [markdown]
# A window shows texture, noise and shading, and can show an iris between its lids. So **D sees something of the
# gaze**. If the target's eyes looked more upwards than the synthetic ones, D could notice, and reward R for moving
# pupils.

# %% [markdown] tags=["task"]
# ### Exercise 03.2 · Any discriminator's receptive field
#
# Write `sees(layers)`. It takes a list of (kernel, stride) pairs, first layer first, and returns the side of an
# answer's window, in pixels.
#
# *Expected:* `sees([(3, 2), (3, 2), (3, 1), (3, 1)])` is 23. The paper's D for hands, `[(7, 4), (5, 2), (3, 2), (3, 2)]`,
# sees 71 of 224 pixels.


# %% tags=["exercise"]
def sees(layers): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# Keep two numbers: the side of the window, and the step between neighbouring positions. Both start at 1 pixel. A
# layer's stride counts for the layers *after* it. [solution](solutions/03_discriminator.ipynb)
#
# </details>


# %% tags=["solution"]
def sees(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


assert verdict("03.2", sees)[0]

# %% tags=["shared"]
check("03.2", sees)

# %% [markdown] tags=["solution"]
# For hands: 1 + 6·1 + 4·4 + 2·8 + 2·16 = 71 pixels, about a third of the image's side. Our D sees 23 of 35 rows.

# %% [markdown]
# ## 4. Training D alone
#
# We train D for some seconds, without R. Synthetic images get the label "refined", simulated webcam images "real".
# **Every patch carries its image's label.** So an image's target is a 9 x 14 map filled with one number.

# %% tags=["shared"]
n = 16 * scale.live
images = to_float(np.concatenate([data.synthetic.images[:n], data.real.images[:n]]))
labels = np.repeat([REFINED, REAL], len(images) // 2)
maps = np.broadcast_to(labels[:, None, None], (len(images), 9, 14))
print("images", images.shape, " targets", maps.shape)

# %% tags=["shared"]
keras.utils.set_random_seed(0)
D = simgan_lib.build_discriminator(seed=1)
D.compile(
    keras.optimizers.Adam(1e-3, beta_1=0.5),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
record = D.fit(images, maps, batch_size=32, epochs=2, verbose=0).history
for epoch, (loss, right) in enumerate(zip(record["loss"], record["accuracy"], strict=True), 1):
    print(f"epoch {epoch}: mean loss {loss:.3f}, patches right {right:.0%}")


# %% [markdown]
# Now we ask D about new eyes.


# %% tags=["shared"]
def ask(network, eyes):
    return ops.convert_to_numpy(ops.softmax(network(to_float(eyes))))[..., REFINED]


simulator, _ = simgan_lib.simulate(4, "simulator", start=5 * 10**8)
webcam, _ = simgan_lib.simulate(4, "webcam", start=5 * 10**8)
for name, eyes in {"synthetic": simulator, "simulated webcam": webcam}.items():
    print(f"{name:16} p_refined, mean of the patches: {ask(D, eyes).mean(axis=(1, 2)).round(2)}")

# %% [markdown]
# Answer (i, j) judges the window around pixel (4i + 2, 4j + 2). We draw it as a cell of 4 x 4 pixels.
#
# **Predict.** Where on a synthetic eye will D be *least* sure: at the iris, at the image's rim, or elsewhere?

# %% tags=["plot"]
eyes = np.concatenate([simulator[:2], webcam[:2]])
notebook.show(
    plots.answer_maps(eyes, ask(D, eyes), ["synthetic"] * 2 + ["simulated webcam"] * 2),
    "four eyes that D has not seen, and below each D's map of it: orange for refined, blue for real, white for "
    "undecided.",
)

# %% [markdown]
# In the second eye, D takes the bright skin below for real. But two eyes prove little. We ask about a hundred, whose
# labels say where the pupils are.

# %%
hundred, where = simgan_lib.simulate(100, "simulator", start=6 * 10**8)
rows, columns = np.meshgrid(4 * np.arange(9) + 2, 4 * np.arange(14) + 2, indexing="ij")
x_pupil, y_pupil = (where[name].to_numpy()[:, None, None] for name in ("pupil_x", "pupil_y"))
rim = np.ones((100, 9, 14), bool)
rim[:, 1:-1, 1:-1] = False
iris = ~rim & (np.hypot(columns - x_pupil, rows - y_pupil) < 8)
answers = ask(D, hundred)
for name, part in {"iris": iris, "rim": rim, "elsewhere": ~iris & ~rim}.items():
    print(f"{name:9} p_refined = {answers[part].mean():.2f}")

# %% tags=["check"]
if scale.live > 10:
    assert answers[rim].mean() < min(answers[iris].mean(), answers[~iris & ~rim].mean())

# %% [markdown]
# <details><summary>Answer</summary>
#
# At the rim. Windows there hold fewer pixels, which may be the cause.
#
# </details>
#
# Is such a map local, or does D decide once for the image? A collage tells: left synthetic, right simulated webcam.
#
# **Predict.** Draw a collage's map on paper.

# %%
collage = simulator.copy()
collage[:, :, 28:] = webcam[:, :, 28:]

# %% tags=["plot"]
notebook.show(
    plots.answer_maps(collage, ask(D, collage), [f"collage {number}" for number in (1, 2, 3, 4)]),
    "four collages and their maps.",
)

# %% tags=["check"]
if scale.live > 10:
    assert ask(D, simulator).mean() > ask(D, webcam).mean() + 0.2
    assert ask(D, collage)[:, :, :4].mean() > ask(D, collage)[:, :, -4:].mean() + 0.2

# %% [markdown]
# <details><summary>Answer</summary>
#
# Orange left, blue right, and a soft border, where windows see both halves.
#
# </details>

# %% [markdown]
# ## 5. Local against global
#
# R wants the answer "real", so its loss is the cross-entropy with label 0, computed in one of two ways:
#
# - **local**, the paper's: the cross-entropy of every patch, then the mean;
# - **global**: the mean of the logits, then one cross-entropy for the image.
#
# How much would the loss fall if a patch's logit for "refined" fell a little? This *gradient* is the pressure on R.
# Keras has no gradient function for all backends, so the library has one for each.

# %%
gradient = backends.current().gradient  # of a loss, at given logits: gradient(loss, logits)

# %% [markdown]
# **Predict.** In a collage the right half already passes for real. Which loss presses R less there?

# %%
logits = ops.convert_to_numpy(D(to_float(collage[3:4])))
local = gradient(lambda z: losses.local_adversarial(z, REAL), logits)[0, ..., REFINED]
whole = gradient(lambda z: losses.global_adversarial(z, REAL), logits)[0, ..., REFINED]
for name, found in {"local": local, "global": whole}.items():
    left, right = found[:, :4].mean(), found[:, -4:].mean()
    print(f"{name:6} pressure on the left {left:.5f}, on the right {right:.5f}")

# %% tags=["plot"]
figure = Figure(figsize=(10, 2.2), layout="constrained")
axes = figure.subplots(1, 3)
plots.show_pixels(plots.picture_in(axes[0], "collage 4"), collage[3])
for axis, found, title in zip(axes[1:], (local, whole), ("local loss", "global loss"), strict=True):
    shown = axis.imshow(126 * found, cmap="cividis", vmin=0, vmax=1)
    axis.set_title(title, fontsize="small")
    axis.set(xticks=[], yticks=[])
figure.colorbar(shown, ax=axes[1:], label="126 x gradient")
notebook.show(
    figure,
    "how hard each loss presses R at each patch. 126 x gradient is p(refined): of each patch for the local loss, of the "
    "whole image for the global one.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The local loss. The global one presses equally everywhere.
#
# </details>
#
# A cross-entropy's gradient at a logit is the probability minus its target. R's target is $p_\text{refined} = 0$, so
#
# $$ \frac{\partial L_\text{local}}{\partial z_1^{(k)}} = \frac{p^{(k)}_\text{refined}}{126}, \qquad
#    \frac{\partial L_\text{global}}{\partial z_1^{(k)}} = \frac{p_\text{refined}(\text{image})}{126} $$
#
# With the global loss all patches share one p, so R can overdo one patch to make up for others. The paper's local
# loss is against such artifacts.

# %% tags=["check"]
expected = ops.convert_to_numpy(ops.softmax(logits))[0, ..., REFINED] / 126
assert np.abs(local - expected).max() < 1e-5
assert np.ptp(whole) < 1e-6

# %% [markdown]
# **Does it matter for the result?** The ablation of notebook 00 has both losses. It reports a gaze network's error,
# the pixels by which the pupil moves, and the accuracy, in percent, with which a new classifier tells refined images
# from the target.

# %%
table = collect("runs/ablation")
cells = {name: table[table["cell"] == name] for name in ("baseline", "global_loss")}
for measure in ("gaze_error_deg", "pupil_shift_px", "two_sample_accuracy"):
    one, other = (found[measure] for found in cells.values())
    p = stats.ttest_ind(one, other, equal_var=False).pvalue
    print(f"{measure:20} local {one.mean():5.2f} ± {one.std():.2f}, ", end="")
    print(f"global {other.mean():5.2f} ± {other.std():.2f}, {len(one)} seeds each, p = {p:.2f}")

# %% [markdown]
# p, from Welch's test, is the probability of a difference at least as large if the loss made none. Of the ablation's
# nine comparisons, one p may well fall below 0.05 by chance. [Notebook 11](11_failure_lab.ipynb) corrects for this:
# 0.014, printed as 0.01, becomes 0.11. So no difference here is significant.

# %% [markdown]
# ## 6. D in the game
#
# These maps are from a training of `quick`.

# %%
run = simgan_lib.reference_run("quick/baseline/seed0")
shots = run.snapshots
chosen = np.linspace(0, len(shots["iteration"]) - 1, 4).astype(int)
for k in chosen:
    sure = shots["probability_refined"][k].astype(float).mean()
    print(
        f"round {shots['iteration'][k]:3}: p_refined of {len(shots['refined'][k])} refined eyes {sure:.2f}"
    )

# %% tags=["plot"]
maps_then = shots["probability_refined"][chosen, 1].astype("float32")
rounds = [f"round {shots['iteration'][k]}" for k in chosen]
notebook.show(
    plots.answer_maps(shots["refined"][chosen, 1], maps_then, rounds),
    "one eye, refined at four moments of a training, and D's map of that moment. At round 0 R only copies, and nearly "
    "all patches are orange. Later some are white or blue, each time in other places.",
)

# %% tags=["check"]
sure = shots["probability_refined"].astype(float).mean(axis=(1, 2, 3))
assert sure.min() > 0.55
assert sure.max() < 0.95

# %% [markdown]
# D's mean answer stays well above 0.5, as D learns too. R has won when D *cannot tell*: the map is white, not blue.

# %% [markdown]
# ## 7. Two mistakes that raise no error
#
# Both are in public SimGAN codes, and give a loss near 0.69, like an undecided D.
#
# ### A ReLU on the logits
#
# **Predict.** A patch has the logits (-1, -4), so D leans to "real". What does a ReLU leave, and what can D learn?

# %%
z = np.array([[[[-1.0, -4.0]]]], "float32")
for name, last in {"no activation": lambda z: z, "ReLU": ops.relu}.items():
    p = ops.convert_to_numpy(ops.softmax(last(z)))[0, 0, 0, REFINED]
    slope = gradient(lambda z, last=last: losses.local_adversarial(last(z), REFINED), z)
    print(f"{name:13}: p_refined = {p:.3f}, gradient {slope.ravel().round(3) + 0.0}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Two zeros. The patch says 0.5 and has no gradient, so neither D nor R learns from it. So **count exact zeros among
# the logits**. A healthy D has none.
#
# </details>

# %%
fresh = ops.convert_to_numpy(simgan_lib.build_discriminator(seed=3)(to_float(simulator)))
print(f"exact zeros without ReLU: {np.mean(fresh == 0):.0%}", end=", ")
print(f"with ReLU: {np.mean(np.maximum(fresh, 0) == 0):.0%}")

# %% [markdown]
# ### Reshaping pixels into classes
#
# PyTorch keeps the classes before the pixels: (batch, **2**, height, width). To get pairs, someone writes
# `view(-1, 2)`. We mark every number with its class and patch:

# %%
names = np.array([[f"{kind} {patch}" for patch in "abcd"] for kind in ("real", "refined")])
channels_first = names.reshape(1, 2, 2, 2)
print("wrong:\n", channels_first.reshape(-1, 2))
print("right:\n", channels_first.transpose(0, 2, 3, 1).reshape(-1, 2))

# %% [markdown]
# The wrong version pairs neighbouring patches of one class. The axes must be permuted first.
#
# **Predict.** A perfect D gives the logits (-4, 4) at every patch of a refined image. Which cross-entropy does the wrong
# version report?

# %%
perfect = np.stack([np.full((9, 14), -4.0), np.full((9, 14), 4.0)])[None]
wrong = perfect.reshape(1, 1, -1, 2)
right = perfect.transpose(0, 2, 3, 1)
for name, z in {"wrong": wrong, "right": right}.items():
    print(f"{name}: {float(losses.local_adversarial(z, REFINED)):.4f}")

# %% tags=["check"]
assert abs(float(losses.local_adversarial(wrong, REFINED)) - np.log(2)) < 1e-5
assert float(losses.local_adversarial(right, REFINED)) < 0.01

# %% [markdown]
# <details><summary>Answer</summary>
#
# ln 2 = 0.693, as if D guessed. For refined images this loss wants every second logit of a row greater than its left
# neighbour, for real ones the opposite. So D learns stripes. In Keras the classes come last: this mistake cannot
# happen.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 03.3 · Three times 0.69
#
# Write `diagnose(logits)`. It takes D's logits for refined images, of shape (n, 9, 14, 2). Their cross-entropy with
# label `REFINED` is near 0.69. It returns:
#
# - `"undecided"`: D cannot tell;
# - `"dead"`: there is a ReLU on the logits;
# - `"misread"`: D is sure, and its logits were reshaped without a permutation.
#
# *Expected:* each word once for the suspects A, B and C.

# %% tags=["shared"]
for name, logits in suspects(seed=4).items():
    print(name, logits.shape, f"{float(losses.local_adversarial(logits, REFINED)):.3f}")


# %% tags=["exercise"]
def diagnose(logits): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# How many logits are exactly zero? How large are the others? A sure D has large logits.
# [solution](solutions/03_discriminator.ipynb)
#
# </details>


# %% tags=["solution"]
def diagnose(logits):
    if np.mean(logits == 0) > 0.1:
        return "dead"
    return "misread" if np.abs(logits).mean() > 1 else "undecided"


assert verdict("03.3", diagnose)[0]

# %% tags=["shared"]
check("03.3", diagnose)

# %% tags=["solution"]
for name, logits in suspects(seed=4).items():
    zeros, size = np.mean(logits == 0), np.abs(logits).mean()
    print(f"{name}: {diagnose(logits):9} exact zeros {zeros:.0%}, mean |logit| {size:.2f}")

# %% [markdown] tags=["task"]
# ### Exercise 03.4 · Be the refiner
#
# What gives a synthetic image away to this D? Three repairs are ready: `blur(images, 0.7)`, in pixels,
# `equalised(images)`, and `noisy(images)` with noise of 6 gray levels. `p_refined(images)` asks D.
#
# Apply each repair alone to `sixty`, then all three in turn. Which repair fools D best? Do all three do better? Why
# can a list of repairs not replace training *against* D?
#
# *Expected:* five values of p_refined, the first for `sixty` as it is, and three sentences.

# %% tags=["shared"]
sixty, _ = simgan_lib.simulate(60, "simulator", start=6 * 10**8)


def equalised(images):
    return np.stack([equalize(image) for image in images.astype("uint8")])


def noisy(images):
    noise = np.random.default_rng(0).normal(0, 6, images.shape)
    return np.clip(images + noise, 0, 255).astype("uint8")


def p_refined(images):
    return float(ask(D, images.astype("uint8")).mean())


# %% tags=["exercise"]
print(f"as they are: {p_refined(sixty):.2f}")

# %% [markdown]
# <details><summary>What a good answer mentions</summary>
#
# - The five values.
# - Which repair lowers p_refined most, and whether all three lower it further.
# - That this is *one* D, after some seconds of training. In notebook 01 a new classifier still told such images
#   apart.
# - That D goes on learning. When one difference is gone, it finds the next.
#
# [solution](solutions/03_discriminator.ipynb)
#
# </details>

# %% tags=["solution"]
repairs = {"none": sixty, "blur": blur(sixty, 0.7), "noise": noisy(sixty)}
repairs |= {"equalised": equalised(sixty), "all three": equalised(noisy(blur(sixty, 0.7)))}
told = {name: p_refined(images) for name, images in repairs.items()}
for name, probability in told.items():
    print(f"{name:10} p_refined = {probability:.2f}")
if scale.live > 10:
    assert told["all three"] < min(told["blur"], told["equalised"], told["noise"])

# %% [markdown] tags=["solution"]
# All three fool this D best. Blur alone does most, noise alone nothing: this D looks at sharp edges and contrast. A D
# that goes on learning finds other differences, such as lashes and shadows.

# %% [markdown]
# ## What you have learned
#
# - D turns 35 x 55 pixels into 9 x 14 pairs of logits, each for a window of 23 x 23 pixels.
# - Real is 0 and refined is 1. Only the difference of the two logits counts. A guess costs ln 2 = 0.693.
# - A window can hold an iris, so D sees something of the gaze.
# - A local loss tells R *where* an image gives itself away, a global one only *that* it does.
# - A loss of 0.69 can also come from a ReLU on the logits, or a reshape without permutation. Count exact zeros, and
#   look at the logits' size.
#
# ## References
#
# - Shrivastava et al. 2017, "Local Adversarial Loss" and "Appearance-based Gaze Estimation".
# - Bojja 2018, section 3.2: the same discriminator.
# - Isola et al., *Image-to-image translation with conditional adversarial networks*, CVPR 2017: the "PatchGAN".
# - Public codes with these mistakes: mjdietzx/SimGAN (ReLU on the logits); AlexHex7/SimGAN_pytorch and
#   ajdillhoff/simgan-pytorch (reshape without permutation).
# - The library's source: [models.py](../simgan_lib/models.py), [losses.py](../simgan_lib/losses.py).
#
# **Next:** [04 · The losses](04_losses.ipynb)
