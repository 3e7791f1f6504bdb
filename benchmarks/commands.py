"""Runs the course's own commands as a user would, and watches them from outside."""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from benchmarks.workers import ROOT

SYNTHETIC, REAL = 50_000, 34_100  # The report's.


@dataclass
class Ended:
    """A command that has ended.

    Args:
        seconds: From start to end.
        peak_bytes: Largest resident memory.
        marks: Seconds at which each of the awaited words first appeared.
        output: What it printed, both streams.
    """

    seconds: float
    peak_bytes: int
    marks: dict[str, float]
    output: str


def run(*command: str, marks: tuple[str, ...] = ()) -> Ended:
    """Runs a Python command to its end.

    Args:
        *command: Arguments for the interpreter, such as `"-m", "simgan_lib", "fields"`.
        marks: Regular expressions to wait for in its output.

    Returns:
        What was seen.

    Raises:
        RuntimeError: If it fails; the message holds what it printed.
    """
    start, seen, output = time.perf_counter(), {}, ""
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
            if mark not in seen and re.search(mark, output):
                seen[mark] = time.perf_counter() - start
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{output}")
    return Ended(seconds, usage.ru_maxrss * 1024, seen, output)


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


def settings(smoke: bool, iterations: int, preset: str) -> list[str]:
    """Returns the options of `simgan train` for a few rounds and nothing before them."""
    found = {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0}
    found |= {"iterations": iterations, "log_every": 1}
    if smoke:
        found |= {"batch_size": 4, "filters": 8, "discriminator_updates": 1}
    changes = [f"--set={name}={value}" for name, value in found.items()]
    return ["--preset", preset, *changes]


def train(data: Path, *options: str, marks: tuple[str, ...] = ()) -> Ended:
    """Runs `simgan train` into a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--run", Path(folder, "run"), "--data", data, *options]
        return run("-m", "simgan_lib", "train", *arguments, marks=marks)
