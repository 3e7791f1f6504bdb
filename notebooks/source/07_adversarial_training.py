# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 07 · Adversarial training
# <!-- colab:notebooks/07_adversarial_training.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two CPU cores. A GPU makes it faster; nothing here needs one.*
#
# **You will be able to**
#
# - write Algorithm 1 of the paper as a loop of ten lines, and say what each line changes and leaves alone;
# - say which number format your processor should train in, and find out by timing rather than by hearsay;
# - read a training from its logs: who is winning, and how much R repaints;
# - stop a training, go on the next day, and prove that nothing was lost;
# - estimate what a schedule costs before you start it.
#
# **You need** the refiner (02), the discriminator (03), the losses (04), pre-training (05) and the history
# buffer (06). Today they play against each other.

# %% tags=["shared", "setup"]
import time

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import backends, diagrams, losses, notebook, plots, widgets
from simgan_lib.data import to_float
from simgan_lib.losses import REAL, REFINED

scale = notebook.start()

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
synthetic, real = data.synthetic.images, data.real.images
print("synthetic:", synthetic.shape, " simulated webcam:", real.shape)

# %% [markdown]
# (What the paper calls *real* is here a *simulated webcam*: drawn too, in another style, so that the
# course runs offline. To the algorithm it makes no difference: they are images without labels.)
#
# ## 1. Algorithm 1, line by line
#
# Two networks, two losses, one rule: **each network takes its steps while the other stands still.**

# %%
notebook.show(
    diagrams.algorithm(),
    "one round of Algorithm 1. R takes $K_g$ steps against D as it is now; then D takes $K_d$ steps "
    "against R as it is now, with half of its refined images from the past.",
)

# %% [markdown]
# The paper's algorithm, in our words, beside the code that you will run:
#
# | Algorithm 1 | our code |
# |---|---|
# | for t = 1 ... T | `train` calls `round` T times |
# | &nbsp;&nbsp;repeat $K_g$ times | `for k in range(self.config.refiner_updates):` |
# | &nbsp;&nbsp;&nbsp;&nbsp;sample synthetic images x | `x_r[k]` |
# | &nbsp;&nbsp;&nbsp;&nbsp;take a step of R down the slope of $L_R$ | `self.update_refiner(x_r[k])` |
# | &nbsp;&nbsp;repeat $K_d$ times | `for k in range(self.config.discriminator_updates):` |
# | &nbsp;&nbsp;&nbsp;&nbsp;sample synthetic x and real y | `x_d[k]`, `y[k]` |
# | &nbsp;&nbsp;&nbsp;&nbsp;refine with R as it is now | `self.buffer.mix(self.refiner(x_d[k]))` |
# | &nbsp;&nbsp;&nbsp;&nbsp;take a step of D down the slope of $L_D$ | `self.update_discriminator(y[k], refined)` |
#
# We write the three methods of `SimGAN` that matter. They are the library's code, line for line. First $L_R$ (notebook 04).
# The second value that it returns is what goes into the log.


# %% tags=["shared", "taught:simgan"]
def refiner_loss(self, x):
    refined = self.refiner(x, training=True)
    adversarial = self.adversarial_loss(self.discriminator(refined, training=True), REAL)
    kept = self.self_regularisation(refined, x)
    loss = adversarial + self.config.lambda_mean * kept
    return loss, {
        "refiner_loss": loss,
        "adversarial_loss": adversarial,
        "self_regularisation": kept,
        "mean_change": ops.mean(ops.abs(refined - x)),
    }


# %% [markdown]
# Then $L_D$. D looks at real and refined images in one pass, and its answers are split afterwards.


# %% tags=["shared", "taught:simgan"]
def discriminator_loss(self, real, refined):
    # One pass over both uses the processor better than two.
    logits = self.discriminator(ops.concatenate([real, refined]), training=True)
    on_real, on_refined = ops.split(logits, [real.shape[0]])
    loss = self.adversarial_loss(on_real, REAL) + self.adversarial_loss(on_refined, REFINED)
    return loss, {
        "discriminator_loss": loss,
        "accuracy_real": losses.accuracy(on_real, REAL),
        "accuracy_refined": losses.accuracy(on_refined, REFINED),
    }


# %% [markdown]
# And the round. Only *half* a batch is refined for D: `mix` takes the other half from the history buffer (notebook 06).


# %% tags=["shared", "taught:simgan"]
def round(self, x_r, x_d, y):
    for k in range(self.config.refiner_updates):  # lines 2 to 5
        logs = self.update_refiner(x_r[k])
    for k in range(self.config.discriminator_updates):  # lines 6 to 9
        refined = self.buffer.mix(self.refiner(x_d[k], training=True))
        logs |= self.update_discriminator(y[k], refined)
    return logs | {"history_filled": self.buffer.fraction_filled()}


# %% [markdown]
# `update_refiner` takes one optimiser step of R on `refiner_loss`, and `update_discriminator` one of D on
# `discriminator_loss`. A subclass of `SimGAN` takes methods of its own, so we put ours in:


# %% tags=["shared"]
class Ours(simgan_lib.SimGAN):
    refiner_loss, discriminator_loss, round = refiner_loss, discriminator_loss, round


# %% [markdown]
# A round needs a batch for each of its updates.

# %% tags=["shared"]
rng = np.random.default_rng(0)


def draw(images, updates, number):
    chosen = rng.integers(len(images), size=updates * number)
    return to_float(images[chosen]).reshape(updates, number, 35, 55, 1)


def batches(config):
    k_g, k_d, size = config.refiner_updates, config.discriminator_updates, config.batch_size
    return draw(synthetic, k_g, size), draw(synthetic, k_d, size // 2), draw(real, k_d, size)


# %% [markdown]
# `SimGAN` holds the two networks, their optimisers and the history. We build one in plain float32 (section
# 2 says what else there is) and take three rounds by hand.

# %%
config = scale.config.replace(precision="float32", discriminator_updates=2)
model = Ours(config)

# %%
for number in range(1, 4):
    logs = model.round(*batches(config))
    l_r, l_d = float(logs["refiner_loss"]), float(logs["discriminator_loss"])
    print(f"round {number}:  L_R {l_r:.3f}  L_D {l_d:.3f}")

# %% [markdown]
# $L_D$ starts near 2 ln 2 = 1.386: D answers "50%" to everything, and pays ln 2 for each half.
#
# **Predict.** One call of `update_refiner` computes D's answers too, and its gradient flows *through* D on
# its way to R. Does D change? Does the history buffer?


# %%
def changed_by(action):
    parts = {"R": model.refiner, "D": model.discriminator, "history buffer": model.buffer}
    before = {name: [v.numpy() for v in part.weights] for name, part in parts.items()}
    action()
    for name, part in parts.items():
        same = all(np.array_equal(a, v) for a, v in zip(before[name], part.weights, strict=True))
        print(f"  {name:<8}", "as before" if same else "changed")


# %%
x_r, x_d, y = batches(config)
print("update_refiner:")
changed_by(lambda: model.update_refiner(x_r[0]))
print("buffer.mix:")
changed_by(lambda: model.buffer.mix(model.refiner(x_d[0])))
print("update_discriminator:")
changed_by(lambda: model.update_discriminator(y[0], model.refiner(x_r[0])))

# %% tags=["check"]
before = [v.numpy() for v in model.discriminator.variables]
model.update_refiner(x_r[0])
assert all(np.array_equal(a, v) for a, v in zip(before, model.discriminator.variables, strict=True))

# %% [markdown]
# Each step changes its own side and nothing else. That sounds like bookkeeping, and it is where many
# public implementations break: with two networks glued into one model and a `trainable` flag switched to
# and fro, D gets trained inside R's step, or never. Exercise 2 shows what that looks like.
#
# ### The library's round
#
# `train` calls [`SimGAN.round`](../simgan_lib/simgan.py), which is the method above, and *compiles* it first: the whole
# round becomes one graph, which runs faster. Does that change the result? Take two fresh models with the same seed. One
# plays our round step by step, the other the library's as one graph, on the same images.

# %%
by_hand, by_library = Ours(config), simgan_lib.SimGAN(config)
compiled = backends.current().compile(by_library.round, by_library.state)

# %%
drawn = batches(config)
by_hand.round(*drawn)
logs = compiled([drawn])  # a list, as one call may take several rounds on a GPU


# %%
def flat(network):
    return np.concatenate([v.numpy().ravel() for v in network.trainable_variables])


start = simgan_lib.SimGAN(config)
for name in ("refiner", "discriminator"):
    hand, library, first = (flat(getattr(m, name)) for m in (by_hand, by_library, start))
    moved, apart = np.abs(hand - first).mean(), np.abs(hand - library).mean()
    print(f"{name}: a weight moved by {moved:.1e} on average; the two differ by {apart:.1e}")

# %% tags=["check"]
# Rounding may turn a step whose gradient is next to nothing; on average the weights agree.
assert apart < 0.05 * moved

# %% [markdown]
# The same round, up to rounding. From here on the library turns the handle.

# %% [markdown]
# ## 2. Device, precision, backend
#
# Most of the time goes into one operation, the 3 x 3 convolutions of R. Three things decide how fast it
# is: the **device**, the **number format** and the **backend** that Keras runs on.

# %%
backend = backends.current()
print("backend:", keras.backend.backend(), " device:", backend.device_name())
print("the module has:", ", ".join(("gradient_update", "compile", "device_name")))

# %% [markdown]
# Keras 3 hides almost everything that differs between backends, except *how one takes a gradient step*.
# TensorFlow records what happens on a tape and changes variables in place; JAX differentiates pure
# functions, so every variable has to be handed in and out. [`simgan_lib.backends`](../simgan_lib/backends) has one
# small module for each, with the same functions, and nothing else in the library knows which of
# them runs. To change it: `KERAS_BACKEND=jax jupyter lab`, before Keras is first imported.
#
# ### Which number format?
#
# | format | bits: exponent + fraction | smallest step above 1 | range |
# |---|---|---|---|
# | float32 | 8 + 23 | 0.0000001 | to 3e38 |
# | bfloat16 | 8 + 7 | 0.008 | to 3e38 |
# | float16 | 5 + 10 | 0.001 | to 65,504, and down to 6e-8 |
#
# Half the bits are half the memory traffic, and processors with instructions for them multiply two or more
# pairs where they multiplied one: `AVX512_BF16` and `AMX` on newer Intel and AMD CPUs, tensor cores on
# GPUs. A CPU *without* them has to convert there and back, and is slower than with float32. So nobody can tell
# you which is faster on *your* machine; time it.
#
# **Predict.** Which format wins here, and by how much?

# %%
seconds = backends.time_precisions()
for name, value in seconds.items():
    print(f"{name:<9} {1000 * value:6.1f} ms for a 3 x 3 convolution of R and its gradients")
print("chosen:", backends.fastest_precision(seconds))

# %% [markdown]
# `precision="auto"` does just that when a training begins, and asks for a gain of at least 15% before it
# gives digits away. A resumed training keeps the format it began with.
#
# Why *mixed* precision, with the weights themselves left in float32? Look at one weight and one step of Adam:

# %%
weight, step = 0.1, 1e-4
for name in ("float32", "bfloat16"):
    after = ops.add(ops.cast(weight, name), ops.cast(-step, name))
    print(f"{name}: {weight} - {step} is {float(ops.cast(after, 'float32')):.7f}")

# %% [markdown]
# In bfloat16 the step is lost: 0.1 itself becomes 0.1000977, and the next number below is farther away than a step. A network whose
# weights were bfloat16 would stop learning as soon as its steps got small, without any error message.
# So the convolutions compute in the short format, and weights, losses and R's output pixels stay float32.
# (float16 has finer steps and a small range: gradients under 6e-8 vanish. The library scales the loss
# up there, and the gradients down again.)

# %% tags=["check"]
assert float(ops.cast(after, "float32")) == float(ops.cast(ops.cast(weight, "bfloat16"), "float32"))

# %% [markdown]
# ## 3. A training, live
#
# Now the real thing: pre-training of both networks (notebook 05), then rounds. Everything that matters stands in
# one cell. Change it and run on from here; each training gets a folder of its own.

# %%
config = scale.config.replace(
    iterations=scale.live,
    lambda_mean=1.0,
    refiner_updates=1,
    discriminator_updates=5,
    refiner_averaging=0.97,
)

# %% [markdown]
# Or use the panel, which checks what you enter. If you run all cells, nothing changes.

# %%
panel = widgets.HyperparameterPanel(config, fields=("lambda_mean", "discriminator_updates"))
panel

# %%
config = panel.config
print("lambda_mean", config.lambda_mean, " K_d", config.discriminator_updates)

# %% [markdown]
# A `SimGAN` is an ordinary `keras.Model`, so callbacks attach to it; a round counts as a batch. We attach
# one that looks at the *brightness* of eight refined eyes, by R's latest weights and by their running
# average. What it finds is the story of section 6.


# %%
class Brightness(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.latest, self.averaged = {}, {}
        self.eyes = to_float(synthetic[:8])

    def on_train_batch_end(self, batch, logs=None):
        done = self.model.done["adversarial"]
        if self.model.phase == "adversarial" and done % 2 == 0:
            self.latest[done] = float(ops.mean(self.model.refiner(self.eyes)))
            self.averaged[done] = float(ops.mean(self.model.averaged_refiner()(self.eyes)))


# %% [markdown]
# **Predict**, before you run it: will $L_D$ go to 0, stay near 1.386, or something between? Will
# mean |R(x) - x| end nearer to 0.05 or to 0.3, of a range of 2?

# %%
folder, brightness = notebook.new_run_folder("07-adversarial"), Brightness()
trained = simgan_lib.train(data, config, folder, callbacks=[brightness], progress=False)
run = simgan_lib.Run(folder)
print(run, f"in {run.environment['training_seconds'] / 60:.1f} minutes,", trained.precision)

# %% [markdown]
# The folder now holds a complete record: settings, versions, metrics, snapshots, weights, checkpoint
# ([`simgan_lib.runs`](../simgan_lib/runs.py) lists the files). All files are replaced in one piece, so a second notebook can
# read the folder while the first still trains.

# %%
notebook.show(
    plots.timeline(run.snapshots, steps=5, count=8),
    "the same synthetic eyes after more and more rounds. At round 0 R has only learned to copy; then "
    "skin brightens, contrast grows and lids soften, as in simulated webcam images.",
)

# %%
notebook.show(
    plots.before_after(run.snapshots, run.real_name, count=10),
    "before, after, and the target. Compare the gray of the skin, the softness of the lid's edge, the "
    "noise; then look whether the dark of every iris is still where it was.",
)

# %% [markdown]
# Not finished, after so few rounds, but on its way. One thing to keep an eye on: irises turn dark, and the pupil is
# hard to find inside them. A person does not mind; a network that has to *read* the gaze may (notebook 09).
# How would we know how it goes without looking at pictures?

# %% [markdown]
# ## 4. Reading the logs
#
# A GAN's loss is not a distance to the goal. It is the score of a game between two players who both improve,
# and a falling curve may be bad news.

# %%
notebook.show(
    plots.loss_curves(run.metrics, run.real_name),
    "left, the two losses with what a guessing D would give (dotted); middle, how much R repaints; right, "
    "the share of patches that D gets right.",
)

# %% [markdown]
# | in the log | landmark | below it | above it |
# |---|---|---|---|
# | `discriminator_loss` | 2 ln 2 = 1.386: D guesses | D sees differences; near 0 it has won | D is worse than guessing: it lags behind R |
# | `adversarial_loss` | ln 2 = 0.693: D cannot tell | R fools D | D sees through R |
# | `accuracy_real`, `accuracy_refined` | 0.5: a guess | D is being fooled | near 1 on both: D has won |
# | `mean_change` | 0: R copies | R does (almost) nothing | above about 0.5 of 2: R paints its own pictures |
#
# A useful way to feel $L_D$: it is the sum of two mean cross-entropies, so $e^{-L_D/2}$ is the probability that D
# gives to the *right* answer, typically (the geometric mean).

# %%
rounds = run.metrics[run.metrics["phase"] == "adversarial"]
late = rounds[rounds["iteration"] > rounds["iteration"].max() / 2].mean(numeric_only=True)
for name in ("discriminator_loss", "adversarial_loss", "accuracy_real", "accuracy_refined"):
    print(f"{name:<20}{late[name]:.2f}")
print(f"{'mean_change':<20}{late['mean_change']:.2f}")
print(f"D gives the right answer {np.exp(-late['discriminator_loss'] / 2):.0%}, typically")

# %% [markdown]
# Notice that $L_D$ *rises* to its level: D begins with an easy job, and R makes it harder. Here that is progress. In
# a healthy game $L_D$ settles *below* 1.386 and well above 0: D keeps a small lead, so that R has someone to
# learn from, and R keeps it small. The report's curves settle near 1.1. D's accuracies stay between 50% and
# 90%, and neither runs away from the other.
#
# Two things the curves can **not** tell you: whether the images look real (both players may be
# equally bad), and whether the labels survived. Notebook 09 measures both.

# %% tags=["check"]
assert np.isfinite(rounds["discriminator_loss"]).all()
assert rounds["accuracy_real"].between(0, 1).all()
if scale.live > 10:
    # D has not won, and R is neither idle nor painting its own pictures.
    assert 0.5 < late["discriminator_loss"] < 1.5
    assert 0.05 < late["mean_change"] < 0.8

# %% [markdown]
# ### The same while it trains
#
# For trainings of your own there is a dashboard: curves, refined eyes and a verdict, redrawn as the run folder
# grows. `attach` shows any run folder, here the one that has just been finished. To train *in* it:
# `widgets.TrainingDashboard(data, panel, notebook.new_run_folder("mine"))`, then press Start.

# %%
widgets.TrainingDashboard.attach(folder)

# %% [markdown]
# The verdict below the curves comes from a few rules of thumb; notebook 10 derives them.
#
# The report watched its trainings in TensorBoard. Ours can do that too: with this callback, or with
# `simgan train --tensorboard`, TensorBoard shows the curves and the refined eyes.
#
#     simgan_lib.train(data, config, folder, callbacks=[simgan_lib.training.TensorBoard("logs", synthetic)])

# %% [markdown]
# ## 5. Stop, and go on
#
# Long trainings get interrupted: the lid of the laptop, the end of a Colab session, Ctrl-C (or the notebook's
# stop button, which ends a training at its next row of metrics). A checkpoint that holds only the weights is
# not enough.
#
# **Predict.** What else must be restored, so that the resumed training does *exactly* what it would
# have done without the interruption? Name four things before you read on.

# %%
groups = {"R": trained.refiner, "D": trained.discriminator}
groups |= {"R's Adam": trained.refiner_optimizer, "D's Adam": trained.discriminator_optimizer}
groups |= {"history buffer": trained.buffer}
for name, part in groups.items():
    print(f"{name:<15}{len(part.variables):>3} variables")
print("done:", trained.done)

# %% [markdown]
# Both optimisers have memories (Adam's two averages per weight, and R's running average). The history
# buffer has its images *and the state of its random numbers*. And `done`, the position in the shuffled
# data: batches depend on the seed and the step number alone.
#
# The proof: a run of 12 rounds in one go, and another that is stopped after 6. A tiny network is enough, as the
# point is bookkeeping.

# %% tags=["shared"]
tiny = simgan_lib.preset("smoke").replace(iterations=12, precision="float32")
whole, halves = notebook.new_run_folder("07-whole"), notebook.new_run_folder("07-halves")
simgan_lib.train(data, tiny, whole, progress=False)
simgan_lib.train(data, tiny.replace(iterations=6), halves, progress=False)
print(simgan_lib.Run(whole), simgan_lib.Run(halves), sep="\n")

# %% [markdown]
# To resume, ask for 12 rounds in the same folder. (`iterations` is the only setting that may differ; the library
# refuses the rest, because a run with two learning rates is not *a* run.)

# %%
simgan_lib.train(data, tiny, halves, resume=True, progress=False)
print(simgan_lib.Run(halves))


# %% tags=["shared"]
def restored(folder):
    model = simgan_lib.SimGAN(tiny)
    model.load_weights(simgan_lib.Run(folder).checkpoint())
    return model


def largest_difference(one, other):
    first, second = (
        [ops.convert_to_numpy(v).astype("float64") for v in restored(f).state] for f in (one, other)
    )
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


# %%
print("largest difference over all variables:", largest_difference(whole, halves))
same = simgan_lib.Run(whole).snapshots["refined"] == simgan_lib.Run(halves).snapshots["refined"]
print("pixels of the snapshots that are equal:", f"{same.mean():.1%}")

# %% tags=["check"]
assert largest_difference(whole, halves) < 1e-4

# %% [markdown]
# The interruption left no trace. (On some GPUs sums are taken in another order each time, and the last digits may
# differ.)

# %% [markdown]
# ## 6. R's running average
#
# Back to the brightness that we watched during training.

# %%
figure = Figure(figsize=(8, 2.8), layout="constrained")
axis = figure.subplots()
axis.plot(*zip(*brightness.latest.items(), strict=True), color=plots.BLUE, label="latest weights")
axis.plot(*zip(*brightness.averaged.items(), strict=True), color=plots.ORANGE, label="averaged")
axis.axhline(to_float(real).mean(), color=plots.GREEN, ls=":", label="simulated webcam images")
axis.set(xlabel="round", ylabel="mean gray of 8 refined eyes\n(-1 black, 1 white)")
axis.legend(fontsize="small")
notebook.show(
    figure,
    "brightness of eight refined eyes. The latest weights jump from round to round; their running "
    "average is calm, and late: it lags behind.",
)

# %% [markdown]
# R and D circle round each other like two people in a narrow corridor. D notices that refined eyes are too dark; R
# brightens them, overshoots; D notices that they are too bright; and so on. Where the training stops on that
# circle is an accident, and the *last* weights are that accident. So we average over the way:
#
# $$ \bar\theta \;\leftarrow\; 0.97\,\bar\theta + 0.03\,\theta \qquad\text{after each step of R} $$
#
# This remembers about 1 / 0.03 = 33 steps. The average never takes part in the game: D plays against the latest
# R. It is only what we *take home*: snapshots, `refiner.keras` and evaluations use it. It is our addition;
# neither the paper nor the report has it (`refiner_averaging=0` is theirs).
#
# Calm has its price. While R still drifts, as in a short training it does all the time, the average is some thirty rounds
# late. It may well end farther from the dotted line than many of the latest weights. What averaging is worth at the end
# of a longer training is a question for the records: without it, the gaze error came to
# {{ablation/no_averaging/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees, with it, in the baseline, to
# {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}. Notebook 09 says how much such numbers scatter.

# %%
wobble = [
    np.std(np.diff(list(curve.values()))) for curve in (brightness.latest, brightness.averaged)
]
print(f"typical jump in two rounds: {wobble[0]:.4f} latest, {wobble[1]:.4f} averaged")
same = trained.refine(synthetic[:8]) == simgan_lib.refine(run.refiner(), synthetic[:8])
print(f"pixels in which the trained model and the saved refiner agree: {same.mean():.1%}")

# %% [markdown]
# Both are the averaged R, in float32.

# %% tags=["check"]
assert same.all()
if scale.live > 10:
    assert wobble[1] < wobble[0]

# %% [markdown]
# ## 7. What does the report's schedule cost?
#
# 25,000 rounds of 1 R update and 10 D updates, batches of 32. Before starting anything of that size, measure a few
# rounds and multiply.

# %%
report = simgan_lib.preset("report").replace(precision=trained.precision)
big = simgan_lib.SimGAN(report)
drawn = batches(report)

# %%
compiled = backend.compile(big.round, big.state)
float(compiled([drawn])["discriminator_loss"])  # the first call compiles
begin = time.perf_counter()
for _ in range(3):
    float(compiled([drawn])["discriminator_loss"])  # a number in Python: the round has ended
per_round = (time.perf_counter() - begin) / 3
hours = report.iterations * per_round / 3600
print(f"measured: {per_round:.2f} s a round; calculated: {hours:.1f} hours for 25,000 rounds")

# %% [markdown]
# *(Measured on the machine that ran this notebook, three rounds, with whatever else it was doing; the hours are
# calculated from them.)*
#
# ### And on a GPU? Count the arithmetic
#
# A convolution multiplies and adds once per kernel weight, per pixel of its output. Two operations each:


# %%
def gflop(network, height=35, width=55):
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width = (-(-size // layer.strides[0]) for size in (height, width))
            total += 2 * np.prod(layer.kernel.shape) * height * width
    return total / 1e9


R, D = gflop(big.refiner), gflop(big.discriminator)
print(f"one image forwards: R {R:.2f} GFLOP, D {D:.3f} GFLOP")

# %% [markdown]
# R costs almost sixty times as much as D. A gradient costs about twice the forward pass (once for the
# weights, once for what lies below), so a training step is 3 forward passes:
#
# - an R update: 32 images, 3 passes of R, and 2 of D (forwards, and back to its input; D's weights need no gradient);
# - a D update: 16 images refined by R, forwards only; and 3 passes of D on 32 + 32 images.

# %%
step_of_r, step_of_d = 32 * (3 * R + 2 * D), 16 * R + 64 * 3 * D
work = step_of_r + 10 * step_of_d
print(f"R update {step_of_r:.0f}, D update {step_of_d:.0f}, a round {work:.0f} GFLOP")
print(
    f"R's share: {16 * R / step_of_d:.0%} of a D update, {(96 + 160) * R / work:.0%} of the round"
)
print(f"this machine managed {work / per_round:.0f} GFLOP/s")

# %% [markdown]
# Surprise: the ten D updates cost twice as much as the R update, and most of *that* is R, refining images for
# D. Without the history, which supplies half of them for nothing, a D update would cost nearly twice as much.
#
# The table below is **calculated, not measured**: published peak rates, and the assumption that a quarter of the peak is
# reached. Small images and small batches may well reach less; the CPU's line is this machine's measurement.

# %%
peaks = {"T4, float16": 65e3, "H200, bfloat16": 989e3}  # GFLOP/s, dense, as published
print(f"{'this machine':<16}{hours:8.1f} hours    (calculated from 3 measured rounds)")
for name, peak in peaks.items():
    minutes = report.iterations * work / (0.25 * peak) / 60
    print(f"{name:<16}{minutes:8.1f} minutes  (calculated at 25% of the published peak)")

# %% tags=["check"]
assert 320 < work < 340
assert 1.1 < R < 1.2

# %% [markdown]
# So the report's training is a matter of many hours on a CPU like ours, and on paper a coffee break on Colab's T4. The
# preset `quick` takes minutes on a CPU. It is the model that notebooks 02 to 07 build: R has half the feature maps, batches
# hold 16 images, and D takes five steps a round. Notebook 09 measures what it reaches.

# %% [markdown]
# ## What you have learned
#
# - A round is $K_g$ steps of R, then $K_d$ steps of D; each step changes one network and nothing of the other.
# - `train` compiles `SimGAN.round`. The compiled round gives the same weights up to rounding.
# - bfloat16 helps where the processor has instructions for it. Time it; keep weights in float32.
# - $L_D$ below 1.386 and well above 0, accuracies between 50% and 90%, and a change that is neither 0 nor huge: a
#   healthy game. Not yet a good result.
# - A checkpoint holds weights, optimisers, history, random states and the position in the data.
# - R's running average smooths the circle that R and D run in: calm, and a little late.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** How many images does each network learn from? Write `images_seen(config)`, which returns the number of
# synthetic images that R takes gradient steps on, and the number of images (real and refined) that D does. Compare the
# presets `quick`, `report` and `paper`.


# %% tags=["exercise"]
def images_seen(config): ...  # your code: (for R, for D)


# %% tags=["solution"]
def images_seen(config):
    steps = config.iterations * config.batch_size
    return steps * config.refiner_updates, steps * config.discriminator_updates * 2


# %% tags=["solution"]
for name in ("quick", "report", "paper"):
    by_r, by_d = images_seen(simgan_lib.preset(name))
    print(f"{name:<7} R: {by_r:>12,}  D: {by_d:>12,}  D/R: {by_d / by_r:.2f}")
assert images_seen(simgan_lib.preset("report")) == (800_000, 16_000_000)

# %% [markdown] tags=["solution"]
# The report shows D 20 images for each one of R's; the paper shows R 25 for each one of D's (1 / 0.04). The same
# algorithm, and a ratio that differs by a factor of 500. Both were published as working: the ratio
# matters less than that *neither* side wins, and learning rates, history and lambda shift the balance too.

# %% [markdown] tags=["task"]
# **2. Diagnose.** A colleague writes R's step with one optimiser over *all* variables, because "the loss goes through D
# anyway". Predict what D learns from R's loss. Then take ten of his steps, and look at D's accuracy on
# refined images before and after.

# %% tags=["exercise"]
# backends.current().gradient_update(loss_function, optimizer, variables, model.variables) takes a step;
# model.refiner_loss(x) is R's loss; model.discriminator_loss(y, refined)[1] has D's accuracies.


# %% tags=["solution"]
def accuracies(model):
    x, y = to_float(synthetic[:64]), to_float(real[:64])
    _, logs = model.discriminator_loss(y, model.refiner(x))
    names = {"accuracy_real": "simulated webcam", "accuracy_refined": "refined"}
    return ", ".join(f"{float(logs[key]):.0%} on {name}" for key, name in names.items())


# %% tags=["solution"]
settings = scale.config.replace(precision="float32", discriminator_updates=3)
broken = simgan_lib.SimGAN(settings)
for _ in range(5):
    broken.round(*batches(settings))
print("five proper rounds:  D is right", accuracies(broken))

# %% tags=["solution"]
everything = broken.refiner.trainable_variables + broken.discriminator.trainable_variables
optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)
optimizer.build(everything)
step = backends.current().gradient_update
for _ in range(10):
    x = draw(synthetic, 1, settings.batch_size)[0]
    step(lambda x=x: broken.refiner_loss(x), optimizer, everything, broken.variables)
print("ten broken R steps:  D is right", accuracies(broken))

# %% [markdown] tags=["solution"]
# R's loss is small when D calls refined images real, and the quickest way there is to *change D*: it learns to say "real" to
# everything. Its accuracy on refined images falls and that on real ones rises, the two mirror each other, and R is paid for
# nothing. In a full training the D updates pull the other way; suspect this bug when D's accuracy on refined
# images hangs below 50% and the pictures do not change. The cure is the `variables` argument: a step changes what it is handed, and
# nothing else.

# %% [markdown] tags=["task"]
# **3. Extend.** Section 5 stopped at the planned end of a run. Stop one *without warning*: write a callback that sets
# `model.stop_training` after round 7 of 12. The settings `tiny` log every second round. At which round does the training end?
# Resume the run, and compare with `whole`.

# %% tags=["exercise"]
# class StopAt7(keras.callbacks.Callback): ...


# %% tags=["solution"]
class StopAt7(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.done["adversarial"] == 7:
            self.model.stop_training = True


# %% tags=["solution"]
stopped = notebook.new_run_folder("07-stopped")
simgan_lib.train(data, tiny, stopped, callbacks=[StopAt7()], progress=False)
saved = restored(stopped).done
print(simgan_lib.Run(stopped), " steps of each phase in the checkpoint:", saved)
assert saved["adversarial"] == 8

# %% tags=["solution"]
simgan_lib.train(data, tiny, stopped, resume=True, progress=False)
print(simgan_lib.Run(stopped), " difference:", largest_difference(whole, stopped))
assert largest_difference(whole, stopped) < 1e-4

# %% [markdown] tags=["solution"]
# The training ends at round 8. A stop waits for the next row of metrics, so that a resumed run writes the same rows as one
# that was never stopped. Ctrl-C sets the same flag. A hard kill loses what came after the last checkpoint and no more.
# Files are replaced whole, and what the metrics hold beyond the checkpoint is cut on resuming.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, Algorithm 1 and sections 2.2 and 2.3.
# - Bojja 2018, section 3.2.4 (the schedule) and figures 1 and 2 (the curves).
# - Micikevicius et al., *Mixed precision training*, ICLR 2018 (why weights stay in float32; loss scaling).
# - Yazici et al., *The unusual effectiveness of averaging in GAN training*, ICLR 2019.
# - NVIDIA's data sheets of the T4 (65 TFLOP/s in float16) and the H200 (989 TFLOP/s in bfloat16, dense).
#
# **Next:** [08 · Results](08_results.ipynb)
