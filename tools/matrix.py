"""Tests the course with other versions than the pinned ones, for docs/versions.md: 'make matrix'.

A cell is a Python and a set of versions, such as 3.13-colab. It has an environment of its own in
.venv/matrix and a row of the page. The rows of cells that do not run stay as they are.
"""

import datetime
import json
import platform
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "versions.md"
SETS = {
    "lowest": ["--resolution=lowest-direct"],
    # Named first, it decides first. The newest h5py would admit an older TensorFlow alone.
    "newest": ["tensorflow-cpu"],
    "colab": ["--constraints=constraints-colab.txt"],
}
CELLS = [f"{python}-{name}" for name in ("lowest", "newest") for python in ("3.11", "3.12", "3.13")]
CELLS.append("3.13-colab")
EXTRAS = ("cpu", "cluster", "jax", "kaggle", "notebooks", "test")
# They need a browser, nbgrader, PyTorch, the pinned versions or a second environment.
OTHERS = ("assignment", "benchmarks", "browser", "ipywidgets7", "packaging", "setup_cell", "wheel")
SHOWN = ("tensorflow-cpu", "keras", "numpy", "pandas", "ipywidgets", "jax")
CAME = {"failure": "failed", "error": "failed", "skipped": "skipped"}
NOT_RUN = " | ".join(["not run"] + ["—"] * (len(SHOWN) + 2))
TEXT = """\
# Tested versions

Every change is tested with the versions of `constraints.txt`. This page says which others work.
`make matrix` writes it, and `make matrix CELLS=3.13-colab` renews one row.

- **lowest**: the lowest versions that `pyproject.toml` admits and that have a wheel for the Python.
- **newest**: the newest versions that fit together.
- **colab**: Colab's versions, from `constraints-colab.txt`, and the newest of what Colab lacks.

The unit tests run on TensorFlow, those of several devices on JAX. Tests that need a browser,
nbgrader, PyTorch or a second environment are left out. The notebooks run with their solutions, on
the preset `smoke`.

| cell | tested | TensorFlow | Keras | NumPy | pandas | ipywidgets | JAX | unit tests | notebooks |
|---|---|---|---|---|---|---|---|---|---|
"""


def uv(*arguments, **options):
    """Calls uv."""
    return subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, **options)


def run(cell):
    """Tests in an environment of the cell's own; returns the cell's row, or None without Python."""
    python, _, name = cell.partition("-")
    folder = ROOT / ".venv" / "matrix" / cell
    if uv("venv", "--clear", "--no-python-downloads", f"--python={python}", folder).returncode:
        print(f"{cell} is skipped: Python {python} is not on the PATH.")
        return None
    there = f"--python={folder}"
    wanted = ["--requirements=pyproject.toml", *(f"--extra={extra}" for extra in EXTRAS)]
    uv("pip", "install", there, "--only-binary=:all:", *SETS[name], *wanted, check=True)
    uv("pip", "install", there, "--no-deps", "--editable=.", check=True)
    listed = uv("pip", "list", there, "--format=json", check=True, stdout=subprocess.PIPE)
    versions = {package["name"]: package["version"] for package in json.loads(listed.stdout)}
    report = folder / "junit.xml"
    options = ["--quiet", "--numprocesses=2", "--dist=loadgroup", f"--junitxml={report}"]
    others = [f"--ignore=tests/test_{file}.py" for file in OTHERS]
    pytest = [folder / "bin" / "python", "-m", "pytest", *options, *others]
    if (code := subprocess.run(pytest, cwd=ROOT).returncode) not in (0, 1):
        sys.exit(f"{cell} has no row: pytest ended with {code}. Look above, and call it again.")
    tested = f"{datetime.date.today()}, {platform.system()}, {platform.machine()}"
    return " | ".join([tested, *(versions[package] for package in SHOWN), *count(report)])


def count(report):
    """What came of the unit tests, and of the notebooks."""
    found = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        kind = "test_every_cell_runs" in case.get("name")
        found[kind, next((CAME[part.tag] for part in case), "passed")] += 1
    for kind in (False, True):
        counted = ((found[kind, came], came) for came in ("passed", "failed", "skipped"))
        yield ", ".join(f"{number} {came}" for number, came in counted if number)


def main(cells):
    """Runs the cells, writes the page after each, and exits with 1 if a test failed."""
    if unknown := set(cells) - set(CELLS):
        sys.exit(f"No cell {', '.join(unknown)}. Cells: {', '.join(CELLS)}.")
    failed = False
    for cell in cells or CELLS:
        if row := run(cell):
            failed |= "failed" in row
            text = PAGE.read_text() if PAGE.exists() else ""
            rows = dict.fromkeys(CELLS, NOT_RUN)
            rows |= re.findall(r"^\| (3\S+) \| (.*) \|$", text, re.MULTILINE)
            rows[cell] = row
            PAGE.write_text(TEXT + "".join(f"| {key} | {row} |\n" for key, row in rows.items()))
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
