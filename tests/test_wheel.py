"""The wheel, in an environment that has the packages it needs, and no checkout."""

import os
import re
import shutil
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import jupytext
import pytest

import notebooks as tool

ROOT = Path(__file__).parent.parent
SOURCES = ["simgan_lib", "simgan_exercises", "runs", "docs/models.md", "pyproject.toml"]
SOURCES += ["setup.py", "README.md", "LICENSE"]


def build(folder, repository=""):
    """Builds the wheel from a copy, as setuptools leaves its own folders in what it builds."""
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    project = folder / "pyproject.toml"
    project.write_text(tool.SETTING.sub(f'repository = "{repository}"', project.read_text()))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--wheel-dir", folder / "dist", folder], check=True)
    (wheel,) = folder.glob("dist/*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def run(python, wheel, tmp_path_factory):
    """Runs code in a new folder, after the set-up cell has found the wheel beside the notebook."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copy(wheel, folder)
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SIMGAN_HOME")}

    def run(code):
        done = subprocess.run(
            [python, "-c", f"{tool.SETUP_CELL}\n{code}"],
            cwd=folder,
            env=kept | {"SIMGAN_PRESET": "smoke", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run.folder = folder
    return run


def test_the_setup_cell_installs_it_and_its_refiners_open(run, python):
    said = run("""
import numpy as np, simgan_lib
eyes = np.zeros((2, 35, 55), "uint8")
for name in ("best", "closest"):
    print(simgan_lib.refine(simgan_lib.pretrained_refiner(name), eyes).shape)
try:
    simgan_lib.reference_run("failures/baseline/seed0")
except simgan_lib.runs.RunError as error:
    print(error)
print(simgan_lib.__file__)""")
    assert said.count("(2, 35, 55)") == 2
    assert "There are: ablation/baseline/seed0, " in said
    assert "all others are in the course's zip" in said
    assert Path(said.splitlines()[-1]).is_relative_to(python.parent.parent)


def test_notebook_00_runs_and_writes_into_its_own_folder_alone(run, python):
    run("import simgan_lib")  # so that it is installed
    (library,) = python.parent.parent.glob("lib/python*/site-packages/simgan_lib")
    before = sorted(library.rglob("*"))
    run("""
import numpy as np, simgan_lib
from pathlib import Path
from simgan_lib.data import make_simulated
make_simulated("data/simulated", 320, 320, 100)  # as start would, and many more""")
    cells = jupytext.read(ROOT / "notebooks" / "source" / "00_quickstart.py").cells
    run("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    assert (run.folder / "runs" / "live" / "quickstart-1" / "refiner.keras").exists()
    assert (run.folder / "runs" / "best" / "snapshots.h5").exists()
    assert sorted(library.rglob("*")) == before


def test_the_wheel_is_small_and_carries_the_cards(wheel):
    assert wheel.stat().st_size < 6e6
    with ZipFile(wheel) as archive:
        assert archive.read("simgan_lib/reference/models.md").startswith(b"# Model cards")
        assert not [name for name in archive.namelist() if name.startswith(("tests", "tools"))]


@pytest.mark.parametrize("repository", ["", "ada/simgan"])
def test_readme_stands_alone_on_a_package_index(wheel, tmp_path, repository):
    markdown = pytest.importorskip("readme_renderer.markdown")
    with ZipFile(build(tmp_path, repository) if repository else wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        about = message_from_string(archive.read(name).decode())
    html = markdown.render(about.get_payload())
    assert re.search("<h1[^>]*>Learn SimGAN", html)
    targets = re.findall(r'(?:href|src)="([^"#][^"]*)"', html)
    assert all(target.startswith("https://") for target in targets), targets
    picture = "https://github.com/ada/simgan/raw/main/docs/before_after.png"
    page = "https://github.com/ada/simgan/blob/main/docs/own-method.md"
    assert ({picture, page} <= set(targets)) == bool(repository)
    assert bool(about.get_all("Project-URL")) == bool(repository)
