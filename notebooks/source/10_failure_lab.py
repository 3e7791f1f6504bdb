# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 10 · Failure lab
# <!-- colab:notebooks/10_failure_lab.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two CPU cores. A GPU is not needed.*
#
# **You will be able to**
#
# - diagnose a failed training from its curves and a strip of pictures;
# - tell apart failures that look the same at first sight;
# - say which failures *no* curve shows, and what to measure instead;
# - recognise well-known bugs of public implementations by their symptoms;
# - read an ablation honestly: what lies outside the spread of the seeds, and what does not.
#
# **You need** notebooks 04 (losses), 06 (history) and 07 (reading the logs); 09 for how we measure.

# %% tags=["shared", "setup"]
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure
from scipy import stats

import simgan_lib
from simgan_lib import checks, losses, notebook, plots, widgets
from simgan_lib.evaluation import report
from simgan_lib.evaluation.grid import FAILURES, SHOWS

scale = notebook.start()

# %% [markdown]
# A doctor learns little from healthy people. In this notebook the trainings are ill, on purpose: in each
# *one thing* was made worse (which takes two settings for two of them), on the same images and in the
# same number of rounds. You get what you would have in front of you with a failure of your own: curves
# and pictures. Names come later.
#
# ## 1. What healthy looks like
#
# First the control: the settings of the notebooks' own trainings (the preset `long` with $K_d = 5$), for a few rounds more than the patients'.

# %% tags=["shared"]
healthy = simgan_lib.reference_run("ablation/baseline/seed0")
print(healthy.config.iterations, "rounds; lambda_mean", healthy.config.lambda_mean)


# %%
def chart(axes, run):
    rounds = run.metrics[run.metrics["phase"] == "adversarial"].set_index("iteration")
    curves = [("discriminator_loss", "adversarial_loss"), ("mean_change",)]
    curves += [("accuracy_real", "accuracy_refined")]
    landmarks = [2 * np.log(2), None, 0.5]
    for axis, names, landmark in zip(axes, curves, landmarks, strict=True):
        colors = [plots.GREEN] if len(names) == 1 else [plots.BLUE, plots.ORANGE]
        for name, color in zip(names, colors, strict=True):
            axis.plot(rounds[name].clip(upper=4), color=color)
        if landmark:
            axis.axhline(landmark, color=plots.GRAY, linestyle=":")
        axis.grid(alpha=0.3)
    axes[0].set_ylim(-0.15, 4.15)
    axes[1].set_ylim(-0.03, 1)
    axes[2].set_ylim(0, 1.03)


# %%
TITLES = [
    "losses: D $L_D$ (blue), R adversarial (orange)",
    "mean |R(x) - x|, of 2",
    "D's accuracy: target (blue), refined (orange)",
]


def charts(runs):
    figure = Figure(figsize=(10, 0.7 + 1.35 * len(runs)), layout="constrained")
    grid = figure.subplots(len(runs), 3, squeeze=False, sharex=True)
    for axes, (name, run) in zip(grid, runs.items(), strict=True):
        chart(axes, run)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", weight="bold", labelpad=12)
    for axis, title in zip(grid[0], TITLES, strict=True):
        axis.set_title(title, fontsize="medium")
    for axis in grid[-1]:
        axis.set_xlabel("round")
    return figure


# %%
notebook.show(
    charts({"healthy": healthy}),
    "a healthy training. $L_D$ stays a little below the 1.386 of a guess (dotted), D is right on somewhat "
    "more than half of the patches, and R settles on how much it changes.",
)

# %% [markdown]
# Three curves, three questions, always in this order:
#
# 1. **Does D still play?** $L_D$ well above 0 and not far above 1.386.
# 2. **Does R still answer?** Its adversarial loss does not run away upwards.
# 3. **How much does R repaint?** Not nothing, and not everything.
#
# ## 2. The patients
#
# Six trainings in a random order. Look, and do not scroll to section 4.

# %% tags=["shared"]
order = np.random.default_rng(2017).permutation(list(SHOWS["failures"]))
patients = {
    f"patient {letter}": simgan_lib.reference_run(f"failures/{name}/seed0")
    for letter, name in zip("ABCDEF", order, strict=True)
}
print(", ".join(patients))

# %%
notebook.show(
    charts(patients),
    "the charts of the six patients, on the same axes as the healthy one. Losses above 4 are "
    "drawn at 4.",
)


# %%
def strip(run, eyes=3):
    shots = run.snapshots
    steps = np.linspace(0, len(shots["iteration"]) - 1, 4).round().astype(int)[1:]
    return np.concatenate([shots["refined"][step][:eyes] for step in steps])


shots = healthy.snapshots
rows = {"synthetic": np.concatenate([shots["synthetic"][:3]] * 3), "healthy": strip(healthy)}
rows |= {name: strip(run) for name, run in patients.items()}
rows["simulated\nwebcam"] = shots["real"][:9]

# %%
notebook.show(
    plots.contact_sheet(rows, columns=9, zoom=0.6),
    "the same three eyes, refined after a third, two thirds and all of the rounds (left, middle, right). "
    "The last row shows other eyes: what R should make them look like.",
)

# %% [markdown]
# **Predict.** Write down one line for each patient. Which of these is it?
#
# | | what was changed | what you would expect to see |
# |---|---|---|
# | 1 | R's learning rate is far too large | ? |
# | 2 | lambda is far too large | ? |
# | 3 | lambda is zero | ? |
# | 4 | no history, and no running average of R | ? |
# | 5 | D gets many updates, R a tiny learning rate | ? |
# | 6 | the sign of R's adversarial loss is wrong | ? |
#
# Hints, if you want them. Two patients change next to nothing: one is held back, and one wants the wrong thing. A third gets going too slowly. In one
# patient D's loss *and* R's loss are small: can both players of a game win? One has fine curves, and nothing
# that guards its labels. And not all of them may be ill.

# %% [markdown]
# ## 3. From looking to rules
#
# A diagnosis that only works in one head is not much use. So we write down what we looked at, as five **vital signs**
# of the later half of a training. Two of them turn losses back into probabilities:
# $e^{-L_D/2}$ is what D typically gives to the *right* answer, and $e^{-L_{adv}}$ is what it gives to the answer that R *wants*.


# %% tags=["shared", "taught:notebook.checks"]
GAME = ["discriminator_loss", "adversarial_loss", "refiner_loss", "mean_change"]


def vital_signs(metrics):
    rounds = metrics[metrics["phase"] == "adversarial"]
    late = rounds.tail(-(-len(rounds) // 2))
    mean = late[GAME].mean()
    jumps = np.diff(late["mean_change"])
    return {
        "lead": float(np.exp(-mean["discriminator_loss"] / 2)),
        "fooled": float(np.exp(-mean["adversarial_loss"])),
        "change": float(mean["mean_change"]),
        "held_back": float(1 - mean["adversarial_loss"] / mean["refiner_loss"]),
        "wobble": float(np.abs(jumps).mean() / mean["mean_change"]) if len(jumps) else 0.0,
    }


# %% tags=["shared"]
everyone = {"healthy": healthy, **patients}
signs = pd.DataFrame({name: vital_signs(run.metrics) for name, run in everyone.items()}).T
print(signs.round(2).to_string())

# %% [markdown]
# | sign | question | a guess, or nothing | trouble |
# |---|---|---|---|
# | `lead` | how sure is D of the right answer? | 0.5 | near 1: D has won |
# | `fooled` | how far does R get what it wants? | 0.5 | near 0: R has given up; *near 1 while D leads*: it wants the wrong thing |
# | `change` | how much does R repaint, of 2? | 0 | near 0: nothing; above 0.5: everything |
# | `held_back` | the share of self-regularisation in R's loss | 0 | above 0.2 while D leads: lambda decides, not D; under 0.1: nothing guards the labels |
# | `wobble` | how far does `change` jump between two rows of the log? | 0 | above 0.25: R goes in circles |
#
# Now the rules. Read them as a decision tree: first whether D has won, then why R has no answer.


# %% tags=["shared"]
def diagnose(metrics):
    if (metrics["phase"] == "adversarial").sum() < 3:
        return ["too early to tell"]
    signs = vital_signs(metrics)
    if not np.isfinite(list(signs.values())).all():
        return ["the numbers are no longer finite: lower the learning rates"]
    findings = []
    d_wins = signs["lead"] > 0.7
    if d_wins and signs["fooled"] > 0.7:
        findings.append("both players win: R is trained towards the wrong label")
    elif d_wins and signs["change"] > 0.6:
        findings.append("R paints its own pictures and fools nobody: lower refiner_learning_rate")
    elif d_wins and signs["held_back"] > 0.2:
        findings.append("R is held back: lower lambda_mean")
    elif d_wins:
        findings.append("D is too strong: fewer discriminator_updates, or R's learning rate up")
    elif signs["held_back"] < 0.1 or signs["change"] > 0.5:
        findings.append("R repaints freely: check the labels, and raise lambda_mean")
    if signs["wobble"] > 0.25:
        findings.append("R goes round in circles: raise buffer_size and refiner_averaging")
    return findings or ["healthy, as far as the curves can tell"]


# %% [markdown]
# **Predict.** For which patient will the rules be wrong?

# %%
for name, run in everyone.items():
    print(f"{name}: {'; '.join(diagnose(run.metrics))}")

# %% [markdown]
# The library has both functions, in [`simgan_lib.checks`](../simgan_lib/notebook/checks.py). Its `diagnose` says besides when a
# log lacks the numbers that the rules need. The thresholds are rules of thumb,
# read off these recordings and healthy runs (whose `wobble` lies near 0.05). They are meant to make you look at the right place, not to
# replace looking; and they see nothing but the game.
#
# ## 4. The names
#
# For each patient: the line that made it ill, and what an evaluation found (notebook 09). *Gaze error* is
# what a gaze network is worth that learned from the refined images; *pupil shift*, how far refining moves the pupil.

# %%
table = report.collect("runs/failures").set_index("cell").loc[order]
table.index = [f"{letter}: {name}" for letter, name in zip("ABCDEF", order, strict=True)]

# %%
control = report.collect("runs/ablation").groupby("cell").mean(numeric_only=True).loc["baseline"]
lines = {"wrong_sign": "a refiner_loss with REFINED in place of REAL"}
for cell, (_, changes) in FAILURES.items():
    fields = ", ".join(f"{field}={value!r}" for field, value in changes.items())
    lines[cell] = f"config.replace({fields})"
for name, cell in zip(table.index, order, strict=True):
    print(f"{name:<28}{lines[cell]}")

# %%
shown = table[["gaze_error_deg", "pupil_shift_px", "two_sample_accuracy", "mean_change"]]
shown.loc["healthy"] = control[shown.columns]
print(shown.round(2).to_string())
print(f"trained on synthetic images as they are: {table['synthetic_deg'].mean():.1f} degrees")

# %% [markdown]
# ### `collapse`: R's learning rate is far too large
#
# R's first adversarial steps are so large that the last layer's tanh saturates: all pixels end at +1, white, where tanh is
# flat, so hardly any gradient comes back through it. R cannot return, D has an easy opponent, and both accuracies go to 1. The chart gives it
# away: a change that climbs out of the chart and stays there. A gaze network that learns from these pictures errs by
# {{failures/collapse/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees; one that always answers the mean gaze, by
# {{failures/collapse/seed0 evaluation.gaze_error_deg.mean_gaze.mean 1}}. Cure: a smaller `refiner_learning_rate` (0.01 here; the course uses {{quick/baseline/seed0 config.refiner_learning_rate 4}}).
#
# ### `lambda_too_large`: the images are safe, and useless
#
# Here lambda_mean is 100, in the paper's form 6.5: what a much-copied public implementation uses. Each pixel changed costs more than D's
# displeasure, so R copies. The pictures equal the synthetic ones, and "refined looks like the input" is those implementations' commonest complaint.
# The sign to look at is `held_back`: a large part of what R pays is self-regularisation, though it changes next to nothing. The labels are safe (the pupil moves by
# {{failures/lambda_too_large/seed0 evaluation.pupil_shift_px.median 2}} pixels), and the gaze error stays near that of unrefined images:
# {{failures/lambda_too_large/seed0 evaluation.gaze_error_deg.refined.mean 1}} against {{failures/lambda_too_large/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} degrees. (Is that a gain? Three gaze networks on the *same*
# unrefined images have a standard deviation of {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.std 1}} degrees. So much can *one* network's luck do; remember it when we compare.)
#
# ### `discriminator_too_strong`: D wins as well, another illness
#
# Here too D wins. But R is *not* held back: self-regularisation is a tiny part of its loss, and the adversarial part keeps growing. R
# moves, too slowly for this D: by the time it is as far from its input as the healthy one, D has long learned to see through
# it. Lowering lambda would not help; fewer D updates, or a larger
# learning rate for R, do. A gaze network that learns from these images errs by
# {{failures/discriminator_too_strong/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees, not much less than with unrefined ones
# ({{failures/discriminator_too_strong/seed0 evaluation.gaze_error_deg.synthetic.mean 1}}). **Two lost games, with different cures: that is why we keep both terms of R's
# loss in the log.**
#
# ### `wrong_sign`: both players win
#
# $L_R$ with $-\log D(R(x))$, as the report's equation 4 is printed (its equation 2 has the right sign), pays R for being *recognised* as refined. R
# helps D, both losses go to 0, and everything seems to converge. In a game that is the alarm: when D wins, R
# must be losing. In this patient's strip the irises carry bright
# rings: R underlines what gives it away.
#
# ### `lambda_too_small`: fine curves, and nobody guards the labels
#
# Nothing pulls R back to its input. The game goes well, as well balanced as a healthy one, and `held_back` is zero, which warns that nothing *guards* the
# labels. Are they *lost*? No curve can show it; what was measured can. Here the pupil moves by
# {{failures/lambda_too_small/seed0 evaluation.pupil_shift_px.median 1}} pixels (healthy: {{ablation/baseline/seed* evaluation.pupil_shift_px.median 1}}), and a gaze network that learns from these images errs by
# {{failures/lambda_too_small/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees (healthy: {{ablation/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}; unrefined:
# {{failures/lambda_too_small/seed0 evaluation.gaze_error_deg.synthetic.mean 1}}). An honest surprise: *this* patient is not measurably ill. R sees 19 pixels and learned to copy first, and these two
# kinds of eyes look the same ways, so moving a pupil earns it little.
#
# It was luck, not safety. With other data, lambda 0 loses labels: notebook 11 shows it on digits, in its section 7.
#
# **No loss curve knows about labels.** A refiner may win its game and be worse than none.
#
# ### `no_history`: round in circles
#
# D sees only what R does now and forgets what R did before, so R can come back to an old trick. Without the running average the
# snapshots show each turn of the circle. That is the textbook. How ill *this* patient is, you should not believe before you have compared its
# curves with the healthy ones and its numbers with the spread over seeds in section 7. The curves look healthy, the rules say so too, and its gaze error
# is {{failures/no_history/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees. A setting may be wrong in theory and harmless for a few hundred rounds.

# %% tags=["check"]
found = {
    cell: " ".join(diagnose(run.metrics))
    for cell, run in zip(order, patients.values(), strict=True)
}
assert "paints" in found["collapse"]
assert "held back" in found["lambda_too_large"]
assert "too strong" in found["discriminator_too_strong"]
assert "both players win" in found["wrong_sign"]
assert "labels" in found["lambda_too_small"]
assert "healthy" in diagnose(healthy.metrics)[0]
assert all(diagnose(run.metrics) == checks.diagnose(run.metrics) for run in everyone.values())

# %% [markdown]
# ## 5. Heal one
#
# A cure that was not tried is a guess. Take the wrong sign: one word in R's loss. Two short trainings, one as
# printed in the report's equation 4, one as in the paper's equation 1. The first takes a subclass of `SimGAN`. It has the
# library's `refiner_loss`, with `REFINED` in place of `REAL`:


# %%
class WrongSign(simgan_lib.SimGAN):
    def refiner_loss(self, x):
        refined = self.refiner(x, training=True)
        logits = self.discriminator(refined, training=True)
        adversarial = self.adversarial_loss(logits, losses.REFINED)
        kept = self.self_regularisation(refined, x)
        loss = adversarial + self.config.lambda_mean * kept
        logs = {"refiner_loss": loss, "adversarial_loss": adversarial, "self_regularisation": kept}
        return loss, logs | {"mean_change": ops.mean(ops.abs(refined - x))}


# %% [markdown]
# **Predict.** After how few rounds can you tell them apart? By which curve?

# %%
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
config = scale.config.replace(
    iterations=max(6, scale.live // 3),
    refiner_pretraining_steps=min(40, scale.config.refiner_pretraining_steps),
    discriminator_pretraining_steps=min(30, scale.config.discriminator_pretraining_steps),
    log_every=2,
)

# %%
panel = widgets.HyperparameterPanel(config, fields=("lambda_mean", "refiner_learning_rate"))
panel

# %%
config = panel.config
lab = {}
for name, kind in [("wrong sign", WrongSign), ("healed", simgan_lib.SimGAN)]:
    folder = notebook.new_run_folder(f"10-{name.replace(' ', '-')}")
    simgan_lib.train(data, config, folder, progress=False, model=kind(config))
    lab[name] = simgan_lib.Run(folder)
    print(f"{name:<11}", "; ".join(diagnose(lab[name].metrics)))

# %%
notebook.show(
    charts(lab),
    "the same training twice, but for one sign. Above, both losses fall together: R helps D. Below, they "
    "hold each other.",
)

# %% tags=["check"]
late = {name: run.metrics.tail(3).mean(numeric_only=True) for name, run in lab.items()}
assert late["wrong sign"]["adversarial_loss"] < late["healed"]["adversarial_loss"]
if scale.live > 10:
    assert late["wrong sign"]["discriminator_loss"] < late["healed"]["discriminator_loss"]

# %% [markdown]
# ### The table to keep
#
# | what you see | what it means | what to change |
# |---|---|---|
# | $L_D \to 0$, adversarial loss rises, `change` next to nothing and self-regularisation still *a large part* of R's loss | lambda decides, not D | lower `lambda_mean` |
# | $L_D \to 0$, adversarial loss rises, `change` grows slowly, self-regularisation *a tiny part* | R is too slow for D | fewer `discriminator_updates`, larger `refiner_learning_rate` |
# | $L_D \to 0$ and the adversarial loss $\to 0$ too | R is paid for helping D | the sign of R's loss: the label in `refiner_loss` |
# | $L_D \to 0$, `change` jumps up and stays flat, black (or white) pictures | tanh is saturated, R has collapsed | lower `refiner_learning_rate`; pre-train |
# | $L_D$ healthy, `change` large, self-regularisation *a tiny part* of R's loss | perhaps the labels are gone | *measure* pupil shift and gaze error; raise `lambda_mean` |
# | curves and pictures swing to and fro | D forgets | a larger `buffer_size`; `refiner_averaging` |
# | $L_D$ stays at exactly 1.386 | D learns nothing: no gradient | D's last activation (section 6), its learning rate |
# | an accuracy far below 0.5 on refined images | R's step trains D as well | which variables the optimiser gets |
# | everything healthy, pictures as at the start | too early | more rounds; look again |
#
# ## 6. Bugs you will meet in the wild
#
# SimGAN was re-implemented many times, and bugs were copied with the code. Each has a symptom.
#
# ### The history that never fills
#
# `np.append` returns a new array. Throw its result away, and the buffer stays as it was:

# %%
refined = healthy.snapshots["refined"][-1]
buffer = np.zeros((0, *refined.shape[1:]), "uint8")
for _ in range(5):
    np.append(buffer, refined, axis=0)
print("images in the buffer:", len(buffer))

# %% [markdown]
# No error, and the training runs: it is patient `no_history` with the history switched on. The bug is in a much-copied public SimGAN and in at least
# four that took it over. The symptom stands in one column of our log:

# %%
for name in ("baseline", "no_history"):
    log = simgan_lib.reference_run(f"ablation/{name}/seed0").metrics
    print(f"{name:<11} history_filled at the end: {log['history_filled'].iloc[-1]:.0%}")

# %% [markdown]
# ### A ReLU on D's logits
#
# D must be able to say "less than nothing" for a class. Suppose that an update has pushed both logits of a patch below zero.
#
# **Predict.** Which probability does softmax give after a ReLU, and which gradient?

# %%
logits = np.array([[[[-1.0, -3.0]]]], "float32")
after_relu = np.maximum(logits, 0)
for name, values in [("logits", logits), ("after ReLU", after_relu)]:
    print(f"{name:<11}loss {float(losses.local_adversarial(values, losses.REAL)):.3f}")
print("slope of the ReLU at both:", (logits > 0).astype(int).ravel())

# %% [markdown]
# Exactly ln 2, and a slope of zero: such a patch answers "50%" for ever, whatever it sees. When all patches are there, $L_D$ stands
# at 1.386294 to the last digit. A guess that *fluctuates* around 1.386 is a D that learns; one that is frozen there is a
# D that is dead.
#
# ### Pixels as classes
#
# PyTorch keeps channels first: D's answers are `(batch, 2, height, width)`. To list them as (patch, class) pairs, the
# classes must be moved to the end *before* reshaping. `view(-1, 2)` without it pairs neighbouring patches:

# %%
answers = np.array([[["real 1", "real 2"], ["fake 1", "fake 2"]]])  # (batch, class, patch)
print("without permute:", answers.reshape(-1, 2).tolist())
print("with permute:   ", answers.transpose(0, 2, 1).reshape(-1, 2).tolist())

# %% [markdown]
# Shapes fit, nothing complains. D then compares one patch with its neighbour instead of "real" with "refined". A check of three
# lines would have found it: feed a D whose answer you know.
#
# ### One symbol, four orders of magnitude
#
# Some codes sum over pixels and patches, others take means, and all call it lambda. In one form:

# %%
public = {
    "the report's text": 0.01 / losses.lambda_mean_from_sum(1.0),
    "the paper (unverified)": 0.01,
    "daniel-merrick": 0.04,
    "AlexHex7": 0.15,
    "carpedm20": 0.5,
    "mjdietzx": 6.5,
}

# %%
for name, in_sums in public.items():
    ours = losses.lambda_mean_from_sum(in_sums)
    print(f"{name:<24}{in_sums:9.5f} as sums  ={ours:9.3f} as means")

# %% [markdown]
# Others that are known: one optimiser over both networks, or `trainable` switched to and fro until D is trained in R's step (notebook 07,
# exercise 2); both convolutions of a residual block sharing their weights; a test mode that silently refines with random
# weights; and, most common of all, **nobody measures**: we found no public SimGAN that reports a gaze error in degrees.

# %% [markdown]
# ## 7. The ablation: what matters, and what we cannot tell
#
# A failure is obvious. Most decisions are not: history or none, one D update or ten? For those there is the **ablation**: the
# same training, one thing changed, everything measured. This is the whole record:

# %% tags=["shared"]
grid = report.collect("runs/ablation")
print(len(grid), "runs;", grid["cell"].nunique(), "settings; seeds", set(grid["seed"].tolist()))

# %%
notebook.show(
    plots.ablation_figure(grid, list(SHOWS["ablation"])),
    "every run of the ablation: a dot per seed, an orange bar for their mean. Left, lower is better; "
    "middle, lower keeps the labels better; right, nearer to 50 is more realistic.",
)

# %% [markdown]
# **Predict.** Before the numbers: for how many of these settings is the gaze error different from the baseline's by more than chance?
#
# A dot is one training with one gaze network. Repeat it with another seed and it moves, and a difference that is not large against
# that movement is no finding. How far does it move? Every setting that was trained more than once tells, and so do the three seeds
# of the preset `quick`. Each alone is a poor witness; *pooled* they give one
# standard deviation $s$ with $\nu = \sum (n - 1)$ degrees of freedom. The yardstick of a difference is then
#
# $$ t = \frac{\bar e_{cell} - \bar e_{baseline}}{s \sqrt{1 / n_{cell} + 1 / n_{baseline}}} $$
#
# and for $\nu$ degrees of freedom Student's distribution says how large $|t|$ gets by luck, 19 times out of 20.


# %% tags=["shared"]
def pooled_spread(grid, column):
    quick = report.collect("runs/quick").assign(cell="quick")
    groups = pd.concat([grid, quick]).groupby("cell")[column]
    freedom = (groups.count() - 1).sum()
    return np.sqrt((groups.var() * (groups.count() - 1)).sum() / freedom), freedom


def against_baseline(grid, column):
    spread, freedom = pooled_spread(grid, column)
    table = grid.groupby("cell")[column].agg(["mean", "count"])
    base = table.loc["baseline"]
    table["difference"] = table["mean"] - base["mean"]
    table["t"] = table["difference"] / (spread * np.sqrt(1 / table["count"] + 1 / base["count"]))
    outside = table["t"].abs() > stats.t.ppf(0.975, freedom)
    table["verdict"] = np.where(outside, "outside", "inside the spread")
    return table.drop(index="baseline").sort_values("mean")


# %%
spread, freedom = pooled_spread(grid, "gaze_error_deg")
print(f"spread: {spread:.2f} degrees, from {freedom} degrees of freedom")
print(f"baseline: {grid.loc[grid['cell'] == 'baseline', 'gaze_error_deg'].mean():.2f} degrees\n")
print(against_baseline(grid, "gaze_error_deg").round(2).to_string())

# %% [markdown]
# With so many comparisons, one in twenty crosses the line by luck alone. So read the table like this:
#
# - **outside** and far: a finding, for this data, this length of training and this measure;
# - **outside**, but barely: a reason for more seeds;
# - **inside the spread**: *not* "it makes no difference". We cannot tell with so few seeds.
#
# The same for the labels:

# %%
print(against_baseline(grid, "pupil_shift_px").round(2).to_string())

# %% [markdown]
# ### The sweep of lambda
#
# One setting deserves a curve: lambda, the price of a change. On the axis the values of the sources and the public codes.
#
# **Predict.** Draw two curves before you look: gaze error against lambda, and pupil shift against lambda.

# %%
sweep = grid[grid["cell"].str.startswith(("baseline", "lambda_"))].copy()
names = sweep["cell"].replace("baseline", f"lambda_{healthy.config.lambda_mean}")
sweep["lambda_mean"] = names.str.removeprefix("lambda_").astype(float)
curve = sweep.groupby("lambda_mean")[["gaze_error_deg", "pupil_shift_px"]].agg(["mean", "std"])

# %%
figure = Figure(figsize=(10, 3.6), layout="constrained")
titles = {"gaze_error_deg": "gaze error, degrees", "pupil_shift_px": "pupil shift, median, pixels"}
for axis, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
    if column == "gaze_error_deg":
        axis.axhline(grid["synthetic_deg"].mean(), color=plots.BLUE, ls="--", label="unrefined")
        axis.legend(fontsize="small", loc="center right")
    axis.plot(sweep["lambda_mean"], sweep[column], "o", color=plots.BLUE, alpha=0.6)
    axis.plot(curve[column]["mean"], "-", color=plots.ORANGE)
    for name, in_sums in public.items():
        place = losses.lambda_mean_from_sum(in_sums)
        axis.axvline(place, color=plots.GRAY, linestyle=":", linewidth=1)
        axis.text(
            place, 0.03, f" {name}", transform=axis.get_xaxis_transform(), rotation=90, fontsize=7
        )
    axis.set(xscale="log", xlabel="lambda_mean (log)", title=title, ylim=(0, None))
notebook.show(
    figure,
    "what lambda buys and costs: a dot per run, the line through the means, dotted the values of the "
    "sources and public codes in our form. Left, what a gaze network is worth; right, how far the pupil moves.",
)

# %%
best = curve["gaze_error_deg"]["mean"].idxmin()
print(curve.round(2).to_string())
print("smallest mean gaze error at lambda_mean =", best)

# %% [markdown]
# Two forces. To the right, R is held back: pupils stay, and so does the simulated look; at 100 most of the gain over
# unrefined images is gone. To the left R may do anything, and pupils wander further. Gaze error needs
# both, realism *and* labels, which is why it is the measure that decides, and neither the look of the pictures nor the pupil shift alone.
# Here its curve is flat on the left: most of what separates those dots is the luck of single trainings.
#
# What this sweep does **not** show: that the same lambda is best for photographs, for longer trainings, or for colour; nor that a small lambda is harmless. It was measured on drawn
# eyes of two kinds that look the same ways, with one small gaze network a run. The report's schedule (lambda 0.01, many more rounds, ten D updates in each, all images)
# came to {{report-schedule evaluation.gaze_error_deg.refined.mean 1}} degrees.

# %% tags=["check"]
shifts = curve["pupil_shift_px"]["mean"]
assert shifts.iloc[-1] < shifts.iloc[0]
assert sweep["seed"].nunique() >= 1

# %% [markdown]
# ## What you have learned
#
# - Look in order: does D still play, does R still answer, how much does R repaint?
# - Much the same pictures can have different causes. The two terms of R's loss, logged apart, tell them apart.
# - Two players who both win are not converging: a sign is wrong.
# - No curve knows about labels. Measure them.
# - Bugs that throw no error show in a *column of the log*: a history that stays empty, a loss frozen at 1.386.
# - A difference inside the seed spread is not a finding, and not a proof of equality either.
#
# ## Exercises

# %% [markdown] tags=["task"]
# **1. Fill in.** A code takes the *mean* of the cross-entropy over patches and the *sum* of |R(x) - x| over pixels, with lambda = 0.01. What is
# that in our form? Which patient would it become?

# %% tags=["exercise"]
ours = ...  # 35 x 55 pixels

# %% tags=["solution"]
ours = 0.01 * 35 * 55
print("lambda_mean =", ours)
assert 19 < ours < 20

# %% [markdown] tags=["solution"]
# A sum over pixels is 1,925 times their mean, and the cross-entropy is a mean already: 19.25. That lies between carpedm20's 7.6 and
# mjdietzx's 100: R would be held back. The same 0.01 with *both* terms as sums is 0.153. When you copy a lambda, copy its reductions.

# %% [markdown] tags=["task"]
# **2. Extend the rules.** `diagnose` does not know the ReLU on D's logits. Write `frozen(metrics)`, which is true when $L_D$ stands still at
# 2 ln 2, and false for every training in this notebook. Test it on `dead`, a log made up for the purpose.

# %% tags=["shared"]
rounds = range(10, 110, 10)
dead = pd.DataFrame({"phase": "adversarial", "iteration": rounds, "discriminator_loss": 1.386294})


# %% tags=["exercise"]
def frozen(metrics): ...  # your code


# %% tags=["solution"]
def frozen(metrics):
    late = metrics.loc[metrics["phase"] == "adversarial", "discriminator_loss"].tail(5)
    return bool(late.std() < 1e-5 and abs(late.mean() - 2 * np.log(2)) < 1e-3)


# %% tags=["solution"]
print("dead:", frozen(dead), {name: frozen(run.metrics) for name, run in everyone.items()})
assert frozen(dead)
assert not any(frozen(run.metrics) for run in everyone.values())

# %% [markdown] tags=["solution"]
# Both conditions are needed. A healthy D passes through 1.386 now and then, but never twice to five digits; and a loss that stands
# still elsewhere (at 0, say) is another illness.

# %% [markdown] tags=["task"]
# **3. Diagnose early.** A training costs money until you stop it. At which round could `diagnose` first have raised an alarm for each patient, and how often would it
# have been a false alarm on the healthy run? Cut the metrics off after each logged round and ask again.

# %% tags=["exercise"]
# metrics[metrics["iteration"] <= n] would cut pre-training rows too: mind the phase.


# %% tags=["solution"]
def alarms(metrics):
    rounds = metrics[metrics["phase"] == "adversarial"]
    answers = {n: diagnose(rounds[rounds["iteration"] <= n])[0] for n in rounds["iteration"]}
    return [n for n, text in answers.items() if not text.startswith(("healthy", "too early"))]


# %% tags=["solution"]
for name, run in everyone.items():
    found = alarms(run.metrics)
    print(f"{name}: {len(found)} alarms, the first at round {found[0] if found else '-'}")

# %% [markdown] tags=["solution"]
# The loud failures raise the alarm within the first fifth of their cost; a patient without alarms is one that must be *measured*. Whether the healthy run
# stays silent is luck as much as skill: the thresholds were read off these very recordings. A dashboard should therefore ask you to look, and never stop a training by itself.

# %% [markdown] tags=["task"]
# **4. Read the ablation.** Repeat the comparison of section 7 for `two_sample_accuracy`. Is a setting that is better there also better in gaze error? Explain one
# setting where the two disagree.

# %% tags=["exercise"]
# against_baseline(grid, "two_sample_accuracy")

# %% tags=["solution"]
realism = against_baseline(grid, "two_sample_accuracy")["mean"]
error = against_baseline(grid, "gaze_error_deg")["mean"]
both = pd.DataFrame({"told apart, %": realism, "gaze error": error}).sort_values("gaze error")
print(both.round(2).to_string())
print(f"rank correlation: {both.rank().corr().iloc[0, 1]:.2f}")

# %% [markdown] tags=["solution"]
# Realism as a fresh classifier sees it, and worth for a gaze network, are different questions. A fresh classifier may use *any* remaining difference, such as sensor noise that a gaze
# network ignores; and a setting with a small lambda may look right while its labels are wrong. `lambda_2.3` and `k_d_10` are an example: the classifier finds
# {{ablation/lambda_2.3/seed0 evaluation.two_sample_accuracy.refined.mean 3}} and {{ablation/k_d_10/seed0 evaluation.two_sample_accuracy.refined.mean 3}} of the images out, and the gaze errors are
# {{ablation/lambda_2.3/seed0 evaluation.gaze_error_deg.refined.mean 1}} and {{ablation/k_d_10/seed0 evaluation.gaze_error_deg.refined.mean 1}} degrees: the better disguise taught no more. Besides, all settings are found out nearly always, so their order by this judge is mostly noise.
# Where the two disagree, ask what the images are *for*.

# %% [markdown]
# ## References
#
# - Shrivastava et al. 2017, sections 2.2, 2.3 and figures 4 and 8 (history, in pictures only).
# - Bojja 2018, equations 2 and 4.
# - GitHub: mjdietzx/SimGAN issues 12, 14, 18 and 22; AlexHex7/SimGAN_pytorch issue 5; carpedm20/simulated-unsupervised-tensorflow issue 30.
# - Lucic et al., *Are GANs created equal?*, NeurIPS 2018 (seeds, budgets, and claims that vanish).
#
# **Next:** [11 · Your own data](11_your_own_data.ipynb)
