"""The widgets in JupyterLab, in a real browser, as a reader uses them.

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

import nbformat
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium")
TOKEN = "for-the-test"
# Generous, as two cores may be shared; nothing waits longer than it must.
SECONDS = 240

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here, and tools/browser.sh could not install it"
)

# A notebook with the widgets that the course trains with only when a reader asks for it.
PLAYGROUND = [
    """\
from simgan_lib import load, notebook, preset
from simgan_lib.notebook import widgets
scale = notebook.start()
data = load("simulated", limit=scale.images, progress=False)""",
    "widgets.EyeExplorer()",
    """\
config = preset("smoke").replace(iterations=100_000, filters=8, precision="float32")
panel = widgets.HyperparameterPanel(config)
panel""",
    """\
widgets.TrainingDashboard(data, panel, notebook.new_run_folder("browser"), interval=0.5)""",
    """print("the kernel is", "free")""",
]
# What a browser says of JupyterLab itself, and why it does not matter.
BENIGN = ()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab with copies of the notebooks, without outputs; gives its address."""
    folder = tmp_path_factory.mktemp("lab")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / path.name)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(source) for source in PLAYGROUND]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "playground.ipynb"
    )
    news = folder / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
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
            env={**os.environ, **places, "SIMGAN_PRESET": "smoke", "JUPYTER_PREFER_ENV_PATH": "1"},
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


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic"],
        )
        yield chromium
        chromium.close()


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
        known = [said for said in self.said if not any(re.search(b, said) for b in BENIGN)]
        assert not known, "\n".join(known)

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


@pytest.fixture
def open_notebook(lab, browser):
    page = browser.new_page(viewport={"width": 1250, "height": 1100})
    page.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    opened = []

    def open_it(name):
        opened.append(Notebook(page, lab, name))
        return opened[-1]

    yield open_it
    for notebook in opened:
        notebook.check()
    page.close()


def rounds(board):
    """The rounds that the dashboard says are done."""
    found = re.search(r"adversarial: ([\d,]+) of", board.inner_text())
    return int(found[1].replace(",", "")) if found else 0


def test_eye_panel_and_a_training_that_is_watched(open_notebook):
    notebook = open_notebook("playground").run_all()
    page, eye = notebook.page, notebook.widget("EyeExplorer")
    assert move(eye, "yaw", "ArrowRight") == "11"
    assert move(eye, "person", "Home") == "0"
    expect(eye).to_contain_text("yaw 11°")
    # From control to control by the keyboard alone.
    row(eye, "pitch").locator(".noUi-handle").focus()
    for label in ("yaw", "pupil", "lids", "light", "person"):
        handle = row(eye, label).locator(".noUi-handle")
        for _ in range(3):  # a readout can be focused too
            page.keyboard.press("Tab")
            if handle.evaluate("handle => handle === document.activeElement"):
                break
        expect(handle).to_be_focused()
    before = picture(eye)
    row(eye, "style").get_by_role("combobox").select_option("simulated webcam")
    wait_until(lambda: picture(eye) != before, "one style alone")
    row(eye, "style").get_by_role("combobox").select_option("both")
    shoot(notebook, eye, "eye")

    panel = notebook.widget("HyperparameterPanel")
    batch = row(panel, "batch_size").get_by_role("spinbutton")
    batch.fill("3")
    batch.press("Enter")
    expect(panel).to_contain_text("Not allowed: batch_size must be even")
    batch.fill("8")
    batch.press("Enter")
    expect(panel).to_contain_text("Minutes on this machine: about")
    minutes = panel.locator(".widget-html").inner_text()
    updates = row(panel, "discriminator_updates").get_by_role("spinbutton")
    updates.fill("9")
    updates.press("Enter")
    expect(panel.locator(".widget-html")).not_to_have_text(minutes)
    updates.fill("1")
    updates.press("Enter")
    shoot(notebook, panel, "panel")

    board = notebook.widget("TrainingDashboard")
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
    expect(free.locator(".jp-InputPrompt")).to_have_text("[6]:")
    expect(free.locator(".jp-OutputArea")).to_have_text("the kernel is free")
    expect(board).to_contain_text("training; adversarial: ")
    wait_until(lambda: picture(board) != empty, "curves and eyes appear")
    pause.click()
    resume = board.get_by_role("button", name="Resume")
    expect(resume).to_be_enabled()
    expect(board).to_contain_text("paused; ")
    page.wait_for_timeout(1_000)  # the round in hand ends
    done = rounds(board)
    page.wait_for_timeout(2_000)  # in which it would have gone on
    assert rounds(board) == done
    resume.click()
    wait_until(lambda: rounds(board) > done, "it goes on")
    shoot(notebook, board, "dashboard")
    stop.click()
    expect(board).to_contain_text("stopped; ")
    expect(start).to_be_enabled()


def test_losses_notebook_has_a_sweep_of_lambda(open_notebook):
    notebook = open_notebook("04_losses").run_all()
    sweep = notebook.widget("LambdaExplorer")
    words = sweep.locator(".widget-html").inner_text()
    move(sweep, "lambda", "End")
    assert sweep.locator(".widget-html").inner_text() != words
    shoot(notebook, sweep, "lambda")


def test_results_notebook_plays_the_run_again_and_compares_eyes(open_notebook):
    notebook = open_notebook("08_results").run_all()
    replay = notebook.widget("RunReplay")
    assert move(replay, "round", "Home") == "0"
    expect(replay).to_contain_text("D takes the refined eyes for refined")
    shoot(notebook, replay, "replay")
    before = notebook.widget("BeforeAfter")
    assert move(before, "eye", "End") == "29"
    before.get_by_role("button", name="Next").click()
    expect(before).to_contain_text("Eye 0: ")
    shoot(notebook, before, "before_after")


def test_evaluation_notebook_asks_which_eye_is_real(open_notebook):
    notebook = open_notebook("09_does_it_help").run_all()
    turing = notebook.widget("TuringTest")
    shoot(notebook, turing, "turing")
    for pair in range(1, 21):
        expect(turing).to_contain_text(f"Pair {pair} of 20")
        turing.get_by_role("button", name="Left").click()
    expect(turing).to_contain_text("of 20 right, p = ")
    expect(turing.get_by_role("button", name="Left")).to_be_disabled()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("01_data", "widgets.EyeExplorer"),
        ("05_pretraining", "widgets.HyperparameterPanel"),
        ("07_adversarial_training", "TrainingDashboard.attach"),
        ("10_failure_lab", "widgets.HyperparameterPanel"),
    ],
)
def test_the_other_notebooks_show_their_widgets(open_notebook, name, source):
    notebook = open_notebook(name).run_all()
    shoot(notebook, notebook.widget(source), name)
