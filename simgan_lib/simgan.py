"""SimGAN itself: pre-training, then Algorithm 1 of the paper."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import keras
import numpy as np
from keras import ops

from simgan_lib import backends, losses
from simgan_lib.batches import PHASES, mirrored, stacked, step_batches
from simgan_lib.config import Config
from simgan_lib.history import HistoryBuffer
from simgan_lib.losses import REAL, REFINED
from simgan_lib.models import build_discriminator, configured_refiner, equalised
from simgan_lib.precision import POLICIES, fastest_precision, time_precisions


class SimGAN(keras.Model):
    """Trains a refiner and a discriminator against each other.

    A round of Algorithm 1 is K_g updates of R, then K_d updates of D. Each update differentiates
    one loss with respect to one network's variables and leaves the other network alone.

    It is an ordinary `keras.Model`: calling it refines, `save_weights` saves, callbacks attach to
    it. For callbacks, a round (or a pre-training step) is a batch, and `log_every` of them are an
    epoch, whose logs are the averages since the last one. On a GPU with JAX a batch is
    `rounds_per_call` of them, as with Keras's `steps_per_execution`.

    Args:
        config: The settings.
        image_shape: Height, width and channels of the images.
        precision: Overrides the configuration's, as a resumed run must.

    Attributes:
        done: How many steps of each phase have been taken, by phase.
        phase: The phase that is running.
        precision: What the convolutions compute in: `"float32"`, `"bfloat16"` or `"float16"`.
        rounds_per_call: Rounds in one compiled call. 1 unless the device outruns its host; then
            as many as leave no callback's turn out.

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

        self.refiner = configured_refiner(config, image_shape, dtype=policy)
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
        outrun = self._backend.outruns_host()
        self.rounds_per_call = math.gcd(config.log_every, config.snapshot_every) if outrun else 1
        steps = (self.refiner_pretraining_step, self.discriminator_updates, self.round)
        compiled = [self._backend.compile(step, self.state) for step in steps]
        several = [self._backend.compile(partial(self.several, s), self.state) for s in steps]
        self._compiled = dict(zip(PHASES, compiled, strict=True))
        self._several = dict(zip(PHASES, several, strict=True))

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
        kept, logs = self._kept(refined, synthetic)
        loss = adversarial + self.config.lambda_mean * kept
        return loss, {"refiner_loss": loss, "adversarial_loss": adversarial, **logs}

    def pretraining_loss(self, synthetic):
        """Computes R's loss before the first round: `refiner_loss` without D (section 4.1)."""
        return self._kept(self.refiner(synthetic), synthetic)

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
        images, weight, count = [real, refined], self.config.gradient_penalty, real.shape[0]
        if weight:
            # Half are enough. A generator of its own would change what a checkpoint holds.
            half = real[: count // 2]
            noise = keras.random.normal(half.shape, seed=self.history_buffer.seed_generator)
            images.append(half + losses.NOISE * noise)
        # One pass over all uses the processor better than two or three.
        logits = self.discriminator(backends.split(ops.concatenate(images)))
        on_real, on_refined, on_noisy = ops.split(logits, [count, 2 * count])
        loss = self._adversarial(on_real, REAL) + self._adversarial(on_refined, REFINED)
        if weight:
            loss = loss + weight * losses.gradient_penalty(on_real[: count // 2], on_noisy)
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
        images = self._images(synthetic, batches["refiner"][0])
        return self._backend.gradient_update(
            lambda: self.pretraining_loss(images),
            self.pretraining_optimizer,
            self.refiner.trainable_variables,
        )

    def discriminator_updates(self, synthetic, real, batches):
        """Takes the K_d steps of D in a round; arguments as for `round`."""
        fresh_indices, real_indices = batches["fresh"], batches["real"]
        # R stands still while D learns: all its half-batches are refined in one call.
        images = self._images(synthetic, ops.reshape(fresh_indices, (-1,)))
        fresh = ops.reshape(self.refiner(images), (*fresh_indices.shape, *images.shape[1:]))
        # Where they are fewer than the updates, they come round again.
        turns = np.arange(real_indices.shape[0]) % fresh_indices.shape[0]
        fresh = ops.take(fresh, turns, axis=0)

        def update(fresh, indices):
            return self.update_discriminator(fresh, self._images(real, indices))

        return self._backend.repeat(update, self.state, fresh, real_indices)

    def round(self, synthetic, real, batches):
        """Runs one round of Algorithm 1: K_g steps of R, then K_d steps of D.

        Args:
            synthetic: All synthetic images, uint8 tensor `(n, height, width)`.
            real: All real images, uint8 tensor `(m, height, width)`.
            batches: What to draw from them, int tensors: `"refiner"` `(K_g, batch)`, `"fresh"`
                `(K_d, half a batch)`, or fewer rows, and `"real"` `(K_d, batch)`.

        Returns:
            A dict of scalars to log, averaged over the steps.
        """

        def update(indices):
            return self.update_refiner(self._images(synthetic, indices))

        logs = self._backend.repeat(update, self.state, batches["refiner"])
        return {**logs, **self.discriminator_updates(synthetic, real, batches)}

    def several(self, step, synthetic, real, batches):
        """Runs a step, such as `round`, for each slice of its batches; arguments as for `round`."""
        return self._backend.repeat(partial(step, synthetic, real), self.state, batches)

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
        synthetic, real = backends.everywhere(synthetic), backends.everywhere(real)
        self.stop_training = False
        callbacks.on_train_begin()
        for self.phase in PHASES:
            self._train_phase(synthetic, real, callbacks)
        callbacks.on_train_end()
        return self

    def _train_phase(self, synthetic, real, callbacks):
        phase, planned, log_every = self.phase, self.planned[self.phase], self.config.log_every
        batches = self._batches(len(synthetic), len(real))
        recent, start = [], time.perf_counter()
        while self.done[phase] < planned and not self.stop_training:
            done = self.done[phase]
            # Calls end at multiples of `rounds_per_call`, where the callbacks expect them.
            count = min(self.rounds_per_call - done % self.rounds_per_call, planned - done)
            if not recent:
                callbacks.on_epoch_begin(done // log_every)
            callbacks.on_train_batch_begin(done)
            logs = self._take_steps(synthetic, real, batches, count)
            recent += [logs] * count
            self.done[phase] = done = done + count
            callbacks.on_train_batch_end(done - 1, logs)
            if done % log_every == 0 or done == planned:
                logs = {name: float(np.mean([log[name] for log in recent])) for name in logs}
                logs["rounds_per_second"] = len(recent) / (time.perf_counter() - start)
                callbacks.on_epoch_end((done - 1) // log_every, logs)
                recent, start = [], time.perf_counter()

    def _take_steps(self, synthetic, real, batches, count):
        if count == 1:
            return self._compiled[self.phase](synthetic, real, next(batches))
        return self._several[self.phase](synthetic, real, stacked(batches, count))

    def _batches(self, synthetic_count, real_count):
        counts = (synthetic_count, real_count)
        return step_batches(self.config, self.phase, counts, start=self.done[self.phase])

    def _images(self, images, indices):
        images = to_float(ops.take(images, indices, axis=0))
        return backends.split(mirrored(images) if self.config.mirror else images)

    def _kept(self, refined, synthetic):
        change = ops.mean(ops.abs(refined - synthetic))
        if self.config.output_activation == "equalised":
            # What R cannot choose, brightness and contrast, is no difference to hold against it.
            synthetic = equalised(synthetic)
        kept = losses.self_regularisation(refined, synthetic, self.config.feature)
        return kept, {"self_regularisation": kept, "mean_change": change}

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


def to_float(images):
    """Converts a uint8 tensor `(batch, height, width)` to float32 in [-1, 1], with one channel."""
    return ops.cast(images, "float32")[..., None] / 127.5 - 1.0
