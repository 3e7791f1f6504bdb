"""The base of all widgets, and the widget that shows a run as it trains."""

import base64
import html
import io
import threading
import time
from pathlib import Path

import ipywidgets
import keras
import numpy as np
import pandas as pd
from ipywidgets import HTML, Button, FloatProgress, HBox
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from simgan_lib.checks import diagnose
from simgan_lib.config import Config
from simgan_lib.data import GazeData
from simgan_lib.notebook.plots import draw_curves, picture_in, sheet, show_pixels
from simgan_lib.runs import COLUMNS, Run
from simgan_lib.simgan import PHASES, SimGAN
from simgan_lib.training import train

# matplotlib's figures share their fonts, and a training is watched from a thread.
_DRAWING = threading.RLock()
DPI = 96  # dots per inch of the figures: as many as the page has, for sharp letters
EYES = 12  # images of a run that are shown side by side


def labelled(kind: type, description: str, tooltip: str, **options) -> ipywidgets.Widget:
    """Makes a control of a kind with a label and a tooltip, in ipywidgets 7 and 8 alike."""
    if kind is not Button:
        options["style"] = {"description_width": "190px"}
        options["layout"] = ipywidgets.Layout(width="480px")
    # In ipywidgets 7 only buttons have a trait `tooltip`.
    name = "tooltip" if "tooltip" in kind.class_trait_names() else "description_tooltip"
    return kind(description=description, **{name: tooltip}, **options)


class Shown(ipywidgets.VBox):
    """Controls, the picture that they change, and words below it.

    A subclass defines `_update`, which changes what is in the figure and returns the words. The
    figure is made once, which is several times faster than a new one for every move. The picture
    is a PNG beside the widget's view, so that a saved notebook shows it without a kernel.

    Args:
        figure: The figure that `_update` draws in.
        controls: Controls that redraw the picture when their value changes.
        rows: Widgets above the picture. Defaults to the controls.
    """

    # Removes this method of ipywidgets 7, so that IPython calls `_repr_mimebundle_` as with 8.
    _ipython_display_ = None

    def __init__(self, figure: Figure, controls=(), rows=None):
        self._canvas = FigureCanvasAgg(figure)
        figure.set_dpi(DPI)
        # Not stretched over a wide page, which would blur it, but shrunk on a narrow one.
        look = ipywidgets.Layout(width=f"{figure.bbox.width:.0f}px", max_width="100%")
        self.picture, self.words = ipywidgets.Image(format="png", layout=look), HTML()
        super().__init__([*(controls if rows is None else rows), self.picture, self.words])
        for control in controls:
            control.observe(self.redraw, "value")
        self.redraw()

    def redraw(self, change=None) -> None:
        """Draws the picture again. ipywidgets passes the change of a control."""
        with _DRAWING:
            self.words.value = html.escape(self._update()).replace("\n", "<br>")
            file = io.BytesIO()
            # Stronger compression would take most of the time.
            self._canvas.print_png(file, pil_kwargs={"compress_level": 1})
            self.picture.value = file.getvalue()

    def _repr_mimebundle_(self, **kwargs):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        png = base64.b64encode(self.picture.value).decode()
        shown = {"application/vnd.jupyter.widget-view+json": view, "image/png": png}
        return {"text/plain": type(self).__name__, **shown}


class _Buttons(keras.callbacks.Callback):
    """Obeys the buttons between two rounds."""

    def __init__(self, board):
        super().__init__()
        self.board = board

    def on_train_batch_end(self, batch, logs=None):
        self.board.done = dict(self.model.done)
        self.board.go.wait()
        self.model.stop_training |= self.board.state == "stopping"


class TrainingDashboard(Shown):
    """Trains while you watch: start, pause and stop, curves, refined eyes, and a verdict.

    The training runs in a thread, so that the notebook stays free. The run folder gives a point of
    the curves every `log_every` rounds, and eyes every `snapshot_every`. See also `attach`.

    Args:
        data: The data to train on.
        config: The settings, or a `HyperparameterPanel`, whose settings are read at the start.
        folder: The run folder. Start goes on with the run that it holds.
        interval: Seconds between two looks at the folder, or more if drawing takes long.
        model: A model of your own to train, built with `config`; see `simgan_lib.train`.

    Attributes:
        state: "ready", "training", "paused", "stopping", "stopped", "finished" or "failed", or
            "attached" if another process trains.
    """

    def __init__(
        self,
        data: GazeData | None,
        config: Config | object,
        folder: str | Path,
        interval: float = 2.0,
        model: SimGAN | None = None,
    ):
        self.data, self.settings, self.folder = data, config, Path(folder)
        self.config, self.model = getattr(config, "config", config), model
        self.state = "attached" if data is None else "ready"
        self.error = self.done = self._thread = self._seen = None
        self.go, self._closed = threading.Event(), threading.Event()
        self._interval = interval
        figure = Figure(figsize=(9.6, 4.4))
        self.curves, eyes = figure.subfigures(2, 1, height_ratios=(2, 1))
        self.eyes = picture_in(eyes.add_axes((0.05, 0.02, 0.92, 0.84)))
        self.progress = labelled(FloatProgress, "progress", "of all phases", max=1.0)
        self.buttons = {}
        for name, press, tooltip in (
            ("Start", self.start, "Train, or go on with the run in the folder"),
            ("Pause", self.pause, "Wait after this round, or go on"),
            ("Stop", self.stop, "End at the next row of metrics, with everything saved"),
        ):
            self.buttons[name] = labelled(Button, name, tooltip)
            self.buttons[name].on_click(lambda _, press=press: press())
        super().__init__(figure, rows=[HBox(list(self.buttons.values())), self.progress])
        if data is None:
            threading.Thread(target=self._watch, daemon=True).start()

    @classmethod
    def attach(cls, folder: str | Path, interval: float = 2.0) -> "TrainingDashboard":
        """Shows a run folder that another process is writing, with the buttons switched off."""
        return cls(None, Run(folder).config, folder, interval)

    def start(self) -> None:
        """Starts the training, in a thread."""
        if self.state in ("ready", "stopped", "finished", "failed") and self.data is not None:
            self.state, self.error = "training", None
            self.go.set()
            self._thread = threading.Thread(target=self._train, daemon=True)
            self._thread.start()
            threading.Thread(target=self._watch, daemon=True).start()

    def pause(self) -> None:
        """Makes the training wait after the current round, or go on."""
        self._switch({"training": "paused", "paused": "training"})

    def stop(self) -> None:
        """Ends the training at its next row of metrics, with everything saved. Start goes on."""
        self._switch({"training": "stopping", "paused": "stopping"})

    def wait(self, timeout: float | None = None) -> "TrainingDashboard":
        """Waits for the training's end, at most `timeout` seconds, and raises what it raised."""
        if self._thread:
            self._thread.join(timeout)
        if self.error:
            raise self.error
        return self

    def close(self) -> None:
        """Stops training and watching, and removes the dashboard from the page."""
        self._closed.set()
        self.stop()
        super().close()

    def _update(self):
        metrics, real_name = pd.DataFrame(columns=list(COLUMNS)), "the target"
        if (self.folder / "environment.json").exists():
            run = Run(self.folder)
            metrics, real_name = run.metrics, run.real_name
        self.progress.value, words = _progress(metrics, self.config, self.done)
        if self.state == "attached" and self.progress.value == 1:
            self.state = "finished"
        # At first the axes hold twice the rounds done: ten of 25,000 would be invisible.
        rounds = metrics.loc[metrics["phase"] == "adversarial", "iteration"].max()
        draw_curves(self.curves, metrics, real_name, np.fmin(self.config.iterations, 2 * rounds))
        file = self.folder / "snapshots.h5"
        if file.exists() and file.stat().st_mtime_ns != self._seen:
            self._seen, shots = file.stat().st_mtime_ns, run.snapshots
            show_pixels(self.eyes, sheet(EYES, shots["synthetic"], shots["refined"][-1]))
            title = f"synthetic, and refined after round {shots['iteration'][-1]:,}"
            self.eyes.axes.set_title(title, fontsize="small")
        busy = self.state in ("training", "paused")
        start, pause, stop = self.buttons.values()
        start.disabled = self.data is None or busy or self.state == "stopping"
        pause.disabled = stop.disabled = not busy
        pause.description = "Resume" if self.state == "paused" else "Pause"
        said = [f"{type(self.error).__name__}: {self.error}"] if self.error else diagnose(metrics)
        return "\n".join([f"{self.state}; {words}", *said])

    def _switch(self, states):
        if self.state in states:
            self.state = states[self.state]
            (self.go.clear if self.state == "paused" else self.go.set)()
            self.redraw()

    def _train(self):
        try:
            self.config = getattr(self.settings, "config", self.settings)
            about = {"resume": True, "callbacks": [_Buttons(self)], "progress": False}
            model = train(self.data, self.config, self.folder, **about, model=self.model)
            self.state = "finished" if model.done == model.planned else "stopped"
        except Exception as error:  # the page shows it, and `wait` raises it
            self.error, self.state = error, "failed"
        self.redraw()

    def _watch(self):
        watched, pause = ("training", "paused", "stopping", "attached"), self._interval
        while not self._closed.wait(pause) and self.state in watched:
            start = time.thread_time()
            self.redraw()
            # Drawing takes a core from the training, but at most a sixtieth of the time.
            pause = max(self._interval, 60 * (time.thread_time() - start))


def _progress(metrics, config, done=None) -> tuple[float, str]:
    """Returns the fraction of a run that is done, and words with the phase and its time left."""
    pretraining = (config.refiner_pretraining_steps, config.discriminator_pretraining_steps)
    planned = dict(zip(PHASES, (*pretraining, config.iterations), strict=True))
    logged = metrics.groupby("phase")["iteration"].max()
    done = done or {name: int(logged.get(name, 0)) for name in PHASES}
    phase = next((name for name in PHASES if done[name] < planned[name]), PHASES[-1])
    words = f"{phase.replace('_', ' ')}: {done[phase]:,} of {planned[phase]:,}"
    # The median, so that a pause or the first step, which compiles, has no effect.
    speed = metrics.loc[metrics["phase"] == phase, "rounds_per_second"].tail(9).median()
    if done[phase] < planned[phase] and speed > 0:
        seconds = (planned[phase] - done[phase]) / speed
        words += f", {seconds / 60:.0f} min left" if seconds > 100 else f", {seconds:.0f} s left"
    return sum(done.values()) / max(sum(planned.values()), 1), words
