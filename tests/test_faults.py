"""What a run survives: kills at every write, stop signals, a full disk, damaged and planted files.

`make faults N=20` tries each kind as often as that; the tests try a few. docs/faults.md has the
figures.
"""

import faulthandler
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import fuzz
import h5py
import keras
import numpy as np
import pytest
from drawn_files import labelled, some_images
from test_cli import simgan
from test_training import CONFIG, assert_same_metrics, assert_same_run, make_data

from simgan_lib.config import UserError
from simgan_lib.data import DataError, check, read_images, save_images
from simgan_lib.runs import Run, RunError
from simgan_lib.training import train

TRIES = int(os.environ.get("FAULTS", 2))
MUTATIONS = 113 if TRIES > 2 else 3  # of each of 14 kinds of files
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


def assert_one_line(result, says):
    code, text = result
    assert code == 2, text
    (line,) = [line for line in text.splitlines() if line.startswith("simgan: ")]
    assert says in line


def test_a_full_disk_ends_a_training_with_one_line(tmp_path, mounted, capsys):
    data = ["--root", tmp_path, "--limit", 24, "--preset", "smoke", "--set", "buffer_size=256"]
    result = simgan(capsys, "train", "--run", mounted("size=2m") / "run", *data)
    assert_one_line(result, "free")


def test_a_folder_that_cannot_be_written_is_one_line(mounted, capsys):
    few = ["--synthetic", 4, "--real", 4, "--test", 4]
    result = simgan(capsys, "data", "make", mounted("ro") / "set", *few)
    assert_one_line(result, "Read-only")


def test_two_processes_do_not_make_the_same_data_set(tmp_path, capsys):
    few = ["--synthetic", "4", "--real", "4", "--test", "4"]
    code = f"""
        import sys
        from simgan_lib.data.files import locked
        with locked({str(tmp_path)!r}):
            print("locked", flush=True)
            sys.stdin.read()
    """
    command, pipes = [sys.executable, "-c", textwrap.dedent(code)], {"stdin": -1, "stdout": -1}
    with subprocess.Popen(command, cwd=Path(__file__).parent, **pipes) as other:
        other.stdout.readline()
        result = simgan(capsys, "data", "make", tmp_path, *few)
        assert_one_line(result, "Another process is writing")
        other.kill()
    assert simgan(capsys, "data", "make", tmp_path, *few)[0] == 0


def report(name, found):
    print(f"| {name} | {found['counts']} |")  # With -rP, pytest shows it.
    assert not found["faults"], "\n".join(found["faults"])


@pytest.fixture
def no_hang():
    faulthandler.dump_traceback_later(600, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("make", fuzz.READERS, ids=lambda make: make.__name__)
def test_damaged_data_is_read_right_or_refused(tmp_path, make):
    report(make.__name__, fuzz.fuzz_reader(make, tmp_path, MUTATIONS))


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("name", fuzz.RUN)
def test_damaged_runs_are_read_right_or_refused(tmp_path, name):
    report(name, fuzz.fuzz_run(name, tmp_path, MUTATIONS))


# Planted files: a stranger's data set or run must not run code, nor show other files.


def outside(file, other):
    file.create_dataset("image", (2, 10, 10), "u1", external=[(str(other), 0, 200)])


def linked(file, other):
    file["image"] = h5py.ExternalLink(str(other), "image")


def virtual(file, other):
    layout = h5py.VirtualLayout((12, 35, 55), "u1")
    layout[:] = h5py.VirtualSource(str(other), "image", (12, 35, 55))
    file.create_virtual_dataset("image", layout)


def outside_in_a_group(file, other):
    file["image/0"] = some_images(1)[0]
    file["image"].create_dataset("1", (35, 55), "u1", external=[(str(other), 0, 1925)])


def linked_in_a_group(file, other):
    file["image/0"] = some_images(1)[0]
    file["image/1"] = h5py.ExternalLink(str(other), "image")


def labels_outside(file, other):
    file["image/0"] = some_images(1)[0]
    file.create_dataset("look_vec", (1, 3), "f8", external=[(str(other), 0, 24)])


PLANTED = (outside, linked, virtual, outside_in_a_group, linked_in_a_group, labels_outside)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_data_file_shows_no_other_file(tmp_path, plant):
    save_images(tmp_path / "secret.h5", labelled())
    with h5py.File(tmp_path / "planted.h5", "w") as file:
        plant(file, tmp_path / "secret.h5")
    with pytest.raises(DataError, match=r"planted\.h5"):
        read_images(tmp_path / "planted.h5")


def test_snapshots_show_no_other_file(tmp_path):
    fuzz.run(tmp_path)
    with h5py.File(tmp_path / "snapshots.h5", "w") as file:
        file.create_dataset("synthetic", (9,), "u1", external=[(str(tmp_path / "x"), 0, 9)])
    with pytest.raises(UserError, match="data of other files"):
        Run(tmp_path).snapshots  # noqa: B018


@pytest.mark.parametrize("options", [{}, {"chunks": (256, 35, 55), "compression": "gzip"}])
def test_a_small_file_that_declares_much_is_refused(tmp_path, options):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image", (10**7, 35, 55), "u1", **options)
    with pytest.raises(DataError, match="declares 19250 MB"):
        read_images(tmp_path / "a.h5")


def test_what_steers_a_terminal_is_escaped_and_long_text_is_cut(tmp_path):
    save_images(tmp_path / "a.h5", labelled())
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["source"] = "\x1b[2J\x1b]0;title\x07" + "A" * 10**4
    assert all(line.isprintable() and len(line) < 900 for line in check(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["\x1b[2J" + "B" * 10**4] = 1
    with pytest.raises(DataError, match=r"\\x1b\[2JBBB.* BBB") as error:
        read_images(tmp_path / "b.h5")
    assert len(str(error.value)) < 700


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "a.h5")
    for path in (tmp_path / "a.h5", Path("/dev/zero")):
        with pytest.raises(DataError, match="a pipe or a device"):
            read_images(path)
    fuzz.run(tmp_path)
    (tmp_path / "metrics.csv").unlink()
    os.mkfifo(tmp_path / "metrics.csv")
    with pytest.raises(RunError, match="a pipe or a device"):
        Run(tmp_path).metrics  # noqa: B018
    with pytest.raises(DataError, match="There is no file"):
        read_images("x" * 300)


def test_code_in_a_network_is_not_run(tmp_path):
    fuzz.run(tmp_path)
    ran = tmp_path / "ran"
    code = f"lambda x: [x, open({str(ran)!r}, 'w')][0]"
    images = keras.Input((35, 55, 1))
    network = keras.Model(images, keras.layers.Lambda(eval(code), output_shape=(35, 55, 1))(images))
    ran.unlink(missing_ok=True)
    network.save(tmp_path / "refiner.keras")
    with pytest.raises(RunError, match=r"refiner\.keras cannot be loaded"):
        Run(tmp_path).refiner()
    assert not ran.exists()
