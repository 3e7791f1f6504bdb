"""SimGAN in Keras 3: make simulated images realistic, and keep their labels."""

import importlib
import os
import platform

# TensorFlow reads these when it is first imported. Its start-up chatter drowns a notebook's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if platform.machine() in ("x86_64", "AMD64"):
    # oneDNN's convolutions are faster, and were found off by default where there is AVX2 only.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

# The public names and the modules they live in. They are imported when first used, so that
# 'import simgan_lib' does not wait seconds for a backend.
_HOMES = {
    "Config": "config",
    "preset": "config",
    "GazeData": "datasets",
    "ImageSet": "datasets",
    "load": "datasets",
    "read_images": "datasets",
    "save_images": "datasets",
    "HistoryBuffer": "history",
    "build_discriminator": "models",
    "build_refiner": "models",
    "Run": "runs",
    "pretrained_refiner": "runs",
    "reference_run": "runs",
    "refine": "runs",
    "SimGAN": "simgan",
    "simulate": "simulator",
    "train": "training",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
