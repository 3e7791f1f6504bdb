"""The checks of notebook 02, the refiner."""

import numpy as np

from simgan_exercises import Hint, call, task

PAPER = 296_129  # parameters of the paper's refiner


def _parameters(filters, kernel_size):
    return 2 * (kernel_size**2 * filters**2 + filters)


def _sees(blocks, kernel_size):
    return 1 + (1 + 2 * blocks) * (kernel_size - 1)


def _number(answer):
    if np.shape(answer) != () or not np.isreal(answer):
        raise Hint(f"Return one number; received {answer!r}.")
    return answer


@task("02.1", "Parameters grow with the square of the number of maps: maps are what costs most.")
def _(parameters):
    for filters, kernel in np.random.default_rng().integers([5, 2], [90, 9], (5, 2)).tolist():
        found, block = _number(call(parameters, filters, kernel)), _parameters(filters, kernel)
        if found == block:
            continue
        given = f"{filters} maps and {kernel} x {kernel} kernels"
        hints = {
            block - 2 * filters: "Each kernel has a bias, too.",
            block - filters: "Both convolutions have biases.",
            block // 2: "That is one convolution. How many has a block?",
            2 * (kernel**2 + 1) * filters: "A kernel sees all maps of its input, not one.",
            2 * (kernel * filters**2 + filters): "A kernel has a height and a width.",
        }
        raise Hint(
            hints.get(
                found, f"For {given} it is not {found}. Count the weights of one kernel first."
            )
        )


@task("02.2", "A refiner must be able to take an edge away, and so to lower a feature.")
def _(letter):
    hints = {
        "B": "What sign has the output of a ReLU? And what is done with it?",
        "C": "What does the block add if its weights are zero?",
        "D": "The ReLU after the sum sees h plus the change. Can the change be negative now?",
    }
    letter = str(letter).strip().upper()
    if letter != "A":
        raise Hint(hints.get(letter, f"Answer with one letter, A to D; received {letter!r}."))


@task("02.3", "It limits what R can do: a pixel knows nothing of what lies outside its window.")
def _(refiner_sees):
    rng = np.random.default_rng()
    for kernel in rng.permutation([3, 5, 7, 9]).tolist():
        blocks = int(rng.integers(3, 12))
        found, right = _number(call(refiner_sees, blocks, kernel)), _sees(blocks, kernel)
        if found == right:
            continue
        hints = {
            right - kernel + 1: "The opening convolution widens the window, too.",
            right - 1: "Even without a convolution, a pixel sees one pixel: itself.",
            1 + (1 + blocks) * (kernel - 1): "A block has two convolutions.",
            (right + 1) // 2: "That is one side of the window only. It widens to both sides.",
        }
        if found > right:
            raise Hint("Too wide. A kernel of size 1 adds nothing; so what does one of size k add?")
        about = f"{blocks} blocks and {kernel} x {kernel} kernels"
        raise Hint(hints.get(found, f"For {about} it is not {found}."))


@task("02.4", "Depth is cheaper than width, if what you need is to see far.")
def _(design, sees=35, budget=PAPER):
    if np.shape(design) != (2,) or any(int(n) != n or n < 1 for n in design):
        raise Hint(f"Give two whole numbers, (filters, blocks); received {design!r}.")
    filters, blocks = map(int, design)

    def count(filters):
        return 10 * filters + blocks * _parameters(filters, 3) + filters + 1

    if _sees(blocks, 3) < sees:
        raise Hint(f"With {blocks} blocks it sees {_sees(blocks, 3)} pixels, fewer than {sees}.")
    if _sees(blocks - 1, 3) >= sees:
        raise Hint("Fewer blocks would do. Is the order (filters, blocks)?")
    if count(filters) > budget:
        raise Hint(f"It has {count(filters):,} parameters, more than {budget:,}.")
    if count(filters + 1) <= budget:
        raise Hint(f"It has {count(filters):,} parameters. More maps would fit.")
