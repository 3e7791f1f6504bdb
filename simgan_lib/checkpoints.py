"""What a training goes on from: its own checkpoint, or another run's networks."""

import zlib
from pathlib import Path

import numpy as np
from keras import ops

from simgan_lib.data.files import atomic
from simgan_lib.runs import Run, RunError
from simgan_lib.simgan import PHASES, SimGAN


def save_checkpoint(model: SimGAN, path: Path) -> None:
    """Writes all variables of a SimGAN, and how far it has got, to one file, atomically.

    Args:
        model: The model.
        path: The `.npz` file to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {f"{n:04d}": ops.convert_to_numpy(v) for n, v in enumerate(model.state)}
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, done=[model.done[phase] for phase in PHASES], **values)


def load_checkpoint(model: SimGAN, path: Path) -> None:
    """Restores what `save_checkpoint` wrote.

    Args:
        model: A model with the configuration of the one that was saved.
        path: The `.npz` file to read.

    Raises:
        RunError: If the file was written by a model of another shape.
    """
    with np.load(path) as saved:
        values = [saved[name] for name in sorted(set(saved.files) - {"done"})]
        done = saved["done"]
    shapes = [tuple(variable.shape) for variable in model.state]
    if [value.shape for value in values] != shapes:
        raise RunError(
            f"{path} holds {len(values)} variables of other shapes than the model's {len(shapes)}. "
            "It was written with other settings: resume with the run's own config.json."
        )
    for variable, value in zip(model.state, values, strict=True):
        variable.assign(value)
    model.done.update(dict(zip(PHASES, done.tolist(), strict=True)))


def begin_with(model: SimGAN, run: Run) -> dict:
    """Gives a SimGAN the networks of a finished run, in place of pre-training.

    Args:
        model: The model; its `output_activation` and `equalise_input` may differ from the run's.
        run: The run, with the weights of R and of D.

    Returns:
        What a record should say of it: the run's folder name and the `crc32` of R's weights.

    Raises:
        RunError: If the weights are missing, or of other shapes than the model's.
    """
    for network, other in (
        (model.refiner, run.refiner()),
        (model.discriminator, run.discriminator()),
    ):
        shapes, needed = ([w.shape for w in n.get_weights()] for n in (other, network))
        if shapes != needed:
            raise RunError(
                f"The {network.name} of {run.folder} has other layers than this run's. Train with "
                "the filters, blocks and kernel_size of its config.json, or without --start."
            )
        network.set_weights(other.get_weights())
    for phase in PHASES[:2]:
        model.done[phase] = model.planned[phase]
    weights = (run.folder / "refiner.weights.h5").read_bytes()
    return {"run": run.folder.resolve().name, "crc32": zlib.crc32(weights)}
