"""Writes the generated pages from the records in runs/: 'make tables'.

docs/results.md is docs/results.template.md, filled in. README.md has one block between
`<!-- generated -->` and `<!-- /generated -->`. Templates are Markdown with two marks: `{{RUNS KEY
DECIMALS}}` is a number, as `quote` quotes it, and `{{table NAME}}` a table.
"""

import re
from pathlib import Path

import pandas as pd

from simgan_lib.config import PRESETS, UserError
from simgan_lib.data.files import atomic
from simgan_lib.evaluation import summarise, to_markdown, with_spread
from simgan_lib.evaluation.grid import SHOWS
from simgan_lib.evaluation.report import collect, comparison, gaze_markdown, markdown
from simgan_lib.notebook import plots
from simgan_lib.runs import Run

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "runs"
BLOCK = re.compile(r"(<!-- generated: [^>]* -->\n).*?(<!-- /generated -->)", re.DOTALL)
README = """\
{{table readme}}

Refining goes {{quick/baseline/seed* evaluation.gap_closed.mean 2}} of the way from synthetic images
to the best possible. It does not make the images indistinguishable: a new classifier still tells
refined from simulated webcam images with an accuracy of
{{quick/baseline/seed* evaluation.two_sample_accuracy.refined.mean 3}}. Guessing would give 0.5.

Are the labels kept? A network that finds pupils reads a shift of
{{quick/baseline/seed* evaluation.pupil_shift_px.median 2}} pixels. In
[notebook 09](notebooks/09_is_it_useful.ipynb) a smaller one also reads 0.7 for a recipe that moves
nothing.
"""
# What a name stands for, what it is for, its preset, and its recorded runs.
VOCABULARY = (
    ("preset `smoke`", "to see that everything works; R learns nothing", "smoke", None),
    (
        "preset `quick`, runs `quick/baseline/seed*`",
        "to train a refiner of your own in minutes; the results in README",
        "quick",
        "quick/baseline/seed*",
    ),
    (
        "preset `long`, run `best`",
        "**take this refiner** for images to learn from: `pretrained_refiner()`",
        "long",
        "best",
    ),
    (
        "run `closest`",
        "**take this refiner** for images that are hard to tell from the target: "
        '`pretrained_refiner("closest")`. It went on from `best` by way of a run that is not '
        "kept; the rounds of all three are 8,600",
        None,
        "closest",
    ),
    (
        "preset `report`, run `report-schedule`",
        "the course report's settings, to compare with; stopped early",
        "report",
        "report-schedule",
    ),
    ("preset `paper`", "the paper's settings, for a large GPU; there is no run", "paper", None),
    ("runs `ablation/*`", "to see what each part is worth", None, "ablation/*/seed*"),
    ("runs `failures/*`", "to see what failures look like", None, "failures/*/seed*"),
)
# The failures' healthy run went on for 50 rounds more.
GRID_ROUNDS = {"ablation": 300, "failures": 250}
LONG = {
    "best": "the preset `long`",
    "closest": "went on from `best`; R's last layer equalises, and R takes small steps",
    "report-schedule": "the report's settings, stopped early",
}


def tables() -> dict[str, str]:
    """Makes every table from the records: Markdown by name."""
    gaze = gaze_markdown([Run(path) for path in sorted(RUNS.glob("quick/baseline/seed*"))])
    long = collect(RUNS, PRESETS["long"])
    grids = {}
    for name, shows in SHOWS.items():
        base = Run(RUNS / name / "baseline/seed0").config.replace(iterations=GRID_ROUNDS[name])
        grids[name] = markdown(collect(RUNS / name, base), shows)
    grids["comparison"] = comparison(collect(RUNS / "ablation"), SHOWS["ablation"])
    return {
        "vocabulary": vocabulary(),
        "quick": gaze,
        # Without the third column, the median error.
        "readme": re.sub(r"^((\|[^|]*){2})\|[^|]*", r"\1", gaze, flags=re.MULTILINE),
        "seeds": seeds(),
        "long": markdown(long[long["cell"].isin(LONG)], LONG),
        "own-method": own_method(),
        **grids,
    }


def vocabulary() -> str:
    """Introduces every preset and every run: what for, how many images and rounds, how long."""
    heads, rows = ["name", "what it is for", "images", "rounds", "minutes"], []
    for name, purpose, preset, pattern in VOCABULARY:
        images, minutes = "any", "-"
        rounds = f"{PRESETS[preset].iterations:,}" if preset else ""
        if pattern:
            found = [Run(path.parent) for path in sorted(RUNS.glob(f"{pattern}/config.json"))]
            data = found[0].environment["data"]
            counts = [f"{data[kind]['images']:,}" for kind in ("synthetic", "real")]
            images = " and ".join(dict.fromkeys(counts))
            last = found[-1]  # the first failure is a healthy run, with more rounds
            done, planned = int(last.metrics["iteration"].iloc[-1]), last.config.iterations
            rounds = f"{done:,}" + (f" of {planned:,}" if done < planned else "")
            spent = [run.environment["training_seconds"] / 60 for run in found]
            minutes = f"{sum(spent) / len(spent):.0f}" + (" each" if len(spent) > 1 else "")
        rows.append([name, purpose, images, rounds, minutes])
    return to_markdown(pd.DataFrame(rows, columns=heads))


def seeds() -> str:
    """Lists the seeds of quick one by one."""
    found = collect(RUNS / "quick")
    heads = ["seed", "gaze error, degrees", "of synthetic", "of the gap, %", "pupil shift, px"]
    heads, rows = [*heads, "told apart, %", "minutes"], []
    for run in found[found["cell"] == "baseline"].itertuples():
        share = run.gaze_error_deg / run.synthetic_deg
        rows.append([run.seed, f"{run.gaze_error_deg:.1f}", f"{share:.2f}"])
        rows[-1] += [f"{run.gap_closed:.0f}", f"{run.pupil_shift_px:.2f}"]
        rows[-1] += [f"{run.two_sample_accuracy:.1f}", f"{run.minutes:.1f}"]
    return to_markdown(pd.DataFrame(rows, columns=heads))


def own_method() -> str:
    """Lists the changes of the method that notebook 13 measures."""
    record = pd.read_csv(RUNS / "own-method/summary.csv")
    heads = {
        "refined_deg": ("gaze error, degrees", 1),
        "told_apart": ("told apart, %", 1),
        "kid": ("KID", 3),
        "pupil_shift_px": ("pupil shift, px", 1),
        "minutes": ("minutes", 1),
    }
    rows = []
    for name, found in record.groupby("variant", sort=False):
        rows.append({"variant": name, "seeds": len(found)})
        for column, (head, decimals) in heads.items():
            rows[-1][head] = with_spread(summarise(found[column]), "", decimals)
    return to_markdown(pd.DataFrame(rows))


def quote(runs: str, key: str, decimals: int = 1) -> str:
    """Quotes a number from the records of reference runs.

    Args:
        runs: Folder below `runs/`. With a `*`, the mean and the standard deviation of all that
            match are quoted.
        key: `config`, `environment`, `evaluation` or `metrics` (the last row), and the names below
            it, joined by dots: `evaluation.gaze_error_deg.refined.mean`.
        decimals: Digits after the point.

    Example:
        >>> quote("best", "config.iterations", 0)
        '4,000'
    """
    found = [Run(path.parent) for path in sorted(RUNS.glob(f"{runs}/config.json"))]
    if not found:
        raise UserError(f"No run matches {runs!r} in {RUNS}.")
    records = [
        {
            "config": vars(run.config),
            "environment": run.environment,
            "evaluation": run.evaluation,
            "metrics": dict(run.metrics.iloc[-1]),
        }
        for run in found
    ]
    values = pd.json_normalize(records).get(key)
    if values is None or values.isna().any():
        raise UserError(f"{runs!r} has no number {key!r}.")
    return with_spread(summarise(values), decimals=decimals)


def pages() -> dict[Path, str]:
    """Returns what each generated page should be."""
    found = tables()

    def value(mark):
        words = mark[1].split()
        if words[0] == "table":
            return found[words[1]]
        return quote(words[0], words[1], int(words[2]))

    def fill(template):
        return re.sub(r"\{\{(.+?)\}\}", value, template)

    readme, results = ROOT / "README.md", ROOT / "docs/results.md"
    template = ROOT / "docs/results.template.md"
    block = fill(README)
    return {
        readme: BLOCK.sub(lambda m: m[1] + block + m[2], readme.read_text()),
        results: fill(template.read_text()),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        with atomic(page) as temporary:
            temporary.write_text(text)
        print(page)
    quick = Run(RUNS / "quick/baseline/seed0")
    figures = {"before_after": plots.before_after(quick.snapshots, quick.real_name)}
    for name, shows in SHOWS.items():
        figures[name] = plots.ablation_figure(collect(RUNS / name), [*shows])
    for name, figure in figures.items():
        print(plots.save(figure, ROOT / "docs" / f"{name}.png"))
