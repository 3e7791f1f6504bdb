"""Does everything that is asked of a GPU, in one call: `python -m benchmarks.gpu`.

It takes JAX and nothing of TensorFlow, writes `gpu.json` after each part, and prints a table:

- `report`: the report's 25,000 rounds, into a run folder that is kept;
- `speed`: seconds a round (1 R + 10 D updates, batch 32, 35x55) in bfloat16, TF32 and float32,
  against the matrix product of the same kind;
- `profile`: the same in bfloat16, by kernel, and the share of time in which the device works;
- `ablation`: every cell of the ablation with five seeds, the preset `quick` as their baseline.

Trainings that a time limit has stopped go on with the next call.
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.__main__ import environment
from benchmarks.rounds import noise, operations, rounds_only, seconds_a_round
from benchmarks.workers import ROOT, once
from simgan_lib.config import Config, preset

# By name: SimGAN's precision, in which the ceiling multiplies too; what JAX does with float32.
MODES = {
    "bfloat16": ("bfloat16", "default"),
    "tf32": ("float32", "tensorfloat32"),
    "float32": ("float32", "highest"),
}


def settings(mode: str, smoke: bool) -> Config:
    """Returns the report's settings, with rows of metrics as rare as a fast device wants."""
    changes = {} if smoke else {"log_every": 50, "checkpoint_every": 2_500}
    return preset("smoke" if smoke else "report").replace(precision=MODES[mode][0], **changes)


def load(smoke: bool, limit: int | None = None):
    """Draws the data. The smaller set that `make quickstart` leaves has a place of its own."""
    from simgan_lib import data

    limit = 64 if smoke else limit
    root = ROOT / "data" / ".cache" / "benchmarks" / f"simulated-{limit or 'all'}"
    return data.load("simulated", root=root, limit=limit, progress=False)


def report(mode: str, smoke: bool, runs: Path) -> dict:
    """Trains as the report does, into a run folder, compiling and writing included."""
    from simgan_lib.runs import Run
    from simgan_lib.training import train

    config, folder = settings(mode, smoke), runs / "report-schedule"
    train(load(smoke), config, folder, resume=True, progress=False)
    minutes = Run(folder).environment["training_seconds"] / 60
    return {"minutes": minutes, "iterations": config.iterations}


def ablation(mode: str, smoke: bool, runs: Path) -> dict:
    """Trains and evaluates every cell with five seeds; in a smoke test, one cell with one."""
    from simgan_lib.cli import MEASURED_IMAGES, QUICK_IMAGES
    from simgan_lib.evaluation.gaze import Effort
    from simgan_lib.evaluation.grid import ABLATION, ablate
    from simgan_lib.evaluation.report import collect

    base = preset("smoke" if smoke else "quick").replace(precision=MODES[mode][0])
    options = {"cells": ABLATION, "seeds": 5}
    if smoke:
        options = {"cells": {"baseline": ABLATION["baseline"]}}
        options["effort"] = Effort(epochs=1, instrument_images=64)
    data, folder = load(smoke, QUICK_IMAGES), runs / "ablation"
    ablate(folder, data, base, **options, jobs=1, images=MEASURED_IMAGES)
    table = collect(folder, base)
    errors = table.loc[table["cell"] == "baseline", "gaze_error_deg"]
    return {"runs": len(table), "gaze_error_deg": errors.tolist()}


def round_seconds(mode: str, smoke: bool, epochs: int, **watch) -> float:
    """Returns the seconds of a round, trained without a run folder."""
    config = settings(mode, smoke)
    # A call ends at every row of metrics and at every snapshot.
    every = config.log_every
    config = rounds_only(config, iterations=epochs * every, snapshot_every=every)
    return seconds_a_round(config, noise(64 if smoke else 50_000), **watch)


def speed(mode: str, smoke: bool, runs: Path) -> dict:
    """Times rounds between two measurements of the ceiling."""
    from benchmarks.ceiling import ceiling

    product = ceiling(MODES[mode][0], sizes=(64,) if smoke else (4096, 8192, 16384))
    before = product()
    seconds = round_seconds(mode, smoke, epochs=3 if smoke else 12)
    rate = (before + product()) / 2
    share = operations(preset("report"))["round"] / seconds / rate
    return {"seconds_a_round": seconds, "ceiling_rate": rate, "ceiling_fraction": share}


def profile(mode: str, smoke: bool, runs: Path) -> dict:
    """Profiles the last of three epochs and sums it by kernel."""
    import jax

    with tempfile.TemporaryDirectory() as folder:

        def begin(epoch):
            if epoch == 2:
                jax.profiler.start_trace(folder)

        seconds = round_seconds(mode, smoke, epochs=3, begin=begin)
        jax.profiler.stop_trace()
        kernels = kernels_of(next(Path(folder).rglob("*.trace.json.gz")))
    total = sum(kernels.values())
    share = {name: value / total for name, value in kernels.most_common(20)}
    busy = total / settings(mode, smoke).log_every
    return {"kernels": share, "busy_s_a_round": busy, "seconds_a_round": seconds}


def kernels_of(trace: Path) -> Counter:
    """Sums a JAX trace by kernel, in seconds; on a CPU, by whatever XLA's threads report."""
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    names = {
        (event["name"], event["pid"], event.get("tid")): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and "name" in event["args"]
    }
    on_gpu = any(what == "process_name" and "GPU" in name for (what, *_), name in names.items())
    kernels = Counter()
    for event in events:
        if event.get("ph") == "X":
            where = names.get(("process_name", event["pid"], None), "")
            thread = names.get(("thread_name", event["pid"], event["tid"]), "")
            # A GPU's other lines repeat the kernels, grouped.
            wanted = "GPU" in where and thread.startswith("Stream") if on_gpu else "XLA" in thread
            if wanted:
                kernels[event["name"].split(".")[0]] += event["dur"] / 1e6
    return kernels


def table(found: dict) -> str:
    """Returns what was measured as Markdown."""
    lines = ["| what | measured |", "|---|---|"]
    for mode, values in found.get("speed", {}).items():
        of = f"of {values['ceiling_rate'] / 1e12:.3g} TFLOP/s"
        share = f"{1e3 * values['seconds_a_round']:.2f} ms; {values['ceiling_fraction']:.0%}"
        lines.append(f"| {mode}: a round; {of} | {share} |")
    for mode, values in found.get("report", {}).items():
        lines.append(f"| {mode}: {values['iterations']:,} rounds | {values['minutes']:.1f} min |")
    for mode, values in found.get("ablation", {}).items():
        errors = ", ".join(f"{error:.1f}" for error in values["gaze_error_deg"])
        lines.append(f"| {mode}: gaze error of `quick` in degrees, by seed | {errors} |")
    for mode, values in found.get("profile", {}).items():
        busy = values["busy_s_a_round"] / values["seconds_a_round"]
        lines.append(f"| {mode}: the device at work | {busy:.0%} of the time |")
        lines += [f"| kernel `{name}` | {share:.1%} |" for name, share in values["kernels"].items()]
    return "\n".join(lines)


PARTS = {"report": report, "speed": speed, "profile": profile, "ablation": ablation}


def work(turns, part: str, mode: str, smoke: bool, runs: str) -> None:
    """Does one part."""
    turns.serve(lambda: PARTS[part](mode, smoke, Path(runs)))


def main() -> None:
    """Does the parts that are asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=[*PARTS], metavar="PART", help=str([*PARTS]))
    parser.add_argument("--smoke", action="store_true", help="compute almost nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "gpu.json")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "live" / "gpu")
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    found["environment"] = {**environment(), "smoke": asked.smoke}
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,driver_version,power.limit", "--format=csv"]
        said = subprocess.run(query, capture_output=True, text=True)
        found["environment"]["gpu"] = said.stdout.strip()
    variables = {"KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    for part in asked.parts:
        for mode in MODES if part == "speed" else ("bfloat16",):
            print(f"{part}, {mode} ...", file=sys.stderr)
            variables["JAX_DEFAULT_MATMUL_PRECISION"] = MODES[mode][1]
            options = {"part": part, "mode": mode, "smoke": asked.smoke, "runs": str(asked.runs)}
            found.setdefault(part, {})[mode] = once("gpu", variables=variables, **options)
            asked.out.write_text(json.dumps(found, indent=2) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
