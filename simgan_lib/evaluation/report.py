"""Evaluates a run into one record, and writes tables of one run and of many."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData, ImageSet, usable
from simgan_lib.data.files import atomic
from simgan_lib.data.labels import ANGLES, LOOK
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import gaze, summarise, to_markdown, with_spread
from simgan_lib.evaluation.gaze import Effort, angular_error
from simgan_lib.evaluation.matching import PUPIL, gaze_reader
from simgan_lib.evaluation.realism import realism
from simgan_lib.models import refine
from simgan_lib.runs import Run, RunError, describe

# Eyes that no data set holds and the instrument has not seen: see `matching.INSTRUMENT_START`.
LABELLED_START = 3 * 10**8

# What `evaluate` measures for each kind of training images: heading, unit and decimals.
ERROR_MEASURES = {
    "gaze_error_deg": ("mean error", "°", 1),
    "median_error_deg": ("median error", "°", 1),
    "within_7_deg": ("within 7 degrees", "%", 1),
    "label_error": ("label error", "", 3),
}
MIN_SEEDS = 5  # fewer seeds tell too little of their spread
# Columns of `collect`: path of the number in a record, heading in `markdown`, decimals.
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
        `median` and `p95` of `pupil_shift_px` and `gaze_shift_deg`, from before to after refining;
        of `instrument_error_px` and `instrument_error_deg`, the reader's error before refining; and
        of `refined_error_px` and `refined_error_deg`, its error after refining. Also
        `mean_turn_deg`, of `pitch` and of `yaw`: it makes every label wrong by as much.
    """
    read = gaze_reader(synthetic.images.shape[1:], effort)
    before, after, truth = read(synthetic.images), read(refined), synthetic.labels
    found = {}
    for pixels, degrees, first, then in (
        ("pupil_shift_px", "gaze_shift_deg", before, after),
        ("instrument_error_px", "instrument_error_deg", truth, before),
        ("refined_error_px", "refined_error_deg", truth, after),
    ):
        found[pixels] = np.linalg.norm(then[PUPIL].to_numpy() - first[PUPIL].to_numpy(), axis=1)
        found[degrees] = angular_error(then[LOOK].to_numpy(), first[LOOK].to_numpy())
    result = pd.DataFrame(found).quantile([0.5, 0.95]).set_axis(["median", "p95"]).to_dict()
    turn = np.degrees(after[ANGLES] - before[ANGLES]).mean()
    return result | {"mean_turn_deg": turn.to_dict()}


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

    Realism needs no labels. `left_out` lists what cannot be measured without labels.

    Args:
        run: The run, whose refiner is evaluated.
        data: The data that it was trained on.
        seeds: How many networks are trained for each number.
        effort: The networks that measure, and how long they are trained.
        times: If more than 1, also trains gaze networks on `times` as many simulated images.
        images: Measures on the first `images` images of each kind; on all if `None`.
        progress: Whether to show progress bars.
        label_error: Measures labels of your own: called with a training set, `data.test` and a
            seed, it trains, tests, and returns the error of each test image, `(n,)`.

    Raises:
        UserError: If the data are not the run's, have infinite labels, or lack a needed test set.
    """
    trained, given = run.environment["data"], describe(data)
    if any(trained[kind]["crc32"] != given[kind]["crc32"] for kind in ("synthetic", "real")):
        raise UserError(
            f"{run.folder} was trained on {trained}; received {given}. "
            "Name the same data, with the same limit."
        )
    labels = [found["synthetic"].get("labels_crc32") for found in (trained, given)]
    if None not in labels and labels[0] != labels[1]:
        # The training does not use them, so other labels may be intended.
        warnings.warn("The synthetic labels are not those of the training.", stacklevel=2)
    if label_error and data.test is None:
        raise UserError("label_error tests on data.test, a labelled set; received none.")
    synthetic, real = usable(data.synthetic)[:images], data.real[:images]
    test = data.test and usable(data.test)
    for labels in (found.labels for found in (synthetic, test) if found is not None):
        if labels is not None and np.isinf(labels.select_dtypes("number")).any(axis=None):
            raise UserError("Labels must be finite; some are infinite. Leave these images out.")
    refiner = run.refiner()
    after = refine(refiner, synthetic.images, progress=progress)
    refined = ImageSet(after, synthetic.labels, "refined")
    result = {"refiner_crc32": run.refiner_crc32, "real_name": run.real_name, "seeds": seeds}
    result |= {"images": len(synthetic), "times": times, "left_out": []}
    shape = synthetic.images.shape[1:]  # two numbers if they are gray
    if not _has(synthetic, LOOK):
        result["left_out"].append("gaze errors: the synthetic images have no gaze vectors")
    elif not _has(test, LOOK):
        result["left_out"].append("gaze errors: there is no test set with gaze vectors")
    else:
        handmade = ImageSet(gaze.handmade(synthetic.images), synthetic.labels, "handmade")
        training = {"synthetic": synthetic, "handmade": handmade, "refined": refined}
        drawn = run.real_name == "simulated webcam" and len(shape) == 2
        if drawn:
            eyes = simulate(len(synthetic), "webcam", size=shape, start=LABELLED_START)
            training["labelled"] = ImageSet(*eyes, "simulated webcam")
        if drawn and times > 1:
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
    # JSON has no NaN: `Run.evaluation` reads null as NaN.
    valid = json.loads(json.dumps(result), parse_constant=lambda constant: None)
    with atomic(run.folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(valid, indent=2, allow_nan=False) + "\n")
    return result


def _has(images: ImageSet | None, columns: list[str]) -> bool:
    return images is not None and images.labels is not None and {*columns} <= {*images.labels}


def _error_table(evaluations: list[dict]) -> pd.DataFrame:
    """Makes a row for each kind of training images, a column for each of `ERROR_MEASURES`."""
    columns = {}
    for key, (heading, unit, decimals) in ERROR_MEASURES.items():
        for name in evaluations[0].get(key, ()):
            # Networks that do not depend on the refiner are equal in all runs, and count once.
            groups = dict.fromkeys(tuple(found[key][name]["per_seed"]) for found in evaluations)
            values = [value for group in groups for value in group]
            values = values[:1] if len(set(values)) == 1 else values
            text = with_spread(summarise(values), unit, decimals)
            columns.setdefault(heading, {})[name] = text
    return pd.DataFrame(columns)


def table(evaluation: dict) -> str:
    """Writes what `evaluate` returns as text."""
    real_name = evaluation["real_name"]
    columns = _error_table([evaluation]).to_dict()
    for key, heading, text in (
        ("two_sample_accuracy", "told apart", "{mean:.1%} ({low:.1%} to {high:.1%})"),
        ("kid", "KID", "{mean:.3f} ± {std:.3f}"),
    ):
        columns[heading] = {name: text.format(**found) for name, found in evaluation[key].items()}
    rows = pd.DataFrame(columns).fillna("-").rename({"real": real_name})
    told = f"Told apart: from {real_name} images by a new classifier, with the 95% interval."
    lines = [rows.to_string(), "", f"{told} 50% is a guess."]
    if len(columns) > 2:
        lines.append("Errors: of a network that learned from these images, on the test images.")
    if "gap_closed" in evaluation:
        closed = summarise(100 * part for part in evaluation["gap_closed"]["per_seed"])
        lines.append(f"Refining goes {with_spread(closed)}% of the way from synthetic to labelled.")
    if "pupil_shift_px" in evaluation:
        shift, noise = evaluation["pupil_shift_px"], evaluation["instrument_error_px"]
        lines.append(
            f"Refining moves the pupil by {shift['median']:.2f} px (median), {shift['p95']:.2f} px "
            f"(95th percentile). The instrument errs by {noise['median']:.2f} px."
        )
    if turn := evaluation.get("mean_turn_deg"):
        angles = "pitch {pitch:+.1f}, yaw {yaw:+.1f}".format(**turn)
        lines.append(f"It turns all eyes by {angles} degrees.")
        if max(map(abs, turn.values())) > 3:  # degrees: more than chance in one training
            lines.append("The labels are wrong by as much: see 'simgan data match'.")
    lines += [f"Left out: {reason}." for reason in evaluation.get("left_out", [])]
    return "\n".join(lines)


def collect(folder: str | Path, base: Config | None = None) -> pd.DataFrame:
    """Reads every evaluated run below a folder into one table, with a row for each.

    `run` is its path below the folder, `cell` that path without the seed, and `settings` what
    differs from `base`, or from the defaults. Of `RUN_MEASURES`, what was not measured is NaN.
    """
    folder, base = Path(folder), base or Config()
    runs = [Run(path.parent) for path in sorted(folder.rglob("config.json"))]
    runs = [run for run in runs if run.evaluation]
    if not runs:
        raise RunError(
            f"No evaluated run below {folder}. Make some with 'simgan ablate --folder {folder}', "
            "or evaluate one with 'simgan evaluate --run RUN'."
        )
    rows = []
    for run in runs:
        name, environment = run.folder.relative_to(folder), run.environment
        last = run.metrics.iloc[-1]
        fields = vars(run.config).items()
        changes = [f"{k}={v}" for k, v in fields if v != getattr(base, k) and k != "seed"]
        rows.append(
            {
                "run": name.as_posix(),
                "cell": (name.parent if name.name.startswith("seed") else name).as_posix(),
                "seed": run.config.seed,
                "settings": ", ".join(changes),
                "rounds": int(last["iteration"]),
                "planned": run.config.iterations,
                "minutes": environment["training_seconds"] / 60,
                "device": environment["device"],
                "precision": environment["precision"],
                "mean_change": last.get("mean_change", np.nan),
            }
        )
    found = pd.json_normalize([run.evaluation for run in runs])
    found = found.reindex(columns=[path for path, _, _ in RUN_MEASURES.values()])
    found.columns = [*RUN_MEASURES]
    found[["gap_closed", "two_sample_accuracy"]] *= 100
    return pd.DataFrame(rows).join(found)


def markdown(table: pd.DataFrame, shows: dict[str, str] | None = None) -> str:
    """Writes a table from `collect` in Markdown: mean and spread over the seeds of each cell.

    `shows` says what each cell shows, and gives the order. Cells that it leaves out follow.
    """
    shows, lines = shows or {}, []
    present = list(dict.fromkeys(table["cell"]))
    for name in sorted(present, key=[*shows, *present].index):
        rows = table[table["cell"] == name]
        first = rows.iloc[0]
        changes = f"`{first['settings']}`" if first["settings"] else ""
        planned = f" of {first['planned']:,}" if first["rounds"] < first["planned"] else ""
        line = {
            "run": f"`{name}`",
            "what it shows, and what it changes": f"{shows.get(name, '')}: {changes}".strip(": "),
            "seeds": len(rows),
            "rounds": f"{first['rounds']:,}{planned}",
            "minutes": f"{rows['minutes'].mean():.1f}",
            "device": f"{first['device']}, {first['precision']}",
        }
        for column, (_, heading, decimals) in RUN_MEASURES.items():
            if heading and table[column].notna().any():
                line[heading] = with_spread(summarise(rows[column]), decimals=decimals)
        lines.append(line)
    return to_markdown(pd.DataFrame(lines))


def comparable(table: pd.DataFrame) -> bool:
    """Returns whether `compare` takes a table: it has a baseline and enough seeds of each cell."""
    seeds = table["cell"].value_counts()
    return "baseline" in seeds.index and seeds.min() >= MIN_SEEDS


def compare(table: pd.DataFrame, column: str = "gaze_error_deg") -> pd.DataFrame:
    """Tests whether the cells of a grid differ from its baseline in one measure.

    Welch's test asks whether two means are further apart than the spread of their seeds explains.
    With many cells some would seem so by chance. Holm's correction multiplies the smallest of n
    p-values by n, the next by n - 1, and so on: the chance of even one false alarm is below 5%.

    Args:
        table: As from `collect`, with a cell `baseline`, and at least five seeds of each cell.
        column: The measure.

    Returns:
        A row per cell but the baseline, with its `difference` from the baseline's mean, the
        corrected `p_value`, and whether it `differs` (below 0.05).

    Reference:
        Welch 1947; Holm, A simple sequentially rejective multiple test procedure, 1979.

    Example:
        >>> table = pd.DataFrame({"cell": ["baseline"] * 5 + ["strong"] * 5})
        >>> table["gaze_error_deg"] = [6.0, 6.1, 6.2, 6.3, 6.4, 8.0, 8.2, 8.1, 8.3, 8.4]
        >>> compare(table)["differs"].to_dict()
        {'strong': True}
    """
    cells = table.groupby("cell", sort=False)[column]
    found = cells.agg(["mean", "std", "size"]).rename(columns={"size": "seeds"})
    if not comparable(table):
        raise UserError(
            f"A comparison takes a baseline and at least {MIN_SEEDS} seeds of every cell; received "
            f"{found['seeds'].to_dict()}. Add what is missing with 'simgan ablate --seeds'."
        )
    baseline = cells.get_group("baseline")
    found["difference"] = found["mean"] - baseline.mean()
    found["p_value"] = cells.agg(lambda each: ttest_ind(each, baseline, equal_var=False).pvalue)
    found = found.drop(index="baseline")
    ordered = found["p_value"].sort_values()
    holm = (ordered * np.arange(len(ordered), 0, -1)).cummax().clip(upper=1.0)
    return found.assign(p_value=holm, differs=holm < 0.05)


def comparison(table: pd.DataFrame, shows: dict[str, str] | None = None) -> str:
    """Writes in Markdown what `compare` returns for the gaze error and the pupil shift."""
    columns = {}
    for column in ("gaze_error_deg", "pupil_shift_px"):
        found = compare(table, column)
        heading = RUN_MEASURES[column][1]
        columns["seeds"] = found["seeds"]
        columns[heading] = [f"{row.mean:.2f} ± {row.std:.2f}" for row in found.itertuples()]
        columns[f"{heading}: difference"] = found["difference"].map("{:+.2f}".format)
        p_values = found["p_value"].map(lambda p: f"{p:.3f}" if p >= 0.001 else "below 0.001")
        columns[f"{heading}: p"] = p_values.where(~found["differs"], "**" + p_values + "**")
    rows = pd.DataFrame(columns)
    rows = rows.loc[sorted(rows.index, key=[*(shows or {}), *rows.index].index)]
    return to_markdown(rows.rename_axis("cell").reset_index())


def gaze_markdown(runs: list[Run]) -> str:
    """Writes the gaze errors of runs with the same settings and data, as the paper's table 3.

    Means and standard deviations are over the networks of all runs.
    """
    names = {
        "mean_gaze": "mean gaze: one answer for every image",
        "synthetic": "synthetic images",
        "handmade": "handmade: the same, blurred, noisy and equalised",
        "refined": "**refined**: the same, after the refiner",
        "labelled": "labelled *simulated webcam* images: the best possible",
    }
    rows = _error_table([run.evaluation for run in runs]).loc[[*names]].rename(names)
    return to_markdown(rows.rename_axis("learned from").reset_index())
