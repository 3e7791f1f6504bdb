import dataclasses
import gc
import importlib
import inspect
import io
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from ipywidgets import Widget
from matplotlib.figure import Figure
from PIL import Image

from simgan_lib.config import PRESETS, Config, ConfigError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.models import build_discriminator, build_refiner
from simgan_lib.notebook.dashboard import remaining
from simgan_lib.notebook.panel import PER_OUTPUT, estimated_minutes, multiplications
from simgan_lib.notebook.shown import sheet
from simgan_lib.notebook.widgets import (
    EYE,
    BeforeAfter,
    EyeExplorer,
    HyperparameterPanel,
    LambdaExplorer,
    RunReplay,
    TrainingDashboard,
    TuringTest,
    explored_eye,
    lambda_table,
)
from simgan_lib.runs import Run, RunError
from simgan_lib.training import train

VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS = {"float32": 0.034, "bfloat16": 0.022}
CONFIG = preset("smoke").replace(precision="float32", filters=8)


def make_data(seed=0):
    rng = np.random.default_rng(seed)
    synthetic, real = (rng.integers(0, 256, (24, 12, 16), "uint8") for _ in range(2))
    return GazeData(
        ImageSet(synthetic, None, "noise"), ImageSet(real, None, "simulated webcam images"), None
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(make_data(), CONFIG, folder, progress=False)
    return Run(folder)


@pytest.fixture(scope="module")
def sweep(run, tmp_path_factory):
    """An ablation's folder: three lambdas, the middle one with two seeds, and another cell."""
    folder = tmp_path_factory.mktemp("sweep")
    for cell, lambda_mean, seed, shift in (
        ("lambda_0.01", 0.01, 0, 3.0),
        ("baseline", 1.0, 0, 1.0),
        ("baseline", 1.0, 1, 2.0),
        ("lambda_100", 100.0, 0, 0.1),
        ("sgd", 1.0, 0, 9.0),
    ):
        path = folder / cell / f"seed{seed}"
        shutil.copytree(run.folder, path)
        (path / "refiner.weights.h5").unlink()  # as most reference runs are kept
        config = run.config.replace(lambda_mean=lambda_mean, seed=seed)
        (path / "config.json").write_text(config.to_json())
        found = {
            "refiner_crc32": 0,
            "pupil_shift_px": {"median": shift},
            "two_sample_accuracy": {"refined": {"mean": 0.9}},
            "kid": {"refined": {"mean": 0.5}},
        }
        (path / "evaluation.json").write_text(json.dumps(found))
    return folder


@pytest.fixture(scope="module")
def shown(run, sweep):
    """Every widget, by name."""
    data = make_data()
    return {
        "eye": EyeExplorer(),
        "panel": HyperparameterPanel(seconds=SECONDS),
        "dashboard": TrainingDashboard(data, CONFIG, run.folder.with_name("new")),
        "replay": RunReplay(run, run),
        "before": BeforeAfter(run),
        "lambda": LambdaExplorer(sweep),
        "turing": TuringTest(data.synthetic.images, data.real.images),
    }


NAMES = ("eye", "panel", "dashboard", "replay", "before", "lambda", "turing")


def controls(widget):
    """All that can be moved in a widget."""
    for child in widget.children:
        if isinstance(child, ipywidgets.Box):
            yield from controls(child)
        elif not isinstance(child, ipywidgets.Image | ipywidgets.HTML | ipywidgets.Button):
            yield child


def sweep_of(control):
    """Values that a control must stand: minimum, middle and maximum, or every option."""
    if hasattr(control, "options"):
        return [value[1] if isinstance(value, tuple) else value for value in control.options]
    if isinstance(control, ipywidgets.FloatLogSlider):
        return [10**control.min, 10 ** ((control.min + control.max) / 2), 10**control.max]
    if hasattr(control, "max"):
        middle = (control.min + control.max) / 2
        middle = int(middle) if isinstance(control, ipywidgets.IntSlider) else middle
        return [control.min, middle, control.max]
    return [True, False] if isinstance(control, ipywidgets.Checkbox) else []


def pixels(widget):
    return np.asarray(Image.open(io.BytesIO(widget.picture.value)))


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "the dashboard does not get there"
        time.sleep(0.01)


def test_it_is_the_ipywidgets_that_was_asked_for():
    # test_ipywidgets7.py runs this file again, and asks.
    assert ipywidgets.__version__.startswith(os.environ.get("SIMGAN_IPYWIDGETS", ""))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_displayed_holds_the_widget_and_a_picture(shown, name):
    data, _ = DisplayFormatter().format(shown[name])
    assert data[VIEW]["model_id"] == shown[name].model_id
    Image.open(io.BytesIO(shown[name].picture.value)).verify()
    sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
    try:
        from notebooks import _belongs
    finally:
        sys.path.pop(0)
    output = nbformat.v4.new_output("display_data", data=data)
    assert _belongs(output), "GitHub would show nothing"
    assert set(output["data"]) == {"text/plain", "image/png"}


@pytest.mark.parametrize("name", NAMES)
def test_every_control_has_a_label_and_a_tooltip_and_stands_its_range(shown, name):
    widget = shown[name]
    for control in controls(widget):
        start, pictures = control.value, set()
        assert control.description
        assert getattr(control, "tooltip", None) or control.description_tooltip
        for value in sweep_of(control) if name != "dashboard" else []:
            control.value = value
            pictures.add(widget.picture.value)
            assert "Not allowed" not in widget.words.value
        if name not in ("dashboard", "panel", "replay", "lambda"):
            assert len(pictures) == len(set(sweep_of(control))), control.description
        control.value = start


def test_moving_sliders_makes_nothing_new(shown):
    moves = [("eye", "yaw", 140), ("replay", 0, 20), ("before", 0, 20), ("lambda", 0, 20)]

    def play(share=1.0):
        for name, which, count in moves:
            control = next(controls(shown[name])) if which == 0 else shown[name].controls[which]
            values = sweep_of(control)
            for number in range(int(count * share)):
                control.value = values[number % len(values)]

    def census():
        gc.collect()
        objects = gc.get_objects()
        kept = [sum(issubclass(type(o), kind) for o in objects) for kind in (Figure, Widget)]
        return len(objects), kept

    play(0.2)  # whatever is made once and kept
    objects, kept = census()
    play()
    more_objects, still_kept = census()
    assert still_kept == kept, "figures and widgets"
    # matplotlib keeps some weak references for a while; a new axis would be hundreds of objects.
    assert more_objects - objects < 400, "200 moves"


def test_the_label_drawn_on_the_eye_is_the_simulators():
    image, label = explored_eye("simulator", pitch=-10, yaw=20)
    assert image.shape == (35, 55)
    assert label[["pitch", "yaw"]].tolist() == pytest.approx(np.radians([-10, 20]))
    explorer = EyeExplorer()
    explorer.controls["pitch"].value, explorer.controls["yaw"].value = -10, 20
    for line in explorer._looks:
        (x, tip_x), (y, tip_y) = line.get_data()
        assert tip_x < x, "yaw > 0 looks to the image's left"
        assert tip_y > y, "pitch < 0 looks down"
        assert (x, y) == pytest.approx((label["pupil_x"], label["pupil_y"]))
    assert "pitch -10°, yaw 20°" in explorer.words.value
    assert not any("real" in image.axes.get_title() for image in explorer._images)


def test_every_control_of_the_eye_moves_both_styles():
    for style in ("simulator", "webcam"):
        for name, (low, high, *_) in EYE.items():
            ends = [explored_eye(style, **{name: value})[0] for value in (low, high)]
            assert not np.array_equal(*ends), f"{name} does nothing to the {style}"


@pytest.mark.parametrize("name", PRESETS)
def test_panel_gives_back_each_preset_and_its_button_fills_it_in(name):
    panel = HyperparameterPanel(
        fields=[f.name for f in dataclasses.fields(Config)], seconds=SECONDS
    )
    panel.config = PRESETS[name]
    assert panel.config == PRESETS[name]
    panel.controls["seed"].value = 7
    assert panel.config == PRESETS[name].replace(seed=7)
    next(b for b in panel.children[0].children if b.description == name).click()
    assert panel.config == PRESETS[name]
    assert {k: c.value for k, c in panel.controls.items()} == vars(PRESETS[name])


@pytest.mark.parametrize("field", dataclasses.fields(Config), ids=lambda field: field.name)
def test_panel_takes_another_value_in_every_field(field):
    # With an equalised output, `equalise_input` may have either value.
    base = Config(output_activation="equalised")
    panel = HyperparameterPanel(base, fields=[field.name], seconds=SECONDS)
    before = getattr(panel.config, field.name)
    choices = field.metadata["choices"]
    value = next(choice for choice in choices if choice != before) if choices else None
    if value is None:
        value = not before if field.type is bool else before + 2 if field.type is int else 0.25
    panel.controls[field.name].value = value
    assert panel.config == base.replace(**{field.name: value})
    about = panel.controls[field.name]
    tooltip = getattr(about, "tooltip", None) or about.description_tooltip
    assert field.metadata["meaning"] in tooltip
    assert field.metadata["origin"] in tooltip


@pytest.mark.parametrize(
    ("field", "value"), [("batch_size", 3), ("beta_1", 1.0), ("buffer_size", 0), ("iterations", -1)]
)
def test_panel_says_why_a_value_is_refused(field, value):
    panel = HyperparameterPanel(seconds=SECONDS)
    with pytest.raises(ConfigError) as refusal:
        Config().replace(**{field: value})
    panel.controls[field].value = value
    with pytest.raises(ConfigError, match=field):
        _ = panel.config
    shown = ipywidgets.HTML(panel.words.value).value.replace("&#x27;", "'")
    assert shown == f"Not allowed: {refusal.value}"
    panel.controls[field].value = getattr(Config(), field)
    assert panel.config == Config()
    assert "Not allowed" not in panel.words.value


def test_panel_keeps_what_a_slider_cannot_show():
    config = Config(lambda_mean=0.0, refiner_learning_rate=2.0)
    panel = HyperparameterPanel(config, seconds=SECONDS)
    assert panel.config == config
    panel.controls["batch_size"].value = 64
    assert panel.config == config.replace(batch_size=64)


def test_panel_says_lambda_as_the_paper_and_how_long_it_takes():
    panel = HyperparameterPanel(Config(lambda_mean=0.153), seconds=SECONDS)
    assert "paper&#x27;s form: 0.01." in panel.words.value
    minutes = estimated_minutes(panel.config, SECONDS)
    assert f"Minutes on this machine: about {minutes:,.1f}" in panel.words.value
    updates = panel.config.discriminator_updates
    twice = panel.config.replace(refiner_updates=2, discriminator_updates=2 * updates)
    assert minutes < estimated_minutes(twice, SECONDS)
    shared = [
        estimated_minutes(panel.config.replace(fresh_batches=count), SECONDS)
        for count in (1, updates, updates + 5)
    ]
    assert shared[0] < shared[1] == shared[2] == minutes
    assert estimated_minutes(panel.config.replace(gradient_penalty=1.0), SECONDS) > minutes
    panel.controls["precision"].value = "float16"
    assert "not timed in this precision" in panel.words.value


@pytest.mark.parametrize(
    ("changes", "shape"),
    [({}, (35, 55)), ({"filters": 8, "blocks": 2, "kernel_size": 5}, (16, 16)), ({}, (71, 90))],
)
def test_panel_counts_the_multiplications_of_the_networks_own_layers(changes, shape):
    config = Config().replace(**changes)
    refiner = build_refiner((*shape, 1), config.filters, config.kernel_size, config.blocks)
    for network, counted in zip(
        (refiner, build_discriminator((*shape, 1))), multiplications(config, shape), strict=True
    ):
        outputs = [
            (np.prod(layer.output.shape[1:]), np.prod(layer.kernel.shape[:3]))
            for layer in network.layers
            if hasattr(layer, "kernel")
        ]
        assert counted == sum(count * (reads + PER_OUTPUT) for count, reads in outputs)


def test_panel_estimates_other_sizes_of_images_and_networks():
    # Most of the work is R's here, so its size decides.
    config = Config(filters=64, discriminator_updates=2)

    def minutes(shape=(35, 55), **changes):
        return estimated_minutes(config.replace(**changes), SECONDS, shape)

    assert minutes((70, 110)) == pytest.approx(4 * minutes(), rel=0.03)
    assert minutes(batch_size=64) == pytest.approx(2 * minutes())
    assert 0.25 < minutes(blocks=1) / minutes() < 0.4
    assert 2 < minutes(filters=128) / minutes() < 4
    small = HyperparameterPanel(config, seconds=SECONDS, shape=(16, 16))
    assert f"about {minutes((16, 16)):,.1f}" in small.words.value


def test_dashboard_starts_pauses_goes_on_and_stops(tmp_path):
    folder, config = tmp_path / "run", CONFIG.replace(iterations=100_000)
    board = TrainingDashboard(make_data(), config, folder, interval=0.3)
    start, pause, stop = (board.buttons[name] for name in ("Start", "Pause", "Stop"))
    assert (board.state, start.disabled, pause.disabled, stop.disabled) == (
        *("ready", False),
        *(True, True),
    )
    start.click()
    wait_for(lambda: board.done and board.done["adversarial"] >= 3)
    pause.click()
    assert (board.state, pause.description) == ("paused", "Resume")
    seen = board.done["adversarial"]
    time.sleep(0.3)
    assert board.done["adversarial"] <= seen + 1, "it does not wait"
    other = TrainingDashboard.attach(folder, interval=0.3)
    assert other.words.value.startswith("attached; adversarial: ")
    assert all(button.disabled for button in other.buttons.values())
    pause.click()
    assert (board.state, pause.description) == ("training", "Pause")
    wait_for(lambda: board.done["adversarial"] >= seen + 5)
    assert board.refined.shape == (12, 12, 16)
    first = other.words.value
    wait_for(lambda: other.words.value != first)
    stop.click()
    assert board.wait(60).state == "stopped"
    assert board.words.value.startswith("stopped; adversarial: ")
    assert not start.disabled
    done = board.done["adversarial"]
    with np.load(folder / "checkpoint" / "state.npz") as saved:
        assert saved["done"][2] == done, "a stop must save everything"
    assert board.paused_seconds > 0.25

    again = TrainingDashboard(make_data(), config.replace(iterations=done + 2), folder)
    again.start()
    again.pause()
    again.resume()
    assert again.wait().state == "finished"
    assert again.progress.value == 1
    other.redraw()  # it was attached to a run of more rounds
    for widget in (board, other, again):
        widget.close()


def test_dashboard_attaches_to_a_finished_run_with_a_reference(run):
    board = TrainingDashboard.attach(run.folder, reference=run)
    assert board.state == "finished"
    assert board.progress.value == 1
    loss = run.metrics.query("phase == 'adversarial'")["discriminator_loss"]
    for lines in (board._curves._lines, board._curves._others):
        np.testing.assert_array_equal(lines["discriminator_loss"].get_ydata(), loss)
    legend = [text.get_text() for text in board._curves.axes[1].get_legend().get_texts()]
    assert legend == ["on simulated webcam", "on refined"]
    shots = run.snapshots
    expected = sheet(12, shots["synthetic"], shots["refined"][-1])
    np.testing.assert_array_equal(board._sheet.get_array(), expected)
    with pytest.raises(RunError, match="not a run folder"):
        TrainingDashboard.attach(run.folder.parent)


def test_dashboard_says_what_went_wrong_and_whose_settings_it_took(run):
    panel = HyperparameterPanel(CONFIG, seconds=SECONDS)
    board = TrainingDashboard(make_data(), panel, run.folder)
    panel.controls["lambda_mean"].value = 9.0
    board.buttons["Start"].click()
    with pytest.raises(RunError, match="these differ: lambda_mean"):
        board.wait()
    assert board.state == "failed"
    assert "these differ: lambda_mean" in board.words.value
    assert not board.buttons["Start"].disabled


def test_pauses_do_not_count_as_training(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run")
    board = TrainingDashboard(make_data(), CONFIG, tmp_path / "run")
    before = Run(board.folder).environment
    board.paused_seconds = 5.0
    board._forget_pauses()
    after = Run(board.folder).environment
    assert after.pop("training_seconds") == pytest.approx(before.pop("training_seconds") - 5)
    assert after == before


def test_remaining_counts_all_phases_and_trusts_the_median_speed():
    rows = [{"phase": "adversarial", "iteration": n, "rounds_per_second": 2.0} for n in (1, 2, 3)]
    rows[1]["rounds_per_second"] = 1e-3  # a pause
    share, words = remaining(
        pd.DataFrame(rows),
        Config(iterations=13),
        {"adversarial": 3} | {"pretrain_refiner": 80, "pretrain_discriminator": 60},
    )
    assert share == pytest.approx(143 / 153)
    assert words == "adversarial: 3 of 13, 5 s left"


def test_replay_moves_curves_and_pictures_in_step(run):
    replay = RunReplay(run, run)
    assert list(replay.slider.options) == [0, 3, 6]
    replay.slider.value = 3
    shots = run.snapshots
    for name, _, _, image, curves in replay._views:
        assert name == "run"
        np.testing.assert_array_equal(
            image.get_array(), sheet(8, shots["synthetic"], shots["refined"][1])
        )
        assert [line.get_xdata()[0] for line in curves._cursors] == [3, 3]
    assert replay.words.value.count("D takes the refined eyes") == 2


def test_before_and_after_shows_the_same_eye_five_times(run):
    before = BeforeAfter(run)
    for _ in range(9):
        before.next.click()
    assert before.slider.value == 9 % 8, "after the last, the first"
    shots = run.snapshots
    x, y = shots["synthetic"][1], shots["refined"][-1][1]
    expected = [x, y, y.astype(float) - x, x, y]
    for image, wanted in zip(before._images, expected, strict=True):
        np.testing.assert_array_equal(image.get_array(), wanted)
    doubt = shots["probability_refined"][-1][1].astype(float)
    np.testing.assert_array_equal(before._maps[1].get_array(), doubt)
    assert before._maps[1].get_extent() == before._images[1].get_extent()
    assert "simulated webcam" in before.words.value


def test_lambda_explorer_averages_seeds_and_leaves_other_cells_out(sweep):
    table = lambda_table(sweep)
    assert table["lambda_mean"].tolist() == [0.01, 1.0, 100.0]
    assert table["pupil_shift_px"].tolist() == [3.0, 1.5, 0.1]
    assert table["seeds"].tolist() == [1, 2, 1]
    explorer = LambdaExplorer(sweep)
    explorer.slider.value = 1
    assert "Lambda 1: the pupil moves by 1.50 px" in explorer.words.value
    assert explorer._mark.get_data() == ([1.5], [0.5])
    assert "tells 90.0% apart (mean over 2 seeds)" in explorer.words.value


def test_turing_test_is_scored_as_in_the_paper():
    data = make_data()
    test = TuringTest(data.synthetic.images, data.real.images, 10, 3, "simulated webcam")
    assert test.words.value == "Pair 1 of 10: which one is simulated webcam?"
    for side in test.test.real_side:
        assert test.result is None
        test.buttons[side].click()
    assert test.result == test.test.score(test.test.real_side)
    assert "10 of 10 right, p = 0.001. You can tell." in test.words.value
    assert all(button.disabled for button in test.buttons)


MODULES = ("widgets", "dashboard", "replay", "panel", "shown", "checks", "notebook")


def public_functions():
    for module in (importlib.import_module(f"simgan_lib.{name}") for name in MODULES):
        for name, thing in vars(module).items():
            if name[0] != "_" and getattr(thing, "__module__", "") == module.__name__:
                for each in [thing, *(vars(thing).values() if isinstance(thing, type) else [])]:
                    if inspect.isfunction(each) and each.__name__[0] != "_":
                        yield each


@pytest.mark.parametrize("function", list(public_functions()), ids=lambda f: f.__qualname__)
def test_docstrings_say_what_goes_in_and_what_comes_out(function):
    signature, text = inspect.signature(function), inspect.getdoc(function)
    for name in signature.parameters:
        if name not in ("self", "cls"):
            assert re.search(rf"^    \**{name}: ", text, re.MULTILINE), name
    gives = signature.return_annotation not in (None, "None", signature.empty)
    assert gives == ("Returns:" in text)
