"""Other numbers for some tasks, so that two students do not have the same answers.

The course's numbers stay where they say something of the paper or of a figure. A task that asks
for a function needs no others: its check draws new inputs at every call.
"""

import numpy as np

import simgan_lib


def variant(seed: int) -> dict[str, tuple[dict, dict]]:
    """Draws numbers for the tasks that may have others than the notebook's.

    Args:
        seed: Other seeds give other numbers.

    Returns:
        For each of these tasks, what its check has to know, and what to write in place of what.
    """
    rng = np.random.default_rng(seed)
    filters, blocks = int(rng.integers(30, 60)), int(rng.integers(5, 12))
    fits, too_many = (
        simgan_lib.build_refiner(filters=maps, blocks=blocks).count_params()
        for maps in (filters, filters + 1)
    )
    sees, budget = 3 + 4 * blocks, int(rng.integers(fits, too_many))
    side, patches = 4 * int(rng.integers(25, 56)), int(rng.choice([4, 5, 6, 8, 9]))
    runs, cards = rng.integers(10, 10**6, 2).tolist()
    stop = int(rng.choice([3, 5, 9]))
    refiner = {
        "for the same price": "within a budget",
        "35 pixels, the image's height,": f"{sees} pixels",
        "296,129": f"{budget:,}",
        "design = (45, 8)": f"design = ({filters}, {blocks})",
    }
    hands = {
        "The paper also refines": "A colleague refines",
        "224 x 224": f"{side} x {side}",
        "7 x 7": f"{patches} x {patches}",
        "(224, 224), (7, 7)": f"({side}, {side}), ({patches}, {patches})",
    }
    stopped = {"after round 7 of": f"after round {stop} of", '"] == 7:': f'"] == {stop}:'}
    return {
        "02.4": ({"sees": sees, "budget": budget}, refiner),
        "04.2": ({"side": side, "patches": patches}, hands),
        "04.3": ({"seed": runs}, {"default_rng(5)": f"default_rng({runs})"}),
        "07.3": ({"stop": stop}, stopped),
        "09.4": ({"seed": cards}, {"default_rng(5)": f"default_rng({cards})"}),
    }
