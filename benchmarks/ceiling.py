"""The ceiling: how many operations a second the best matrix product does, in the same library."""

import json
import sys
import time

import tensorflow as tf

from benchmarks.workers import Turns

# The largest rate counts, so that the ceiling does not depend on a lucky choice.
SIZES = (512, 1024, 2048, 4096)


def product(size: int, dtype: str):
    """Returns a call that multiplies two square matrices, and its operations."""
    a, b = (tf.cast(tf.random.normal((size, size), seed=seed), dtype) for seed in (0, 1))
    multiply = tf.function(tf.matmul)
    return lambda: multiply(a, b).numpy(), 2 * size**3


def rate(call, operations: int, seconds: float) -> float:
    """Calls for so many seconds and returns the median of operations a second."""
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(rates) < 3:
        start = time.perf_counter()
        call()
        rates.append(operations / (time.perf_counter() - start))
    return sorted(rates)[len(rates) // 2]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    products = [product(size, options["dtype"]) for size in options.get("sizes", SIZES)]
    seconds = options.get("seconds", 0.3)
    for call, _ in products:
        call()
    best = max(products, key=lambda found: rate(*found, seconds))
    Turns(dtype=options["dtype"], size=round((best[1] / 2) ** (1 / 3))).serve(
        lambda: {"rate": rate(*best, seconds)}
    )
