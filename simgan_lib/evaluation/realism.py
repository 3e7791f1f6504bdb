"""Realism: whether images can be told from real ones. No labels are needed."""

import keras
import numpy as np
import pandas as pd
from scipy import stats
from tqdm.auto import tqdm

from simgan_lib.config import UserError
from simgan_lib.evaluation import summarise
from simgan_lib.evaluation.gaze import Effort, predict, train_estimator


def two_sample_test(
    images: np.ndarray, real: np.ndarray, seed: int = 0, effort: Effort | None = None
) -> tuple[dict, keras.Model]:
    """Trains a new classifier to tell images from real ones, and tests it on held-out images.

    Images are uint8, of one shape. `seed` draws the halves, the initial weights and the shuffles.

    Returns:
        A dict with `accuracy` (0.5: it cannot tell them apart), the bounds `low` and `high` of its
        95% confidence interval (Wilson's) and the number of images `tested`; and the classifier.

    Reference:
        Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017.
    """
    count = min(len(images), len(real))
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(len(images))[:count], rng.permutation(len(real))[:count]]
    pooled = np.concatenate([images[chosen[0]], real[chosen[1]]])
    labels = np.repeat([1.0, -1.0], count)
    # Half of each kind, so that both kinds are equally frequent in training and test.
    learn = np.tile(np.arange(count) < count // 2, 2)
    classifier = train_estimator(pooled[learn], labels[learn, None], seed, effort)
    answers = predict(classifier, pooled[~learn])[:, 0]
    right = int(((answers > 0) == (labels[~learn] > 0)).sum())
    interval = stats.binomtest(right, len(answers)).proportion_ci(method="wilson")
    result = {"accuracy": right / len(answers), "low": interval.low, "high": interval.high}
    return result | {"tested": len(answers)}, classifier


def kernel_distance(
    features: np.ndarray, real: np.ndarray, subsets: int = 20, size: int = 500, seed: int = 0
) -> dict:
    """Computes the kernel distance (KID) between two sets of features, `(n, d)` and `(m, d)`.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.
    It is about 0 for sets from the same distribution, and may be slightly negative. `mean` and
    `std` are over `subsets` estimates, each from at most `size` vectors of a kind.

    Reference:
        Bińkowski et al., Demystifying MMD GANs, ICLR 2018.
    """

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1.0) ** 3

    rng, estimates = np.random.default_rng(seed), []
    size = min(size, len(features), len(real))
    for _ in range(subsets):
        x = features[rng.permutation(len(features))[:size]].astype(float)
        y = real[rng.permutation(len(real))[:size]].astype(float)
        # Without the diagonal: comparing a vector with itself is what biases the plain estimate.
        within = sum(k.sum() - np.trace(k) for k in (kernel(x, x), kernel(y, y)))
        estimates.append(within / (size * (size - 1)) - 2 * kernel(x, y).mean())
    return {"mean": float(np.mean(estimates)), "std": float(np.std(estimates))}


def realism(
    synthetic: np.ndarray,
    refined: np.ndarray,
    real: np.ndarray,
    seeds: int = 3,
    effort: Effort | None = None,
    progress: bool = True,
) -> dict[str, dict]:
    """Measures `two_sample_accuracy` and `kid` of synthetic, refined and real images.

    They are compared with one half of the real images. The other half shows the best possible
    result. All are uint8, of one shape; `seeds` is the number of classifiers per comparison.
    """
    shuffled = real[np.random.default_rng(0).permutation(len(real))]
    reference, others = shuffled[: len(real) // 2], shuffled[len(real) // 2 :]
    candidates = {"synthetic": synthetic, "refined": refined, "real": others}
    accuracy, distance, features = {}, {}, None
    for name, images in tqdm(candidates.items(), desc="realism", unit="set", disable=not progress):
        tests = [two_sample_test(images, reference, seed, effort) for seed in range(seeds)]
        if features is None:
            # The features that tell synthetic from real images are what refining should change.
            classifier = tests[0][1]
            features = keras.Model(classifier.inputs, classifier.get_layer("features").output)
        found = pd.DataFrame([result for result, _ in tests])
        accuracy[name] = summarise(found["accuracy"])
        accuracy[name] |= {"low": float(found["low"].min()), "high": float(found["high"].max())}
        accuracy[name]["tested"] = int(found["tested"][0])
        distance[name] = kernel_distance(predict(features, images), predict(features, reference))
    return {"two_sample_accuracy": accuracy, "kid": distance}


def visual_turing_test(
    refined: np.ndarray, real: np.ndarray, pairs: int = 10, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws pairs of a refined and a real image for a person to tell apart, each at most once.

    Returns:
        The pairs, uint8 `(n, 2, H, W)` or `(n, 2, H, W, 3)`, left and right; and the side of each
        real image, 0 or 1, `(n,)`.

    Example:
        >>> eyes = np.zeros((20, 35, 55), "uint8")
        >>> shown, real_side = visual_turing_test(eyes, eyes + 1, pairs=4)
        >>> shown.shape, real_side.shape
        ((4, 2, 35, 55), (4,))
    """
    if pairs > min(len(refined), len(real)):
        raise UserError(
            f"{pairs} pairs need as many images of each kind; "
            f"received {len(refined)} refined and {len(real)} real ones."
        )
    rng = np.random.default_rng(seed)
    chosen = [images[rng.permutation(len(images))[:pairs]] for images in (real, refined)]
    shown = np.stack(chosen, axis=1)
    real_side = rng.integers(0, 2, pairs)
    shown[real_side == 1] = shown[real_side == 1][:, ::-1]
    return shown, real_side
