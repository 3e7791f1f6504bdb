"""Training into a run folder: start, watch, stop, resume."""

import importlib
import json
import math
import os
import platform
import re
import signal
import sys
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

import simgan_lib
from simgan_lib import backends
from simgan_lib.checks import trouble
from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData
from simgan_lib.data.files import atomic, check_space, locked
from simgan_lib.runs import COLUMNS, Run, RunError, describe
from simgan_lib.simgan import PHASES, SimGAN

SNAPSHOT_IMAGES = 32  # as in the report's figures
# From Ctrl-C, from a cluster before it kills a process, and from a terminal that is closed.
STOP_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class TrainingError(UserError):
    """A training whose numbers are no longer finite. The command line exits with code 3."""

    exit_code = 3


def train(
    data: GazeData,
    config: Config,
    folder: str | Path,
    resume: bool = False,
    callbacks=(),
    progress: bool = True,
    devices: int = 1,
    model: SimGAN | None = None,
) -> SimGAN:
    """Trains a SimGAN into a run folder.

    Ctrl-C, a notebook's stop button, SIGTERM and SIGHUP end the training at its next row of
    metrics with everything saved. A second one ends it at once, and the last checkpoint stays.

    Args:
        data: The synthetic and the real images.
        config: The settings.
        folder: The run folder to write.
        resume: Whether to go on from the folder's checkpoint, if it has one. `config` may then
            differ from the folder's in `iterations` only.
        callbacks: Further Keras callbacks.
        progress: Whether to show a progress bar and the warnings of `checks.diagnose`.
        devices: Number of devices that share each batch, on JAX.
        model: A model of your own, built with `config`: a subclass of `SimGAN`, or one with other
            networks. To resume, build it in the same way and give it again.

    Returns:
        The trained model. Its `refine` gives what the run's refiner gives.

    Raises:
        RunError: If the folder holds a run and `resume` is false, or a run of other settings,
            other data or another model; or if `model` does not fit `config` and `data`.
        TrainingError: If a loss or a weight is no longer finite. The last checkpoint stays.
        UserError: If there are fewer devices, or half a batch does not split over them.
    """
    folder = Path(folder)
    _check(folder, data, config, model, devices, resume)
    with locked(folder), backends.data_parallel(devices, config.batch_size):
        known = (folder / "config.json").exists()
        checkpoint = Run(folder).checkpoint() if known else None
        precision = config.precision
        if checkpoint:
            # 'auto' may choose another format today. The run keeps the one it began with.
            precision = Run(folder).environment["precision"]
        elif precision == "auto" and model is None:
            precision = backends.fastest_precision(backends.time_precisions())
        if model is None:
            model = SimGAN(config, data.image_shape, precision=precision)
        if checkpoint:
            model.load_weights(checkpoint)
        bar = ProgressBar(progress)
        writer = RunWriter(folder, data, bool(checkpoint), bar.warn)
        with _stop_on_signals(model), closing(bar):
            callbacks = [*callbacks, writer, bar]
            return model.train(data.synthetic.images, data.real.images, callbacks)


class RunWriter(keras.callbacks.Callback):
    """Writes a run folder while a SimGAN trains, and warns once of each trouble in its metrics."""

    def __init__(self, folder: Path, data: GazeData, resume: bool, warn: Callable[[str], None]):
        super().__init__()
        self.folder, self.data, self.resume, self.warn = folder, data, resume, warn
        self.warned_of = {None}

    def on_train_begin(self, logs=None):
        """Starts the folder, or cuts what lies beyond the checkpoint."""
        (self.folder / "checkpoint").mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.rglob(".[0-9]*"):  # what `atomic` began and a kill ended
            leftover.unlink()
        self._write_json("config.json", vars(self.model.config))
        self.synthetic = self.data.synthetic.images[:SNAPSHOT_IMAGES]
        self.real = self.data.real.images[:SNAPSHOT_IMAGES]
        self.rows, self.shots, self.saved, seconds = [], {}, -1, 0.0
        if self.resume:
            self.saved = sum(self.model.done.values())
            seconds = Run(self.folder).environment["training_seconds"]
            try:
                self._read_earlier(Run(self.folder))
            except RunError as error:
                # The weights are in the checkpoint. Past rows and snapshots may be lost.
                warnings.warn(f"{error} The run goes on without what it held.", stacklevel=2)
        self.start, self.last_write = time.perf_counter() - seconds, 0.0
        self.environment = _environment(self.model, self.data)
        self._write_environment()

    def _read_earlier(self, run):
        done = run.metrics["phase"].map(self.model.done)
        self.rows = run.metrics[run.metrics["iteration"] <= done].to_dict("records")
        self.warned_of.add(trouble(run.metrics))
        if (self.folder / "snapshots.h5").exists():
            shots = run.snapshots
            iteration = shots["iteration"]
            # A snapshot taken because of a stop is dropped: an unbroken run has none there.
            kept = iteration % self.model.config.snapshot_every == 0
            kept &= iteration <= self.model.done["adversarial"]
            for name in shots.keys() - {"synthetic", "real"}:
                self.shots[name] = list(shots[name][kept])

    def on_train_batch_end(self, batch, logs=None):
        """Takes the snapshots that are due."""
        due = self.model.done["adversarial"] % self.model.config.snapshot_every == 0
        if due and self.model.phase == "adversarial":
            self._snapshot()

    on_train_batch_begin = on_train_batch_end  # one is due before the first round

    def on_epoch_end(self, epoch, logs=None):
        """Writes a row of metrics, and a checkpoint where one is due."""
        phase, done = self.model.phase, self.model.done
        self.rows.append({"phase": phase, "iteration": done[phase], **logs})
        networks = (self.model.refiner, self.model.discriminator)
        weights = [weight for network in networks for weight in network.get_weights()]
        if not all(np.isfinite(numbers).all() for numbers in [logs["loss"], *weights]):
            self._write_metrics()
            raise TrainingError(
                f"The training failed by {phase} {done[phase]}: its loss is {logs['loss']:.3g}, or "
                "weights are not finite. The last checkpoint stays. Try a lower "
                "refiner_learning_rate and discriminator_learning_rate, or precision=float32."
            )
        if sum(done.values()) - max(self.saved, 0) >= self.model.config.checkpoint_every:
            self._save()
        elif time.perf_counter() - self.last_write > 1:
            # Not with every row: the file grows, and a GPU may log many rows a second.
            self._write_metrics()

    def on_train_end(self, logs=None):
        """Takes the last snapshot and writes the last checkpoint, if they are not there yet."""
        done, planned = self.model.done, self.model.planned
        if all(done[phase] == planned[phase] for phase in PHASES[:2]):
            self._snapshot()
        if sum(done.values()) != self.saved:
            self._save()

    def _save(self):
        check_space(self.folder, 2 * sum(4 * math.prod(v.shape) for v in self.model.state))
        self._write_metrics()
        model = self.model
        networks = {"refiner": model.averaged_refiner(), "discriminator": model.discriminator}
        for name, network in networks.items():
            with atomic(self.folder / f"{name}.keras") as temporary:
                _save_network(network, temporary)
        self._write_environment()
        # The checkpoint is last, as it must never be ahead of the other files. Its name holds its
        # checksum, which tells a damaged one. The one before it stays, in case the last is damaged.
        folder, self.saved = self.folder / "checkpoint", sum(self.model.done.values())
        temporary = folder / f".{os.getpid()}.weights.h5"
        self.model.save_weights(temporary)
        checksum = zlib.crc32(temporary.read_bytes())
        os.replace(temporary, folder / f"{self.saved:08}-{checksum:08x}.weights.h5")
        for earlier in sorted(folder.glob("[0-9]*.weights.h5"))[:-2]:
            earlier.unlink()

    def _snapshot(self):
        iteration = self.model.done["adversarial"]
        if iteration in self.shots.get("iteration", ()):
            return
        refined = self.model.refine(self.synthetic)
        shot = {
            "iteration": iteration,
            "refined": refined,
            "probability_synthetic": self.model.probability_refined(self.synthetic),
            "probability_refined": self.model.probability_refined(refined),
        }
        for name, value in shot.items():
            if value is not None:
                self.shots.setdefault(name, []).append(value)
        with atomic(self.folder / "snapshots.h5") as temporary, h5py.File(temporary, "w") as file:
            for name, values in self.shots.items():
                file.create_dataset(name, data=np.stack(values), compression="gzip")
            file["synthetic"], file["real"] = self.synthetic, self.real

    def _write_metrics(self):
        if not self.rows:  # no step was asked for
            return
        table = pd.DataFrame(self.rows)
        known = [name for name in COLUMNS if name in table]
        table = table[known + [name for name in table if name not in known]]
        with atomic(self.folder / "metrics.csv") as temporary:
            table.to_csv(temporary, index=False)
        self.last_write = time.perf_counter()
        if (found := trouble(table)) not in self.warned_of:
            self.warned_of.add(found)
            self.warn(f"by round {self.rows[-1]['iteration']:,}: {found}")

    def _write_environment(self):
        self.environment["training_seconds"] = round(time.perf_counter() - self.start, 2)
        self._write_json("environment.json", self.environment)

    def _write_json(self, name, values):
        with atomic(self.folder / name) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n")


class ProgressBar(keras.callbacks.Callback):
    """Shows a bar over all phases, with the losses and R's change."""

    def __init__(self, show: bool = True):
        super().__init__()
        # The delay draws it at the first step, not here.
        self.bar = tqdm(unit="round", delay=1e-3, disable=not show)

    def on_train_begin(self, logs=None):
        """Sets the bar's length to the number of steps, and its start to those done."""
        self.bar.total = sum(self.model.planned.values())
        self.bar.initial = self.bar.n = sum(self.model.done.values())

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        with suppress(OSError):  # a training outlives its terminal
            self.bar.update(sum(self.model.done.values()) - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        """Shows the phase and the numbers."""
        names = {"L_D": "discriminator_loss", "L_R": "refiner_loss", "|R(x)-x|": "mean_change"}
        known = {k: logs[v] for k, v in names.items() if np.isfinite(logs.get(v, np.nan))}
        with suppress(OSError):
            self.bar.set_description(self.model.phase.replace("_", " "))
            self.bar.set_postfix({k: f"{value:.3f}" for k, value in known.items()})

    def warn(self, text):
        """Writes a line above the bar."""
        if not self.bar.disable:
            with suppress(OSError):
                self.bar.write(f"simgan: {text}", file=sys.stderr)

    def close(self):
        """Ends the bar and leaves it on the screen, also if the training fails."""
        with suppress(OSError):
            self.bar.close()


class TensorBoard(keras.callbacks.TensorBoard):
    """Writes curves and the refined eyes for TensorBoard; needs TensorFlow.

    Args:
        folder: Where the logs go.
        images: Synthetic images, as for `train`. The first 16 are shown refined.
    """

    def __init__(self, folder: str | Path, images: np.ndarray):
        super().__init__(str(folder), write_graph=False)
        self.images = images[:16]

    def on_epoch_end(self, epoch, logs=None):
        """Writes the curves, and the eyes where `snapshot_every` divides the round."""
        known = {name: value for name, value in logs.items() if np.isfinite(value)}
        super().on_epoch_end(epoch, known)
        if self.model.done["adversarial"] % self.model.config.snapshot_every == 0:
            import tensorflow as tf

            rows = [np.hstack(eyes) for eyes in (self.images, self.model.refine(self.images))]
            sheet = np.atleast_3d(np.vstack(rows))[None]
            with self._train_writer.as_default():
                tf.summary.image("synthetic above refined", sheet, step=epoch)


def _check(folder, data, config, model, devices, resume) -> None:
    """Raises a RunError for what cannot be trained as asked, before anything is written."""
    if model is not None and model.config != config:
        raise RunError("The model was built with another config: build it with the one you give.")
    if model is not None and model.image_shape != data.image_shape:
        raise RunError(
            f"The model takes images (height, width, channels) of {model.image_shape}; the data "
            f"has {data.image_shape}. Build it with image_shape=data.image_shape."
        )
    if model is not None and devices > 1:
        raise RunError(f"devices={devices} builds a model of its own: leave out model=.")
    if not (folder / "config.json").exists():
        # A training that was killed at its start leaves hidden files and empty folders.
        if any(p.is_file() and not p.name.startswith(".") for p in folder.rglob("*")):
            raise RunError(f"{folder} holds files that are not a run's. Choose another folder.")
        return
    if not resume:
        raise RunError(
            f"{folder} already holds a run. Go on with it (--resume), or choose another folder."
        )
    run = Run(folder)
    saved = {k: v for k, v in vars(run.config).items() if k != "iterations"}
    changed = [name for name, value in saved.items() if value != getattr(config, name)]
    if changed:
        raise RunError(
            f"{folder} was trained with other settings; these differ: {', '.join(changed)}. "
            "A resumed run may change 'iterations' only: start a new one for the others."
        )
    if not (folder / "environment.json").exists():
        return
    given = {"data": describe(data), "model": _name(model) if model is not None else "SimGAN"}
    for kind, received in given.items():
        if run.environment[kind] != received:
            raise RunError(
                f"{folder} was trained with {kind} {run.environment[kind]}; received {received}. "
                "Give the same data and the same model= (--start), or start a new run."
            )


def _name(model: SimGAN) -> str:
    return type(model).__name__ + (" with networks of its own" if model.own_networks else "")


def _environment(model: SimGAN, data: GazeData) -> dict:
    modules = [simgan_lib, keras, importlib.import_module(keras.backend.backend()), np]
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "backend": keras.backend.backend(),
        "device": backends.current().device_name(),
        "packages": {module.__name__: module.__version__ for module in modules},
        "model": _name(model),
        "precision": model.precision,
        "data": describe(data),
    }


def _save_network(network, path):
    network.save(path)
    # Keras 3.15 writes two settings that Keras 3.13, Colab's, refuses. As null they mean nothing.
    with zipfile.ZipFile(path) as archive:
        contents = {part: archive.read(part) for part in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in contents.items():
            if part.filename == "config.json":
                content = re.sub(rb', "(in|out)put_axes": null', b"", content)
            archive.writestr(part, content)


@contextmanager
def _stop_on_signals(model):
    """Makes the first of `STOP_SIGNALS` end the training, and the second one the process."""
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS if main}

    def stop(signum, frame):
        model.stop_training = True
        restore()

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    for number, handler in before.items():
        # An ignored signal stays ignored: with 'nohup' a training outlives its terminal.
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        restore()
