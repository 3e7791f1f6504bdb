"""The widgets in JupyterLab and the page on which R runs, in a real browser, as a reader uses them.

With SIMGAN_SCREENSHOTS=FOLDER, pictures of every widget are left there, in light and dark.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import keras
import live_page
import nbformat
import numpy as np
import pytest

import simgan_lib
from simgan_lib.data import to_float
from simgan_lib.losses import REFINED

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

ROOT = Path(__file__).parent.parent
PEOPLE = (0, 7)
CHROMIUM = shutil.which("chromium")
TOKEN = "for-the-test"
# Generous, as two cores may be shared; nothing waits longer than it must.
SECONDS = 240

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here, and tools/browser.sh could not install it"
)

# Every widget of the course in one notebook. The notebooks themselves are executed in
# test_notebooks.py; a browser opens none of them, as each would start and compile for a minute.
CELLS = [
    """\
import simgan_lib
from simgan_lib import widgets
from simgan_lib.data import GazeData, ImageSet
from simgan_lib.notebook import REPOSITORY
synthetic = ImageSet(*simgan_lib.simulate(64, "simulator"), "simulator images")
real = ImageSet(simgan_lib.simulate(64, "webcam")[0], None, "simulated webcam images")
best = simgan_lib.reference_run("best")""",
    "widgets.EyeExplorer()",
    """\
config = simgan_lib.preset("smoke").replace(
    iterations=100_000, precision="float32", snapshot_every=500, checkpoint_every=500
)
panel = widgets.HyperparameterPanel(config)
panel""",
    """widgets.TrainingDashboard(GazeData(synthetic, real, None), panel, "run", interval=0.5)""",
    """widgets.LambdaExplorer(REPOSITORY / "runs" / "ablation")""",
    "widgets.RunReplay(best)",
    "widgets.BeforeAfter(best)",
    "widgets.TuringTest(best.snapshots['refined'][-1], best.snapshots['real'], pairs=5)",
    "widgets.TrainingDashboard.attach(best.folder)",
    """print("the kernel is", "free")""",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab with the notebook of all widgets; gives its address."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, folder / "widgets.ipynb")
    settings = {
        "apputils-extension/notification": '{"fetchNews": "false"}',
        # All cells are in the page, also those that are scrolled out of sight.
        "notebook-extension/tracker": '{"windowingMode": "none"}',
    }
    for name, text in settings.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "IPYTHONDIR": str(folder)}
    places |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *(f"--port={port}", "--ip=127.0.0.1", f"--ServerApp.root_dir={folder}"),
                *(f"--IdentityProvider.token={TOKEN}", "--ServerApp.port_retries=0"),
                "--LabApp.news_url=None",
            ],
            env={**os.environ, **places, "JUPYTER_PREFER_ENV_PATH": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
                break
            except OSError:
                said = (folder / "log").read_text()[-3000:]
                assert server.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


class Notebook:
    """A notebook open in the browser, with all that the page says."""

    def __init__(self, page, address, name):
        self.page, self.said = page, []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        # JupyterLab asks for a kernel where the machine is too busy to start one in time.
        page.add_locator_handler(
            page.locator(".jp-Dialog").get_by_role("button", name="Select", exact=True),
            lambda button: button.click(),
        )
        page.goto(f"{address}/doc/tree/{name}.ipynb?token={TOKEN}")

    def _hear(self, message):
        if message.type == "error":
            self.said.append(f"{message.text} ({message.location['url']})")

    def run_all(self):
        """Runs all cells from the menu, and waits for the last."""
        page = self.page
        expect(page.locator(".jp-Toolbar-kernelName")).to_have_text(re.compile("Python 3"))
        expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute(
            "data-status", "idle"
        )
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator("[data-command='runmenu:run-all']").click()
        prompt = page.locator(".jp-CodeCell .jp-InputPrompt")
        failed = page.locator("[data-mime-type='application/vnd.jupyter.error']")
        number = re.compile(r"\[\d+\]:")
        expect(prompt.last.filter(has_text=number).or_(failed).first).to_be_visible()
        self.check()
        return self

    def check(self):
        """No error in an output, and none in the console."""
        failed = self.page.locator("[data-mime-type='application/vnd.jupyter.error']")
        assert failed.all_inner_texts() == []
        assert not self.said, "\n".join(self.said)

    def widget(self, source):
        """The output of the cell with this in its code."""
        cell = self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=source)
        )
        output = cell.locator(".jp-OutputArea-output").last
        output.scroll_into_view_if_needed()
        expect(output.locator(".jupyter-widgets").first).to_be_visible()
        return output


def picture(widget):
    """The bytes of a widget's picture."""
    return widget.locator("img").evaluate(
        """async image => {
            const reader = new FileReader(), blob = await (await fetch(image.src)).blob();
            return new Promise(done => {
                reader.onload = () => done(reader.result);
                reader.readAsDataURL(blob);
            });
        }"""
    )


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.1)


def row(widget, label):
    """A control with its label."""
    return widget.locator(".widget-inline-hbox").filter(
        has=widget.page.get_by_text(label, exact=True)
    )


def move(widget, label, key):
    """Moves a slider by the keyboard, until the picture has changed; returns its readout."""
    before, control = picture(widget), row(widget, label)
    control.locator(".noUi-handle").press(key)
    wait_until(lambda: picture(widget) != before, f"{label} changes the picture")
    return control.locator(".widget-readout").inner_text()


def shoot(notebook, widget, name):
    """Leaves a picture of a widget where SIMGAN_SCREENSHOTS says, in light and dark."""
    folder = os.environ.get("SIMGAN_SCREENSHOTS")
    if not folder:
        return
    for theme in ("light", "dark"):
        notebook.page.get_by_role("menuitem", name="Settings", exact=True).click()
        notebook.page.locator(".lm-Menu-itemLabel", has_text="Theme").first.hover()
        notebook.page.locator(
            ".lm-Menu-itemLabel", has_text=re.compile(f"^JupyterLab {theme.title()}$")
        ).click()
        expect(notebook.page.locator("body")).to_have_attribute(
            "data-jp-theme-name", f"JupyterLab {theme.title()}"
        )
        widget.screenshot(path=Path(folder, f"{name}_{theme}.png"))


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic"],
        )
        expect.set_options(timeout=SECONDS * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(lab, chromium):
    """The notebook, executed."""
    page = chromium.new_page(viewport={"width": 1250, "height": 1100})
    page.set_default_timeout(SECONDS * 1000)
    return Notebook(page, lab, "widgets").run_all()


@pytest.fixture
def notebook(opened):
    yield opened
    opened.check()


def rounds(board):
    """The rounds that the dashboard says are done."""
    found = re.search(r"adversarial: ([\d,]+) of", board.inner_text())
    return int(found[1].replace(",", "")) if found else 0


def test_the_notebook_has_every_widget_of_the_course():
    used = {
        name
        for path in (ROOT / "notebooks" / "source").glob("*.py")
        for name in re.findall(r"^[^#]*widgets\.(\w+)", path.read_text(), re.MULTILINE)
    }
    assert used <= set(re.findall(r"widgets\.(\w+)", "\n".join(CELLS)))


def test_eye_follows_its_sliders_and_the_keyboard(notebook):
    page, eye = notebook.page, notebook.widget("EyeExplorer")
    assert move(eye, "yaw", "ArrowRight") == "11"
    assert move(eye, "person", "Home") == "0"
    expect(eye).to_contain_text("yaw 11°")
    # From control to control by the keyboard alone.
    row(eye, "pitch").locator(".noUi-handle").focus()
    for label in ("yaw", "pupil size", "lids", "light", "person"):
        handle = row(eye, label).locator(".noUi-handle")
        for _ in range(3):  # a readout can be focused too
            page.keyboard.press("Tab")
            if handle.evaluate("handle => handle === document.activeElement"):
                break
        expect(handle).to_be_focused()
    shoot(notebook, eye, "eye")


def test_panel_checks_settings_and_the_dashboard_trains_with_them(notebook):
    page, panel = notebook.page, notebook.widget("HyperparameterPanel(config)")
    batch = row(panel, "batch_size").get_by_role("spinbutton")
    batch.fill("3")
    batch.press("Enter")
    expect(panel).to_contain_text("Not allowed: batch_size must be even")
    batch.fill("8")
    batch.press("Enter")
    expect(panel).to_contain_text("Lambda in the paper's form: 0.0655.")
    weight = row(panel, "lambda_mean").get_by_role("spinbutton")
    weight.fill("0.153")
    weight.press("Enter")
    expect(panel).to_contain_text("Lambda in the paper's form: 0.01.")
    shoot(notebook, panel, "panel")

    board = notebook.widget("TrainingDashboard(")
    start, pause, stop = (board.get_by_role("button", name=n) for n in ("Start", "Pause", "Stop"))
    expect(pause).to_be_disabled()
    empty = picture(board)
    start.click()
    expect(start).to_be_disabled()
    wait_until(lambda: rounds(board) > 2, "it trains")
    # The kernel is not blocked: a cell runs in the meantime.
    free = page.locator(".jp-CodeCell", has_text="the kernel is")
    free.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    expect(free.locator(".jp-InputPrompt")).to_have_text(f"[{len(CELLS) + 1}]:")
    expect(free.locator(".jp-OutputArea")).to_have_text("the kernel is free")
    expect(board).to_contain_text("training; adversarial: ")
    wait_until(lambda: picture(board) != empty, "curves and eyes appear")
    pause.click()
    resume = board.get_by_role("button", name="Resume")
    expect(resume).to_be_enabled()
    expect(board).to_contain_text("paused; ")
    page.wait_for_timeout(500)  # the round in hand ends
    done = rounds(board)
    page.wait_for_timeout(1_200)  # in which it would have gone on
    assert rounds(board) == done
    resume.click()
    wait_until(lambda: rounds(board) > done, "it goes on")
    shoot(notebook, board, "dashboard")
    stop.click()
    expect(board).to_contain_text("stopped; ")
    expect(start).to_be_enabled()


def test_dashboard_of_a_finished_run_has_its_buttons_switched_off(notebook):
    board = notebook.widget("TrainingDashboard.attach")
    expect(board).to_contain_text("finished; adversarial: 4,000 of 4,000")
    for name in ("Start", "Pause", "Stop"):
        expect(board.get_by_role("button", name=name)).to_be_disabled()


def test_lambda_has_a_sweep(notebook):
    sweep = notebook.widget("LambdaExplorer")
    words = sweep.locator(".widget-html").inner_text()
    move(sweep, "lambda", "End")
    assert sweep.locator(".widget-html").inner_text() != words
    shoot(notebook, sweep, "lambda")


def test_replay_plays_a_run_again_and_eyes_are_compared(notebook):
    replay = notebook.widget("RunReplay")
    assert move(replay, "round", "End") == "4000"
    expect(replay).to_contain_text("D takes the refined eyes for refined")
    shoot(notebook, replay, "replay")
    before = notebook.widget("BeforeAfter")
    assert int(move(before, "eye", "End")) > 20
    before.get_by_role("button", name="Next").click()
    expect(before).to_contain_text("Eye 0: ")
    shoot(notebook, before, "before_after")


def test_turing_test_asks_which_eye_is_real(notebook):
    turing = notebook.widget("TuringTest")
    shoot(notebook, turing, "turing")
    for pair in range(1, 6):
        expect(turing).to_contain_text(f"Pair {pair} of 5")
        turing.get_by_role("button", name="Left").click()
    expect(turing).to_contain_text("of 5 right, p = ")
    expect(turing.get_by_role("button", name="Left")).to_be_disabled()


@pytest.fixture(scope="module")
def live(chromium, tmp_path_factory):
    """The page on which R runs, with two persons."""
    folder = tmp_path_factory.mktemp("live")
    live_page.write(folder, people=PEOPLE)
    page, said = chromium.new_page(viewport={"width": 390, "height": 844}), []
    page.set_default_timeout(SECONDS * 1000)
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((folder / "index.html").as_uri())
    expect(page.locator("#time")).to_contain_text("R took")
    yield page
    assert not said, said
    page.close()


def test_r_and_d_give_in_the_page_what_they_give_in_the_library(live):
    eyes = simgan_lib.simulate(3, "simulator", seed=3)[0]
    answers = """([eyes, refined, name]) => {
        const { refiner, discriminator } = DATA.networks[name];
        const judge = (eye) => probabilityRefined(discriminator, eye, DATA.shape).map;
        return {
            levels: eyes.map((eye) => Array.from(refine(refiner, eye, DATA.shape))),
            maps: refined.map((eye) => Array.from(judge(eye))),
        };
    }"""
    for name in live_page.RUNS:
        run = simgan_lib.reference_run(name)
        refined = simgan_lib.refine(run.refiner(), eyes)
        logits = run.discriminator()(to_float(refined))
        maps = np.asarray(keras.ops.softmax(logits)[..., REFINED])
        sent = [images.reshape(len(eyes), -1).tolist() for images in (eyes, refined)]
        found = live.evaluate(answers, [*sent, name])
        assert np.abs(np.array(found["levels"]) - sent[1]).max() <= 1  # gray levels of 255
        assert np.abs(np.array(found["maps"]) - maps.reshape(len(eyes), -1)).max() < 1e-4


def test_the_page_shows_the_simulators_eye_where_the_pointer_is(live):
    drawn = live_page.draw_eyes(PEOPLE)
    assert live.evaluate("Array.from(DATA.eye(1, 3, 4))") == drawn[1, 3, 4].ravel().tolist()
    assert live.evaluate("document.documentElement.scrollWidth") <= 390  # a phone's width
    levels = """(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return Array.from(data).filter((value, i) => i % 4 == 0);
    }"""
    eye, times = live.locator("#eye"), live.locator("#time")
    live.get_by_role("button", name=f"Person {PEOPLE[1]}").click()
    expect(times).to_contain_text("fastest of 2")
    box = eye.bounding_box()
    eye.click(position={"x": 2, "y": box["height"] - 2})  # it looks left, down
    expect(times).to_contain_text("fastest of 3")
    assert eye.evaluate(levels) == drawn[1, 0, -1].ravel().tolist()
    live.locator("#yaw").press("End")  # it looks right
    expect(times).to_contain_text("fastest of 4")
    assert eye.evaluate(levels) == drawn[1, 0, 0].ravel().tolist()
    before = live.locator("#refined").evaluate(levels)
    live.get_by_label("Refiner").select_option("closest")
    expect(times).to_contain_text("fastest of 5")
    assert live.locator("#refined").evaluate(levels) != before


def test_the_whole_page_is_under_5_mb(tmp_path):
    live_page.write(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 5e6
