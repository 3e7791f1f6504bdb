"""Diagrams of the pipeline, the two networks and the algorithm, drawn with matplotlib."""

from itertools import pairwise

from matplotlib.figure import Figure

from simgan_lib.notebook.plots import BLUE, GRAY, GREEN, ORANGE, PINK

STEP = 1.2  # inches from one box of a chain to the next


def pipeline(here: str = "") -> Figure:
    """Draws how images flow through SimGAN.

    Args:
        here: Names of boxes to highlight, such as `"refiner refined"`. The others are pale, as in
            the map at the top of a notebook. All boxes if empty.
    """
    boxes = {
        "synthetic": (0.6, 1.4, "synthetic\nimages x\n+ labels", BLUE),
        "refiner": (2.15, 1.4, "refiner\nR", ORANGE),
        "refined": (3.8, 1.4, "refined\nimages R(x)\n+ same labels", ORANGE),
        "history": (3.8, 0.3, "history\nbuffer", PINK),
        "real": (5.85, 0.3, "real images y\nno labels", GREEN),
        "discriminator": (5.85, 1.4, "discriminator\nD", GRAY),
        "answer": (7.5, 1.4, "real or\nrefined?", GRAY),
    }
    paths = ["synthetic refiner refined discriminator answer", "real discriminator"]
    paths += ["refined history discriminator"]
    arcs = [
        ("answer", "refiner", "gradient: fool D", 0.28, ORANGE),
        ("refined", "synthetic", "self-regularisation: stay close", -0.36, BLUE),
    ]
    return _draw((8.1, 2.3), boxes, paths, arcs, here.split() or boxes)


def refiner() -> Figure:
    """Draws the refiner, with a shortcut round every residual block."""
    stages = [("x\n35x55x1", GRAY), ("conv 3x3\n64, ReLU", BLUE)]
    stages += [(f"block {number}\n64", ORANGE) for number in (1, 2, 3, 4)]
    stages += [("conv 1x1\n1, tanh", BLUE), ("R(x)\n35x55x1", GRAY)]
    between = [STEP * number for number in (2, 3, 4, 5, 6)]
    return _chain(stages, [((x, 0.4), (y, 0.4), "", -0.9, ORANGE) for x, y in pairwise(between)])


def residual_block() -> Figure:
    """Draws a residual block: two convolutions and a shortcut past them."""
    stages = [("h", GRAY), ("conv 3x3\n64, ReLU", BLUE), ("conv 3x3\n64", BLUE)]
    stages += [("+", ORANGE), ("ReLU", BLUE), ("h'", GRAY)]
    return _chain(stages, [("0", "3", "shortcut", -0.36, ORANGE)])


def discriminator() -> Figure:
    """Draws the discriminator, with the size of its features after every layer."""
    stages = [("image\n35x55x1", GRAY), ("conv 3x3\nstride 2\n18x28x96", BLUE)]
    stages += [("conv 3x3\nstride 2\n9x14x64", BLUE), ("max pool\n3x3\n9x14x64", PINK)]
    stages += [("conv 3x3\n\n9x14x32", BLUE), ("conv 1x1\n\n9x14x32", BLUE)]
    return _chain([*stages, ("conv 1x1\nlogits\n9x14x2", GREEN)])


def algorithm() -> Figure:
    """Draws one round of Algorithm 1: K_g updates of R, then K_d updates of D."""
    boxes = {
        "x": (0.7, 1.15, "sample\nsynthetic x", BLUE),
        "R": (2.35, 1.15, "update R:\nfool D,\nstay close", ORANGE),
        "xy": (4.1, 1.15, "sample\nsynthetic x\nand real y", GREEN),
        "half": (6.0, 1.15, "refine x, mix\nwith images from\nthe history", PINK),
        "D": (7.9, 1.15, "update D:\nreal against\nrefined", GRAY),
    }
    arcs = [
        ("R", "x", "$K_g$ times", 0.9, ORANGE),
        ("D", "xy", "$K_d$ times", 0.4, GRAY),
        ("D", "x", "next round", -0.25, GRAY),
    ]
    return _draw((8.6, 2.1), boxes, ["x R xy half D"], arcs, boxes)


def _chain(stages, arcs=()):
    boxes = {str(n): (STEP * (n + 0.5), 0.4, *stage) for n, stage in enumerate(stages)}
    size = STEP * len(stages), 1.2 if arcs else 0.8
    return _draw(size, boxes, [" ".join(boxes)], arcs, boxes)


def _draw(size, boxes, paths, arcs, vivid):
    """Draws boxes by name, arrows along paths of names, and bent arrows with a text, in inches.

    A bent arrow joins boxes or places. Boxes that are not `vivid` are pale.
    """
    figure = Figure(figsize=size)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(0, size[1]))
    axis.axis("off")
    middle = {"ha": "center", "va": "center"}
    look = {"boxstyle": "round,pad=0.5", "edgecolor": "white", "linewidth": 2}
    drawn = {}
    for name, (x, y, text, color) in boxes.items():
        box = {**look, "facecolor": color, "alpha": 1.0 if name in vivid else 0.25}
        shown = axis.text(x, y, text, bbox=box, fontsize=10, **middle)
        shown.set_color("white" if name in vivid else "0.4")
        drawn[name] = shown.get_bbox_patch()

    def arrow(start, end, **style):
        # Clipped at the boxes, which are drawn first.
        ends = {side: drawn.get(name) for side, name in {"patchA": start, "patchB": end}.items()}
        style |= {"arrowstyle": "-|>", "shrinkA": 1, "shrinkB": 1, **ends}
        axis.annotate("", place(end), place(start), arrowprops=style, zorder=4)

    def place(where):
        return boxes[where][:2] if where in boxes else where

    for path in paths:
        for start, end in pairwise(path.split()):
            arrow(start, end, color="black")
    for start, end, text, bend, color in arcs:
        arrow(start, end, color=color, connectionstyle=f"arc3,rad={bend}")
        (x, y), (x_end, y_end) = place(start), place(end)
        middle_of_arc = (x + x_end) / 2, (y + y_end - bend * (x_end - x)) / 2
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        look = {"color": color, "fontsize": 10, "bbox": paper, "zorder": 5, **middle}
        axis.text(*middle_of_arc, text, **look)
    return figure
