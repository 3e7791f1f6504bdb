"""Many runs in one table: what changed, and what came of it."""

from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.config import Config
from simgan_lib.evaluation import summarise, with_spread
from simgan_lib.runs import Run, RunError

# Column of the table, its heading, and its decimals.
MEASURES = {
    "gaze_error_deg": ("gaze error, degrees", 1),
    "gap_closed": ("of the gap, %", 0),
    "pupil_shift_px": ("pupil shift, px", 2),
    "two_sample_accuracy": ("told apart, %", 1),
    "kid": ("KID", 3),
}

GAZE_UNITS = {"gaze_error_deg": "°", "median_error_deg": "°", "within_7_deg": "%"}


def collect(folder: str | Path, base: Config | None = None) -> pd.DataFrame:
    """Reads every run below a folder into one table.

    Args:
        folder: A folder of run folders, at any depth.
        base: What the runs' settings are compared with; the defaults if `None`.

    Returns:
        A row per evaluated run: `run` (its path below the folder), `cell` (that path without the
        seed), `seed`, `settings` (what differs from `base`), `rounds`, `planned`,
        `minutes`, `device`, `precision`, `gaze_error_deg`, `synthetic_deg`, `labelled_deg`,
        `gap_closed` (%), `within_7_deg` (%), `pupil_shift_px` (median), `two_sample_accuracy` (%),
        `kid`, `mean_change`, and `discriminator_loss`.

    Raises:
        RunError: If there is no evaluated run.
    """
    folder = Path(folder)
    runs = [Run(path.parent) for path in sorted(folder.rglob("config.json"))]
    base = base or Config()
    rows = [_row(run, folder, base) for run in runs if run.evaluation]
    if not rows:
        raise RunError(
            f"No evaluated run below {folder}. Make some with 'simgan ablate --folder {folder}', "
            "or evaluate one with 'simgan evaluate --run RUN'."
        )
    return pd.DataFrame(rows)


def _row(run: Run, folder: Path, base: Config) -> dict:
    name = run.folder.relative_to(folder)
    found, environment, last = run.evaluation, run.environment, run.metrics.iloc[-1]
    gaze = found.get("gaze_error_deg")

    def degrees(kind):
        return gaze[kind]["mean"] if gaze else np.nan

    return {
        "run": name.as_posix(),
        "cell": (name.parent if name.name.startswith("seed") else name).as_posix(),
        "seed": run.config.seed,
        "settings": _settings(run.config, base),
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


def _settings(config: Config, base: Config) -> str:
    changed = {k: v for k, v in vars(config).items() if v != getattr(base, k) and k != "seed"}
    return ", ".join(f"{name}={value}" for name, value in changed.items())


def markdown(table: pd.DataFrame, shows: dict[str, str] | None = None) -> str:
    """Writes a table of runs in Markdown, one line per cell.

    Args:
        table: As from `collect`.
        shows: What each cell shows, by cell, in the order wanted; cells that it leaves out follow.

    Returns:
        Mean and standard deviation over the seeds of each cell.
    """
    shows = shows or {}
    cells = dict(tuple(table.groupby("cell", sort=False)))
    names = [name for name in shows if name in cells] + [n for n in cells if n not in shows]
    headings = ["run", "what it shows, and what it changes", "seeds", "rounds"]
    headings += ["minutes", "device", *(title for title, _ in MEASURES.values())]
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for name in names:
        rows = cells[name]
        first = rows.iloc[0]
        changes = f"`{first['settings']}`" if first["settings"] else ""
        rounds = f"{first['rounds']:,}"
        if first["rounds"] < first["planned"]:
            rounds += f" of {first['planned']:,}"
        minutes = with_spread(summarise([rows["minutes"].mean()]))
        device = f"{first['device']}, {first['precision']}"
        figures = [
            with_spread(summarise(rows[column]), decimals=decimals)
            for column, (_, decimals) in MEASURES.items()
        ]
        about = ": ".join(part for part in (shows.get(name, ""), changes) if part)
        line = [f"`{name}`", about, str(len(rows)), rounds, minutes, device, *figures]
        lines.append("| " + " | ".join(line) + " |")
    return "\n".join(lines)


def gaze_markdown(runs: list[Run]) -> str:
    """Writes the gaze errors of one setting, over several runs of it, as the paper's table 3.

    Args:
        runs: Evaluated runs of the same settings and data, with different seeds.

    Returns:
        A Markdown table: a line per training set, mean and standard deviation over the networks of
        all runs of the mean and the median error and of the share within 7 degrees.
    """
    names = {
        "mean_gaze": "none: always the mean gaze",
        "synthetic": "synthetic images",
        "handmade": "the same, blurred, noisy and equalised by hand",
        "refined": "the same, **refined**",
        "labelled": "labelled *simulated webcam* images: the ceiling",
    }
    lines = ["| learned from | mean error | median error | within 7 degrees |", "|---|---|---|---|"]
    found = [run.evaluation for run in runs]
    for name, title in names.items():
        cells = []
        for key, unit in GAZE_UNITS.items():
            # Networks that no refiner touches are trained once for all runs, and count once.
            groups = dict.fromkeys(tuple(record[key][name]["per_seed"]) for record in found)
            values = [value for group in groups for value in group]
            alike = len(set(values)) == 1
            cells.append(with_spread(summarise(values[:1] if alike else values), unit))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
