"""The run folder: what a training writes, and how to read it.

    config.json               the settings
    environment.json          versions, device, precision, data, minutes
    metrics.csv               a row per logged round (and pre-training step)
    snapshots.h5              the same synthetic images, refined at chosen iterations
    checkpoint/state.npz      all variables, to resume from
    refiner.weights.h5        R and D at the last checkpoint
    discriminator.weights.h5
    evaluation.json           gaze errors, realism, labels kept: 'simgan evaluate'

Every file is replaced atomically, so another process can read the folder while training goes on.
"""

import functools
import json
import re
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm.auto import tqdm

from simgan_lib import backends
from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData, to_float, to_uint8
from simgan_lib.models import build_discriminator, configured_refiner

COLUMNS = (
    "phase",
    "iteration",
    "refiner_loss",
    "adversarial_loss",
    "self_regularisation",
    "mean_change",
    "discriminator_loss",
    "accuracy_real",
    "accuracy_refined",
    "history_filled",
    "rounds_per_second",
)


class RunError(UserError):
    """A run folder that cannot be used as asked; the message says what to do about it."""


class Run:
    """Reads a run folder, finished or still growing.

    Args:
        folder: Path of the run folder.

    Raises:
        RunError: If the folder is not a run.

    Example:
        >>> Run("no/such/folder")
        Traceback (most recent call last):
        ...
        simgan_lib.runs.RunError: no/such/folder is not a run folder: it has no config.json. ...
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not (self.folder / "config.json").exists():
            raise RunError(
                f"{self.folder} is not a run folder: it has no config.json. "
                "Train one with 'simgan train --run FOLDER'."
            )

    def __repr__(self) -> str:
        """Says how far the run has got."""
        metrics = self.metrics
        rounds = metrics.loc[metrics["phase"] == "adversarial", "iteration"].max()
        return (
            f"Run({str(self.folder)!r}, {0 if np.isnan(rounds) else int(rounds)} of "
            f"{self.config.iterations} rounds)"
        )

    @property
    def config(self) -> Config:
        """The settings."""
        return Config.from_json((self.folder / "config.json").read_text())

    @property
    def environment(self) -> dict:
        """Versions, device, precision, data and minutes."""
        return json.loads((self.folder / "environment.json").read_text())

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per logged round or pre-training step; see `COLUMNS`."""
        path = self.folder / "metrics.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))

    @property
    def snapshots(self) -> dict[str, np.ndarray]:
        """The same n synthetic images at k iterations.

        `iteration` (k,); `synthetic` and `real` (n, H, W) and `refined` (k, n, H, W), uint8;
        `probability_synthetic` and `probability_refined` (k, n, h, w), float16: D's probability,
        patch by patch, that the image is refined.
        """
        with h5py.File(self.folder / "snapshots.h5") as file:
            return {name: values[()] for name, values in file.items()}

    @property
    def real_name(self) -> str:
        """What the real images are: `"simulated webcam"` where they are drawn, else `"real"`."""
        source = self.environment["data"]["real"]["source"]
        return "simulated webcam" if "simulated webcam" in source else "real"

    @property
    def evaluation(self) -> dict | None:
        """What `simgan_lib.evaluation.evaluate` found for these weights, or None."""
        path, weights = self.folder / "evaluation.json", self.folder / "refiner.weights.h5"
        if not path.exists():
            return None
        found = json.loads(path.read_text())
        # A run that has gone on since needs another evaluation. Most reference runs are kept
        # without their weights.
        current = not weights.exists() or found["refiner_crc32"] == zlib.crc32(weights.read_bytes())
        return found if current else None

    def refiner(self) -> keras.Model:
        """Returns the trained refiner, in float32."""
        return self._load(configured_refiner(self.config, self._image_shape()))

    def discriminator(self) -> keras.Model:
        """Returns the trained discriminator, in float32."""
        return self._load(build_discriminator(self._image_shape()))

    def _image_shape(self):
        return tuple(self.environment["data"]["image_shape"])

    def _load(self, network):
        path = self.folder / f"{network.name}.weights.h5"
        if not path.exists():
            raise RunError(
                f"{path} does not exist: wait for the run's first checkpoint. Of the reference "
                "runs, only 'best', 'equalised' and 'closest' are kept with their weights."
            )
        network.load_weights(path)
        return network


def reference_run(name: str = "best") -> Run:
    """Opens one of the finished runs that the repository carries.

    Args:
        name: Its folder below `runs/`, such as `"best"` or `"ablation/baseline/seed0"`.

    Returns:
        The run.

    Raises:
        RunError: If there is no such run. An installed package has none: it takes a checkout.

    Example:
        >>> reference_run("worst")
        Traceback (most recent call last):
        ...
        simgan_lib.runs.RunError: No reference run 'worst'. There are: ...
    """
    folder = Path(__file__).resolve().parent.parent / "runs"
    if not (folder / name / "config.json").exists():
        found = sorted(p.parent.relative_to(folder).as_posix() for p in folder.rglob("config.json"))
        known = ", ".join(found) or "none, as this is not a checkout of the repository"
        raise RunError(f"No reference run {name!r}. There are: {known}.")
    return Run(folder / name)


def pretrained_refiner(name: str = "best") -> keras.Model:
    """Loads the trained refiner of a reference run.

    Args:
        name: As for `reference_run`. Three carry their weights: `"best"`; `"equalised"`,
            which went on from it with an equalising last layer; and `"closest"`, which went on
            from that and is the hardest to tell from the target.

    Returns:
        The refiner, for simulated eyes of 35 x 55 pixels.

    Raises:
        RunError: If there is no such run, or its weights are not in the repository.

    Example:
        >>> refine(pretrained_refiner(), np.zeros((2, 35, 55), "uint8")).shape
        (2, 35, 55)
    """
    return reference_run(name).refiner()


def describe(data: GazeData) -> dict:
    """Describes data so that a run can tell it from other data.

    Args:
        data: The synthetic and the real images.

    Returns:
        The `image_shape`, and the `source`, the number of `images` and a `crc32` of the pixels of
        the `synthetic` and of the `real` ones.
    """
    description = {"image_shape": list(data.image_shape)}
    for name, images in (("synthetic", data.synthetic), ("real", data.real)):
        description[name] = {
            # Without the folders: a run may be published, a user's home need not be.
            "source": re.split(r"[/\\]", images.source)[-1],
            "images": len(images),
            "crc32": zlib.crc32(np.ascontiguousarray(images.images)),
        }
    return description


def refine(
    refiner: keras.Model, images: np.ndarray, batch_size: int = 128, progress: bool = False
) -> np.ndarray:
    """Refines images, batch by batch.

    Args:
        refiner: R, such as `Run(folder).refiner()`.
        images: uint8 `(n, height, width)`.
        batch_size: Images refined in one call; only these are held as floats.
        progress: Show a progress bar.

    Returns:
        uint8 `(n, height, width)`.

    Raises:
        RunError: If the images are of another size than those the refiner was built for.

    Example:
        >>> from simgan_lib.models import build_refiner
        >>> refine(build_refiner(), np.zeros((3, 35, 55), "uint8")).shape
        (3, 35, 55)
    """
    size = refiner.input_shape[1:3]
    if any(
        wanted not in (None, found) for wanted, found in zip(size, images.shape[1:], strict=True)
    ):
        raise RunError(
            f"The refiner takes images of {size[0]} x {size[1]} pixels; received "
            f"{images.shape[1]} x {images.shape[2]}. Resize them: read_images(path, size={size}), "
            "or 'simgan refine --resize'."
        )
    call, refined = _compiled(refiner), np.empty_like(images)
    starts = range(0, len(images), batch_size)
    for start in tqdm(starts, desc="refining", unit="batch", disable=not progress):
        # The last batch begins earlier, so that one compiled shape does for all.
        part = slice(max(0, min(start, len(images) - batch_size)), start + batch_size)
        refined[part] = to_uint8(ops.convert_to_numpy(call(to_float(images[part]))))
    return refined


# Kept, as snapshots and widgets refine a few eyes with the same R again and again.
@functools.lru_cache(maxsize=4)
def _compiled(refiner):
    return backends.current().compile(lambda batch: refiner(batch), refiner.variables)
