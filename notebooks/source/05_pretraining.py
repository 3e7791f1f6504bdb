# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 05 · Pre-training
# <!-- colab:notebooks/05_pretraining.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 45 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - say what each network learns before the adversarial training, and why;
# - run both phases, and see from their curves whether they are done;
# - say what an optimiser remembers, and why R has two of them;
# - judge from an experiment what pre-training is worth, and what the experiment cannot tell.
#
# **You need** notebooks 02 to 04: the refiner R, the discriminator D, and the two losses.

# %% tags=["shared", "setup"]
import keras
import numpy as np
from matplotlib.figure import Figure

import simgan_lib
from simgan_exercises import check
from simgan_lib import backends, diagrams, losses, notebook, plots
from simgan_lib.data import to_float
from simgan_lib.evaluation.report import collect, comparable, compare
from simgan_lib.losses import REAL, REFINED
from simgan_lib.runs import Run

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refiner discriminator"),
    "where this notebook is on the map of the method. R and D are trained one after the other, before they play.",
)

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
eyes = data.synthetic.images[:8]
print(data.synthetic.images.shape, "synthetic;", data.real.images.shape, "simulated webcam")

# %% [markdown]
# ## 1. Two networks that know nothing
#
# A refiner with random weights turns an eye into a ghost, as notebook 02 shows. If both networks train at
# once, the untrained D gives R no useful gradient. And D can tell ghosts from eyes without learning anything
# about webcams.
#
# **Predict.** What is $L_D$ of an untrained discriminator?


# %% tags=["shared"]
def judge(discriminator, real, refined):
    """Returns D's loss, and the share of patches it gets right on both kinds."""
    on_real, on_refined = discriminator(real), discriminator(refined)
    loss = losses.local_adversarial(on_real, REAL) + losses.local_adversarial(on_refined, REFINED)
    right = losses.accuracy(on_real, REAL) + losses.accuracy(on_refined, REFINED)
    return float(loss), float(right) / 2


# %% tags=["shared"]
x, y = to_float(data.synthetic.images[:100]), to_float(data.real.images[:100])
loss, right = judge(simgan_lib.build_discriminator(seed=1), y, x)
print(f"L_D {loss:.2f} (a guess: {2 * np.log(2):.2f}), {right:.0%} of patches right")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Close to that of a guess, 2 ln 2 = 1.386.
#
# </details>
#
# So each network learns something simple first. This is **pre-training**:
#
# | | steps of R | steps of D | order |
# |---|---|---|---|
# | the paper | 1,000 | 200 | first R, then D |
# | the report, and its published code | 1,000 | 200 | in turns: five of R, one of D |
# | this course | 60 | 60 | first R, then D |

# %% [markdown] tags=["task"]
# ### Exercise 05.1 · The report's order
#
# Write `report_order(turns)`. It returns the report's steps as text, with `"R"` or `"D"` for each.
#
# *Expected:* a text of 12 letters for `report_order(2)`.
#
# <details><summary>Hint</summary>
#
# `"ab" * 2` is `"abab"`.
#
# </details>
#
# [solution](solutions/05_pretraining.ipynb)


# %% tags=["exercise"]
def report_order(turns): ...


# %% tags=["solution"]
from simgan_exercises import verdict


def report_order(turns):
    return "RRRRRD" * turns


assert verdict("05.1", report_order)[0]

# %% tags=["shared"]
check("05.1", report_order)

# %% [markdown]
# We train the model of notebooks 02 to 04. `iterations=0` ends the training after both phases, and
# `log_every=2` logs every second step.

# %% tags=["shared"]
config = scale.config.replace(iterations=0, log_every=2)
print(
    f"R {config.refiner_pretraining_steps} steps, D {config.discriminator_pretraining_steps} steps"
)
folder = notebook.new_run_folder("pretraining")
pretrained = simgan_lib.train(data, config, folder, progress=False)
metrics = Run(folder).metrics

# %% [markdown]
# ## 2. R learns to change nothing
#
# R's first loss is **self-regularisation alone**:
#
# $$ L_{\text{pre}} = \operatorname{mean}\,\bigl|R(x) - x\bigr| $$
#
# Its solution is R(x) = x, the *identity*. There every label is still true, and later changes come from D
# alone.
#
# **Predict.** Does the mean change fall along a straight line, or fast and then slowly? Does it reach zero?


# %% tags=["plot"]
def curve(axis, rows, column, color, label):
    axis.plot(rows["iteration"], rows[column], color=color, label=label)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)


lesson = metrics[metrics["phase"] == "pretrain_refiner"]
figure = Figure(figsize=(6, 2.6), layout="constrained")
axis = figure.subplots()
curve(axis, lesson, "mean_change", plots.GREEN, "mean |R(x) - x|")
axis.set(ylabel="mean |R(x) - x|, of 2", yscale="log")
axis.set_yticks([0.05, 0.1, 0.2], ["0.05", "0.1", "0.2"])
axis.minorticks_off()
notebook.show(
    figure,
    "R's pre-training: the mean change of a pixel, on a logarithmic axis.",
)

# %%
first, last = lesson["mean_change"].iloc[0], lesson["mean_change"].iloc[-1]
print(
    f"mean |R(x) - x|: first {first:.3f}, last {last:.3f} = {127.5 * last:.1f} of 255 gray levels"
)

# %% tags=["plot"]
rows = {
    "synthetic": eyes[:6],
    "after pre-\ntraining": simgan_lib.refine(pretrained.refiner, eyes[:6]),
}
notebook.show(
    plots.contact_sheet(rows, columns=6, zoom=1.4),
    "synthetic eyes, and what R makes of them after its pre-training. They are nearly the same. Compare the smallest "
    "dark and bright parts: pupil, glint and lashes.",
)

# %% tags=["check"]
assert last < first
if scale.live > 10:
    assert last < 0.5 * first

# %% [markdown]
# <details><summary>Answer</summary>
#
# Fast and then slowly, and not to zero. The slope of the L1 does not shrink with the error, so the steps jump
# over the minimum. And tanh comes near pure black only with very large inputs, so the pupils stay too gray.
# What is left is less than the simulated webcam's noise of 9 gray levels.
#
# </details>

# %% [markdown] tags=["task"]
# ### Exercise 05.2 · Is the phase over?
#
# Write `first_below(rows, levels)`. From rows of `metrics.csv` it returns the first `iteration` with a
# `mean_change` below `levels` *gray levels* of 0 to 255, or `None`. `mean_change` is measured on images from
# -1 to 1.
#
# *Expected:* a whole number for 40 levels, `None` for 0.
#
# <details><summary>Hint</summary>
#
# How many gray levels is a change of 2? Then `rows[condition]["iteration"]`.
#
# </details>
#
# [solution](solutions/05_pretraining.ipynb)


# %% tags=["exercise"]
def first_below(rows, levels): ...


# %% tags=["solution"]
def first_below(rows, levels):
    reached = rows[127.5 * rows["mean_change"] < levels]
    return int(reached["iteration"].iloc[0]) if len(reached) else None


lesson = metrics[metrics["phase"] == "pretrain_refiner"]
print({levels: first_below(lesson, levels) for levels in (40, 20, 10, 5, 0)})
assert verdict("05.2", first_below)[0]

# %% tags=["shared"]
check("05.2", first_below)

# %% [markdown]
# ## 3. D learns the difference
#
# Now R stands still. It is nearly the identity, so **refined means synthetic here**. D learns what R will
# have to remove.
#
# **Predict.** Where does $L_D$ begin? Will D get 60%, 80% or 100% of the patches right in the end?

# %% tags=["plot"]
lesson = metrics[metrics["phase"] == "pretrain_discriminator"]
figure = Figure(figsize=(9, 2.8), layout="constrained")
left, right_axis = figure.subplots(1, 2)
curve(left, lesson, "discriminator_loss", plots.BLUE, "$L_D$")
left.axhline(2 * np.log(2), color=plots.GRAY, linestyle=":", label="a guess, 2 ln 2")
left.set(ylabel="loss", ylim=(0, None))
curve(right_axis, lesson, "accuracy_real", plots.BLUE, "simulated webcam")
curve(right_axis, lesson, "accuracy_refined", plots.ORANGE, "refined (= synthetic)")
right_axis.axhline(0.5, color=plots.GRAY, linestyle=":", label="a guess")
right_axis.set(ylabel="share of patches right", ylim=(0, 1.02))
for axis in (left, right_axis):
    axis.legend(fontsize="small", loc="lower left" if axis is left else "lower right")
notebook.show(
    figure,
    "D's pre-training. Left, its loss. Right, the share of patches that it gets right on each kind of image.",
)

# %%
z = pretrained.discriminator(pretrained.refiner(x))
loss, right = judge(pretrained.discriminator, y, pretrained.refiner(x))
print(f"L_D {loss:.2f}, {right:.0%} of patches right")
print(
    f"patches of refined images that pass for a webcam's: {1 - float(losses.accuracy(z, REFINED)):.0%}"
)

# %% tags=["check"]
if scale.live > 10:
    assert loss < 2 * np.log(2)
    assert right > 0.6

# %% [markdown]
# <details><summary>Answer</summary>
#
# It begins near 1.386, where D calls most patches real. It ends far below, with about 85% of the patches
# right.
#
# </details>
#
# D sees the difference in most patches, but not in all:

# %% tags=["plot"]
probability = Run(folder).snapshots["probability_refined"][0, :4].astype("float32")
notebook.show(
    plots.answer_maps(eyes[:4], probability, ["synthetic"] * 4),
    "four synthetic eyes, and below each D's answer for its 9 x 14 patches. Orange patches are recognised as refined. "
    "Blue patches pass for a webcam's.",
)

# %% [markdown]
# The history buffer of notebook 06 fills already, with near copies of synthetic images:

# %%
print(f"history buffer after D's pre-training: {lesson['history_filled'].iloc[-1]:.0%} full")

# %% [markdown]
# Why is D not trained longer? The gradient of a D that is sure of everything may not tell R which small
# change helps: see section 5 of notebook 04.

# %% [markdown] tags=["task"]
# ### Exercise 05.3 · One folder, given twice
#
# A colleague gives the folder of synthetic images twice, as synthetic and as real. What is $L_D$ after
# pre-training?
#
# - **A** Near 0.
# - **B** Near 1.386.
# - **C** Near 0.693.
# - **D** It rises without end.
#
# *Expected:* a letter. Decide before you run it.
#
# <details><summary>Hint</summary>
#
# What is there to tell apart?
#
# </details>
#
# [solution](solutions/05_pretraining.ipynb)

# %% tags=["exercise"]
answer = ...

# %% tags=["solution"]
answer = "B"
assert verdict("05.3", answer)[0]

# %% tags=["shared"]
check("05.3", answer)

# %% tags=["solution"]
same_twice = simgan_lib.SimGAN(config, precision=pretrained.precision)
same_twice.train(data.synthetic.images, data.synthetic.images)
loss, right = judge(same_twice.discriminator, x, same_twice.refiner(x))
print(f"L_D {loss:.2f}, {right:.0%} of patches right")

# %% [markdown] tags=["solution"]
# It is a little below 1.386: R does not copy exactly, and D sees some of that. If your D stays near a guess,
# look at the images first.

# %% [markdown]
# ## 4. What an optimiser remembers
#
# In the library R has *two* optimisers, one for pre-training and one for the rounds. Adam divides a mean of
# recent gradients by their typical size over about 1,000 steps. When the loss changes and gradients grow a
# hundredfold, a used Adam still divides by the old size.
#
# **Predict.** Gradients grow from 0.001 to 0.1. How large is the next step: 1, 12 or 100 learning rates? Hint: the
# mean of their squares was 10⁻⁶. The new square, 10⁻², enters it with a weight of a thousandth.


# %% tags=["shared"]
def adam_steps(gradients, beta_1=0.5, beta_2=0.999):
    """Returns Adam's steps for these gradients, in learning rates."""
    m, v, steps = 0.0, 0.0, []
    for t, gradient in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        steps.append(m / (1 - beta_1**t) / np.sqrt(v / (1 - beta_2**t)))
    return np.array(steps)


# %%
used = adam_steps([0.001] * 1000 + [0.1] * 100)[1000:]
print("a used Adam: ", used[:4].round(1), f"... {used.sum():.0f} learning rates in 100 steps")
print("a fresh Adam:", adam_steps([0.1] * 4).round(1), "... 100 learning rates in 100 steps")

# %% tags=["check"]
assert 10 < used[0] < 16
assert used.sum() > 400

# %% [markdown]
# <details><summary>Answer</summary>
#
# About 12. Even in 100 steps it goes several times as far as a fresh Adam.
#
# </details>
#
# So **a new loss gets a new optimiser**. The report's code has three, one for each loss.

# %% [markdown]
# ## 5. The first rounds without pre-training
#
# We play a few dozen rounds twice: from the pre-trained networks, and from random weights.
#
# **Predict.** Without pre-training R starts with ghosts. $L_R$ contains $\lambda$ mean |R(x) - x|. Will its images
# become eyes within 30 rounds?


# %%
def play(model):
    """Trains, and returns for every round the logs, and six eyes refined at its end."""
    logs, refined = [], []

    def keep(epoch, log):
        logs.append(log)
        refined.append(simgan_lib.refine(model.refiner, eyes[:6]))

    callback = keras.callbacks.LambdaCallback(on_epoch_end=keep)
    model.train(data.synthetic.images, data.real.images, [callback])
    return {name: [log[name] for log in logs] for name in logs[0]}, refined


# %%
rounds = max(2, scale.live // 4)
settings = config.replace(iterations=rounds, log_every=1)
model_with = simgan_lib.SimGAN(settings, precision=pretrained.precision)
model_with.load_weights(Run(folder).checkpoint())
logs_with, eyes_with = play(model_with)

# %%
settings = settings.replace(refiner_pretraining_steps=0, discriminator_pretraining_steps=0)
model_without = simgan_lib.SimGAN(settings, precision=pretrained.precision)
logs_without, eyes_without = play(model_without)

# %% tags=["plot"]
figure = Figure(figsize=(9, 2.8), layout="constrained")
left, right_axis = figure.subplots(1, 2)
both = [(logs_with, plots.BLUE, "with pre-training"), (logs_without, plots.ORANGE, "without")]
for logs, color, name in both:
    left.plot(range(1, rounds + 1), logs["mean_change"], color=color, label=name)
    right_axis.plot(range(1, rounds + 1), logs["discriminator_loss"], color=color, label=name)
right_axis.axhline(2 * np.log(2), color=plots.GRAY, linestyle=":", label="a guess, 2 ln 2")
left.set(xlabel="adversarial round", ylabel="mean |R(x) - x|", ylim=(0, None))
right_axis.set(xlabel="adversarial round", ylabel="$L_D$", ylim=(0, None))
for axis in (left, right_axis):
    axis.legend(fontsize="small", loc="lower right")
    axis.grid(alpha=0.3)
notebook.show(figure, "the first rounds. Left, how much R changes a pixel. Right, D's loss.")

# %% tags=["plot"]
rows = {"synthetic": eyes[:6]}
for number in (1, rounds // 2, rounds):
    rows[f"round {number},\nwith"] = eyes_with[number - 1]
    rows[f"round {number},\nwithout"] = eyes_without[number - 1]
notebook.show(
    plots.contact_sheet(rows, columns=6, zoom=1.2),
    f"the same eyes after the first round, after {rounds // 2} and after {rounds}, with and without pre-training. Each "
    "row is one moment.",
)

# %% tags=["check"]
assert len(logs_with["mean_change"]) == len(logs_without["mean_change"]) == rounds
if scale.live > 10:
    assert logs_without["mean_change"][0] > logs_with["mean_change"][0]

# %% [markdown]
# <details><summary>Answer</summary>
#
# Yes. Self-regularisation is part of $L_R$, so R learns to keep the eye within the game too. In round 1 only
# the pre-trained R paints clear eyes. Later both do, some too dark or with too much contrast. D asks for
# changes, so neither curve on the left stays near zero. Both swing, so one round does not rank the two.
#
# </details>
#
# This is one seed, and the steps of pre-training are not counted. Our $\lambda$ of 1 repeats R's lesson in
# every round. With the report's 0.01 it counts for a hundredth.
#
# ### Does it matter in the end?
#
# The recorded ablation says how a training *ends*, with several seeds.

# %%
table = collect("runs/ablation")
pair = table[table["cell"].isin(["baseline", "no_pretraining"])]
measures = ["gaze_error_deg", "pupil_shift_px"]
pair.groupby("cell")[measures].agg(["mean", "std", "size"]).round(2)

# %%
if comparable(pair):
    print(compare(pair)[["difference", "p_value", "differs"]].round(3))
else:
    print("too few seeds for a test: at least five of each are needed")

# %% [markdown]
# The difference in gaze error is smaller than the spread of the seeds, and the test finds none. We have not
# tried this with 1,000 steps or with the report's $\lambda$.

# %% [markdown]
# ## What you have learned
#
# - R first learns the identity, which keeps the labels.
# - D learns to tell synthetic from simulated webcam images in a few dozen steps.
# - The curves say when a phase is over: R's flattens near zero, D's is well below 2 ln 2.
# - Adam remembers the size of past gradients, so a new loss gets a new optimiser.
# - Pre-training changes how a training begins. Five seeds show no effect on its end.
#
# ## One harder exercise

# %% [markdown] tags=["task"]
# ### Exercise 05.4 · Does the order matter for D?
#
# `taught(order, seed)` below trains small networks in an order such as that of exercise 05.1, and returns D's
# loss and accuracy. Compare the paper's order with the report's for three seeds, with equal numbers of steps.
#
# *Expected:* two lists of three losses, and two or three sentences.
#
# <details><summary>Hint</summary>
#
# The paper's order is `"R" * 300 + "D" * 60`. First take a tenth of it.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# - The spread between seeds, the difference of the means, and each seed's difference.
# - In the report's order D's first steps are about ghosts, but R soon copies well.
# - No verdict from three seeds where the difference is within the spread.
#
# </details>
#
# [solution](solutions/05_pretraining.ipynb)


# %% tags=["shared"]
def draw(images, number, rng):
    return to_float(images[rng.integers(len(images), size=number)])[None]


def taught(order, seed):
    small = config.replace(filters=16, seed=seed)
    model, size = simgan_lib.SimGAN(small, precision=pretrained.precision), small.batch_size
    methods = {"R": model.pretrain_refiner, "D": model.pretrain_discriminator}
    steps = {player: backends.current().compile(m, model.state) for player, m in methods.items()}
    rng = np.random.default_rng(seed)
    synthetic, real = data.synthetic.images, data.real.images
    for player in order:
        sources = [(synthetic, size), (synthetic, size // 2), (real, size)]
        steps[player]([tuple(draw(images, number, rng) for images, number in sources)])
    return judge(model.discriminator, y, model.refiner(x))


# %% tags=["exercise"]
# Your code. Print two lists of three losses.

# %% tags=["solution"]
count = 60 if scale.live > 10 else 4
orders = {"paper's": "R" * 5 * count + "D" * count, "report's": report_order(count)}
for name, order in orders.items():
    found = np.array([taught(order, seed) for seed in range(3)])
    print(f"{name:9} L_D {found[:, 0].round(2)}, mean {found[:, 0].mean():.2f}")

# %% [markdown] tags=["solution"]
# The difference of the means is within the spread of the seeds, and its sign is not the same for all seeds.
# Three seeds settle nothing. An effect would be no surprise: in the report's order D first learns from a
# worse R.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, "Implementation Details": R alone for 1,000 steps, then D for 200.
# - Bojja 2018, section 3.2.4, and `train.py` of its code, abojja9/SimGAN_eyes: 200 times five steps of R and one of D.
# - Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015, section 2.1: the size of a step.
#
# **Next:** [06 · The history buffer](06_history_buffer.ipynb)
