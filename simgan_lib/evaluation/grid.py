"""Ablations: the same training with one thing changed, in parallel processes.

A cell of a grid is a name, what it shows, and the fields that it changes. Each cell and seed is a
run folder of its own, `FOLDER/CELL/seedN`, with its evaluation.
"""

import dataclasses
import multiprocessing
import os
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from tqdm.auto import tqdm

from simgan_lib.config import Config, UserError
from simgan_lib.data import GazeData

# The backend is not imported here, so that a worker can choose its threads before.
if TYPE_CHECKING:
    from simgan_lib.evaluation.gaze import Effort


class Cell(NamedTuple):
    """What one run of a grid changes, and why."""

    shows: str
    changes: dict[str, Any]


ABLATION: MappingProxyType[str, Cell] = MappingProxyType(
    {
        "baseline": Cell("nothing changed", {}),
        "no_history": Cell("D sees only the latest refined images", {"history": False}),
        "global_loss": Cell("one answer of D per image", {"adversarial_loss": "global"}),
        "no_averaging": Cell("R's last weights, not their average", {"refiner_averaging": 0.0}),
        "no_pretraining": Cell(
            "both networks start from random weights",
            {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0},
        ),
        # In the paper's form 0.00065, 0.01, 0.04, 0.15, 0.5 and 6.5: what the sources and the
        # public codes use for what they all call lambda.
        "lambda_0.01": Cell("the report's lambda", {"lambda_mean": 0.01}),
        "lambda_0.153": Cell("the paper's lambda (unverified)", {"lambda_mean": 0.153}),
        "lambda_0.6": Cell("daniel-merrick's lambda", {"lambda_mean": 0.6}),
        "lambda_2.3": Cell("AlexHex7's lambda", {"lambda_mean": 2.3}),
        "lambda_7.6": Cell("carpedm20's lambda", {"lambda_mean": 7.6}),
        "lambda_100": Cell("mjdietzx's lambda", {"lambda_mean": 100.0}),
        "k_d_1": Cell("1 D update per R update", {"discriminator_updates": 1}),
        "k_d_2": Cell("2 D updates per R update", {"discriminator_updates": 2}),
        "k_d_10": Cell("10 D updates per R update, the report's", {"discriminator_updates": 10}),
        "k_g_5": Cell(
            "5 R updates per D update", {"refiner_updates": 5, "discriminator_updates": 1}
        ),
        "sgd": Cell(
            "the paper's optimiser",
            {"optimizer": "sgd", "refiner_learning_rate": 1e-3},
        ),
        "sgd_fast": Cell(
            "the same, 100 times the learning rates",
            {
                "optimizer": "sgd",
                "refiner_learning_rate": 0.1,
                "discriminator_learning_rate": 0.1,
            },
        ),
    }
)

FAILURES: MappingProxyType[str, Cell] = MappingProxyType(
    {
        "collapse": Cell(
            "R's learning rate is far too large: tanh saturates", {"refiner_learning_rate": 1e-2}
        ),
        "lambda_too_large": Cell("refined equals synthetic", {"lambda_mean": 100.0}),
        "lambda_too_small": Cell("nothing guards the labels", {"lambda_mean": 0.0}),
        "no_history": Cell(
            "D forgets, R goes round in circles", {"history": False, "refiner_averaging": 0.0}
        ),
        "discriminator_too_strong": Cell(
            "D is far ahead of R, which only crawls after it",
            {"discriminator_updates": 10, "refiner_learning_rate": 1e-5},
        ),
        "wrong_sign": Cell(
            "R helps D: the report's equation 4 as printed", {"refiner_goal": "refined"}
        ),
    }
)

GRIDS: MappingProxyType[str, MappingProxyType[str, Cell]] = MappingProxyType(
    {"ablation": ABLATION, "failures": FAILURES}
)


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
) -> None:
    """Trains and evaluates every cell of a grid, in parallel processes; repeats nothing.

    All cells of the first seed come first, so that a grid that was stopped can be compared. Call
    it again to go on: finished runs are skipped, others resume from their checkpoints. A cell that
    changes nothing, as the base is already so, is left out.

    Args:
        folder: Where the runs go, each in `CELL/seedN`.
        data: What all of them train on.
        base: The settings that a cell changes.
        cells: What to run; the `ABLATION` grid if `None`.
        seeds: Trainings per cell, with `base.seed` and the ones after it.
        jobs: Processes; they share the processor's cores.
        networks: Networks per figure in an evaluation.
        effort: How long to train them. Those that the refiner does not change are trained once.
        images: Measure on the first so many images of each kind; on all of them if `None`.

    Raises:
        UserError: If a process dies. What was finished stays.
    """
    folder = Path(folder)
    changed = {name: base.replace(**cell.changes) for name, cell in (cells or ABLATION).items()}
    configs = {
        folder / name / f"seed{seed}": config.replace(seed=seed)
        for seed in range(base.seed, base.seed + seeds)
        for name, config in changed.items()
        if name == "baseline" or config != base
    }
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # Forking beside a backend's threads may hang, so every process starts afresh.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start_worker, (threads, data)) as pool:
        futures = {
            pool.submit(_run_cell, path, config, networks, effort, images, folder / ".cache"): path
            for path, config in configs.items()
        }
        try:
            _show_progress(futures, configs)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _show_progress(futures: dict[Future, Path], configs: dict[Path, Config]) -> None:
    total = sum(config.iterations for config in configs.values())
    with tqdm(total=total, desc="rounds of all cells", unit="round") as bar:
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=2, return_when=FIRST_COMPLETED)
            bar.update(sum(_rounds(path) for path in configs) - bar.n)
            for future in finished:
                try:
                    bar.write(f"{futures[future]}: {future.result()}")
                except BrokenProcessPool:
                    raise UserError(
                        f"A process died while {futures[future]} was in work; out of memory, "
                        "perhaps. Finished runs are kept: run the same command again to go on, "
                        "with a smaller --jobs if it was memory."
                    ) from None


def _rounds(path: Path) -> int:
    try:
        lines = (path / "metrics.csv").read_text().splitlines()
    except FileNotFoundError:
        return 0
    phase, iteration, *_ = lines[-1].split(",")
    return int(iteration) if phase == "adversarial" else 0


def _start_worker(threads: int, data: GazeData) -> None:
    global _data
    _data = data
    # A worker whose parent was killed would train on unseen. What it has saved stays.
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)


def _leave_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _run_cell(path: Path, config: Config, networks: int, effort, images, cache: Path) -> str:
    from simgan_lib import runs, training
    from simgan_lib.evaluation import gaze
    from simgan_lib.evaluation import report as evaluation

    if not (path / "evaluation.json").exists() or runs.Run(path).evaluation is None:
        model = training.train(_data, config, path, resume=True, progress=False)
        if model.done != model.planned:
            return "stopped; run the same command again to go on"
        effort = dataclasses.replace(effort or gaze.Effort(), cache=cache)
        evaluation.evaluate(runs.Run(path), _data, networks, effort, images=images, progress=False)
    return evaluation.headline(runs.Run(path).evaluation)
