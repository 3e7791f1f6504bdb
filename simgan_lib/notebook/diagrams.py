"""Diagrams of the pipeline, the two networks and the algorithm, drawn with matplotlib."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simgan_lib.notebook.plots import BLUE, GRAY, GREEN, ORANGE, PINK


def pipeline() -> Figure:
    """Draws who gives what to whom in SimGAN."""
    figure = Figure(figsize=(10, 3.2))
    axis = _canvas(figure, 10, 3.2)
    boxes = {
        "synthetic": (0.9, 2.2, "synthetic\nimages x\n+ labels", BLUE),
        "refiner": (3.0, 2.2, "refiner\nR", ORANGE),
        "refined": (5.0, 2.2, "refined\nimages R(x)\n+ same labels", ORANGE),
        "history": (5.0, 0.6, "history\nbuffer", PINK),
        "real": (7.2, 0.6, "real images y\nno labels", GREEN),
        "discriminator": (7.2, 2.2, "discriminator\nD", GRAY),
        "answer": (9.2, 2.2, "real or\nrefined?", GRAY),
    }
    links = ["synthetic refiner", "refiner refined", "refined discriminator"]
    links += ["discriminator answer", "real discriminator", "refined history"]
    _graph(axis, boxes, [*links, "history discriminator"])
    _arc(axis, (9.2, 2.65), (3.0, 2.6), "gradient: fool D", 0.22, ORANGE)
    _arc(axis, (0.9, 1.65), (4.8, 1.65), "self-regularisation: stay close", 0.25, BLUE)
    return figure


def refiner(image_shape: tuple = (35, 55, 1), filters: int = 64, blocks: int = 4) -> Figure:
    """Draws the refiner, with a shortcut round every residual block.

    Args:
        image_shape: Height, width and channels of the images.
        filters: Feature maps.
        blocks: Number of residual blocks.
    """
    size = "x".join(map(str, image_shape))
    stages = [(f"x\n{size}", GRAY), (f"conv 3x3\n{filters}, ReLU", BLUE)]
    stages += [(f"block {number + 1}\n{filters}", ORANGE) for number in range(blocks)]
    stages += [(f"conv 1x1\n{image_shape[-1]}, tanh", BLUE), (f"R(x)\n{size}", GRAY)]
    return _chain(stages, shortcuts=range(2, 2 + blocks))


def residual_block() -> Figure:
    """Draws a residual block: two convolutions, and the input carried past them."""
    stages = [("h", GRAY), ("conv 3x3\n64, ReLU", BLUE), ("conv 3x3\n64", BLUE)]
    stages += [("+", ORANGE), ("ReLU", BLUE), ("h'", GRAY)]
    figure = _chain(stages)
    _arc(figure.axes[0], (0.65, 0.75), (1.5 * 3 + 0.6, 0.75), "shortcut", -0.25, ORANGE)
    return figure


def discriminator(image_shape: tuple = (35, 55, 1)) -> Figure:
    """Draws the discriminator, with the size of its features after every layer.

    Args:
        image_shape: Height, width and channels of the images.
    """
    # A stride of 2 halves a side, and rounds up.
    half, quarter = ("x".join(str(-(-n // by)) for n in image_shape[:2]) for by in (2, 4))
    stages = [
        ("image\n" + "x".join(map(str, image_shape)), GRAY),
        (f"conv 3x3\nstride 2\n{half}x96", BLUE),
        (f"conv 3x3\nstride 2\n{quarter}x64", BLUE),
        (f"max pool\n3x3\n{quarter}x64", PINK),
        (f"conv 3x3\n\n{quarter}x32", BLUE),
        (f"conv 1x1\n\n{quarter}x32", BLUE),
        (f"conv 1x1\nlogits\n{quarter}x2", GREEN),
    ]
    return _chain(stages)


def algorithm() -> Figure:
    """Draws one round of Algorithm 1: K_g updates of R, then K_d updates of D."""
    figure = Figure(figsize=(10, 2.6))
    axis = _canvas(figure, 10, 2.6)
    boxes = {
        "x": (1.1, 1.5, "take a batch of\nsynthetic x", BLUE),
        "R": (3.4, 1.5, "update R:\nfool D, stay close\n(K_g times)", ORANGE),
        "half": (6.0, 1.5, "refine half a batch,\ntake half from the\nhistory buffer", PINK),
        "D": (8.6, 1.5, "update D:\nreal against refined\n(K_d times)", GRAY),
    }
    _graph(axis, boxes, ["x R", "R half", "half D"], gap=58)
    _arc(axis, (8.6, 1.0), (1.1, 1.0), "next round", -0.18, GRAY)
    axis.text(5, 2.35, "one round", ha="center", fontsize=10, weight="bold")
    return figure


def _graph(axis, boxes, links, gap=34):
    for x, y, text, color in boxes.values():
        _box(axis, x, y, text, color)
    for link in links:
        start, end = (boxes[name][:2] for name in link.split())
        _arrow(axis, start, end, gap)


def _chain(stages, shortcuts=()) -> Figure:
    width = 1.5 * len(stages)
    figure = Figure(figsize=(min(10, width), 1.5))
    axis = _canvas(figure, width, 2.0)
    for number, (text, color) in enumerate(stages):
        x = 0.65 + 1.5 * number
        if number:
            _arrow(axis, (x - 1.5, 0.75), (x, 0.75))
        _box(axis, x, 0.75, text, color)
        if number in shortcuts:
            _arc(axis, (x - 0.75, 0.8), (x + 0.75, 0.8), "", -0.8, ORANGE)
    return figure


def _canvas(figure, width, height) -> Axes:
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    return axis


def _box(axis, x, y, text, color):
    style = {"boxstyle": "round,pad=0.5", "facecolor": color, "edgecolor": "white", "linewidth": 2}
    place = {"ha": "center", "va": "center", "color": "white", "fontsize": 8.5, "zorder": 3}
    axis.text(x, y, text, bbox=style, **place)


def _arrow(axis, start, end, gap=34):
    # It runs from middle to middle, below the boxes; its head ends where the box begins.
    style = {"arrowstyle": "-|>", "color": "black", "shrinkA": gap - 4, "shrinkB": gap}
    axis.annotate("", end, start, arrowprops=style, zorder=2)


def _arc(axis, start, end, text, bend, color):
    style = {"arrowstyle": "-|>", "color": color, "connectionstyle": f"arc3,rad={bend}"}
    axis.annotate("", end, start, arrowprops=style, zorder=1)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + bend * (end[0] - start[0]) / -2)
    axis.text(
        *middle,
        text,
        ha="center",
        va="center",
        color=color,
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
