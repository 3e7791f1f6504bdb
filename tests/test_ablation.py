import os
import shutil

import numpy as np
import pytest

from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import report
from simgan_lib.evaluation.gaze import Effort
from simgan_lib.evaluation.grid import GRIDS, SHOWS, Cell, ablate
from simgan_lib.losses import lambda_mean_from_sum
from simgan_lib.notebook import plots
from simgan_lib.runs import Run, RunError, reference_run

BASE = preset("smoke").replace(precision="float32", filters=8, iterations=2)
EFFORT = Effort(epochs=1, instrument_images=32)
CELLS = {
    "baseline": Cell("nothing", {}),
    "strong": Cell("lambda", {"lambda_mean": 50.0}),
    "same": Cell("what the base is already", {"lambda_mean": BASE.lambda_mean}),
}
RECORDS = reference_run("ablation/baseline/seed0").folder.parent.parent


class Deadly:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (1,)


@pytest.fixture(scope="module")
def data():
    synthetic = ImageSet(*simulate(40, "simulator", workers=1), "simulator")
    real, _ = simulate(40, "webcam", start=10**8, workers=1)
    test = ImageSet(*simulate(20, "webcam", start=2 * 10**8, workers=1), "simulated webcam")
    return GazeData(synthetic, ImageSet(real, None, "simulated webcam"), test)


@pytest.fixture(scope="module")
def grid(data, tmp_path_factory):
    """Two cells, trained in two processes."""
    folder = tmp_path_factory.mktemp("grid")
    ablate(folder, data, BASE, CELLS, jobs=2, effort=EFFORT, images=32)
    return folder


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.is_file()}


def test_every_cell_is_an_evaluated_run(grid):
    for name, changed in (("baseline", BASE.lambda_mean), ("strong", 50.0)):
        run = Run(grid / name / "seed0")
        assert (run.config.lambda_mean, run.config.seed) == (changed, 0)
        assert run.evaluation["images"] == 32
    assert not (grid / "same").exists(), "it would repeat the baseline"


def test_cells_share_what_the_refiner_does_not_change(grid):
    found = [Run(grid / name / "seed0").evaluation for name in ("baseline", "strong")]
    synthetic, refined = (
        {run["gaze_error_deg"][name]["mean"] for run in found} for name in ("synthetic", "refined")
    )
    assert (len(synthetic), len(refined)) == (1, 2)


def test_finished_runs_stay_when_a_process_dies_and_the_grid_goes_on(grid, data):
    shutil.rmtree(grid / "strong" / "seed0")
    before = times(grid)
    with pytest.raises(UserError, match="run the same command again"):
        ablate(grid, data, BASE, CELLS, jobs=2, effort=Deadly(), images=32)
    ablate(grid, data, BASE, CELLS, jobs=1, effort=EFFORT, images=32)
    after = times(grid)
    assert {path: after[path] for path in before} == before
    assert Run(grid / "strong" / "seed0").evaluation


def test_the_table_is_what_the_records_say():
    table = report.collect(RECORDS, reference_run("ablation/baseline/seed0").config)
    row = table[table["run"] == "lambda_100/seed0"].iloc[0]
    found = Run(RECORDS / row["run"]).evaluation
    assert row["gaze_error_deg"] == found["gaze_error_deg"]["refined"]["mean"]
    assert row["labelled_deg"] == found["gaze_error_deg"]["labelled"]["mean"]
    assert row["two_sample_accuracy"] == 100 * found["two_sample_accuracy"]["refined"]["mean"]
    assert (row["cell"], row["seed"], row["settings"]) == ("lambda_100", 0, "lambda_mean=100.0")
    lines = report.markdown(table, {"lambda_100": "a strong pull"}).splitlines()
    assert lines[2].startswith("| `lambda_100` | a strong pull: `lambda_mean=100.0` | 1 | ")
    two_seeds = table[table["cell"] == "baseline"]
    shift = two_seeds["pupil_shift_px"]
    line = next(line for line in lines if line.startswith("| `baseline`"))
    assert f" | {shift.mean():.2f} ± {shift.std():.2f} | " in line
    assert "label error" not in lines[0], "no record has one"
    assert f" of {2 * row['planned']:,} | " in report.markdown(
        table.assign(planned=2 * table["planned"])
    )


def test_gaze_errors_are_averaged_over_runs():
    runs = [reference_run(f"quick/baseline/seed{seed}") for seed in range(3)]
    errors = [run.evaluation["gaze_error_deg"]["refined"]["per_seed"] for run in runs]
    line = next(line for line in report.gaze_markdown(runs).splitlines() if "refined" in line)
    assert f"| {np.mean(errors):.1f} ± {np.std(errors, ddof=1):.1f}° |" in line


def test_the_figure_has_a_dot_per_seed():
    figure = plots.ablation_figure(report.collect(RECORDS), ["sgd", "baseline"])
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [1, 2]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["sgd", "baseline"]


def test_no_run_at_all(tmp_path):
    with pytest.raises(RunError, match="No evaluated run below"):
        report.collect(tmp_path)


@pytest.mark.parametrize("name", GRIDS)
def test_cells_change_fields_that_there_are_and_records_are_described(name):
    recorded = reference_run("ablation/baseline/seed0").config
    for cell, (_, changes) in GRIDS[name].items():
        same = [base.replace(**changes) == base for base in (preset("quick"), recorded)]
        assert cell == "baseline" or not all(same)
    assert set(report.collect(RECORDS.parent / name)["cell"]) <= set(SHOWS[name])


def test_the_lambdas_are_the_public_codes():
    public = {"lambda_0.01": 0.01 / 15.278, "lambda_0.153": 0.01, "lambda_0.6": 0.04}
    public |= {"lambda_2.3": 0.15, "lambda_7.6": 0.5, "lambda_100": 6.5}
    for name, lambda_sum in public.items():
        used = GRIDS["ablation"][name].changes["lambda_mean"]
        assert used == pytest.approx(lambda_mean_from_sum(lambda_sum), rel=0.03), name


def test_a_run_without_seed_folder_is_a_cell_of_its_own():
    cells = set(report.collect(RECORDS.parent)["cell"])
    assert {"best", "ablation/baseline", "failures/collapse"} <= cells
