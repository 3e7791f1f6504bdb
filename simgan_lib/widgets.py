"""Widgets for notebooks: thin shells over plain functions, for ipywidgets 7 and 8 alike."""

import base64
import dataclasses
import functools
import html
import importlib
import io
import threading
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
from ipywidgets import HTML, Button, Dropdown, HBox, IntSlider, SelectionSlider
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from simgan_lib import simulator
from simgan_lib.config import PRESETS, Config, ConfigError
from simgan_lib.losses import lambda_mean_from_sum
from simgan_lib.plots import BLUE, ORANGE
from simgan_lib.precision import fastest_precision, time_precisions
from simgan_lib.realism import visual_turing_test
from simgan_lib.runs import Run
from simgan_lib.summary import collect

# matplotlib's fonts are shared by all figures, and a training is watched from a thread.
_DRAWING = threading.RLock()
_machine_seconds = functools.cache(time_precisions)


def __getattr__(name):
    # These build on this module, which therefore cannot import them first.
    if name in ("BeforeAfter", "RunReplay", "TrainingDashboard"):
        return getattr(importlib.import_module("simgan_lib.dashboard"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def labelled(kind: type, description: str, tooltip: str, **options) -> ipywidgets.Widget:
    """Makes a control of a kind, with a label and a tooltip that says what it means."""
    if kind is not Button:
        options["style"] = {"description_width": "190px"}
        options["layout"] = ipywidgets.Layout(width="480px")
    # ipywidgets 7 gives buttons alone a tooltip of that name.
    name = "tooltip" if "tooltip" in kind.class_trait_names() else "description_tooltip"
    return kind(description=description, **{name: tooltip}, **options)


class Shown(ipywidgets.VBox):
    """Controls, the picture that they change, and words on it.

    The figure is made once. When a control moves, a subclass's `_update` changes what is in it and
    says what it shows. `rows` stand above it, or the controls. On GitHub, the picture is all.
    """

    # Without this method of ipywidgets 7, IPython asks for the bundle below, as it does with 8.
    _ipython_display_ = None

    def __init__(self, figure: Figure, controls=(), rows=None):
        self._canvas = FigureCanvasAgg(figure)
        self.picture, self.words = ipywidgets.Image(format="png"), HTML()
        super().__init__([*(controls if rows is None else rows), self.picture, self.words])
        for control in controls:
            control.observe(self.redraw, "value")
        self.redraw()

    def redraw(self, change=None) -> None:
        """Draws the picture again; `change` is what ipywidgets tells of a control."""
        with _DRAWING:
            words, file = html.escape(self._update()).replace("\n", "<br>"), io.BytesIO()
            # Most of the time would go into packing a picture that only goes next door.
            self._canvas.print_png(file, pil_kwargs={"compress_level": 1})
            self.words.value, self.picture.value = words, file.getvalue()

    def _repr_mimebundle_(self, **kwargs):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        png = base64.b64encode(self.picture.value).decode()
        shown = {"application/vnd.jupyter.widget-view+json": view, "image/png": png}
        return {"text/plain": type(self).__name__, **shown}


def sheet(count: int, *rows: np.ndarray) -> np.ndarray:
    """Lays the first images out in rows: `(n, H, W)` each becomes `(rows * H, count * W)`."""
    return np.vstack([np.hstack(list(images[:count])) for images in rows])


def picture_in(axis, title: str = "", **options):
    """Returns an image without pixels, gray from 0 to 255, in an axis without ticks."""
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize="small")
    return axis.imshow([[0]], **{"cmap": "gray", "vmin": 0, "vmax": 255, **options})


def show_pixels(image, pixels: np.ndarray, shape: tuple[int, int] | None = None) -> None:
    """Puts other pixels into an image of matplotlib's, stretched to `shape`."""
    height, width = shape or pixels.shape
    image.set(data=pixels, extent=(-0.5, width - 0.5, height - 0.5, -0.5))


def image_row(size: tuple[float, float], *titles: str):
    """Makes a figure of a size in inches with empty images side by side; returns it and them."""
    figure = Figure(figsize=size, dpi=80)
    around = {"left": 0.01, "right": 0.99, "bottom": 0.02, "wspace": 0.04}
    axes = figure.subplots(1, len(titles), gridspec_kw=around)
    return figure, [picture_in(axis, title) for axis, title in zip(axes, titles, strict=True)]


# Control: minimum, maximum, step, start, and what it means.
EYE = {
    "pitch": (-24, 20, 1, 0, "gaze in degrees, up is positive"),
    "yaw": (-28, 28, 1, 10, "gaze in degrees, to the image's left is positive"),
    "pupil": (0.3, 0.7, 0.02, 0.5, "radius, as a share of the iris's"),
    "lids": (-1.0, 3.0, 0.1, 0.3, "mm by which the upper lid drops"),
    "light": (-1.0, 1.0, 0.05, 0.0, "from the left (-1) to the right (1)"),
    "person": (0, simulator.PEOPLE - 1, 1, 7, "whose eye it is"),
}
FIELDS = (
    *("lambda_mean", "refiner_updates", "discriminator_updates", "buffer_size", "batch_size"),
    *("refiner_learning_rate", "discriminator_learning_rate", "beta_1", "adversarial_loss"),
    *("history", "precision", "iterations"),
)


def explored_eye(style: str, **chosen: float) -> tuple[np.ndarray, pd.Series]:
    """Draws one eye: uint8 `(35, 55)`, and its label, a row as from `simulator.labels`.

    `chosen` are values by the names in `EYE`; what is left out is as it starts there.

    Example:
        >>> image, label = explored_eye("webcam", yaw=-20)
        >>> image.shape, round(float(label["yaw"]), 3)
        ((35, 55), -0.349)
    """
    chosen = {name: start for name, (_, _, _, start, _) in EYE.items()} | chosen
    eye = simulator.set_person(simulator.sample_eyes(1, style), chosen["person"], style)
    # The head is held straight, so that the two styles can be compared.
    eye = eye.assign(shift_x=0.0, shift_y=0.0, roll=0.0, zoom=1.0, pupil=chosen["pupil"])
    eye = eye.assign(pitch=np.radians(chosen["pitch"]), yaw=np.radians(chosen["yaw"]))
    eye = eye.assign(lid_squint=chosen["lids"], light_x=chosen["light"])
    return simulator.render(eye, style)[0], simulator.labels(eye).iloc[0]


class EyeExplorer(Shown):
    """Sliders for what an eye is, and the eye in both styles with its label drawn on it."""

    def __init__(self):
        self.controls = {}
        for name, (low, high, step, start, tooltip) in EYE.items():
            kind = ipywidgets.FloatSlider if isinstance(step, float) else IntSlider
            limits = {"min": low, "max": high, "step": step, "value": start}
            self.controls[name] = labelled(kind, name, tooltip, **limits)
        one, other = "simulator", "simulated webcam"
        styles = [("both", (one, other)), (one, (one,)), (other, (other,))]
        self.controls["style"] = labelled(Dropdown, "style", "drawing and camera", options=styles)
        figure, self._images = image_row((8, 2.9), one, other)
        axes = [image.axes for image in self._images]
        self._looks = [axis.plot([], [], "o-", color=ORANGE, markevery=[0])[0] for axis in axes]
        super().__init__(figure, list(self.controls.values()))

    def _update(self):
        chosen = {name: control.value for name, control in self.controls.items()}
        styles = chosen.pop("style")
        for style, image, line in zip(simulator.STYLES, self._images, self._looks, strict=True):
            image.axes.set_visible(image.axes.get_title() in styles)
            pixels, label = explored_eye(style, **chosen)
            show_pixels(image, pixels)
            x, y = label["pupil_x"], label["pupil_y"]
            line.set_data([x, x + 25 * label["look_x"]], [y, y + 25 * label["look_y"]])
        return (
            f"The label: pitch {chosen['pitch']}°, yaw {chosen['yaw']}°, pupil at ({x:.1f}, "
            f"{y:.1f}) pixels. The line goes from the pupil to where the eye looks."
        )


def estimated_minutes(config: Config, seconds: dict[str, float]) -> float:
    """Estimates the minutes of a training on images of 35 x 55 pixels, without its start.

    It counts the multiplications of the convolutions, with `seconds` as from `time_precisions`;
    NaN where the config's number format was not timed.

    Example:
        >>> config = Config(iterations=350, discriminator_updates=3)  # recorded: 3.9 minutes
        >>> round(estimated_minutes(config, {"float32": 0.03409, "bfloat16": 0.02197}), 1)
        3.9
    """
    maps, kernel = config.filters, config.kernel_size**2
    refiner = 35 * 55 * kernel * maps * (1 + 2 * config.blocks * maps)
    discriminator, batch = 10**7, config.batch_size  # D's strides make it cheap
    r_step = batch * (refiner + discriminator)
    # What was timed goes backwards too: forwards alone is a third of that.
    d_step = batch * (refiner / (6 if config.history else 3) + 2 * discriminator)
    r_steps = config.refiner_pretraining_steps + config.iterations * config.refiner_updates
    d_steps = config.discriminator_pretraining_steps
    d_steps += config.iterations * config.discriminator_updates
    name = fastest_precision(seconds) if config.precision == "auto" else config.precision
    timed = 16 * 35 * 55 * 9 * 64 * 64 / seconds.get(name, np.nan)
    return (r_steps * r_step + d_steps * d_step) / timed / 60


class HyperparameterPanel(Shown):
    """The settings of a training as controls, checked, with the minutes that they will take.

    Args:
        config: The settings to begin with; those of the quick preset if `None`.
        fields: Names of the fields of `Config` to show.
        seconds: As from `time_precisions`, which is asked once if `None`.
    """

    def __init__(self, config: Config | None = None, fields=FIELDS, seconds=None):
        self.seconds = _machine_seconds() if seconds is None else seconds
        known = {field.name: field for field in dataclasses.fields(Config)}
        self._about = {name: known[name].metadata["meaning"] for name in fields}
        self.controls = {name: _control(known[name]) for name in fields}
        buttons = [labelled(Button, name, "fills in this preset") for name in PRESETS]
        for button in buttons:
            button.on_click(lambda pressed: setattr(self, "config", PRESETS[pressed.description]))
        figure = Figure(figsize=(9.6, 0.3 + 0.19 * len(fields)), dpi=80)
        self._text = figure.text(0.01, 0.97, "", va="top", family="monospace", fontsize=9)
        self._base, self._changes = config or Config(), {}
        super().__init__(figure, rows=[HBox(buttons), *self.controls.values()])
        # The picture says what the controls do: it is for where there are none.
        self.children = [child for child in self.children if child is not self.picture]
        self.config = self._base
        for name, control in self.controls.items():
            control.observe(functools.partial(self._changed, name), "value")

    @property
    def config(self) -> Config:
        """The settings. Setting it fills the controls; a ConfigError says what is not allowed."""
        return self._base.replace(**self._changes)

    @config.setter
    def config(self, config: Config):
        # What a slider cannot show, such as a lambda of 0, is kept until the slider moves.
        self._base, self._changes, self._filling = config, {}, True
        for name, control in self.controls.items():
            control.value = getattr(config, name)
        self._filling = False
        self.redraw()

    def _update(self):
        try:
            config = self.config
        except ConfigError as error:
            return f"Not allowed: {error}"
        lines = [f"{n:<28}{getattr(config, n)!s:<10}{text:.78}" for n, text in self._about.items()]
        self._text.set_text("\n".join(lines))
        minutes = estimated_minutes(config, self.seconds)
        known = "not timed in this precision" if np.isnan(minutes) else f"about {minutes:,.1f}"
        paper = config.lambda_mean / lambda_mean_from_sum(1.0)
        return f"Minutes on this machine: {known}.\nLambda in the paper's form: {paper:.3g}."

    def _changed(self, name, change):
        if not self._filling:
            self._changes[name] = change["new"]
            self.redraw()


def _control(field):
    kind = {bool: ipywidgets.Checkbox, int: ipywidgets.IntText, float: ipywidgets.FloatText}
    kind, choices = kind.get(field.type, Dropdown), field.metadata["choices"]
    options = {"options": choices} if choices else {}
    if field.name == "lambda_mean" or field.name.endswith("learning_rate"):
        low, high = (-3, 2) if field.name == "lambda_mean" else (-6, 0)
        kind, options = ipywidgets.FloatLogSlider, {"min": low, "max": high, "step": 0.05}
    about = f"{field.metadata['meaning']} ({field.metadata['origin']})"
    return labelled(kind, field.name, about, **options)


def lambda_table(folder: str | Path) -> pd.DataFrame:
    """Reads a lambda sweep: the cells `baseline` and `lambda_*` of an ablation's folder.

    A row per lambda: `lambda_mean`, the means over seeds of `pupil_shift_px` and
    `two_sample_accuracy` (%), the number of `seeds`, and the first `run`.
    """
    table = collect(folder)
    table = table[table["cell"].str.fullmatch(r"(.*/)?(baseline|lambda_[\d.]+)")]
    runs = [Run(Path(folder, name)) for name in table["run"]]
    table = table.assign(run=runs, lambda_mean=[run.config.lambda_mean for run in runs])
    means = {name: (name, "mean") for name in ("pupil_shift_px", "two_sample_accuracy")}
    groups = table.groupby("lambda_mean", as_index=False)
    return groups.agg(**means, seeds=("seed", "size"), run=("run", "first"))


class LambdaExplorer(Shown):
    """What lambda trades: realism against labels, with the pictures of an ablation's folder."""

    def __init__(self, folder: str | Path, eyes: int = 5):
        self._table, self._eyes = lambda_table(folder), eyes
        figure = Figure(figsize=(9.6, 3), dpi=80)
        axis = figure.add_axes((0.07, 0.17, 0.38, 0.75))
        x, y = self._table["pupil_shift_px"], self._table["two_sample_accuracy"]
        axis.plot(x, y, "o-", color=BLUE)
        axis.set(xlabel="pupil moved, px (labels lost)", ylabel="told apart, % (50: realistic)")
        names = [f"{value:g}" for value in self._table["lambda_mean"]]
        for name, *place in zip(names, x, y, strict=True):
            axis.annotate(f"  {name}", place)
        self._mark = axis.plot([], [], "o", color=ORANGE, markersize=14, fillstyle="none")[0]
        self._image = picture_in(figure.add_axes((0.48, 0.02, 0.51, 0.85)), "synthetic, refined")
        self._shots = [run.snapshots for run in self._table["run"]]
        rows = [(name, row) for row, name in enumerate(names)]
        self.slider = labelled(SelectionSlider, "lambda", "in mean form", options=rows)
        super().__init__(figure, [self.slider])

    def _update(self):
        row, shots = self._table.iloc[self.slider.value], self._shots[self.slider.value]
        show_pixels(self._image, sheet(self._eyes, shots["synthetic"], shots["refined"][-1]))
        shift, apart = row["pupil_shift_px"], row["two_sample_accuracy"]
        self._mark.set_data([shift], [apart])
        return (
            f"Lambda {row['lambda_mean']:g}: the pupil moves by {shift:.2f} px, and a fresh "
            f"classifier tells {apart:.1f}% apart (mean over {row['seeds']} seeds)."
        )


class TuringTest(Shown):
    """Which one is refined? Pairs to tell apart, scored as in the paper.

    Arguments are as for `visual_turing_test`, and `real_name` is as from `Run.real_name`. `answers`
    are the sides taken for real so far, and `result` is the score when all pairs are answered.
    """

    def __init__(self, refined, real, pairs: int = 10, seed: int = 0, real_name: str = "real"):
        self.test, self.answers = visual_turing_test(refined, real, pairs, seed), []
        self.real_name, self.result = real_name, None
        figure, self._images = image_row((8, 2.9), "left", "right")
        about = f"this one is {real_name}"
        self.buttons = [labelled(Button, side, about) for side in ("Left", "Right")]
        for button in self.buttons:
            button.on_click(lambda pressed: self.answer(self.buttons.index(pressed)))
        super().__init__(figure, rows=[HBox(self.buttons)])

    def answer(self, side: int) -> None:
        """Takes the left (0) or the right (1) image of the pair for real."""
        self.answers.append(side)
        if len(self.answers) == len(self.test.pairs):
            self.result = self.test.score(self.answers)
        self.redraw()

    def _update(self):
        number, pairs = len(self.answers), self.test.pairs
        for image, pixels in zip(self._images, pairs[min(number, len(pairs) - 1)], strict=True):
            show_pixels(image, pixels)
        if self.result is None:
            return f"Pair {number + 1} of {len(pairs)}: which one is {self.real_name}?"
        self.buttons[0].disabled = self.buttons[1].disabled = True
        said = "You can tell" if self.result["p_value"] < 0.05 else "That may be guessing"
        score = "{correct} of {shown} right, p = {p_value:.3f}".format(**self.result)
        return f"{score}. {said}. The paper's testers: 517 of 1,000, p = 0.148."
