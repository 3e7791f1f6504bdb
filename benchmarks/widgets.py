"""How long every widget takes to answer a control: the target is 150 ms.

    python benchmarks/widgets.py [MOVES]

A move is timed in the kernel: new pixels, the figure drawn, the PNG packed. The page adds the way
to the browser. The dashboard has buttons alone: its redraw is timed.
"""

import gc
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import psutil
from ipywidgets import FloatText, Widget
from matplotlib.figure import Figure

from simgan_lib import reference_run
from simgan_lib.notebook import REPOSITORY, widgets

TARGET_MS = 150


def values(control: Widget) -> list:
    """Returns values through a control's range, or its options."""
    if hasattr(control, "options"):
        return [value[1] if isinstance(value, tuple) else value for value in control.options]
    if isinstance(control, FloatText):
        return np.geomspace(0.01, 100, 20).tolist()
    steps = np.linspace(control.min, control.max, 20)
    return [type(control.value)(value) for value in steps]


def mover(*controls: Widget) -> Callable[[], None]:
    """Returns a function whose calls move one control after the other, each through its range."""
    steps = cycle([(control, value) for control in controls for value in values(control)])

    def move():
        control, value = next(steps)
        control.value = value

    return move


def moves() -> dict[str, Callable[[], None]]:
    """Returns what moves each widget, by its name."""
    best = reference_run("best")
    panel = widgets.HyperparameterPanel()
    board = widgets.TrainingDashboard.attach(best.folder, interval=1e9)
    noise = np.random.default_rng(0).integers(0, 256, (5_000, 35, 55), "uint8")
    turing = widgets.TuringTest(noise, noise, pairs=5_000)
    return {
        "EyeExplorer": mover(*widgets.EyeExplorer().controls.values()),
        "HyperparameterPanel": mover(*(panel.controls[n] for n in ("lambda_mean", "precision"))),
        "TrainingDashboard": board.redraw,
        "RunReplay": mover(widgets.RunReplay(best).slider),
        "BeforeAfter": mover(widgets.BeforeAfter(best).slider),
        "LambdaExplorer": mover(widgets.LambdaExplorer(REPOSITORY / "runs" / "ablation").slider),
        "TuringTest": lambda: turing.answer(0),
    }


def figures() -> int:
    """Counts the figures that are alive."""
    gc.collect()
    return sum(isinstance(thing, Figure) for thing in gc.get_objects())


def measure(move: Callable[[], None], count: int) -> tuple[float, float, int, float]:
    """Returns the median and the 95th percentile in ms, new figures, and MiB that stay."""
    for _ in range(10):  # whatever is made once and kept
        move()
    before, memory, milliseconds = figures(), psutil.Process().memory_info().rss, []
    for _ in range(count):
        start = time.perf_counter()
        move()
        milliseconds.append(1000 * (time.perf_counter() - start))
    grown = (psutil.Process().memory_info().rss - memory) / 2**20
    return *np.percentile(milliseconds, [50, 95]), figures() - before, grown


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{count} moves of each; target {TARGET_MS} ms\n")
    print("| widget | median, ms | p95, ms | new figures | more memory, MiB |")
    print("|---|---|---|---|---|")
    for name, move in moves().items():
        median, p95, new, grown = measure(move, count)
        print(f"| {name} | {median:.0f} | {p95:.0f} | {new} | {grown:.1f} |", flush=True)


if __name__ == "__main__":
    main()
