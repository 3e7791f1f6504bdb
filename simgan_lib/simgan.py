"""SimGAN itself: two losses, two updates, and Algorithm 1 of the paper."""

import functools
import itertools
import math
import time
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from simgan_lib import backends, losses, models
from simgan_lib.config import Config, UserError
from simgan_lib.data import batch_indices, to_float
from simgan_lib.history import HistoryBuffer
from simgan_lib.losses import REAL, REFINED

PHASES = ("pretrain_refiner", "pretrain_discriminator", "adversarial")


@keras.saving.register_keras_serializable("simgan_lib")
class SimGAN(keras.Model):
    """Trains a refiner R and a discriminator D against each other.

    Each update differentiates one loss with respect to one network's variables and leaves the
    other network alone. For a method of your own, give other networks, or write a subclass that
    overrides `refiner_loss`, `discriminator_loss` or `round`. What these log is written to
    `metrics.csv` and passed to callbacks. For Keras's callbacks, a round or a pre-training step is
    a batch, and `log_every` of them are an epoch.

    Args:
        config: The settings.
        image_shape: Height, width and channels of the images.
        refiner: R, any functional Keras model that keeps the images' shape. The paper's if `None`.
        discriminator: D, any functional Keras model that gives two logits per patch, or anything
            if you override `discriminator_loss`. The paper's if `None`.
        precision: Number format of the paper's networks. The configuration's if `None`. `"auto"`
            is `"float32"` here: only `training.train` measures.

    Attributes:
        buffer: The history buffer.
        phase: The phase that is running, one of `PHASES`.
        planned: Number of steps that the configuration asks for, by phase.
        done: Number of these that have been taken, by phase.
        pretraining_epochs: Epochs before the first round: `start_from_epoch` for
            `keras.callbacks.EarlyStopping`.

    Raises:
        UserError: If a network does not fit the images.

    Example:
        >>> from simgan_lib.config import preset
        >>> model = SimGAN(preset("smoke"))
        >>> images = np.random.default_rng(0).integers(0, 256, (64, 35, 55), "uint8")
        >>> model.train(synthetic=images[:32], real=images[32:]).done["adversarial"]
        6

    Reference:
        Shrivastava et al. 2017, Algorithm 1.
    """

    def __init__(
        self,
        config: Config | None = None,
        image_shape: tuple[int, int, int] = (35, 55, 1),
        refiner: keras.Model | None = None,
        discriminator: keras.Model | None = None,
        precision: str | None = None,
    ):
        super().__init__(name="simgan")
        self.config = config = config or Config()
        self.image_shape = tuple(image_shape)
        self.own_networks = refiner is not None or discriminator is not None
        self.precision = (precision or config.precision).replace("auto", "float32")
        dtype = backends.POLICIES[self.precision]
        self.refiner = refiner or self._build_refiner(dtype)
        self.discriminator = discriminator or models.build_discriminator(
            self.image_shape, dtype=dtype, seed=config.seed + 1
        )
        self._check_networks()
        self.buffer = HistoryBuffer(config.buffer_size, self.image_shape, config.seed)
        # Adam divides by the size of past gradients. Those of pre-training are so small that Adam's
        # first adversarial steps would be huge, and R would destroy the images.
        rate = config.refiner_learning_rate
        self.pretraining_optimizer = self._optimizer(self.refiner, rate)
        self.refiner_optimizer = self._optimizer(self.refiner, rate, config.refiner_averaging)
        self.discriminator_optimizer = self._optimizer(
            self.discriminator, config.discriminator_learning_rate
        )
        # Keras's learning-rate callbacks change this one.
        self.optimizer = self.refiner_optimizer
        steps = (config.refiner_pretraining_steps, config.discriminator_pretraining_steps)
        self.planned = dict(zip(PHASES, (*steps, config.iterations), strict=True))
        self.phase, self.done = PHASES[0], dict.fromkeys(PHASES, 0)
        self.pretraining_epochs = self._epochs(PHASES[:2])
        self.backend = backends.current()
        self.built = True

    # ---- the losses: equations 2 and 4

    def refiner_loss(self, x):
        """Computes L_R, equation 4: make D answer "real", and stay close to the synthetic image.

        Args:
            x: Synthetic images, float tensor `(batch, height, width, channels)` in [-1, 1].

        Returns:
            The scalar loss, and a dict of scalars to log.
        """
        refined = self.refiner(x, training=True)
        adversarial = self.adversarial_loss(self.discriminator(refined, training=True), REAL)
        kept = self.self_regularisation(refined, x)
        loss = adversarial + self.config.lambda_mean * kept
        return loss, {
            "refiner_loss": loss,
            "adversarial_loss": adversarial,
            "self_regularisation": kept,
            "mean_change": ops.mean(ops.abs(refined - x)),
        }

    def discriminator_loss(self, real, refined):
        """Computes L_D, equation 2: tell real from refined images.

        Args:
            real: y, float tensor `(batch, height, width, channels)` in [-1, 1].
            refined: R(x), of the same shape and range.

        Returns:
            The scalar loss, and a dict of scalars to log.
        """
        # One pass over both is faster than two.
        logits = self.discriminator(ops.concatenate([real, refined]), training=True)
        on_real, on_refined = ops.split(logits, [real.shape[0]])
        loss = self.adversarial_loss(on_real, REAL) + self.adversarial_loss(on_refined, REFINED)
        return loss, {
            "discriminator_loss": loss,
            "accuracy_real": losses.accuracy(on_real, REAL),
            "accuracy_refined": losses.accuracy(on_refined, REFINED),
        }

    def adversarial_loss(self, logits, label):
        """Computes the cross-entropy of D's answers, per patch or per image."""
        if self.config.adversarial_loss == "global":
            return losses.global_adversarial(logits, label)
        return losses.local_adversarial(logits, label)

    def self_regularisation(self, refined, x):
        """Computes how far R(x) is from x. The feature transform psi is the identity."""
        if self.config.output_activation == "equalised":
            x = models.equalised(x)  # R cannot choose brightness and contrast
        return losses.self_regularisation(refined, x)

    # ---- the updates

    def update_refiner(self, x):
        """Takes one optimiser step of R on L_R; D does not change."""
        return self._update(lambda: self.refiner_loss(x), self.refiner, self.refiner_optimizer)

    def update_discriminator(self, y, refined):
        """Takes one optimiser step of D on L_D; R does not change."""
        loss = lambda: self.discriminator_loss(y, refined)  # noqa: E731
        return self._update(loss, self.discriminator, self.discriminator_optimizer)

    def _update(self, loss, network, optimizer):
        variables = network.trainable_variables
        return self.backend.gradient_update(loss, optimizer, variables, self.variables)

    def round(self, x_r, x_d, y):
        """Runs one round of Algorithm 1: K_g updates of R, then K_d updates of D.

        Args:
            x_r: Synthetic images for R, float tensor `(K_g, batch, height, width, channels)`.
            x_d: Synthetic images to refine for D, `(K_d, half a batch, ...)`. Without a history
                `(K_d, batch, ...)`.
            y: Real images, `(K_d, batch, ...)`.

        Returns:
            A dict of scalars to log.
        """
        for k in range(self.config.refiner_updates):  # lines 2 to 5
            logs = self.update_refiner(x_r[k])
        for k in range(self.config.discriminator_updates):  # lines 6 to 9
            refined = self.buffer.mix(self.refiner(x_d[k], training=True))
            logs |= self.update_discriminator(y[k], refined)
        return logs | {"history_filled": self.buffer.fraction_filled()}

    def pretrain_refiner(self, x_r, x_d, y):
        """Takes one step of R on self-regularisation alone; arguments as for `round`."""

        def loss():
            refined = self.refiner(x_r[0], training=True)
            kept = self.self_regularisation(refined, x_r[0])
            change = ops.mean(ops.abs(refined - x_r[0]))
            return kept, {"self_regularisation": kept, "mean_change": change}

        return self._update(loss, self.refiner, self.pretraining_optimizer)

    def pretrain_discriminator(self, x_r, x_d, y):
        """Takes one step of D, while R does not change; arguments as for `round`."""
        refined = self.buffer.mix(self.refiner(x_d[0], training=True))
        logs = self.update_discriminator(y[0], refined)
        return logs | {"history_filled": self.buffer.fraction_filled()}

    # ---- the training

    def train(self, synthetic: np.ndarray, real: np.ndarray, callbacks=()) -> "SimGAN":
        """Trains until every phase has taken its planned steps, beginning where `done` stands.

        Args:
            synthetic: Simulated images, uint8 `(n, height, width)` or `(n, height, width, 3)`.
            real: Real images, uint8, of the same height, width and channels.
            callbacks: Keras callbacks. Setting `model.stop_training` ends training at the next row.

        Returns:
            The model itself.
        """
        self.stop_training = False
        steps = (self.pretrain_refiner, self.pretrain_discriminator, self.round)
        run = {p: self.backend.compile(s, self.state) for p, s in zip(PHASES, steps, strict=True)}
        # Callbacks get all numbers in every phase, as most fix their columns at the first row.
        names = ["loss"]
        for phase in reversed(PHASES):
            if self.planned[phase]:
                names += run[phase].names(next(self._batches(phase, synthetic, real)))
        self.log_names = list(dict.fromkeys([*names, "rounds_per_second"]))
        callbacks = keras.callbacks.CallbackList(
            list(callbacks), model=self, epochs=self._epochs(PHASES), verbose=0
        )
        callbacks.on_train_begin()
        for self.phase in PHASES:
            self._train_phase(run[self.phase], synthetic, real, callbacks)
        callbacks.on_train_end()
        return self

    def _train_phase(self, run, synthetic, real, callbacks):
        phase, planned, log_every = self.phase, self.planned[self.phase], self.config.log_every
        batches = self._batches(phase, synthetic, real)
        # Calls end at rows of metrics and at snapshots, which callbacks write.
        at_once = self.backend.steps_per_call(math.gcd(log_every, self.config.snapshot_every))
        first_epoch = self._epochs(PHASES[: PHASES.index(phase)])
        recent, start = [], time.perf_counter()
        # A stop waits for the next row, so that a resumed run writes the rows of a whole one.
        while self.done[phase] < planned and not (self.stop_training and not recent):
            done = self.done[phase]
            count = min(at_once - done % at_once, planned - done)
            if not recent:
                callbacks.on_epoch_begin(first_epoch + done // log_every)
            callbacks.on_train_batch_begin(done)
            logs = _with_loss(run(list(itertools.islice(batches, count))))
            recent += [logs] * count
            self.done[phase] = done = done + count
            callbacks.on_train_batch_end(done - 1, logs)
            if done % log_every == 0 or done == planned:
                means = {name: float(np.mean([log[name] for log in recent])) for name in logs}
                means["rounds_per_second"] = len(recent) / (time.perf_counter() - start)
                row = {name: means.get(name, math.nan) for name in self.log_names}
                callbacks.on_epoch_end(first_epoch + (done - 1) // log_every, row)
                recent, start = [], time.perf_counter()

    def _batches(self, phase, synthetic, real) -> Iterator[tuple]:
        """Yields what each step of a phase takes: x_r, x_d and y, as for `round`."""
        config, once = self.config, phase != "adversarial"
        k_g, k_d = (1, 1) if once else (config.refiner_updates, config.discriminator_updates)
        batch = config.batch_size
        half = batch // 2 if config.buffer_size else batch
        draws = [(synthetic, k_g, batch), (synthetic, k_d, half), (real, k_d, batch)]
        # Nine streams per seed, so that no two phases or networks see the same shuffle. A batch
        # depends on the seed and its number alone, so a resumed run draws the same.
        first = 9 * config.seed + 3 * PHASES.index(phase)
        streams = [
            batch_indices(len(images), number * size, seed=first + n, start=self.done[phase])
            for n, (images, number, size) in enumerate(draws)
        ]
        for drawn in zip(*streams, strict=True):
            batches = [
                to_float(images[indices]).reshape(number, size, *self.image_shape)
                for (images, number, size), indices in zip(draws, drawn, strict=True)
            ]
            yield tuple(map(backends.to_device, batches))

    def _epochs(self, phases) -> int:
        return sum(-(-self.planned[phase] // self.config.log_every) for phase in phases)

    # ---- what comes out

    def call(self, images):
        """Refines float images in [-1, 1] with R's latest weights."""
        return self.refiner(images)

    def refine(self, images: np.ndarray) -> np.ndarray:
        """Refines uint8 images with R's averaged weights, as the run's own refiner does."""
        return models.refine(self.averaged_refiner(), images)

    def averaged_refiner(self) -> keras.Model:
        """Returns R in float32, with the running average of its weights.

        R and D oscillate: R's last images may be too bright, those of fifty rounds ago too dark.
        With `refiner_averaging` 0, or before the first round, these are the latest weights. Each
        call returns the same model, with the weights of the moment.
        """
        averaged = self._averaged
        averaged.set_weights(self.refiner.get_weights())
        if self.config.refiner_averaging and self.done["adversarial"]:
            self.refiner_optimizer.finalize_variable_values(averaged.trainable_variables)
        return averaged

    # Cached, not set, as Keras would count its weights among those of the model.
    @functools.cached_property
    def _averaged(self) -> keras.Model:
        if not self.own_networks:
            return self._build_refiner("float32")
        return keras.models.clone_model(self.refiner)

    def probability_refined(self, images: np.ndarray) -> np.ndarray | None:
        """Returns D's probability, patch by patch, that uint8 images are refined.

        It is float16 `(n, map_height, map_width)`, or `None` if D does not give two logits.
        """
        logits = ops.convert_to_numpy(self.discriminator(to_float(images)))
        if logits.ndim != 4 or logits.shape[-1] != 2:
            return None
        return ops.convert_to_numpy(ops.softmax(logits)[..., REFINED]).astype("float16")

    # ---- Keras

    @property
    def state(self) -> list[keras.Variable]:
        """All variables that training reads or changes: what a checkpoint holds."""
        return [
            *self.variables,
            *self.pretraining_optimizer.variables,
            *self.refiner_optimizer.variables,
            *self.discriminator_optimizer.variables,
        ]

    def save_own_variables(self, store):
        """Saves `done` and the states of the random generators, which Keras leaves out."""
        store["done"] = np.array([self.done[phase] for phase in PHASES])
        for number, seed in enumerate(self._seeds()):
            store[f"seed_{number}"] = ops.convert_to_numpy(seed)

    def load_own_variables(self, store):
        """Restores what `save_own_variables` saved."""
        self.done = dict(zip(PHASES, np.array(store["done"]).tolist(), strict=True))
        for number, seed in enumerate(self._seeds()):
            seed.assign(store[f"seed_{number}"])

    def _seeds(self):
        return [variable for variable in self.variables if variable.name == "seed_generator_state"]

    def get_config(self):
        """Returns what `from_config` needs, as Keras asks for it."""
        networks = (self.refiner, self.discriminator) if self.own_networks else ()
        return {
            "config": self.config.to_json(),
            "image_shape": self.image_shape,
            "precision": self.precision,
            "networks": [keras.saving.serialize_keras_object(network) for network in networks],
        }

    @classmethod
    def from_config(cls, config):
        """Builds the model that `get_config` described."""
        networks = map(keras.saving.deserialize_keras_object, config["networks"])
        settings = Config.from_json(config["config"])
        return cls(settings, config["image_shape"], *networks, precision=config["precision"])

    def _build_refiner(self, dtype):
        config = self.config
        options = {"output_activation": config.output_activation, "dtype": dtype}
        return models.build_refiner(self.image_shape, config.filters, seed=config.seed, **options)

    def _optimizer(self, network, learning_rate, averaging=0.0):
        ema = {"use_ema": averaging > 0, "ema_momentum": averaging}
        optimizer = keras.optimizers.SGD(learning_rate, **ema)
        if self.config.optimizer == "adam":
            optimizer = keras.optimizers.Adam(learning_rate, self.config.beta_1, **ema)
        if self.precision == "float16":
            # Gradients below 6e-8 vanish in float16. Scaling the loss keeps them above.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(network.trainable_variables)
        return optimizer

    def _check_networks(self):
        own_loss = type(self).discriminator_loss is not SimGAN.discriminator_loss
        images, logits = self.image_shape, (None, None, 2)
        for name, network, wanted, what in (
            ("R", self.refiner, images, "images of the shape that it takes"),
            ("D", self.discriminator, logits, "two logits per patch"),
        ):
            if not hasattr(network, "input_shape"):
                raise UserError(
                    f"{name} must be a functional or sequential Keras model, whose shapes are "
                    f"known; received a {type(network).__name__}. Build it with keras.Input."
                )
            models.check_shape(network, images)
            gives = network.output_shape[1:]
            if not models.fits(gives, wanted) and not (name == "D" and own_loss):
                raise UserError(
                    f"{name} must give {what}, (height, width, channels) of {wanted}; it gives "
                    f"{gives}. For another output of D, override discriminator_loss and "
                    "refiner_loss in a subclass."
                )


def _with_loss(logs):
    """Adds `loss`, which Keras's callbacks look for: L_R + L_D, or what a phase has of them."""
    known = [logs[name] for name in ("refiner_loss", "discriminator_loss") if name in logs]
    known = known or [logs.get("self_regularisation", next(iter(logs.values())))]
    return {"loss": sum(known[1:], start=known[0]), **logs}
