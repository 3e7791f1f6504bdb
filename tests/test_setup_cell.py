"""The first cell of every notebook, where there is nothing but the notebook."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import notebooks as tool

ROOT = Path(__file__).parent.parent
COURSE = ["simgan_lib", "simgan_exercises", "pyproject.toml", "README.md", "LICENSE"]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An environment as on Colab: all packages are installed, the course is not."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (library,) = folder.glob("lib/python*/site-packages")
    (library / "preinstalled.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "simgan-main"
    for name in COURSE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        folder.mkdir(exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


def open_notebook(python, folder, repository="", **environment):
    """Runs the cell in a folder; returns where the library comes from, and what was said."""
    cell = tool.CELL.sub(f'REPOSITORY = "{repository}"', tool.SETUP_CELL)
    code = f"{cell}\nimport simgan_lib, simgan_exercises\nprint(simgan_lib.__file__)"
    done = subprocess.run(
        [python, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return (Path(done.stdout.split()[-1]) if done.stdout else None), done.stderr


def test_an_uploaded_zip(python, course, tmp_path):
    shutil.make_archive(tmp_path / "simgan-main", "zip", course.parent)
    for _ in range(2):  # to run it again is harmless
        found, said = open_notebook(python, tmp_path)
        assert found.is_relative_to(tmp_path), said
    (tmp_path / "simgan-main.zip").write_bytes(b"half of a zip")
    shutil.rmtree(tmp_path / "simgan-main")
    assert "upload it again" in open_notebook(python, tmp_path)[1]


def test_a_folder_around_or_beside_the_notebook(python, course, tmp_path):
    (course / "notebooks" / "solutions").mkdir(parents=True, exist_ok=True)
    for folder in (course / "notebooks", course / "notebooks" / "solutions"):
        assert open_notebook(python, folder)[0].is_relative_to(course)
    shutil.copytree(course, tmp_path / "simgan")
    assert open_notebook(python, tmp_path)[0].is_relative_to(tmp_path)


def test_a_repository_is_cloned_whole_or_not_at_all(python, course, tmp_path):
    git = ["git", "-C", course, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "course"], check=True)
    (tmp_path / "simgan.part" / ".git").mkdir(parents=True)  # a clone that was cut short
    for _ in range(2):
        found, said = open_notebook(python, tmp_path, f"file://{course}")
        assert found.is_relative_to(tmp_path / "simgan"), said
    other = tmp_path / "other"
    other.mkdir()
    found, said = open_notebook(python, other, SIMGAN_REPOSITORY=f"file://{course}")
    assert found.is_relative_to(other)


@pytest.mark.parametrize(
    ("repository", "says"),
    [
        ("", "make lab"),
        ("file:///nowhere/at/all", "cannot be cloned"),
        ("https://no-such-host.invalid/a/b", "no network"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(python, tmp_path, repository, says):
    found, said = open_notebook(python, tmp_path, repository)
    assert found is None
    assert says in said
    assert not (tmp_path / "simgan").exists()


def test_nothing_that_is_installed_changes(python, course, tmp_path):
    (library,) = python.parent.parent.glob("lib/python*/site-packages")
    before = sorted(library.iterdir())
    shutil.copytree(course, tmp_path / "simgan")
    open_notebook(python, tmp_path)
    assert sorted(library.iterdir()) == before
