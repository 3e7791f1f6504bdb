"""What a user waits for: memory, start, loading, drawing, and the size of the installation."""

import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from benchmarks.workers import ROOT, ratio

SYNTHETIC, REAL = 50_000, 34_100  # The report's.
# The progress bar after the first round.
FIRST_ROUND = r"\b1/1 \[[^\]]*round"


def run(*command: str, marks: tuple[str, ...] = ()) -> dict:
    """Runs a Python command to its end and watches it from outside.

    Args:
        *command: Arguments for the interpreter, such as `"-m", "simgan_lib", "fields"`.
        marks: Regular expressions to wait for in its output.

    Returns:
        `seconds` from start to end, `peak_gib` of memory, and the seconds at which each mark first
        appeared.

    Raises:
        RuntimeError: If it fails; the message holds what it printed.
    """
    start, found, output = time.perf_counter(), {}, ""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
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
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{output}")
    return {
        "seconds": time.perf_counter() - start,
        "peak_gib": usage.ru_maxrss / 2**20,
        **found,
    }


@contextmanager
def data_folder(smoke: bool = False):
    """Makes a folder in Kaggle's layout, of noise: a group with a data set for each picture."""
    counts = (200, 100) if smoke else (SYNTHETIC, REAL)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for name, count in zip(("gaze.h5", "real_gaze.h5"), counts, strict=True):
            with h5py.File(Path(folder, name), "w") as file:
                for number in range(count):
                    file[f"image/{number}"] = rng.integers(0, 256, (35, 55), "uint8")
                if name == "gaze.h5":
                    look = rng.normal(size=(count, 3))
                    file["look_vec"] = look / np.linalg.norm(look, axis=1, keepdims=True)
        yield Path(folder)


def train(data: Path, smoke: bool, preset: str, rounds: int, marks: tuple[str, ...] = ()) -> dict:
    """Runs `simgan train` for a few rounds, without pre-training, into a folder that goes away."""
    fields = {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0}
    fields |= {"iterations": rounds, "log_every": 1}
    if smoke:
        fields |= {"batch_size": 4, "filters": 8, "discriminator_updates": 1}
    changes = [f"--set={name}={value}" for name, value in fields.items()]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--run", Path(folder, "run"), "--data", data, "--preset", preset, *changes]
        return run("-m", "simgan_lib", "train", *options, marks=marks)


def memory(smoke: bool = False) -> dict:
    """Trains with the report's 50,000 + 34,100 images, read from Kaggle's layout."""
    with data_folder(smoke) as data:
        return {"peak_gib": train(data, smoke, "report", 6)["peak_gib"]}


def startup(smoke: bool = False) -> dict:
    """Times `simgan train` to its first round, and what an import costs."""
    seconds = {}
    with data_folder(smoke) as data:
        train(data, smoke, "long", 1)  # brings the files into memory
        for _ in range(1 if smoke else 5):
            found = train(data, smoke, "long", 1, marks=(FIRST_ROUND,))
            turn = {"first_round_ends_s": found[FIRST_ROUND]}
            turn["import_tensorflow_s"] = run("-c", "import tensorflow")["seconds"]
            turn["import_simgan_lib_s"] = run("-c", "import simgan_lib")["seconds"]
            for name, value in turn.items():
                seconds.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in seconds.items()}


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
        seconds = _in_turn({"stack": stack, "ours": ours}, 2 if smoke else 5)
    return {
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "speedup": ratio(seconds["stack"], seconds["ours"]),
    }


def simulator(smoke: bool = False) -> dict:
    """Counts the eyes that the simulator draws in a second; the slower style counts."""
    from simgan_lib.data.simulator import STYLES, simulate

    count = 128 if smoke else 4096
    calls = {style: lambda style=style: simulate(count, style) for style in STYLES}
    seconds = _in_turn(calls, 2 if smoke else 5)
    rates = {style: count / statistics.median(values) for style, values in seconds.items()}
    return {**rates, "images_per_second": min(rates.values())}


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


def _in_turn(calls, turns):
    """Seconds of each call, by name, in turn."""
    seconds = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds
