"""Measures everything and writes it down: `make bench`, or `python -m benchmarks [ROW ...]`.

Each row of the table is a module with one function `measure`. What it returns goes into
`results.json` at once, so rows can be measured one at a time; the tables and the figure of
`README.md` are then made from the whole file.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import tables
from benchmarks.workers import ROOT, TORCH

ROWS = (
    "cpu_round",
    "memory",
    "startup",
    "loading",
    "simulator",
    "refine",
    "callbacks",
    "growth",
    "profiling",
)
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx512_fp16", "asimd", "bf16", "sve")
PACKAGES = ("tensorflow", "tensorflow_cpu", "keras", "jax", "numpy", "h5py")


def environment() -> dict:
    """Returns the hardware and the versions."""
    found = {"processor": platform.processor(), "flags": []}
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text()
        model = re.search(r"model name\s*: (.*)", text)
        flags = re.search(r"(?:flags|Features)\s*: (.*)", text)
        found["processor"] = model[1] if model else found["processor"]
        present = flags[1].split() if flags else []
        found["flags"] = [flag for flag in FLAGS if flag in present]
    found["cores"] = os.cpu_count()
    found["memory_gib"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["python"] = platform.python_version()
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # TensorFlow has a package name for each kind of machine.
    if TORCH.exists():
        code = "import torch; print(torch.__version__)"
        said = subprocess.run([TORCH, "-c", code], capture_output=True, text=True, check=True)
        found["torch"] = said.stdout.strip()
    return found


def main(arguments=None) -> None:
    """Measures the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"all, or some of: {', '.join(ROWS)}"
    )
    parser.add_argument("--smoke", action="store_true", help="compute almost nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="where to write")
    asked = parser.parse_args(arguments)
    unknown = set(asked.rows) - set(ROWS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; rows are {', '.join(ROWS)}")

    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    here = {**environment(), "smoke": asked.smoke}
    if results.get("environment", here) != here:
        print("Other hardware or versions than those of results.json: starting anew.")
        results = {}
    results["environment"] = here
    for row in asked.rows or ROWS:
        print(f"{time.strftime('%H:%M')} {row} ...", file=sys.stderr)
        results[row] = importlib.import_module(f"benchmarks.{row}").measure(asked.smoke)
        path.write_text(json.dumps(tables.rounded(results), indent=2) + "\n")

    page = asked.out / "README.md"
    if not page.exists():
        shutil.copy(ROOT / "benchmarks" / "README.md", page)
    results = json.loads(path.read_text())
    page.write_text(tables.fill(page.read_text(), results))
    if "growth" in results:
        from benchmarks.growth import draw

        draw(results["growth"]).savefig(asked.out / "growth.png")
    print(tables.speed(results))


if __name__ == "__main__":
    main()
