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
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - read Algorithm 1 of the paper as a loop of ten lines, and say what each line changes;
# - read a training from its logs: who is ahead, and how much R changes;
# - stop a training, go on the next day, and prove that nothing was lost;
# - estimate what a schedule costs before you start it.
#
# **You need** notebooks 02 to 06.

# %% tags=["shared", "setup"]
import time

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check
from simgan_lib import backends, diagrams, losses, notebook, plots, widgets
from simgan_lib.config import UserError
from simgan_lib.data import to_float
from simgan_lib.losses import REAL, REFINED

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refiner refined history discriminator answer"),
    "where this notebook is on the map of the method. The whole game between R and D.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
synthetic, real = data.synthetic.images, data.real.images
print("synthetic:", synthetic.shape, " simulated webcam:", real.shape)

# %% [markdown]
# ## 1. Algorithm 1, line by line
#
# **While one network takes its steps, the other stands still.**

# %% tags=["plot"]
notebook.show(
    diagrams.algorithm(),
    "one round of Algorithm 1. R takes $K_g$ steps against D as it is. Then D takes $K_d$ steps against R as it is, with half "
    "of the refined images from the past.",
)

# %% [markdown]
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
# The next three methods are the library's code, line for line. The first is $L_R$ of notebook 04. Each loss
# also returns what is logged.


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
# For $L_D$, D looks at real and refined images in one pass.


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
# In the round, R refines *half* a batch for D, and `mix` of notebook 06 adds half from the past.


# %% tags=["shared", "taught:simgan"]
def round(self, x_r, x_d, y):
    for k in range(self.config.refiner_updates):  # lines 2 to 5
        logs = self.update_refiner(x_r[k])
    for k in range(self.config.discriminator_updates):  # lines 6 to 9
        refined = self.buffer.mix(self.refiner(x_d[k], training=True))
        logs |= self.update_discriminator(y[k], refined)
    return logs | {"history_filled": self.buffer.fraction_filled()}


# %% [markdown]
# `update_refiner` takes an optimiser step of R on `refiner_loss`, and `update_discriminator` one of D on
# `discriminator_loss`. Our methods go into a subclass.


# %% tags=["shared"]
class Ours(simgan_lib.SimGAN):
    refiner_loss, discriminator_loss, round = refiner_loss, discriminator_loss, round


rng = np.random.default_rng(0)


def draw(images, updates, number):
    chosen = rng.integers(len(images), size=updates * number)
    return to_float(images[chosen]).reshape(updates, number, 35, 55, 1)


def batches(config):
    k_g, k_d, size = config.refiner_updates, config.discriminator_updates, config.batch_size
    return draw(synthetic, k_g, size), draw(synthetic, k_d, size // 2), draw(real, k_d, size)


# %%
config = scale.config.replace(precision="float32")
model = Ours(config)
for number in range(1, 4):
    logs = model.round(*batches(config))
    l_r, l_d = float(logs["refiner_loss"]), float(logs["discriminator_loss"])
    print(f"round {number}:  L_R {l_r:.3f}  L_D {l_d:.3f}")

# %% [markdown]
# A D that guesses has $L_D$ = 2 ln 2 = 1.386, so D is ahead after one round. The log shows the last of its
# five steps.
#
# **Predict.** `update_refiner` computes D's answers too, and its gradient flows *through* D to R. Does D change? Does the history buffer?


# %% tags=["shared"]
def changed_by(action, model):
    parts = {"R": model.refiner, "D": model.discriminator, "history buffer": model.buffer}
    before = {name: [v.numpy() for v in part.weights] for name, part in parts.items()}
    action()
    same = {n: map(np.array_equal, before[n], part.weights) for n, part in parts.items()}
    return [name for name, each in same.items() if not all(each)]


# %%
x_r, x_d, y = batches(config)
steps = {
    "update_refiner": lambda: model.update_refiner(x_r[0]),
    "buffer.mix": lambda: model.buffer.mix(model.refiner(x_d[0])),
    "update_discriminator": lambda: model.update_discriminator(y[0], model.refiner(x_r[0])),
}
changed = {name: changed_by(action, model) for name, action in steps.items()}
print(*(f"{name} changes {parts}" for name, parts in changed.items()), sep="\n")

# %% tags=["check"]
assert list(changed.values()) == [["R"], ["history buffer"], ["D"]]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Neither. Each step changes its own part alone.
#
# </details>
#
# Some public codes fail here. They join both networks in one model and switch D's `trainable` flag, which
# Keras 3 reads when a step is first called. If it is switched too late, R's step trains D too, as in exercise
# 07.4, or D's step trains nothing.
#
# ### The library's round
#
# `train` first *compiles* [`SimGAN.round`](../simgan_lib/simgan.py) to one graph, which is faster. Does that
# change the result? One model plays our round step by step, another the library's graph, with the same seed
# and images.

# %%
by_hand, by_library = Ours(config), simgan_lib.SimGAN(config)
compiled = backends.current().compile(by_library.round, by_library.state)
drawn = batches(config)
by_hand.round(*drawn)
logs = compiled([drawn])  # a list, as one call may take several rounds on a GPU


# %%
def flat(network):
    return np.concatenate([v.numpy().ravel() for v in network.trainable_variables])


untrained = simgan_lib.SimGAN(config)
for name in ("refiner", "discriminator"):
    hand, library, first = (flat(getattr(m, name)) for m in (by_hand, by_library, untrained))
    moved, apart = np.abs(hand - first).mean(), np.abs(hand - library).mean()
    print(f"{name}: a weight moved by {moved:.1e}, the two differ by {apart:.1e} (means)")

# %% tags=["check"]
# Rounding may turn a step whose gradient is next to nothing; on average the weights agree.
assert apart < 0.05 * moved

# %% [markdown]
# The round is the same, up to rounding. From here on the library runs the round. With `precision="auto"` it
# also chooses your device's fastest [number format](../docs/speed.md).

# %% [markdown] tags=["task"]
# ### Exercise 07.1 · Who sees how much?
#
# From how many images does each network learn in the rounds, without pre-training? Write
# `images_seen(config)`. It returns two numbers: the synthetic images in R's steps, and the real *and* refined
# images in D's. *Expected:* `(800000, 16000000)` for the preset `report`.
#
# <details><summary>Hint</summary>
#
# A round has `config.refiner_updates` steps of R, each on `config.batch_size` images. A step of D has as many refined images as real ones.
#
# </details>
#
# [solution](solutions/07_adversarial_training.ipynb)


# %% tags=["exercise"]
def images_seen(config): ...


# %% tags=["solution"]
from simgan_exercises import verdict


def images_seen(config):
    each = config.iterations * config.batch_size
    return each * config.refiner_updates, 2 * each * config.discriminator_updates


for name in ("quick", "report", "paper"):
    by_r, by_d = images_seen(simgan_lib.preset(name))
    print(f"{name:<7} R: {by_r:>12,}  D: {by_d:>12,}  D/R: {by_d / by_r:.2f}")
assert verdict("07.1", images_seen)[0]

# %% tags=["shared"]
check("07.1", images_seen)

# %% [markdown] tags=["solution"]
# The report shows D 20 images for each one of R's. The paper shows R 25 for each one of D's.

# %% [markdown]
# ## 2. A training, live
#
# Now a whole training, with pre-training. The preset `quick` takes minutes: 600 rounds, batches of 16, half
# the paper's feature maps in R, and five steps of D a round. We take its settings and fewer rounds. The panel
# changes two settings, and checks what you enter.

# %%
config = scale.config.replace(iterations=scale.live)
panel = widgets.HyperparameterPanel(config, fields=("lambda_mean", "discriminator_updates"))
panel

# %%
config = panel.config
print("lambda_mean", config.lambda_mean, " K_d", config.discriminator_updates)

# %% [markdown]
# A `SimGAN` is a `keras.Model`, so callbacks attach to it. A round counts as a batch. For section 5, this
# callback records the *brightness* of eight refined eyes, with R's latest and with averaged weights.


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
# **Predict.** Will $L_D$ go to 0, stay near 1.386, or settle between? Will the mean of |R(x) - x| end nearer to 0.05 or to 0.3?

# %%
folder, brightness = notebook.new_run_folder("07-adversarial"), Brightness()
trained = simgan_lib.train(data, config, folder, callbacks=[brightness], progress=False)
run = simgan_lib.Run(folder)
print(run, f"in {run.environment['training_seconds'] / 60:.1f} minutes, {trained.precision}")

# %% [markdown]
# The folder holds settings, metrics, snapshots, weights and checkpoints. [Its files](../docs/run-folder.md)
# are replaced whole, so a second notebook can read them meanwhile.

# %% tags=["plot"]
notebook.show(
    plots.before_after(run.snapshots, run.real_name, count=8),
    "before, after, and the target, which shows other eyes. Compare the gray of the skin, the softness of the lid's edge "
    "and the noise. Then look whether each iris is still where it was.",
)

# %% [markdown]
# After so few rounds lids and irises are dark, and pupils cannot be seen. The skin has more contrast, but no
# grain.

# %% [markdown]
# ## 3. Reading the logs
#
# A GAN's loss is the score of a game, not a distance to a goal.

# %% tags=["plot"]
notebook.show(
    plots.loss_curves(run.metrics, run.real_name),
    "left, the losses, and dotted what a D that guesses would give. Middle, how much R changes. Right, the share of "
    "patches that D gets right.",
)

# %% [markdown]
# | in the log | landmark | below it | above it |
# |---|---|---|---|
# | `discriminator_loss` | 2 ln 2 = 1.386: D guesses | D sees differences | D is worse than a guess |
# | `adversarial_loss`, the adversarial term | ln 2 = 0.693: D cannot tell | D takes R's images for real | D recognises them |
# | `accuracy_real`, `accuracy_refined` | 0.5: a guess | D is mostly wrong | near 1 on both: D is sure |
# | `mean_change` | 0: R copies | | above about 0.5 of 2: very much |

# %%
rounds = run.metrics[run.metrics["phase"] == "adversarial"]
late = rounds[rounds["iteration"] > rounds["iteration"].max() / 2].mean(numeric_only=True)
late[
    ["discriminator_loss", "adversarial_loss", "accuracy_real", "accuracy_refined", "mean_change"]
].round(2)

# %% tags=["check"]
assert np.isfinite(rounds["discriminator_loss"]).all()
assert rounds["accuracy_real"].between(0, 1).all()
if scale.live > 10:
    # D has not won, and R is neither idle nor painting its own pictures.
    assert 0.4 < late["discriminator_loss"] < 1.5
    assert 0.05 < late["mean_change"] < 0.8

# %% [markdown]
# <details><summary>Answer</summary>
#
# $L_D$ settles between, here at about 0.9: D keeps a lead. The change ends nearer to 0.3, and has not
# settled.
#
# </details>
#
# The curves do **not** say whether images look like the target's, as both networks may be bad, or whether
# labels were kept. Notebooks 09 and 10 measure both.
#
# So no curve says when to stop. Fix the number of rounds, then measure. Go on only while the measure improves by more than its spread over
# seeds.

# %% [markdown] tags=["task"]
# ### Exercise 07.2 · How sure is D?
#
# $L_D$ is a sum of mean cross-entropies, each minus the logarithm of a probability. Write `lead(loss, terms)`: the
# probability that D gives to the right answer, as a geometric mean over patches and terms. *Expected:* 0.5 for 1.386 and two terms, and 0.69 for
# 1.1 and three terms.
#
# <details><summary>Hint</summary>
#
# What is one term, on average? It is $-\log p$. Solve for p.
#
# </details>
#
# [solution](solutions/07_adversarial_training.ipynb)


# %% tags=["exercise"]
def lead(loss, terms): ...


# %% tags=["solution"]
def lead(loss, terms):
    return np.exp(-loss / terms)


print(f"two terms at 1.1: {lead(1.1, 2):.0%}, three terms: {lead(1.1, 3):.0%}")
assert verdict("07.2", lead)[0]

# %% tags=["shared"]
check("07.2", lead)

# %% [markdown]
# ### The same while it trains
#
# A dashboard draws these charts and eyes as a run folder grows. To train *in* one, call
# `widgets.TrainingDashboard(data, panel, notebook.new_run_folder("mine"))` and press Start.

# %%
widgets.TrainingDashboard.attach(folder)

# %% [markdown]
# `simgan train --tensorboard` writes files for TensorBoard, and so does this callback:
#
#     simgan_lib.train(data, config, folder, callbacks=[simgan_lib.training.TensorBoard("logs", synthetic)])

# %% [markdown]
# ## 4. Stop, and go on
#
# The stop button, Ctrl-C and SIGTERM end a training at its next row of metrics.
#
# **Predict.** What must be restored besides the weights, so that a resumed training does *exactly* what it
# would have done? Name four things.

# %%
groups = {"R": trained.refiner, "D": trained.discriminator}
groups |= {"R's Adam": trained.refiner_optimizer, "D's Adam": trained.discriminator_optimizer}
groups |= {"history buffer": trained.buffer}
print({name: f"{len(part.variables)} variables" for name, part in groups.items()})
print("done:", trained.done)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Both optimisers with their averages, the history buffer's images, the state of its random numbers, and
# `done`, the position in the shuffled data. R's Adam also holds the running average of section 5.
#
# </details>
#
# For the proof, a tiny network trains for 12 rounds, twice. One run goes through. The other stops after 6 and
# goes on in its folder. Only `iterations` may change when a run goes on.

# %% tags=["shared"]
tiny = simgan_lib.preset("smoke").replace(iterations=12, precision="float32")
whole, halves = notebook.new_run_folder("07-whole"), notebook.new_run_folder("07-halves")
simgan_lib.train(data, tiny, whole, progress=False)
simgan_lib.train(data, tiny.replace(iterations=6), halves, progress=False)
print(simgan_lib.Run(whole), simgan_lib.Run(halves), sep="\n")

# %% [markdown]
# First we damage the newest checkpoint, as a full disk might. A run keeps two, each with a checksum in its
# name. `checkpoint()` gives the newest whole one.

# %%
newest = simgan_lib.Run(halves).checkpoint()
newest.write_bytes(newest.read_bytes()[:-100])
print("damaged:", newest.name, " whole:", simgan_lib.Run(halves).checkpoint().name)
simgan_lib.train(data, tiny, halves, resume=True, progress=False)
print(simgan_lib.Run(halves))


# %% tags=["shared"]
def state(folder):
    model = simgan_lib.SimGAN(tiny)
    model.load_weights(simgan_lib.Run(folder).checkpoint())
    return [ops.convert_to_numpy(v).astype("float64") for v in model.state]


def largest_difference(one, other):
    return max(np.abs(a - b).max() for a, b in zip(state(one), state(other), strict=True))


# %%
print("largest difference over all variables:", largest_difference(whole, halves))
same = simgan_lib.Run(whole).snapshots["refined"] == simgan_lib.Run(halves).snapshots["refined"]
print("pixels of the snapshots that are equal:", f"{same.mean():.1%}")

# %% tags=["check"]
assert largest_difference(whole, halves) < 1e-4
assert (
    simgan_lib.Run(whole).metrics["iteration"] == simgan_lib.Run(halves).metrics["iteration"]
).all()

# %% [markdown]
# The interruption left no trace. Some GPUs take sums in another order each time, and the last digits may differ there.
#
# If a loss is no longer finite, `train` ends with an error:

# %%
try:
    absurd = tiny.replace(discriminator_learning_rate=1e30)
    simgan_lib.train(data, absurd, notebook.new_run_folder("07-failed"), progress=False)
except UserError as error:
    failure = error
    print(f"{type(error).__name__}: {error}")

# %% tags=["check"]
assert isinstance(failure, simgan_lib.training.TrainingError)

# %% [markdown] tags=["task"]
# ### Exercise 07.3 · Stop after a round
#
# A callback sets `self.model.stop_training = True` after round 7 of `tiny`'s 12. `tiny` logs a row every second round. After which round
# does the training end? Predict, then write the callback and run it. *Expected:* a whole number.
#
# <details><summary>Hint</summary>
#
# Write a class like `Brightness`, and look at `Run(folder)` afterwards. Section 4 says when a training ends.
#
# </details>
#
# [solution](solutions/07_adversarial_training.ipynb)

# %% tags=["exercise"]
ends_after = ...


# %% tags=["solution"]
class StopAt7(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.done["adversarial"] == 7:
            self.model.stop_training = True


stopped = notebook.new_run_folder("07-stopped")
ends_after = simgan_lib.train(data, tiny, stopped, callbacks=[StopAt7()], progress=False).done[
    "adversarial"
]
print(simgan_lib.Run(stopped))
assert verdict("07.3", ends_after)[0]

# %% tags=["shared"]
check("07.3", ends_after)

# %% tags=["solution"]
simgan_lib.train(data, tiny, stopped, resume=True, progress=False)
print(simgan_lib.Run(stopped), " difference:", largest_difference(whole, stopped))
assert largest_difference(whole, stopped) < 1e-4

# %% [markdown] tags=["solution"]
# A stop waits for the next row of metrics. A kill loses what came after the last checkpoint.

# %% [markdown]
# ## 5. R's running average
#
# **Predict.** Section 2 recorded the brightness with R's latest and with averaged weights. How will the
# curves differ?

# %% tags=["plot"]
figure = Figure(figsize=(8.5, 2.8), layout="constrained")
axis = figure.subplots()
axis.plot(*zip(*brightness.latest.items(), strict=True), color=plots.BLUE, label="latest weights")
axis.plot(*zip(*brightness.averaged.items(), strict=True), color=plots.ORANGE, label="averaged")
axis.axhline(to_float(real).mean(), color=plots.GREEN, ls=":", label="simulated webcam")
axis.set(xlabel="round", ylabel="mean gray of 8 refined eyes\n(-1 black, 1 white)")
axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
axis.grid(alpha=0.3)
notebook.show(
    figure,
    "the brightness of eight refined eyes during the training, with R's latest weights and with their running average.",
)

# %%
curves = [list(curve.values()) for curve in (brightness.latest, brightness.averaged)]
jumps = [np.std(np.diff(curve)) for curve in curves]
print(f"typical jump in two rounds: {jumps[0]:.4f} latest, {jumps[1]:.4f} averaged")
same = trained.refine(synthetic[:8]) == simgan_lib.refine(run.refiner(), synthetic[:8])
print(f"pixels in which the trained model and the saved refiner agree: {same.mean():.1%}")

# %% tags=["check"]
assert same.all()
if scale.live > 10:
    assert jumps[1] < jumps[0]

# %% [markdown]
# <details><summary>Answer</summary>
#
# The averaged one is calmer, and lags behind. In so few rounds it does not catch up.
#
# </details>
#
# R's *last* weights are one accidental point of a curve that jumps. So we average, after each step of R:
#
# $$ \bar\theta \;\leftarrow\; 0.98\,\bar\theta + 0.02\,\theta $$
#
# The average remembers about 1 / 0.02 = 50 steps. It does not take part in the training: D sees the latest R. Snapshots, `refiner.keras`
# and evaluations use the average.
#
# The averaging is our addition. In [the ablation](../docs/results.md) the gaze error without it is
# {{ablation/no_averaging/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees, and
# {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} with it. Five seeds do not settle
# whether it helps.

# %% [markdown]
# ## 6. What does the report's schedule cost?
#
# The report has 25,000 rounds of 1 update of R and 10 of D, with batches of 32 and twice our feature maps in
# R. Before such a training, measure a few rounds and multiply.

# %%
report = simgan_lib.preset("report").replace(precision=trained.precision)
big = simgan_lib.SimGAN(report)
compiled, drawn = backends.current().compile(big.round, big.state), batches(report)
float(compiled([drawn])["discriminator_loss"])  # the first call compiles
begin = time.perf_counter()
for _ in range(3):
    float(compiled([drawn])["discriminator_loss"])  # a number in Python: the round has ended
per_round = (time.perf_counter() - begin) / 3

# %%
hours = report.iterations * per_round / 3600
print(f"measured {per_round:.2f} s a round; calculated {hours:.1f} hours for 25,000 rounds")

# %% tags=["check"]
assert 0 < hours < 1000

# %% [markdown]
# ## What you have learned
#
# - A round is $K_g$ steps of R, then $K_d$ steps of D. Each step changes one network only.
# - In a healthy training $L_D$ is below 1.386 and well above 0, and R's change is neither 0 nor huge. The
#   result may still be bad.
# - A checkpoint holds weights, optimisers, history, random states and the position in the data.
# - R's running average is calmer than its latest weights, and lags behind.
#
# ## One harder exercise

# %% [markdown] tags=["task"]
# ### Exercise 07.4 · One optimiser for both
#
# A colleague takes R's step with one optimiser over *all* variables, "because the loss goes through D
# anyway". What does D learn from R's loss? Predict its accuracies on simulated webcam and on refined images.
# Then play five rounds, take ten such steps, and compare.
# `backends.current().gradient_update(loss_function, optimizer, variables, model.variables)` takes one step.
# `loss_function` has no arguments, and returns what `model.refiner_loss(x)` returns.
# `model.discriminator_loss(y, refined)[1]` holds the accuracies. *Expected:* four accuracies, and your
# explanation.
#
# <details><summary>Hint</summary>
#
# `variables` is what a step may change. Build one new optimiser on all of them, with `optimizer.build(variables)`, before the ten steps.
# `lambda: model.refiner_loss(x)` is a function without arguments.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# - R's loss falls when D calls refined images real, and a step may now change D to that end.
# - D's accuracy falls on refined images, but not on simulated webcam images.
# - The cure: a step gets the variables of one network.
#
# </details>
#
# [solution](solutions/07_adversarial_training.ipynb)

# %% tags=["exercise"]
# Your code. Print D's two accuracies after the five rounds, and after the ten steps.


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
# The broken step *changes D*, which learns to say "real" to everything. Its accuracy falls to 0% on refined
# images and is 100% on simulated webcam images.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017: Algorithm 1, and "Adversarial Loss with Self-Regularization".
# - Bojja 2018, section 3.2.4 (the schedule), figures 1 and 2 (the curves), and `train.py` of its code, abojja9/SimGAN_eyes.
# - Yazici et al., *The unusual effectiveness of averaging in GAN training*, ICLR 2019.
#
# **Next:** [08 · Results](08_results.ipynb)
