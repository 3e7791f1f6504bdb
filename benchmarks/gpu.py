"""Measures everything that is asked of a GPU, in one call: `python -m benchmarks.gpu`.

It takes JAX and nothing of TensorFlow, writes `gpu.json` after each part, and prints a table:

- `speed`: seconds a round (1 R + 10 D updates, batch 32, 35x55), data and history buffer on the
  device, in bfloat16, TF32 and float32, against the matrix product of the same kind, and with one
  and with several rounds in a compiled call;
- `profile`: the same in bfloat16, by kernel, and the share of time in which the device has nothing
  to do;
- `full`: the report's 25,000 rounds into a run folder, by the clock on the wall;
- `quality`: three trainings of the preset `quick`, evaluated, beside the recorded ones of a CPU.
"""

import argparse
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.workers import ROOT, Worker

PARTS = ("speed", "profile", "full", "quality")
# By name: SimGAN's precision, the dtype of the ceiling's product, and what JAX does with float32.
MODES = {
    "bfloat16": ("bfloat16", "bfloat16", "default"),
    "tf32": ("float32", "float32", "tensorfloat32"),
    "float32": ("float32", "float32", "highest"),
}
TARGETS = {"full_minutes": 2.0, "ceiling_fraction": 0.25}


def settings(smoke: bool, **changes):
    """Returns the report's settings, with metrics and snapshots as rare as a fast device wants."""
    from simgan_lib.config import preset

    every = 2 if smoke else 50
    config = preset("report").replace(log_every=every, snapshot_every=every)
    tiny = {"batch_size": 4, "filters": 8, "discriminator_updates": 2}
    return config.replace(**{**(tiny if smoke else {}), **changes})


def ceiling(dtype: str, smoke: bool) -> float:
    """Returns the operations a second of a large matrix product."""
    import jax

    size, repeats = (64, 2) if smoke else (8192, 20)
    keys = jax.random.split(jax.random.key(0))
    a, b = (jax.random.normal(key, (size, size), dtype) for key in keys)
    multiply = jax.jit(lambda a, b: a @ b)
    multiply(a, b).block_until_ready()
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeats):
            product = multiply(a, b)
        product.block_until_ready()
        rates.append(repeats * 2 * size**3 / (time.perf_counter() - start))
    return statistics.median(rates)


def seconds_a_round(precision: str, smoke: bool, alone: bool = False) -> dict:
    """Trains without a run folder and returns the median, over epochs, of seconds a round."""
    import keras

    from benchmarks.problem import Problem
    from simgan_lib.simgan import SimGAN

    epochs = 3 if smoke else 12
    config = settings(smoke, precision=precision)
    config = config.replace(
        iterations=epochs * config.log_every,
        refiner_pretraining_steps=0,
        discriminator_pretraining_steps=0,
        # A call ends at every row of metrics and at every snapshot: here it is a round, or 50.
        snapshot_every=config.log_every + alone,
    )
    model = SimGAN(config)
    rates = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(logs["rounds_per_second"])
    )
    model.train(*Problem(images=64 if smoke else 50_000).data(), callbacks=[watch])
    # The first epoch compiles.
    at_once = model.backend.steps_per_call(math.gcd(config.log_every, config.snapshot_every))
    return {"rounds_per_call": at_once, "seconds": 1 / statistics.median(rates[1:])}


def speed(mode: str, smoke: bool) -> dict:
    """Times rounds and the ceiling, one after the other and back again."""
    import jax

    from benchmarks.operations import of_a_round
    from benchmarks.problem import Problem

    precision, dtype, _ = MODES[mode]
    ceilings = [ceiling(dtype, smoke)]
    several, alone = (seconds_a_round(precision, smoke, alone) for alone in (False, True))
    ceilings.append(ceiling(dtype, smoke))
    operations, rate = of_a_round(Problem())["round"], statistics.median(ceilings)
    return {
        "device": jax.devices()[0].device_kind,
        "seconds_a_round": several["seconds"],
        "rounds_per_call": several["rounds_per_call"],
        "seconds_a_round_alone": alone["seconds"],
        "ceiling_rates": ceilings,
        "ceiling_fraction": operations / several["seconds"] / rate,
        "report_minutes": 25_000 * several["seconds"] / 60,
    }


def profile(mode: str, smoke: bool) -> dict:
    """Profiles an epoch and sums it by kernel."""
    import jax
    import keras

    from benchmarks.problem import Problem
    from simgan_lib.simgan import SimGAN

    config = settings(smoke, precision=MODES[mode][0])
    config = config.replace(
        iterations=3 * config.log_every,
        refiner_pretraining_steps=0,
        discriminator_pretraining_steps=0,
    )
    model = SimGAN(config)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:

        def begin(epoch, logs):
            if epoch == 2:
                jax.profiler.start_trace(folder)

        watch = keras.callbacks.LambdaCallback(
            on_epoch_begin=begin,
            on_epoch_end=lambda epoch, logs: seconds.append(1 / logs["rounds_per_second"]),
        )
        model.train(*Problem(images=64 if smoke else 50_000).data(), callbacks=[watch])
        jax.profiler.stop_trace()
        kernels = kernels_of(next(Path(folder).rglob("*.trace.json.gz")))
    busy = sum(kernels.values()) / config.log_every
    share = {name: value / sum(kernels.values()) for name, value in kernels.most_common(20)}
    return {"kernels": share, "busy_s_a_round": busy, "seconds_a_round": seconds[-1]}


def kernels_of(trace: Path) -> Counter:
    """Sums a JAX trace by kernel, in seconds; on a CPU, by whatever XLA's threads report."""
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    names = {
        (event["name"], event["pid"], event.get("tid")): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and "name" in event["args"]
    }
    processes = {pid: name for (what, pid, _), name in names.items() if what == "process_name"}
    on_gpu = any("GPU" in name for name in processes.values())
    kernels = Counter()
    for event in events:
        if event.get("ph") == "X":
            where = processes.get(event["pid"], "")
            thread = names.get(("thread_name", event["pid"], event["tid"]), "")
            # A GPU's other lines repeat the kernels, grouped.
            wanted = "GPU" in where and thread.startswith("Stream") if on_gpu else "XLA" in thread
            if wanted:
                kernels[event["name"].split(".")[0]] += event["dur"] / 1e6
    return kernels


def full(mode: str, smoke: bool) -> dict:
    """Trains as the report does, into a run folder, compiling and writing included."""
    from simgan_lib.data import load
    from simgan_lib.training import train

    data = _data(load, smoke)
    few = {"refiner_pretraining_steps": 2, "discriminator_pretraining_steps": 2}
    changes = {"iterations": 4, **few} if smoke else {}
    config = settings(smoke, precision=MODES[mode][0], checkpoint_every=2_500, **changes)
    config = config.replace(snapshot_every=2 if smoke else 1_000)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        train(data, config, Path(folder, "run"), progress=False)
        minutes = (time.perf_counter() - start) / 60
    return {"minutes": minutes, "iterations": config.iterations}


def quality(mode: str, smoke: bool) -> dict:
    """Trains `quick` with three seeds and evaluates; the records in runs/ are a CPU's."""
    from simgan_lib.cli import MEASURED_IMAGES, QUICK_IMAGES
    from simgan_lib.config import preset
    from simgan_lib.data import load
    from simgan_lib.evaluation.report import evaluate
    from simgan_lib.runs import Run
    from simgan_lib.training import train

    data = _data(load, smoke, limit=QUICK_IMAGES)
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1 if smoke else 3):
            config = preset("smoke" if smoke else "quick")
            config = config.replace(seed=seed, precision=MODES[mode][0])
            train(data, config, Path(folder, str(seed)), progress=False)
            run = Run(Path(folder, str(seed)))
            errors.append(_error(evaluate(run, data, seeds=1, images=MEASURED_IMAGES)))
    records = sorted((ROOT / "runs" / "quick" / "baseline").glob("seed*"))
    return {
        "gaze_error_deg": errors,
        "on_a_cpu": [_error(Run(path).evaluation) for path in records],
    }


def _data(load, smoke, limit=None):
    # The set that `make quickstart` leaves is smaller than the report's: ours has its own place.
    limit = 64 if smoke else limit
    root = ROOT / "data" / ".cache" / "benchmarks" / f"simulated-{limit or 'all'}"
    return load("simulated", root=root, limit=limit, progress=False)


def _error(evaluation):
    return evaluation["gaze_error_deg"]["refined"]["mean"]


def environment(smoke: bool) -> dict:
    """Returns the versions and what `nvidia-smi` says of the device and its driver."""
    import importlib.metadata

    found = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "keras", "numpy")}
    query = ["nvidia-smi", "--query-gpu=name,driver_version,power.limit,clocks.max.sm"]
    try:
        said = subprocess.run([*query, "--format=csv,noheader"], capture_output=True, text=True)
        found["gpu"] = said.stdout.strip()
    except FileNotFoundError:
        found["gpu"] = "none"
    return {**found, "smoke": smoke}


def report(found: dict) -> str:
    """Returns what was measured as Markdown."""
    lines = ["| what | measured | target |", "|---|---|---|"]
    for mode, values in found.get("speed", {}).items():
        target = f"{TARGETS['ceiling_fraction']:.0%}" if mode == "bfloat16" else ""
        lines.append(
            f"| {mode}: a round; of the ceiling ({values['ceiling_rates'][0] / 1e12:.3g} TFLOP/s) "
            f"| {1e3 * values['seconds_a_round']:.2f} ms; {values['ceiling_fraction']:.0%} "
            f"| {target} |"
        )
        one = 1e3 * values["seconds_a_round_alone"]
        lines.append(f"| {mode}: a round, one in a call | {one:.2f} ms | |")
    for mode, values in found.get("full", {}).items():
        target = f"{TARGETS['full_minutes']:.0f} min"
        lines.append(
            f"| {mode}: {values['iterations']:,} rounds | {values['minutes']:.1f} min | {target} |"
        )
    for mode, values in found.get("profile", {}).items():
        busy = values["busy_s_a_round"] / values["seconds_a_round"]
        lines.append(f"| {mode}: the device at work | {busy:.0%} of the time | |")
    for mode, values in found.get("quality", {}).items():
        ours, theirs = (
            ", ".join(f"{error:.1f}" for error in values[name])
            for name in ("gaze_error_deg", "on_a_cpu")
        )
        lines.append(f"| {mode}: gaze error in degrees, by seed | {ours} | a CPU: {theirs} |")
    for mode, values in found.get("profile", {}).items():
        lines += ["", f"| kernel ({mode}) | share |", "|---|---|"]
        lines += [f"| `{name}` | {share:.1%} |" for name, share in values["kernels"].items()]
    return "\n".join(lines)


def main() -> None:
    """Measures the parts that are asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=str(PARTS))
    parser.add_argument("--smoke", action="store_true", help="compute almost nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "gpu.json")
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    found["environment"] = environment(asked.smoke)
    for part in asked.parts:
        for mode in MODES if part == "speed" else ("bfloat16",):
            print(f"{part}, {mode} ...", file=sys.stderr)
            variables = {"KERAS_BACKEND": "jax", "JAX_DEFAULT_MATMUL_PRECISION": MODES[mode][2]}
            worker = Worker("gpu", variables=variables, part=part, mode=mode, smoke=asked.smoke)
            found.setdefault(part, {})[mode] = worker.turn()
            worker.end()
            asked.out.write_text(json.dumps(found, indent=2) + "\n")
    print(report(found))


if __name__ == "__main__":
    # A worker is handed its options as one JSON object.
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        from benchmarks.workers import Turns

        options = json.loads(sys.argv[1])
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        measure = {"speed": speed, "profile": profile, "full": full, "quality": quality}
        Turns().serve(lambda: measure[options["part"]](options["mode"], options["smoke"]))
    else:
        main()
