"""The tests of the widgets once more, with Colab's ipywidgets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_packaging import COLAB

WIDGETS = Path(__file__).with_name("test_widgets.py")
# How a training pauses and goes on does not depend on ipywidgets.
CHOSEN = "not goes_on"


def test_widgets_work_with_the_ipywidgets_of_colab(tmp_path):
    wanted = [f"ipywidgets=={COLAB['ipywidgets']}", "ipython_genutils"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-deps", "--target", tmp_path, *wanted], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"{wanted[0]} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    done = subprocess.run(
        [*(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", WIDGETS, "-k", CHOSEN)],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "SIMGAN_IPYWIDGETS": COLAB["ipywidgets"],
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
