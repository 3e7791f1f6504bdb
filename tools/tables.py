"""Writes the tables of the reference runs into README.md and runs/README.md, from their records.

A table stands between two markers, `<!-- table:NAME -->` and `<!-- /table -->`, a number between
`<!-- quote:RUNS KEY DECIMALS -->` and `<!-- /quote -->` (see `simgan_lib.notebook.quote`).
"""

import re
from pathlib import Path

import pandas as pd

from simgan_lib.data.files import atomic
from simgan_lib.evaluation import summary
from simgan_lib.evaluation.grid import GRIDS
from simgan_lib.notebook import plots, quote
from simgan_lib.runs import Run

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "runs" / "README.md")
MARKED = re.compile(r"(<!-- table:(.*?) -->\n).*?(<!-- /table -->)", re.DOTALL)
QUOTED = re.compile(r"(<!-- quote:(\S+) (\S+) (\d) -->).*?(<!-- /quote -->)")
LONG = {
    "best": "longer, on the report's number of images, with the refiner's weights",
    "equalised": "`best` gone on with; R's last layer equalises, as the webcam does",
    "closest": "`equalised` gone on with; R takes three small steps a round, not a large one",
    "report-schedule": "the report's settings, on version 1 of the simulator",
}
WIDER = {
    "wider_gaze": "the synthetic eyes look further up than the target's (version 1)",
    "wider_gaze_lambda_0": "the same eyes, and nothing guards the labels",
}


def tables(runs: Path) -> dict[str, str]:
    """Makes every table from the records.

    Args:
        runs: The folder of the reference runs.

    Returns:
        Markdown by name.
    """
    quick = [Run(path.parent) for path in sorted(runs.glob("quick/baseline/*/config.json"))]
    base = Run(runs / "ablation/baseline/seed0").config
    grids = {
        name: (summary.collect(runs / name, base), {cell: c.shows for cell, c in grid.items()})
        for name, grid in GRIDS.items()
    }
    everything = summary.collect(runs)
    long = everything[everything["cell"].isin(LONG)]
    return {
        "quick": summary.gaze_markdown(quick),
        "quick-runs": summary.markdown(summary.collect(runs / "quick")),
        "earlier-quick": summary.markdown(summary.collect(runs / "earlier_quick")),
        "wider-gaze": summary.markdown(everything[everything["cell"].isin(WIDER)], WIDER),
        "long": summary.markdown(long, LONG),
        "tuning": tuning(pd.read_csv(runs / "tuning.csv")),
        **{name: summary.markdown(table, shows) for name, (table, shows) in grids.items()},
    }


def tuning(trials: pd.DataFrame) -> str:
    """Writes the trials that led to the quick preset, in the order of their gaze error."""
    heads = ["data", "seed", "changes", "images", "rounds", "gaze error, degrees"]
    rows = [[*heads, "of synthetic", "pupil shift, px", "turn, degrees", "told apart, %"]]
    rows += [["---"] * len(rows[0])]
    by = ["data_version", "data_seed", "gaze_error_deg"]
    for trial in trials.sort_values(by, ascending=[True, False, True]).itertuples():
        data = f"version {trial.data_version}, seed {trial.data_seed}"
        size = [f"{trial.images:,}", f"{trial.rounds:,}"]
        error = trial.gaze_error_deg
        found = [f"{error:.2f}", f"{error / trial.synthetic_deg:.2f}"]
        told = "" if pd.isna(trial.told_apart) else f"{trial.told_apart:.1f}"
        found += [f"{trial.pupil_shift_px:.2f}", f"{trial.gaze_shift_deg:.1f}", told]
        rows.append([data, str(trial.training_seed), f"`{trial.changes}`", *size, *found])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def fill(text: str, found: dict[str, str]) -> str:
    """Returns a page with its tables and numbers replaced by what the records say."""
    text = QUOTED.sub(lambda m: f"{m[1]}{quote(m[2], m[3], int(m[4]))}{m[5]}", text)
    return MARKED.sub(lambda m: f"{m[1]}{found[m[2]]}\n{m[3]}", text)


if __name__ == "__main__":
    found = tables(ROOT / "runs")
    for page in PAGES:
        text = fill(page.read_text(), found)
        with atomic(page) as temporary:
            temporary.write_text(text)
    quick = Run(ROOT / "runs/quick/baseline/seed0")
    figures = {"before_after": plots.before_after(quick.snapshots, quick.real_name)}
    for name, grid in GRIDS.items():
        table = summary.collect(ROOT / "runs" / name)
        figures[name] = plots.ablation_figure(table, list(grid))
    for name, figure in figures.items():
        print(plots.save(figure, ROOT / "docs" / f"{name}.png"))
