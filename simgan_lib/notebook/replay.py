"""Widgets that look at a run that is over: played again, and eye by eye."""

import numpy as np
from ipywidgets import Button, HBox, IntSlider, SelectionSlider
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from simgan_lib.notebook.dashboard import Curves
from simgan_lib.notebook.plots import BLUE, ORANGE
from simgan_lib.notebook.shown import (
    DPI,
    Shown,
    image_row,
    labelled,
    picture_in,
    sheet,
    show_pixels,
)
from simgan_lib.runs import Run


class RunReplay(Shown):
    """A run played again: a slider through its snapshots, with a cursor on its curves.

    Args:
        run: The run; it needs snapshots.
        other: A second run beside it, at its last snapshot up to the same round.
        eyes: Images of each run: the first ones.

    Attributes:
        slider: The round.
    """

    def __init__(self, run: Run, other: Run | None = None, eyes: int = 8):
        runs = [run] if other is None else [run, other]
        figure = Figure(figsize=(6.4 * len(runs), 4.8), dpi=DPI)
        self._views, self._eyes = [], eyes
        for column, each in enumerate(runs):
            left, width = (column + 0.06) / len(runs), 0.9 / len(runs)
            image = picture_in(figure.add_axes((left, 0.68, width, 0.27)))
            axes = [figure.add_axes((left, bottom, width, 0.22)) for bottom in (0.38, 0.06)]
            curves = Curves(*axes, each.real_name)
            self._views.append((each.folder.name, each.snapshots, each.metrics, image, curves))
        rounds = sorted({int(n) for _, shots, *_ in self._views for n in shots["iteration"]})
        about = "the snapshot; arrow keys step"
        self.slider = labelled(SelectionSlider, "round", about, options=rounds)
        super().__init__(figure, [self.slider])

    def _update(self):
        said = []
        for name, shots, metrics, image, curves in self._views:
            chosen = max(int((shots["iteration"] <= self.slider.value).sum()) - 1, 0)
            number = int(shots["iteration"][chosen])
            show_pixels(image, sheet(self._eyes, shots["synthetic"], shots["refined"][chosen]))
            title = f"{name}: synthetic, and refined in round {number:,}"
            image.axes.set_title(title, fontsize="small")
            curves.show(metrics, self.slider.options[-1], cursor=number)
            right = shots["probability_refined"][chosen].astype(float).mean()
            said.append(f"{name}: D takes the refined eyes for refined with {right:.0%}.")
        return "\n".join(said)


class BeforeAfter(Shown):
    """An eye before and after refining, what changed, and what D makes of it, patch by patch.

    It shows the last snapshot of the run.

    Args:
        run: The run; it needs snapshots.

    Attributes:
        slider: The eye's number.
        next: The button that goes to the next eye.
    """

    def __init__(self, run: Run):
        self._shots, self._real_name = run.snapshots, run.real_name
        titles = ("synthetic", "refined", "difference", "synthetic", "refined")
        figure, self._images = image_row((11, 1.9), *titles)
        self._images[2].set(cmap="RdBu_r", clim=(-128, 128))
        look = {"cmap": LinearSegmentedColormap.from_list("D", [BLUE, "white", ORANGE]), "vmax": 1}
        self._maps = [picture_in(image.axes, alpha=0.45, **look) for image in self._images[3:]]
        count = len(self._shots["synthetic"])
        self.slider = labelled(IntSlider, "eye", "which one; arrow keys step", max=count - 1)
        self.next = labelled(Button, "Next", "the next eye; after the last, the first")
        self.next.on_click(
            lambda _: self.slider.set_trait("value", (self.slider.value + 1) % count)
        )
        super().__init__(figure, [self.slider], [HBox([self.slider, self.next])])

    def _update(self):
        eye, shots = self.slider.value, self._shots
        before, after = shots["synthetic"][eye], shots["refined"][-1][eye]
        change = after.astype(float) - before
        for image, pixels in zip(self._images, [before, after, change, before, after], strict=True):
            show_pixels(image, pixels)
        for image, name in zip(self._maps, ("synthetic", "refined"), strict=True):
            doubt = shots[f"probability_{name}"][-1][eye].astype(float)
            show_pixels(image, doubt, before.shape)
            image.axes.set_title(f"{name}, D: {doubt.mean():.0%} refined", fontsize="small")
        return (
            f"Eye {eye}: a pixel changes by {np.abs(change).mean():.1f} of 255 gray levels. Orange "
            f"patches D takes for refined, blue ones for {self._real_name}; red became brighter."
        )
