"""Figures of a run, as matplotlib Figures that a notebook shows and the CLI saves."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from simgan_lib.data.files import atomic
from simgan_lib.evaluation import with_spread

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PINK, GRAY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
# One colour for one kind of image, in every figure.
COLORS = {
    "synthetic": BLUE,
    "handmade": PINK,
    "refined": ORANGE,
    "labelled": GREEN,
    "real": GREEN,
    "mean": GRAY,
}


def contact_sheet(rows: dict[str, np.ndarray], columns: int = 10, zoom: float = 1.0) -> Figure:
    """Draws images in rows with a title each, such as before and after.

    Args:
        rows: uint8 images `(n, height, width)` by title. Row titles repeat in every block of
            `columns` images.
        columns: Images side by side.
        zoom: Size of an image, in inches of width.

    Returns:
        The figure.

    Example:
        >>> eyes = np.zeros((20, 35, 55), "uint8")
        >>> len(contact_sheet({"synthetic": eyes, "refined": eyes}).axes)
        4
    """
    count = min(len(images) for images in rows.values())
    columns = min(columns, count)
    height, width = next(iter(rows.values())).shape[1:]
    blocks = -(-count // columns)
    strip = zoom * height / width
    figure = Figure(figsize=(columns * zoom + 1.3, blocks * (len(rows) * strip + 0.12)))
    axes = figure.subplots(blocks * len(rows), 1, squeeze=False)[:, 0]
    for block in range(blocks):
        for number, (title, images) in enumerate(rows.items()):
            shown = images[block * columns : (block + 1) * columns]
            axis = axes[block * len(rows) + number]
            pixels = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": "nearest"}
            axis.imshow(np.hstack(list(shown)), **pixels)
            # A last block with fewer images keeps the size and the place of the others.
            axis.set_xlim(-0.5, columns * width - 0.5)
            axis.set_ylabel(title, rotation=0, ha="right", va="center")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=1.2 / figure.get_figwidth(), right=0.995, top=0.995, bottom=0.005)
    figure.subplots_adjust(hspace=0.04)
    return figure


def before_after(snapshots: dict[str, np.ndarray], real_name: str = "real", count: int = 20):
    """Draws synthetic images, the same ones refined, and real ones below.

    Args:
        snapshots: As from `Run.snapshots`.
        real_name: What the real images are; say "simulated webcam" where they are drawn.
        count: Images of each kind.

    Returns:
        The figure.
    """
    rows = {
        "synthetic": snapshots["synthetic"][:count],
        "refined": snapshots["refined"][-1][:count],
        real_name.replace(" ", "\n"): snapshots["real"][:count],
    }
    return contact_sheet(rows)


def timeline(snapshots: dict[str, np.ndarray], steps: int = 6, count: int = 10) -> Figure:
    """Draws how the same images change as training goes on, one row per iteration.

    Args:
        snapshots: As from `Run.snapshots`.
        steps: Rows of refined images, evenly spread over the snapshots.
        count: Images in a row.

    Returns:
        The figure.
    """
    last = len(snapshots["iteration"]) - 1
    chosen = np.unique(np.linspace(0, last, min(steps, last + 1)).round().astype(int))
    rows = {"synthetic": snapshots["synthetic"][:count]}
    for number in chosen:
        rows[f"round {snapshots['iteration'][number]:,}"] = snapshots["refined"][number][:count]
    return contact_sheet(rows, columns=count)


def loss_curves(metrics: pd.DataFrame, real_name: str = "real") -> Figure:
    """Draws the losses and D's accuracy over the rounds, with what guessing would give.

    Args:
        metrics: As from `Run.metrics`.
        real_name: What the real images are, as for `before_after`.

    Returns:
        The figure.

    Reference:
        Bojja 2018, figures 1 and 2.
    """
    rounds = metrics[metrics["phase"] == "adversarial"].set_index("iteration")
    figure = Figure(figsize=(11, 3), layout="constrained")
    losses, change, accuracy = figure.subplots(1, 3)

    losses.plot(rounds["discriminator_loss"], color=BLUE, label="discriminator, $L_D$")
    losses.plot(rounds["adversarial_loss"], color=ORANGE, label="refiner, adversarial")
    losses.axhline(2 * np.log(2), color=BLUE, linestyle=":", label="$L_D$ of a guess, 2 ln 2")
    losses.axhline(np.log(2), color=ORANGE, linestyle=":", label="half of that, ln 2")
    losses.set(title="losses", ylim=(0, None))

    change.plot(rounds["mean_change"], color=GREEN, label="mean |R(x) - x|")
    change.set(title="how much R changes a pixel (of 2)", ylim=(0, None))

    accuracy.plot(rounds["accuracy_real"], color=BLUE, label=f"on {real_name}")
    accuracy.plot(rounds["accuracy_refined"], color=ORANGE, label="on refined")
    accuracy.axhline(0.5, color=GRAY, linestyle=":", label="a guess")
    accuracy.set(title="D's accuracy, per patch", ylim=(0, 1))
    for axis in (losses, change, accuracy):
        axis.set_xlabel("round")
        axis.legend(fontsize="small")
        axis.grid(alpha=0.3)
    return figure


def evaluation_figure(evaluation: dict) -> Figure:
    """Draws what an evaluation found: gaze errors, their cumulative curves, and realism.

    Args:
        evaluation: As from `simgan_lib.evaluation.evaluate`.

    Returns:
        The figure. Without gaze errors (no labelled test images) it has the realism alone.
    """
    measured = "gaze_error_deg" in evaluation
    figure = Figure(figsize=(13 if measured else 5, 3.4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, 3 if measured else 1))
    if measured:
        _error_bars(axes[0], evaluation["gaze_error_deg"])
        _error_curves(axes[1], evaluation["curve"])
    _realism_bars(axes[-1], evaluation["two_sample_accuracy"], evaluation["real_name"])
    return figure


def _error_bars(axis, errors):
    names = list(errors)
    means = [errors[name]["mean"] for name in names]
    spreads = [errors[name]["std"] for name in names]
    colors = [COLORS.get(name.split("_")[0], GRAY) for name in names]
    axis.barh(names, means, xerr=spreads, color=colors)
    for row, name in enumerate(names):
        axis.text(0.2, row, with_spread(errors[name]), va="center", color="white", weight="bold")
    axis.invert_yaxis()
    axis.set(
        title="gaze error of a network trained on ...", xlabel="degrees, mean ± std over seeds"
    )


def _error_curves(axis, curve):
    for name, percent in curve.items():
        if name != "degrees":
            color, style = COLORS.get(name.split("_")[0], GRAY), "--" if "x" in name[-2:] else "-"
            axis.plot(curve["degrees"], percent, style, color=color, label=name)
    axis.axvline(7, color=GRAY, linestyle=":")
    axis.set(title="how many are within an angle", xlabel="degrees", ylabel="% of images")
    axis.set(xlim=(0, 30), ylim=(0, 100))
    axis.legend(fontsize="small")
    axis.grid(alpha=0.3)


def _realism_bars(axis, accuracy, real_name):
    for row, (name, found) in enumerate(accuracy.items()):
        mean = 100 * found["mean"]
        spread = [[mean - 100 * found["low"]], [100 * found["high"] - mean]]
        axis.barh(row, mean - 50, left=50, xerr=spread, color=COLORS.get(name, GRAY))
        # White on the bar; black beside a bar too short to hold it.
        inside = mean > 65
        place, color = (51, "white") if inside else (mean + spread[1][0] + 1, "black")
        axis.text(place, row, f"{mean:.1f}%", va="center", color=color, weight="bold")
    names = [real_name.replace(" ", "\n") if name == "real" else name for name in accuracy]
    axis.set_yticks(range(len(accuracy)), names)
    axis.axvline(50, color=GRAY, linestyle=":")
    axis.set_xlim(45, 102)
    axis.invert_yaxis()
    axis.set(title=f"told from {real_name}", xlabel="% a fresh classifier gets right (50: a guess)")


def ablation_figure(table: pd.DataFrame, order: list[str] | None = None) -> Figure:
    """Draws what every cell of a grid came to: a dot per seed, a bar for their mean.

    Args:
        table: As from `simgan_lib.summary.collect`.
        order: Cells from top to bottom; the table's order if `None`.

    Returns:
        The figure: gaze error, pupil shift, and how often a classifier tells refined from real.
    """
    present = list(dict.fromkeys(table["cell"]))
    cells = [cell for cell in order or present if cell in present]
    panels = {
        "gaze_error_deg": "gaze error of a network\ntrained on refined images, degrees",
        "pupil_shift_px": "how far refining moves\nthe pupil, median, pixels",
        "two_sample_accuracy": "% a fresh classifier tells\nfrom the target (50: a guess)",
    }
    figure = Figure(figsize=(12, 1.2 + 0.3 * len(cells)), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    for axis, (column, title) in zip(axes, panels.items(), strict=True):
        for row, cell in enumerate(cells):
            values = table.loc[table["cell"] == cell, column]
            axis.plot(values.mean(), row, "|", color=ORANGE, markersize=16, markeredgewidth=3)
            axis.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.7, markersize=5)
        axis.set_title(title, fontsize="medium")
        axis.grid(alpha=0.3)
    for column, color in (("synthetic", BLUE), ("labelled", GREEN)):
        degrees = table[f"{column}_deg"].mean()
        axes[0].axvline(degrees, color=color, linestyle=":", label=f"trained on {column}")
    axes[0].set_yticks(range(len(cells)), cells)
    # The scale from a guess to certainty: cut close, a tenth of a percent would look like a lot.
    axes[2].set_xlim(48, 102)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower left", fontsize="small", ncols=2
    )
    axes[0].invert_yaxis()
    return figure


def save(figure: Figure, path: str | Path) -> Path:
    """Saves a figure as a PNG on white, atomically.

    Args:
        figure: Any figure.
        path: Where to; the ending must be one that matplotlib writes.

    Returns:
        The path.
    """
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=110, facecolor="white")
    return Path(path)
