"""Diagrams of the pipeline, the two networks and the algorithm, drawn with matplotlib."""

from itertools import pairwise

from matplotlib.figure import Figure

from simgan_lib.notebook.plots import BLUE, GRAY, GREEN, ORANGE, PINK


def pipeline() -> Figure:
    """Draws who gives what to whom in SimGAN."""
    boxes = {
        "synthetic": (0.9, 2.2, "synthetic\nimages x\n+ labels", BLUE),
        "refiner": (3.0, 2.2, "refiner\nR", ORANGE),
        "refined": (5.0, 2.2, "refined\nimages R(x)\n+ same labels", ORANGE),
        "history": (5.0, 0.6, "history\nbuffer", PINK),
        "real": (7.2, 0.6, "real images y\nno labels", GREEN),
        "discriminator": (7.2, 2.2, "discriminator\nD", GRAY),
        "answer": (9.2, 2.2, "real or\nrefined?", GRAY),
    }
    paths = ["synthetic refiner refined discriminator answer", "real discriminator"]
    paths += ["refined history discriminator"]
    arcs = [
        ((9.2, 2.65), (3.0, 2.6), "gradient: fool D", 0.22, ORANGE),
        ((0.9, 1.65), (4.8, 1.65), "self-regularisation: stay close", 0.25, BLUE),
    ]
    return _draw((10, 3.2), boxes, paths, arcs)


def refiner() -> Figure:
    """Draws the refiner, with a shortcut round every residual block."""
    stages = [("x\n35x55x1", GRAY), ("conv 3x3\n64, ReLU", BLUE)]
    stages += [(f"block {number}\n64", ORANGE) for number in (1, 2, 3, 4)]
    stages += [("conv 1x1\n1, tanh", BLUE), ("R(x)\n35x55x1", GRAY)]
    middles = [0.65 + 1.5 * number for number in (2, 3, 4, 5)]
    return _chain(stages, [((x - 0.75, 0.8), (x + 0.75, 0.8), "", -0.8, ORANGE) for x in middles])


def residual_block() -> Figure:
    """Draws a residual block: two convolutions, and the input carried past them."""
    stages = [("h", GRAY), ("conv 3x3\n64, ReLU", BLUE), ("conv 3x3\n64", BLUE)]
    stages += [("+", ORANGE), ("ReLU", BLUE), ("h'", GRAY)]
    return _chain(stages, [((0.65, 0.75), (5.1, 0.75), "shortcut", -0.25, ORANGE)])


def discriminator() -> Figure:
    """Draws the discriminator, with the size of its features after every layer."""
    stages = [("image\n35x55x1", GRAY), ("conv 3x3\nstride 2\n18x28x96", BLUE)]
    stages += [("conv 3x3\nstride 2\n9x14x64", BLUE), ("max pool\n3x3\n9x14x64", PINK)]
    stages += [("conv 3x3\n\n9x14x32", BLUE), ("conv 1x1\n\n9x14x32", BLUE)]
    return _chain([*stages, ("conv 1x1\nlogits\n9x14x2", GREEN)])


def algorithm() -> Figure:
    """Draws one round of Algorithm 1: K_g updates of R, then K_d updates of D."""
    boxes = {
        "x": (1.1, 1.5, "take a batch of\nsynthetic x", BLUE),
        "R": (3.4, 1.5, "update R:\nfool D, stay close\n(K_g times)", ORANGE),
        "half": (6.0, 1.5, "refine half a batch,\ntake half from the\nhistory buffer", PINK),
        "D": (8.6, 1.5, "update D:\nreal against refined\n(K_d times)", GRAY),
    }
    arcs = [((8.6, 1.0), (1.1, 1.0), "next round", -0.18, GRAY)]
    figure = _draw((10, 2.6), boxes, ["x R half D"], arcs, gap=58)
    figure.axes[0].text(5, 2.35, "one round", ha="center", fontsize=10, weight="bold")
    return figure


def _chain(stages, arcs=()):
    boxes = {str(n): (0.65 + 1.5 * n, 0.75, *stage) for n, stage in enumerate(stages)}
    return _draw((1.5 * len(stages), 2.0), boxes, [" ".join(boxes)], arcs, height=1.5)


def _draw(size, boxes, paths, arcs, gap=34, height=None):
    """Boxes by name, arrows along paths of names, and bent arrows with a text."""
    figure = Figure(figsize=(min(10, size[0]), height or size[1]))
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(0, size[1]))
    axis.axis("off")
    middle = {"ha": "center", "va": "center"}
    look = {"boxstyle": "round,pad=0.5", "edgecolor": "white", "linewidth": 2}
    for x, y, text, color in boxes.values():
        box = {**look, "facecolor": color}
        axis.text(x, y, text, bbox=box, color="white", fontsize=8.5, zorder=3, **middle)
    # An arrow runs from middle to middle, below the boxes. Its head ends where the box begins.
    look = {"arrowstyle": "-|>", "color": "black", "shrinkA": gap - 4, "shrinkB": gap}
    for path in paths:
        for start, end in pairwise(boxes[name][:2] for name in path.split()):
            axis.annotate("", end, start, arrowprops=look, zorder=2)
    for (x, y), (x_end, y_end), text, bend, color in arcs:
        look = {"arrowstyle": "-|>", "color": color, "connectionstyle": f"arc3,rad={bend}"}
        axis.annotate("", (x_end, y_end), (x, y), arrowprops=look, zorder=1)
        place = (x + x_end) / 2, (y + y_end - bend * (x_end - x)) / 2
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axis.text(*place, text, color=color, fontsize=9, bbox=paper, **middle)
    return figure
