"""The widget of a training's settings, and how long they will take."""

import dataclasses
import functools
import math
import textwrap
from collections.abc import Iterable

import ipywidgets
import numpy as np
from ipywidgets import Button, Dropdown, HBox
from matplotlib.figure import Figure

from simgan_lib.config import PRESETS, Config, ConfigError
from simgan_lib.losses import lambda_mean_from_sum
from simgan_lib.notebook.shown import DPI, Shown, labelled
from simgan_lib.precision import fastest_precision, time_precisions

_machine_seconds = functools.cache(time_precisions)
# What a layer gives is also read, rectified and written: that takes about as long as so many
# multiplications (measured with 16 to 128 feature maps, in float32 and bfloat16).
PER_OUTPUT = 100
FIELDS = (
    *("lambda_mean", "refiner_updates", "discriminator_updates", "buffer_size", "batch_size"),
    *("refiner_learning_rate", "discriminator_learning_rate", "beta_1", "adversarial_loss"),
    *("history", "precision", "iterations"),
)


def multiplications(config: Config, shape: tuple[int, int] = (35, 55)) -> tuple[int, int]:
    """Counts the multiplications that an image costs on its way through a network.

    Args:
        config: The settings; R's size is among them.
        shape: Height and width of the images, in pixels.

    Returns:
        Those of R and of D, each with `PER_OUTPUT` for every number that a convolution gives.

    Example:
        >>> refiner, discriminator = multiplications(Config(filters=64))
        >>> refiner // discriminator
        41
    """
    height, width = shape
    maps, kernel = config.filters, config.kernel_size**2
    layers = [(kernel, maps), *[(kernel * maps, maps)] * (2 * config.blocks), (maps, 1)]
    refiner = height * width * sum((reads + PER_OUTPUT) * gives for reads, gives in layers)
    # D halves height and width twice, and rounds up.
    half = math.ceil(height / 2) * math.ceil(width / 2)
    quarter = math.ceil(height / 4) * math.ceil(width / 4)
    layers = [(half, 9, 96), (quarter, 9 * 96, 64), (quarter, 9 * 64, 32), (quarter, 32, 32)]
    layers.append((quarter, 32, 2))
    discriminator = sum(places * (reads + PER_OUTPUT) * gives for places, reads, gives in layers)
    return refiner, discriminator


def estimated_minutes(
    config: Config, seconds: dict[str, float], shape: tuple[int, int] = (35, 55)
) -> float:
    """Estimates how long a training takes, without its start.

    It scales what was timed by the multiplications of all updates. Expect the right order of
    magnitude: caches and threads make some sizes twice as fast as others.

    Args:
        config: The settings.
        seconds: As from `time_precisions`.
        shape: Height and width of the images, in pixels.

    Returns:
        Minutes; NaN where the config's number format was not timed.

    Example:
        >>> config = Config(iterations=350, discriminator_updates=3, filters=64)  # recorded: 3.9
        >>> round(estimated_minutes(config, {"float32": 0.03409, "bfloat16": 0.02197}), 1)
        4.1
    """
    refiner, discriminator = multiplications(config, shape)
    batch = config.batch_size
    r_step = batch * (refiner + discriminator)
    # What was timed goes backwards too: forwards alone is a third of that.
    # With a gradient penalty D sees half of the real images twice.
    d_step = (2.5 if config.gradient_penalty else 2) * batch * discriminator
    refine = batch * refiner / (6 if config.history else 3)
    r_steps = config.refiner_pretraining_steps + config.iterations * config.refiner_updates
    updates = config.discriminator_updates
    d_steps = config.discriminator_pretraining_steps + config.iterations * updates
    name = fastest_precision(seconds) if config.precision == "auto" else config.precision
    timed = 16 * 35 * 55 * 64 * (9 * 64 + PER_OUTPUT) / seconds.get(name, np.nan)
    refined = config.discriminator_pretraining_steps
    refined += config.iterations * min(config.fresh_batches or updates, updates)
    return (r_steps * r_step + d_steps * d_step + refined * refine) / timed / 60


class HyperparameterPanel(Shown):
    """The settings of a training as controls, checked, with the minutes that they will take.

    Args:
        config: The settings to begin with; the defaults if `None`.
        fields: Names of the fields of `Config` to show.
        seconds: As from `time_precisions`, which is asked once if `None`.
        shape: Height and width of the images that will be trained on, in pixels.
    """

    def __init__(
        self,
        config: Config | None = None,
        fields: Iterable[str] = FIELDS,
        seconds: dict[str, float] | None = None,
        shape: tuple[int, int] = (35, 55),
    ):
        self.seconds = _machine_seconds() if seconds is None else seconds
        self.shape, fields = shape, tuple(fields)
        known = {field.name: field for field in dataclasses.fields(Config)}
        self._about = {name: known[name].metadata["meaning"] for name in fields}
        self.controls = {name: _control(known[name]) for name in fields}
        buttons = [labelled(Button, name, "fills in this preset") for name in PRESETS]
        for button in buttons:
            button.on_click(lambda pressed: setattr(self, "config", PRESETS[pressed.description]))
        figure = Figure(figsize=(9.6, 0.3 + 0.19 * len(fields)), dpi=DPI)
        self._text = figure.text(0.01, 0.97, "", va="top", family="monospace", fontsize=9)
        self._base, self._changes = config or Config(), {}
        super().__init__(figure, rows=[HBox(buttons), *self.controls.values()])
        # The picture says what the controls do: it is for where there are none.
        self.children = [child for child in self.children if child is not self.picture]
        self.config = self._base
        for name, control in self.controls.items():
            control.observe(functools.partial(self._changed, name), "value")

    @property
    def config(self) -> Config:
        """The settings. Setting it fills the controls; a ConfigError says what is not allowed."""
        return self._base.replace(**self._changes)

    @config.setter
    def config(self, config: Config):
        # What a slider cannot show, such as a lambda of 0, is kept until the slider moves.
        self._base, self._changes, self._filling = config, {}, True
        for name, control in self.controls.items():
            control.value = getattr(config, name)
        self._filling = False
        self.redraw()

    def _update(self):
        try:
            config = self.config
        except ConfigError as error:
            return f"Not allowed: {error}"
        about = {name: textwrap.shorten(text, 76) for name, text in self._about.items()}
        lines = [f"{name:<32}{getattr(config, name)!s:<10}{about[name]}" for name in about]
        self._text.set_text("\n".join(lines))
        minutes = estimated_minutes(config, self.seconds, self.shape)
        known = "not timed in this precision" if np.isnan(minutes) else f"about {minutes:,.1f}"
        paper = config.lambda_mean / lambda_mean_from_sum(1.0)
        return f"Minutes on this machine: {known}.\nLambda in the paper's form: {paper:.3g}."

    def _changed(self, name, change):
        if not self._filling:
            self._changes[name] = change["new"]
            self.redraw()


def _control(field):
    kind = {bool: ipywidgets.Checkbox, int: ipywidgets.IntText, float: ipywidgets.FloatText}
    kind, choices = kind.get(field.type, Dropdown), field.metadata["choices"]
    options = {"options": choices} if choices else {}
    if field.name == "lambda_mean" or field.name.endswith("learning_rate"):
        low, high = (-3, 2) if field.name == "lambda_mean" else (-6, 0)
        kind, options = ipywidgets.FloatLogSlider, {"min": low, "max": high, "step": 0.05}
    about = f"{field.metadata['meaning']} ({field.metadata['origin']})"
    return labelled(kind, field.name, about, **options)
