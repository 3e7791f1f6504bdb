"""Images and gaze labels: the simulator, the readers of files, and data sets in memory."""

from simgan_lib.data.datasets import (
    check,
    fetch_kaggle,
    load,
    make_simulated,
    read_blocks,
    read_images,
    save_images,
)
from simgan_lib.data.files import DataError
from simgan_lib.data.images import GazeData, ImageSet, batch_indices, to_float, to_uint8, usable
from simgan_lib.data.labels import LABELS
from simgan_lib.data.simulator import simulate

__all__ = ["LABELS", "DataError", "GazeData", "ImageSet", "batch_indices", "check", "fetch_kaggle"]
__all__ += ["load", "make_simulated", "read_blocks", "read_images", "save_images", "simulate"]
__all__ += ["to_float", "to_uint8", "usable"]
