"""Reads run folders: what a training and an evaluation wrote. docs/run-folder.md lists the files.

Every file is replaced atomically, so another process can read the folder while training goes on.
"""

import json
import re
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd

from simgan_lib.config import Config, ConfigError, UserError
from simgan_lib.data import GazeData
from simgan_lib.data.files import own, reading
from simgan_lib.models import refine  # noqa: F401, found beside what it takes

# A wheel carries some of the reference runs. A checkout has all.
CARRIED = Path(__file__).resolve().parent / "reference"
REFERENCE_RUNS = CARRIED if CARRIED.is_dir() else CARRIED.parent.parent / "runs"
# Of metrics.csv. A subclass of SimGAN may log more.
COLUMNS = ("phase", "iteration", "loss", "refiner_loss", "adversarial_loss", "self_regularisation")
COLUMNS += ("mean_change", "discriminator_loss", "accuracy_real", "accuracy_refined")
COLUMNS += ("history_filled", "rounds_per_second")


class RunError(UserError):
    """A run folder that cannot be used as asked. The message says what to do about it."""


class Run:
    """Reads a run folder, finished or still growing.

    Raises:
        RunError: If the folder is not a run.
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
        done = 0 if np.isnan(rounds) else int(rounds)
        return f"Run({str(self.folder)!r}, {done} of {self.config.iterations} rounds)"

    @property
    def config(self) -> Config:
        """The settings."""
        try:
            with self._reading("config.json") as path:
                return Config().replace(**json.loads(path.read_text()))
        except ConfigError as error:
            raise RunError(f"{self.folder / 'config.json'}: {error}") from error

    @property
    def environment(self) -> dict:
        """Versions, device, precision, data, model and training time in seconds."""
        with self._reading("environment.json") as path:
            return json.loads(path.read_text())

    @property
    def metrics(self) -> pd.DataFrame:
        """A row per `log_every` rounds or pre-training steps, with their means; see `COLUMNS`."""
        if not (self.folder / "metrics.csv").exists():
            return pd.DataFrame(columns=list(COLUMNS))
        with self._reading("metrics.csv") as path:
            table = pd.read_csv(path).astype({"phase": str})
            numbers = table[["iteration", *table.columns.intersection(COLUMNS[2:])]]
            if len(table) and numbers.shape != numbers.select_dtypes("number").shape:
                raise ValueError("there is text among its numbers")
            return table

    @property
    def snapshots(self) -> dict[str, np.ndarray]:
        """The same n synthetic images, refined at k iterations.

        `iteration` (k,); `synthetic` and `real` (n, H, W) and `refined` (k, n, H, W), uint8, with
        a last axis of 3 in colour. If D gives two logits, also `probability_synthetic` and
        `probability_refined` (k, n, h, w), from `SimGAN.probability_refined`.
        """
        with self._reading("snapshots.h5") as path, h5py.File(path) as file:
            return {name: own(file, name)[()] for name in file}

    @property
    def real_name(self) -> str:
        """What the real images are: `"simulated webcam"` where they are drawn, else `"real"`."""
        with self._reading("environment.json"):
            source = self.environment["data"]["real"]["source"]
            return "simulated webcam" if "simulated webcam" in source else "real"

    @property
    def refiner_crc32(self) -> int:
        """The checksum of R. It tells whether an evaluation belongs to these weights."""
        return zlib.crc32((self.folder / "refiner.keras").read_bytes())

    @property
    def evaluation(self) -> dict | None:
        """What `evaluation.report.evaluate` found for these weights, or `None`."""
        if not (self.folder / "evaluation.json").exists():
            return None
        with self._reading("evaluation.json") as path:
            found = json.loads(path.read_text(), object_hook=_with_nan)
            # A run resumed since then needs a new one. Most reference runs have no networks.
            kept = (self.folder / "refiner.keras").exists()
            return found if not kept or found["refiner_crc32"] == self.refiner_crc32 else None

    def checkpoint(self) -> Path | None:
        """Returns the newest whole checkpoint, for `SimGAN.load_weights`; `None` if there is none.

        Raises:
            RunError: If all checkpoints are damaged.
        """
        found = sorted((self.folder / "checkpoint").glob("[0-9]*.weights.h5"), reverse=True)
        for path in found:
            if path.name.endswith(f"-{zlib.crc32(path.read_bytes()):08x}.weights.h5"):
                return path
            warnings.warn(f"{path} is damaged: the checkpoint before it is used.", stacklevel=2)
        if found:
            raise RunError(
                f"No checkpoint in {self.folder} is whole. Start a new run in another folder."
            )
        return None

    @contextmanager
    def _reading(self, name):
        again = f"copy it again, or begin a new run with --start {self.folder}"
        with reading(self.folder / name, RunError, again):
            yield self.folder / name

    def refiner(self) -> keras.Model:
        """Returns the trained refiner, whatever its architecture, with averaged weights.

        Register layers of your own with `keras.saving.register_keras_serializable`, and import
        their module first.
        """
        return self._network("refiner")

    def discriminator(self) -> keras.Model:
        """Returns the trained discriminator; layers of your own as for `refiner`."""
        return self._network("discriminator")

    def _network(self, name):
        path = self.folder / f"{name}.keras"
        if not path.exists():
            raise RunError(
                f"{path} does not exist: wait for the run's first checkpoint. Of the reference "
                "runs, only 'best' and 'closest' are kept with their networks."
            )
        with self._reading(path.name), zipfile.ZipFile(path) as archive:
            if archive.testzip():
                raise ValueError(f"{archive.testzip()} in it is not what was written")
        try:
            return keras.models.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
            raise RunError(
                f"{path} cannot be loaded: {reason} If it has layers of your own, register them "
                "with keras.saving.register_keras_serializable() and import their module first."
            ) from error


def reference_run(name: str = "best") -> Run:
    """Opens one of the course's finished runs.

    Args:
        name: Its folder below `runs/`, such as `"best"` or `"ablation/baseline/seed0"`.

    Raises:
        RunError: If there is no such run. A wheel has few of them.
    """
    folder = REFERENCE_RUNS
    if not (folder / name / "config.json").exists():
        found = sorted(p.parent.relative_to(folder).as_posix() for p in folder.rglob("config.json"))
        known = ", ".join(found) or "none"
        if folder == CARRIED:
            known += "; all others are in the course's zip and in its repository, not in the wheel"
        raise RunError(f"No reference run {name!r}. There are: {known}.")
    return Run(folder / name)


def pretrained_refiner(name: str = "best") -> keras.Model:
    """Loads the trained refiner of a reference run.

    Args:
        name: `"best"` to teach gaze networks, or `"closest"`, the hardest to tell from the target.

    Raises:
        RunError: If there is no such run, or its networks are not in the repository.

    Example:
        >>> refine(pretrained_refiner(), np.zeros((2, 35, 55), "uint8")).shape
        (2, 35, 55)
    """
    return reference_run(name).refiner()


def _with_nan(found: dict) -> dict:
    """Replaces `null`, which stands for NaN in JSON."""
    for name, value in found.items():
        if value is None:
            found[name] = np.nan
        elif isinstance(value, list):
            found[name] = [np.nan if part is None else part for part in value]
    return found


def describe(data: GazeData) -> dict:
    """Describes data by shape, sources, numbers and checksums, so that a run recognises it."""
    description = {"image_shape": list(data.image_shape)}
    for name, images in (("synthetic", data.synthetic), ("real", data.real)):
        description[name] = {
            # Without the folders: a published run must not show a user's home.
            "source": re.split(r"[/\\]", images.source)[-1],
            "images": len(images),
            "crc32": zlib.crc32(np.ascontiguousarray(images.images)),
        }
        if images.labels is not None:
            table = images.labels.to_csv(index=False)
            description[name]["labels_crc32"] = zlib.crc32(table.encode())
    return description
