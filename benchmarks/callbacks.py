"""What the run folder, its snapshots and checkpoints, and the dashboard add to the bare loop."""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.cpu_round import gate_every
from benchmarks.problem import Problem
from benchmarks.workers import Turns, alternate, median, ratio, started


def work(watched: bool, rounds: int, smoke: bool, folder: str) -> None:
    """Trains for ever with the settings of `long`: so many rounds a turn.

    Args:
        watched: Whether everything that a user may attach is attached.
        rounds: Rounds in a turn: a multiple of those between snapshots and checkpoints.
        smoke: Whether the networks are tiny.
        folder: Where the run folder goes.
    """
    from simgan_lib.config import preset
    from simgan_lib.data import GazeData, ImageSet
    from simgan_lib.notebook import dashboard
    from simgan_lib.simgan import SimGAN

    config = preset("smoke" if smoke else "long").replace(
        iterations=10**9, refiner_pretraining_steps=0, discriminator_pretraining_steps=0
    )
    data = GazeData(*(ImageSet(images) for images in Problem().data()))
    gate = gate_every(rounds, Turns())
    if not watched:
        SimGAN(config).train(data.synthetic.images, data.real.images, [gate])
        return
    train = dashboard.train
    dashboard.train = lambda *about, callbacks, **options: train(
        *about, callbacks=[gate, *callbacks], **options
    )
    board = dashboard.TrainingDashboard(data, config, Path(folder, "run"))
    board.start()
    board.wait()


def measure(smoke: bool = False) -> dict:
    """Trains with and without callbacks, in turn.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Seconds of a turn, and what the callbacks add, as a fraction of the bare loop.
    """
    rounds, turns = (6, 2) if smoke else (50, 7)
    with tempfile.TemporaryDirectory() as folder:
        options = {"rounds": rounds, "smoke": smoke, "folder": folder}
        workers = {
            "bare": ("callbacks", {"watched": False, **options}),
            "watched": ("callbacks", {"watched": True, **options}),
        }
        with started(workers) as running:
            reports = alternate(running, turns)
    found = ratio(reports["watched"], reports["bare"])
    return {
        "rounds": rounds,
        "seconds": {name: median(reports[name]) for name in workers},
        "overhead": found["median"] - 1,
        "spread": [found["low"] - 1, found["high"] - 1],
    }


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
