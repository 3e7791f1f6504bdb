"""What the widgets have in common: labelled controls over a picture that is made once."""

import base64
import html
import io
import threading

import ipywidgets
import numpy as np
from ipywidgets import HTML, Button
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

# matplotlib's fonts are shared by all figures, and a training is watched from a thread.
_DRAWING = threading.RLock()
# Dots per inch of the figures: as many as the page has, for sharp letters.
DPI = 96


def labelled(kind: type, description: str, tooltip: str, **options) -> ipywidgets.Widget:
    """Makes a control with a label, and a tooltip that says what it means.

    Args:
        kind: Class of the control, such as `ipywidgets.IntSlider`.
        description: The label.
        tooltip: What the pointer shows when it rests on the control.
        **options: What else the class takes.

    Returns:
        The control.

    Example:
        >>> labelled(ipywidgets.IntSlider, "yaw", "gaze in degrees", max=28).description
        'yaw'
    """
    if kind is not Button:
        options["style"] = {"description_width": "190px"}
        options["layout"] = ipywidgets.Layout(width="480px")
    # ipywidgets 7 gives buttons alone a tooltip of that name.
    name = "tooltip" if "tooltip" in kind.class_trait_names() else "description_tooltip"
    return kind(description=description, **{name: tooltip}, **options)


class Shown(ipywidgets.VBox):
    """Controls, the picture that they change, and words on it.

    The figure is made once. When a control moves, a subclass's `_update` changes what is in it and
    says what it shows. On GitHub, the picture is all.

    Args:
        figure: The figure, with what `_update` changes in it.
        controls: What redraws the picture when its value changes.
        rows: What stands above the picture; the controls if `None`.

    Attributes:
        picture: The figure as a PNG.
        words: What it shows, as text.
    """

    # Without this method of ipywidgets 7, IPython asks for the bundle below, as it does with 8.
    _ipython_display_ = None

    def __init__(self, figure: Figure, controls=(), rows=None):
        self._canvas = FigureCanvasAgg(figure)
        # Not stretched over the page, which would blur it, but shrunk where the page is narrow.
        look = ipywidgets.Layout(width=f"{figure.bbox.width:.0f}px", max_width="100%")
        self.picture, self.words = ipywidgets.Image(format="png", layout=look), HTML()
        super().__init__([*(controls if rows is None else rows), self.picture, self.words])
        for control in controls:
            control.observe(self.redraw, "value")
        self.redraw()

    def redraw(self, change=None) -> None:
        """Draws the picture again.

        Args:
            change: What ipywidgets tells of a control that moved.
        """
        with _DRAWING:
            words, file = html.escape(self._update()).replace("\n", "<br>"), io.BytesIO()
            # Most of the time would go into packing a picture that only goes next door.
            self._canvas.print_png(file, pil_kwargs={"compress_level": 1})
            self.words.value, self.picture.value = words, file.getvalue()

    def _repr_mimebundle_(self, **kwargs):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        png = base64.b64encode(self.picture.value).decode()
        shown = {"application/vnd.jupyter.widget-view+json": view, "image/png": png}
        return {"text/plain": type(self).__name__, **shown}


def sheet(count: int, *rows: np.ndarray) -> np.ndarray:
    """Lays the first images of several stacks out in rows, one stack a row.

    Args:
        count: Images of each stack to take.
        *rows: Stacks of images, `(n, height, width)`.

    Returns:
        One image, `(len(rows) * height, count * width)`.

    Example:
        >>> sheet(5, np.zeros((8, 35, 55)), np.ones((8, 35, 55))).shape
        (70, 275)
    """
    return np.vstack([np.hstack(list(images[:count])) for images in rows])


def picture_in(axis: Axes, title: str = "", **options) -> AxesImage:
    """Puts an image into an axis and takes the axis's ticks away.

    Args:
        axis: The axis.
        title: What stands above the image.
        **options: For `imshow`, in place of gray from 0 to 255.

    Returns:
        The image, whose pixels `show_pixels` gives it.
    """
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize="small")
    return axis.imshow([[0]], **{"cmap": "gray", "vmin": 0, "vmax": 255, **options})


def show_pixels(image: AxesImage, pixels: np.ndarray, shape: tuple[int, int] | None = None) -> None:
    """Puts other pixels into an image of a figure.

    Args:
        image: The image, as from `picture_in`.
        pixels: `(height, width)`.
        shape: Height and width that the pixels are stretched to; their own if `None`.
    """
    height, width = shape or pixels.shape
    image.set(data=pixels, extent=(-0.5, width - 0.5, height - 0.5, -0.5))


def image_row(size: tuple[float, float], *titles: str) -> tuple[Figure, list[AxesImage]]:
    """Makes a figure with images side by side, still without pixels.

    Args:
        size: Width and height of the figure, in inches.
        *titles: What stands above each image.

    Returns:
        The figure, and its images.
    """
    figure = Figure(figsize=size, dpi=DPI)
    around = {"left": 0.01, "right": 0.99, "bottom": 0.02, "wspace": 0.04}
    axes = figure.subplots(1, len(titles), gridspec_kw=around)
    return figure, [picture_in(axis, title) for axis, title in zip(axes, titles, strict=True)]
