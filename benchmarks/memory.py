"""Peak memory of `simgan train` with the report's 50,000 + 34,100 images."""

from benchmarks.commands import data_folder, settings, train


def measure(smoke: bool = False) -> dict:
    """Trains a few rounds of the report.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Peak resident memory in GiB.
    """
    rounds = 2 if smoke else 6
    with data_folder(smoke) as data:
        changes = settings(smoke, iterations=rounds, preset="report")
        return {"peak_gib": train(data, *changes).peak_bytes / 2**30}
