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
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - say why the refiner R is *residual* and *fully convolutional*, and what each of the two buys;
# - build a ResNet block from scratch and count its parameters by hand;
# - compute how far a refiner can see, and check the answer by poking one pixel;
# - tell an untrained refiner from one that has learned to leave images alone.
#
# **You need** notebook 01 (images as tensors in [-1, 1]) and to have met a convolution before.

# %% tags=["shared", "setup"]
from functools import partial

import keras
import numpy as np
from keras import layers, ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import diagrams, notebook, plots
from simgan_lib.data import to_float, to_uint8

scale = notebook.start()

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
eyes = data.synthetic.images[:8]
x = to_float(eyes)
print(x.shape, x.dtype, f"from {x.min():.2f} to {x.max():.2f}")

# %% [markdown]
# ## 1. What a refiner has to do, and must not do
#
# R takes a synthetic image x and gives an image R(x) of the same size: same eye, same gaze, but with
# the skin, the blur and the shadows of a webcam. Two wishes pull against each other.
#
# | wish | what it asks of the network |
# |---|---|
# | change how every pixel *looks* | look at each pixel's neighbourhood and repaint it |
# | keep *where things are*, because the label depends on it | never move, shrink or summarise the image |
#
# A network that pools or strides down to a small code and paints a new image from it must place everything
# anew. The pupil may land pixels away, and nobody would notice, except the gaze label, which would now be wrong.
# So R keeps the full resolution, and with it every pixel's place, from the first layer to the last: **stride 1, no
# pooling, no dense layer**. Such a network is *fully convolutional*: the same small repair rule at every place.
#
# **Predict.** R has no dense layer. What happens if we hand it an image of another size?

# %%
R = simgan_lib.build_refiner(image_shape=(None, None, 1), seed=0)
for height, width in [(35, 55), (36, 60), (70, 110)]:
    print((height, width), "->", tuple(R(np.zeros((1, height, width, 1), "float32")).shape[1:3]))

# %% [markdown]
# Any size goes in and the same size comes out. A dense layer would have fixed the size for ever.

# %% [markdown]
# ## 2. The residual block, from scratch
#
# The repair should be *small*: most of an eye is right already. It is hard for a stack of
# convolutions to learn "copy the input"; it is easy to learn "add nothing". So each block computes a
# *change* and adds it to what it was given:
#
# $$ h \;\mapsto\; \mathrm{ReLU}\bigl(h + \underbrace{W_2 * \mathrm{ReLU}(W_1 * h)}_{\text{the change}}\bigr) $$
#
# Where $W_2$ is zero, the block passes $h$ on untouched ($h$ is never negative here, as it comes out of
# a ReLU). That shortcut is the "residual" in ResNet.

# %%
notebook.show(
    diagrams.residual_block(),
    "a residual block. The arc carries the input past the two convolutions, which only have to say "
    "what should change.",
)

# %% [markdown]
# First the convolution that all layers share. `padding="same"` keeps the image's size. `dtype` is the number format
# (notebook 07), and `initializer` draws the first weights.


# %% tags=["taught:models"]
def _convolution(dtype, initializer):
    return partial(layers.Conv2D, padding="same", dtype=dtype, kernel_initializer=initializer)


# %% [markdown]
# And the block. This is the library's code, line for line.


# %% tags=["taught:models"]
def residual_block(features, filters, kernel_size, dtype=None, initializer="glorot_uniform"):
    conv = _convolution(dtype, initializer)
    change = conv(filters, kernel_size)(conv(filters, kernel_size, activation="relu")(features))
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([features, change]))


# %% [markdown]
# **Predict.** How many parameters does a block have, with 64 feature maps and 3 x 3 kernels? One kernel
# sees all 64 maps, there are 64 kernels, each with a bias, and two convolutions.

# %%
features = keras.Input((35, 55, 64))
one_block = keras.Model(features, residual_block(features, 64, 3))
print("by hand:", 2 * (3 * 3 * 64 * 64 + 64))
print("Keras:  ", one_block.count_params())

# %% [markdown]
# Now the claim that a block which has nothing to say lets everything through. We set the second
# convolution to zero and send positive features in.

# %%
second = one_block.layers[2]
second.set_weights([np.zeros_like(weight) for weight in second.get_weights()])
h = np.abs(np.random.default_rng(0).normal(size=(1, 35, 55, 64))).astype("float32")
print("largest difference:", float(np.abs(ops.convert_to_numpy(one_block(h)) - h).max()))

# %% [markdown]
# ## 3. The whole refiner
#
# A 3 x 3 convolution lifts the one gray channel to 64 feature maps, four blocks work on them, and a
# 1 x 1 convolution mixes them back to one channel. The last activation is tanh, whose output lies in
# [-1, 1] as the images do (the report's code; the paper's table has none).

# %%
notebook.show(
    diagrams.refiner(),
    "the refiner. Every box keeps the 35 x 55 pixels; the arcs are the shortcuts that carry the "
    "input of a block past its convolutions.",
)

# %%
image = keras.Input((35, 55, 1))
h = layers.Conv2D(64, 3, padding="same", activation="relu")(image)
for _ in range(4):
    h = residual_block(h, 64, 3)
from_scratch = keras.Model(image, layers.Conv2D(1, 1, activation="tanh")(h))
print("ours:", from_scratch.count_params(), " library:", simgan_lib.build_refiner().count_params())

# %% [markdown]
# The same number. From here on we use the library's: `simgan_lib.build_refiner`, whose
# [source](../simgan_lib/models.py) reads like the cell above and calls the same block.

# %% tags=["check"]
assert from_scratch.count_params() == simgan_lib.build_refiner().count_params() == 296_129
assert from_scratch.output_shape == (None, 35, 55, 1)

# %% [markdown]
# ## 4. How far can R see?
#
# Each 3 x 3 convolution lets a pixel hear from its neighbours one step away. There are 1 + 4 x 2 = 9 of
# them, and the 1 x 1 adds nothing. So an output pixel depends on input pixels at most 9 steps away:
# a window of 19 x 19, its **receptive field**.
#
# **Predict.** The pupil of our eyes is about 10 pixels wide and the image 55. Can R know, while it
# repaints a lash, where the light comes from on the cheek at the other end of the image?
#
# Do not believe the arithmetic; poke it. We change one pixel and see which outputs notice.

# %%
R = simgan_lib.build_refiner(seed=0)
poked = x[:1].copy()
poked[0, 17, 27, 0] += 0.5
noticed = np.abs(ops.convert_to_numpy(R(poked) - R(x[:1])))[0, ..., 0]
rows, columns = np.nonzero(noticed > 0)
print(f"outputs that changed: {np.ptp(rows) + 1} x {np.ptp(columns) + 1} pixels")

# %%
figure = Figure(figsize=(9, 2.4), layout="constrained")
axes = figure.subplots(1, 2)
axes[0].imshow(eyes[0], cmap="gray")
axes[0].plot(27, 17, "o", color=plots.ORANGE)
axes[0].set_title("one input pixel is changed")
shown = axes[1].imshow(np.log10(noticed + 1e-9), cmap="cividis", vmin=-6, vmax=-1)
axes[1].set_title("which outputs notice")
figure.colorbar(shown, ax=axes[1], label="log10 of the change")
for axis in axes:
    axis.axis("off")
notebook.show(
    figure,
    "left, the pixel we changed (orange). Right, the outputs that changed: a square of 19 x 19 "
    "pixels, and most strongly in its middle.",
)

# %% tags=["check"]
assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (19, 19)

# %% [markdown]
# So R is local: it can sharpen a lash, darken a lid, roughen skin, but it cannot reason about the
# whole face. For SimGAN that is a virtue: **a refiner that cannot see far can move things by a few pixels at
# most.** Even a few would spoil a label, and nothing in the network forbids them. To prevent even that is the work of
# self-regularisation (section 5), and whether it did is measured in notebook 09.

# %% [markdown]
# ## 5. Two refiners that know nothing
#
# **Predict.** What does a refiner with random weights show? And one that is trained for a minute on
# nothing but "give back what you got"?

# %%
untrained = ops.convert_to_numpy(R(x))
print(f"untrained: mean |R(x) - x| = {np.abs(untrained - x).mean():.2f} (of a range of 2)")

# %% [markdown]
# Only the ghost of an eye is left: convolutions with random weights are random filters, which find edges
# and forget gray levels. Now we minimise mean |R(x) - x| alone, which is
# **self-regularisation**, the second half of the refiner's loss (notebook 04). The paper takes 1,000
# such steps before anything adversarial happens (notebook 05); 60 are enough to see it.

# %%
R.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), loss="mean_absolute_error")
steps = scale.live // 2
images = to_float(data.synthetic.images[: 32 * steps])
history = R.fit(images, images, batch_size=32, epochs=1, verbose=0)
identity = ops.convert_to_numpy(R(x))
print(f"{len(images) // 32} steps: mean |R(x) - x| = {np.abs(identity - x).mean():.3f}")

# %%
rows = {"synthetic": eyes, "untrained R": to_uint8(untrained), "after L1 only": to_uint8(identity)}
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "synthetic eyes, what a random refiner makes of them, and what a refiner makes of them that was "
    "trained to change nothing. Only the last is a good place to start a game from.",
)

# %% tags=["check"]
# A refiner that was trained to copy copies better than a random one.
assert np.abs(identity - x).mean() < np.abs(untrained - x).mean()

# %% [markdown]
# This *identity refiner* is the null hypothesis of the course: it keeps every label and adds no realism.
# Any refiner we train later must beat it on realism without losing what it keeps.

# %% [markdown]
# ## What you have learned
#
# - R is fully convolutional at full resolution: it keeps every pixel's place by construction, and can move things at most
#   a few pixels. Self-regularisation must prevent even that.
# - A residual block adds a change to its input, so "change nothing" is the easy case.
# - R has 296,129 parameters and sees 19 x 19 pixels; both can be worked out on paper.
# - Trained on self-regularisation alone, R becomes the identity.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** Write a function for the receptive field of a refiner with `blocks` residual blocks of
# kernel size `kernel_size`, and one opening convolution of the same kernel size. What does the paper's
# refiner for hands see (7 x 7 kernels, 10 blocks)?


# %% tags=["exercise"]
def refiner_sees(blocks, kernel_size): ...  # your code


# %% tags=["solution"]
def refiner_sees(blocks, kernel_size):
    convolutions = 1 + 2 * blocks
    return 1 + convolutions * (kernel_size - 1)


print("gaze:", refiner_sees(4, 3), " hands:", refiner_sees(10, 7), "of 224 pixels")
assert refiner_sees(4, 3) == 19

# %% [markdown] tags=["solution"]
# Every convolution of size k adds k - 1 pixels to the window. The hands' refiner has 21 of them, so it
# sees 127 of 224 pixels: in proportion rather more than the gaze refiner, and its kernels cost
# 49 instead of 9 weights per pair of maps.

# %% [markdown] tags=["task"]
# **2. Predict, then run.** The gaze refiner sees 19 pixels. A colleague wants 35, the image's height, with
# the same number of parameters. Is it possible with 3 x 3 kernels? Try `filters` and `blocks` of
# `build_refiner`.

# %% tags=["exercise"]
print(simgan_lib.build_refiner(filters=64, blocks=4).count_params())

# %% tags=["solution"]
for filters, blocks in [(64, 4), (64, 8), (45, 8)]:
    count = simgan_lib.build_refiner(filters=filters, blocks=blocks).count_params()
    print(f"{filters} maps, {blocks} blocks: sees {3 + 4 * blocks} pixels, {count:,} parameters")

# %% [markdown] tags=["solution"]
# Eight blocks see 35 pixels. Parameters grow with the *square* of the number of maps and only
# linearly with depth, so 45 maps instead of 64 pay for twice the depth: $(64/45)^2 \approx 2$.

# %% [markdown] tags=["task"]
# **3. Diagnose.** Someone "simplified" the block: `change` has a ReLU after its second convolution too,
# before the sum. Training works, but refined images can only ever get *one* kind of change. Which, in
# terms of the features, and why does it matter?

# %% tags=["exercise"]
# Compare the sign of what the block adds, with and without that ReLU.


# %% tags=["solution"]
def simplified(features):
    change = layers.Conv2D(64, 3, padding="same", activation="relu")(features)
    return layers.Conv2D(64, 3, padding="same", activation="relu")(change)


# %% tags=["solution"]
features = keras.Input((35, 55, 64))
added = keras.Model(features, simplified(features))
h = np.abs(np.random.default_rng(0).normal(size=(1, 35, 55, 64))).astype("float32")
print("smallest change:", float(ops.convert_to_numpy(added(h)).min()))
assert float(ops.convert_to_numpy(added(h)).min()) >= 0

# %% [markdown] tags=["solution"]
# The change is never negative: features can only grow from block to block. A block can no longer take
# back what an earlier one added, nor switch a feature off, which a refiner that has to *remove* a crisp
# edge needs. The paper's block has its last ReLU after the sum.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, sections 3.1 and 4.1, figure 6 (the residual block).
# - He et al., *Deep residual learning for image recognition*, CVPR 2016.
# - Bojja 2018, section 3.2: the same refiner with tanh.
#
# **Next:** [03 · The discriminator](03_discriminator.ipynb)
