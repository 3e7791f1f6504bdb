"""Widgets for notebooks: thin shells over plain functions, for ipywidgets 7 and 8 alike."""

from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
from ipywidgets import Button, Dropdown, HBox, IntSlider, SelectionSlider
from matplotlib.figure import Figure

from simgan_lib.data import simulator
from simgan_lib.evaluation.realism import visual_turing_test
from simgan_lib.evaluation.summary import collect
from simgan_lib.notebook.dashboard import TrainingDashboard
from simgan_lib.notebook.panel import HyperparameterPanel
from simgan_lib.notebook.plots import BLUE, ORANGE
from simgan_lib.notebook.replay import BeforeAfter, RunReplay
from simgan_lib.notebook.shown import (
    DPI,
    Shown,
    image_row,
    labelled,
    picture_in,
    sheet,
    show_pixels,
)
from simgan_lib.runs import Run

__all__ = [
    "BeforeAfter",
    "EyeExplorer",
    "HyperparameterPanel",
    "LambdaExplorer",
    "RunReplay",
    "TrainingDashboard",
    "TuringTest",
]

# Control: minimum, maximum, step, start, and what it means.
EYE = {
    "pitch": (-24, 20, 1, 0, "gaze in degrees, up is positive"),
    "yaw": (-28, 28, 1, 10, "gaze in degrees, to the image's left is positive"),
    "pupil": (0.3, 0.7, 0.02, 0.5, "radius, as a share of the iris's"),
    "lids": (-1.0, 3.0, 0.1, 0.3, "mm by which the upper lid drops"),
    "light": (-1.0, 1.0, 0.05, 0.0, "from the left (-1) to the right (1)"),
    "person": (0, simulator.PEOPLE - 1, 1, 7, "whose eye it is"),
}


def explored_eye(style: str, **chosen: float) -> tuple[np.ndarray, pd.Series]:
    """Draws one eye.

    Args:
        style: `"simulator"` or `"webcam"`.
        **chosen: Values by the names in `EYE`; what is left out is as it starts there.

    Returns:
        The image, uint8 of shape `(35, 55)`, and its label, a row as from `simulator.labels`.

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
    """Sliders for what an eye is, and the eye in both styles with its label drawn on it.

    Attributes:
        controls: By the names in `EYE`, and `"style"`.
    """

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


def lambda_table(folder: str | Path) -> pd.DataFrame:
    """Reads a lambda sweep: the cells `baseline` and `lambda_*` of an ablation's folder.

    Args:
        folder: The ablation's folder, or one above it.

    Returns:
        A row per lambda: `lambda_mean`, the means over seeds of `pupil_shift_px`, `kid` and
        `two_sample_accuracy` (%), the number of `seeds`, and the first `run`.
    """
    table = collect(folder)
    table = table[table["cell"].str.fullmatch(r"(.*/)?(baseline|lambda_[\d.]+)")]
    runs = [Run(Path(folder, name)) for name in table["run"]]
    table = table.assign(run=runs, lambda_mean=[run.config.lambda_mean for run in runs])
    names = ("pupil_shift_px", "kid", "two_sample_accuracy")
    means = {name: (name, "mean") for name in names}
    groups = table.groupby("lambda_mean", as_index=False)
    return groups.agg(**means, seeds=("seed", "size"), run=("run", "first"))


class LambdaExplorer(Shown):
    """What lambda trades: realism against labels, with the pictures of recorded runs.

    Args:
        folder: An ablation's folder, as for `lambda_table`.
        eyes: Images to show of each run: the first ones.

    Attributes:
        slider: The lambda.
    """

    def __init__(self, folder: str | Path, eyes: int = 5):
        self._table, self._eyes = lambda_table(folder), eyes
        figure = Figure(figsize=(9.6, 3), dpi=DPI)
        axis = figure.add_axes((0.08, 0.17, 0.38, 0.78))
        x, y = self._table["pupil_shift_px"], self._table["kid"]
        axis.plot(x, y, "o-", color=BLUE)
        axis.set(xlabel="pupil moved, px (labels lost)", ylabel="KID (low: realistic)")
        # A KID can be 0 or below. The margins are for the names of the points.
        axis.set_yscale("symlog", linthresh=1e-3)
        axis.margins(0.15, 0.2)
        names = [f"{value:g}" for value in self._table["lambda_mean"]]
        for number, (name, *place) in enumerate(zip(names, x, y, strict=True)):
            # Every second name on the other side of the curve, as neighbours may be close.
            side = {"xytext": (-6, -13), "ha": "right"} if number % 2 else {"xytext": (6, 5)}
            axis.annotate(name, place, textcoords="offset points", fontsize="small", **side)
        self._mark = axis.plot([], [], "o", color=ORANGE, markersize=14, fillstyle="none")[0]
        self._image = picture_in(figure.add_axes((0.48, 0.02, 0.51, 0.85)), "synthetic, refined")
        self._shots = [run.snapshots for run in self._table["run"]]
        rows = [(name, row) for row, name in enumerate(names)]
        self.slider = labelled(SelectionSlider, "lambda", "in mean form", options=rows)
        super().__init__(figure, [self.slider])

    def _update(self):
        row, shots = self._table.iloc[self.slider.value], self._shots[self.slider.value]
        show_pixels(self._image, sheet(self._eyes, shots["synthetic"], shots["refined"][-1]))
        shift, kid, seeds = row["pupil_shift_px"], row["kid"], row["seeds"]
        self._mark.set_data([shift], [kid])
        over = f" (mean over {seeds} seeds)" if seeds > 1 else ""
        return (
            f"Lambda {row['lambda_mean']:g}: the pupil moves by {shift:.2f} px, the KID is "
            f"{kid:.3f}, and a classifier tells {row['two_sample_accuracy']:.1f}% apart{over}."
        )


class TuringTest(Shown):
    """Which one is refined? Pairs to tell apart, scored as in the paper.

    Args:
        refined: Refined images, uint8 `(n, height, width)`.
        real: Real ones, alike.
        pairs: How many pairs to show.
        seed: Draws the pairs and their sides.
        real_name: What to call the real ones, as from `Run.real_name`.

    Attributes:
        answers: The sides taken for real so far.
        result: The score, when all pairs are answered.
    """

    def __init__(
        self,
        refined: np.ndarray,
        real: np.ndarray,
        pairs: int = 10,
        seed: int = 0,
        real_name: str = "real",
    ):
        self.test, self.answers = visual_turing_test(refined, real, pairs, seed), []
        self.real_name, self.result = real_name, None
        figure, self._images = image_row((8, 2.9), "left", "right")
        about = f"this one is {real_name}"
        self.buttons = [labelled(Button, side, about) for side in ("Left", "Right")]
        for button in self.buttons:
            button.on_click(lambda pressed: self.answer(self.buttons.index(pressed)))
        super().__init__(figure, rows=[HBox(self.buttons)])

    def answer(self, side: int) -> None:
        """Takes an image of the pair for real.

        Args:
            side: The left (0) or the right (1) one.
        """
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
