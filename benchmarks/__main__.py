"""Measures everything and writes it down: `make bench`, or `python -m benchmarks [ROW ...]`.

What a row measures goes into `results.json` at once, so rows can be measured one at a time. The
tables of `README.md` are then made from the whole file.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd

from benchmarks import commands, cpu_round, sizes
from benchmarks.workers import ROOT, TORCH
from simgan_lib.evaluation import to_markdown

ROWS = {
    "cpu_round": cpu_round.measure,
    "memory": commands.memory,
    "startup": commands.startup,
    "loading": commands.loading,
    "simulator": commands.simulator,
    "install": commands.install,
    "sizes": sizes.measure,
    "waiting": commands.waiting,
}
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx512_fp16", "asimd", "bf16", "sve")
PACKAGES = ("tensorflow", "tensorflow_cpu", "keras", "jax", "numpy", "h5py")
# What; row and key in results.json; how to show it; the smallest or the largest that is good.
AT_LEAST = (
    ("a round, `auto`, against Keras", "cpu_round.speedup_vs_keras.auto", "{:.2f}x", 2.5),
    ("a round, `auto`, against PyTorch", "cpu_round.speedup_vs_torch.auto", "{:.2f}x", 3),
    ("a round, float32, against Keras", "cpu_round.speedup_vs_keras.float32", "{:.2f}x", 1.35),
    ("a round, float32, against PyTorch", "cpu_round.speedup_vs_torch.float32", "{:.2f}x", 1.6),
    ("a round, float32, of the ceiling", "cpu_round.ceiling_fraction.float32", "{:.0%}", 0.85),
    ("a round, bfloat16, of the ceiling", "cpu_round.ceiling_fraction.bfloat16", "{:.0%}", 0.75),
    ("Kaggle file, against `np.stack`", "loading.speedup", "{:.2f}x", 1),
    ("simulator, images a second", "simulator.images_per_second", "{:,.0f}", 1000),
)
AT_MOST = (
    ("memory, 50,000 + 34,100 images, peak", "memory.peak_gib", "{:.2f} GiB", 2),
    ("`simgan train` to the end of the first round", "startup.first_round_ends_s", "{:.1f} s", 12),
    ("installed, with TensorFlow and all else", "install.gib", "{:.2f} GiB", 2),
)
MARKED = re.compile(r"(<!-- table:(\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
NONE = "not measured"


def environment() -> dict:
    """Returns the hardware and the versions."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    flags = re.search(r"(?:flags|Features)\s*: (.*)", text)
    found = {
        "processor": model[1] if model else platform.processor(),
        "flags": [flag for flag in FLAGS if flags and flag in flags[1].split()],
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        # TensorFlow has a package name for each kind of machine.
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    if TORCH.exists():
        code = "import torch; print(torch.__version__)"
        said = subprocess.run([TORCH, "-c", code], capture_output=True, text=True, check=True)
        found["torch"] = said.stdout.strip()
    return found


def speed(results: dict) -> str:
    """Returns the table of all targets: what was measured, what was asked, whether it is met."""
    flat, rows = pd.json_normalize(results).iloc[0], []
    for sign, targets in (("at least", AT_LEAST), ("at most", AT_MOST)):
        for what, key, shown, target in targets:
            measured, met = NONE, ""
            if key in flat:
                measured = shown.format(flat[key])
                reached = flat[key] >= target if sign == "at least" else flat[key] <= target
                met = "yes" if reached else "**no**"
            rows.append([what, measured, f"{sign} {shown.format(target)}", met])
    return to_markdown(pd.DataFrame(rows, columns=["what", "measured", "target", "met"]))


def seconds(results: dict) -> str:
    """Returns the seconds behind the first rows."""
    if "cpu_round" not in results:
        return NONE
    found, rows = results["cpu_round"], []
    for name, value in found["seconds"].items():
        precision = found["auto_precision"] if name == "auto" else name.split()[-1]
        rate, ceiling = found["operations"]["round"] / value, found["ceiling_rate"][precision]
        shown = name if " " in name else f"ours, {name}"
        rows.append([shown, f"{value:.2f}", f"{rate / 1e9:.0f}", f"{rate / ceiling:.0%}"])
    for precision, rate in found["ceiling_rate"].items():
        rows.append([f"matrix product, {precision}", "", f"{rate / 1e9:.0f}", "100%"])
    heads = ["a round", "seconds", "GFLOP/s", "of the ceiling"]
    return to_markdown(pd.DataFrame(rows, columns=heads))


def pictures(results: dict) -> str:
    """Returns the table of larger pictures: seconds and memory of a round of `quick`."""
    rows = [
        [name, f"{found['seconds_a_round']:.2f}", f"{found['peak_gib']:.1f}"]
        for name, found in results.get("sizes", {}).items()
        if name != "environment"
    ]
    return to_markdown(pd.DataFrame(rows, columns=["pictures", "seconds a round", "peak, GiB"]))


def waiting(results: dict) -> str:
    """Returns the seconds of each part of `make quickstart`."""
    parts = results.get("waiting", {}).items()
    rows = [[part, f"{found:.0f}"] for part, found in parts if part != "environment"]
    return to_markdown(pd.DataFrame(rows, columns=["part", "seconds"])) if rows else NONE


def hardware(results: dict) -> str:
    """Returns the machines and the versions, a line for each machine, with its rows."""
    machines = {}
    for row, found in results.items():
        line = ", ".join(
            f"{name} {' '.join(value) if isinstance(value, list) else value}"
            for name, value in found["environment"].items()
            if value not in (False, "", [])
        )
        machines.setdefault(line, []).append(row)
    return "\n".join(f"- {', '.join(rows)}: {line}" for line, rows in machines.items())


def fill(page: str, results: dict) -> str:
    """Returns a page with its tables made anew from the results."""
    tables = {table.__name__: table for table in (speed, seconds, pictures, waiting, hardware)}
    return MARKED.sub(lambda m: f"{m[1]}{tables[m[2]](results)}\n{m[3]}", page)


def main(arguments=None) -> None:
    """Measures the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of: {', '.join(ROWS)}")
    parser.add_argument("--smoke", action="store_true", help="compute almost nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="where to write")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; rows are {', '.join(ROWS)}")

    asked.out.mkdir(parents=True, exist_ok=True)
    path, page = asked.out / "results.json", asked.out / "README.md"
    results = json.loads(path.read_text()) if path.exists() else {}
    here = {**environment(), "smoke": asked.smoke}
    for row in asked.rows or ROWS:
        print(f"{time.strftime('%H:%M')} {row} ...", file=sys.stderr)
        measured = json.dumps(ROWS[row](asked.smoke))
        # Four significant digits.
        found = json.loads(measured, parse_float=lambda digits: float(f"{float(digits):.4g}"))
        results[row] = {**found, "environment": here}
        path.write_text(json.dumps(results, indent=2) + "\n")
    if not page.exists():
        shutil.copy(ROOT / "benchmarks" / "README.md", page)
    page.write_text(fill(page.read_text(), results))
    print(speed(results))


if __name__ == "__main__":
    main()
