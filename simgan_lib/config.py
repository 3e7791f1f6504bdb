"""All settings of a training run in one dataclass, with presets."""

import dataclasses
import difflib
import json
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


class UserError(ValueError):
    """An error that the user can correct. The message says how; the CLI shows nothing else."""

    exit_code = 2  # of the command line

    def __init__(self, message: str = ""):
        super().__init__("\n".join(map(shown, str(message).split("\n"))))


def shown(text: str, most: int = 600) -> str:
    """Makes text that may quote a file safe to show: shortened, control characters escaped."""
    text = text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ConfigError(UserError):
    """A setting that cannot be used. The message says which, why, and what to use."""


def _field(default, meaning, origin, minimum=0, below=math.inf, choices=()):
    metadata = {"meaning": meaning, "origin": origin, "choices": choices}
    metadata |= {"minimum": minimum, "below": below}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """The settings of a training run.

    `describe` returns each field's meaning and origin. "The paper" is Shrivastava et al. 2017, "the
    report" Bojja 2018. An iteration is a round: K_g refiner updates, then K_d discriminator ones.

    Raises:
        ConfigError: If a value has the wrong type or is out of range.

    Example:
        >>> config = preset("quick")
        >>> config.replace(lambda_mean=0.5).lambda_mean
        0.5
    """

    iterations: int = _field(600, "rounds of adversarial training", "ours: minutes on a CPU")
    batch_size: int = _field(16, "images in a batch, an even number", "report: 32; paper: 512", 2)
    refiner_pretraining_steps: int = _field(60, "steps of R on self-regularisation", "paper: 1,000")
    discriminator_pretraining_steps: int = _field(60, "steps of D before round 1", "paper: 200")
    refiner_updates: int = _field(1, "K_g: updates of R per round", "report: 1; paper: 50", 1)
    discriminator_updates: int = _field(5, "K_d: updates of D per round", "report: 10; paper: 1", 1)
    # `losses.lambda_mean_from_sum` converts the paper's lambda.
    lambda_mean: float = _field(
        1.0, "weight of self-regularisation", "ours; report: 0.01; paper (unverified): 0.153"
    )
    adversarial_loss: str = _field(
        "local", "D answers per patch or per image", "the paper", choices=("local", "global")
    )
    buffer_size: int = _field(
        2_048, "refined images kept, for half of D's; 0: no history", "ours: the paper gives none"
    )
    optimizer: str = _field(
        "adam", "optimiser of both networks", "report: adam; paper: sgd", choices=("adam", "sgd")
    )
    refiner_learning_rate: float = _field(
        5e-4, "learning rate of R", "ours: at 1e-3, the report's and the paper's, R may saturate"
    )
    discriminator_learning_rate: float = _field(
        2e-3, "learning rate of D", "ours; report and paper: 1e-3"
    )
    beta_1: float = _field(0.5, "Adam's memory of past gradients", "the report", below=1)
    refiner_averaging: float = _field(
        0.98, "memory of the average of R's weights; 0: none", "ours: R oscillates", below=1
    )
    filters: int = _field(32, "feature maps in R", "ours: the paper's 64 take 3 times as long", 1)
    output_activation: str = _field(
        "tanh",
        "last layer of R; equalised is for targets whose histograms are equalised",
        "tanh: the report's code; linear: the paper; equalised: ours, for runs/closest",
        choices=("tanh", "linear", "equalised"),
    )
    precision: str = _field(
        "auto",
        "number format of convolutions; auto times them on the device",
        "ours",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    seed: int = _field(0, "seed of weights, batches and history", "ours")
    log_every: int = _field(10, "rounds (or steps) per row of metrics.csv", "ours", 1)
    snapshot_every: int = _field(50, "rounds between snapshots", "ours", 1)
    checkpoint_every: int = _field(50, "rounds (or steps) between checkpoints", "ours", 1)

    def __post_init__(self):
        """Checks every field's type and range."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        if self.batch_size % 2:
            raise ConfigError(
                f"batch_size must be even, as half of it comes from the history; "
                f"received {self.batch_size}. Use {self.batch_size + 1}."
            )
        if 0 < self.buffer_size < self.batch_size // 2:
            raise ConfigError(
                f"buffer_size must be at least half of batch_size ({self.batch_size // 2}), or 0 "
                f"for no history; received {self.buffer_size}."
            )

    def replace(self, **changes: Any) -> "Config":
        """Returns a copy with some fields changed.

        Args:
            **changes: New values by field name. Text is converted to the field's type.

        Raises:
            ConfigError: If a field is unknown or a value is not allowed.
        """
        fields = {field.name: field for field in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in fields:
                close = difflib.get_close_matches(name, fields, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Fields: {', '.join(fields)}."
                raise ConfigError(f"Unknown field {name!r}. {hint}")
            if isinstance(value, str):
                with suppress(ValueError):  # the check refuses what is not a number
                    changes[name] = fields[name].type(value)
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Returns the fields as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: If the text is not a JSON object of known fields with allowed values.
        """
        try:
            return cls().replace(**json.loads(text))
        except (json.JSONDecodeError, TypeError) as error:
            raise ConfigError(f"A configuration must be a JSON object: {error}.") from None

    @classmethod
    def describe(cls) -> str:
        """Returns a line per field: name, default, meaning, origin."""
        return "\n".join(
            f"{field.name} = {field.default!r}: {field.metadata['meaning']}"
            f" ({field.metadata['origin']})"
            for field in dataclasses.fields(cls)
        )


def _check(field, value):
    minimum, below, choices = (field.metadata[k] for k in ("minimum", "below", "choices"))
    if choices:
        right, expected = value in choices, "one of " + ", ".join(map(repr, choices))
    else:
        kinds, kind = ((int, float), "number") if field.type is float else (int, "whole number")
        # A comparison with NaN is false.
        right = isinstance(value, kinds) and minimum <= value < below
        right = right and not isinstance(value, bool)
        expected = f"a {kind} of at least {minimum}"
        expected += f", below {below}" if below < math.inf else ""
    if not right:
        raise ConfigError(f"{field.name} must be {expected}; received {value!r}.")


# What the paper and the report have in common.
_SOURCES = Config(
    refiner_pretraining_steps=1_000,
    discriminator_pretraining_steps=200,
    refiner_learning_rate=1e-3,
    discriminator_learning_rate=1e-3,
    refiner_averaging=0.0,
    filters=64,
)
PRESETS = {
    # Seconds: shows that everything works, and does not learn to refine.
    "smoke": Config(
        iterations=6,
        batch_size=8,
        refiner_pretraining_steps=4,
        discriminator_pretraining_steps=4,
        discriminator_updates=2,
        discriminator_learning_rate=1e-3,
        buffer_size=32,
        filters=8,
        log_every=2,
        snapshot_every=3,
        checkpoint_every=3,
    ),
    # One to six minutes on two CPU cores.
    "quick": Config(),
    # An hour on two CPU cores: what runs/best was trained with.
    "long": Config(
        iterations=4_000,
        batch_size=32,
        refiner_pretraining_steps=80,
        discriminator_updates=10,
        discriminator_learning_rate=1e-3,
        refiner_averaging=0.97,
    ),
    # The report: its section 3.2.4 and the captions of its figures 3 to 7.
    "report": _SOURCES.replace(
        iterations=25_000,
        batch_size=32,
        discriminator_updates=10,
        lambda_mean=0.01,
        buffer_size=3_200,
        snapshot_every=1_000,
        checkpoint_every=100,
    ),
    # The paper gives neither the number of rounds nor lambda.
    "paper": _SOURCES.replace(
        iterations=2_000,
        batch_size=512,
        refiner_updates=50,
        discriminator_updates=1,
        lambda_mean=0.153,
        buffer_size=5_120,
        optimizer="sgd",
        output_activation="linear",
        log_every=1,
        checkpoint_every=10,
    ),
}


def preset(name: str) -> Config:
    """Returns one of the ready-made configurations.

    Args:
        name: `"smoke"` (seconds), `"quick"` (minutes), `"long"` (an hour), `"report"` or `"paper"`.

    Raises:
        ConfigError: If there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"Unknown preset {name!r}. Presets: {', '.join(PRESETS)}.")
    return PRESETS[name]
