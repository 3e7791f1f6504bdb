"""The widget that shows a run as it trains."""

import json
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from ipywidgets import Button, FloatProgress, HBox
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simgan_lib.config import Config
from simgan_lib.data import GazeData
from simgan_lib.data.files import atomic
from simgan_lib.notebook.checks import diagnose
from simgan_lib.notebook.plots import BLUE, GRAY, GREEN, ORANGE
from simgan_lib.notebook.shown import DPI, Shown, labelled, picture_in, sheet, show_pixels
from simgan_lib.runs import COLUMNS, Run, refine
from simgan_lib.simgan import PHASES
from simgan_lib.training import train


class Curves:
    """L_D, the two terms of L_R, and D's accuracies in two axes, drawn once and then updated.

    Args:
        losses: The axis of the losses.
        accuracy: The axis of D's accuracies.
        real_name: What to call real images, as from `Run.real_name`.
    """

    def __init__(self, losses: Axes, accuracy: Axes, real_name: str):
        self.axes, self._lines, self._others = (losses, accuracy), {}, {}
        for axis, name, color, label in (
            (losses, "discriminator_loss", BLUE, "$L_D$"),
            (losses, "adversarial_loss", ORANGE, "$L_R$: fool D"),
            (losses, "kept", GREEN, r"$L_R$: $\lambda$ · change"),
            (accuracy, "accuracy_real", BLUE, f"on {real_name}"),
            (accuracy, "accuracy_refined", ORANGE, "on refined"),
        ):
            self._lines[name] = axis.plot([], [], color=color, label=label)[0]
            self._others[name] = axis.plot([], [], "--", color=color, alpha=0.5)[0]
        losses.axhline(2 * np.log(2), color=BLUE, linestyle=":")
        losses.axhline(np.log(2), color=ORANGE, linestyle=":")
        accuracy.axhline(0.5, color=GRAY, linestyle=":")
        losses.set_title("losses (dotted, a guess: 2 ln 2 and ln 2)", fontsize="small")
        accuracy.set_title("D's accuracy (dotted, a guess: 50%)", fontsize="small")
        accuracy.set_ylim(0, 1.02)
        self._cursors = [axis.axvline(0, color="black", linewidth=1) for axis in self.axes]
        for axis in self.axes:
            axis.tick_params(labelsize="small")
            axis.grid(alpha=0.3)
            axis.legend(fontsize="x-small", loc="lower right", ncols=3)

    def show(
        self,
        metrics: pd.DataFrame,
        end: int,
        reference: pd.DataFrame | None = None,
        cursor: int = 0,
    ) -> None:
        """Shows the curves of a run.

        Args:
            metrics: As from `Run.metrics`.
            end: The last round on the axes.
            reference: The metrics of another run, to be dashed.
            cursor: The round to mark.
        """
        top = 2.2 * np.log(2)
        for lines, table in ((self._lines, metrics), (self._others, reference)):
            if table is not None:
                rounds = table[table["phase"] == "adversarial"]
                rounds = rounds.assign(kept=rounds["refiner_loss"] - rounds["adversarial_loss"])
                for name, line in lines.items():
                    line.set_data(rounds["iteration"].to_numpy(), rounds[name].to_numpy())
                losses = rounds[["discriminator_loss", "adversarial_loss", "kept"]].to_numpy(float)
                top = max(top, 1.05 * np.max(losses, initial=0, where=np.isfinite(losses)))
        self.axes[0].set_ylim(0, top)
        for axis, line in zip(self.axes, self._cursors, strict=True):
            axis.set_xlim(0, max(end, 1))
            line.set_xdata([cursor, cursor])


def remaining(metrics: pd.DataFrame, config: Config, done: dict | None = None) -> tuple[float, str]:
    """Says how far a run has got.

    Args:
        metrics: As from `Run.metrics`.
        config: The run's settings.
        done: Steps taken by phase, where known better than from the last row of the metrics.

    Returns:
        The share that is done, from 0 to 1, and words with the phase and its time left.
    """
    pretraining = (config.refiner_pretraining_steps, config.discriminator_pretraining_steps)
    planned = dict(zip(PHASES, (*pretraining, config.iterations), strict=True))
    logged = metrics.groupby("phase")["iteration"].max().to_dict()
    done = done or {name: int(logged.get(name, 0)) for name in PHASES}
    phase = next((name for name in PHASES if done[name] < planned[name]), PHASES[-1])
    words = f"{phase.replace('_', ' ')}: {done[phase]:,} of {planned[phase]:,}"
    # The median, so that a pause or the first step, which compiles, does not count.
    speed = metrics.loc[metrics["phase"] == phase, "rounds_per_second"].tail(9).median()
    if done[phase] < planned[phase] and speed > 0:
        left = (planned[phase] - done[phase]) / speed
        words += f", {left / 60:.0f} min left" if left > 100 else f", {left:.0f} s left"
    return sum(done.values()) / max(sum(planned.values()), 1), words


class _Hook(keras.callbacks.Callback):
    """Obeys the buttons between two rounds, and refines the eyes that are watched."""

    def __init__(self, board):
        super().__init__()
        self.board = board

    def on_train_batch_end(self, batch, logs=None):
        start = time.perf_counter()
        self.board.done = dict(self.model.done)
        self.board.go.wait()
        self.board.paused_seconds += time.perf_counter() - start
        if self.board.state == "stopping":
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if not self.board.eyes_shown:
            return
        # Here, not in the watching thread: no other may touch the weights between two rounds.
        with self.model.averaged_refiner() as refiner:
            self.board.refined = refine(refiner, self.board.synthetic)
        self.board.eyes_shown = False


class TrainingDashboard(Shown):
    """Trains while you watch: start, pause and stop, curves, eyes refined now, and a verdict.

    The training runs in a thread, so that the notebook stays free. The curves are read from the
    run folder, so that a folder which another process writes is shown alike: see `attach`.

    Args:
        data: The synthetic and the real images.
        config: The settings, or what has them as its `config` when Start is pressed, such as a
            `HyperparameterPanel`.
        folder: The run folder; Start goes on with the run that it holds.
        reference: A run to overlay, dashed.
        interval: Seconds between two looks at the folder, or more where drawing takes long.
        eyes: Synthetic images to refine again and again: the first ones.

    Attributes:
        state: "ready", "training", "paused", "stopping", "stopped", "finished" or "failed", or
            "attached" where another process trains.
        buttons: By name: "Start", "Pause" and "Stop".
    """

    def __init__(
        self,
        data: GazeData | None,
        config: Config | object,
        folder: str | Path,
        reference: Run | None = None,
        interval: float = 2.0,
        eyes: int = 12,
    ):
        self.data, self.settings, self.folder = data, config, Path(folder)
        self.config = getattr(config, "config", config)
        self.state = "attached" if data is None else "ready"
        self.error = self.done = self.refined = self._thread = self._seen = None
        self.eyes_shown = True  # whether the page has the newest eyes: others are refined only then
        self.go, self._closed = threading.Event(), threading.Event()
        self._interval, self._eyes = interval, eyes
        self._reference = None if reference is None else reference.metrics
        figure = Figure(figsize=(9.6, 4.2), dpi=DPI)
        places = ((0.05, 0.42, 0.43, 0.51), (0.54, 0.42, 0.43, 0.51))
        if data is None:
            real_name = Run(folder).real_name
        else:
            real_name = "simulated webcam" if "simulated webcam" in data.real.source else "real"
        self._curves = Curves(*map(figure.add_axes, places), real_name)
        axis = figure.add_axes((0.05, 0.01, 0.92, 0.28))
        self._sheet = picture_in(axis, "synthetic, and refined now")
        self.progress = labelled(FloatProgress, "progress", "of all phases", max=1.0)
        tooltips = {"Start": "Train, or go on with the run in the folder"}
        tooltips["Pause"] = "Wait after this round, or go on"
        tooltips["Stop"] = "End after this round, with everything saved"
        self.buttons = {name: labelled(Button, name, text) for name, text in tooltips.items()}
        for button in self.buttons.values():
            button.on_click(lambda pressed: getattr(self, pressed.description.lower())())
        super().__init__(figure, rows=[HBox(list(self.buttons.values())), self.progress])
        if data is None:
            self._watch()

    @classmethod
    def attach(cls, folder: str | Path, **options) -> "TrainingDashboard":
        """Shows a run folder that another process is writing, until the run is finished.

        Args:
            folder: The run folder.
            **options: The class's `reference`, `interval` and `eyes`.

        Returns:
            The dashboard, with its buttons switched off.

        Raises:
            RunError: If there is no run in the folder.
        """
        return cls(None, Run(folder).config, folder, **options)

    def start(self) -> None:
        """Starts the training, in a thread."""
        if self.state in ("ready", "stopped", "finished", "failed") and self.data is not None:
            self.state, self.error, self.paused_seconds = "training", None, 0.0
            self.synthetic = self.data.synthetic.images[: self._eyes]
            self.go.set()
            self._thread = threading.Thread(target=self._train, daemon=True)
            self._thread.start()
            self._watch()

    def pause(self) -> None:
        """Lets the training wait after the current round."""
        self._switch("training", "paused")

    def resume(self) -> None:
        """Lets a training that waits go on."""
        self._switch("paused", "training")

    def stop(self) -> None:
        """Ends the training after the current round, with everything saved; Start goes on."""
        self._switch("training", "stopping")
        self._switch("paused", "stopping")

    def wait(self, timeout: float | None = None) -> "TrainingDashboard":
        """Waits for the training's end, and raises what the training raised.

        Args:
            timeout: Seconds to wait at most; without end if `None`.

        Returns:
            The dashboard.
        """
        if self._thread:
            self._thread.join(timeout)
        if self.error:
            raise self.error
        return self

    def close(self) -> None:
        """Stops training and watching, and takes the dashboard off the page."""
        self._closed.set()
        self.stop()
        super().close()

    def _update(self):
        known = (self.folder / "config.json").exists()
        metrics = Run(self.folder).metrics if known else pd.DataFrame(columns=list(COLUMNS))
        self.progress.value, words = remaining(metrics, self.config, self.done)
        if self.state == "attached" and self.progress.value == 1:
            self.state = "finished"
        # At first the axes hold twice what there is: of 25,000 rounds, ten would be invisible.
        rounds = metrics.loc[metrics["phase"] == "adversarial", "iteration"].max()
        end = self.config.iterations if pd.isna(rounds) else min(self.config.iterations, 2 * rounds)
        self._curves.show(metrics, end, self._reference)
        self._show_eyes()
        busy = self.state in ("training", "paused")
        self.buttons["Start"].disabled = self.data is None or busy or self.state == "stopping"
        self.buttons["Pause"].disabled = self.buttons["Stop"].disabled = not busy
        self.buttons["Pause"].description = "Resume" if self.state == "paused" else "Pause"
        said = [f"{type(self.error).__name__}: {self.error}"] if self.error else diagnose(metrics)
        return "\n".join([f"{self.state}; {words}", *said])

    def _show_eyes(self):
        file = self.folder / "snapshots.h5"
        if self.refined is not None:
            show_pixels(self._sheet, sheet(self._eyes, self.synthetic, self.refined))
            self.eyes_shown = True
        elif file.exists() and file.stat().st_mtime_ns != self._seen:
            self._seen, shots = file.stat().st_mtime_ns, Run(self.folder).snapshots
            show_pixels(self._sheet, sheet(self._eyes, shots["synthetic"], shots["refined"][-1]))

    def _switch(self, before, after):
        if self.state == before:
            self.state = after
            (self.go.clear if after == "paused" else self.go.set)()
            self.redraw()

    def _train(self):
        try:
            self.config = getattr(self.settings, "config", self.settings)
            model = train(self.data, self.config, self.folder, True, [_Hook(self)], progress=False)
            self._forget_pauses()
            self.state = "finished" if model.done == model.planned else "stopped"
        except Exception as error:  # whatever it is, the page must say it
            self.error, self.state = error, "failed"
        self.redraw()

    def _forget_pauses(self):
        # A run's minutes are quoted: those in which it waited do not count.
        path = self.folder / "environment.json"
        about = json.loads(path.read_text())
        about["training_seconds"] = round(about["training_seconds"] - self.paused_seconds, 2)
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(about, indent=2) + "\n")

    def _watch(self):
        def look():
            watched = ("training", "paused", "stopping", "attached")
            pause = self._interval
            while not self._closed.wait(pause) and self.state in watched:
                start = time.perf_counter()
                self.redraw()
                # Drawing takes a core away from the training: a sixtieth of the time at most.
                pause = max(self._interval, 60 * (time.perf_counter() - start))

        threading.Thread(target=look, daemon=True).start()
