"""Installs what the course needs, for a notebook's first cell, with Python's own modules alone."""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent  # as on sys.path


def prepare() -> None:
    """Prepares the course that was just put on `sys.path`.

    A wheel is installed. For a folder, missing packages are installed, and programs that the
    notebook starts find the library too. New enough packages, such as Colab's TensorFlow, stay.

    Raises:
        SystemExit: With one sentence, if something cannot be installed.
    """
    if ROOT.suffix == ".whl":  # Python imports from one, as it is a zip file
        _install(str(ROOT))
        sys.path.remove(str(ROOT))
        for name in [name for name in sys.modules if name.split(".")[0] == "simgan_lib"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    if missing := [requirement for requirement in needed if not satisfied(requirement)]:
        _install(*missing)


def satisfied(requirement: str) -> bool:
    """Returns whether a package is installed and not older than its lower bound."""
    name, _, bound = requirement.partition(">=")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return _numbers(version) >= _numbers(bound)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _install(*packages: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *packages]
    done = subprocess.run(pip, text=True, stderr=subprocess.PIPE)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip gives no reason"])[-1]
        raise SystemExit(
            f"Installing {', '.join(packages)} failed: {why}. "
            "Mend that, restart the kernel, and run this cell again."
        )
