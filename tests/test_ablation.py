import json
import re
import shutil

import numpy as np
import pytest

from simgan_lib.config import preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import summary
from simgan_lib.evaluation.gaze import Effort, train_estimator
from simgan_lib.evaluation.grid import GRIDS, Cell, ablate
from simgan_lib.losses import lambda_mean_from_sum
from simgan_lib.notebook import plots
from simgan_lib.runs import Run, RunError, reference_run

BASE = preset("smoke").replace(precision="float32", iterations=2, snapshot_every=1)
EFFORT = Effort(epochs=1, instrument_images=64)


@pytest.fixture(scope="module")
def data():
    synthetic = ImageSet(*simulate(64, "simulator", workers=1), "simulator")
    real, _ = simulate(64, "webcam", start=10**8, workers=1)
    test = ImageSet(*simulate(32, "webcam", start=2 * 10**8, workers=1), "simulated webcam")
    return GazeData(synthetic, ImageSet(real, None, "simulated webcam"), test)


@pytest.fixture(scope="module")
def grid(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    cells = {"baseline": Cell("nothing", {}), "strong": Cell("lambda", {"lambda_mean": 50.0})}
    cells["same"] = Cell("what the base is already", {"lambda_mean": BASE.lambda_mean})
    ablate(folder, data, BASE, cells, seeds=2, jobs=2, effort=EFFORT, images=48)
    return folder, cells


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.is_file()}


def test_every_cell_and_seed_is_an_evaluated_run(grid):
    folder, _ = grid
    for name, changed in (("baseline", BASE.lambda_mean), ("strong", 50.0)):
        for seed in (0, 1):
            run = Run(folder / name / f"seed{seed}")
            assert (run.config.lambda_mean, run.config.seed) == (changed, seed)
            assert run.evaluation["gaze_error_deg"]["refined"]["mean"] > 0
            assert run.evaluation["images"] == 48
    assert not (folder / "same").exists(), "it would repeat the baseline"


def test_cells_share_what_the_refiner_does_not_change(grid):
    errors = [
        run["gaze_error_deg"]
        for run in (json.loads(path.read_text()) for path in grid[0].rglob("evaluation.json"))
    ]
    assert len({error["synthetic"]["mean"] for error in errors}) == 1
    assert len({error["refined"]["mean"] for error in errors}) == 4


def test_a_finished_grid_is_not_repeated_and_a_broken_one_is_mended(grid, data):
    folder, cells = grid
    shutil.rmtree(folder / "strong" / "seed1")
    before = times(folder)
    ablate(folder, data, BASE, cells, seeds=2, jobs=1, effort=EFFORT, images=48)
    after = times(folder)
    assert {path: after[path] for path in before} == before
    assert Run(folder / "strong" / "seed1").evaluation


def test_the_summary_is_what_the_records_say(grid):
    table = summary.collect(grid[0])
    assert table["cell"].tolist() == ["baseline", "baseline", "strong", "strong"]
    row = table.iloc[3]
    run = Run(grid[0] / row["run"])
    assert row["gaze_error_deg"] == run.evaluation["gaze_error_deg"]["refined"]["mean"]
    assert row["two_sample_accuracy"] == pytest.approx(
        100 * run.evaluation["two_sample_accuracy"]["refined"]["mean"]
    )
    lines = summary.markdown(table, {"strong": "lambda"}).splitlines()
    assert lines[2].startswith("| `strong` | lambda: `iterations=2, ")
    assert "lambda_mean=50.0" in lines[2]
    assert re.search(r" \| 2 \| 2 \| [\d.]+ \| CPU, float32 \| ", lines[3]), (
        "seeds, rounds, minutes"
    )
    mean = table.loc[2:, "pupil_shift_px"].mean()
    assert f"{mean:.2f} ± " in lines[2]
    beside_baseline = summary.collect(grid[0], base=BASE)
    assert beside_baseline["settings"].tolist() == ["", "", *["lambda_mean=50.0"] * 2]


def test_gaze_errors_are_averaged_over_runs(grid):
    runs = [Run(grid[0] / "baseline" / f"seed{seed}") for seed in (0, 1)]
    refined = [run.evaluation["gaze_error_deg"]["refined"]["mean"] for run in runs]
    line = next(line for line in summary.gaze_markdown(runs).splitlines() if "refined" in line)
    assert f"| {np.mean(refined):.1f} ± {np.std(refined, ddof=1):.1f}° |" in line


def test_an_unfinished_run_says_so(grid):
    table = summary.collect(grid[0]).assign(planned=25_000)
    assert "| 2 of 25,000 |" in summary.markdown(table)


def test_the_summary_takes_runs_without_gaze_labels(grid):
    table = summary.collect(grid[0]).assign(gaze_error_deg=np.nan, gap_closed=np.nan)
    assert "| - | - |" in summary.markdown(table)


def test_the_figure_has_a_dot_per_seed(grid):
    figure = plots.ablation_figure(summary.collect(grid[0]), ["strong", "baseline"])
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [2, 2]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "strong",
        "baseline",
    ]


def test_no_run_at_all(tmp_path):
    with pytest.raises(RunError, match="No evaluated run below"):
        summary.collect(tmp_path)


@pytest.mark.parametrize("grid_name", GRIDS)
def test_grids_change_known_fields(grid_name):
    recorded = reference_run("ablation/baseline/seed0").config
    for name, cell in GRIDS[grid_name].items():
        assert cell.shows
        same = [base.replace(**cell.changes) == base for base in (preset("quick"), recorded)]
        assert name == "baseline" or not all(same)


def test_the_lambdas_are_the_public_codes():
    public = {"lambda_0.01": 0.01 / 15.278, "lambda_0.153": 0.01, "lambda_0.6": 0.04}
    public |= {"lambda_2.3": 0.15, "lambda_7.6": 0.5, "lambda_100": 6.5}
    for name, lambda_sum in public.items():
        used = GRIDS["ablation"][name].changes["lambda_mean"]
        assert used == pytest.approx(lambda_mean_from_sum(lambda_sum), rel=0.03), name


def test_a_cached_network_is_the_one_that_was_trained(data, tmp_path):
    images, targets = data.synthetic.images, np.ones((64, 3))
    cached = Effort(epochs=1, cache=tmp_path)
    fresh, first, again = (
        train_estimator(images, targets, 0, effort) for effort in (Effort(epochs=1), cached, cached)
    )
    seen = images[:5, ..., None] / 127.5 - 1.0
    answers = [network.predict(seen, verbose=0) for network in (fresh, first, again)]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    np.testing.assert_array_equal(answers[1], answers[2])
    other = train_estimator(images, targets, 1, cached)
    assert not np.allclose(other.predict(seen, verbose=0), answers[2])


def test_a_run_without_seed_folder_is_a_cell_of_its_own(grid, tmp_path):
    shutil.copytree(grid[0] / "baseline" / "seed0", tmp_path / "best")
    assert summary.collect(tmp_path)["cell"].tolist() == ["best"]
