"""Diagrams of the pipeline, the two networks and the algorithm, drawn with matplotlib."""

from itertools import pairwise

from matplotlib.figure import Figure

from simgan_lib.notebook.plots import BLUE, GRAY, GREEN, ORANGE, PINK


def pipeline(here: str = "") -> Figure:
    """Draws who gives what to whom in SimGAN.

    Args:
        here: Names of boxes to highlight, such as `"refiner refined"`; the others are pale and the
            figure is small: a map for the top of a notebook. All boxes if empty.
    """
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
        ("answer", "refiner", "gradient: fool D", 0.25, ORANGE),
        ("refined", "synthetic", "self-regularisation: stay close", -0.3, BLUE),
    ]
    return _draw((10, 3.4), boxes, paths, arcs, here=here)


def refiner() -> Figure:
    """Draws the refiner, with a shortcut round every residual block."""
    stages = [("x\n35x55x1", GRAY), ("conv 3x3\n64, ReLU", BLUE)]
    stages += [(f"block {number}\n64", ORANGE) for number in (1, 2, 3, 4)]
    stages += [("conv 1x1\n1, tanh", BLUE), ("R(x)\n35x55x1", GRAY)]
    middles = [0.65 + 1.5 * number for number in (2, 3, 4, 5)]
    return _chain(stages, [((x - 0.75, 0.78), (x + 0.75, 0.78), "", -0.8, ORANGE) for x in middles])


def residual_block() -> Figure:
    """Draws a residual block: two convolutions, and the input carried past them."""
    stages = [("h", GRAY), ("conv 3x3\n64, ReLU", BLUE), ("conv 3x3\n64", BLUE)]
    stages += [("+", ORANGE), ("ReLU", BLUE), ("h'", GRAY)]
    return _chain(stages, [("0", "3", "shortcut", -0.3, ORANGE)])


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
        "R": (3.4, 1.5, "update R:\nfool D,\nstay close", ORANGE),
        "half": (6.0, 1.5, "refine half a batch,\ntake half from the\nhistory buffer", PINK),
        "D": (8.6, 1.5, "update D:\nreal against\nrefined", GRAY),
    }
    arcs = [
        ("D", "x", "next round", -0.22, GRAY),
        ((3.6, 1.95), (3.2, 1.95), "K_g times", 2.2, ORANGE),
        ((7.7, 1.95), (6.9, 1.95), "K_d times", 1.5, GRAY),
    ]
    figure = _draw((10, 3.0), boxes, ["x R half D"], arcs)
    # D's updates repeat both steps: another half is refined each time.
    bracket = {"color": GRAY, "linewidth": 1}
    figure.axes[0].plot([5.2, 5.2, 9.4, 9.4], [1.85, 1.95, 1.95, 1.85], **bracket)
    return figure


def _chain(stages, arcs=()):
    boxes = {str(n): (0.65 + 1.5 * n, 0.75, *stage) for n, stage in enumerate(stages)}
    return _draw((1.5 * len(stages), 2.0), boxes, [" ".join(boxes)], arcs, height=1.5)


def _draw(size, boxes, paths, arcs, height=None, here=""):
    """Boxes by name, arrows along paths of names, and bent arrows with a text.

    A bent arrow goes from a box or a place to another.
    """
    scale = 0.6 if here else 1.0
    size_in = scale * min(10, size[0]), scale * (height or size[1])
    figure = Figure(figsize=size_in)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(0, size[1]))
    axis.axis("off")
    middle = {"ha": "center", "va": "center"}
    look = {"boxstyle": "round,pad=0.5", "edgecolor": "white", "linewidth": 2}
    drawn = {}
    for name, (x, y, text, color) in boxes.items():
        pale = bool(here) and name not in here.split()
        box = {**look, "facecolor": color, "alpha": 0.25 if pale else 1.0}
        shown = axis.text(x, y, text, bbox=box, fontsize=8.5 * scale, **middle)
        shown.set_color("0.4" if pale else "white")
        drawn[name] = shown.get_bbox_patch()

    def arrow(start, end, **style):
        # Clipped at the boxes, which are drawn before and so know where they are.
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
        look = {"color": color, "fontsize": 9 * scale, "bbox": paper, "zorder": 5, **middle}
        axis.text(*middle_of_arc, text, **look)
    return figure
