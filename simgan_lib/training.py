"""Training into a run folder: start, watch, stop, resume."""

import importlib.metadata
import json
import os
import platform
import signal
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm.auto import tqdm

from simgan_lib import backends
from simgan_lib.checkpoints import begin_with, load_checkpoint, save_checkpoint
from simgan_lib.config import Config
from simgan_lib.data import GazeData, to_float
from simgan_lib.data.files import atomic
from simgan_lib.losses import REFINED
from simgan_lib.runs import COLUMNS, Run, RunError, describe, refine
from simgan_lib.simgan import PHASES, SimGAN


def train(
    data: GazeData,
    config: Config,
    folder: str | Path,
    resume: bool = False,
    callbacks=(),
    progress: bool = True,
    devices: int = 1,
    start: str | Path | None = None,
) -> SimGAN:
    """Trains a SimGAN into a run folder.

    Ctrl-C (or a notebook's stop button) ends the training after the current round with everything
    saved; pressed again, it ends at once and the last checkpoint stays.

    Args:
        data: The synthetic and the real images.
        config: The settings.
        folder: The run folder to write.
        resume: Go on from the folder's checkpoint, if it has one. `config` may then differ from
            the folder's in `iterations` only.
        callbacks: Further Keras callbacks.
        progress: Show a progress bar.
        devices: Over how many devices to split each batch, on JAX. The result is the same, but
            for rounding.
        start: Another run's folder, whose R and D this one begins with instead of pre-training.
            A run that is resumed has begun already, and goes on from its own checkpoint.

    Returns:
        The trained model.

    Warns:
        UserWarning: If R's last layer equalises, and the real images' histograms are not equalised.

    Raises:
        RunError: If the folder holds a run and `resume` is false, or a run of other settings or
            other data; or if networks of these settings cannot begin with those of `start`.
        UserError: If there are not so many devices.
    """
    folder = Path(folder)
    _check_folder(folder, config, data, resume)
    _check_histograms(config, data)
    checkpoint = folder / "checkpoint" / "state.npz"
    resume = resume and checkpoint.exists()
    with backends.data_parallel(devices, config.batch_size):
        if resume:
            # The probe may answer differently today; the run goes on in what it began with.
            environment = Run(folder).environment
            origin = environment.get("start")
            model = SimGAN(config, data.image_shape, precision=environment["precision"])
            load_checkpoint(model, checkpoint)
        else:
            model = SimGAN(config, data.image_shape)
            origin = begin_with(model, Run(start)) if start else None
        writers = [RunWriter(folder, data, resume, origin), *([ProgressBar()] if progress else [])]
        with _stop_on_interrupt(model):
            return model.train(data.synthetic.images, data.real.images, [*callbacks, *writers])


class RunWriter(keras.callbacks.Callback):
    """Writes a run folder while a SimGAN trains.

    Args:
        folder: The run folder.
        data: What it trains on; the first `snapshot_images` images go into the snapshots.
        resume: Keep the rows and snapshots up to the model's iteration.
        origin: What `begin_with` said, if the training did not begin with random weights.
    """

    def __init__(
        self, folder: Path, data: GazeData, resume: bool = False, origin: dict | None = None
    ):
        super().__init__()
        self.folder, self.data, self.resume, self.origin = folder, data, resume, origin

    def on_train_begin(self, logs=None):
        """Starts the folder, or cuts what lies beyond the checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_text("config.json", self.model.config.to_json())
        number = self.model.config.snapshot_images
        self.synthetic = self.data.synthetic.images[:number]
        self.real = self.data.real.images[:number]
        self.rows, self.shots, earlier = [], [], 0.0
        if self.resume:
            run = Run(self.folder)
            done = run.metrics["phase"].map(self.model.done)
            self.rows = run.metrics[run.metrics["iteration"] <= done].to_dict("records")
            self.shots = _shots(run, self.model)
            earlier = run.environment["training_seconds"]
        self.start = time.perf_counter() - earlier
        self.saved = sum(self.model.done.values()) if self.resume else -1
        self.rows_written, self.last_write = len(self.rows), 0.0
        self._write_environment()

    def on_train_batch_begin(self, batch, logs=None):
        """Takes the snapshot before the first round."""
        if self.model.phase == "adversarial" and self.model.done["adversarial"] == 0:
            self._snapshot()

    def on_train_batch_end(self, batch, logs=None):
        """Takes the snapshots that are due."""
        if self.model.phase == "adversarial":
            done = self.model.done["adversarial"]
            if done % self.model.config.snapshot_every == 0:
                self._snapshot()

    def on_epoch_end(self, epoch, logs=None):
        """Writes a row of metrics, and a checkpoint where one is due."""
        phase = self.model.phase
        self.rows.append({"phase": phase, "iteration": self.model.done[phase], **logs})
        done, every = sum(self.model.done.values()), self.model.config.checkpoint_every
        if done - max(self.saved, 0) >= every:
            self._save()
        elif time.perf_counter() - self.last_write > 1:
            # Not with every row: the file grows, and a GPU may log many a second.
            self._write_metrics()

    def on_train_end(self, logs=None):
        """Takes the last snapshot and writes the last checkpoint, if they are not there yet."""
        done, planned = self.model.done, self.model.planned
        if all(done[phase] == planned[phase] for phase in PHASES[:2]):
            self._snapshot()
        if sum(done.values()) != self.saved:
            self._save()
        self._write_metrics()

    def _save(self):
        # The checkpoint last: it must never be ahead of the other files.
        self._write_metrics()
        with self.model.averaged_refiner() as refiner:
            for network in (refiner, self.model.discriminator):
                with atomic(self.folder / f"{network.name}.weights.h5") as temporary:
                    network.save_weights(temporary)
        self._write_environment()
        save_checkpoint(self.model, self.folder / "checkpoint" / "state.npz")
        self.saved = sum(self.model.done.values())

    def _write_metrics(self):
        if len(self.rows) > self.rows_written:
            with atomic(self.folder / "metrics.csv") as temporary:
                pd.DataFrame(self.rows, columns=COLUMNS).to_csv(temporary, index=False)
            self.rows_written, self.last_write = len(self.rows), time.perf_counter()

    def _snapshot(self):
        iteration = self.model.done["adversarial"]
        if self.shots and self.shots[-1]["iteration"] == iteration:
            return
        with self.model.averaged_refiner() as refiner:
            refined = refine(refiner, self.synthetic)
        shot = {
            "iteration": iteration,
            "refined": refined,
            "probability_synthetic": self._probability(self.synthetic),
            "probability_refined": self._probability(refined),
        }
        self.shots.append(shot)
        with atomic(self.folder / "snapshots.h5") as temporary, h5py.File(temporary, "w") as file:
            for name in shot:
                values = np.stack([earlier[name] for earlier in self.shots])
                file.create_dataset(
                    name, data=values, compression="gzip" if values.ndim > 1 else None
                )
            file["synthetic"], file["real"] = self.synthetic, self.real

    def _probability(self, images):
        logits = self.model.discriminator(to_float(images))
        return ops.convert_to_numpy(ops.softmax(logits)[..., REFINED]).astype("float16")

    def _write_environment(self):
        environment = {
            **_environment(self.model, self.data),
            **({"start": self.origin} if self.origin else {}),
            "training_seconds": round(time.perf_counter() - self.start, 2),
        }
        self._write_text("environment.json", json.dumps(environment, indent=2))

    def _write_text(self, name, text):
        with atomic(self.folder / name) as temporary:
            temporary.write_text(text + "\n")


class ProgressBar(keras.callbacks.Callback):
    """Shows a progress bar, with the time left, for each phase."""

    def on_train_batch_begin(self, batch, logs=None):
        """Opens the phase's bar at its first step."""
        phase = self.model.phase
        if getattr(self, "phase", None) != phase:
            self._close()
            self.phase = phase
            unit = "round" if phase == "adversarial" else "step"
            self.bar = tqdm(
                total=self.model.planned[phase],
                initial=self.model.done[phase],
                desc=phase.replace("_", " "),
                unit=unit,
            )

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        self.bar.update(self.model.done[self.phase] - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        """Shows the numbers that tell how the game stands."""
        shown = {"L_D": "discriminator_loss", "L_R": "refiner_loss", "|R(x)-x|": "mean_change"}
        self.bar.set_postfix({k: f"{logs[v]:.3f}" for k, v in shown.items() if v in logs})

    def on_train_end(self, logs=None):
        """Closes the last bar."""
        self._close()

    def _close(self):
        if hasattr(self, "bar"):
            self.bar.close()


def _check_folder(folder: Path, config: Config, data: GazeData, resume: bool) -> None:
    if not (folder / "config.json").exists():
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"{folder} holds files that are not a run's. Choose another folder.")
        return
    if not resume:
        raise RunError(
            f"{folder} already holds a run. Go on with it (--resume), or choose another folder."
        )
    run = Run(folder)
    saved = run.config.replace(iterations=config.iterations)
    if saved != config:
        changed = [k for k, v in vars(saved).items() if v != getattr(config, k)]
        raise RunError(
            f"{folder} was trained with other settings; these differ: {', '.join(changed)}. "
            "A resumed run may change 'iterations' only: start a new one for the others."
        )
    if (folder / "environment.json").exists() and run.environment["data"] != describe(data):
        raise RunError(
            f"{folder} was trained on other data: {run.environment['data']}; "
            f"received {describe(data)}. Resume it with the same data, or start a new run."
        )


def _check_histograms(config: Config, data: GazeData) -> None:
    if config.output_activation != "equalised":
        return
    real = data.real.images[:200]
    levels = np.sort(real.reshape(len(real), -1), axis=1)
    # An equalised image has as many pixels of each gray level: sorted, they make a straight line.
    off = np.abs(levels - np.linspace(0, 255, levels.shape[1])).mean()
    # Photographs that were equalised are off by 2 levels, eyes that were not by about 40.
    if off > 10:
        warnings.warn(
            f"R's last layer equalises histograms, but those of the real images are not equalised "
            f"(off by {off:.0f} of 255 gray levels on average; under 10 expected), so R cannot "
            "look like them. Train with output_activation='tanh' and equalise_input=False "
            "(--set output_activation=tanh --set equalise_input=false).",
            stacklevel=3,
        )


def _environment(model: SimGAN, data: GazeData) -> dict:
    backend = keras.backend.backend()
    packages = ("simgan_lib", "keras", backend, "numpy")
    versions = {}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            # TensorFlow has a package name for each kind of machine.
            versions[name] = importlib.import_module(name).__version__
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "backend": backend,
        "device": backends.current().device_name(),
        "packages": versions,
        "precision": model.precision,
        "precision_seconds": {k: round(v, 5) for k, v in model.precision_seconds.items()},
        "data": describe(data),
    }


def _shots(run: Run, model: SimGAN) -> list[dict]:
    if not (run.folder / "snapshots.h5").exists():
        return []
    shots = run.snapshots
    names = [name for name in shots if name not in ("synthetic", "real")]
    last, every = model.done["adversarial"], model.config.snapshot_every
    return [
        {name: shots[name][k] for name in names}
        for k, iteration in enumerate(shots["iteration"])
        # What was taken because of a stop has no place in a run that goes on.
        if iteration <= last and iteration % every == 0
    ]


@contextmanager
def _stop_on_interrupt(model):
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum, frame):
        model.stop_training = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
