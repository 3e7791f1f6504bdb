"""Writes the page on which R runs: docs/live, with all that is not text packed into data.js.

python tools/live_page.py FOLDER
"""

import base64
import json
import shutil
import sys
import zlib
from pathlib import Path

import keras
import numpy as np
import wasmtime

from simgan_lib.data import simulator
from simgan_lib.data.files import atomic
from simgan_lib.runs import reference_run

SOURCE = Path(__file__).resolve().parent.parent / "docs" / "live"
RUNS = ("best", "closest")
PEOPLE = (0, 7, 12, 23, 42, 77, 101, 150)
PITCH = np.arange(-22.5, 11, 2.5)  # degrees
YAW = np.arange(-25, 26, 2.5)


def draw_eyes(people: tuple[int, ...] = PEOPLE) -> np.ndarray:
    """Draws the eye of each person for each pitch and yaw: uint8 (people, pitches, yaws, H, W)."""
    person, pitch, yaw = (axis.ravel() for axis in np.meshgrid(people, PITCH, YAW, indexing="ij"))
    eyes = simulator.sample_eyes(1, "simulator").loc[np.zeros(len(person), int)]
    eyes = simulator.set_person(eyes.reset_index(drop=True), person.astype(int), "simulator")
    # The head is held straight, and the light is plain: only person and gaze differ.
    eyes = eyes.assign(pitch=np.radians(pitch), yaw=np.radians(yaw))
    eyes = eyes.assign(roll=0.0, shift_x=0.0, shift_y=0.0, zoom=1.0, light_x=0.0, lid_squint=0.3)
    eyes = eyes.assign(exposure=1.15, shadow=0.0, head_cut=0.0)
    images = simulator.render(eyes, "simulator")
    return images.reshape(len(people), len(PITCH), len(YAW), *images.shape[1:])


def export(network: keras.Model, weights: list[np.ndarray]) -> list[dict]:
    """Describes a network's layers for networks.js, and adds their float32 weights to a list.

    Raises:
        ValueError: If the page has no such layer, or a convolution reads maps that are not a
            multiple of four, as networks.js computes four at once.
    """
    numbers, layers = {network.layers[0].name: 0}, []
    for layer in network.layers[1:]:
        found = {"type": type(layer).__name__, "inputs": []}
        for tensor in keras.tree.flatten(layer.input):
            found["inputs"].append(numbers[tensor._keras_history.operation.name])
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = (np.asarray(variable) for variable in layer.get_weights())
            if kernel.shape[2] not in (1, *range(4, 1024, 4)):
                raise ValueError(f"{layer.name} reads {kernel.shape[2]} maps.")
            kernel = np.vstack([bias, kernel.reshape(-1, len(bias))])
            kernel = np.pad(kernel, ((0, 0), (0, -len(bias) % 4)))
            found |= {"size": layer.kernel_size[0], "stride": layer.strides[0]}
            found |= {"maps": kernel.shape[1], "activation": layer.activation.__name__}
            found["kernel"] = sum(map(len, weights))  # where it starts
            kernel = kernel.reshape(len(kernel), -1, 4).transpose(1, 0, 2)  # four maps after four
            weights.append(kernel.astype("<f4").ravel())
        elif isinstance(layer, keras.layers.MaxPooling2D):
            found |= {"size": layer.pool_size[0], "stride": layer.strides[0]}
        elif not isinstance(layer, keras.layers.Add | keras.layers.ReLU):
            raise ValueError(f"The page has no layer {found['type']}.")
        layers.append(found)
        numbers[layer.name] = len(layers)
    return layers


def write(folder: Path, people: tuple[int, ...] = PEOPLE) -> None:
    """Copies the page into a folder, and packs its eyes, weights and WebAssembly beside it."""
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    eyes, weights, networks = draw_eyes(people), [], {}
    for name in RUNS:
        run = reference_run(name)
        refiner = export(run.refiner(), weights)
        if run.config.output_activation == "equalised":  # which is no layer of Keras's
            refiner.append({"type": "Equalised", "inputs": [len(refiner)]})
        networks[name] = {
            "refiner": refiner,
            "discriminator": export(run.discriminator(), weights),
        }
    # Eyes after one another are much alike. So their differences, modulo 256, pack well.
    shape = eyes.shape[-2:]
    levels = eyes.reshape(-1, shape[0] * shape[1])
    levels = np.diff(levels, axis=0, prepend=np.zeros_like(levels[:1]))
    numbers = np.concatenate(weights)
    packed = zlib.compress(numbers.tobytes() + levels.tobytes(), 9)
    data = {"shape": shape, "people": people, "pitch": PITCH.tolist(), "yaw": YAW.tolist()}
    data |= {"networks": networks, "weights": len(numbers)}
    data["packed"] = base64.b64encode(packed).decode()
    convolve = wasmtime.wat2wasm((SOURCE / "convolve.wat").read_text())
    data["convolve"] = base64.b64encode(convolve).decode()
    with atomic(folder / "data.js") as temporary:
        temporary.write_text(f"const DATA = {json.dumps(data)};\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
