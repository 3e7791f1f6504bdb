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
# *Running time: {{minutes}} on two CPU cores. A GPU makes it shorter, but is not needed.*
#
# **You will be able to**
#
# - say in one sentence what SimGAN is for, and name its four parts;
# - train a small refiner yourself and look at what it does to an eye;
# - read the table that decides whether all this helped;
# - find your way through the other eleven notebooks.
#
# **You need** nothing but Python and curiosity. Everything here is explained again, slowly, later.

# %% tags=["setup"]
import simgan_lib
from simgan_lib import notebook, plots

scale = notebook.start()

# %% [markdown]
# ## 1. The problem
#
# You want a network that sees where a person looks. It needs thousands of eye images *with the gaze
# known*, and nobody can tell the gaze of a photograph to a degree. A simulator can: it draws the eye, so it
# knows. But it draws *drawings*, and a network that learned from drawings stumbles over photographs.
#
# SimGAN's answer (Shrivastava et al. 2017): let one network, the **refiner** R, repaint the drawings until
# another, the **discriminator** D, cannot tell them from real images; and forbid R to stray far from the
# drawing, so that the eye still looks where its label says. Two networks that train against each other are a
# *generative adversarial network*, a GAN; the drawings, which come from the simulator, are the **synthetic**
# images.

# %%
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
print(data.synthetic.images.shape, data.real.images.shape)
print(data.synthetic.labels[["pitch", "yaw"]].head(3).round(2))

# %%
notebook.show(
    plots.contact_sheet(
        {"synthetic": data.synthetic.images[:20], "simulated\nwebcam": data.real.images[:20]}
    ),
    "two kinds of eyes. Above, synthetic ones: clean, with the gaze known. Below, what a webcam would "
    "show: lit unevenly, blurred, noisy, and *without* labels. They are not the same eyes.",
)

# %% [markdown]
# A word on honesty. The eyes below are drawn too: they stand in for photographs, which we may not ship. We
# call them **simulated webcam** images and never "real". They have one advantage: in secret we know *their*
# gaze as well, so we can measure what no one who works with photographs can.

# %% [markdown]
# ## 2. The four parts

# %%
from simgan_lib import diagrams

notebook.show(
    diagrams.pipeline(),
    "synthetic images go through the refiner; the discriminator compares what comes out, and older "
    "ones from the history buffer, with real images. Labels travel along unchanged.",
)

# %% [markdown]
# 1. The **refiner** repaints each synthetic image ([notebook 02](02_refiner.ipynb)).
# 2. The **discriminator** says, patch by patch, *refined* or *real* ([03](03_discriminator.ipynb)).
# 3. **Self-regularisation** keeps R(x) close to x, so that labels stay true ([04](04_losses.ipynb)).
# 4. A **history buffer** of older refined images keeps D from forgetting ([06](06_history_buffer.ipynb)).

# %% [markdown]
# ## 3. Train one
#
# Here is all of it in three lines. The networks are the paper's, slimmed to a quarter of the feature maps so
# that you wait for about a minute. Change a number if you like: `lambda_mean` is how strongly R is held back.
#
# **Predict.** R has seen no pair "this drawing, that photograph". What can it learn at all? What will change
# first: the overall brightness, the skin, or the position of the pupil?

# %%
config = scale.config.replace(
    iterations=scale.live,
    filters=16,
    discriminator_updates=1,
    lambda_mean=0.5,
    refiner_learning_rate=1e-3,
    snapshot_every=max(1, scale.live // 4),
)

# %%
folder = notebook.new_run_folder("quickstart")
simgan_lib.train(data, config, folder, progress=False)
run = simgan_lib.Run(folder)
print(f"{config.iterations} rounds in {run.environment['training_seconds']:.0f} seconds")

# %%
notebook.show(
    plots.timeline(run.snapshots, steps=5),
    "ten eyes while R learns, from above: the simulator's drawings, R after its pre-training (it copies), "
    "then further and further into the game. Brightness and skin change; the dark of each iris stays where it was.",
)

# %% [markdown]
# Your answer first, then ours: brightness and contrast go first, since D notices them at once; then the lids'
# shadows and the skin; the pupil should not move at all, because moving it costs R self-regularisation and
# earns it nothing. How far it really moves is measured in [notebook 09](09_is_it_useful.ipynb). A minute of a
# slim network is a sketch, of course: irises run black, so that many a pupil can no longer be seen in them, and
# the border shows a frame.

# %%
last = run.metrics.iloc[-1]
print(f"D is right on {last['accuracy_real']:.0%} of simulated webcam patches", end=" ")
print(f"and {last['accuracy_refined']:.0%} of refined ones (a guess: 50%)")
print(f"R changes a pixel by {last['mean_change']:.2f} on average, of a range of 2")

# %% tags=["check"]
assert (run.snapshots["refined"][-1] != run.snapshots["synthetic"]).any()
assert 0 < last["mean_change"] < 1

# %% [markdown]
# ## 4. A refiner that was given more time
#
# The repository carries finished runs. This one was trained for {{best config.iterations 0}} rounds, on more images and with
# half of the paper's feature maps; one line loads it. By the gaze error of the next section it is worth
# {{best evaluation.gaze_error_deg.refined.mean 1}} degrees.

# %%
refiner = simgan_lib.pretrained_refiner("best")
refined = simgan_lib.refine(refiner, data.synthetic.images[:20])

# %%
notebook.show(
    plots.contact_sheet(
        {
            "synthetic": data.synthetic.images[:20],
            "refined": refined,
            "simulated\nwebcam": data.real.images[:20],
        }
    ),
    "the same synthetic eyes as above, refined by the finished run, over simulated webcam ones. Compare "
    "skin, lid shadows and contrast; then check, eye by eye, that the gaze is still where it was.",
)

# %% [markdown]
# ## 5. Did it help?
#
# Pretty is not the point. The test: train a gaze network on each kind of image, and try it on labelled
# simulated webcam eyes it has never seen. The table is of three trainings of the preset `quick`, with three gaze networks
# each. `quick` is the model that notebooks 02 to 07 build. It has half of the paper's feature maps, and it is trained
# for {{quick/baseline/seed0 config.iterations 0}} rounds on 16,000 images of each kind:

# %%
from IPython.display import Markdown

from simgan_lib.evaluation.report import gaze_markdown

runs = [simgan_lib.reference_run(f"quick/baseline/seed{seed}") for seed in (0, 1, 2)]
Markdown(gaze_markdown(runs))

# %% [markdown]
# Read it from the outside in. Always answering the mean gaze is off by
# {{quick/baseline/seed0 evaluation.gaze_error_deg.mean_gaze.mean 1}} degrees: the floor. A network that may learn
# from *labelled* simulated webcam images, which is what nobody has, comes to
# {{quick/baseline/seed0 evaluation.gaze_error_deg.labelled.mean 1}}: the ceiling. Raw synthetic images give
# {{quick/baseline/seed0 evaluation.gaze_error_deg.synthetic.mean 1}}, a recipe of blur, noise and contrast by hand
# {{quick/baseline/seed0 evaluation.gaze_error_deg.handmade.mean 1}}, and refining
# {{quick/baseline/seed* evaluation.gaze_error_deg.refined.mean 1}}. The unlabelled images, which cost nothing,
# were worth that difference.
#
# What it does *not* do: a fresh classifier still tells refined from simulated webcam images
# {{quick/baseline/seed* evaluation.two_sample_accuracy.refined.mean 3}} of the time (as a fraction; 0.5 is a guess).
# Why, and what is missing, is the subject of notebooks [09](09_is_it_useful.ipynb) and [10](10_is_it_realistic.ipynb).

# %% [markdown]
# ## 6. The map of the course
#
# | notebook | the question it answers |
# |---|---|
# | [01 · Data](01_data.ipynb) | What is in the files, and how large is the gap between the two kinds of eyes? |
# | [02 · Refiner](02_refiner.ipynb) | Why residual, why fully convolutional, and how far does it see? |
# | [03 · Discriminator](03_discriminator.ipynb) | What does one patch see, and why many small answers instead of one? |
# | [04 · Losses](04_losses.ipynb) | What does each term want, in numbers and in pictures? |
# | [05 · Pre-training](05_pretraining.ipynb) | Why not start the game at once? |
# | [06 · History buffer](06_history_buffer.ipynb) | Why does D forget, and which famous bug makes it? |
# | [07 · Adversarial training](07_adversarial_training.ipynb) | Algorithm 1, line by line, live |
# | [08 · Results](08_results.ipynb) | What did the report see, what do we see? |
# | [09 · Is it useful?](09_is_it_useful.ipynb) | Gaze errors and labels: with uncertainty |
# | [10 · Is it realistic?](10_is_it_realistic.ipynb) | Can a classifier tell refined images, can you? |
# | [11 · The failure lab](11_failure_lab.ipynb) | Eight failed runs: what is wrong with them? |
# | [12 · Your own data](12_your_own_data.ipynb) | Another domain, from your own folder |
#
# ## What you have learned
#
# - SimGAN turns a simulator's images into realistic ones, with labels kept, from *unpaired* and *unlabelled*
#   real images.
# - Its four parts: refiner, discriminator, self-regularisation, history buffer.
# - Whether it helps is a number: the error of a network that learned from the refined images.
#
# **Next:** [01 · Data](01_data.ipynb)
