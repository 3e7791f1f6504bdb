"""What a run survives: kills at every write, stop signals, a full disk, broken streams.

`make faults N=20` tries each kind as often as that; the tests try a few.
"""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from test_training import CONFIG, assert_same_metrics, assert_same_run, make_data

from simgan_lib.runs import Run
from simgan_lib.training import train

TRIES = int(os.environ.get("FAULTS", 2))
# Everything is written after every round. So there are many moments to be killed at.
EAGER = CONFIG.replace(log_every=1, snapshot_every=1, checkpoint_every=1)


def training(folder, before="", **changes):
    """Starts a training, in another process, after some lines of Python."""
    code = f"""
        import os, signal, sys
        from simgan_lib.config import Config
        from test_training import make_data, train
        {before}
        train(
            make_data(), Config.from_json({EAGER.replace(**changes).to_json()!r}),
            {str(folder)!r}, resume=True,
        )
    """
    return [sys.executable, "-c", textwrap.dedent(code)]


def run(command, **options):
    options = {"stderr": subprocess.PIPE, "text": True} | options
    return subprocess.run(command, cwd=Path(__file__).parent, timeout=300, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(make_data(), EAGER, folder, progress=False)
    return Run(folder)


@pytest.mark.parametrize("seed", range(TRIES))
def test_a_kill_at_any_write_costs_nothing(tmp_path, whole, seed):
    rng = np.random.default_rng(seed)
    # A run of 14 steps replaces about 75 files. The kill comes just before or just after one.
    number, after = int(rng.integers(1, 75)), bool(rng.integers(2))
    before = f"""
        replace, calls = os.replace, []
        def killed(a, b):
            calls.append(a)
            if {after}:
                replace(a, b)
            if len(calls) == {number}:
                os.kill(os.getpid(), signal.SIGKILL)
            if not {after}:
                replace(a, b)
        os.replace = killed
    """
    victim = run(training(tmp_path, textwrap.indent(textwrap.dedent(before), " " * 8).strip()))
    assert victim.returncode == -signal.SIGKILL, victim.stderr
    train(make_data(), EAGER, tmp_path, resume=True, progress=False)
    assert_same_run(whole, Run(tmp_path))
    assert_same_metrics(whole, Run(tmp_path))
    hidden = [path.name for path in tmp_path.rglob(".*")]
    assert hidden == [".lock"], "the killed process's files are gone"


def test_a_training_outlives_its_terminal(tmp_path):
    read, write = os.pipe()
    os.close(read)
    result = run(training(tmp_path), stdout=write, stderr=write)
    os.close(write)
    assert result.returncode == 0
    assert Run(tmp_path).metrics["iteration"].iloc[-1] == EAGER.iterations


@pytest.fixture
def mounted(tmp_path):
    """Mounts a disk of some kind, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options):
        made = run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)])
        if made.returncode:
            pytest.skip(f"no disk can be made here: {made.stderr}")
        return disk

    yield mount
    run(["umount", str(disk)])


def simgan(*arguments):
    return run([sys.executable, "-m", "simgan_lib", *map(str, arguments)])


def assert_one_line(result, says):
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("simgan: ")]
    assert says in line


def test_a_full_disk_ends_a_training_with_one_line(tmp_path, mounted):
    data = ["--root", tmp_path, "--limit", 24, "--preset", "smoke", "--set", "buffer_size=256"]
    result = simgan("train", "--run", mounted("size=2m") / "run", *data)
    assert_one_line(result, "free")


def test_a_folder_that_cannot_be_written_is_one_line(mounted):
    few = ["--synthetic", 4, "--real", 4, "--test", 4]
    result = simgan("data", "make", mounted("ro") / "set", *few)
    assert_one_line(result, "Read-only")
