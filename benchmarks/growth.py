"""How the time of a round grows with the batch, the images and the filters, and where it bends."""

import dataclasses

from benchmarks.problem import Problem
from benchmarks.workers import alternate, median, ratio, started

# One thing changed at a time from BASE. Large images take a small batch, to fit into memory.
BASE = Problem(discriminator_updates=2, images=512)
AXES = {
    "batch": [{"batch": batch} for batch in (8, 16, 32, 64, 128, 256)],
    "pixels": [
        {"batch": 8, "height": height, "width": width, "images": 64}
        for height, width in ((35, 55), (56, 56), (70, 110), (112, 112), (160, 160), (224, 224))
    ],
    "filters": [{"filters": filters} for filters in (16, 32, 48, 64, 96, 128)],
}
TINY = {"batch": 4, "height": 12, "width": 16, "filters": 8, "images": 16}


def measure(smoke: bool = False) -> dict:
    """Times rounds of many sizes, each in turn with the ceiling.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        By axis, a list of points: the problem, its operations, seconds, and the fraction of the
        ceiling. All in the precision that `auto` picks.
    """
    axes = {"batch": [TINY]} if smoke else AXES
    product = {"sizes": [64], "seconds": 0.01} if smoke else {}
    with started({"tiny": ("cpu_round", {"precision": "auto", **TINY})}) as running:
        # The same in all points, whatever a later probe might say.
        precision = running["tiny"].about["precision"]
    with started({"ceiling": ("ceiling", {"dtype": precision, **product})}) as ceiling:
        points = {
            axis: [
                _point(change, precision, ceiling, turns=2 if smoke else 5) for change in changes
            ]
            for axis, changes in axes.items()
        }
    return {"precision": precision, "axes": points}


def draw(result: dict):
    """Draws the curves.

    Args:
        result: What `measure` returned.

    Returns:
        A Matplotlib figure: time over size above, fraction of the ceiling below.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 5.0), dpi=100, layout="constrained")
    axes = figure.subplots(2, len(result["axes"]), squeeze=False, sharex="col", sharey="row")
    for column, (name, points) in enumerate(result["axes"].items()):
        sizes = [_size(name, point["problem"]) for point in points]
        time, fraction = axes[:, column]
        seconds = [point["seconds"] for point in points]
        time.loglog(sizes, seconds, "o-", label="measured")
        work = [point["operations"] / points[-1]["operations"] * seconds[-1] for point in points]
        time.loglog(sizes, work, ":", color="gray", label="as the operations grow")
        fraction.semilogx(sizes, [point["ceiling_fraction"] for point in points], "o-")
        fraction.set_xlabel(
            {"batch": "batch", "pixels": "pixels an image (batch 8)"}.get(name, name)
        )
        fraction.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize="x-small", rotation=45)
        fraction.minorticks_off()
        for axis in (time, fraction):
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("seconds a round (1 R + 2 D)")
    axes[1, 0].set_ylabel(f"of the {result['precision']} ceiling")
    axes[1, 0].set_ylim(0)
    axes[0, 0].legend(fontsize="small")
    return figure


def _point(change, precision, ceiling, turns):
    problem = dataclasses.asdict(dataclasses.replace(BASE, **change))
    workers = {"round": ("cpu_round", {"precision": precision, **problem})}
    with started(workers) as running:
        reports = alternate({**running, **ceiling}, turns)
        operations = running["round"].about["operations"]["round"]
    rates = [{"rate": operations / report["seconds"]} for report in reports["round"]]
    return {
        "problem": problem,
        "operations": operations,
        "seconds": median(reports["round"]),
        "ceiling_fraction": ratio(rates, reports["ceiling"], "rate")["median"],
    }


def _size(axis, problem):
    return problem["height"] * problem["width"] if axis == "pixels" else problem[axis]
