"""Ablations: the same training with one thing changed, in parallel processes or on many machines.

A grid is a dictionary of cells. A cell says what it shows and which fields it changes. Each cell
and seed has a run folder, `FOLDER/CELL/seedN`, with its evaluation.
"""

import dataclasses
import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from joblib import Parallel, cpu_count, delayed
from tqdm.auto import tqdm

from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData

# Keras is not imported here, so that a worker process starts fast and chooses its threads.
if TYPE_CHECKING:
    from simgan_lib.evaluation.gaze import Effort


class Cell(NamedTuple):
    """What one run of a grid shows, and the fields that it changes."""

    shows: str
    changes: dict[str, Any]


ABLATION = {
    "baseline": Cell("nothing changed: lambda 1, 5 D updates per R update", {}),
    "no_history": Cell("D sees only the latest refined images", {"buffer_size": 0}),
    "global_loss": Cell("one answer of D per image", {"adversarial_loss": "global"}),
    "no_averaging": Cell("R's last weights, not their average", {"refiner_averaging": 0.0}),
    "no_pretraining": Cell(
        "both networks start from random weights",
        {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0},
    ),
    # mjdietzx's code has 100. The paper's lambda is 0.153 here, but its source is not verified.
    "lambda_0.01": Cell("the report's lambda", {"lambda_mean": 0.01}),
    "lambda_10": Cell("ten times the lambda", {"lambda_mean": 10.0}),
    "lambda_100": Cell("mjdietzx's lambda", {"lambda_mean": 100.0}),
    "k_d_1": Cell("1 D update per R update, the paper's", {"discriminator_updates": 1}),
    "k_d_10": Cell("10 D updates per R update, the report's", {"discriminator_updates": 10}),
}

FAILURES = {
    "baseline": Cell("healthy: nothing changed", {}),
    "collapse": Cell(
        "R's learning rate is far too large: tanh saturates", {"refiner_learning_rate": 1e-2}
    ),
    "lambda_too_large": Cell("refined equals synthetic", {"lambda_mean": 100.0}),
    "lambda_too_small": Cell("nothing guards the labels", {"lambda_mean": 0.0}),
    "no_history": Cell(
        "D forgets, R goes round in circles", {"buffer_size": 0, "refiner_averaging": 0.0}
    ),
    "discriminator_too_strong": Cell(
        "D is far ahead of R, which only crawls after it",
        {"discriminator_updates": 10, "refiner_learning_rate": 1e-5},
    ),
}

GRIDS = {"ablation": ABLATION, "failures": FAILURES}

# What each recorded run of a grid shows, in the order of the tables.
SHOWS = {name: {cell: shows for cell, (shows, _) in cells.items()} for name, cells in GRIDS.items()}
# Recorded runs that are no longer cells.
SHOWS["ablation"] |= {
    "lambda_0.153": "the paper's lambda (unverified)",
    "lambda_0.6": "daniel-merrick's lambda",
    "lambda_2.3": "AlexHex7's lambda",
    "lambda_7.6": "carpedm20's lambda",
    "k_d_2": "2 D updates per R update",
    "k_g_5": "5 R updates per D update",
    "sgd": "the paper's optimiser",
    "sgd_fast": "the same, 100 times the learning rates",
}
# Not a cell, as it is a subclass of SimGAN with another refiner_loss.
SHOWS["failures"]["wrong_sign"] = "R helps D: the report's equation 4 as printed"


def ablate(
    folder: str | Path,
    data: GazeData,
    base: Config,
    cells: dict[str, Cell] | None = None,
    seeds: int = 1,
    jobs: int = 2,
    networks: int = 1,
    effort: "Effort | None" = None,
    images: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Trains and evaluates every cell of a grid, in parallel processes; repeats nothing.

    All cells of the first seed come first, so that the cells of a stopped grid can be compared.
    Call it again to go on: finished runs are skipped, others resume from their checkpoints. A cell
    that does not change the base is left out, except the baseline.

    Args:
        folder: Where the runs go.
        data: The data that all are trained on.
        base: The settings of the baseline.
        cells: Defaults to `ABLATION`.
        seeds: Trainings per cell, with `base.seed` and the ones after it.
        jobs: Number of processes on a machine, which share its cores.
        networks: `seeds` of `report.evaluate`.
        effort: The networks that measure, and how long they are trained.
        images: Measures on the first `images` images of each kind.
        scheduler: Address of a Dask scheduler, such as `"tcp://host:8786"`, whose workers run the
            cells. Each has one thread, and all machines find `folder` under the same path.
    """
    folder = Path(folder).resolve() if scheduler else Path(folder)
    options = (jobs, networks, effort, images)
    changed = {name: base.replace(**changes) for name, (_, changes) in (cells or ABLATION).items()}
    work = [
        (folder / name / f"seed{seed}", config.replace(seed=seed), *options)
        for seed in range(base.seed, base.seed + seeds)
        for name, config in changed.items()
        if name == "baseline" or config != base
    ]
    if scheduler:
        finished = _on_cluster(scheduler, data, work)
    else:
        # joblib shares the images with all processes as one memory-mapped file, not as copies.
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
        finished = parallel(delayed(_run_cell)(data, *cell) for cell in work)
    try:
        for path in (bar := tqdm(finished, total=len(work), unit="run")):
            bar.write(f"{path} is evaluated")
    except BrokenProcessPool:
        raise UserError(
            "A process died, perhaps for lack of memory. Finished runs are kept: run the same "
            "command again to go on, with a smaller --jobs if it was memory."
        ) from None


def _on_cluster(scheduler: str, data: GazeData, work: list[tuple]) -> Iterator[Path]:
    """Runs the cells on the workers of a Dask scheduler. Another worker resumes a lost one's cell.

    joblib's Dask backend is not used, as it waits for ever for a cell that kills its worker.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise UserError(
            "A scheduler needs Dask, which is not installed. pip install 'simgan_lib[cluster]'."
        ) from None
    try:
        client = Client(scheduler, timeout=5)
    except OSError:
        raise UserError(
            f"No Dask scheduler answers at {scheduler}. Start one with 'dask scheduler', and "
            "workers with 'dask worker ADDRESS --nthreads 1'."
        ) from None
    with client:
        if most := max(client.nthreads().values(), default=1) - 1:
            raise UserError(
                f"A training needs a process of its own; received a worker of {most + 1} threads. "
                "Start all with 'dask worker ADDRESS --nthreads 1'."
            )
        shared = client.scatter(data, broadcast=True)
        futures = [client.submit(_run_cell, shared, *cell, pure=False) for cell in work]
        try:
            for future in as_completed(futures):
                yield future.result()
        except KilledWorker as error:
            raise BrokenProcessPool(str(error)) from None


def _run_cell(data, path, config, jobs, networks, effort, images) -> Path:
    # TensorFlow reads these when it first computes. joblib limits the other libraries.
    threads = str(max(1, cpu_count() // jobs))
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = threads
    from simgan_lib import runs, training
    from simgan_lib.evaluation import gaze, report

    if not (path / "evaluation.json").exists() or runs.Run(path).evaluation is None:
        model = training.train(data, config, path, resume=True, progress=False)
        if model.done != model.planned:
            raise KeyboardInterrupt  # Ctrl-C ends `train` without an error
        effort = dataclasses.replace(effort or gaze.Effort(), cache=gaze.cache_folder())
        report.evaluate(runs.Run(path), data, networks, effort, images=images, progress=False)
    return path
