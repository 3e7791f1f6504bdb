"""What is computed in a timed round: the same for our code and for its peers."""

import math
import statistics

import numpy as np

from simgan_lib.config import Config, preset

SHAPE = (35, 55)  # of the report's images


def rounds_only(config: Config, **changes) -> Config:
    """Returns the settings with the changes; nothing is trained before the first round."""
    pretraining = {"refiner_pretraining_steps": 0, "discriminator_pretraining_steps": 0}
    return config.replace(**pretraining, **changes)


def report_round(smoke: bool, precision: str) -> Config:
    """Returns the settings of the round that is compared with the peers', for ever.

    A round of `report` has 1 update of R and 10 of D, each on a batch of 32. In each update D sees
    32 real images, 16 that R has just refined and 16 from the history.
    """
    config = preset("smoke" if smoke else "report")
    return rounds_only(config, precision=precision, iterations=10**9)


def noise(count: int, shape: tuple[int, ...] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """Returns synthetic and real images; their content does not matter to the clock."""
    rng = np.random.default_rng(0)
    return tuple(rng.integers(*gray, (count, *shape), "uint8") for gray in ((0, 160), (96, 256)))


def seconds_a_round(config: Config, images, begin=lambda epoch: None) -> float:
    """Trains without a run folder: the median over epochs but the first, which compiles.

    An epoch is as many rounds as a row of metrics stands for. `begin` is called with its number.
    """
    import keras

    from simgan_lib.simgan import SimGAN

    rates = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: begin(epoch),
        on_epoch_end=lambda epoch, logs: rates.append(logs["rounds_per_second"]),
    )
    image_shape = (*images[0].shape[1:], 1)[:3]
    SimGAN(config, image_shape).train(*images, callbacks=[watch])
    return 1 / statistics.median(rates[1:])


class History:
    """The history buffer as the peers write it: a NumPy array, some of it replaced at random."""

    def __init__(self, size: int):
        self.size, self.images, self.rng = size, None, np.random.default_rng(0)

    def mix(self, refined: np.ndarray) -> None:
        """Keeps a batch's first half, and puts images from the past into its second half."""
        half, images = len(refined) // 2, self.images
        if images is None:
            self.images = refined[:half].copy()
            return
        refined[half:] = images[self.rng.choice(len(images), half, replace=False)]
        if len(images) < self.size:
            self.images = np.concatenate([images, refined[:half]])[: self.size]
        else:
            images[self.rng.choice(self.size, half, replace=False)] = refined[:half]


def operations(config: Config) -> dict[str, int]:
    """Counts the floating-point operations that a round needs, from the layers.

    A convolution takes two for each weight and output position. An update differentiates every
    layer with respect to its weights and to its input, each as much work as the layer itself, with
    two exceptions: nobody asks for the gradient of the images, which are the first layer's input,
    and R's update leaves D's weights alone. Activations, sums and pooling, under 1% of the whole,
    are not counted.

    Returns:
        Operations of one `refiner_update`, of one `discriminator_update` (with the refining of the
        half-batch that it is shown), and of the `round`.
    """
    import keras

    from simgan_lib.models import build_discriminator, build_refiner

    def count(network):
        return [
            2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
            for layer in network.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]

    refiner = count(build_refiner((*SHAPE, 1), config.filters))
    discriminator, batch = count(build_discriminator((*SHAPE, 1))), config.batch_size
    r, d = sum(refiner), sum(discriminator)
    refiner_update = batch * (3 * r - refiner[0] + 2 * d)
    discriminator_update = 2 * batch * (3 * d - discriminator[0]) + batch // 2 * r
    return {
        "refiner_update": refiner_update,
        "discriminator_update": discriminator_update,
        "round": refiner_update + config.discriminator_updates * discriminator_update,
    }
