"""Writes the tables of the reference runs into README.md and runs/README.md, from their records.

A table stands between two markers, `<!-- table:NAME -->` and `<!-- /table -->`.
"""

import re
from pathlib import Path

from simgan_lib import plots, summary
from simgan_lib.ablation import GRIDS
from simgan_lib.files import atomic
from simgan_lib.runs import Run

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "runs" / "README.md")
MARKED = re.compile(r"(<!-- table:(.*?) -->\n).*?(<!-- /table -->)", re.DOTALL)
LONG = {
    "best": "our best settings, with the refiner's weights",
    "report-schedule": "the report's settings",
}


def tables(runs: Path) -> dict[str, str]:
    """Makes every table from the records.

    Args:
        runs: The folder of the reference runs.

    Returns:
        Markdown by name.
    """
    quick = [Run(path.parent) for path in sorted(runs.glob("quick/baseline/*/config.json"))]
    grids = {
        name: (summary.collect(runs / name), {cell: c.shows for cell, c in grid.items()})
        for name, grid in GRIDS.items()
    }
    everything = summary.collect(runs)
    long = everything[everything["cell"].isin(LONG)]
    return {
        "quick": summary.gaze_markdown(quick),
        "quick-runs": summary.markdown(summary.collect(runs / "quick")),
        "long": summary.markdown(long, LONG),
        **{name: summary.markdown(table, shows) for name, (table, shows) in grids.items()},
    }


def fill(text: str, found: dict[str, str]) -> str:
    """Returns a page with its tables replaced by the ones found."""
    return MARKED.sub(lambda match: f"{match[1]}{found[match[2]]}\n{match[3]}", text)


if __name__ == "__main__":
    found = tables(ROOT / "runs")
    for page in PAGES:
        text = fill(page.read_text(), found)
        with atomic(page) as temporary:
            temporary.write_text(text)
    for name, grid in GRIDS.items():
        table = summary.collect(ROOT / "runs" / name)
        print(plots.save(plots.ablation_figure(table, list(grid)), ROOT / f"docs/{name}.png"))
