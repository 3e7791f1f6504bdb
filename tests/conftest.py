"""Says which tests share a process, with pytest's --dist loadgroup; an environment of their own."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keeps a file's tests together, as they share fixtures; each notebook runs by itself."""
    for item in items:
        alone = item.name.startswith("test_every_cell_runs")
        item.add_marker(pytest.mark.xdist_group(item.name if alone else str(item.path)))


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An environment as on Colab: all packages are installed, the course is not."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (library,) = folder.glob("lib/python*/site-packages")
    packages = folder / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "simgan" not in path.name:
            (packages / path.name).symlink_to(path)
    (library / "preinstalled.pth").write_text(str(packages))
    return folder / "bin" / "python"
