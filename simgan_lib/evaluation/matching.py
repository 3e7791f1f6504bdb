"""Reads where unlabelled eyes look, and chooses simulated eyes that look the same ways.

D sees where eyes look. If the simulated eyes look other ways than the real ones, R learns to turn
them, and their labels become wrong. So the simulated eyes are chosen before the training.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import gaussian_kde

from simgan_lib.config import UserError
from simgan_lib.data import ImageSet, usable
from simgan_lib.data.labels import ANGLES, LOOK, gaze_labels
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation.gaze import Effort, predict, train_estimator

PUPIL = ["pupil_x", "pupil_y"]
# Eyes that no simulated data set holds: they start at 0, 10^8 and 2 * 10^8.
INSTRUMENT_START = 4 * 10**8


def gaze_reader(
    size: tuple[int, int], effort: Effort | None = None
) -> Callable[[np.ndarray], pd.DataFrame]:
    """Trains the instrument: a function from gray eyes, uint8 `(n, H, W)`, to a table of `LABELS`.

    It learns from labelled images of both styles, simulator and webcam, so that it reads eyes
    before and after refining equally well. On photographs its error is unknown.
    """
    effort = effort or Effort()
    drawn = [
        simulate(effort.instrument_images, style, size=size, start=INSTRUMENT_START)
        for style in ("simulator", "webcam")
    ]
    images = np.concatenate([pictures for pictures, _ in drawn])
    truth = pd.concat([labels for _, labels in drawn])
    # Pupils in half-widths of the image, so that pixels do not outweigh the gaze vector.
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    scale = size[1] / 2
    targets = np.concatenate([truth[LOOK], (truth[PUPIL] - middle) / scale], axis=1)
    network = train_estimator(images, targets, effort=effort)

    def read(pictures):
        answers = predict(network, pictures)
        look = answers[:, :3] / np.linalg.norm(answers[:, :3], axis=1, keepdims=True)
        table = gaze_labels(look)
        table[PUPIL] = answers[:, 3:] * scale + middle
        return table

    return read


def match_gaze(
    synthetic: ImageSet, real: ImageSet, effort: Effort | None = None, seed: int = 0
) -> tuple[ImageSet, pd.DataFrame]:
    """Keeps those synthetic images that together look the same ways as the real ones.

    The instrument reads where the real eyes look. A synthetic image is kept with a probability in
    proportion to the density of its gaze among the real images, divided by that among the synthetic
    ones. Nothing is added: gaze that no synthetic eye has stays missing.

    Returns:
        The kept images with their labels, in their order; and a table with rows `real` (as read),
        `synthetic` and `kept` and, in degrees, the means `pitch` and `yaw`, `pitch_std`, `yaw_std`.
    """
    if synthetic.labels is None or not set(ANGLES) <= set(synthetic.labels):
        raise UserError(
            f"Matching needs labels pitch and yaw with the synthetic images; received {synthetic}."
        )
    synthetic = usable(synthetic)
    if np.linalg.matrix_rank(np.cov(synthetic.labels[ANGLES].T), tol=1e-12) < 2:
        raise UserError(f"Nothing to choose from: pitch or yaw does not vary in {synthetic}.")
    if synthetic.images.shape[1:] != real.images.shape[1:] or real.images.ndim != 3:
        raise UserError(
            f"Both kinds must be gray and of one size; received {synthetic} and {real}. "
            "Resize them while reading: --size H W, or read_images(path, size=(H, W))."
        )
    if min(len(synthetic), len(real)) < 10:
        raise UserError(
            "Matching needs at least 10 images of each kind; "
            f"received {len(synthetic)} synthetic and {len(real)} real ones."
        )
    wanted = gaze_reader(real.images.shape[1:], effort)(real.images)[ANGLES]
    present = synthetic.labels[ANGLES]
    rng = np.random.default_rng(seed)
    # Two thousand of each estimate the densities well enough; all would take minutes.
    some = [gaze.to_numpy()[rng.permutation(len(gaze))[:2_000]] for gaze in (wanted, present)]
    among_real, among_synthetic = (gaussian_kde(gaze.T)(present.T) for gaze in some)
    weight = among_real / among_synthetic
    # Not the maximum, as weights at the rim of the simulator's range are unreliable.
    most = np.percentile(weight, 99.9)
    if most < 0.1:
        raise UserError(
            f"Hardly any synthetic eye looks where the real ones do: these are read at pitch and "
            f"yaw {np.degrees(wanted.mean()).round().tolist()} degrees, {synthetic} looks at "
            f"{np.degrees(present.mean()).round().tolist()}. Simulate eyes that look there."
        )
    kept = np.flatnonzero(rng.random(len(weight)) < weight / most)
    sets = {"real": wanted, "synthetic": present, "kept": present.iloc[kept]}
    looks = {name: np.degrees([*gaze.mean(), *gaze.std()]) for name, gaze in sets.items()}
    columns = [*ANGLES, *(f"{name}_std" for name in ANGLES)]
    return synthetic[kept], pd.DataFrame(looks, index=columns).T
