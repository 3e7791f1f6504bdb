"""Refining images: `simgan_lib.refine` against the ceiling, and `simgan refine` of 50,000."""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.commands import data_folder, run
from benchmarks.problem import Problem
from benchmarks.workers import ROOT, Turns, alternate, median, ratio, started

RUN = ROOT / "runs" / "best"


def measure(smoke: bool = False) -> dict:
    """Refines in turn with a float32 matrix product; then the whole command, once.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Images a second, the fraction of the ceiling, and the command's seconds and peak memory.
    """
    count, products = (64, {"sizes": [64], "seconds": 0.01}) if smoke else (2048, {})
    workers = {"ours": ("refine", {"count": count})}
    workers["ceiling"] = ("ceiling", {"dtype": "float32", **products})
    with started(workers) as running:
        operations = running["ours"].about["operations"]
        reports = alternate(running, turns=2 if smoke else 7)
    rates = [{"rate": count * operations / r["seconds"]} for r in reports["ours"]]
    with data_folder(smoke) as data, tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "refined.h5")
        command = run("-m", "simgan_lib", "refine", "--run", RUN, data / "gaze.h5", target)
    return {
        "images_per_second": count / median(reports["ours"]),
        "ceiling_fraction": ratio(rates, reports["ceiling"], "rate")["median"],
        "command_s": command.seconds,
        "command_peak_gib": command.peak_bytes / 2**30,
    }


if __name__ == "__main__":
    from benchmarks.operations import forward
    from simgan_lib.models import refine as refine_images
    from simgan_lib.runs import Run

    options = json.loads(sys.argv[1])
    refiner, images = Run(RUN).refiner(), Problem(images=options["count"]).data()[0]

    def work():
        """Refines."""
        refine_images(refiner, images)

    Turns(operations=sum(forward(refiner))).serve(work)
