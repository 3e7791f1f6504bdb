"""SimGAN itself: pre-training, then Algorithm 1 of the paper."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from simgan_lib import backends, losses
from simgan_lib.config import Config
from simgan_lib.datasets import batch_indices
from simgan_lib.history import HistoryBuffer
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import build_discriminator, build_refiner
from simgan_lib.precision import POLICIES, fastest_precision, time_precisions

PHASES = ("pretrain_refiner", "pretrain_discriminator", "adversarial")


class SimGAN(keras.Model):
    """Trains a refiner and a discriminator against each other.

    A round of Algorithm 1 is K_g updates of R, then K_d updates of D. Each update differentiates
    one loss with respect to one network's variables and leaves the other network alone.

    It is an ordinary `keras.Model`: calling it refines, `save_weights` saves, callbacks attach to
    it. For callbacks, a round (or a pre-training step) is a batch, and `log_every` of them are an
    epoch, whose logs are the averages since the last one.

    Args:
        config: The settings.
        image_shape: Height, width and channels of the images.
        precision: Overrides the configuration's, as a resumed run must.

    Attributes:
        done: How many steps of each phase have been taken, by phase.
        phase: The phase that is running.
        precision: What the convolutions compute in: `"float32"`, `"bfloat16"` or `"float16"`.

    Example:
        >>> from simgan_lib.config import preset
        >>> model = SimGAN(preset("smoke").replace(precision="float32"))
        >>> images = np.random.default_rng(0).integers(0, 256, (64, 35, 55), "uint8")
        >>> model.train(synthetic=images[:32], real=images[32:]).done["adversarial"]
        6

    Reference:
        Shrivastava et al. 2017, section 2 and Algorithm 1.
    """

    def __init__(
        self,
        config: Config,
        image_shape: tuple[int, int, int] = (35, 55, 1),
        precision: str | None = None,
    ):
        super().__init__(name="simgan")
        self.config = config
        self.precision_seconds = {}
        self.precision = precision or config.precision
        if self.precision == "auto":
            self.precision_seconds = time_precisions()
            self.precision = fastest_precision(self.precision_seconds)
        policy = POLICIES[self.precision]

        self.refiner = build_refiner(
            image_shape,
            config.filters,
            config.kernel_size,
            config.blocks,
            config.output_activation,
            dtype=policy,
            seed=config.seed,
        )
        self.discriminator = build_discriminator(image_shape, dtype=policy, seed=config.seed + 1)
        self.history_buffer = HistoryBuffer(config.buffer_size, image_shape, seed=config.seed)
        # Adam divides by the size of past gradients. Those of pre-training are so small that its
        # first adversarial steps would be huge, and the refiner would leave the images behind.
        self.pretraining_optimizer = self._optimizer(self.refiner, config.refiner_learning_rate)
        self.refiner_optimizer = self._optimizer(
            self.refiner, config.refiner_learning_rate, config.refiner_averaging
        )
        self.discriminator_optimizer = self._optimizer(
            self.discriminator, config.discriminator_learning_rate
        )
        # Keras's learning-rate callbacks change this one.
        self.optimizer = self.refiner_optimizer
        self.built = True

        self.phase = PHASES[0]
        self.done = dict.fromkeys(PHASES, 0)
        self._backend = backends.current()
        self._compiled = {
            "pretrain_refiner": self._compile(self.refiner_pretraining_step),
            "pretrain_discriminator": self._compile(self.discriminator_updates),
            "adversarial": self._compile(self.round),
        }

    @property
    def state(self) -> list[keras.Variable]:
        """All variables that training changes: what a checkpoint holds."""
        return [
            *self.refiner.variables,
            *self.discriminator.variables,
            *self.pretraining_optimizer.variables,
            *self.refiner_optimizer.variables,
            *self.discriminator_optimizer.variables,
            *self.history_buffer.variables,
        ]

    @property
    def planned(self) -> dict[str, int]:
        """How many steps of each phase the configuration asks for, by phase."""
        config = self.config
        return {
            "pretrain_refiner": config.refiner_pretraining_steps,
            "pretrain_discriminator": config.discriminator_pretraining_steps,
            "adversarial": config.iterations,
        }

    @contextmanager
    def averaged_refiner(self) -> Iterator[keras.Model]:
        """Gives R with the running average of its weights, while the block lasts.

        R and D circle round each other: R's last images may be too bright, those of fifty rounds
        ago too dark. With `refiner_averaging` 0, or before the first round, R is as it is.
        """
        if not self.config.refiner_averaging or not self.done["adversarial"]:
            yield self.refiner
            return
        latest = self.refiner.get_weights()
        self.refiner_optimizer.finalize_variable_values(self.refiner.trainable_variables)
        try:
            yield self.refiner
        finally:
            self.refiner.set_weights(latest)

    def call(self, images):
        """Refines float images in [-1, 1], shape `(batch, height, width, channels)`."""
        return self.refiner(images)

    def refiner_loss(self, synthetic):
        """Computes L_R: fool D, and stay close to the synthetic image.

        Args:
            synthetic: x, float tensor `(batch, height, width, channels)` in [-1, 1].

        Returns:
            The scalar loss, and a dict of scalars to log.

        Reference:
            Shrivastava et al. 2017, equation 4.
        """
        refined = self.refiner(synthetic)
        goal = {"real": REAL, "refined": REFINED}[self.config.refiner_goal]
        adversarial = self._adversarial(self.discriminator(refined), goal)
        kept = losses.self_regularisation(refined, synthetic, self.config.feature)
        loss = adversarial + self.config.lambda_mean * kept
        return loss, {
            "refiner_loss": loss,
            "adversarial_loss": adversarial,
            "self_regularisation": kept,
            "mean_change": ops.mean(ops.abs(refined - synthetic)),
        }

    def pretraining_loss(self, synthetic):
        """Computes R's loss before the first round: `refiner_loss` without D (section 4.1)."""
        refined = self.refiner(synthetic)
        kept = losses.self_regularisation(refined, synthetic, self.config.feature)
        change = ops.mean(ops.abs(refined - synthetic))
        return kept, {"self_regularisation": kept, "mean_change": change}

    def discriminator_loss(self, real, refined):
        """Computes L_D: tell real from refined images.

        Args:
            real: y, float tensor `(batch, height, width, channels)` in [-1, 1].
            refined: R(x), of the same shape and range.

        Returns:
            The scalar loss, and a dict of scalars to log.

        Reference:
            Shrivastava et al. 2017, equation 2.
        """
        # One pass over both halves uses the processor better than two.
        logits = self.discriminator(ops.concatenate([real, refined]))
        on_real, on_refined = logits[: real.shape[0]], logits[real.shape[0] :]
        loss = self._adversarial(on_real, REAL) + self._adversarial(on_refined, REFINED)
        return loss, {
            "discriminator_loss": loss,
            "accuracy_real": losses.accuracy(on_real, REAL),
            "accuracy_refined": losses.accuracy(on_refined, REFINED),
        }

    def update_refiner(self, synthetic):
        """Takes one optimiser step of R on float images; D does not change."""
        return self._backend.gradient_update(
            lambda: self.refiner_loss(synthetic),
            self.refiner_optimizer,
            self.refiner.trainable_variables,
            frozen=self.discriminator.variables,
        )

    def update_discriminator(self, fresh, real):
        """Takes one optimiser step of D on float images; R does not change.

        `fresh` is what R has just refined: half a batch with the history, else a batch.
        """
        refined = fresh
        if self.config.history:
            buffer, half = self.history_buffer, fresh.shape[0]
            # The very first half-batch finds the buffer empty and stands in for the past.
            past = ops.where(buffer.can_sample(half), buffer.sample(half), fresh)
            refined = ops.concatenate([fresh, past])
            buffer.push(fresh)
        logs = self._backend.gradient_update(
            lambda: self.discriminator_loss(real, refined),
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
        )
        return {**logs, "history_filled": self.history_buffer.fraction_filled()}

    def refiner_pretraining_step(self, synthetic, real, batches):
        """Takes one step of R on self-regularisation alone; arguments as for `round`."""
        images = to_float(ops.take(synthetic, batches["refiner"][0], axis=0))
        return self._backend.gradient_update(
            lambda: self.pretraining_loss(images),
            self.pretraining_optimizer,
            self.refiner.trainable_variables,
        )

    def discriminator_updates(self, synthetic, real, batches):
        """Takes the K_d steps of D in a round; arguments as for `round`."""
        fresh_indices, real_indices = batches["fresh"], batches["real"]
        # R stands still while D learns: all its half-batches are refined in one call.
        images = to_float(ops.take(synthetic, ops.reshape(fresh_indices, (-1,)), axis=0))
        fresh = self.refiner(images)
        fresh = ops.reshape(fresh, (*fresh_indices.shape, *images.shape[1:]))

        def update(fresh, indices):
            return self.update_discriminator(fresh, to_float(ops.take(real, indices, axis=0)))

        return self._backend.repeat(update, self.state, fresh, real_indices)

    def round(self, synthetic, real, batches):
        """Runs one round of Algorithm 1: K_g steps of R, then K_d steps of D.

        Args:
            synthetic: All synthetic images, uint8 tensor `(n, height, width)`.
            real: All real images, uint8 tensor `(m, height, width)`.
            batches: What to draw from them, int tensors: `"refiner"` `(K_g, batch)`, `"fresh"`
                `(K_d, half a batch)` and `"real"` `(K_d, batch)`.

        Returns:
            A dict of scalars to log, averaged over the steps.
        """

        def update(indices):
            return self.update_refiner(to_float(ops.take(synthetic, indices, axis=0)))

        logs = self._backend.repeat(update, self.state, batches["refiner"])
        return {**logs, **self.discriminator_updates(synthetic, real, batches)}

    def train(self, synthetic: np.ndarray, real: np.ndarray, callbacks=()) -> "SimGAN":
        """Trains until every phase has its planned steps, from wherever `done` says it stands.

        Args:
            synthetic: Simulated images, uint8 `(n, height, width)`.
            real: Real images, unlabelled, uint8 `(m, height, width)`.
            callbacks: Keras callbacks. One that sets `model.stop_training` ends the training
                after the current round.

        Returns:
            The model itself.
        """
        callbacks = keras.callbacks.CallbackList(list(callbacks), model=self)
        synthetic, real = ops.convert_to_tensor(synthetic), ops.convert_to_tensor(real)
        self.stop_training = False
        callbacks.on_train_begin()
        for self.phase in PHASES:
            self._train_phase(synthetic, real, callbacks)
        callbacks.on_train_end()
        return self

    def _train_phase(self, synthetic, real, callbacks):
        step, planned = self._compiled[self.phase], self.planned[self.phase]
        batches = self._batches(len(synthetic), len(real))
        recent, start = [], time.perf_counter()
        while self.done[self.phase] < planned and not self.stop_training:
            if not recent:
                callbacks.on_epoch_begin(self.done[self.phase] // self.config.log_every)
            callbacks.on_train_batch_begin(self.done[self.phase])
            recent.append(step(synthetic, real, next(batches)))
            self.done[self.phase] += 1
            done = self.done[self.phase]
            callbacks.on_train_batch_end(done - 1, recent[-1])
            if done % self.config.log_every == 0 or done == planned:
                logs = {name: float(np.mean([log[name] for log in recent])) for name in recent[0]}
                logs["rounds_per_second"] = len(recent) / (time.perf_counter() - start)
                callbacks.on_epoch_end((done - 1) // self.config.log_every, logs)
                recent, start = [], time.perf_counter()

    def _batches(self, synthetic_count, real_count):
        # Batches depend on the seed and on `done` alone, so a resumed run draws the same ones.
        config, done = self.config, self.done[self.phase]
        fresh = config.batch_size // 2 if config.history else config.batch_size
        refiner_updates = config.refiner_updates if self.phase == "adversarial" else 1
        discriminator_updates = config.discriminator_updates if self.phase == "adversarial" else 1
        draws = {
            "refiner": (synthetic_count, refiner_updates, config.batch_size),
            "fresh": (synthetic_count, discriminator_updates, fresh),
            "real": (real_count, discriminator_updates, config.batch_size),
        }
        # Nine streams a seed, so that no two phases or networks see the same shuffle.
        first = 9 * config.seed + 3 * PHASES.index(self.phase)
        streams = {
            name: batch_indices(count, updates * size, seed=first + number, start=done)
            for number, (name, (count, updates, size)) in enumerate(draws.items())
        }
        while True:
            yield {
                name: next(stream).reshape(draws[name][1:]).astype("int32")
                for name, stream in streams.items()
            }

    def _adversarial(self, logits, label):
        return losses.ADVERSARIAL_LOSSES[self.config.adversarial_loss](logits, label)

    def _optimizer(self, network, learning_rate, averaging=0.0):
        settings = {"use_ema": averaging > 0, "ema_momentum": averaging}
        optimizer = keras.optimizers.SGD(learning_rate, **settings)
        if self.config.optimizer == "adam":
            optimizer = keras.optimizers.Adam(learning_rate, self.config.beta_1, **settings)
        if self.precision == "float16":
            # Gradients below 6e-8 vanish in float16; scaling the loss keeps them above.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(network.trainable_variables)
        return optimizer

    def _compile(self, function):
        return self._backend.compile(function, self.state)


def to_float(images):
    """Converts a uint8 tensor `(batch, height, width)` to float32 in [-1, 1], with one channel."""
    return ops.cast(images, "float32")[..., None] / 127.5 - 1.0
