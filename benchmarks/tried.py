"""What was tried to make a round faster: one change at a time, beside the round as it is."""

import dataclasses
import itertools
import json
import sys
from dataclasses import dataclass, field

from benchmarks.cpu_round import PRECISIONS, config, gate_every
from benchmarks.problem import Problem
from benchmarks.workers import TORCH, Turns, alternate, ratio, started


@dataclass(frozen=True)
class Change:
    """A way to compute the same round.

    Args:
        what: For the table.
        predicted: Speed that we expected before measuring, as a multiple of the round as it is.
        reason: Why.
        module: The worker; `peers_keras` and `peers_torch` are compared with themselves.
        options: Of the worker.
        variables: Environment variables of the worker.
    """

    what: str
    predicted: float
    reason: str
    module: str = "tried"
    options: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)


CHANGES = (
    Change(
        "R refines a full batch for each update of D; no history",
        0.64,
        "330 of 513 GFLOP",
        options={"way": "full batch"},
    ),
    Change(
        "R refines each half-batch by itself, not those of all K_d updates at once",
        0.9,
        "a batch of 16 leaves cores idle",
        options={"way": "one by one"},
    ),
    Change(
        "D sees real and refined images in two passes, not one",
        0.95,
        "the same, but D is a small part",
        options={"way": "two passes"},
    ),
    Change(
        "XLA compiles the round",
        0.6,
        "measured on another version: shared/FACTS.md, 5",
        options={"way": "XLA"},
    ),
    Change(
        "JAX, not TensorFlow",
        0.43,
        "the same source",
        variables={"KERAS_BACKEND": "jax"},
    ),
    Change(
        "Eigen's convolutions, not oneDNN's",
        0.5,
        "a guess; Eigen has no matrix unit for bfloat16",
        variables={"TF_ENABLE_ONEDNN_OPTS": "0"},
    ),
    Change(
        "one thread, not two",
        0.5,
        "all work splits",
        variables={"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ),
    Change(
        "the Keras peer with XLA, Keras's own choice",
        0.6,
        "as above",
        "peers_keras",
        {"xla": True},
    ),
    Change(
        "the PyTorch peer with channels first, PyTorch's own choice",
        0.9,
        "oneDNN reorders at every layer",
        "peers_torch",
        {"channels_last": False},
    ),
    Change(
        "the PyTorch peer without fused Adam, PyTorch's own choice",
        1.0,
        "0.4 million parameters are little",
        "peers_torch",
        {"fused": False},
    ),
)


def model_of(way: str, settings, image_shape):
    """Builds our model, with one change.

    Args:
        way: `""` for none, `"full batch"`, `"one by one"`, `"two passes"` or `"XLA"`.
        settings: The configuration.
        image_shape: Height, width and channels of the images.

    Returns:
        A `SimGAN`.
    """
    import tensorflow as tf

    from simgan_lib.backends import tensorflow as backend
    from simgan_lib.losses import REAL, REFINED
    from simgan_lib.simgan import SimGAN

    class TwoPasses(SimGAN):
        def discriminator_loss(self, real, refined):
            loss = self._adversarial(self.discriminator(real), REAL)
            loss = loss + self._adversarial(self.discriminator(refined), REFINED)
            return loss, {"discriminator_loss": loss}

    class OneByOne(SimGAN):
        def discriminator_updates(self, synthetic, real, batches):
            def update(fresh, indices):
                refined = self.refiner(self._images(synthetic, fresh))
                return self.update_discriminator(refined, self._images(real, indices))

            return self._backend.repeat(update, self.state, batches["fresh"], batches["real"])

    if way == "full batch":
        settings = settings.replace(history=False)
    if way == "XLA":
        backend.compile = lambda function, state: tf.function(function, jit_compile=True)
    return {"one by one": OneByOne, "two passes": TwoPasses}.get(way, SimGAN)(settings, image_shape)


def work(precision: str, way: str = "", **size) -> None:
    """Trains for ever, a round a turn."""
    problem = Problem(**size)
    model = model_of(way, config(problem, precision), (problem.height, problem.width, 1))
    model.train(*problem.data(), callbacks=[gate_every(1, Turns())])


def measure(smoke: bool = False) -> dict:
    """Times a round with each change, in turn with the round as it is.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        For each change `what`, `predicted`, `reason`, and by precision the speed that was
        measured, as a multiple of the round as it is, with its lowest and highest turn.
    """
    problem, turns = (Problem(4, 12, 16, 8, 2, 32), 2) if smoke else (Problem(), 7)
    size = dataclasses.asdict(problem)
    rows = {
        change.what: {"predicted": change.predicted, "reason": change.reason, "measured": {}}
        for change in CHANGES
    }
    for precision, module in itertools.product(PRECISIONS, ("tried", "peers_keras", "peers_torch")):
        if module == "peers_torch" and not TORCH.exists():
            continue
        python = {"python": TORCH} if module == "peers_torch" else {}
        usual = {"precision": precision, **python, **size}
        with started({"usual": (module, usual)}) as as_it_is:
            for change in (change for change in CHANGES if change.module == module):
                changed = {**usual, **change.options, "variables": change.variables}
                with started({"changed": (module, changed)}) as running:
                    reports = alternate({**as_it_is, **running}, turns)
                found = ratio(reports["usual"], reports["changed"])
                rows[change.what]["measured"][precision] = found
    return rows


if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
