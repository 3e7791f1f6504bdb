"""The ceiling: how many operations a second the best matrix product does, in the same library."""

import statistics
import time

import keras
from keras import ops

from benchmarks.workers import timed

# The largest rate counts, so that the ceiling does not depend on a lucky choice.
SIZES = (512, 1024, 2048, 4096)


def product(size: int, dtype: str):
    """Returns a call that multiplies two square matrices and waits for the product."""
    a, b = (ops.cast(keras.random.normal((size, size), seed=seed), dtype) for seed in (0, 1))
    if keras.backend.backend() == "jax":
        import jax

        multiply = jax.jit(jax.numpy.matmul)
        return lambda: multiply(a, b).block_until_ready()

    import tensorflow as tf

    multiply = tf.function(tf.matmul)
    return lambda: multiply(a, b).numpy()


def ceiling(dtype: str, sizes=SIZES, seconds: float = 0.3):
    """Returns a function that measures operations a second, with the best of the sizes."""

    def rate(size):
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            times.append(timed(products[size]))
        return 2 * size**3 / statistics.median(times)

    products = {size: product(size, dtype) for size in sizes}
    for multiply in products.values():
        multiply()
    best = max(sizes, key=rate)
    return lambda: rate(best)


def work(turns, **options) -> None:
    """Measures the ceiling once a turn."""
    measure = ceiling(**options)
    turns.serve(lambda: {"rate": measure()})
