"""Reading a 50,000-image file in Kaggle's layout, against `np.stack`."""

import json
import sys
from pathlib import Path

from benchmarks.commands import data_folder
from benchmarks.workers import Turns, alternate, median, ratio, started


def stack(path: Path):
    """The usual way: every image, then one array."""
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        return np.stack([image[()] for image in file["image"].values()])


def read(path: Path):
    """Our way."""
    from simgan_lib.data import read_images

    return read_images(path, progress=False).images


def measure(smoke: bool = False) -> dict:
    """Reads a file in turn by `np.stack` and by us.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Seconds of each, and how many times faster than `np.stack` we are.
    """
    with data_folder(smoke) as folder:
        names = ("stack", "first")
        workers = {n: ("loading", {"how": n, "path": str(folder / "gaze.h5")}) for n in names}
        with started(workers) as running:
            reports = alternate(running, turns=2 if smoke else 5)
    return {
        "seconds": {name: median(reports[name]) for name in names},
        "speedup_first": ratio(reports["stack"], reports["first"])["median"],
    }


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    how, path = options["how"], Path(options["path"])
    call = {"stack": stack, "first": read}[how]
    # Nothing is reported of the images, and nothing kept.
    Turns().serve(lambda: (call(path), None)[1])
