# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 00 · Quickstart
# <!-- colab:notebooks/00_quickstart.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 40 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - say what SimGAN is for, and name its four parts;
# - explain the game that its two networks play;
# - train a small refiner and look at what it does to an eye;
# - read the table that says whether refining helped.
#
# **You need** a little Python. Notebooks 01 to 07 explain everything again.

# %% tags=["setup"]
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

import simgan_lib
from simgan_lib import diagrams, notebook, plots, simulator
from simgan_lib.evaluation import to_markdown
from simgan_lib.evaluation.report import gaze_markdown

scale = notebook.start()

# %% [markdown]
# ## 1. The problem
#
# A network should see where a person looks. It must learn from thousands of eye images whose gaze is known. In a
# photograph the gaze is hard to measure. A **simulator** draws the eye, so it knows the gaze. But a network that
# learned from drawings makes large errors on photographs.
#
# The drawings are the **synthetic** images. SimGAN ([Shrivastava et al. 2017](https://arxiv.org/abs/1612.07828))
# repaints them until they look real, and tries to keep their labels true.

# %%
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print("synthetic:", data.synthetic.images.shape, " simulated webcam:", data.real.images.shape)

# %% tags=["plot"]
kinds = {"synthetic": data.synthetic.images[:20], "simulated\nwebcam": data.real.images[:20]}
notebook.show(
    plots.contact_sheet(kinds),
    "two kinds of eyes. Rows 1 and 3 are synthetic: clean, and the gaze is known. Rows 2 and 4 show what a webcam "
    "would see: uneven light, blur and noise, and no labels. No eye appears in both kinds.",
)

# %% [markdown]
# The second kind is drawn too, because we may not ship photographs of people. We call it **simulated webcam**. Its
# gaze is known too. It serves to measure gaze networks, and SimGAN never sees it.

# %% [markdown]
# ## 2. Gaze is two angles
#
# **Pitch** says how far an eye looks up or down, **yaw** how far to the side. Both are 0 when it looks into the
# camera.

# %% tags=["plot"]
ways = {"pitch 0°, yaw 0°": (0, 0), "pitch +12°": (12, 0), "pitch -20°": (-20, 0)}
ways |= {"yaw +25°": (0, 25), "yaw -25°": (0, -25)}
pitch, yaw = np.radians(list(ways.values())).T
eyes = simulator.set_person(simulator.sample_eyes(5, "simulator"), 7, "simulator")
eyes = eyes.assign(pitch=pitch, yaw=yaw, roll=0.0, shift_x=0.0, shift_y=0.0, zoom=1.0)
eyes = eyes.assign(light_x=0.0, lid_squint=0.3, exposure=1.0, shadow=0.0, head_cut=0.0)
pictures = simulator.render(eyes, "simulator", size=(105, 165))
places = simulator.labels(eyes, size=(105, 165))
figure = Figure(figsize=(10, 1.7), layout="constrained")
for axis, title, picture, (_, at) in zip(
    figure.subplots(1, 5), ways, pictures, places.iterrows(), strict=True
):
    plots.show_pixels(plots.picture_in(axis, title), picture)
    axis.plot(at["pupil_x"], at["pupil_y"], "o", color=plots.ORANGE, markersize=4)
    end = at["pupil_x"] + 90 * at["look_x"], at["pupil_y"] + 90 * at["look_y"]
    arrow = {"arrowstyle": "->", "color": plots.ORANGE, "linewidth": 2.5, "shrinkA": 0}
    axis.annotate("", xy=end, xytext=(at["pupil_x"], at["pupil_y"]), arrowprops=arrow)
notebook.show(
    figure,
    "one eye that looks in five directions. The arrow starts at the pupil and shows where the eye looks. Positive pitch "
    "is up. Positive yaw is the left of the *image*.",
)

# %% [markdown]
# The labels are in radians. One radian is 57.3 degrees. The first three synthetic eyes, in degrees:

# %%
np.degrees(data.synthetic.labels[["pitch", "yaw"]].head(3)).round(1)

# %% [markdown]
# ## 3. A game of two networks
#
# A *generative adversarial network*, or GAN, is two networks that train against each other.
#
# - The **discriminator** sees images of two kinds. Like any classifier, it learns to tell them apart.
# - The **generator** makes the images of one kind. Its loss is low when the discriminator takes them for the other
#   kind.
#
# In SimGAN the generator is the **refiner**. It starts from a drawing, not from random numbers.
#
# The two take turns. One changes while the other stands still:
#
# | who changes | what it wants |
# |---|---|
# | the refiner | the answer "real" for a refined image |
# | the discriminator | the answer "refined" for a refined image, and "real" for an image of the target |
#
# Suppose refined images are too clean. The discriminator's gradient tells the refiner which pixels give an image
# away, and the refiner learns to add noise. The discriminator then finds another difference, such as sharp lids.
#
# Ideally the discriminator can only guess in the end. In practice training stops after a set number of rounds. Each
# loss depends on how good the other player is. So losses need not fall, and do not say whether the images are good.
# Section 7 measures that.
#
# *Any* convincing eye would fool the discriminator, whichever way it looks, and the label would be wrong. So SimGAN
# also punishes every change of a pixel.

# %% [markdown]
# ## 4. The four parts

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline(),
    "synthetic images pass the refiner. The discriminator compares them, and older ones from the history buffer, with "
    "images of the target. The labels stay as they are.",
)

# %% [markdown]
# 1. The **refiner** R repaints each synthetic image ([notebook 02](02_refiner.ipynb)).
# 2. The **discriminator** D answers "refined" or "real" for each patch of an image ([03](03_discriminator.ipynb)).
# 3. **Self-regularisation** keeps R(x) close to x, so that labels stay true ([04](04_losses.ipynb)).
# 4. The **history buffer** keeps older refined images, so that D does not forget them ([06](06_history_buffer.ipynb)).
#
# D's answer "real" means: an image of the target, here of the simulated webcam.
#
# ### Notation
#
# | symbol | meaning | in code |
# |---|---|---|
# | x | a synthetic image, with pixels from -1 to 1 | `data.synthetic` |
# | y | an image of the target | `data.real` |
# | R(x) | the refined image | `simgan_lib.refine` |
# | D(R(x)) | D's answer for each patch: the probability that it is refined | `probability_refined` |
# | $L_R$, $L_D$ | the losses of R and D | `refiner_loss`, `discriminator_loss` |
# | ψ (psi) | what of an image R must keep; here the image itself | `losses.identity` |
# | λ (lambda) | the weight of self-regularisation in $L_R$ | `lambda_mean` |
# | $K_g$, $K_d$ | the updates of R (g: generator) and of D in a round | `refiner_updates`, `discriminator_updates` |
#
# | word | meaning |
# |---|---|
# | step | one update of one network, from one batch |
# | round | $K_g$ steps of R, then $K_d$ steps of D |
# | iteration | another word for round |
# | epoch | one pass over all images, where a network trains alone |
# | run | one finished training, kept in a folder |

# %% [markdown]
# ## 5. Train one
#
# A *preset* is a named set of settings. We train the preset `quick` for 300 of its 600 rounds.
#
# Each notebook's set-up cell prints a `scale`. `scale.images` of each kind are loaded. `scale.live` sets the rounds
# of shorter trainings, and `scale.effort` how long measuring networks learn.
#
# **Predict.** The pupil's position, the shadows around the lids and the contrast could change. Which changes first,
# and which should not change at all?

# %%
config = scale.config
folder = notebook.new_run_folder("quickstart")
simgan_lib.train(data, config, folder, progress=False)
run = simgan_lib.Run(folder)
print(f"{config.iterations} rounds in {run.environment['training_seconds']:.0f} seconds")

# %% tags=["plot"]
notebook.show(
    plots.timeline(run.snapshots, steps=4, count=8),
    "eight eyes while R learns. The first row is synthetic. Before round 0 R has learned to copy, as notebook 05 "
    "explains. The rows below show the same eyes in later rounds.",
)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Contrast changes first, then shadows. The pupil should stay where it is. [Notebook 09](09_is_it_useful.ipynb) tests
# that. After so few rounds many irises are black and hide the pupil.
#
# </details>

# %%
last = run.metrics.iloc[-1]
print(f"D is right on {last['accuracy_real']:.0%} of simulated webcam patches", end=" ")
print(f"and on {last['accuracy_refined']:.0%} of refined ones; a guess: 50%")
print(f"R changes a pixel by {last['mean_change']:.2f} on average, of a range of 2")

# %% tags=["check"]
assert (run.snapshots["refined"][-1] != run.snapshots["synthetic"]).any()
assert 0 < last["mean_change"] < 1

# %% [markdown]
# ## 6. A refiner that trained for longer
#
# The repository's run `best` trained for {{best config.iterations 0}} rounds on more images.

# %%
refiner = simgan_lib.pretrained_refiner("best")
refined = simgan_lib.refine(refiner, data.synthetic.images[:16])

# %% tags=["plot"]
rows = {"synthetic": data.synthetic.images[:16], "refined": refined}
rows["simulated\nwebcam"] = data.real.images[:16]
notebook.show(
    plots.contact_sheet(rows, columns=8),
    "synthetic eyes, the same eyes refined by the run `best`, and the simulated webcam's images of other eyes. Compare "
    "skin, lid shadows and contrast. Then check in each refined eye that the iris is still where it was.",
)

# %% [markdown]
# ## 7. Did it help?
#
# A gaze network learns from one kind of image. We test it on labelled simulated webcam images that no network has
# seen. The error is the angle between the true and the predicted gaze. The table covers three trainings of `quick`,
# with three gaze networks each. Rows without refining share the same three networks.

# %%
runs = [simgan_lib.reference_run(f"quick/baseline/seed{seed}") for seed in (0, 1, 2)]
Markdown(gaze_markdown(runs))

# %% [markdown]
# ± is the standard deviation: in the table over gaze networks, below over trainings.
#
# - The first row needs no network. The last needs labels of the target, which nobody has in practice.
# - The handmade recipe gains next to nothing.
# - **Refined images give {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees.** The refiner saw
#   no label and no pair.
#
# They are not perfect. A new classifier tells them from simulated webcam images with an accuracy of
# {{quick/baseline/seed* evaluation.two_sample_accuracy.refined.mean 3}}. A guess has 0.5. [Notebook
# 10](10_is_it_realistic.ipynb) says more.

# %% [markdown]
# ### Which run is which
#
# Later notebooks use these runs. The *report* is A. K. Bojja's course report of 2018, whose work this course repeats.
# An *ablation* is a set of trainings that change one thing at a time.

# %% tags=["plot"]
ABOUT = {
    "quick/baseline/seed*": "the preset `quick`",
    "ablation/baseline/seed*": "the ablation's starting point",
    "best": "the refiner to take for learning",
    "closest": "the refiner to take for realism; went on from `best`, 8,600 rounds in all",
    "report-schedule": "the report's settings, stopped early",
}
lines = []
for pattern, about in ABOUT.items():
    found = [
        simgan_lib.Run(path.parent) for path in sorted(Path("runs").glob(f"{pattern}/config.json"))
    ]
    error = [run.evaluation["gaze_error_deg"] for run in found]
    synthetic, refined = (np.mean([e[k]["mean"] for e in error]) for k in ("synthetic", "refined"))
    first, source = found[0], found[0].environment["data"]["synthetic"]
    rounds = first.metrics.query("phase == 'adversarial'")["iteration"].max()
    line = {"run": f"`{pattern.split('/seed')[0]}`", "what it is": about}
    line |= {"synthetic images": f"{source['images']:,}", "rounds": f"{rounds:,.0f}"}
    line |= {"trainings": len(found), "gaze networks each": first.evaluation["seeds"]}
    line |= {"error, synthetic": f"{synthetic:.1f}°", "error, refined": f"{refined:.1f}°"}
    lines.append(line)
Markdown(to_markdown(pd.DataFrame(lines)))

# %% [markdown]
# All gaze networks learn from 4,000 images. The *synthetic* error has nothing to do with a refiner. One network errs
# by {{ablation/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} degrees, and three by
# {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}} on average. So compare within a row. The last
# three rows are one training each, so their order is not settled. Between `best` and `closest` lies a run of 3,000
# rounds, which is not kept.
#
# Notebooks 04 and 11 also use a *control*, `failures/baseline`: {{failures/baseline/seed0 config.iterations 0}} rounds on
# 4,000 images, {{failures/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}} degrees.

# %% [markdown]
# ## 8. The course
#
# Notebooks 01 to 06 take the parts one by one, and [07](07_adversarial_training.ipynb) trains them together. 08 to 13
# judge the results, show trainings that fail, and use your own images and methods. [The list](README.md) describes
# each.
#
# ## What you have learned
#
# - SimGAN makes a simulator's images look like a target's. It needs neither labels of the target nor pairs.
# - Refiner and discriminator train in turns, against each other.
# - Self-regularisation should keep labels true, and the history buffer should keep D from forgetting.
# - The error of a gaze network says whether refining helps.
#
# **Next:** [01 · Data](01_data.ipynb)
