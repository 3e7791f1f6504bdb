"""What a user waits for or needs: quickstart, memory, start, loading, drawing, and disk."""

import importlib.metadata
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from benchmarks.rounds import SHAPE
from benchmarks.workers import ROOT, alternate, medians, ratio, timed

SYNTHETIC, REAL = 50_000, 34_100  # The report's.
# The progress bar after the first round.
FIRST_ROUND = r"\b1/1 \[[^\]]*round"
# What `make quickstart` prints at the end of each part.
QUICKSTART = {
    "installing": r"simgan quickstart\n",
    "drawing": r"Starting the backend",
    "training, to the first picture": r"before_after\.png",
    "measuring": r"evaluation\.png",
}


def run(*command, marks: tuple[str, ...] = (), folder: Path = ROOT) -> dict:
    """Runs a command to its end and watches it from outside.

    Args:
        *command: The program and its arguments.
        marks: Regular expressions to wait for in its output.
        folder: Where to run it.

    Returns:
        `seconds` from start to end, `peak_gib` of memory, and the seconds at which each mark first
        appeared.

    Raises:
        RuntimeError: If it fails; the message holds what it printed.
    """
    start, found, output = time.perf_counter(), {}, ""
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    # Not by line: a progress bar writes none.
    while block := os.read(process.stdout.fileno(), 65536):
        output += block.decode(errors="replace")
        for mark in marks:
            if mark not in found and re.search(mark, output):
                found[mark] = time.perf_counter() - start
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(process.args)} failed:\n{output}")
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_gib": usage.ru_maxrss / 2**20, **found}


@contextmanager
def data_folder(smoke: bool = False):
    """Makes a folder in Kaggle's layout, of noise: a group with a data set for each picture."""
    counts = (200, 100) if smoke else (SYNTHETIC, REAL)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for name, count in zip(("gaze.h5", "real_gaze.h5"), counts, strict=True):
            with h5py.File(Path(folder, name), "w") as file:
                for number in range(count):
                    file[f"image/{number}"] = rng.integers(0, 256, SHAPE, "uint8")
                if name == "gaze.h5":
                    look = rng.normal(size=(count, 3))
                    file["look_vec"] = look / np.linalg.norm(look, axis=1, keepdims=True)
        yield Path(folder)


def train(data: Path, preset: str, rounds: int, marks: tuple[str, ...] = ()) -> dict:
    """Runs `simgan train` for a few rounds, without pre-training, into a folder that goes away."""
    fields = {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0}
    fields |= {"iterations": rounds, "log_every": 1}
    changes = [f"--set={name}={value}" for name, value in fields.items()]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--run", Path(folder, "run"), "--data", data, "--preset", preset, *changes]
        return run(sys.executable, "-m", "simgan_lib", "train", *options, marks=marks)


def memory(smoke: bool = False) -> dict:
    """Trains with the report's 50,000 + 34,100 images, read from Kaggle's layout."""
    with data_folder(smoke) as data:
        return {"peak_gib": train(data, "smoke" if smoke else "report", 6)["peak_gib"]}


def startup(smoke: bool = False) -> dict:
    """Times `simgan train` to its first round, and what an import costs."""

    def first_round():
        return train(data, "smoke" if smoke else "long", 1, marks=(FIRST_ROUND,))[FIRST_ROUND]

    def importing(module):
        return run(sys.executable, "-c", f"import {module}")["seconds"]

    with data_folder(smoke) as data:
        calls = {
            "first_round_ends_s": first_round,
            "import_tensorflow_s": lambda: importing("tensorflow"),
            "import_simgan_lib_s": lambda: importing("simgan_lib"),
        }
        return medians(alternate(calls, 1 if smoke else 5))


def loading(smoke: bool = False) -> dict:
    """Reads a file in Kaggle's layout, in turn by `np.stack` and by us."""
    from simgan_lib.data import read_images

    def stack():
        with h5py.File(path) as file:
            np.stack([image[()] for image in file["image"].values()])

    def ours():
        read_images(path, progress=False)

    with data_folder(smoke) as folder:
        path = folder / "gaze.h5"
        calls = {"stack": lambda: timed(stack), "ours": lambda: timed(ours)}
        seconds = alternate(calls, 1 if smoke else 5)
    return {"seconds": medians(seconds), "speedup": ratio(seconds["stack"], seconds["ours"])}


def simulator(smoke: bool = False) -> dict:
    """Counts the eyes that the simulator draws in a second; the slower style counts."""
    from simgan_lib.data.simulator import STYLES, simulate

    count = 128 if smoke else 4096
    calls = {style: lambda style=style: count / timed(simulate, count, style) for style in STYLES}
    rates = medians(alternate(calls, 1 if smoke else 5))
    return {**rates, "images_per_second": min(rates.values())}


def waiting(smoke: bool = False) -> dict:
    """Times the parts of `make quickstart` in a fresh clone; smoke only lists its commands."""
    with tempfile.TemporaryDirectory() as folder:
        run("git", "clone", ROOT, folder)
        command = ["make", "quickstart", *(["--dry-run"] if smoke else [])]
        found = run(*command, marks=tuple(QUICKSTART.values()), folder=folder)
    ends = {part: found[mark] for part, mark in QUICKSTART.items() if mark in found}
    lengths = [end - begin for begin, end in itertools.pairwise([0, *ends.values()])]
    return {**dict(zip(ends, lengths, strict=True)), "all": found["seconds"]}


def install(smoke: bool = False) -> dict:
    """Adds up what pip installs for `simgan_lib[cpu]`: the files of every package it needs."""
    from packaging.requirements import Requirement

    sizes, needed = {}, [("simgan_lib", "cpu")]
    while needed:
        name, extra = needed.pop()
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if package.name in sizes:
            continue
        files = [file.locate() for file in package.files or ()]
        sizes[package.name] = sum(file.stat().st_size for file in files if file.exists())
        for line in package.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                needed.append((requirement.name, ""))
    return {"gib": sum(sizes.values()) / 2**30, "packages": len(sizes)}
