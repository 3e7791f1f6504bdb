"""Widgets for notebooks, for ipywidgets 7 and 8 alike."""

import dataclasses
import textwrap
from collections.abc import Iterable
from pathlib import Path

import ipywidgets
import numpy as np
from ipywidgets import Button, Dropdown, HBox, IntSlider, SelectionSlider
from matplotlib.figure import Figure
from scipy import stats

from simgan_lib.config import PRESETS, Config, ConfigError
from simgan_lib.data import simulator
from simgan_lib.evaluation.realism import visual_turing_test
from simgan_lib.evaluation.report import collect
from simgan_lib.losses import lambda_mean_from_sum
from simgan_lib.notebook import plots
from simgan_lib.notebook.dashboard import EYES, Shown, labelled
from simgan_lib.notebook.dashboard import TrainingDashboard as TrainingDashboard
from simgan_lib.notebook.plots import draw_curves, picture_in, sheet, show_pixels
from simgan_lib.runs import Run

# Control: minimum, maximum, step, start, and what it means.
EYE = {
    "pitch": (-24, 20, 1, 0, "gaze in degrees, up is positive"),
    "yaw": (-28, 28, 1, 10, "gaze in degrees, to the image's left is positive"),
    "pupil size": (0.3, 0.7, 0.02, 0.5, "radius, as a share of the iris's"),
    "lids": (-1.0, 3.0, 0.1, 0.3, "mm by which the upper lid drops"),
    "light": (-1.0, 1.0, 0.05, 0.0, "from the left (-1) to the right (1)"),
    "person": (0, simulator.PEOPLE - 1, 1, 7, "whose eye it is"),
}
FIELDS = (
    *("lambda_mean", "refiner_updates", "discriminator_updates", "buffer_size", "batch_size"),
    *("refiner_learning_rate", "discriminator_learning_rate", "beta_1", "adversarial_loss"),
    *("precision", "iterations"),
)


def _image_row(size, *titles):
    """Makes a figure with empty pictures side by side."""
    figure = Figure(figsize=size)
    around = {"left": 0.01, "right": 0.99, "bottom": 0.02, "wspace": 0.04}
    axes = figure.subplots(1, len(titles), gridspec_kw=around)
    return figure, [picture_in(axis, title) for axis, title in zip(axes, titles, strict=True)]


class EyeExplorer(Shown):
    """Sliders for an eye's parameters, and the eye in both styles with its label drawn on it."""

    def __init__(self):
        self.controls = {}
        for name, (low, high, step, start, tooltip) in EYE.items():
            kind = ipywidgets.FloatSlider if isinstance(step, float) else IntSlider
            limits = {"min": low, "max": high, "step": step, "value": start}
            self.controls[name] = labelled(kind, name, tooltip, **limits)
        figure, self.images = _image_row((8, 2.9), "synthetic", "simulated webcam")
        look = {"arrowstyle": "->", "color": plots.ORANGE, "linewidth": 2.5, "shrinkA": 0}
        self.looks = [
            image.axes.annotate("", (0, 0), arrowprops=look, annotation_clip=False)
            for image in self.images
        ]
        super().__init__(figure, self.controls.values())

    def _update(self):
        chosen = {name: control.value for name, control in self.controls.items()}
        # The head is held straight, so that the two styles can be compared.
        changes = {"shift_x": 0.0, "shift_y": 0.0, "roll": 0.0, "zoom": 1.0}
        changes |= {name: np.radians(chosen[name]) for name in ("pitch", "yaw")}
        changes |= {"pupil": chosen["pupil size"], "lid_squint": chosen["lids"]}
        changes |= {"light_x": chosen["light"]}
        for style, image, look in zip(simulator.STYLES, self.images, self.looks, strict=True):
            eye = simulator.set_person(simulator.sample_eyes(1, style), chosen["person"], style)
            eye = eye.assign(**changes)
            show_pixels(image, simulator.render(eye, style)[0])
            label = simulator.labels(eye).iloc[0]
            x, y = label["pupil_x"], label["pupil_y"]
            look.xyann, look.xy = (x, y), (x + 25 * label["look_x"], y + 25 * label["look_y"])
        return (
            f"The label: pitch {chosen['pitch']}°, yaw {chosen['yaw']}°, pupil at ({x:.1f}, "
            f"{y:.1f}) pixels. The arrow goes from the pupil to where the eye looks."
        )


class LambdaExplorer(Shown):
    """The effect of lambda on realism and labels, with the pictures of recorded runs.

    Args:
        folder: An ablation's folder, with the cells `baseline` and `lambda_*`.

    Attributes:
        table: A row per lambda: means over seeds, the number of `seeds`, and the first `run`.
    """

    def __init__(self, folder: str | Path):
        table = collect(folder)
        table = table[table["cell"].str.fullmatch(r"(.*/)?(baseline|lambda_[\d.]+)")]
        runs = [Run(Path(folder, name)) for name in table["run"]]
        table = table.assign(run=runs, lambda_mean=[run.config.lambda_mean for run in runs])
        measures = ("pupil_shift_px", "kid", "two_sample_accuracy")
        columns = {name: (name, "mean") for name in measures}
        columns |= {"seeds": ("seed", "size"), "run": ("run", "first")}
        self.table = table.groupby("lambda_mean", as_index=False).agg(**columns)
        self._shots = [run.snapshots for run in self.table["run"]]
        figure = Figure(figsize=(9.6, 3))
        axis = figure.add_axes((0.08, 0.17, 0.38, 0.78))
        x, y = self.table["pupil_shift_px"], self.table["kid"]
        axis.plot(x, y, "o-", color=plots.BLUE)
        axis.set(xlabel="pupil shift, as read, px", ylabel="KID (low: realistic)")
        # A KID can be 0 or below. The margins are for the names of the points.
        axis.set_yscale("symlog", linthresh=1e-3)
        axis.margins(0.15, 0.2)
        names = [f"{value:g}" for value in self.table["lambda_mean"]]
        for name, *place in zip(names, x, y, strict=True):
            axis.annotate(name, place, (6, 5), textcoords="offset points", fontsize="small")
        self._mark = axis.plot([], [], "o", color=plots.ORANGE, markersize=14, fillstyle="none")[0]
        self._image = picture_in(figure.add_axes((0.48, 0.02, 0.51, 0.85)))
        rows = [(name, row) for row, name in enumerate(names)]
        self.slider = labelled(SelectionSlider, "lambda", "in mean form", options=rows)
        super().__init__(figure, [self.slider])

    def _update(self):
        row, shots = self.table.iloc[self.slider.value], self._shots[self.slider.value]
        show_pixels(self._image, sheet(5, shots["synthetic"], shots["refined"][-1]))
        title = f"lambda {row['lambda_mean']:g}: synthetic, refined"
        self._image.axes.set_title(title, fontsize="small")
        shift, kid, seeds = row["pupil_shift_px"], row["kid"], row["seeds"]
        self._mark.set_data([shift], [kid])
        over = f" (mean over {seeds} seeds)" if seeds > 1 else ""
        return (
            f"Lambda {row['lambda_mean']:g}: the pupil moves by {shift:.2f} px, the KID is "
            f"{kid:.3f}, and a classifier tells {row['two_sample_accuracy']:.1f}% apart{over}."
        )


class TuringTest(Shown):
    """Pairs of a refined and a real image to tell apart, scored as in the paper.

    Args:
        refined: uint8 `(n, H, W)` or `(n, H, W, 3)`.
        real: Real images of the same shape and type.
        pairs: Number of pairs.
        seed: Draws the pairs and their sides.
        real_name: What the real images are, as from `Run.real_name`.
    """

    def __init__(self, refined, real, pairs: int = 10, seed: int = 0, real_name: str = "real"):
        self.pairs, self.real_side = visual_turing_test(refined, real, pairs, seed)
        self.answers, self.real_name = [], real_name
        figure, self._images = _image_row((8, 2.9), "left", "right")
        about = f"this one is {real_name}"
        self.buttons = [labelled(Button, side, about) for side in ("Left", "Right")]
        for button in self.buttons:
            button.on_click(lambda pressed: self.answer(self.buttons.index(pressed)))
        super().__init__(figure, rows=[HBox(self.buttons)])

    def answer(self, side: int) -> None:
        """Records that the left (0) or the right (1) image of the pair is taken for real."""
        self.answers.append(side)
        self.redraw()

    def _update(self):
        number, count = len(self.answers), len(self.pairs)
        pair = self.pairs[min(number, count - 1)]
        for image, pixels in zip(self._images, pair, strict=True):
            show_pixels(image, pixels)
        if number < count:
            return f"Pair {number + 1} of {count}: which one is {self.real_name}?"
        self.buttons[0].disabled = self.buttons[1].disabled = True
        right = int((np.array(self.answers) == self.real_side).sum())
        p_value = stats.binomtest(right, count, alternative="greater").pvalue
        said = "You can tell" if p_value < 0.05 else "That may be guessing"
        score = f"{right} of {count} right, p = {p_value:.3f}"
        return f"{score}. {said}. The paper's testers: 517 of 1,000, p = 0.148."


class RunReplay(Shown):
    """A slider through a run's snapshots, with a cursor on its curves."""

    def __init__(self, run: Run):
        self._shots = run.snapshots
        rounds = self._shots["iteration"].tolist()
        figure = Figure(figsize=(9.6, 4.4))
        eyes, self.curves = figure.subfigures(2, 1, height_ratios=(1, 2))
        self.image = picture_in(eyes.add_axes((0.05, 0.02, 0.92, 0.84)))
        draw_curves(self.curves, run.metrics, run.real_name, rounds[-1])
        self.cursors = [axis.axvline(color="black", linewidth=1) for axis in self.curves.axes]
        about = "the snapshot; arrow keys step"
        self.slider = labelled(SelectionSlider, "round", about, options=rounds)
        super().__init__(figure, [self.slider])

    def _update(self):
        shots, number, chosen = self._shots, self.slider.value, self.slider.index
        show_pixels(self.image, sheet(EYES, shots["synthetic"], shots["refined"][chosen]))
        title = f"synthetic, and refined in round {number:,}"
        self.image.axes.set_title(title, fontsize="small")
        for cursor in self.cursors:
            cursor.set_xdata([number, number])
        # A D that does not give two logits has no probabilities.
        if "probability_refined" not in shots:
            return ""
        right = shots["probability_refined"][chosen].astype(float).mean()
        return f"D takes the refined eyes for refined with {right:.0%}."


class BeforeAfter(Shown):
    """An eye of a run's last snapshot, before and after, the difference, and D's answers."""

    def __init__(self, run: Run):
        self._shots, self._real_name = run.snapshots, run.real_name
        titles = ["synthetic", "refined", "difference"]
        titles += titles[:2] if "probability_refined" in self._shots else []
        figure, self.images = _image_row((2.2 * len(titles), 1.9), *titles)
        self.images[2].set(cmap="RdBu_r", clim=(-128, 128))
        look = {"cmap": plots.BLUE_TO_ORANGE, "vmax": 1, "alpha": 0.45}
        self.maps = [picture_in(image.axes, **look) for image in self.images[3:]]
        count = len(self._shots["synthetic"])
        self.slider = labelled(IntSlider, "eye", "which one; arrow keys step", max=count - 1)
        self.next = labelled(Button, "Next", "the next eye; after the last, the first")
        self.next.on_click(
            lambda _: self.slider.set_trait("value", (self.slider.value + 1) % count)
        )
        super().__init__(figure, [self.slider], [HBox([self.slider, self.next])])

    def _update(self):
        eye, shots = self.slider.value, self._shots
        before, after = shots["synthetic"][eye], shots["refined"][-1][eye]
        change = after.astype(float) - before
        difference = change.mean(axis=-1) if change.ndim == 3 else change
        drawn = (before, after, difference, before, after)
        for image, pixels in zip(self.images, drawn, strict=False):
            show_pixels(image, pixels)
        for image, name in zip(self.maps, ("synthetic", "refined"), strict=False):
            doubt = shots[f"probability_{name}"][-1][eye].astype(float)
            show_pixels(image, doubt, before.shape[:2])
            image.axes.set_title(f"{name}, D: {doubt.mean():.0%} refined", fontsize="small")
        words = f"Eye {eye}: a pixel changes by {np.abs(change).mean():.1f} of 255 gray levels."
        if self.maps:
            words += f" Orange patches D takes for refined, blue ones for {self._real_name}."
        return f"{words} In the difference, red became brighter."


class HyperparameterPanel(Shown):
    """The settings of a training as controls, checked, with lambda in the paper's form too."""

    def __init__(self, config: Config | None = None, fields: Iterable[str] = FIELDS):
        known = {field.name: field for field in dataclasses.fields(Config)}
        self._base, self._fields = config or Config(), [known[name] for name in fields]
        self.controls = {field.name: _control(field, self._base) for field in self._fields}
        buttons = [labelled(Button, name, "fills in this preset") for name in PRESETS]
        for button in buttons:
            button.on_click(lambda pressed: setattr(self, "config", PRESETS[pressed.description]))
        figure = Figure(figsize=(9.6, 0.2 + 0.157 * len(self._fields)))
        self._text = figure.text(0.01, 0.97, "", va="top", family="monospace", fontsize=9)
        controls = self.controls.values()
        super().__init__(figure, controls, [HBox(buttons), *controls])
        # The picture is for a saved notebook alone: on the page the controls show the same.
        self.children = [child for child in self.children if child is not self.picture]

    @property
    def config(self) -> Config:
        """The settings. Setting it fills in the controls. Raises a ConfigError if not allowed."""
        return self._base.replace(**{name: each.value for name, each in self.controls.items()})

    @config.setter
    def config(self, config: Config):
        self._base = config
        for name, control in self.controls.items():
            control.value = getattr(config, name)
        self.redraw()

    def _update(self):
        try:
            config = self.config
        except ConfigError as error:
            return f"Not allowed: {error}"
        meanings = {f.name: textwrap.shorten(f.metadata["meaning"], 76) for f in self._fields}
        lines = [f"{n:<32}{getattr(config, n)!s:<10}{text}" for n, text in meanings.items()]
        self._text.set_text("\n".join(lines))
        paper = config.lambda_mean / lambda_mean_from_sum(1.0)
        return f"Lambda in the paper's form: {paper:.3g}."


def _control(field, config):
    kinds = {int: ipywidgets.IntText, float: ipywidgets.FloatText}
    options = {"value": getattr(config, field.name)}
    if field.metadata["choices"]:
        options["options"] = field.metadata["choices"]
    about = f"{field.metadata['meaning']} ({field.metadata['origin']})"
    return labelled(kinds.get(field.type, Dropdown), field.name, about, **options)
