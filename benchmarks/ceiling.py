"""The ceiling: how many operations a second the best matrix product does, in the same library."""

import statistics
import time

import keras
from keras import ops

from benchmarks.workers import timed

# The largest rate counts, so that the ceiling does not depend on a lucky choice.
SIZES = (512, 1024, 2048, 4096)


def ceiling(dtype: str, sizes=SIZES, seconds: float = 0.3):
    """Returns a function that measures operations a second, with the best of the sizes."""

    def multiply(a, b):
        # A number that is read has been computed.
        float(ops.matmul(a, b)[0, 0])

    def rate(a, b):
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            times.append(timed(multiply, a, b))
        return 2 * len(a) ** 3 / statistics.median(times)

    pairs = [
        [ops.cast(keras.random.normal((size, size), seed=seed), dtype) for seed in (0, 1)]
        for size in sizes
    ]
    for pair in pairs:
        multiply(*pair)
    best = max(pairs, key=lambda pair: rate(*pair))
    return lambda: rate(*best)


def work(turns, **options) -> None:
    """Measures the ceiling once a turn."""
    measure = ceiling(**options)
    turns.serve(lambda: {"rate": measure()})
