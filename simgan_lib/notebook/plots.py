"""Figures of a run, as matplotlib Figures that notebooks show and the CLI saves."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase
from matplotlib.image import AxesImage

from simgan_lib.data.files import atomic
from simgan_lib.evaluation import with_spread
from simgan_lib.evaluation.report import comparable, compare
from simgan_lib.runs import COLUMNS

# From Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PINK, GRAY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
# One colour for one kind of image, in every figure.
COLORS = {"synthetic": BLUE, "handmade": PINK, "refined": ORANGE, "mean": GRAY}
COLORS |= {"labelled": GREEN, "real": GREEN, "simulated webcam": GREEN}
# Of D's answers: blue for real, orange for refined, white where it cannot tell.
BLUE_TO_ORANGE = LinearSegmentedColormap.from_list("D", [BLUE, "white", ORANGE])


def contact_sheet(rows: dict[str, np.ndarray], columns: int = 10, zoom: float = 1.0) -> Figure:
    """Draws rows of images, each with a title, such as before and after refining.

    Args:
        rows: uint8 images `(n, H, W)` or `(n, H, W, 3)` by title.
        columns: Images side by side. More images continue in blocks of rows below.
        zoom: Width of an image, in inches.

    Example:
        >>> eyes = np.zeros((20, 35, 55), "uint8")
        >>> len(contact_sheet({"synthetic": eyes, "refined": eyes}).axes)
        4
    """
    count = min(len(images) for images in rows.values())
    columns = min(columns, count)
    height, width = next(iter(rows.values())).shape[1:3]
    blocks = -(-count // columns)
    strip = zoom * height / width
    figure = Figure(figsize=(columns * zoom + 1.3, blocks * (len(rows) * strip + 0.12)))
    axes = figure.subplots(blocks * len(rows), 1, squeeze=False)[:, 0]
    for axis, (start, title) in zip(axes, product(range(0, count, columns), rows), strict=True):
        image = picture_in(axis, interpolation="nearest")
        show_pixels(image, np.hstack(rows[title][start : start + columns]))
        # A last block with fewer images keeps the size and the place of the others.
        axis.set(xlim=(-0.5, columns * width - 0.5), ylim=(height - 0.5, -0.5))
        axis.set_ylabel(title, rotation=0, ha="right", va="center")
        axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=1.2 / figure.get_figwidth(), right=0.995, top=0.995, bottom=0.005)
    figure.subplots_adjust(hspace=0.04)
    return figure


def picture_in(axis: Axes, title: str = "", **options) -> AxesImage:
    """Makes an empty picture, gray from 0 to 255, for `show_pixels`. Options are `imshow`'s."""
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize="small")
    return axis.imshow([[0]], **{"cmap": "gray", "vmin": 0, "vmax": 255, **options})


def show_pixels(image: AxesImage, pixels: np.ndarray, shape: tuple[int, int] | None = None) -> None:
    """Puts pixels `(H, W)` or `(H, W, 3)` into a picture, stretched to a shape `(H, W)`."""
    height, width = shape or pixels.shape[:2]
    image.set(data=pixels, extent=(-0.5, width - 0.5, height - 0.5, -0.5))


def sheet(count: int, *rows: np.ndarray) -> np.ndarray:
    """Joins the first `count` images of several stacks to one image, a row for each stack.

    Example:
        >>> sheet(5, np.zeros((8, 35, 55)), np.ones((8, 35, 55))).shape
        (70, 275)
    """
    return np.vstack([np.hstack(images[:count]) for images in rows])


def before_after(
    snapshots: dict[str, np.ndarray], real_name: str = "real", count: int = 20
) -> Figure:
    """Draws the synthetic images of `Run.snapshots`, the same ones refined, and real ones below."""
    rows = {
        "synthetic": snapshots["synthetic"][:count],
        "refined": snapshots["refined"][-1][:count],
        real_name.replace(" ", "\n"): snapshots["real"][:count],
    }
    return contact_sheet(rows)


def timeline(snapshots: dict[str, np.ndarray], steps: int = 6, count: int = 10) -> Figure:
    """Draws how images change in training, a row for each of `steps` rounds of `Run.snapshots`."""
    last = len(snapshots["iteration"]) - 1
    chosen = np.unique(np.linspace(0, last, min(steps, last + 1)).round().astype(int))
    rows = {"synthetic": snapshots["synthetic"][:count]}
    for number in chosen:
        rows[f"round {snapshots['iteration'][number]:,}"] = snapshots["refined"][number][:count]
    return contact_sheet(rows, columns=count)


def answer_maps(images: np.ndarray, probabilities: np.ndarray, titles: list[str]) -> Figure:
    """Draws images, four side by side, and below each D's answers for its patches.

    Args:
        images: uint8 `(n, H, W)`; n is a multiple of 4.
        probabilities: That a patch is refined, `(n, h, w)`, from a D with the library's strides.
        titles: One for each image.

    Example:
        >>> eyes, answers = np.zeros((4, 35, 55), "uint8"), np.full((4, 9, 14), 0.5)
        >>> figure = answer_maps(eyes, answers, ["synthetic"] * 4)
    """
    figure = Figure(figsize=(10.4, 0.85 * len(images)), layout="constrained")
    axes = figure.subplots(len(images) // 2, 4)
    (height, width), (rows, columns) = images.shape[1:], probabilities.shape[1:]
    # The middle of patch (i, j) lies on pixel (4 i + 2, 4 j + 2): two strides of two.
    look = {"cmap": BLUE_TO_ORANGE, "vmax": 1, "extent": (0, 4 * columns, 4 * rows, 0)}
    pairs = zip(axes[::2].flat, axes[1::2].flat, strict=True)
    for (above, below), pixels, answers, title in zip(
        pairs, images, probabilities, titles, strict=True
    ):
        show_pixels(picture_in(above, title), pixels)
        shown = picture_in(below, **look)
        shown.set_data(answers)
        below.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        below.set_xlabel(f"mean {answers.mean():.2f}", fontsize="small")
    figure.colorbar(shown, ax=axes, aspect=5 * len(images), label="D: p(refined)")
    return figure


# By panel and column of the metrics: label, colour, and the value for a D that guesses.
PANELS = {
    "losses (dotted: a guess)": {
        "discriminator_loss": ("$L_D$", BLUE, 2 * np.log(2)),
        "adversarial_loss": ("adversarial term", ORANGE, np.log(2)),
        "kept": (r"$L_R$: $\lambda$ · change", GREEN, None),
    },
    "change of a pixel (of 2)": {"mean_change": ("mean |R(x) - x|", GREEN, None)},
    "D's accuracy (dotted: a guess)": {
        "accuracy_real": ("on {}", BLUE, 0.5),
        "accuracy_refined": ("on refined", ORANGE, None),
    },
}


def draw_curves(
    figure: FigureBase, metrics: pd.DataFrame, real_name: str = "real", end: int | None = None
) -> None:
    """Draws the curves of `Run.metrics`, in place of what the figure held.

    The panels are the losses, how much R changes, and D's accuracy. Columns that the library does
    not know, such as those of a subclass, have a fourth panel.

    Args:
        figure: A figure, or a part of one from `Figure.subfigures`.
        metrics: Columns may be missing or not filled.
        real_name: What the real images are, as from `Run.real_name`.
        end: The last round on the axes. Defaults to the last one in the metrics.
    """
    rounds = metrics[metrics["phase"] == "adversarial"]
    own = rounds.drop(columns=list(COLUMNS), errors="ignore").select_dtypes("number")
    panels = PANELS | ({"also logged": {n: (n, None, None) for n in own}} if len(own.T) else {})
    # A user's method need not log all that is drawn here.
    rounds = rounds.reindex(columns=rounds.columns.union(COLUMNS))
    rounds = rounds.assign(kept=rounds["refiner_loss"] - rounds["adversarial_loss"])
    x = rounds["iteration"].to_numpy(float)
    figure.clear()
    for axis, (title, lines) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for name, (label, color, guess) in lines.items():
            y = rounds[name].to_numpy(float)
            axis.plot(x, y, color=color, label=label.format(real_name), gid=name)
            if guess:
                axis.axhline(guess, color=color, linestyle=":")
        axis.set_xlim(0, end or x.max(initial=1))
        if title in PANELS:
            axis.set_ylim(0, 1.02 if "accuracy" in title else None)
        axis.set_xlabel("round", fontsize="small")
        axis.tick_params(labelsize="small")
        axis.grid(alpha=0.3)
        # Above the panel, where it hides no curve.
        place = {"loc": "lower left", "bbox_to_anchor": (-0.05, 1), "alignment": "left"}
        sizes = {"fontsize": "x-small", "title_fontsize": "small", "labelspacing": 0.2}
        axis.legend(title=title, **place, **sizes, frameon=False)
    figure.subplots_adjust(left=0.05, right=0.98, bottom=0.2, top=0.72)


def loss_curves(metrics: pd.DataFrame, real_name: str = "real") -> Figure:
    """Draws the losses, R's change and D's accuracy of `Run.metrics`; see `draw_curves`.

    Reference:
        Bojja 2018, figures 1 and 2.
    """
    figure = Figure(figsize=(11, 3.2))
    draw_curves(figure, metrics, real_name)
    return figure


def evaluation_figure(evaluation: dict) -> Figure:
    """Draws what an evaluation found: realism and, if it was measured, the gaze error."""
    measured = "gaze_error_deg" in evaluation
    figure = Figure(figsize=(13 if measured else 5, 3.4), layout="constrained")
    *axes, last = np.atleast_1d(figure.subplots(1, 3 if measured else 1))
    if measured:
        found = pd.DataFrame(evaluation["gaze_error_deg"]).T
        texts = [with_spread(row) for row in evaluation["gaze_error_deg"].values()]
        _bars(axes[0], found["mean"], found["std"], texts)
        axes[0].set(title="gaze error of a network trained on ...", xlabel="degrees, mean ± std")
        curve = pd.DataFrame(evaluation["curve"]).set_index("degrees")
        for name in curve:
            style = "--" if "x" in name[-2:] else "-"
            axes[1].plot(curve[name], style, color=_color(name), label=name)
        axes[1].axvline(7, color=GRAY, linestyle=":")
        axes[1].set(title="how many are within an angle", xlabel="degrees", ylabel="% of images")
        axes[1].set(xlim=(0, 30), ylim=(0, 100))
        axes[1].legend(fontsize="x-small", loc="lower right")
        axes[1].grid(alpha=0.3)
    real_name = evaluation["real_name"]
    found = 100 * pd.DataFrame(evaluation["two_sample_accuracy"]).T[["mean", "low", "high"]]
    spread = [found["mean"] - found["low"], found["high"] - found["mean"]]
    texts = [f"{mean:.1f}%" for mean in found["mean"]]
    _bars(last, found["mean"].rename({"real": real_name}), spread, texts, start=50)
    last.set(title=f"told from {real_name}", xlabel="% a fresh classifier gets right (50: a guess)")
    last.set_xlim(45, 102)
    return figure


def _color(name):
    return COLORS.get(name.split("_")[0], GRAY)


def _bars(axis, means, spread, texts, start=0):
    """Draws bars from `start` to the means, with their spread, and names and texts beside them."""
    names = [f"{name}  {text}" for name, text in zip(means.index, texts, strict=True)]
    colors = [_color(name) for name in means.index]
    axis.barh(names, means - start, left=start, xerr=spread, color=colors)
    axis.invert_yaxis()


def ablation_figure(table: pd.DataFrame, order: list[str] | None = None) -> Figure:
    """Draws a grid's cells from top to bottom, with a dot for each seed and a bar for their mean.

    A star marks what differs from the baseline; see `simgan_lib.evaluation.report.compare`.

    Args:
        table: As from `simgan_lib.evaluation.report.collect`.
        order: Cells to draw, in this order. Defaults to all.
    """
    present = list(dict.fromkeys(table["cell"]))
    cells = [cell for cell in order or present if cell in present]
    table = table[table["cell"].isin(cells)]
    tested = comparable(table)
    panels = {
        "gaze_error_deg": "gaze error of a network\ntrained on refined images, degrees",
        "pupil_shift_px": "pupil shift as an instrument\nreads it, median, pixels",
        "two_sample_accuracy": "% a fresh classifier tells\nfrom the target (50: a guess)",
    }
    figure = Figure(figsize=(12, 1.2 + 0.3 * len(cells)), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    for axis, (column, title) in zip(axes, panels.items(), strict=True):
        stars = compare(table, column)["differs"] if tested else {}
        for row, cell in enumerate(cells):
            values = table.loc[table["cell"] == cell, column]
            axis.plot(values.mean(), row, "|", color=ORANGE, markersize=16, markeredgewidth=3)
            axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.7, markersize=5)
            if stars.get(cell):
                axis.text(1.01, row, "*", va="center", transform=axis.get_yaxis_transform())
        axis.set_title(title, fontsize="medium")
        axis.grid(alpha=0.3)
    for column in ("synthetic", "labelled"):
        degrees, label = table[f"{column}_deg"].mean(), f"trained on {column}"
        axes[0].axvline(degrees, color=_color(column), linestyle=":", label=label)
    axes[0].set_yticks(range(len(cells)), cells)
    # The dots are often near 100, and would overlap on a scale from 50.
    first = 5 * np.ceil(table["two_sample_accuracy"].min() / 5) - 5
    axes[2].set_xlim(left=first)
    axes[2].set_xlabel(f"this axis begins at {first:.0f}", fontsize="small")
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower left", fontsize="small", ncols=2)
    if tested:
        note = "* differs from the baseline (Welch's test, Holm's correction, p < 0.05)"
        figure.supxlabel(note, fontsize="small", x=0.99, ha="right")
    axes[0].invert_yaxis()
    return figure


def save(figure: Figure, path: str | Path) -> Path:
    """Saves a figure on white, atomically, in the format that the path's ending names."""
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=110, facecolor="white")
    return Path(path)
