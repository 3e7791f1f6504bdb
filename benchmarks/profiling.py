"""Where a round's time goes on the CPU: TensorFlow's profiler, summed by kind of operation."""

import dataclasses
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.cpu_round import config
from benchmarks.problem import Problem
from benchmarks.workers import Turns, alternate, started

# The first whose pattern is in the name of TensorFlow's operation.
KINDS = {
    "gradient of the weights": "BackpropFilter",
    "gradient of the input": "BackpropInput",
    "convolution": "Conv2D",
    "gradient of ReLU": "ReluGrad",
    "sum of gradients": "AddN",
    "pooling": "MaxPool",
    "number formats": "Cast",
}
OTHER = "all else"


def kind_of(operation: str) -> str:
    """Sorts an operation of TensorFlow's into a kind."""
    return next((kind for kind, part in KINDS.items() if part in operation), OTHER)


def seconds_by_kind(folder: Path, rounds: int) -> dict[str, float]:
    """Reads a profile.

    Args:
        folder: Where the profiler wrote.
        rounds: Rounds that it saw.

    Returns:
        Seconds a round by kind of operation; those that ran side by side are each counted in full.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    seconds = Counter()
    for plane in space.planes:
        names = {key: data.name for key, data in plane.event_metadata.items()}
        for event in (event for line in plane.lines for event in line.events):
            # An operation is "place in the graph:what it is"; "A::b" is a function of C++.
            where, colon, operation = names[event.metadata_id].rpartition(":")
            if colon and operation.isidentifier() and not where.endswith(":"):
                seconds[kind_of(operation)] += event.duration_ps / 1e12 / rounds
    return dict(seconds)


def work(precision: str, rounds: int, usual: bool, **changes) -> None:
    """Profiles rounds of a training that has warmed up, in one turn.

    Args:
        precision: What the convolutions compute in.
        rounds: How many to profile.
        usual: Whether to profile the usual Keras way instead of ours.
        **changes: To the problem.
    """
    import keras
    import tensorflow as tf

    from benchmarks.operations import of_a_round
    from benchmarks.peers_keras import UsualKeras
    from simgan_lib.data import to_float
    from simgan_lib.simgan import SimGAN

    problem, warmup = Problem(**changes), 2
    data = problem.data()
    turns = Turns(operations=of_a_round(problem))
    turns.wait()
    with tempfile.TemporaryDirectory() as folder:

        def begin(batch, logs=None):
            if batch == warmup:
                tf.profiler.experimental.start(folder)

        if usual:
            peer, data = UsualKeras(problem, precision), [to_float(images) for images in data]
            for batch in range(warmup + rounds):
                begin(batch)
                peer.round(*data)
        else:
            settings = config(problem, precision).replace(iterations=warmup + rounds)
            model = SimGAN(settings, (problem.height, problem.width, 1))
            watch = keras.callbacks.LambdaCallback(on_train_batch_begin=begin)
            model.train(*data, callbacks=[watch])
        tf.profiler.experimental.stop()
        turns.done(kinds=seconds_by_kind(Path(folder), rounds))


def measure(smoke: bool = False) -> dict:
    """Profiles float32 and bfloat16.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        By precision: seconds a round by kind, those of the usual Keras way, those that the
        convolutions' operations would take at the ceiling, and the ceiling in operations a second.
    """
    problem, rounds, product = Problem(), 5, {}
    if smoke:
        problem, rounds = Problem(4, 12, 16, 8, 2, 32), 2
        product = {"sizes": [64], "seconds": 0.01}
    result = {}
    for precision in ("float32", "bfloat16"):
        options = {"precision": precision, "rounds": rounds, **dataclasses.asdict(problem)}
        workers = {
            name: ("profiling", {"usual": usual, **options})
            for name, usual in (("usual", True), ("ours", False))
        }
        workers["ceiling"] = ("ceiling", {"dtype": precision, **product})
        with started(workers) as running:
            kinds = {name: running[name].turn()["kinds"] for name in ("usual", "ours")}
            reports = alternate({"ceiling": running["ceiling"]}, 2 if smoke else 5)
            operations = running["ours"].about["operations"]["by_kind"]
        # The best turn: the profile is one turn too, with nothing to be paired with.
        rate = max(report["rate"] for report in reports["ceiling"])
        result[precision] = {
            "seconds": kinds["ours"],
            "seconds_usual": kinds["usual"],
            "seconds_at_ceiling": {kind: count / rate for kind, count in operations.items()},
            "ceiling_rate": rate,
        }
    return result


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
