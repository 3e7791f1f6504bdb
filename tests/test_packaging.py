import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import tables
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from repository import CELL, set_repository

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(file="constraints.txt"):
    lines = (ROOT / file).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


# What a pip install on Colab must not replace.
COLAB = {pin.name: str(pin.specifier)[2:] for pin in pins("constraints-colab.txt")}


def requirements():
    # jax-gpu and gpu bring NVIDIA's packages, which CI has no use for.
    extras = [line for name, lines in EXTRAS.items() if "gpu" not in name for line in lines]
    return [Requirement(line) for line in PROJECT["dependencies"] + extras]


def test_constraints_pin_every_dependency_within_its_bounds():
    pinned = {canonicalize_name(pin.name): pin for pin in pins()}
    for requirement in requirements():
        pin = pinned[canonicalize_name(requirement.name)]
        version = re.fullmatch(r"==([\w.]+)", str(pin.specifier))
        assert version, f"{pin} is not an exact version"
        assert requirement.specifier.contains(version[1]), f"{requirement} against {pin}"


def test_bounds_are_lower_ones_and_let_colab_keep_its_packages():
    for requirement in requirements():
        assert {s.operator for s in requirement.specifier} == {">="}, requirement
        name = canonicalize_name(requirement.name)
        if name in COLAB:
            assert requirement.specifier.contains(COLAB[name]), requirement


def test_ci_tests_the_pinned_versions():
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate():
            try:
                installed = importlib.metadata.version(pin.name)
            except importlib.metadata.PackageNotFoundError:
                continue  # for another platform
            assert pin.specifier.contains(installed), f"{pin}, installed {installed}"


def test_conda_environment_agrees():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert "python=3.12" in environment["dependencies"]
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip[0] == "-c constraints.txt"
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", pip[1])[1].split(",")
    assert set(extras) <= set(EXTRAS)
    assert len(pip) == 2, "everything else comes from pyproject.toml"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="oneDNN is tried on x86 only")
@pytest.mark.parametrize(("chosen", "enabled"), [(None, "True"), ("0", "False")])
def test_tensorflow_starts_with_onednn_unless_the_user_says_otherwise(chosen, enabled):
    code = "import simgan_lib, tensorflow; from tensorflow.python.util import _pywrap_util_port\n"
    code += "print(_pywrap_util_port.IsMklEnabled())"
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": chosen} if chosen else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == enabled


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    marked = "<!-- colab:notebooks/00_quickstart.ipynb --><!-- /colab -->"
    cells = [nbformat.v4.new_markdown_cell(marked), nbformat.v4.new_code_cell('REPOSITORY = ""')]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "00_quickstart.ipynb"
    )
    return tmp_path


def test_badges_appear_move_and_go(checkout):
    notebook = checkout / "notebooks" / "00_quickstart.ipynb"
    before = notebook.read_text()
    assert notebook in set_repository(checkout, "ada/simgan")
    text, cell = (cell.source for cell in nbformat.read(notebook, 4).cells)
    assert "colab.research.google.com/github/ada/simgan/blob/main/notebooks/00_quickstart" in text
    assert "kernels/welcome?src=https://github.com/ada/simgan/blob/main/notebooks/00_q" in text
    assert "mybinder.org/v2/gh/ada/simgan/main?labpath=notebooks/00_quickstart.ipynb" in text
    assert cell == 'REPOSITORY = "ada/simgan"'
    assert CELL.fullmatch(cell)
    assert 'repository = "ada/simgan"' in (checkout / "pyproject.toml").read_text()
    set_repository(checkout, "grace/course")
    assert "ada/" not in notebook.read_text()
    assert set_repository(checkout, "grace/course") == [], "a second call has nothing to change"
    set_repository(checkout, "")
    assert notebook.read_text() == before


def test_a_repository_must_be_one(checkout):
    with pytest.raises(ValueError, match=r"owner/name.*received 'https:"):
        set_repository(checkout, "https://github.com/ada/simgan")


def test_links_within_the_documentation_resolve():
    for page in {*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")}:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_generated_pages_are_the_records():
    for page, text in tables.pages().items():
        assert page.read_text() == text, "run 'make tables'"


def test_reference_runs_stay_small():
    done = subprocess.run(
        ["git", "ls-files", "runs"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    sizes = Counter()
    for name in done.stdout.split():
        sizes[(ROOT / name).parent] += (ROOT / name).stat().st_size
    assert max(sizes.values()) < 5e6, sizes.most_common(1)
    assert 0 < sizes.total() < 25e6


def test_make_help_lists_every_target_of_the_readme():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^(\w+) ", done.stdout, re.MULTILINE)
    # Targets stand in code, inline or indented.
    named = set(re.findall(r"(?:`|^ {4})make (\w+)", (ROOT / "README.md").read_text(), re.M))
    assert {"quickstart", "test", "help"} <= named
    for target in named:
        assert target in listed, target


def test_python_that_is_too_old_is_refused_with_a_way_out(tmp_path):
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "find_python.sh")],
        env={"PATH": str(tmp_path)} | {k: os.environ[k] for k in ("HOME",) if k in os.environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "make PYTHON=" in done.stderr
