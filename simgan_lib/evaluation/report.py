"""Does refining help? Gaze error, realism, and whether the labels were kept, in one record."""

import json
import zlib

import numpy as np

from simgan_lib.config import UserError
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.files import atomic
from simgan_lib.data.labels import ANGLES
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import summarise, with_spread
from simgan_lib.evaluation.gaze import (
    LOOK,
    Effort,
    angular_error,
    gaze_errors,
    handmade,
    summarise_errors,
)
from simgan_lib.evaluation.matching import PUPIL, gaze_reader
from simgan_lib.evaluation.realism import realism
from simgan_lib.runs import Run, describe, refine

# Eyes that no data set holds, and the instrument has not seen: see `matching.INSTRUMENT_START`.
LABELLED_START = 3 * 10**8


def labels_kept(synthetic: ImageSet, refined: np.ndarray, effort: Effort | None = None) -> dict:
    """Measures how far refining moves the pupil and turns the gaze.

    The instrument, a `gaze_reader`, reads an eye before and after alike. Its own error on eyes it
    has not seen is given too: shifts below that cannot be told from its noise.

    Args:
        synthetic: Simulated images with `pupil_x` and `pupil_y` in pixels, and gaze vectors.
        refined: The same images refined, uint8 `(n, height, width)`.
        effort: How long to train, and on how many images.

    Returns:
        `pupil_shift_px` and `gaze_shift_deg` (from before to after), `instrument_error_px` and
        `instrument_error_deg` (before, against the truth), `refined_error_px` and
        `refined_error_deg` (after, against the truth): each with `median` and `p95`. And
        `mean_turn_deg`, the mean change of `pitch` and of `yaw`, with its sign: a turn that all
        eyes share makes every label wrong by as much.
    """
    read = gaze_reader(synthetic.images.shape[1:], effort)
    before, after, truth = read(synthetic.images), read(refined), synthetic.labels

    def moved(a, b):
        return np.linalg.norm(a[PUPIL].to_numpy() - b[PUPIL].to_numpy(), axis=1)

    def turned(a, b):
        return angular_error(a[LOOK].to_numpy(), b[LOOK].to_numpy())

    distances = {
        "pupil_shift_px": moved(after, before),
        "gaze_shift_deg": turned(after, before),
        "instrument_error_px": moved(before, truth),
        "instrument_error_deg": turned(before, truth),
        "refined_error_px": moved(after, truth),
        "refined_error_deg": turned(after, truth),
    }
    turn = np.degrees(after[ANGLES] - before[ANGLES]).mean()
    return {
        name: {"median": float(np.median(d)), "p95": float(np.percentile(d, 95))}
        for name, d in distances.items()
    } | {"mean_turn_deg": turn.to_dict()}


def evaluate(
    run: Run,
    data: GazeData,
    seeds: int = 3,
    effort: Effort | None = None,
    times: int = 1,
    images: int | None = None,
    progress: bool = True,
) -> dict:
    """Evaluates a run and writes `evaluation.json` into its folder.

    Args:
        run: The run; its refiner is evaluated.
        data: What it was trained on. Gaze errors need `data.test`; against photographs without
            labels, realism and label-keeping remain.
        seeds: Networks per figure.
        effort: How long to train them.
        times: Train two more gaze networks on so many times the synthetic images, as the paper's
            "4x" rows; 1 leaves them out.
        images: Measure on the first so many images of each kind; on all of them if `None`.
        progress: Show progress bars.

    Returns:
        What was written. From the gaze networks (see `summarise_errors`): `gaze_error_deg`,
        `median_error_deg`, `within_7_deg`, `curve` and `gap_closed`; from `realism`:
        `two_sample_accuracy` and `kid`; from `labels_kept`: `pupil_shift_px` and its like; and
        `seeds`, `images`, `times`, the `real_name` of what the images were compared with, and the
        `refiner_crc32` of the evaluated weights.

    Raises:
        UserError: If the data is not what the run was trained on, or the synthetic images carry no
            gaze labels.
    """
    synthetic = data.synthetic
    if synthetic.labels is None or not {*LOOK, *PUPIL} <= set(synthetic.labels):
        raise UserError(
            f"Evaluation needs labels {', '.join(LOOK + PUPIL)} with the synthetic images; "
            f"received {synthetic}."
        )
    if describe(data) != run.environment["data"]:
        raise UserError(
            f"{run.folder} was trained on {run.environment['data']}; received {describe(data)}. "
            "Name the same data, with the same limit."
        )
    synthetic, real = synthetic[:images], data.real[:images]
    refiner = run.refiner()
    refined = ImageSet(
        refine(refiner, synthetic.images, progress=progress), synthetic.labels, "refined"
    )
    result = {
        "refiner_crc32": zlib.crc32((run.folder / "refiner.weights.h5").read_bytes()),
        "real_name": run.real_name,
        "seeds": seeds,
        "images": len(synthetic),
        "times": times,
    }
    if data.test is not None and run.real_name == "simulated webcam":
        labelled = simulate(
            len(synthetic), "webcam", size=synthetic.images.shape[1:], start=LABELLED_START
        )
        training = {
            "synthetic": synthetic,
            "handmade": ImageSet(handmade(synthetic.images), synthetic.labels, "handmade"),
            "refined": refined,
            "labelled": ImageSet(*labelled, "simulated webcam"),
        }
        if times > 1:
            many = simulate(times * len(synthetic), "simulator", size=synthetic.images.shape[1:])
            training[f"synthetic_{times}x"] = ImageSet(*many, "simulator")
            refined_many = refine(refiner, many[0], progress=progress)
            training[f"refined_{times}x"] = ImageSet(refined_many, many[1], "refined")
        errors = gaze_errors(training, data.test, seeds, effort, progress)
        result |= summarise_errors(errors)
    result |= realism(synthetic.images, refined.images, real.images, seeds, effort, progress)
    result |= labels_kept(synthetic, refined.images, effort)
    with atomic(run.folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n")
    return result


def headline(evaluation: dict) -> str:
    """Says in one line what an evaluation found.

    Args:
        evaluation: As from `evaluate`.

    Returns:
        Gaze error where it was measured, pupil shift and two-sample accuracy.
    """
    shift, accuracy = evaluation["pupil_shift_px"], evaluation["two_sample_accuracy"]["refined"]
    gaze = ""
    if "gaze_error_deg" in evaluation:
        error = evaluation["gaze_error_deg"]
        gaze = f"gaze error {error['refined']['mean']:.1f} deg (synthetic "
        gaze += f"{error['synthetic']['mean']:.1f}, labelled {error['labelled']['mean']:.1f}), "
    return f"{gaze}pupil shift {shift['median']:.2f} px, told apart {accuracy['mean']:.1%}"


def table(evaluation: dict) -> str:
    """Prints an evaluation as text.

    Args:
        evaluation: As from `evaluate`.

    Returns:
        A table of gaze errors (where they were measured), one of realism, and a line on labels.
    """
    lines = []
    if "gaze_error_deg" in evaluation:
        keys = {"gaze_error_deg": "deg", "median_error_deg": "deg", "within_7_deg": "%"}
        lines.append(f"{'trained on':<16}{'mean error':>16}{'median':>16}{'within 7 deg':>16}")
        for name in evaluation["gaze_error_deg"]:
            cells = [with_spread(evaluation[key][name], f" {unit}") for key, unit in keys.items()]
            lines.append(f"{name:<16}" + "".join(f"{cell:>16}" for cell in cells))
        closed = summarise([100 * part for part in evaluation["gap_closed"]["per_seed"]])
        lines.append(
            f"Refining goes {with_spread(closed)}% of the way from synthetic to labelled.\n"
        )
    # Drawn webcam images stand in for real ones in the embedded data, and must not be called real.
    real_name = evaluation["real_name"]
    lines.append(f"Told from {real_name} images by a fresh classifier (50%: it cannot tell):")
    lines.append(f"{'':<18}{'accuracy':>14}{'95% interval':>20}{'KID':>22}")
    for name, accuracy in evaluation["two_sample_accuracy"].items():
        kid = evaluation["kid"][name]
        shown = real_name if name == "real" else name
        interval = f"{accuracy['low']:.1%} .. {accuracy['high']:.1%}"
        lines.append(
            f"{shown:<18}{accuracy['mean']:>14.1%}{interval:>20}"
            f"{kid['mean']:>14.3f} ± {kid['std']:.3f}"
        )
    shift, noise = evaluation["pupil_shift_px"], evaluation["instrument_error_px"]
    lines.append(
        f"\nRefining moves the pupil by {shift['median']:.2f} px (median), {shift['p95']:.2f} px "
        f"(95th percentile); the instrument errs by {noise['median']:.2f} px."
    )
    turn = evaluation.get("mean_turn_deg")  # which the oldest records do not have
    if turn:
        line = f"It turns all eyes by pitch {turn['pitch']:+.1f}, yaw {turn['yaw']:+.1f} degrees."
        if max(map(abs, turn.values())) > 3:  # degrees: more than one training's luck
            line += " Their labels are wrong by as much: see 'simgan data match'."
        lines.append(line)
    return "\n".join(lines)
