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
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - follow an image through the discriminator D, layer by layer, and say why 35 x 55 pixels become 9 x 14 answers;
# - turn two logits into a probability and a loss with a pocket calculator, under the paper's label convention;
# - say which 23 x 23 pixels an answer is about, and prove it by poking the image;
# - explain what a *local* adversarial loss tells the refiner that a global one cannot;
# - recognise two mistakes that several public implementations share.
#
# **You need** notebook 02 (convolutions, the receptive field, poking a pixel).

# %% tags=["shared", "setup"]
import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import backends, diagrams, losses, notebook, plots
from simgan_lib.data import to_float
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import receptive_field

scale = notebook.start()

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print(data.synthetic.images.shape, "synthetic;", data.real.images.shape, "simulated webcam")

# %% [markdown]
# ## 1. The other player
#
# R repaints; D judges. D is shown images of two kinds, and says for each how sure it is that R has had
# its hands in it:
#
# | shown to D | what it is | the answer wanted | label |
# |---|---|---|---|
# | y | an image from the target camera (here: a *simulated webcam*) | real | 0 |
# | R(x) | a synthetic image x after refining | refined | 1 |
#
# So **D answers the question "is this refined?"**. Many GAN texts ask it the other way round ("is this
# real?"), and then every formula below changes its sign. The library names the two classes once, so that
# no code has to remember them:

# %%
print("REAL =", losses.REAL, "  REFINED =", losses.REFINED)

# %% [markdown]
# What does the answer look like? One number for the image would be the obvious choice. SimGAN's D gives
# **126**: one for each position of a 9 x 14 grid. Let us see where this grid comes from.

# %%
notebook.show(
    diagrams.discriminator(),
    "the discriminator. Two convolutions of stride 2 shrink the image to 9 x 14 positions; what follows "
    "only thinks about each position and its neighbours. No dense layer at the end.",
)

# %% [markdown]
# **Predict.** D has five convolutions, R has ten. R has 296,129 parameters. Has D more, or fewer?

# %%
D = simgan_lib.build_discriminator(seed=1)
x = to_float(data.synthetic.images[:1])
h = x
for layer in D.layers[1:]:
    h = layer(h)
    print(
        f"{type(layer).__name__:13} -> {tuple(h.shape[1:])!s:13} {layer.count_params():6,} parameters"
    )
print(f"{D.count_params():,} in all")

# %% [markdown]
# A quarter of R's: to judge a patch takes less than to repaint every pixel.
#
# The shapes follow one rule. With `"same"` padding, a layer of stride $s$ gives $\lceil n / s \rceil$
# positions for $n$: 35 → 18 → 9 in height, 55 → 28 → 14 in width. The pooling has stride 1, so it
# shrinks nothing: it only lets each position borrow the strongest features of its neighbours.

# %% tags=["check"]
assert D.count_params() == 75_906
assert D.output_shape == (None, 9, 14, 2)

# %% [markdown]
# ## 2. Two logits, by hand
#
# At every position D gives two numbers, the **logits** $z_0$ (for real) and $z_1$ (for refined). They may
# be anything from $-\infty$ to $\infty$. Softmax makes them probabilities:
#
# $$ p_\text{refined} = \frac{e^{z_1}}{e^{z_0} + e^{z_1}}, \qquad p_\text{real} = 1 - p_\text{refined} $$
#
# We take one patch, in the middle of the map, and do it with a calculator.

# %%
logits = ops.convert_to_numpy(D(x))
z = logits[0, 4, 7]
p = np.exp(z) / np.exp(z).sum()
print(f"logits {z.round(3)}  ->  p_real = {p[REAL]:.3f}, p_refined = {p[REFINED]:.3f}")

# %% [markdown]
# An untrained D is near 0.5: it has seen nothing. Now the price of such an answer, the **cross-entropy**:
# minus the logarithm of the probability that was given to the *right* class. This eye is a synthetic
# one, so the right class is "refined" (R has not painted yet, so for now R(x) = x).

# %%
by_hand = -np.log(p[REFINED])
one_patch = logits[:, 4:5, 7:8]
print(f"by hand {by_hand:.4f}, library {losses.local_adversarial(one_patch, REFINED):.4f}")
print(f"a coin would pay ln 2 = {np.log(2):.4f}")

# %% [markdown]
# **Predict.** Add 5 to *both* logits. What happens to the probability?

# %%
for shift in (0, 5):
    shifted = np.exp(z + shift) / np.exp(z + shift).sum()
    print(f"logits {np.round(z + shift, 2)} -> p_refined = {shifted[REFINED]:.3f}")
print(f"sigmoid of the difference: {1 / (1 + np.exp(z[REAL] - z[REFINED])):.3f}")

# %% [markdown]
# Nothing: only the difference $z_1 - z_0$ counts. Two logits with a softmax are therefore one logit with a
# sigmoid in disguise (the report's code has one sigmoid map, the paper two logits; both are right).

# %% tags=["check"]
assert abs(by_hand - float(losses.local_adversarial(one_patch, REFINED))) < 1e-5

# %% [markdown]
# ## 3. What does one patch see?
#
# In notebook 02 every layer widened the view by kernel - 1 pixels. With strides there is one new thing:
# after a layer of stride 2, neighbouring positions are 2 input pixels apart, so every later layer widens
# the view in *larger steps*.

# %%
field, step, rows = 1, 1, []
for name, kernel, stride in [("conv", 3, 2), ("conv", 3, 2), ("max pool", 3, 1), ("conv", 3, 1)]:
    field += (kernel - 1) * step
    step *= stride
    rows.append({"layer": name, "kernel": kernel, "stride": stride, "sees": field, "step": step})
pd.DataFrame(rows)

# %% [markdown]
# So an answer is about 23 x 23 pixels, and neighbouring answers are about windows 4 pixels apart: they
# overlap a lot. The 1 x 1 convolutions at the end add nothing.
#
# In notebook 02 we poked one input pixel and looked at all outputs. Now the other way round: we poke
# *every* pixel of a noise image, one at a time, and ask a single patch, in row 4 and column 6, whether it noticed.

# %%
noise = np.random.default_rng(0).uniform(-1, 1, (1, 35, 55, 1)).astype("float32")
pokes = np.eye(35 * 55, dtype="float32").reshape(-1, 35, 55, 1)
answers = ops.convert_to_numpy(D.predict(noise + pokes, batch_size=64, verbose=0))
noticed = np.abs(answers - ops.convert_to_numpy(D(noise)))[:, 4, 6].max(axis=-1).reshape(35, 55)
seen_rows, seen_columns = np.nonzero(noticed > 1e-6)
print(
    f"rows {seen_rows.min()} to {seen_rows.max()}, columns {seen_columns.min()} to {seen_columns.max()}"
)

# %%
figure = Figure(figsize=(9, 2.6), layout="constrained")
axes = figure.subplots(1, 2)
shown = axes[0].imshow(np.log10(noticed + 1e-9), cmap="cividis", vmin=-5, vmax=-1)
axes[0].set_title("which pixels patch (4, 6) hears")
figure.colorbar(shown, ax=axes[0], label="log10 of the change")
axes[1].imshow(data.synthetic.images[0], cmap="gray")
axes[1].plot([14.5, 37.5, 37.5, 14.5, 14.5], [6.5, 6.5, 29.5, 29.5, 6.5], color=plots.ORANGE)
axes[1].set_title("the same window on an eye")
for axis in axes:
    axis.set(xlabel="pixel", yticks=[0, 17, 34])
notebook.show(
    figure,
    "left, how much the patch's answer moves when a pixel is poked: a square of 23 x 23 pixels, and outside "
    "it nothing at all. Right, the window on an eye: it holds an iris and a piece of lid, never the whole eye.",
)

# %% tags=["check"]
assert receptive_field(D) == 23
assert np.ptp(seen_rows) + 1 <= 23
assert np.ptp(seen_columns) + 1 <= 23

# %% [markdown]
# 23 pixels are enough for texture, noise, the sharpness of a lash, the shading of skin. They are *not*
# enough to check that a gaze is plausible for a face. D can only complain about local looks, and so R can
# only be asked to change local looks. That fits what we want from R, who must not move anything.

# %% [markdown]
# ## 4. Training D, alone
#
# A D with random weights is no judge. We train it for a few seconds: synthetic images are "refined"
# (label 1), simulated webcam images are "real" (label 0), and **every patch of an image carries its image's
# label**. So the target of an image is a 9 x 14 map filled with one number, and one image is 126 examples.

# %% tags=["shared"]
n = 16 * scale.live
images = to_float(np.concatenate([data.synthetic.images[:n], data.real.images[:n]]))
labels = np.repeat([REFINED, REAL], len(images) // 2)
maps = np.broadcast_to(labels[:, None, None], (len(images), 9, 14))
print("images", images.shape, " targets", maps.shape)

# %% [markdown]
# **Predict.** Where in an eye will D be *least* sure: at the iris, at the lids, or out at the rim?

# %% tags=["shared"]
keras.utils.set_random_seed(0)
D = simgan_lib.build_discriminator(seed=1)
D.compile(
    keras.optimizers.Adam(1e-3, beta_1=0.5),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
record = D.fit(images, maps, batch_size=32, epochs=2, verbose=0).history
for epoch in (0, 1):
    print(
        f"epoch {epoch + 1}, {len(images) // 32} steps: mean loss {record['loss'][epoch]:.3f},"
        f" patches right {record['accuracy'][epoch]:.0%}"
    )


# %% [markdown]
# A coin would pay 0.693 and be right in 50%. Now to eyes that D has never seen, drawn for this notebook:


# %% tags=["shared"]
def ask(network, eyes):
    return ops.convert_to_numpy(ops.softmax(network(to_float(eyes))))[..., REFINED]


simulator, _ = simgan_lib.simulate(4, "simulator", start=5 * 10**8)
webcam, _ = simgan_lib.simulate(4, "webcam", start=5 * 10**8)
for name, eyes in {"synthetic": simulator, "simulated webcam": webcam}.items():
    print(f"{name:16} p_refined, mean of the patches: {ask(D, eyes).mean(axis=(1, 2)).round(2)}")

# %% [markdown]
# Now we draw the map over the eye. Patch (i, j) looks at the window around pixel (4i + 2, 4j + 2), so each
# cell of the map covers 4 x 4 pixels of the picture.

# %% tags=["shared"]
two_sided = LinearSegmentedColormap.from_list("p", [plots.GREEN, "white", plots.ORANGE])


def draw_maps(eyes, probabilities, titles):
    figure = Figure(figsize=(2.3 * len(eyes) + 1, 2.1), layout="constrained")
    axes = figure.subplots(1, len(eyes))
    place = {"cmap": two_sided, "vmin": 0, "vmax": 1, "extent": (0, 56, 36, 0), "alpha": 0.5}
    for axis, eye, probability, title in zip(axes, eyes, probabilities, titles, strict=True):
        axis.imshow(eye, cmap="gray", vmin=0, vmax=255)
        shown = axis.imshow(probability, **place)
        axis.set(title=title, xlim=(-0.5, 54.5), ylim=(34.5, -0.5), xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, label="D: p(refined)")
    return figure


# %%
eyes = np.concatenate([simulator[:2], webcam[:2]])
notebook.show(
    draw_maps(eyes, ask(D, eyes), ["synthetic"] * 2 + ["simulated webcam"] * 2),
    "what D says of each patch, on eyes it has not seen: orange for refined, green for real, white for "
    "undecided. It judges patch by patch, and is not equally sure everywhere.",
)

# %% [markdown]
# Look for the palest cells of the synthetic eyes, and for green ones, which D takes for a webcam's: many lie at the rim. A
# few eyes prove little, so we ask about a hundred:

# %%
hundred, _ = simgan_lib.simulate(100, "simulator", start=6 * 10**8)
sure = ask(D, hundred).mean(axis=0)
inside = np.zeros((9, 14), bool)
inside[1:-1, 1:-1] = True
print(
    f"p_refined of 100 synthetic eyes: rim {sure[~inside].mean():.2f}, inside {sure[inside].mean():.2f}"
)

# %% tags=["check"]
if scale.live > 10:
    assert sure[~inside].mean() < sure[inside].mean()

# %% [markdown]
# So D is least sure at the rim: there is hardly more than skin, and the window hangs over the edge, so that it sees fewer
# pixels. These are the places where the two cameras look most alike to a judge of 23 pixels. Where *orange* is full, a
# refiner has something to repaint.
#
# Is this map really local, or does D decide once and colour everything? A collage tells: the left half of a
# synthetic image and the right half of a simulated webcam image.
#
# **Predict.** Draw, on paper, the map of a collage.

# %% tags=["shared"]
collage = simulator.copy()
collage[:, :, 28:] = webcam[:, :, 28:]

# %%
notebook.show(
    draw_maps(collage, ask(D, collage), [f"collage {number}" for number in (1, 2, 3, 4)]),
    "left half synthetic, right half simulated webcam. The border runs through the map: D's "
    "answers follow the pixels below them, blurred by half a window.",
)

# %% tags=["check"]
if scale.live > 10:
    assert ask(D, simulator).mean() > ask(D, webcam).mean() + 0.2
    assert ask(D, collage)[:, :, :4].mean() > ask(D, collage)[:, :, -4:].mean() + 0.2

# %% [markdown]
# ## 5. Local against global
#
# What would an ordinary D tell R about such a collage? Let us build both losses from the same 126 pairs of
# logits. R wants the answer "real", so its loss is the cross-entropy with label 0:
#
# - **local** (the paper): the cross-entropy of every patch, then the mean;
# - **global** (the ablation): the mean of the logits first, then one cross-entropy for the image.
#
# R learns from the *gradient*: how much would the loss fall if this patch's "refined" logit fell a little?
# The next cell measures gradients with the library's own optimiser step, on any backend: one step of plain
# gradient descent with step size 1, starting from zero, arrives at minus the gradient.


# %% tags=["shared"]
def gradient(loss, at):
    step = keras.Variable(np.zeros(at.shape, "float32"))
    descent = keras.optimizers.SGD(learning_rate=1.0)
    descent.build([step])
    descend = backends.current().gradient_update
    descend(lambda: (loss(at + step.value), {}), descent, [step], [step])
    return -ops.convert_to_numpy(step.value)


# %% [markdown]
# **Predict.** In a collage the right half already passes for a simulated webcam's. Which of the two losses knows that?

# %%
logits = ops.convert_to_numpy(D(to_float(collage[3:4])))
local = gradient(lambda z: losses.local_adversarial(z, REAL), logits)[0, ..., REFINED]
whole = gradient(lambda z: losses.global_adversarial(z, REAL), logits)[0, ..., REFINED]
for name, found in {"local": local, "global": whole}.items():
    print(
        f"{name:6} pressure on the left {found[:, :4].mean():.5f}, on the right {found[:, -4:].mean():.5f}"
    )

# %%
figure = Figure(figsize=(10, 2.2), layout="constrained")
axes = figure.subplots(1, 3)
axes[0].imshow(collage[3], cmap="gray", vmin=0, vmax=255)
axes[0].set_title("collage 4")
for axis, found, title in zip(axes[1:], (local, whole), ("local loss", "global loss"), strict=True):
    shown = axis.imshow(126 * found, cmap="cividis", vmin=0, vmax=1)
    axis.set_title(title)
figure.colorbar(shown, ax=axes[1:], label="pressure on R, 126 x gradient")
for axis in axes:
    axis.axis("off")
notebook.show(
    figure,
    "how hard each loss pushes R at each patch. The local loss points at the half that gives the image "
    "away. The global one spreads one number evenly: it says *that* something is wrong, not *where*.",
)

# %% [markdown]
# You can read it off the formulas. The gradient of a cross-entropy with respect to its logit is
# "probability minus wish", and the wish is $p_\text{refined} = 0$:
#
# $$ \frac{\partial L_\text{local}}{\partial z_1^{(k)}} = \frac{p^{(k)}_\text{refined}}{126}, \qquad
#    \frac{\partial L_\text{global}}{\partial z_1^{(k)}} = \frac{p_\text{refined}(\text{image})}{126} $$
#
# with one $p$ per patch on the left, and the same $p$ for all patches on the right. A patch that passes is
# left in peace by the local loss only. A global loss lets R *overdo* one striking feature until it outweighs
# all others; the paper introduces the local loss to prevent just these artefacts (section 3.2).

# %% tags=["check"]
expected = ops.convert_to_numpy(ops.softmax(logits))[0, ..., REFINED] / 126
assert np.abs(local - expected).max() < 1e-5
assert np.ptp(whole) < 1e-6

# %% [markdown]
# **And does it matter?** Here is what whole trainings came to, with nothing else changed. A gaze network
# learned from the refined images, and was tested on simulated webcam images:
#
# | adversarial loss | gaze error, degrees | a fresh classifier tells refined from simulated webcam (0.5: a guess) |
# |---|---|---|
# | local (baseline) | {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} | {{ablation/baseline/seed* evaluation.two_sample_accuracy.refined.mean 2}} |
# | global | {{ablation/global_loss/seed* evaluation.gaze_error_deg.refined.mean 1}} | {{ablation/global_loss/seed* evaluation.two_sample_accuracy.refined.mean 2}} |
#
# Read it with care: where there is a ±, it is the spread over seeds, and a difference smaller than it is no
# difference. Our drawn eyes are small and alike; on photographs, with many kinds of texture in an image, "where" may
# be worth more. The paper shows its local-loss ablation as pictures, without a number.

# %% [markdown]
# ## 6. D in the game
#
# So far D played against images that nobody had refined, an easy opponent. In a real training, R repaints exactly
# what D points at. These are maps recorded during the baseline training of the course.

# %%
run = simgan_lib.reference_run("ablation/baseline/seed0")
shots = run.snapshots
chosen = np.linspace(0, len(shots["iteration"]) - 1, 4).astype(int)
rounds = [f"round {shots['iteration'][k]}" for k in chosen]
maps_then = shots["probability_refined"][chosen, 0].astype("float32")
notebook.show(
    draw_maps(shots["refined"][chosen, 0], maps_then, rounds),
    "one eye, refined at four moments of a recorded training, and D's map of that moment. At round 0 R changes "
    "nothing yet, and D finds it out everywhere; then the orange fades below the eye, as R repairs what D points at. "
    "At the upper lid D is still sure in round 300.",
)

# %% [markdown]
# Do not expect the whole map to turn green. R has won not when D says "real" but when D *cannot tell*: the map of
# a balanced game is pale.

# %% [markdown]
# ## 7. Two mistakes worth knowing
#
# Both are in public SimGAN codes. Neither gives an error message, and both hide behind an innocent-looking 0.69.
#
# ### A ReLU on the logits
#
# A habit: "every convolution gets a ReLU". In the last layer it cuts off all negative logits.
#
# **Predict.** A patch has logits (-1, -4): rather "real". What remains after the ReLU, and what can D learn from it?

# %%
z = np.array([[[[-1.0, -4.0]]]], "float32")
for name, last in {"no activation": lambda z: z, "ReLU": ops.relu}.items():
    p = ops.convert_to_numpy(ops.softmax(last(z)))[0, 0, 0, REFINED]
    slope = gradient(lambda z, last=last: losses.local_adversarial(last(z), REFINED), z)
    print(f"{name:13}: p_refined = {p:.3f}, gradient {slope.ravel().round(3)}")

# %% [markdown]
# With the ReLU the patch says 0.5 *and has no gradient*: it teaches D nothing, and R hears nothing from it.
# Such a patch is dead, and contributes ln 2 = 0.693 to the loss, which looks like a balanced game. How to
# tell the two apart: **count exact zeros among the logits**. A healthy D has none.

# %%
fresh = ops.convert_to_numpy(simgan_lib.build_discriminator(seed=3)(to_float(simulator)))
print(
    f"exact zeros without ReLU: {np.mean(fresh == 0):.0%}, with: {np.mean(np.maximum(fresh, 0) == 0):.0%}"
)

# %% [markdown]
# ### Reshaping pixels into classes
#
# The second habit comes from channels-first frameworks (PyTorch): logits of shape
# (batch, **2**, height, width) are to become a list of pairs, and someone writes `view(-1, 2)`. The shape is
# right. We mark every number with its class and its patch and look.

# %%
channels_first = np.array(
    [
        [["real a", "real b"], ["real c", "real d"]],
        [["refined a", "refined b"], ["refined c", "refined d"]],
    ]
)[None]
print("wrong:\n", channels_first.reshape(-1, 2))
print("right:\n", channels_first.transpose(0, 2, 3, 1).reshape(-1, 2))

# %% [markdown]
# The wrong version pairs *two neighbouring patches* of the same class, and softmax asks which of the
# two neighbours is greater. Only after `permute` (here `transpose`) does a pair belong together.
#
# **Predict.** A perfect D says "refined" with logits (-4, 4) at every patch of a refined image. Which
# cross-entropy does the wrong reshape report?

# %%
perfect = np.stack([np.full((9, 14), -4.0), np.full((9, 14), 4.0)])[None]
wrong = perfect.reshape(1, 1, -1, 2)
right = perfect.transpose(0, 2, 3, 1)
for name, z in {"wrong": wrong, "right": right}.items():
    print(f"{name}: {float(losses.local_adversarial(z, REFINED)):.4f}")

# %% [markdown]
# 0.693: the best judge in the world looks like a coin. Worse, this loss asks D to make every second patch
# greater than its neighbour: a checkerboard, not a judgement. In Keras logits are channels-last, `[..., REFINED]`
# is always a class, and the trap does not open.

# %% tags=["check"]
assert abs(float(losses.local_adversarial(wrong, REFINED)) - np.log(2)) < 1e-5
assert float(losses.local_adversarial(right, REFINED)) < 0.01

# %% [markdown]
# ## What you have learned
#
# - D turns 35 x 55 pixels into 9 x 14 pairs of logits; each pair judges the 23 x 23 pixels below it.
# - Only the difference of the two logits counts; a cross-entropy of ln 2 = 0.693 is a coin's.
# - Real is 0, refined is 1: D answers "is this refined?".
# - A local loss tells R *where* it is found out; a global one only *that* it is.
# - A ReLU on the logits and a reshape without permute both train without complaint; counting exact
#   zeros, and marking a tiny array, find them in a minute.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write `map_size(pixels, padding)` for one side of D's map. `"same"` gives
# $\lceil n/s \rceil$ at each layer, `"valid"` (no padding) $\lfloor (n - k)/s \rfloor + 1$. The layers with
# kernel 3 have strides 2, 2, 1 (the pooling) and 1. What map has D without padding, and which pixels would then be judged
# least often?


# %% tags=["exercise"]
def map_size(pixels, padding): ...  # your code


# %% tags=["solution"]
def map_size(pixels, padding):
    for stride in (2, 2, 1, 1):
        pixels = -(-pixels // stride) if padding == "same" else (pixels - 3) // stride + 1
    return pixels


# %% tags=["solution"]
for padding in ("same", "valid"):
    print(padding, map_size(35, padding), "x", map_size(55, padding))
assert (map_size(35, "same"), map_size(55, "same")) == (9, 14)

# %% [markdown] tags=["solution"]
# Without padding there are 4 x 9 = 36 answers instead of 126. Each still sees 23 x 23 pixels, but all windows
# lie wholly inside the image, so a corner pixel belongs to one window only: D hardly looks at the rim. The
# paper does not say which it used; we pad, as most codes do. (Notebook 04: the number of patches also changes
# what lambda means.)

# %% [markdown] tags=["task"]
# **2. Predict, then run.** The paper's D for hands takes 224 x 224 images, with `kernel_sizes=(7, 5, 3)`,
# `strides=(4, 2, 2)` and `pool_stride=2`. How large is its map, and what does a patch see? Work out both on paper first.

# %% tags=["exercise"]
print(simgan_lib.build_discriminator().output_shape)

# %% tags=["solution"]
hands = simgan_lib.build_discriminator(
    (224, 224, 1), kernel_sizes=(7, 5, 3), strides=(4, 2, 2), pool_stride=2
)
print("map", hands.output_shape[1:3], " a patch sees", receptive_field(hands), "pixels")
field, step = 1, 1
for kernel, stride in [(7, 4), (5, 2), (3, 2), (3, 2)]:
    field, step = field + (kernel - 1) * step, step * stride
assert field == receptive_field(hands)

# %% [markdown] tags=["solution"]
# $1 + 6 \cdot 1 + 4 \cdot 4 + 2 \cdot 8 + 2 \cdot 16 = 71$ pixels, and 224 / 32 = 7, so 7 x 7 = 49 answers. In
# proportion each sees about a third of the image's side, less than our patch with 23 of 35: a hand
# is judged finger by finger.

# %% [markdown] tags=["task"]
# **3. Diagnose.** Three discriminators report a cross-entropy near 0.69. One is honestly undecided, one has a
# ReLU on its logits and is dead, and one is sure but reshaped wrongly. Given only their logits, channels-last, write
# down which is which, and the one-line test that tells you.

# %% tags=["shared"]
random = np.random.default_rng(4)
undecided = random.normal(0, 0.05, (1, 9, 14, 2))
sure = np.stack([random.normal(-3, 0.05, (9, 14)), random.normal(3, 0.05, (9, 14))]).reshape(
    1, 9, 14, 2
)
suspects = {"A": sure, "B": undecided, "C": np.maximum(undecided - 1, 0)}

# %% tags=["exercise"]
for name, logits in suspects.items():
    print(name, f"{float(losses.local_adversarial(logits, REFINED)):.3f}")

# %% tags=["solution"]
for name, logits in suspects.items():
    loss = float(losses.local_adversarial(logits, REFINED))
    zeros, size = np.mean(logits == 0), np.abs(logits).mean()
    print(f"{name}: loss {loss:.3f}, exact zeros {zeros:.0%}, mean |logit| {size:.2f}")

# %% [markdown] tags=["solution"]
# C is dead: its logits are exactly zero. B is undecided: small logits, none of them zero. A is the wrong reshape:
# large logits, so D *is* sure, and yet the loss is a coin's. Large logits with a loss of ln 2 are a
# contradiction, and a contradiction is a bug.

# %% [markdown] tags=["task"]
# **4. Extend.** What gives a synthetic image away? `simgan_lib.gaze.handmade` blurs (by 0.7 pixels), adds noise (of 6 gray
# levels) and equalises the histogram: three cheap repairs. Apply each *alone* to sixty fresh eyes, then all three, and ask
# D. Which single repair comes closest to fooling it, and is there more left for R to do?

# %% tags=["shared"]
sixty, _ = simgan_lib.simulate(60, "simulator", start=6 * 10**8)

# %% tags=["exercise"]
print(f"as they are: p_refined = {ask(D, sixty).mean():.2f}")

# %% tags=["solution"]
from scipy import ndimage

from simgan_lib.evaluation.gaze import handmade

grain = np.random.default_rng(0).normal(0, 6, sixty.shape)
ranks = np.argsort(np.argsort(sixty.reshape(60, -1), axis=1), axis=1)
repairs = {
    "none": sixty,
    "blur": ndimage.gaussian_filter(sixty, (0, 0.7, 0.7)),
    "noise": np.clip(sixty + grain, 0, 255).astype("uint8"),
    "equalised": (ranks * 255 / ranks.max()).astype("uint8").reshape(sixty.shape),
    "all three": handmade(sixty),
}

# %% tags=["solution"]
told = {name: ask(D, repaired).mean() for name, repaired in repairs.items()}
for name, probability in told.items():
    print(f"{name:10} p_refined = {probability:.2f}")
if scale.live > 10:
    assert told["all three"] < min(told["blur"], told["equalised"]) < told["none"]

# %% [markdown] tags=["solution"]
# Blur and equalising lie close together; noise alone does next to nothing. All three together fool this D best, and
# yet a fresh judge still tells them apart nearly always (notebook 01, exercise 4): plenty is left for R to do.
#
# Which repair lowers p the most is what *this* D has learned to look at first. It is a statement about D after
# a few seconds of training, not about the images: once that cue is gone, a D that goes on learning finds the next one.
# This is the adversarial game in slow motion, with you as the refiner, and the reason why R has to be trained *against* D
# and cannot be written down once.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, section 3.2 and figure 3 (the local adversarial loss), section 4.1 (the network).
# - Bojja 2018, section 3.2.1: the same discriminator.
# - Isola et al., *Image-to-image translation with conditional adversarial networks*, CVPR 2017: the
#   "PatchGAN", the same idea found independently.
# - Public codes with these mistakes: mjdietzx/SimGAN (ReLU on the logits), AlexHex7/SimGAN_pytorch and
#   ajdillhoff/simgan-pytorch (`view(-1, 2)` without permute).
# - The library's source: [models.py](../simgan_lib/models.py), [losses.py](../simgan_lib/losses.py).
#
# **Next:** [04 · The losses](04_losses.ipynb)
