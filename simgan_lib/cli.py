"""The command line: `simgan`, or `python -m simgan_lib`."""

import io
import json
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from simgan_lib import data as datasets
from simgan_lib.config import PRESETS, Config, UserError, preset
from simgan_lib.data.datasets import check_target
from simgan_lib.data.files import atomic, reading

# Keras and its backend take seconds to import, so only the commands that need them import them.

app = typer.Typer(
    help="Refine simulated images into realistic ones, and keep their labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Make, fetch and check data sets.", no_args_is_help=True)
app.add_typer(data_app, name="data")

QUICK_IMAGES = 16_000
MEASURED_IMAGES = 4_000  # in every evaluation, so that the numbers of runs can be compared

RunOption = Annotated[Path, typer.Option(help="The run folder.")]
PresetOption = Annotated[
    str | None, typer.Option("--preset", help=f"{', '.join(PRESETS)}; quick if left out.")
]
SetOption = Annotated[
    list[str],
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the preset; repeatable."),
]
DataOption = Annotated[str, typer.Option(help="Synthetic images: simulated, kaggle, or a path.")]
RealOption = Annotated[Path | None, typer.Option(help="Real images; labels are not used.")]
GrayOption = Annotated[bool, typer.Option("--gray", help="Turn colour images gray.")]
LimitOption = Annotated[int | None, typer.Option(help="Use at most this many images of each kind.")]
SizeOption = Annotated[
    tuple[int, int] | None, typer.Option(metavar="H W", help="Resize all images to this size.")
]
RootOption = Annotated[Path, typer.Option(help="The folder that holds the data sets.")]
OverwriteOption = Annotated[bool, typer.Option(help="Replace existing files.")]


@app.command()
def quickstart(
    run: RunOption = Path("runs/quickstart"),
    preset_name: PresetOption = None,
    settings: SetOption = [],  # noqa: B006, which typer copies
    root: RootOption = Path("data"),
) -> None:
    """Train on the embedded data, show the results, and measure them. It goes on from a stop."""
    config = _config(preset_name, settings)
    data = datasets.load("simulated", root=root, limit=QUICK_IMAGES)
    _train(data, run, config, resume=True)
    print("\nDoes it help? One network per number; 'simgan evaluate' trains three, for the spread.")
    _evaluate(run, data, networks=1, quick_look=preset_name == "smoke")


@app.command()
def train(
    run: RunOption,
    data: DataOption = "simulated",
    real: RealOption = None,
    preset_name: PresetOption = None,
    resume: Annotated[bool, typer.Option(help="Go on from the run's checkpoint.")] = False,
    settings: SetOption = [],  # noqa: B006
    limit: LimitOption = None,
    size: SizeOption = None,
    gray: GrayOption = False,
    root: RootOption = Path("data"),
    devices: Annotated[int, typer.Option(help="Devices that share each batch (JAX).", min=1)] = 1,
    start: Annotated[Path | None, typer.Option(help="Begin with the networks of this run.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Log to TensorBoard.")] = False,
) -> None:
    """Train a refiner into a run folder."""
    config = _config(preset_name, settings, run / "config.json" if resume else None)
    if data == "simulated" and not (root / "simulated").exists():
        # Enough to begin with; 'simgan data make' makes the report's sizes in a minute.
        limit = limit or QUICK_IMAGES
    found = datasets.load(data, real=real, root=root, size=size, limit=limit, gray=gray)
    _train(found, run, config, resume, devices, start, tensorboard)


@app.command()
def refine(
    run: RunOption,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Images, in any layout.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.h5", help="Where the refined ones go.")],
    overwrite: OverwriteOption = False,
    resize: Annotated[bool, typer.Option(help="Resize the images to the refiner's size.")] = False,
    gray: GrayOption = False,
) -> None:
    """Refine a data set and keep its labels."""
    check_target(target, overwrite)
    _start_backend()
    from simgan_lib import runs

    refiner = runs.Run(run).refiner()
    size = refiner.input_shape[1:3] if resize else None
    refined = (
        datasets.ImageSet(
            runs.refine(refiner, block.images), block.labels, f"{block.source}, refined by {run}"
        )
        for block in datasets.read_blocks(source, size, gray=gray)
    )
    print(f"{target}: {datasets.save_images(target, refined, overwrite)} images")


@app.command()
def evaluate(
    run: RunOption,
    networks: Annotated[  # evaluation.json calls them seeds
        int, typer.Option("--networks", "--seeds", help="Networks per number.", min=1)
    ] = 3,
    data: DataOption = "simulated",
    real: RealOption = None,
    limit: LimitOption = None,
    size: SizeOption = None,
    gray: GrayOption = False,
    root: RootOption = Path("data"),
    times: Annotated[int, typer.Option(help="Also train on a multiple of the images.", min=1)] = 1,
) -> None:
    """Measure whether refining helped. Name the data that the run was trained on."""
    found = datasets.load(data, real=real, root=root, size=size, limit=limit, gray=gray)
    _evaluate(run, found, networks, times)


@app.command()
def diagnose(run: RunOption) -> None:
    """Say what a run's curves show, finished or still growing."""
    _start_backend()
    from simgan_lib import checks, runs

    print(*checks.diagnose(runs.Run(run).metrics), sep="\n")


@app.command()
def ablate(
    folder: Annotated[Path, typer.Option(help="Where the runs go.")] = Path("runs/ablation"),
    grid: Annotated[str, typer.Option(help="ablation or failures.")] = "ablation",
    only: Annotated[list[str], typer.Option(help="A cell of the grid; repeatable.")] = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="Trainings per cell.", min=1)] = 1,
    jobs: Annotated[int, typer.Option(help="Parallel processes.", min=1)] = 2,
    networks: Annotated[int, typer.Option(help="Networks per measured number.", min=1)] = 1,
    preset_name: PresetOption = None,
    settings: SetOption = [],  # noqa: B006
    data: DataOption = "simulated",
    real: RealOption = None,
    limit: LimitOption = QUICK_IMAGES,
    size: SizeOption = None,
    gray: GrayOption = False,
    root: RootOption = Path("data"),
    scheduler: Annotated[str, typer.Option(help="A Dask scheduler: tcp://HOST:8786.")] = "",
) -> None:
    """Train and evaluate a grid of variations. Call it again to go on; it repeats nothing."""
    _start_backend()
    from simgan_lib.evaluation import grid as ablation
    from simgan_lib.evaluation import report
    from simgan_lib.notebook import plots

    if grid not in ablation.GRIDS:
        raise UserError(f"Unknown grid {grid!r}. Grids: {', '.join(ablation.GRIDS)}.")
    cells = ablation.GRIDS[grid]
    if unknown := [name for name in only if name not in cells]:
        raise UserError(f"No cell {', '.join(unknown)} in {grid}. Cells: {', '.join(cells)}.")
    cells = {name: cell for name, cell in cells.items() if not only or name in only}
    config = _config(preset_name, settings)
    found = datasets.load(data, real=real, root=root, size=size, limit=limit, gray=gray)
    options = {"images": MEASURED_IMAGES, "scheduler": scheduler or None}
    ablation.ablate(folder, found, config, cells, seeds, jobs, networks, **options)
    table, shows = report.collect(folder), ablation.SHOWS[grid]
    with atomic(folder / "summary.csv") as temporary:
        table.to_csv(temporary, index=False)
    print(f"\n{report.markdown(table, shows)}\n\n{folder / 'summary.csv'}")
    if report.comparable(table):
        print(f"\n{report.comparison(table, shows)}\n")
    print(plots.save(plots.ablation_figure(table, list(shows)), folder / "summary.png"))


@app.command()
def fields() -> None:
    """List every field that --set takes, with its default, meaning and origin."""
    print(Config.describe())


@data_app.command()
def make(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder to write; ROOT/simulated if left out.")
    ] = None,
    root: RootOption = Path("data"),
    synthetic: Annotated[int, typer.Option(help="Synthetic images, labelled.")] = 50_000,
    real: Annotated[int, typer.Option(help="Simulated webcam images, not labelled.")] = 34_100,
    test: Annotated[int, typer.Option(help="Simulated webcam images, labelled.")] = 2_000,
    overwrite: OverwriteOption = False,
) -> None:
    """Make the embedded data set, in the report's layout and sizes."""
    datasets.make_simulated(
        folder or root / "simulated", synthetic, real, test, overwrite=overwrite
    )


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="kaggle")], root: RootOption = Path("data")
) -> None:
    """Fetch the Kaggle data set that the report used."""
    if name != "kaggle":
        raise UserError(f"Unknown data set {name!r}; only 'kaggle' can be fetched.")
    print(datasets.fetch_kaggle(root))


@data_app.command()
def match(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Synthetic images, labelled.")],
    real: Annotated[Path, typer.Argument(metavar="REAL", help="Real images, any layout.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.h5", help="Where the kept ones go.")],
    size: SizeOption = None,
    gray: GrayOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Keep the synthetic eyes that look the same ways as the real ones. Do this before training."""
    check_target(target, overwrite)
    synthetic, found = (datasets.read_images(path, size, gray=gray) for path in (source, real))
    _start_backend()
    print("The network that reads gaze takes a minute to train ...")
    from simgan_lib.evaluation import matching

    kept, looks = matching.match_gaze(synthetic, found)
    print(looks.round(1).to_string())
    recipe = {"matched_to": found.source, "kept": len(kept), "of": len(synthetic)}
    datasets.save_images(target, kept, overwrite=overwrite, recipe=recipe)
    print(f"{target}: {kept}")


@data_app.command()
def check(path: Annotated[Path, typer.Argument(help="A file or a folder of images.")]) -> None:
    """Say what a file holds and what is wrong with it; exit code 1 if anything is."""
    lines = datasets.check(path)
    print("\n".join(lines))
    if any(line.startswith("PROBLEM") for line in lines):
        raise typer.Exit(1)


def main() -> None:
    """Runs the command line. A user's error ends with one message and its exit code."""
    # Either is None if the caller closed it.
    sys.stdout, sys.stderr = (stream or io.StringIO() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        # Some terminals and files cannot encode all characters of the messages.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # One line, as for an error: where in the code a warning arose does not help a student.
    warnings.formatwarning = lambda message, *_: f"simgan: {message}\n"
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except (UserError, OSError) as error:
        with suppress(OSError):
            tqdm.write(f"simgan: {error}", file=sys.stderr)  # not at the end of a bar's line
        # Python would try to write the rest again at exit, and complain.
        sys.stdout = io.StringIO()
        sys.exit(getattr(error, "exit_code", 2))


def _start_backend() -> None:
    """Imports Keras, which takes seconds, or says what is wrong with the user's settings."""
    print("Starting the backend ...")
    from simgan_lib import backends

    backends.current()


def _config(preset_name: str | None, settings: list[str], saved: Path | None = None) -> Config:
    """Returns the preset's settings, or those of a run, with the changes."""
    config, changes = preset(preset_name or "quick"), {}
    if preset_name is None and saved is not None and saved.exists():
        with reading(saved):
            config = Config().replace(**json.loads(saved.read_text()))
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"--set takes FIELD=VALUE, such as lambda_mean=0.5; got {setting!r}.")
        changes[name.strip()] = value.strip()
    return config.replace(**changes)


def _train(data, run, config, resume, devices=1, start=None, tensorboard=False) -> None:
    print(data)
    _start_backend()
    from simgan_lib import checks, runs, simgan, training
    from simgan_lib.notebook import plots

    model, callbacks = None, []
    if start is not None:
        # Trained networks need no pre-training.
        config = config.replace(refiner_pretraining_steps=0, discriminator_pretraining_steps=0)
        begun = runs.Run(start)
        model = simgan.SimGAN(config, data.image_shape, begun.refiner(), begun.discriminator())
    if tensorboard:
        callbacks = [training.TensorBoard(run / "tensorboard", data.synthetic.images)]
    training.train(data, config, run, resume, callbacks, devices=devices, model=model)
    result = runs.Run(run)
    if result.metrics.empty:  # no step was asked for
        return
    last, environment = result.metrics.iloc[-1], result.environment
    print(
        f"\n{result}, {environment['training_seconds'] / 60:.1f} minutes "
        f"in {environment['precision']}\n"
        f"  L_D {last['discriminator_loss']:.2f} (a guessing D has 1.39)\n"
        f"  D is right on {last['accuracy_real']:.0%} of {result.real_name} and "
        f"{last['accuracy_refined']:.0%} of refined patches (a guess: 50%)\n"
        f"  R changes a pixel by {last['mean_change']:.2f} on average (of 2)\n"
        f"  The curves: {'; '.join(checks.diagnose(result.metrics))}\n"
    )
    snapshots, name = result.snapshots, result.real_name
    print(plots.save(plots.before_after(snapshots, name), run / "before_after.png"))
    print(plots.save(plots.timeline(snapshots), run / "timeline.png"))
    print(plots.save(plots.loss_curves(result.metrics, name), run / "loss_curves.png"))


def _evaluate(run, data, networks, times=1, quick_look=False) -> None:
    _start_backend()
    from simgan_lib import runs
    from simgan_lib.evaluation import gaze, report
    from simgan_lib.notebook import plots

    result = runs.Run(run)
    found = result.evaluation
    asked = (networks, times, min(MEASURED_IMAGES, len(data.synthetic)))
    if not found or (found["seeds"], found["times"], found["images"]) != asked:
        effort = gaze.Effort(epochs=1, instrument_images=100) if quick_look else None
        options = {"effort": effort, "times": times, "images": MEASURED_IMAGES}
        found = report.evaluate(result, data, networks, **options)
    print(f"\n{report.table(found)}\n")
    print(plots.save(plots.evaluation_figure(found), run / "evaluation.png"))
