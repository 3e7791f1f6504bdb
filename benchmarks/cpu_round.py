"""One report round on the CPU: ours against the two peers and the ceiling."""

import dataclasses
import json
import statistics
import sys

from benchmarks.problem import BETA_1, LAMBDA, LEARNING_RATE, TINY, Problem, operations
from benchmarks.workers import TORCH, Turns, alternate, ratio, started

PRECISIONS = ("float32", "bfloat16")


def config(problem: Problem, precision: str):
    """Returns our configuration of the problem; nothing is trained before the first round."""
    from simgan_lib.config import preset

    return preset("report").replace(
        iterations=10**9,
        batch_size=problem.batch,
        filters=problem.filters,
        discriminator_updates=problem.discriminator_updates,
        buffer_size=problem.buffer_size,
        refiner_pretraining_steps=0,
        discriminator_pretraining_steps=0,
        lambda_mean=LAMBDA,
        refiner_learning_rate=LEARNING_RATE,
        discriminator_learning_rate=LEARNING_RATE,
        beta_1=BETA_1,
        precision=precision,
    )


def work(precision: str, **changes) -> None:
    """Trains for ever: a round a turn, through the same `SimGAN.train` that everybody calls."""
    import keras

    from simgan_lib import backends
    from simgan_lib.simgan import SimGAN

    if precision == "auto":
        precision = backends.fastest_precision(backends.time_precisions())
    problem = Problem(**changes)
    model = SimGAN(config(problem, precision), (problem.height, problem.width, 1))
    turns = Turns(
        precision=model.precision,
        operations=operations(problem),
        parameters=[model.refiner.count_params(), model.discriminator.count_params()],
    )
    last = {}

    def begin(batch, logs):
        # A turn lasts until the next round begins, so that drawing batches counts too.
        if last:
            # Reading a loss waits for the round to end.
            turns.done(discriminator_loss=float(last["discriminator_loss"]))
        turns.wait()

    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=begin, on_train_batch_end=lambda batch, logs: last.update(logs)
    )
    model.train(*problem.data(), callbacks=[watch])


def measure(smoke: bool = False) -> dict:
    """Times a round of each, in turn.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Seconds by worker; ours, the peers', and fractions of the ceiling as `compare` makes them.
    """
    problem, turns, product = Problem(), 10, {}
    if smoke:
        problem, turns, product = TINY, 2, {"sizes": [64], "seconds": 0.01}
    size = dataclasses.asdict(problem)
    workers = {"auto": ("cpu_round", {"precision": "auto", **size})}
    for dtype in PRECISIONS:
        workers |= {
            dtype: ("cpu_round", {"precision": dtype, **size}),
            f"keras {dtype}": ("peers_keras", {"precision": dtype, **size}),
            f"torch {dtype}": ("peers_torch", {"python": TORCH, "precision": dtype, **size}),
            f"ceiling {dtype}": ("ceiling", {"dtype": dtype, **product}),
        }
    if not TORCH.exists():
        print(f"No {TORCH}: PyTorch is left out. 'make bench' installs it.", file=sys.stderr)
        workers = {name: worker for name, worker in workers.items() if "torch" not in name}
    with started(workers) as running:
        about = [worker.about for worker in running.values()]
        counts = {str(said["parameters"]) for said in about if "parameters" in said}
        if len(counts) > 1:
            raise RuntimeError(f"The networks differ: {counts} parameters of R and D.")
        reports = alternate(running, turns)
    return {
        "auto_precision": about[0]["precision"],
        "operations": about[0]["operations"],
        **compare(reports, about[0]["operations"]["round"]),
    }


def compare(reports: dict[str, list[dict]], operations: float) -> dict:
    """Compares what the workers reported, turn by turn.

    Args:
        reports: By worker: `auto`, `float32`, `bfloat16`, and with `keras`, `torch` or `ceiling`
            and a space before the latter two.
        operations: That a round needs.

    Returns:
        `speedup_vs_keras` and `speedup_vs_torch`: how many times faster we are, in `auto` against
        the peer's float32, both in `float32`, and, beyond the target, `bfloat16_both`.
        `ceiling_fraction` by precision.
    """
    rates = {
        dtype: [found["rate"] for found in reports[f"ceiling {dtype}"]] for dtype in PRECISIONS
    }
    seconds = {
        name: [found["seconds"] for found in values]
        for name, values in reports.items()
        if "ceiling" not in name
    }
    result = {
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "ceiling_rate": {dtype: statistics.median(values) for dtype, values in rates.items()},
        "ceiling_fraction": {
            dtype: ratio([operations / value for value in seconds[dtype]], rates[dtype])
            for dtype in PRECISIONS
        },
    }
    for peer in ("keras", "torch"):
        if f"{peer} float32" in seconds:
            usual, mixed = seconds[f"{peer} float32"], seconds[f"{peer} bfloat16"]
            result[f"speedup_vs_{peer}"] = {
                "auto": ratio(usual, seconds["auto"]),
                "float32": ratio(usual, seconds["float32"]),
                "bfloat16_both": ratio(mixed, seconds["bfloat16"]),
            }
    return result


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
