"""The first cells of every notebook, where there is nothing but the notebook."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import notebooks as tool
from simgan_lib import dependencies

ROOT = Path(__file__).parent.parent
COURSE = ["simgan_lib", "simgan_exercises", "pyproject.toml", "README.md", "LICENSE"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "simgan-main"
    for name in COURSE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        folder.mkdir(exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


def open_notebook(python, folder, repository="", before="", **environment):
    """Runs the cells in a folder; returns where the library comes from, and what was said."""
    cells = tool.CELL.sub(f'REPOSITORY = "{repository}"', tool.SETUP_CELL)
    code = f"{before}\n{cells}\nimport simgan_lib, simgan_exercises\nprint(simgan_lib.__file__)"
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


def test_an_uploaded_wheel(python, course, tmp_path):
    wheel = tmp_path / "simgan_lib-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("simgan_lib", "simgan_exercises"):
            for path in (course / name).rglob("*.py"):
                archive.write(path, path.relative_to(course))
        information = "simgan_lib-0.1.0.dist-info"
        archive.writestr(
            f"{information}/METADATA", "Metadata-Version: 2.1\nName: simgan_lib\nVersion: 0.1.0\n"
        )
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", "")
    found, said = open_notebook(python, tmp_path)
    assert found.is_relative_to(python.parent.parent), said
    for installed in found.parent.parent.glob("simgan*"):
        shutil.rmtree(installed)  # as other tests use this environment


def test_colab_asks_for_an_upload(python, course, tmp_path):
    shutil.make_archive(tmp_path / "elsewhere" / "simgan", "zip", course.parent)
    # As Colab's: the file that the reader picks lies in the current folder afterwards.
    before = """import shutil, sys, types
files = types.SimpleNamespace(upload=lambda: shutil.copy("../elsewhere/simgan.zip", "."))
sys.modules["google.colab"] = types.SimpleNamespace(files=files)"""
    (tmp_path / "content").mkdir()
    found, said = open_notebook(python, tmp_path / "content", before=before)
    assert found.is_relative_to(tmp_path / "content"), said


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
    (tmp_path / "simgan.part" / "simgan_lib").mkdir(parents=True)  # a clone that was cut short
    (tmp_path / "simgan.part" / "simgan_lib" / "__init__.py").touch()
    for _ in range(2):
        found, said = open_notebook(python, tmp_path, f"file://{course}")
        assert found.is_relative_to(tmp_path / "simgan"), said
    other = tmp_path / "other"
    other.mkdir()
    found, said = open_notebook(python, other, SIMGAN_REPOSITORY=f"file://{course}")
    assert found.is_relative_to(other)


def test_a_repository_of_another_project_is_refused(python, tmp_path):
    other = tmp_path / "other"
    git = ["git", "-C", other, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", other], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "empty"], check=True)
    found, said = open_notebook(python, tmp_path, f"file://{other}")
    assert found is None
    assert "another project" in said
    assert not (tmp_path / "simgan").exists()


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


def test_a_package_that_cannot_be_installed_is_one_sentence(python, course, tmp_path):
    shutil.copytree(course, tmp_path / "simgan")
    project = tmp_path / "simgan" / "pyproject.toml"
    project.write_text(project.read_text().replace('"tqdm>=', '"no-such-package-of-ours>='))
    found, said = open_notebook(python, tmp_path, PIP_NO_INDEX="1")
    assert found is None
    assert "no-such-package-of-ours" in said
    assert "restart the kernel" in said


@pytest.mark.parametrize(
    ("installed", "bound", "enough"),
    [("2.0", "2.0", True), ("2.10.1", "2.9", True), ("1.26.4", "2.0", False), (None, "1", False)],
)
def test_what_is_installed_is_compared_with_its_lower_bound(monkeypatch, installed, bound, enough):
    def version(name):
        if installed is None:
            raise dependencies.importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(dependencies.importlib.metadata, "version", version)
    assert dependencies.satisfied(f"package>={bound}") is enough
