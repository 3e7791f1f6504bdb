"""Many runs in one table: what changed, and what came of it."""

from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.runs import Run, RunError
from simgan_lib.spread import summarise, with_spread

# Column of the table, its heading, and its decimals.
MEASURES = {
    "gaze_error_deg": ("gaze error, degrees", 1),
    "gap_closed": ("of the gap, %", 0),
    "pupil_shift_px": ("pupil shift, px", 2),
    "two_sample_accuracy": ("told apart, %", 1),
    "kid": ("KID", 3),
    "mean_change": ("mean abs(R(x) - x)", 2),
}


def collect(folder: str | Path) -> pd.DataFrame:
    """Reads every run below a folder into one table.

    Args:
        folder: A folder of run folders, at any depth.

    Returns:
        A row per evaluated run: `run` (its path below the folder), `cell` (that path without the
        seed), `seed`, `rounds`, `planned`, `minutes`, `device`, `precision`, `gaze_error_deg`,
        `synthetic_deg`, `labelled_deg`, `gap_closed` (%), `within_7_deg` (%), `pupil_shift_px`
        (median), `two_sample_accuracy` (%), `kid`, `mean_change`, and `discriminator_loss`.

    Raises:
        RunError: If there is no evaluated run.
    """
    folder = Path(folder)
    runs = [Run(path.parent) for path in sorted(folder.rglob("config.json"))]
    rows = [_row(run, folder) for run in runs if run.evaluation]
    if not rows:
        raise RunError(
            f"No evaluated run below {folder}. Make some with 'simgan ablate --folder {folder}', "
            "or evaluate one with 'simgan evaluate --run RUN'."
        )
    return pd.DataFrame(rows)


def _row(run: Run, folder: Path) -> dict:
    name = run.folder.relative_to(folder)
    found, environment, last = run.evaluation, run.environment, run.metrics.iloc[-1]
    gaze = found.get("gaze_error_deg")

    def degrees(kind):
        return gaze[kind]["mean"] if gaze else np.nan

    return {
        "run": name.as_posix(),
        "cell": (name.parent if name.name.startswith("seed") else name).as_posix(),
        "seed": run.config.seed,
        "rounds": int(last["iteration"]),
        "planned": run.config.iterations,
        "minutes": environment["training_seconds"] / 60,
        "device": environment["device"],
        "precision": environment["precision"],
        "gaze_error_deg": degrees("refined"),
        "synthetic_deg": degrees("synthetic"),
        "labelled_deg": degrees("labelled"),
        "gap_closed": 100 * found["gap_closed"]["mean"] if gaze else np.nan,
        "within_7_deg": found["within_7_deg"]["refined"]["mean"] if gaze else np.nan,
        "pupil_shift_px": found["pupil_shift_px"]["median"],
        "two_sample_accuracy": 100 * found["two_sample_accuracy"]["refined"]["mean"],
        "kid": found["kid"]["refined"]["mean"],
        "mean_change": last["mean_change"],
        "discriminator_loss": last["discriminator_loss"],
    }


def markdown(table: pd.DataFrame, shows: dict[str, str] | None = None) -> str:
    """Writes the table of a grid in Markdown, one line per cell.

    Args:
        table: As from `collect`.
        shows: What each cell shows, by cell, in the order wanted; cells that it leaves out follow.

    Returns:
        Mean and standard deviation over the seeds of each cell.
    """
    shows = shows or {}
    cells = dict(tuple(table.groupby("cell", sort=False)))
    names = [name for name in shows if name in cells] + [n for n in cells if n not in shows]
    headings = ["cell", "what it shows", "seeds", *(title for title, _ in MEASURES.values())]
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for name in names:
        rows = cells[name]
        figures = [
            with_spread(summarise(rows[column]), decimals=decimals)
            for column, (_, decimals) in MEASURES.items()
        ]
        line = [f"`{name}`", shows.get(name, ""), str(len(rows)), *figures]
        lines.append("| " + " | ".join(line) + " |")
    return "\n".join(lines)
