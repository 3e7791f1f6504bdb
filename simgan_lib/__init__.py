"""SimGAN in Keras 3: make simulated images realistic, and keep their labels."""

import importlib
import os
import platform
from typing import TYPE_CHECKING

# TensorFlow reads these when it is first imported. Its start-up chatter drowns a notebook's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if platform.machine() in ("x86_64", "AMD64"):
    # oneDNN's convolutions are faster. TensorFlow was found to leave them off with AVX2 alone.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

# For editors and type checkers. At run time the names are imported when they are first used, so
# that 'import simgan_lib' does not wait seconds for a backend.
if TYPE_CHECKING:
    from simgan_lib import checks, notebook
    from simgan_lib import data as datasets
    from simgan_lib.config import Config, preset
    from simgan_lib.data import GazeData, ImageSet, load, read_images, save_images, simulate
    from simgan_lib.data import simulator as simulator
    from simgan_lib.evaluation import gaze, realism
    from simgan_lib.history import HistoryBuffer
    from simgan_lib.models import build_discriminator, build_refiner, refine
    from simgan_lib.notebook import diagrams, plots, widgets
    from simgan_lib.runs import Run, pretrained_refiner, reference_run
    from simgan_lib.simgan import SimGAN
    from simgan_lib.training import train

_MODULES = {"checks": "checks", "datasets": "data", "simulator": "data.simulator"}
_MODULES |= {name: f"evaluation.{name}" for name in ("gaze", "realism")}
_MODULES |= {name: f"notebook.{name}" for name in ("diagrams", "plots", "widgets")}
_NAMES = {
    "config": ("Config", "preset"),
    "data": ("GazeData", "ImageSet", "load", "read_images", "save_images", "simulate"),
    "history": ("HistoryBuffer",),
    "models": ("build_discriminator", "build_refiner", "refine"),
    "runs": ("Run", "pretrained_refiner", "reference_run"),
    "simgan": ("SimGAN",),
    "training": ("train",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = list(_HOMES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_HOMES, *_MODULES})
