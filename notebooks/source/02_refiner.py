# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 02 · The refiner
# <!-- colab:notebooks/02_refiner.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 50 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - say why the refiner R is *fully convolutional* and *residual*;
# - build a residual block and count its parameters;
# - compute how far a refiner sees, and test it by changing one pixel;
# - tell an untrained refiner from one that has learned to copy.
#
# **You need** [notebook 01](01_data.ipynb), for images as tensors in [-1, 1], and to have met a convolution before.

# %% tags=["shared", "setup"]
from functools import partial

import keras
import numpy as np
from keras import layers, ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import diagrams, notebook, plots
from simgan_lib.data import to_float, to_uint8

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refiner refined"),
    "where this notebook is on the map of the method. It builds R.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
eyes = data.synthetic.images[:8]
x = to_float(eyes)
print(x.shape, x.dtype, f"from {x.min():.2f} to {x.max():.2f}")

# %% [markdown]
# ## 1. What R must do, and must not do
#
# R turns a synthetic image x into an image R(x) of the same size, with the same eye and gaze. Skin, blur and shadows
# should be those of a webcam.
#
# | wish | what it asks of the network |
# |---|---|
# | change how every pixel looks | look at a pixel's neighbourhood, and repaint it |
# | keep things in place, for the label | do not shrink the image or sum it up |
#
# Many networks shrink an image to a short code and paint a new image from it. A pupil that lands some pixels away
# makes the label wrong. So R keeps the full resolution: **stride 1, no pooling, no dense layer**. The same rule
# repaints every place: R is *fully convolutional*.
#
# **Predict.** What if R is given an image of another size?

# %%
R = simgan_lib.build_refiner(image_shape=(None, None, 1), seed=0)
for height, width in [(35, 55), (36, 60), (70, 110)]:
    print((height, width), "->", tuple(R(np.zeros((1, height, width, 1), "float32")).shape[1:3]))

# %% [markdown]
# <details><summary>Answer</summary>
#
# The output has that size too. A dense layer would allow one size only.
#
# </details>

# %% [markdown]
# ## 2. The residual block
#
# A block computes a *change* and adds it to its input h:
#
# $$ h \;\mapsto\; \mathrm{ReLU}\bigl(h + \underbrace{W_2 * \mathrm{ReLU}(W_1 * h)}_{\text{the change}}\bigr) $$
#
# Here $*$ is a convolution. Where $W_2$ is zero, the block passes h on unchanged, as h comes out of a ReLU and is
# never negative. So "change nothing" is easy to learn. For two plain convolutions it is hard.

# %% tags=["plot"]
notebook.show(
    diagrams.residual_block(),
    "a residual block. The shortcut carries h past the two convolutions, which give only the change.",
)

# %% [markdown]
# All convolutions share settings. `padding="same"` keeps the image's size. `dtype` is the number format, and
# `initializer` draws the first weights.


# %% tags=["taught:models"]
def _convolution(dtype, initializer):
    return partial(layers.Conv2D, padding="same", dtype=dtype, kernel_initializer=initializer)


# %% [markdown]
# The library's block, line for line:


# %% tags=["taught:models"]
def residual_block(features, filters, kernel_size, dtype=None, initializer="glorot_uniform"):
    conv = _convolution(dtype, initializer)
    change = conv(filters, kernel_size)(conv(filters, kernel_size, activation="relu")(features))
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([features, change]))


# %% [markdown]
# To test that it can copy, we set the second convolution to zero.

# %%
features = keras.Input((35, 55, 64))
one_block = keras.Model(features, residual_block(features, 64, 3))
second = one_block.layers[2]
second.set_weights([np.zeros_like(weight) for weight in second.get_weights()])
h = np.abs(np.random.default_rng(0).normal(size=(1, 35, 55, 64))).astype("float32")
print("largest difference:", float(np.abs(ops.convert_to_numpy(one_block(h)) - h).max()))

# %% tags=["check"]
assert np.allclose(ops.convert_to_numpy(one_block(h)), h)

# %% [markdown] tags=["task"]
# ### Exercise 02.1 · Count parameters
#
# Write `parameters(filters, kernel_size)`: how many numbers a residual block learns, if its input has `filters` maps
# too. Each kernel sees all maps and has one bias.
#
# *Expected:* `parameters(64, 3)` is 73,856, which is `one_block.count_params()`.


# %% tags=["exercise"]
def parameters(filters, kernel_size): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# A kernel has `kernel_size` x `kernel_size` weights for each map it reads. A convolution has a kernel for each map it
# gives. [solution](solutions/02_refiner.ipynb)
#
# </details>


# %% tags=["solution"]
def parameters(filters, kernel_size):
    weights = kernel_size * kernel_size * filters * filters
    return 2 * (weights + filters)


assert verdict("02.1", parameters)[0]

# %% tags=["shared"]
check("02.1", parameters)

# %% [markdown] tags=["task"]
# ### Exercise 02.2 · A "simpler" block
#
# Somebody gives the second convolution a ReLU too, before the sum. Which is true?
#
# - **A** Features can only grow from block to block.
# - **B** They can only shrink.
# - **C** The block can no longer pass its input on unchanged.
# - **D** Nothing changes, because a ReLU follows the sum anyway.
#
# *Expected:* one letter, in quotes.

# %% tags=["exercise"]
simpler_block = ...

# %% [markdown]
# <details><summary>Hint</summary>
#
# Build the two convolutions, both with `activation="relu"`, and print the smallest value that they add.
# [solution](solutions/02_refiner.ipynb)
#
# </details>

# %% tags=["solution"]
simpler_block = "A"
assert verdict("02.2", simpler_block)[0]

# %% tags=["shared"]
check("02.2", simpler_block)

# %% tags=["solution"]
features = keras.Input((35, 55, 64))
added = layers.Conv2D(64, 3, padding="same", activation="relu")(features)
added = layers.Conv2D(64, 3, padding="same", activation="relu")(added)
h = np.abs(np.random.default_rng(0).normal(size=(1, 35, 55, 64))).astype("float32")
smallest = float(ops.convert_to_numpy(keras.Model(features, added)(h)).min())
print("smallest change:", smallest)
assert smallest >= 0

# %% [markdown] tags=["solution"]
# What is added is never negative, so a feature can only grow, and no block can take back what an earlier one added. C
# is false: zero weights still add nothing. D is false: the ReLU after the sum sees h plus the change. Only features
# are limited. The last layer may still darken a pixel.

# %% [markdown]
# ## 3. The whole refiner
#
# A 3 x 3 convolution turns the gray channel into 64 feature maps. Four blocks work on them. A 1 x 1 convolution mixes
# them to one channel, and tanh keeps the output in [-1, 1].

# %% tags=["plot"]
notebook.show(
    diagrams.refiner(),
    "the refiner. Every box keeps the 35 x 55 pixels. The arcs are the blocks' shortcuts.",
)

# %%
image = keras.Input((35, 55, 1))
h = layers.Conv2D(64, 3, padding="same", activation="relu")(image)
for _ in range(4):
    h = residual_block(h, 64, 3)
from_scratch = keras.Model(image, layers.Conv2D(1, 1, activation="tanh")(h))
print("ours:", from_scratch.count_params(), " library:", simgan_lib.build_refiner().count_params())

# %% tags=["check"]
assert from_scratch.count_params() == simgan_lib.build_refiner().count_params() == 296_129
assert from_scratch.output_shape == (None, 35, 55, 1)

# %% [markdown]
# The library's [`build_refiner`](../simgan_lib/models.py) calls the same block. 64 maps are the paper's. Most
# trainings of the course use fewer, to save time:

# %%
maps = scale.config.filters
count = simgan_lib.build_refiner(filters=maps).count_params()
print(f"{maps} maps: {count:,} parameters")

# %% [markdown]
# **There is no shortcut from x to R(x).** The first and the last convolution must be learned before R can copy.

# %% [markdown]
# ## 4. How far does R see?
#
# A 3 x 3 convolution lets a pixel depend on its neighbours, one step away. R has 1 + 4 x 2 = 9 such convolutions. So
# an output pixel depends on a window of 19 x 19 pixels, 9 in every direction. This is the **receptive field**.
#
# We change one input pixel to test it.
#
# **Predict.** Will the outputs change evenly over the window, or most in the middle?

# %%
R = simgan_lib.build_refiner(seed=0)
poked = x[:1].copy()
poked[0, 17, 27, 0] += 0.5
noticed = np.abs(ops.convert_to_numpy(R(poked) - R(x[:1])))[0, ..., 0]
rows, columns = np.nonzero(noticed > 0)
print(f"outputs that changed: {np.ptp(rows) + 1} x {np.ptp(columns) + 1} pixels")

# %% tags=["plot"]
figure = Figure(figsize=(9, 2.6), layout="constrained")
axes = figure.subplots(1, 2)
plots.show_pixels(plots.picture_in(axes[0], "one input pixel is changed"), eyes[0])
axes[0].plot(27, 17, "o", color=plots.ORANGE)
window = np.array([[-9.5, 9.5, 9.5, -9.5, -9.5], [-9.5, -9.5, 9.5, 9.5, -9.5]])
axes[0].plot(27 + window[0], 17 + window[1], color=plots.ORANGE)
shown = axes[1].imshow(np.log10(noticed + 1e-9), cmap="cividis", vmin=-6, vmax=-1)
axes[1].set_title("the outputs that change", fontsize="small")
axes[1].set(xticks=[], yticks=[])
figure.colorbar(shown, ax=axes[1], label="log10 of the change")
notebook.show(
    figure,
    "left, the changed pixel and a window of 19 x 19 pixels round it. Right, by how much each output changes.",
)

# %% tags=["check"]
assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (19, 19)
assert noticed.max() == noticed[13:22, 23:32].max()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Most near the middle. Many paths through the layers lead to a near pixel, only one to a corner.
#
# </details>
#
# So R cannot compare one end of an eye with the other. But our pupils are about 9 pixels wide, so R sees enough to
# move a pupil or paint over it. Self-regularisation, in section 5, has to prevent that, and [notebook
# 09](09_is_it_useful.ipynb) measures whether it did.

# %% [markdown] tags=["task"]
# ### Exercise 02.3 · Any refiner's receptive field
#
# Write `refiner_sees(blocks, kernel_size)`: the side of the window, in pixels. The refiner has one opening
# convolution and `blocks` residual blocks with kernels of `kernel_size`. A 1 x 1 convolution ends it.
#
# *Expected:* `refiner_sees(4, 3)` is 19. The paper's refiner for hands, with 10 blocks and 7 x 7 kernels, sees 127 of
# 224 pixels.


# %% tags=["exercise"]
def refiner_sees(blocks, kernel_size): ...


# %% [markdown]
# <details><summary>Hint</summary>
#
# A pixel sees itself: 1. How many pixels does one convolution add to the side? How many convolutions are there?
# [solution](solutions/02_refiner.ipynb)
#
# </details>


# %% tags=["solution"]
def refiner_sees(blocks, kernel_size):
    convolutions = 1 + 2 * blocks
    return 1 + convolutions * (kernel_size - 1)


assert verdict("02.3", refiner_sees)[0]

# %% tags=["shared"]
check("02.3", refiner_sees)

# %% [markdown] tags=["solution"]
# Each convolution of size k adds k - 1 pixels. The refiner for hands has 21 of them.

# %% [markdown] tags=["task"]
# ### Exercise 02.4 · To see further for the same price
#
# A refiner with 3 x 3 kernels should see 35 pixels, the image's height, with at most 296,129 parameters. Use as few
# blocks as needed, then as many maps as fit.
#
# *Expected:* `design = (filters, blocks)`, two whole numbers.
# `simgan_lib.build_refiner(filters=..., blocks=...).count_params()` counts.

# %% tags=["exercise"]
design = ...

# %% [markdown]
# <details><summary>Hint</summary>
#
# Exercise 02.3 gives the blocks, and 02.1 says how parameters grow with the maps. Then try numbers.
# [solution](solutions/02_refiner.ipynb)
#
# </details>

# %% tags=["solution"]
design = (45, 8)
assert verdict("02.4", design)[0]

# %% tags=["shared"]
check("02.4", design)

# %% tags=["solution"]
for filters, blocks in [(64, 4), (64, 8), (46, 8), (45, 8)]:
    count = simgan_lib.build_refiner(filters=filters, blocks=blocks).count_params()
    print(f"{filters} maps, {blocks} blocks: sees {3 + 4 * blocks} pixels, {count:,} parameters")

# %% [markdown] tags=["solution"]
# Parameters grow with the *square* of the number of maps, and in proportion to the number of blocks. So twice the
# blocks cost as much as $\sqrt 2$ times the maps, and 64 / $\sqrt 2$ is about 45.

# %% [markdown]
# ## 5. Random weights, and learning to copy
#
# We compare an R with random weights and an R that learns to copy. The second minimises the mean of |R(x) - x| alone:
# **self-regularisation**, one of the two parts of R's loss. The paper takes 1,000 such steps, we take 60.
#
# **Predict.** What will the random R show: the eye, nothing, or something between?

# %%
config = scale.config
R = simgan_lib.build_refiner(filters=config.filters, seed=0)
untrained = ops.convert_to_numpy(R(x))
print(f"untrained: mean |R(x) - x| = {np.abs(untrained - x).mean():.2f}, of a range of 2")

# %%
R.compile(keras.optimizers.Adam(config.refiner_learning_rate, config.beta_1), "mean_absolute_error")
steps, batch = config.refiner_pretraining_steps, config.batch_size
images = to_float(data.synthetic.images[: steps * batch])
R.fit(images, images, batch_size=batch, epochs=1, verbose=0)
copied = ops.convert_to_numpy(R(x))
print(f"after {steps} steps: mean |R(x) - x| = {np.abs(copied - x).mean():.3f}")

# %% tags=["plot"]
rows = {"synthetic": eyes, "random R": to_uint8(untrained), "trained\nto copy": to_uint8(copied)}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "synthetic eyes, the output of a random refiner, and the output of one that was trained to copy.",
)

# %% tags=["check"]
assert np.abs(copied - x).mean() < np.abs(untrained - x).mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Something between: the outlines of an eye, with wrong gray levels. Random filters pass edges.
#
# </details>
#
# The copying R keeps labels true and adds no realism. After 60 steps its pupils are too gray.

# %% [markdown]
# ## What you have learned
#
# - R works at full resolution. It could move a pupil, which self-regularisation must prevent.
# - A residual block adds a change to its input. No shortcut leads from x to R(x).
# - The paper's R has 296,129 parameters and sees 19 x 19 pixels.
# - Trained on self-regularisation alone, R learns to copy.
#
# ## References
#
# - Shrivastava et al. 2017, "Adversarial Loss with Self-Regularization" and "Appearance-based Gaze Estimation"; the figure
#   of the residual block.
# - He et al., *Deep residual learning for image recognition*, CVPR 2016.
# - Bojja 2018, section 3.2: the same refiner. The tanh is from the report's published code.
#
# **Next:** [03 · The discriminator](03_discriminator.ipynb)
