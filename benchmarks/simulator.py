"""How many eyes the simulator draws in a second."""

import json
import sys

from benchmarks.workers import Turns, alternate, median, started

STYLES = ("simulator", "webcam")


def measure(smoke: bool = False) -> dict:
    """Draws eyes in both styles, in turn.

    Args:
        smoke: Whether to compute almost nothing, to see that it works.

    Returns:
        Images a second by style; the slower one is the record's `images_per_second`.
    """
    count = 128 if smoke else 4096
    workers = {style: ("simulator", {"style": style, "count": count}) for style in STYLES}
    with started(workers) as running:
        reports = alternate(running, turns=2 if smoke else 5)
    rates = {style: count / median(reports[style]) for style in STYLES}
    return {**rates, "images_per_second": min(rates.values())}


if __name__ == "__main__":
    from simgan_lib.data.simulator import simulate

    options = json.loads(sys.argv[1])

    def work():
        """Draws."""
        simulate(options["count"], options["style"])

    Turns().serve(work)
