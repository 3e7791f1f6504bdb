"""A round of `quick` on larger pictures: its seconds and the memory that it takes."""

import resource

from benchmarks.rounds import noise, rounds_only, seconds_a_round
from benchmarks.workers import once
from simgan_lib.config import preset

SIZES = ((35, 55), (64, 64), (128, 128), (224, 224))


def work(turns, shape: list[int], **changes) -> None:
    """Trains for a few rounds; the first, which compiles, does not count."""

    def train():
        config = rounds_only(preset("quick"), log_every=1, **changes)
        seconds = seconds_a_round(config, noise(128, shape))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return {"seconds_a_round": seconds, "peak_gib": peak}

    turns.serve(train)


def measure(smoke: bool = False) -> dict:
    """Measures each size in a process of its own, gray and in colour, with 32 and with 64 maps."""
    found = {}
    for height, width in SIZES[:1] if smoke else SIZES:
        for colour, channels in (("gray", ()), ("colour", (3,))):
            for filters in (4,) if smoke else (32, 64):
                options = {"filters": filters, "iterations": 3 if smoke else 6}
                name = f"{height}x{width} {colour}, {filters} maps"
                found[name] = once("sizes", shape=[height, width, *channels], **options)
    return found
