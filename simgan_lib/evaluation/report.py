"""The evaluation of one run in one record, and tables of one run and of many."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData, ImageSet, usable
from simgan_lib.data.files import atomic
from simgan_lib.data.labels import ANGLES, LOOK
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import gaze, summarise, with_spread
from simgan_lib.evaluation.gaze import Effort, angular_error
from simgan_lib.evaluation.matching import PUPIL, gaze_reader
from simgan_lib.evaluation.realism import realism
from simgan_lib.models import refine
from simgan_lib.runs import Run, RunError, describe

# Eyes that no data set holds, and the instrument has not seen: see `matching.INSTRUMENT_START`.
LABELLED_START = 3 * 10**8

# What `summarise_errors` finds, its heading, and its unit.
GAZE_MEASURES = {
    "gaze_error_deg": ("mean error", " deg"),
    "median_error_deg": ("median error", " deg"),
    "within_7_deg": ("within 7 degrees", "%"),
}
# Columns of `collect`: where a record has the number, its heading in `markdown`, its decimals.
RUN_MEASURES = {
    "gaze_error_deg": ("gaze_error_deg.refined.mean", "gaze error, degrees", 1),
    "synthetic_deg": ("gaze_error_deg.synthetic.mean", None, 1),
    "labelled_deg": ("gaze_error_deg.labelled.mean", None, 1),
    "gap_closed": ("gap_closed.mean", "of the gap, %", 0),
    "label_error": ("label_error.refined.mean", "label error", 2),
    "pupil_shift_px": ("pupil_shift_px.median", "pupil shift, px", 2),
    "two_sample_accuracy": ("two_sample_accuracy.refined.mean", "told apart, %", 1),
    "kid": ("kid.refined.mean", "KID", 3),
}


def labels_kept(synthetic: ImageSet, refined: np.ndarray, effort: Effort | None = None) -> dict:
    """Measures how far refining moves the pupil and turns the gaze, with a `gaze_reader`.

    Shifts smaller than the reader's own error cannot be told from its noise. Images are gray, and
    the synthetic ones have gaze vectors and pupils.

    Returns:
        `median` and `p95` of `pupil_shift_px` and `gaze_shift_deg` (from before to after),
        `instrument_error_px` and `instrument_error_deg` (before, against the truth),
        `refined_error_px` and `refined_error_deg` (after, against the truth). And `mean_turn_deg`,
        the mean change of `pitch` and of `yaw`: it makes every label wrong by as much.
    """
    read = gaze_reader(synthetic.images.shape[1:], effort)
    before, after, truth = read(synthetic.images), read(refined), synthetic.labels

    def spread(distances):
        p95 = np.percentile(distances, 95)
        return {"median": float(np.median(distances)), "p95": float(p95)}

    def moved(a, b):
        return spread(np.linalg.norm(a[PUPIL].to_numpy() - b[PUPIL].to_numpy(), axis=1))

    def turned(a, b):
        return spread(angular_error(a[LOOK].to_numpy(), b[LOOK].to_numpy()))

    return {
        "pupil_shift_px": moved(after, before),
        "gaze_shift_deg": turned(after, before),
        "instrument_error_px": moved(before, truth),
        "instrument_error_deg": turned(before, truth),
        "refined_error_px": moved(after, truth),
        "refined_error_deg": turned(after, truth),
        "mean_turn_deg": np.degrees(after[ANGLES] - before[ANGLES]).mean().to_dict(),
    }


def evaluate(
    run: Run,
    data: GazeData,
    seeds: int = 3,
    effort: Effort | None = None,
    times: int = 1,
    images: int | None = None,
    progress: bool = True,
    label_error: Callable[[ImageSet, ImageSet, int], np.ndarray] | None = None,
) -> dict:
    """Evaluates a run, writes `evaluation.json` into its folder, and returns what was written.

    Realism needs no labels. Gaze errors need gaze vectors with the synthetic and with the test
    images. Whether labels were kept is measured on gray eyes with gaze vectors and pupils. What
    could not be measured is `left_out`.

    Args:
        run: The run; its refiner is evaluated.
        data: What it was trained on.
        seeds: Networks per number.
        effort: How long to train them.
        times: If more than 1, train gaze networks on `times` as many simulated images, too.
        images: Measure on the first `images` images of each kind; on all of them if `None`.
        progress: Whether to show progress bars.
        label_error: Measures labels of your own: a function that trains on the first set, tests on
            the second, `data.test`, and returns the error of each test image, `(n,)`. Its third
            argument is the seed.
    """
    if describe(data) != run.environment["data"]:
        raise UserError(
            f"{run.folder} was trained on {run.environment['data']}; received {describe(data)}. "
            "Name the same data, with the same limit."
        )
    if label_error and data.test is None:
        raise UserError("label_error tests on data.test, a labelled set; received none.")
    synthetic, real = usable(data.synthetic)[:images], data.real[:images]
    test = data.test and usable(data.test)
    refiner = run.refiner()
    after = refine(refiner, synthetic.images, progress=progress)
    refined = ImageSet(after, synthetic.labels, "refined")
    result = {
        "refiner_crc32": run.refiner_crc32,
        "real_name": run.real_name,
        "seeds": seeds,
        "images": len(synthetic),
        "times": times,
        "left_out": [],
    }
    shape = synthetic.images.shape[1:]
    if not _has(synthetic, LOOK):
        result["left_out"].append("gaze errors: the synthetic images have no gaze vectors")
    elif not _has(test, LOOK):
        result["left_out"].append("gaze errors: there is no test set with gaze vectors")
    else:
        training = {
            "synthetic": synthetic,
            "handmade": ImageSet(gaze.handmade(synthetic.images), synthetic.labels, "handmade"),
            "refined": refined,
        }
        if run.real_name == "simulated webcam" and len(shape) == 2:
            drawn = simulate(len(synthetic), "webcam", size=shape, start=LABELLED_START)
            training["labelled"] = ImageSet(*drawn, "simulated webcam")
            if times > 1:
                many, labels = simulate(times * len(synthetic), "simulator", size=shape)
                training[f"synthetic_{times}x"] = ImageSet(many, labels, "simulator")
                many = refine(refiner, many, progress=progress)
                training[f"refined_{times}x"] = ImageSet(many, labels, "refined")
        errors = gaze.gaze_errors(training, test, seeds, effort, progress)
        result |= gaze.summarise_errors(errors)
    if label_error:
        result["label_error"] = {
            name: summarise(label_error(found, data.test, seed).mean() for seed in range(seeds))
            for name, found in {"synthetic": synthetic, "refined": refined}.items()
        }
    result |= realism(synthetic.images, refined.images, real.images, seeds, effort, progress)
    if len(shape) == 2 and _has(synthetic, LOOK + PUPIL):
        result |= labels_kept(synthetic, refined.images, effort)
    else:
        result["left_out"].append("labels kept: only measured on gray eyes with gaze and pupils")
    with atomic(run.folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n")
    return result


def _has(images: ImageSet | None, columns: list[str]) -> bool:
    return images is not None and images.labels is not None and {*columns} <= {*images.labels}


def table(evaluation: dict) -> str:
    """Prints what `evaluate` returns as text."""
    parts = []
    if "gaze_error_deg" in evaluation:
        rows = {
            title: {name: with_spread(found, unit) for name, found in evaluation[key].items()}
            for key, (title, unit) in GAZE_MEASURES.items()
        }
        parts.append(f"Gaze networks that learned from:\n{pd.DataFrame(rows).to_string()}")
    if "gap_closed" in evaluation:
        closed = summarise(100 * part for part in evaluation["gap_closed"]["per_seed"])
        way = f"{with_spread(closed)}% of the way from synthetic to labelled"
        parts[-1] += f"\nRefining goes {way}."
    if "label_error" in evaluation:
        errors = {k: with_spread(v, decimals=3) for k, v in evaluation["label_error"].items()}
        parts.append(f"Label error after learning from:\n{pd.Series(errors).to_string()}")
    real_name = evaluation["real_name"]
    rows = {
        real_name if name == "real" else name: {
            "accuracy": f"{accuracy['mean']:.1%}",
            "95% interval": f"{accuracy['low']:.1%} .. {accuracy['high']:.1%}",
            "KID": "{mean:.3f} ± {std:.3f}".format(**evaluation["kid"][name]),
        }
        for name, accuracy in evaluation["two_sample_accuracy"].items()
    }
    told = f"Told from {real_name} images by a fresh classifier (50%: it cannot tell):"
    parts.append(f"{told}\n{pd.DataFrame(rows).T.to_string()}")
    if "pupil_shift_px" in evaluation:
        shift, noise = evaluation["pupil_shift_px"], evaluation["instrument_error_px"]
        parts.append(
            f"Refining moves the pupil by {shift['median']:.2f} px (median), {shift['p95']:.2f} px "
            f"(95th percentile); the instrument errs by {noise['median']:.2f} px."
        )
    if "mean_turn_deg" in evaluation:  # which the oldest records do not have
        turn = evaluation["mean_turn_deg"]
        angles = f"pitch {turn['pitch']:+.1f}, yaw {turn['yaw']:+.1f}"
        parts[-1] += f"\nIt turns all eyes by {angles} degrees."
        if max(map(abs, turn.values())) > 3:  # degrees: more than one training's luck
            parts[-1] += " Their labels are wrong by as much: see 'simgan data match'."
    parts += [f"Left out: {reason}." for reason in evaluation.get("left_out", [])]
    return "\n\n".join(parts)


def collect(folder: str | Path, base: Config | None = None) -> pd.DataFrame:
    """Reads every evaluated run below a folder into one table.

    Returns:
        A row per evaluated run: `run` (its path below the folder), `cell` (that path without the
        seed), `seed`, `settings` (what differs from `base`, or from the defaults), `rounds`,
        `planned`, `minutes`, `device`, `precision`, `mean_change`, and the columns of
        `RUN_MEASURES`: in degrees, in % or in pixels, and NaN where it was not measured.
    """
    folder, base = Path(folder), base or Config()
    runs = [Run(path.parent) for path in sorted(folder.rglob("config.json"))]
    runs = [run for run in runs if run.evaluation]
    if not runs:
        raise RunError(
            f"No evaluated run below {folder}. Make some with 'simgan ablate --folder {folder}', "
            "or evaluate one with 'simgan evaluate --run RUN'."
        )
    found = pd.json_normalize([run.evaluation for run in runs])
    found = found.reindex(columns=[path for path, _, _ in RUN_MEASURES.values()])
    found.columns = [*RUN_MEASURES]
    found[["gap_closed", "two_sample_accuracy"]] *= 100
    return pd.DataFrame([_row(run, folder, base) for run in runs]).join(found)


def _row(run: Run, folder: Path, base: Config) -> dict:
    name, environment, last = run.folder.relative_to(folder), run.environment, run.metrics.iloc[-1]
    changed = {k: v for k, v in vars(run.config).items() if v != getattr(base, k) and k != "seed"}
    return {
        "run": name.as_posix(),
        "cell": (name.parent if name.name.startswith("seed") else name).as_posix(),
        "seed": run.config.seed,
        "settings": ", ".join(f"{field}={value}" for field, value in changed.items()),
        "rounds": int(last["iteration"]),
        "planned": run.config.iterations,
        "minutes": environment["training_seconds"] / 60,
        "device": environment["device"],
        "precision": environment["precision"],
        "mean_change": last.get("mean_change", np.nan),
    }


def markdown(table: pd.DataFrame, shows: dict[str, str] | None = None) -> str:
    """Writes a table from `collect` in Markdown: mean and spread over the seeds of each cell.

    `shows` says what each cell shows, in the order wanted; cells that it leaves out follow.
    """
    shows = shows or {}
    cells = dict(tuple(table.groupby("cell", sort=False)))
    names = [name for name in shows if name in cells] + [n for n in cells if n not in shows]
    lines = []
    for name in names:
        rows = cells[name]
        first = rows.iloc[0]
        changes = f"`{first['settings']}`" if first["settings"] else ""
        planned = f" of {first['planned']:,}" if first["rounds"] < first["planned"] else ""
        about = ": ".join(filter(None, (shows.get(name), changes)))
        line = {
            "run": f"`{name}`",
            "what it shows, and what it changes": about,
            "seeds": len(rows),
            "rounds": f"{first['rounds']:,}{planned}",
            "minutes": f"{rows['minutes'].mean():.1f}",
            "device": f"{first['device']}, {first['precision']}",
        }
        for column, (_, heading, decimals) in RUN_MEASURES.items():
            if heading and table[column].notna().any():
                line[heading] = with_spread(summarise(rows[column]), decimals=decimals)
        lines.append(line)
    return _markdown(lines)


def gaze_markdown(runs: list[Run]) -> str:
    """Writes the gaze errors of runs with the same settings and data, as the paper's table 3.

    Means and standard deviations are over the networks of all runs.
    """
    names = {
        "mean_gaze": "none: always the mean gaze",
        "synthetic": "synthetic images",
        "handmade": "the same, blurred, noisy and equalised by hand",
        "refined": "the same, **refined**",
        "labelled": "labelled *simulated webcam* images: the best possible",
    }
    lines = []
    for name, title in names.items():
        line = {"learned from": title}
        for key, (heading, unit) in GAZE_MEASURES.items():
            # Networks that no refiner touches are trained once for all runs, and count once.
            groups = dict.fromkeys(tuple(run.evaluation[key][name]["per_seed"]) for run in runs)
            values = [value for group in groups for value in group]
            values = values[:1] if len(set(values)) == 1 else values
            line[heading] = with_spread(summarise(values), unit.replace(" deg", "°"))
        lines.append(line)
    return _markdown(lines)


def _markdown(lines: list[dict]) -> str:
    rows = [list(lines[0]), ["---"] * len(lines[0]), *(line.values() for line in lines)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
