"""The usual way to train SimGAN in Keras: a combined model, and `train_on_batch`.

D is compiled alone. R is trained through a combined model in which D is frozen, with the image and
D's answer as two outputs. Each update of D refines a whole batch with `predict_on_batch`, replaces
half of it from the history, and trains on the real and on the refined batch one after the other.
"""

import keras
import numpy as np

from benchmarks.rounds import SHAPE, History, noise, report_round
from simgan_lib.backends import POLICIES
from simgan_lib.config import Config
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import build_discriminator, build_refiner


class UsualKeras:
    """R and D as the usual way trains them."""

    def __init__(self, config: Config):
        self.config, shape, dtype = config, (*SHAPE, 1), POLICIES[config.precision]
        self.refiner = build_refiner(shape, config.filters, dtype=dtype, seed=0)
        self.discriminator = build_discriminator(shape, dtype=dtype, seed=1)
        answers = (config.batch_size, *self.discriminator.output_shape[1:3])
        self.labels = {label: np.full(answers, label, "int32") for label in (REAL, REFINED)}
        image = keras.Input(shape)
        refined = self.refiner(image)
        self.combined = keras.Model(image, [refined, self.discriminator(refined)])
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # XLA is Keras's own choice, and slower on a CPU.
        options = {"jit_compile": False}
        adam = keras.optimizers.Adam(config.discriminator_learning_rate, config.beta_1)
        self.discriminator.compile(adam, cross_entropy, **options)
        adam = keras.optimizers.Adam(config.refiner_learning_rate, config.beta_1)
        weights = [config.lambda_mean, 1.0]
        self.combined.compile(adam, ["mae", cross_entropy], loss_weights=weights, **options)
        self.refiner.compile(**options)
        self.history, self.rng = History(config.buffer_size), np.random.default_rng(0)

    def update_refiner(self, synthetic) -> float:
        """Takes one step of R and returns L_R."""
        self.discriminator.trainable = False
        loss = self.combined.train_on_batch(synthetic, [synthetic, self.labels[REAL]])
        return float(np.ravel(loss)[0])

    def update_discriminator(self, synthetic, real) -> float:
        """Takes one step of D on real and one on refined images, and returns L_D."""
        refined = self.refiner.predict_on_batch(synthetic)
        self.history.mix(refined)
        loss = self.train_discriminator(real, REAL)
        return loss + self.train_discriminator(refined, REFINED)

    def train_discriminator(self, images, label) -> float:
        """Takes one step of D on images of one kind and returns their loss."""
        self.discriminator.trainable = True
        return float(self.discriminator.train_on_batch(images, self.labels[label]))

    def round(self, synthetic, real) -> float:
        """Takes all updates of a round, on images scaled already, and returns the last L_D."""
        self.update_refiner(self._draw(synthetic))
        for _ in range(self.config.discriminator_updates):
            loss = self.update_discriminator(self._draw(synthetic), self._draw(real))
        return loss

    def _draw(self, images):
        return images[self.rng.integers(0, len(images), self.config.batch_size)]


def work(turns, smoke: bool, precision: str) -> None:
    """Trains a round a turn."""
    from simgan_lib.data import to_float

    peer = UsualKeras(report_round(smoke, precision))
    # Scaled once, before the training, as is usual.
    data = [to_float(images) for images in noise(2048)]
    counts = [peer.refiner.count_params(), peer.discriminator.count_params()]
    turns.serve(lambda: {"discriminator_loss": peer.round(*data)}, parameters=counts)
