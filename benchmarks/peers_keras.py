"""The usual way to train SimGAN in Keras: a combined model, and `train_on_batch`.

D is compiled alone. R is trained through a combined model in which D is frozen, with the image and
D's answer as two outputs. Each update of D refines a whole batch with `predict_on_batch`, replaces
half of it from the history, and trains on the real and on the refined batch one after the other.
"""

import json
import sys

import keras
import numpy as np

from benchmarks.problem import BETA_1, LAMBDA, LEARNING_RATE, History, Problem
from simgan_lib.backends import POLICIES
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import build_discriminator, build_refiner


class UsualKeras:
    """R and D as the usual way trains them.

    Args:
        problem: The round.
        precision: `"float32"` or `"bfloat16"`.
    """

    def __init__(self, problem: Problem, precision: str = "float32"):
        self.problem, shape = problem, (problem.height, problem.width, 1)
        dtype = POLICIES[precision]
        self.refiner = build_refiner(shape, problem.filters, dtype=dtype, seed=0)
        self.discriminator = build_discriminator(shape, dtype=dtype, seed=1)
        patches = self.discriminator.output_shape[1:3]
        self.labels = {
            label: np.full((problem.batch, *patches), label, "int32") for label in (REAL, REFINED)
        }
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # XLA is Keras's own choice, and slower on a CPU.
        options = {"jit_compile": False}
        self.discriminator.compile(self._adam(), cross_entropy, **options)
        image = keras.Input(shape)
        refined = self.refiner(image)
        self.combined = keras.Model(image, [refined, self.discriminator(refined)])
        self.combined.compile(
            self._adam(), ["mae", cross_entropy], loss_weights=[LAMBDA, 1.0], **options
        )
        self.refiner.compile(**options)
        self.history, self.rng = History(problem.buffer_size), np.random.default_rng(0)

    def update_refiner(self, synthetic) -> float:
        """Takes one step of R and returns L_R."""
        self.discriminator.trainable = False
        loss = self.combined.train_on_batch(synthetic, [synthetic, self.labels[REAL]])
        return float(np.ravel(loss)[0])

    def update_discriminator(self, synthetic, real) -> tuple[float, float]:
        """Takes one step of D on each half and returns the two losses."""
        refined = self.refiner.predict_on_batch(synthetic)
        half = len(refined) // 2
        past = self.history.sample(half)
        self.history.push(refined[:half])
        if past is not None:
            refined[half:] = past
        return self.train_discriminator(real, REAL), self.train_discriminator(refined, REFINED)

    def train_discriminator(self, images, label) -> float:
        """Takes one step of D on images of one kind and returns their loss."""
        self.discriminator.trainable = True
        return float(self.discriminator.train_on_batch(images, self.labels[label]))

    def round(self, synthetic, real) -> float:
        """Takes all updates of a round, on images scaled already, and returns the last L_D."""
        self.update_refiner(self._draw(synthetic))
        for _ in range(self.problem.discriminator_updates):
            losses = self.update_discriminator(self._draw(synthetic), self._draw(real))
        return sum(losses)

    def _draw(self, images):
        return images[self.rng.integers(0, len(images), self.problem.batch)]

    def _adam(self):
        return keras.optimizers.Adam(LEARNING_RATE, BETA_1)


if __name__ == "__main__":
    from benchmarks.workers import Turns
    from simgan_lib.data import to_float

    options = json.loads(sys.argv[1])
    precision = options.pop("precision")
    peer = UsualKeras(Problem(**options), precision)
    # Scaled once, before the training, as is usual.
    data = [to_float(images) for images in peer.problem.data()]
    counts = [peer.refiner.count_params(), peer.discriminator.count_params()]
    Turns(parameters=counts).serve(lambda: {"discriminator_loss": peer.round(*data)})
