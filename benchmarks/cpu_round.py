"""One report round on the CPU: ours against the two peers and the ceiling."""

import sys

from benchmarks.rounds import noise, operations, report_round
from benchmarks.workers import TORCH, Worker, alternate, medians, ratio

PRECISIONS = ("float32", "bfloat16")


def work(turns, smoke: bool, precision: str) -> None:
    """Trains for ever: a round a turn, through the same `SimGAN.train` that everybody calls."""
    import keras

    from simgan_lib import backends
    from simgan_lib.simgan import SimGAN

    if precision == "auto":
        precision = backends.fastest_precision(backends.time_precisions())
    config, last = report_round(smoke, precision), {}
    model = SimGAN(config)
    turns.say(
        precision=precision,
        operations=operations(config),
        parameters=[model.refiner.count_params(), model.discriminator.count_params()],
    )

    def begin(batch, logs):
        # A turn lasts until the next round begins, so that drawing batches counts too.
        if last:
            # Reading a loss waits for the round to end.
            turns.done(discriminator_loss=float(last["discriminator_loss"]))
        turns.wait()

    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=begin, on_train_batch_end=lambda batch, logs: last.update(logs)
    )
    model.train(*noise(2048), callbacks=[watch])


def measure(smoke: bool = False) -> dict:
    """Times a round of each, in turn: seconds, and what `compare` makes of them."""
    turns, product = (2, {"sizes": [64], "seconds": 0.01}) if smoke else (10, {})
    workers = {"auto": ("cpu_round", {"precision": "auto", "smoke": smoke})}
    for dtype in PRECISIONS:
        options = {"precision": dtype, "smoke": smoke}
        workers[dtype] = ("cpu_round", options)
        workers[f"keras {dtype}"] = ("peers_keras", options)
        if TORCH.exists():
            workers[f"torch {dtype}"] = ("peers_torch", {"python": TORCH, **options})
        workers[f"ceiling {dtype}"] = ("ceiling", {"dtype": dtype, **product})
    if not TORCH.exists():
        print(f"No {TORCH}: PyTorch is left out. 'make bench' installs it.", file=sys.stderr)
    running = {name: Worker(module, **options) for name, (module, options) in workers.items()}
    about = [worker.about for worker in running.values()]
    counts = {str(said["parameters"]) for said in about if "parameters" in said}
    if len(counts) > 1:
        raise RuntimeError(f"The networks differ: {counts} parameters of R and D.")
    reports = alternate({name: worker.turn for name, worker in running.items()}, turns)
    for worker in running.values():
        worker.end()
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
    seconds, rates = {}, {}
    for name, found in reports.items():
        if name.startswith("ceiling "):
            rates[name.removeprefix("ceiling ")] = [report["rate"] for report in found]
        else:
            seconds[name] = [report["seconds"] for report in found]
    result = {
        "ceiling_fraction": {
            dtype: ratio([operations / value for value in seconds[dtype]], rates[dtype])
            for dtype in PRECISIONS
        },
        "seconds": medians(seconds),
        "ceiling_rate": medians(rates),
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
