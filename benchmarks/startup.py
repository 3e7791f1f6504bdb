"""From `simgan train` to the first round, and what an import costs."""

import statistics

from benchmarks.commands import data_folder, run, settings, train

# Of the progress bar, whose rounds are the training's.
BEGIN, END = r"\b0/1 \[[^\]]*round", r"\b1/1 \[[^\]]*round"
IMPORT = "import simgan_lib, sys; print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))"


def measure(smoke: bool = False) -> dict:
    """Starts trainings of `long` with 50,000 + 34,100 images, and bare imports, in turn.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Seconds until the first round begins and until it has ended; of `import tensorflow` and of
        `import simgan_lib`; and the backends that the latter loads.
    """
    turns, found = (1 if smoke else 5), {}
    with data_folder(smoke) as data:
        changes = settings(smoke, iterations=1, preset="long")
        for _ in range(turns):
            marks = train(data, *changes, marks=(BEGIN, END)).marks
            seconds = {"first_round_begins": marks[BEGIN], "first_round_ends": marks[END]}
            seconds["import_tensorflow"] = run("-c", "import tensorflow").seconds
            library = run("-c", IMPORT)
            seconds["import_simgan_lib"] = library.seconds
            for name, value in seconds.items():
                found.setdefault(name, []).append(value)
    medians = {f"{name}_s": statistics.median(values) for name, values in found.items()}
    return {**medians, "backends_loaded": library.output.strip()}
