import os
import pickle
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_evaluation import CONFIG as BASE
from test_evaluation import linear

from simgan_lib.config import UserError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.data.simulator import simulate
from simgan_lib.evaluation import gaze, report
from simgan_lib.evaluation.gaze import Effort
from simgan_lib.evaluation.grid import GRIDS, SHOWS, Cell, ablate
from simgan_lib.notebook import plots
from simgan_lib.runs import Run, RunError, reference_run

EFFORT = Effort(epochs=1, network=linear, instrument_images=32)
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


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A home of its own, where trained networks are cached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


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


def test_a_pickle_that_came_with_the_runs_is_not_read(data, tmp_path):
    """Networks are cached as pickles, which run code: never beside runs, which come from others."""
    small = GazeData(data.synthetic[:32], data.real, data.test)
    beside = replace(EFFORT, cache=tmp_path / "grid" / ".cache")
    targets = small.synthetic.labels[gaze.LOOK].to_numpy()
    gaze.train_estimator(small.synthetic.images, targets, 0, beside)
    planted = [*beside.cache.rglob("output.pkl")]
    assert planted
    for path in planted:
        path.write_bytes(pickle.dumps(Deadly()))
    cells = {"baseline": CELLS["baseline"]}
    ablate(tmp_path / "grid", small, BASE, cells, jobs=1, effort=EFFORT, images=32)
    assert Run(tmp_path / "grid" / "baseline" / "seed0").evaluation
    assert all(path.read_bytes() == pickle.dumps(Deadly()) for path in planted)
    assert any((Path.home() / ".cache" / "simgan_lib").rglob("output.pkl"))


def test_without_a_home_nothing_is_cached(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert gaze.cache_folder() is None


def test_finished_runs_stay_when_a_process_dies_and_the_grid_goes_on(grid, data):
    shutil.rmtree(grid / "strong" / "seed0")
    before = times(grid)
    with pytest.raises(UserError, match="run the same command again"):
        ablate(grid, data, BASE, CELLS, jobs=2, effort=Deadly(), images=32)
    ablate(grid, data, BASE, CELLS, jobs=1, effort=EFFORT, images=32)
    after = times(grid)
    assert {path: after[path] for path in before} == before
    assert Run(grid / "strong" / "seed0").evaluation


def test_a_cluster_loses_nothing_and_repeats_nothing_when_a_worker_dies(data, tmp_path):
    distributed = pytest.importorskip("distributed")
    two = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**two) as cluster, distributed.Client(cluster) as client:
        processes = client.run(os.getpid)
        options = {"effort": EFFORT, "images": 32, "scheduler": cluster.scheduler_address}
        work = threading.Thread(target=ablate, args=(tmp_path, data, BASE, CELLS), kwargs=options)
        work.start()
        while not any(tmp_path.rglob("checkpoint")):
            assert work.is_alive()
            time.sleep(0.05)
        os.kill(next(iter(processes.values())), signal.SIGKILL)
        written, alive = set(), True
        while alive:
            alive = work.is_alive()
            found = tmp_path.rglob("evaluation.json")
            written |= {(path.parent, path.stat().st_mtime_ns) for path in found}
            time.sleep(0.1)
        assert processes != client.run(os.getpid), "no worker died"
    runs = [Run(tmp_path / name / "seed0") for name in ("baseline", "strong")]
    assert sorted(folder for folder, _ in written) == [run.folder for run in runs]
    for run in runs:
        assert run.evaluation["images"] == 32
        assert run.metrics["iteration"].iloc[-1] == BASE.iterations
        assert not run.metrics.duplicated(["phase", "iteration"]).any()


def test_a_cluster_that_cannot_be_used_is_an_error(data, tmp_path):
    distributed = pytest.importorskip("distributed")
    with pytest.raises(UserError, match="No Dask scheduler answers"):
        ablate(tmp_path, data, BASE, CELLS, scheduler="tcp://127.0.0.1:9")
    wide = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**wide) as cluster, pytest.raises(UserError, match="nthreads 1"):
        ablate(tmp_path, data, BASE, CELLS, scheduler=cluster.scheduler_address)


def grid_table(errors):
    """A table as from `collect`, with the given gaze errors of each cell."""
    rows = [
        {"cell": cell, "seed": seed, "gaze_error_deg": error, "pupil_shift_px": 1 + seed / 10}
        for cell, values in errors.items()
        for seed, error in enumerate(values)
    ]
    table = pd.DataFrame(rows).assign(synthetic_deg=10.0, labelled_deg=4.0)
    return table.assign(two_sample_accuracy=99 - table["seed"] / 10)


def test_cells_are_compared_by_welchs_test_with_holms_correction():
    rng = np.random.default_rng(0)
    errors = {"baseline": rng.normal(6, 0.3, 5), "alike": rng.normal(6, 0.5, 6)}
    errors |= {"worse": rng.normal(7, 0.3, 5), "strong": rng.normal(9, 1.0, 5)}
    found = report.compare(grid_table(errors))

    def welch(a, b):
        (n, m), (v, w) = map(len, (a, b)), (np.var(values, ddof=1) for values in (a, b))
        t = (a.mean() - b.mean()) / np.sqrt(v / n + w / m)
        freedom = (v / n + w / m) ** 2 / ((v / n) ** 2 / (n - 1) + (w / m) ** 2 / (m - 1))
        return 2 * stats.t.sf(abs(t), freedom)

    raw = {name: welch(errors[name], errors["baseline"]) for name in list(errors)[1:]}
    largest = 0.0
    for number, name in enumerate(sorted(raw, key=raw.get)):
        largest = max(largest, min(1.0, raw[name] * (3 - number)))
        assert found.loc[name, "p_value"] == pytest.approx(largest)
        assert found.loc[name, "differs"] == (largest < 0.05)
    assert found.loc["strong", "differs"]
    assert not found.loc["alike", "differs"]
    line = report.comparison(grid_table(errors)).splitlines()[2]
    assert line.startswith(f"| alike | 6 | {errors['alike'].mean():.2f} ± ")


def test_chance_alone_seldom_differs():
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(200):
        errors = {name: rng.normal(6, 0.3, 5) for name in ("baseline", *"abcdefgh")}
        alarms += report.compare(grid_table(errors))["differs"].any()
    assert alarms <= 0.05 * 200 + 3 * np.sqrt(200 * 0.05 * 0.95)


def test_a_comparison_takes_a_baseline_and_five_seeds():
    for errors in ({"baseline": [6.0] * 5, "a": [7.0] * 4}, {"a": [6.0] * 5, "b": [7.0] * 5}):
        table = grid_table({name: np.array(values) for name, values in errors.items()})
        assert not report.comparable(table)
        with pytest.raises(UserError, match="at least 5 seeds"):
            report.compare(table)


def test_the_figure_marks_what_differs():
    rng = np.random.default_rng(0)
    errors = {"baseline": rng.normal(6, 0.3, 5), "same": rng.normal(6, 0.3, 5)}
    figure = plots.ablation_figure(grid_table(errors | {"worse": rng.normal(9, 0.3, 5)}))
    stars = [[text.get_position()[1] for text in axis.texts] for axis in figure.axes]
    assert stars == [[2], [], []]


def test_the_table_is_what_the_records_say():
    table = report.collect(RECORDS, reference_run("ablation/baseline/seed0").config)
    row = table[table["run"] == "lambda_100/seed0"].iloc[0]
    found = Run(RECORDS / row["run"]).evaluation
    assert row["gaze_error_deg"] == found["gaze_error_deg"]["refined"]["mean"]
    assert row["labelled_deg"] == found["gaze_error_deg"]["labelled"]["mean"]
    assert row["two_sample_accuracy"] == 100 * found["two_sample_accuracy"]["refined"]["mean"]
    assert (row["cell"], row["seed"], row["settings"]) == ("lambda_100", 0, "lambda_mean=100.0")
    lines = report.markdown(table, {"lambda_100": "a strong pull"}).splitlines()
    assert lines[2].startswith("| `lambda_100` | a strong pull: `lambda_mean=100.0` | 5 | ")
    shift = table[table["cell"] == "baseline"]["pupil_shift_px"]
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
    figure = plots.ablation_figure(report.collect(RECORDS), ["k_d_1", "baseline"])
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots[:2]] == [5, 5]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[:2] == ["k_d_1", "baseline"]


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


def test_a_run_without_seed_folder_is_a_cell_of_its_own():
    cells = set(report.collect(RECORDS.parent)["cell"])
    assert {"best", "ablation/baseline", "failures/collapse"} <= cells
