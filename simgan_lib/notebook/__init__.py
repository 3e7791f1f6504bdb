"""What the notebooks share: set-up and captioned figures."""

import io
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import keras
from matplotlib.figure import Figure

from simgan_lib import backends
from simgan_lib.config import Config, UserError, preset
from simgan_lib.data import make_simulated
from simgan_lib.data.files import atomic
from simgan_lib.evaluation.gaze import Effort
from simgan_lib.runs import CARRIED

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Scale:
    """How much a notebook computes."""

    config: Config  # of the notebooks' own trainings
    images: int  # of each kind to load
    effort: Effort  # of the networks that measure
    live: int  # rounds of a training that a reader waits for


# What the notebooks train: the preset quick, for half of its rounds.
LESSON = preset("quick").replace(iterations=300)
SCALES = {
    "lesson": Scale(LESSON, 4_000, Effort(), 120),
    "smoke": Scale(preset("smoke"), 300, Effort(epochs=1, instrument_images=100), 4),
}


def start() -> Scale:
    """Prepares a notebook: changes to the work folder, and prints what it runs on.

    The first start draws the simulated data set in about a minute. The environment variable
    SIMGAN_PRESET is the scale: `lesson` (the default), or `smoke`, a short run that learns nothing.
    """
    name = os.environ.get("SIMGAN_PRESET", "lesson")
    if name not in SCALES:
        raise UserError(f"SIMGAN_PRESET must be one of {', '.join(SCALES)}; received {name!r}.")
    os.chdir(work_folder())
    if not Path("data/simulated").exists():
        # One size for all scales, as a small set is the start of a large one.
        make_simulated("data/simulated", 16_000, 16_000, 2_000)
    warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
    device = backends.current().device_name()
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {device}")
    scale = SCALES[name]
    rounds = scale.config.iterations
    print(f"scale {name}: {scale.images:,} images of each kind, trainings of up to {rounds} rounds")
    return scale


def work_folder() -> Path:
    """Returns the folder of `data/` and `runs/`, whichever folder the notebook lies in.

    That is the checkout, if it can be written to. Otherwise many users may share it, and each has
    another folder: `$SIMGAN_HOME`, or the current one. It gets links to what the checkout holds, or
    copies of the runs that an installed wheel carries.
    """
    checkout = (REPOSITORY / "notebooks").is_dir()
    if checkout and os.access(REPOSITORY, os.W_OK):
        return REPOSITORY
    home = Path(os.environ.get("SIMGAN_HOME", "."))
    for carried in CARRIED.rglob("*.*"):
        copy = home / "runs" / carried.relative_to(CARRIED)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with atomic(copy) as temporary:
                shutil.copyfile(carried, temporary)
    for shared in (*REPOSITORY.glob("runs/*"), REPOSITORY / "data/simulated"):
        link = home / shared.relative_to(REPOSITORY)
        if checkout and shared.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(shared)
    return home


def new_run_folder(name: str) -> Path:
    """Returns `runs/live/NAME-1`, or the first higher number that no other training has taken."""
    number = 1
    while (folder := Path("runs", "live", f"{name}-{number}")).exists():
        number += 1
    return folder


def show(figure: Figure, caption: str) -> None:
    """Shows a figure with its Markdown caption below, which is also its alternative text."""
    # The command line imports this package for its figures, and has no IPython.
    from IPython.display import Image, Markdown, display

    picture = io.BytesIO()
    # White, so that it is legible on a dark page too.
    figure.savefig(picture, format="png", dpi=110, facecolor="white", bbox_inches="tight")
    alt = caption.replace("*", "").replace("`", "").replace("$", "")
    display(Image(picture.getvalue(), metadata={"alt": alt}))
    display(Markdown(f"*Figure:* {caption}"))
