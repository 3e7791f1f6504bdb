"""A round of `quick` on larger pictures: its seconds and the memory that it takes."""

import json
import resource
import statistics
import sys

from benchmarks.workers import Turns, Worker

SIZES = ((35, 55), (64, 64), (128, 128), (224, 224))


def work(shape: list[int], filters: int, rounds: int) -> dict:
    """Trains for a few rounds without a run folder; the first, which compiles, does not count."""
    import keras
    import numpy as np

    from simgan_lib.config import preset
    from simgan_lib.simgan import SimGAN

    config = preset("quick").replace(
        iterations=rounds,
        filters=filters,
        log_every=1,
        refiner_pretraining_steps=0,
        discriminator_pretraining_steps=0,
    )
    rates = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(logs["rounds_per_second"])
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 128, *shape), "uint8")
    SimGAN(config, (*shape, 1) if len(shape) == 2 else tuple(shape)).train(
        *images, callbacks=[watch]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds_a_round": 1 / statistics.median(rates[1:]), "peak_gib": peak}


def measure(smoke: bool = False) -> dict:
    """Measures each size in a process of its own, gray and in colour, with 32 and with 64 maps."""
    found = {}
    for height, width in SIZES[: 1 if smoke else None]:
        for colour in ((), (3,)):
            for filters in (4,) if smoke else (32, 64):
                shape = [height, width, *colour]
                worker = Worker("sizes", shape=shape, filters=filters, rounds=3 if smoke else 6)
                name = f"{height}x{width} {'colour' if colour else 'gray'}, {filters} maps"
                found[name] = worker.turn()
                worker.end()
    return found


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    Turns().serve(lambda: work(**options))
