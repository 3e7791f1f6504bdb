import base64
import dataclasses
import io
import json
import os
import shutil
import time

import h5py
import ipywidgets
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from simgan_lib.config import PRESETS, Config, ConfigError, preset
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.notebook import plots
from simgan_lib.notebook.plots import sheet
from simgan_lib.notebook.widgets import (
    BeforeAfter,
    EyeExplorer,
    HyperparameterPanel,
    LambdaExplorer,
    RunReplay,
    TrainingDashboard,
    TuringTest,
)
from simgan_lib.runs import Run, RunError
from simgan_lib.training import train

VIEW = "application/vnd.jupyter.widget-view+json"
CONFIG = preset("smoke").replace(precision="float32", filters=8)


def make_data(channels=(), seed=0):
    rng = np.random.default_rng(seed)
    synthetic, real = (rng.integers(0, 256, (24, 12, 16, *channels), "uint8") for _ in range(2))
    return GazeData(
        ImageSet(synthetic, None, "noise"), ImageSet(real, None, "simulated webcam images"), None
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(make_data(), CONFIG, folder, progress=False)
    return Run(folder)


@pytest.fixture(scope="module")
def other_run(run, tmp_path_factory):
    """The run as a student's own method leaves it: in colour, with an own column and without D's
    patches, and with rounds that came to nothing."""
    folder = tmp_path_factory.mktemp("runs") / "own"
    shutil.copytree(run.folder, folder)
    metrics = run.metrics.assign(texture=7.5, loss=1.0)
    metrics.loc[metrics.index[-2:], ["discriminator_loss", "mean_change"]] = np.nan
    metrics = metrics.drop(columns=["accuracy_refined", "self_regularisation"])
    metrics.to_csv(folder / "metrics.csv", index=False)
    with h5py.File(folder / "snapshots.h5", "w") as file:
        for name, values in run.snapshots.items():
            if name == "iteration":
                file[name] = values
            elif not name.startswith("probability"):
                file[name] = np.stack([values, values // 2, values // 3], axis=-1)
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
        path.mkdir(parents=True)
        for name in ("environment.json", "metrics.csv", "snapshots.h5"):
            shutil.copy(run.folder / name, path)
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
        "panel": HyperparameterPanel(),
        "dashboard": TrainingDashboard(data, CONFIG, run.folder.with_name("new")),
        "replay": RunReplay(run),
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


def curves(figure):
    """The curves that `draw_curves` drew, by column of the metrics."""
    return {line.get_gid(): line.get_ydata() for axis in figure.axes for line in axis.lines}


def pixels(widget):
    return np.asarray(Image.open(io.BytesIO(widget.picture.value)))


def wait_for(board, condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert not board.error, board.error
        assert time.monotonic() < deadline, "the dashboard does not get there"
        time.sleep(0.01)


def test_it_is_the_ipywidgets_that_was_asked_for():
    # test_ipywidgets7.py runs this file again, and asks.
    assert ipywidgets.__version__.startswith(os.environ.get("SIMGAN_IPYWIDGETS", ""))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_displayed_holds_the_widget_and_its_picture(shown, name):
    data, _ = DisplayFormatter().format(shown[name])
    assert data[VIEW]["model_id"] == shown[name].model_id
    assert base64.b64decode(data["image/png"]) == shown[name].picture.value
    Image.open(io.BytesIO(shown[name].picture.value)).verify()
    assert data["text/plain"] == type(shown[name]).__name__


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
        if name in ("eye", "before"):
            assert len(pictures) == len(sweep_of(control)), control.description
        control.value = start


def test_runs_of_another_method_are_shown_in_colour_with_their_own_columns(run, other_run):
    board, replay = TrainingDashboard.attach(other_run.folder), RunReplay(other_run)
    replay.slider.value, before = 6, BeforeAfter(other_run)
    for figure in (board.curves, replay.curves):
        np.testing.assert_array_equal(curves(figure)["texture"], 7.5)
        assert "loss" not in curves(figure)
    for widget in (board, replay, before):
        colours = pixels(widget)[..., :3].astype(int)
        assert (np.ptp(colours, axis=-1) > 60).mean() > 0.02, "the eyes are in colour"
    assert len(before.images) == 3
    test = TuringTest(*(other_run.snapshots[name] for name in ("synthetic", "real")), pairs=4)
    test.buttons[0].click()
    assert "Pair 2 of 4" in test.words.value
    panels = plots.loss_curves(other_run.metrics).axes
    assert len(panels) == len(plots.loss_curves(run.metrics).axes) + 1


def test_the_label_drawn_on_the_eye_is_the_simulators():
    explorer = EyeExplorer()
    explorer.controls["pitch"].value, explorer.controls["yaw"].value = -10, 20
    pitch, yaw = np.radians([-10, 20])
    look = (-np.cos(pitch) * np.sin(yaw), -np.sin(pitch))
    for arrow in explorer.looks:
        (x, y), (tip_x, tip_y) = arrow.xyann, arrow.xy
        assert x < 27, "yaw > 0 looks to the image's left"
        assert y > 17, "pitch < 0 looks down"
        assert (tip_x - x, tip_y - y) == pytest.approx(tuple(25 * np.array(look)), abs=1e-3)
    assert "pitch -10°, yaw 20°" in explorer.words.value


def test_every_control_of_the_eye_moves_both_styles():
    explorer = EyeExplorer()
    for name, control in explorer.controls.items():
        start, drawn = control.value, []
        for end in (control.min, control.max):
            control.value = end
            drawn.append([np.array(image.get_array()) for image in explorer.images])
        for low, high in zip(*drawn, strict=True):
            assert not np.array_equal(low, high), name
        control.value = start


def test_panel_gives_back_each_preset_and_its_button_fills_it_in():
    panel = HyperparameterPanel(fields=[f.name for f in dataclasses.fields(Config)])
    for button in panel.children[0].children:
        panel.config = wanted = PRESETS[button.description]
        assert panel.config == wanted
        panel.controls["seed"].value = 7
        assert panel.config == wanted.replace(seed=7)
        button.click()
        assert panel.config == wanted
        assert {k: c.value for k, c in panel.controls.items()} == vars(wanted)


def test_panel_takes_another_value_in_every_field_and_says_what_it_means():
    fields = dataclasses.fields(Config)
    panel = HyperparameterPanel(fields=[field.name for field in fields])
    for field in fields:
        control, before = panel.controls[field.name], panel.config
        value = next((c for c in field.metadata["choices"] or () if c != control.value), None)
        if value is None:
            value = control.value + 2 if field.type is int else 0.25
        control.value = value
        assert panel.config == before.replace(**{field.name: value})
        tooltip = getattr(control, "tooltip", None) or control.description_tooltip
        assert field.metadata["meaning"] in tooltip
        assert field.metadata["origin"] in tooltip
        panel.config = before


@pytest.mark.parametrize(
    ("field", "value"), [("batch_size", 3), ("beta_1", 1.0), ("buffer_size", 1), ("iterations", -1)]
)
def test_panel_says_why_a_value_is_refused(field, value):
    panel = HyperparameterPanel()
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


def test_panel_says_lambda_as_the_paper_and_keeps_any_value():
    panel = HyperparameterPanel(Config(lambda_mean=0.153))
    assert "paper&#x27;s form: 0.01." in panel.words.value
    config = Config(lambda_mean=0.0, refiner_learning_rate=2.0, filters=5)
    panel = HyperparameterPanel(config)
    panel.controls["batch_size"].value = 64
    assert panel.config == config.replace(batch_size=64)


def test_dashboard_starts_pauses_goes_on_and_stops(tmp_path):
    folder, config = tmp_path / "run", CONFIG.replace(iterations=100_000)
    board = TrainingDashboard(make_data(), config, folder, interval=0.3)
    start, pause, stop = (board.buttons[name] for name in ("Start", "Pause", "Stop"))
    assert (board.state, start.disabled, pause.disabled, stop.disabled) == (
        *("ready", False),
        *(True, True),
    )
    start.click()
    wait_for(board, lambda: board.done and board.done["adversarial"] >= 3)
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
    wait_for(board, lambda: board.done["adversarial"] >= seen + 5)
    first = other.words.value
    wait_for(board, lambda: other.words.value != first)
    stop.click()
    assert board.wait(60).state == "stopped"
    assert board.words.value.startswith("stopped; adversarial: ")
    assert not start.disabled
    done = board.done["adversarial"]
    assert f"adversarial: {done:,} of 100,000" in board.words.value

    again = TrainingDashboard(make_data(), config.replace(iterations=done + 2), folder)
    again.start()
    again.pause()
    again.pause()
    assert again.wait().state == "finished"
    assert again.progress.value == 1
    other.redraw()  # it was attached to a run of more rounds
    for widget in (board, other, again):
        widget.close()


def test_dashboard_attaches_to_a_finished_run(run):
    board = TrainingDashboard.attach(run.folder)
    assert board.state == "finished"
    assert board.progress.value == 1
    assert "left" not in board.words.value
    loss = run.metrics.query("phase == 'adversarial'")["discriminator_loss"]
    np.testing.assert_array_equal(curves(board.curves)["discriminator_loss"], loss)
    legend = board.curves.axes[-1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["on simulated webcam", "on refined"]
    shots = run.snapshots
    expected = sheet(12, shots["synthetic"], shots["refined"][-1])
    np.testing.assert_array_equal(board.eyes.get_array(), expected)
    with pytest.raises(RunError, match="not a run folder"):
        TrainingDashboard.attach(run.folder.parent)


def test_dashboard_says_what_went_wrong_and_whose_settings_it_took(run):
    panel = HyperparameterPanel(CONFIG)
    board = TrainingDashboard(make_data(), panel, run.folder)
    panel.controls["lambda_mean"].value = 9.0
    board.buttons["Start"].click()
    with pytest.raises(RunError, match="these differ: lambda_mean"):
        board.wait()
    assert board.state == "failed"
    assert "these differ: lambda_mean" in board.words.value
    assert not board.buttons["Start"].disabled


def test_replay_moves_curves_and_pictures_in_step(run):
    replay = RunReplay(run)
    assert list(replay.slider.options) == [0, 3, 6]
    replay.slider.value = 3
    shots = run.snapshots
    expected = sheet(12, shots["synthetic"], shots["refined"][1])
    np.testing.assert_array_equal(replay.image.get_array(), expected)
    assert [line.get_xdata()[0] for line in replay.cursors] == [3, 3, 3]
    assert "D takes the refined eyes" in replay.words.value


def test_before_and_after_shows_the_same_eye_five_times(run):
    before = BeforeAfter(run)
    shots = run.snapshots
    for _ in range(len(shots["synthetic"]) + 1):
        before.next.click()
    assert before.slider.value == 1, "after the last, the first"
    x, y = shots["synthetic"][1], shots["refined"][-1][1]
    expected = [x, y, y.astype(float) - x, x, y]
    for image, wanted in zip(before.images, expected, strict=True):
        np.testing.assert_array_equal(image.get_array(), wanted)
    doubt = shots["probability_refined"][-1][1].astype(float)
    np.testing.assert_array_equal(before.maps[1].get_array(), doubt)
    assert before.maps[1].get_extent() == before.images[1].get_extent()
    assert "simulated webcam" in before.words.value


def test_lambda_explorer_averages_seeds_and_leaves_other_cells_out(sweep):
    explorer = LambdaExplorer(sweep)
    assert explorer.table["lambda_mean"].tolist() == [0.01, 1.0, 100.0]
    assert explorer.table["pupil_shift_px"].tolist() == [3.0, 1.5, 0.1]
    assert explorer.table["seeds"].tolist() == [1, 2, 1]
    explorer.slider.value = 1
    assert "Lambda 1: the pupil moves by 1.50 px" in explorer.words.value
    assert "tells 90.0% apart (mean over 2 seeds)" in explorer.words.value


def test_turing_test_is_scored_as_in_the_paper():
    data = make_data()
    test = TuringTest(data.synthetic.images, data.real.images, 10, 3, "simulated webcam")
    assert test.words.value == "Pair 1 of 10: which one is simulated webcam?"
    for side in test.real_side:
        assert "right, p =" not in test.words.value
        test.buttons[side].click()
    assert "10 of 10 right, p = 0.001. You can tell." in test.words.value
    assert all(button.disabled for button in test.buttons)
