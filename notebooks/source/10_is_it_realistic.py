# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 10 · Is it realistic?
# <!-- colab:notebooks/10_is_it_realistic.ipynb --><!-- /colab -->
#
# *Running time: {{minutes}} on two fast CPU cores, and longer on others. Study: about 60 minutes. A GPU is not needed.*
#
# **You will be able to**
#
# - let a fresh classifier judge realism, and state its confidence interval;
# - measure how far two sets of images are apart with the kernel distance;
# - say how good a perfect refiner would be, and what one without randomness cannot paint;
# - take the visual Turing test, and say what its p-value means.
#
# **You need** notebook 09. For section 5 it helps to have met a test of hypotheses.

# %% tags=["shared", "setup"]
import keras
import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage, stats

import simgan_lib
from simgan_exercises import check, verdict
from simgan_lib import gaze, notebook, plots, realism, widgets
from simgan_lib.data import to_float
from simgan_lib.data.simulator import render, sample_eyes, set_person
from simgan_lib.evaluation import report
from simgan_lib.notebook import diagrams

scale = notebook.start()

# %% tags=["plot"]
notebook.show(
    diagrams.pipeline("refined real"),
    "where this notebook is on the map of the method. It compares refined images with those that they should look like.",
)

# %% [markdown]
# Do refined images look like the target, the simulated webcam images? The refiner is that of the run
# `best`.

# %% tags=["shared"]
data = simgan_lib.load("simulated", limit=scale.images, progress=False)
synthetic, webcam, test = data.synthetic, data.real.images, data.test
refined = simgan_lib.refine(simgan_lib.pretrained_refiner(), synthetic.images)
handmade = gaze.handmade(synthetic.images)
reference, others = np.array_split(webcam, 2)
print(f"{len(refined):,} refined eyes; {len(reference):,} and {len(others):,} webcam eyes")

# %% [markdown]
# ## 1. A fresh classifier as the judge
#
# This is the two-sample test of notebook 01. A classifier learns to tell two sets apart on half of the
# images, and is tested on the rest. Two sets from one distribution give 50%.
#
# The classifier must be fresh: R has learned to fool the D of its training. It is also **calibrated**:
# it judges simulated webcam images against others, where nothing can be found.
#
# **Predict.** How often will it be right for synthetic, for refined and for simulated webcam images?

# %%
candidates = {"synthetic": synthetic.images, "refined": refined, "webcam": others}
told, judges = {}, {}
for name, images in candidates.items():
    told[name], judges[name] = realism.two_sample_test(images, reference, 0, scale.effort)
    print(f"{name:<10} {told[name]['accuracy']:.1%} right of {told[name]['tested']:,}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Synthetic images are always told apart, refined ones in nine of ten cases, and simulated webcam ones in
# half, as by a guess. The records, with three classifiers for each run, give
# {{quick/baseline/seed* evaluation.two_sample_accuracy.refined.mean 3}} over the three refiners of
# `quick`, and {{best evaluation.two_sample_accuracy.refined.mean 3}} for `best`.
#
# </details>
#
# ### How sure are we?
#
# Each test image is a toss of a coin that falls right with an unknown probability $p$. Of $n$ tosses the
# share $\hat p$ was right. Its standard deviation is $\sqrt{p(1-p)/n}$. We keep every $p$ from which
# $\hat p$ lies at most $z = 1.96$ standard deviations away. They form **Wilson's interval**, at 95%:
#
# $$ \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}} $$

# %% [markdown] tags=["task"]
# ### Exercise 10.1 · Wilson's interval
#
# Write `wilson(right, tested)`. It returns both bounds, as shares. *Expected:* `wilson(50, 100)` gives
# about `(0.404, 0.596)`.
#
# <details><summary>Hint</summary>
#
# Compute the centre and the half-width of the numerator first. Both are divided by the same number.
#
# </details>
#
# [solution](solutions/10_is_it_realistic.ipynb)


# %% tags=["exercise"]
def wilson(right, tested): ...  # your code; z = 1.96


# %% tags=["solution"]
def wilson(right, tested, z=1.96):
    share = right / tested
    centre = share + z**2 / (2 * tested)
    half = z * np.sqrt(share * (1 - share) / tested + z**2 / (4 * tested**2))
    return (centre - half) / (1 + z**2 / tested), (centre + half) / (1 + z**2 / tested)


print("50 of 100: {:.3f} to {:.3f}".format(*wilson(50, 100)))
assert verdict("10.1", wilson)[0]

# %% tags=["shared"]
check("10.1", wilson)

# %% [markdown] tags=["solution"]
# The simpler interval $\hat p \pm z\sqrt{\hat p(1-\hat p)/n}$ has no width at $\hat p = 1$. It says that
# a classifier which was right 100 times of 100 can never be wrong.

# %%
for name, result in told.items():
    print(f"{name:<10} {result['accuracy']:.1%}, from {result['low']:.1%} to {result['high']:.1%}")

# %% tags=["check"]
if scale.live > 10:
    assert told["synthetic"]["low"] > 0.99
    assert told["refined"]["accuracy"] > 0.8
    assert abs(told["webcam"]["accuracy"] - 0.5) < 0.06

# %% [markdown]
# Only the interval of the simulated webcam images holds 50%.
#
# ### A difference that R cannot see
#
# The simulated webcam equalises every picture. R sees 19 x 19 pixels at a time, and D sees 23 x 23.
# Neither knows how bright the *whole* picture is. The run `closest` has an equalising last layer of R,
# `simgan_lib.models.equalised`. It was also trained for longer, which may explain a part of its gain.

# %%
best, closest = (simgan_lib.reference_run(name) for name in ("best", "closest"))
for run in (best, closest):
    accuracy = run.evaluation["two_sample_accuracy"]["refined"]["mean"]
    degrees = run.evaluation["gaze_error_deg"]["refined"]["mean"]
    print(f"{run.folder.name:<8} told apart {accuracy:.1%}, gaze error {degrees:.1f} degrees")

# %% tags=["check"]
runs = {run.folder.name: run.evaluation for run in (best, closest)}
assert (
    runs["closest"]["two_sample_accuracy"]["refined"]["mean"]
    < runs["best"]["two_sample_accuracy"]["refined"]["mean"] - 0.1
)

# %% [markdown]
# A refiner cannot learn what lies outside its receptive field. Where you know such a step, build it in.
#
# The gaze errors of the two differ by a tenth of a degree only. *Any* reliable difference is enough for
# a classifier. A gaze network minds only those that mislead it.

# %% [markdown]
# ## 2. How far apart? The kernel distance
#
# A test says whether two sets differ, and a distance how much. A network's *features* of an image are
# the $d$ numbers of its last hidden layer. Let $x$ be this vector in one set, and $y$ in the other. A
# kernel $k$ says how similar two vectors are. If the sets are alike, two $x$ are on average as similar
# as an $x$ and a $y$. The squared **maximum mean discrepancy** compares them:
#
# $$ \text{MMD}^2 = \overline{k(x, x')} + \overline{k(y, y')} - 2\,\overline{k(x, y)}, \qquad k(a, b) = (a \cdot b / d + 1)^3 $$
#
# The first two means leave out the pairs of a vector *with itself*, which make any two sets look
# different. The estimate is then **unbiased**: 0 on average for equal distributions, and sometimes
# below.
#
# With features of the network Inception this is the kernel inception distance, KID. The course calls it
# KID with features of its own classifier too. Compare its values only with each other.


# %% tags=["shared"]
def kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


# %% [markdown] tags=["task"]
# ### Exercise 10.2 · The unbiased distance
#
# Write `squared_mmd(x, y)`, the unbiased estimate. `x` and `y` are `(n, d)` and `(m, d)`; `kernel(x, y)`
# is `(n, m)`. It returns one number. *Expected:* about 0 for two sets from one distribution, whatever their
# sizes.
#
# <details><summary>Hint</summary>
#
# `k[~np.eye(len(k), dtype=bool)]` are the elements of a square matrix without its diagonal. In
# `kernel(x, y)` there is nothing to leave out.
#
# </details>
#
# [solution](solutions/10_is_it_realistic.ipynb)


# %% tags=["exercise"]
def squared_mmd(x, y): ...  # your code, with kernel(a, b)


# %% tags=["solution"]
def squared_mmd(x, y):
    alike = [k[~np.eye(len(k), dtype=bool)].mean() for k in (kernel(x, x), kernel(y, y))]
    return sum(alike) - 2 * kernel(x, y).mean()


assert verdict("10.2", squared_mmd)[0]

# %% tags=["solution"]
normal = np.random.default_rng(0).normal(size=(2, 200, 50, 8))
ours = [squared_mmd(x, y) for x, y in zip(*normal, strict=True)]
plain = [
    kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()
    for x, y in zip(*normal, strict=True)
]
for name, estimates in (("without the diagonal", ours), ("with the diagonal", plain)):
    print(f"{name:<21}{np.mean(estimates):+.3f} ± {np.std(estimates):.3f}")

# %% tags=["shared"]
check("10.2", squared_mmd)

# %% [markdown] tags=["solution"]
# Both sets come from one normal distribution, so the truth is 0. With the diagonal, the mean of 200
# estimates is 0.33.

# %% [markdown]
# The features are those of the classifier that told *synthetic* from simulated webcam images. It looks
# at what refining is to change, and may overlook a difference that only refined images have.
#
# **Predict.** Sort synthetic, hand-made, refined and simulated webcam images by their distance.

# %%
judge = judges["synthetic"]
see = keras.Model(judge.input, judge.get_layer("features").output)


def features(images):
    return see.predict(to_float(images), batch_size=250, verbose=0)


distance = {}
for name, images in (candidates | {"handmade": handmade}).items():
    distance[name] = realism.kernel_distance(features(images), features(reference))
    print("{:<10}{mean:8.4f} ± {std:.4f}".format(name, **distance[name]))

# %% tags=["check"]
if scale.live > 10:
    far = {name: found["mean"] for name, found in distance.items()}
    assert far["refined"] < far["handmade"] < far["synthetic"]
    assert abs(far["webcam"]) < 0.02

# %% [markdown]
# <details><summary>Answer</summary>
#
# Synthetic is the farthest, then hand-made, then refined. Simulated webcam is at 0.
#
# </details>
#
# The ± over 20 subsets of 500 images says how exact the distance is, and nothing about other trainings.
#
# A classifier still tells 92% apart, but the distance fell from 0.16 to 0.002: little is left of the old
# difference.
#
# Neither measure knows about labels: a refiner that returns any webcam image would score best.

# %% [markdown]
# ## 3. How good could any refiner be?
#
# Is 50% the right goal? Each of our images is drawn from a row of numbers, so we can make a perfect
# refiner. It keeps those numbers of a synthetic image that a refiner must leave alone. All others come
# from a row of the simulated webcam: skin, light, lashes, shadows, spectacles, camera.
#
# What must it leave alone? Three answers, each stricter than the last:
#
# 1. the *gaze*, or the label would be wrong;
# 2. also the *place* of the eye in the picture, as self-regularisation compares pixel by pixel;
# 3. also the *lids*, as moving an edge changes many pixels.

# %% tags=["shared"]
eyes = sample_eyes(len(synthetic), "simulator")  # the rows behind `synthetic`
webcam_eyes = sample_eyes(len(synthetic), "webcam", start=6 * 10**8)
kept_by = {"gaze": ["pitch", "yaw"]}
kept_by["gaze, place"] = [*kept_by["gaze"], "roll", "shift_x", "shift_y", "zoom"]
lids = ["eye_width", "lid_cover", "lower_lid", "lid_squint", "crease_height", "tilt", "roundness"]
kept_by["gaze, place, lids"] = [*kept_by["gaze, place"], *lids]

# %%
perfect = {
    name: render(webcam_eyes.assign(**eyes[columns].to_dict("list")), "webcam")
    for name, columns in kept_by.items()
}

# %% tags=["check"]
assert (render(eyes[:8], "simulator") == synthetic.images[:8]).all()

# %% tags=["plot"]
rows = {"synthetic": synthetic.images, "refined": refined}
rows |= {f"keeps\n{name}".replace(", lids", ",\nlids"): images for name, images in perfect.items()}
notebook.show(
    plots.contact_sheet({name: images[:6] for name, images in rows.items()}, 6, zoom=1.5),
    "the same six eyes: as simulated, as R answers, and as three perfect refiners would. In a column "
    "the simulated and the perfect eyes look the same way, and R's as far as it kept the label. Only the last "
    "row keeps the lids of the first.",
)

# %% [markdown] tags=["task"]
# ### Exercise 10.3 · Perfect, and told apart
#
# A fresh classifier judges the three perfect refiners against simulated webcam images. Which one does it
# tell apart the most often?
#
# - **A**: keeps the gaze only
# - **B**: keeps gaze and place
# - **C**: keeps gaze, place and lids
# - **D**: all three about 50%
#
# Answer with a letter, such as `"A"`, before you run the cell below.
#
# <details><summary>Hint</summary>
#
# The two styles draw eyes of different proportions, in different places. What a refiner keeps of the
# simulator can be seen.
#
# </details>
#
# [solution](solutions/10_is_it_realistic.ipynb)

# %% tags=["exercise"]
told_most = ...

# %% tags=["solution"]
told_most = "C"
assert verdict("10.3", told_most)[0]

# %% tags=["shared"]
check("10.3", told_most)

# %%
ideal = {}
for name, images in perfect.items():
    ideal[name] = realism.two_sample_test(images, reference, 0, scale.effort)[0]["accuracy"]
    print(f"keeps {name:<18} told apart {ideal[name]:.1%}")

# %% tags=["check"]
if scale.live > 10:
    assert ideal["gaze"] < 0.6
    assert ideal["gaze"] < ideal["gaze, place"] < ideal["gaze, place, lids"]

# %% [markdown]
# **A refiner should not be measured against 50%.** A perfect refiner that keeps place and lids is told
# apart in 86%. The R of `best` has 92%. That of `closest` has 73%, and may not keep all lids.
#
# ## 4. One eye, six times
#
# A simulated webcam photographs one eye six times, with new light and noise. R refines one synthetic eye
# six times.
#
# **Predict.** In what will R's six answers differ?

# %% tags=["plot"]
one = sample_eyes(1, "webcam", start=5 * 10**8).iloc[[0] * 6].reset_index(drop=True)
lights = np.linspace(-1, 1, 6) * 0.6
shots = render(one.assign(noise_seed=np.arange(6), light_x=lights, noise=12.0), "webcam")
answers = simgan_lib.refine(simgan_lib.pretrained_refiner(), synthetic.images[[0] * 6])
notebook.show(
    plots.contact_sheet({"simulated\nwebcam": shots, "refined": answers}, 6, zoom=1.5),
    "above, one eye in the simulated webcam, six times. Below, R's six answers to one synthetic eye.",
)

# %%
for name, images in (("simulated webcam", shots), ("refined", answers)):
    print(f"{name:<17} a pixel varies by {images.std(axis=0).mean():.1f} gray levels")

# %% tags=["check"]
assert answers.std(axis=0).max() == 0

# %% [markdown]
# <details><summary>Answer</summary>
#
# In nothing. R is a function: one input has one output.
#
# </details>
#
# One eye has many possible webcam pictures. R has no random input, so it can paint only one of them.
# Refined pictures should then be right on average, and too much alike. We test this on the *fine detail*
# of a picture, which is what a blur takes away:


# %%
def fine_detail(images):
    sharp = images.astype("float32")
    return (sharp - ndimage.gaussian_filter(sharp, (0, 1, 1))).std(axis=(1, 2))


for name, images in (("synthetic", synthetic.images), ("refined", refined), ("webcam", webcam)):
    found = fine_detail(images)
    low, high = np.percentile(found, [5, 95])
    print(f"{name:<10} mean {found.mean():4.1f} gray levels; 90% lie from {low:.1f} to {high:.1f}")

# %% tags=["check"]
if scale.live > 10:
    assert fine_detail(refined).std() < fine_detail(webcam).std()

# %% [markdown]
# The refined images have nearly the webcam's mean, and half its range.
#
# ### What does it cost?
#
# Now the perfect refiner that keeps gaze, place and lids loses most of its randomness. Every simulated
# person becomes one certain webcam person. Light and shadow are those of the synthetic eye, which R can
# see. Spectacles, exposure, blur, compression and noise level are the same for all. Only the noise's
# pattern stays random.
#
# Three gaze networks measure each row, as in notebook 09.

# %% tags=["shared"]
truth = test.labels[gaze.LOOK].to_numpy()
SEEDS = 3 if scale.live > 10 else 1


def gaze_errors(images, labels):
    targets, found = labels[gaze.LOOK].to_numpy(), []
    for seed in range(SEEDS):
        network = gaze.train_estimator(images, targets, seed, scale.effort)
        answer = network.predict(to_float(test.images), batch_size=256, verbose=0)
        found.append(gaze.angular_error(answer, truth).mean())
    return np.array(found)


# %%
same_person = set_person(eyes, eyes["person"], "webcam").assign(**eyes[lids].to_dict("list"))
no_random = same_person.assign(glasses=0.0, exposure=1.0, blur=0.3, noise=3.0, jpeg=90)
labelled = simgan_lib.simulate(len(synthetic), "webcam", start=report.LABELLED_START)
rows = {
    "refined by R": (refined, synthetic.labels),
    "perfect, without randomness": (render(no_random, "webcam"), synthetic.labels),
    "perfect, keeps gaze, place, lids": (perfect["gaze, place, lids"], synthetic.labels),
    "perfect, keeps gaze": (perfect["gaze"], synthetic.labels),
    "labelled webcam images": labelled,
}

# %% [markdown]
# **Predict.** Sort the five rows by their gaze error.

# %%
degrees = {}
for name, (images, labels) in rows.items():
    degrees[name] = gaze_errors(images, labels)
    spread = degrees[name].std(ddof=1) if SEEDS > 1 else 0
    print(f"{name:<33} {degrees[name].mean():.1f} ± {spread:.1f} degrees")

# %% tags=["check"]
if scale.live > 10:
    means = {name: found.mean() for name, found in degrees.items()}
    assert means["labelled webcam images"] < means["perfect, keeps gaze, place, lids"]
    assert means["perfect, keeps gaze"] < means["refined by R"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# In the order as printed. The first two are close, and the last two are equal.
#
# </details>
#
# R's images are 1.5 degrees worse than labelled ones. Keeping place and lids costs 0.9 degrees, and
# missing persons, light and cameras cost 0.5. R itself adds 0.1. The ± is over gaze networks, not over
# refiners; 0.0 is below 0.05.

# %% [markdown]
# ## 5. The visual Turing test
#
# In the paper, people saw single images, refined or real, and said which. Of 1,000 answers 517 were
# right. With *unrefined* images, 162 of 200 were.
#
# If all guess, the number of right answers follows the binomial distribution with $p = 1/2$. The
# **p-value** is the probability that guessers get at least as many right.

# %%
for right, shown in ((517, 1000), (162, 200)):
    p = stats.binomtest(right, shown, 0.5, alternative="greater").pvalue
    print(f"{right} of {shown}: p = {p:.3g}")

# %% tags=["check"]
assert abs(stats.binomtest(517, 1000, 0.5, alternative="greater").pvalue - 0.148) < 5e-4

# %% [markdown]
# Guessers reach 517 about one time in seven, so this test does not speak against guessing. It does not
# prove that people cannot tell. Guessers do not reach 162 of 200.
#
# Your turn, with pairs. **Predict.** How many of ten will you get?

# %% tags=["plot"]
pairs, real_side = realism.visual_turing_test(refined, webcam, pairs=10, seed=9)
figure = Figure(figsize=(11, 5.4), layout="constrained")
for number, (axis, pair) in enumerate(zip(figure.subplots(4, 3).flat, pairs, strict=False)):
    gap = np.full((pair.shape[1], 3), 255, "uint8")
    axis.imshow(np.hstack([pair[0], gap, pair[1]]), cmap="gray", vmin=0, vmax=255)
    axis.set_title(f"pair {number + 1}", fontsize="small")
for axis in figure.axes:
    axis.axis("off")
notebook.show(figure, "ten pairs. In each, one eye is refined and the other a simulated webcam's.")

# %% [markdown]
# Where is the *simulated webcam* eye in each pair? Replace the ten zeros: 0 for left, 1 for right.

# %%
answers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
right = int((np.array(answers) == real_side).sum())
p = stats.binomtest(right, 10, 0.5, alternative="greater").pvalue
print(f"{right} of 10 right, p = {p:.3f}")

# %%
for right in range(5, 11):
    p = stats.binomtest(right, 10, 0.5, alternative="greater").pvalue
    print(f"{right:>2} of 10 or more: guessers get there {p:.1%} of the time")

# %% [markdown]
# From nine right answers on, p is below 0.05. Name what gave the refined ones away. Twenty other pairs,
# one at a time:

# %%
widgets.TuringTest(refined, webcam, pairs=20, seed=10, real_name=best.real_name)

# %% [markdown]
# ## 6. What gives refined images away?
#
# Section 4 suggests an explanation: the grain of some webcam pictures is missing.

# %% [markdown] tags=["task"]
# ### Exercise 10.4 · Is it the grain?
#
# Test the explanation in two ways, with `realism.two_sample_test`:
#
# 1. Add noise of 4, 8 and 16 gray levels to the refined images.
# 2. Blur *both* kinds of images with `ndimage.gaussian_filter`, by 1, 2 and 4 pixels.
#
# Print the accuracies. Write down what each experiment says about the explanation.
#
# <details><summary>Hint</summary>
#
# Blur with `(0, sigma, sigma)`, so that images do not mix. Noise can leave the range 0 to 255: clip, then
# convert to `uint8`.
#
# </details>
#
# <details><summary>What a good answer mentions</summary>
#
# - White noise is not the sensor's noise, which is blurred and compressed. So the first experiment alone
#   refutes little.
# - With the fine detail gone from both kinds, only broad forms and shades are left. A classifier that
#   still tells them apart does not need the grain.
# - One classifier and one refiner were used. A difference of a percentage point or two means nothing.
#
# </details>
#
# [solution](solutions/10_is_it_realistic.ipynb)

# %% tags=["exercise"]
accuracies = ...  # your code

# %% tags=["solution"]
grain = np.random.default_rng(0).normal(size=refined.shape)
for level in (0, 4, 8, 16):
    noisy = np.clip(refined + level * grain, 0, 255).astype("uint8")
    result = realism.two_sample_test(noisy, reference, 0, scale.effort)[0]
    print(f"noise of {level:>2} gray levels: told apart {result['accuracy']:.1%}")

# %% tags=["solution"]
accuracies = {}
for sigma in (0, 1, 2, 4):
    soft = [ndimage.gaussian_filter(eyes, (0, sigma, sigma)) for eyes in (refined, reference)]
    accuracies[sigma] = realism.two_sample_test(*soft, 0, scale.effort)[0]["accuracy"]
    print(f"blur of {sigma} pixels: told apart {accuracies[sigma]:.1%}")
if scale.live > 10:
    assert accuracies[2] > 0.7

# %% [markdown] tags=["solution"]
# Noise does not help. After a blur of 4 pixels the classifier still tells 90% apart: broad forms and
# shades are enough.

# %% [markdown]
# ## What you have learned
#
# - A judge of realism must be fresh and calibrated, and needs an interval.
# - A classifier says whether two sets differ, and a distance how far. Neither knows about labels.
# - Measure R against a perfect refiner that keeps place and lids, not against 50%.
# - A refiner without a random input paints one fixed example of what is random.
# - A p-value says how often guessers reach a score.
#
# ## References
#
# - Shrivastava et al. 2017, "Appearance-based Gaze Estimation": the visual Turing test.
# - Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, ICLR 2017.
# - Bińkowski et al., *Demystifying MMD GANs*, ICLR 2018: KID.
# - Wilson, *Probable inference, the law of succession, and statistical inference*, JASA 1927.
#
# **Next:** [11 · The failure lab](11_failure_lab.ipynb)
