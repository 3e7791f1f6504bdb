"""The public names are found: by Python, by tab completion and by editors."""

import importlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import jedi
import pytest

import simgan_lib
from simgan_lib import notebook

ROOT = Path(__file__).parent.parent
NAMES = {
    *("Config", "preset", "GazeData", "ImageSet", "load", "read_images", "save_images"),
    *("simulate", "HistoryBuffer", "build_discriminator", "build_refiner", "Run", "SimGAN"),
    *("pretrained_refiner", "reference_run", "refine", "train"),
}
MODULES = {
    *("datasets", "simulator", "plots", "widgets", "notebook", "checks", "diagrams"),
    *("gaze", "realism"),
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_resolves(name):
    assert name in simgan_lib.__all__
    assert getattr(simgan_lib, name).__doc__


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_is_found_by_its_short_name(name):
    module = getattr(simgan_lib, name)
    assert module.__name__.startswith("simgan_lib.")
    assert importlib.import_module(module.__name__) is module


def test_star_import_and_dir_have_the_names():
    assert set(simgan_lib.__all__) >= NAMES
    assert set(dir(simgan_lib)) >= NAMES | MODULES
    names = {}
    exec("from simgan_lib import *", names)
    assert set(names) >= NAMES


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="'lood'"):
        simgan_lib.lood  # noqa: B018


@pytest.mark.parametrize("alias", ["simgan_lib", "s"])
def test_editors_complete_the_names(alias):
    code = "import simgan_lib" + (f" as {alias}" if alias != "simgan_lib" else "") + f"\n{alias}."
    found = {completion.name for completion in jedi.Script(code).complete(2, len(alias) + 1)}
    assert found >= NAMES | MODULES


def test_editors_know_what_a_name_is():
    code = "import simgan_lib as s\ns.train("
    (signature,) = jedi.Script(code).get_signatures(2, 8)
    assert [p.name for p in signature.params][:3] == ["data", "config", "folder"]
    (found,) = jedi.Script("from simgan_lib import Run\nRun").infer(2, 3)
    assert found.full_name == "simgan_lib.runs.Run"


def test_tab_completes_in_a_notebook():
    found = jedi.Interpreter("simgan_lib.", [{"simgan_lib": simgan_lib}]).complete(1, 11)
    assert {completion.name for completion in found} >= NAMES | MODULES


def test_import_alone_starts_no_backend():
    code = "import sys, json, simgan_lib, simgan_lib.cli; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "jax", "matplotlib"} & set(json.loads(said.stdout))


def test_a_shared_checkout_is_linked_into_the_students_folder(tmp_path, monkeypatch):
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    for folder in ("notebooks", "runs/best", "data/simulated"):
        (shared / folder).mkdir(parents=True)
    (shared / "runs/best/config.json").write_text("{}")
    mine.mkdir()
    monkeypatch.chdir(mine)
    monkeypatch.setattr(notebook, "REPOSITORY", shared)
    assert notebook.work_folder() == shared
    monkeypatch.setattr(notebook.os, "access", lambda path, mode: False)
    for _ in range(2):  # to start again is harmless
        assert notebook.work_folder().resolve() == mine
        assert (mine / "runs/best/config.json").read_text() == "{}"
        assert (mine / "data/simulated").is_dir()
    monkeypatch.setenv("SIMGAN_HOME", str(tmp_path / "home"))
    assert notebook.work_folder() == tmp_path / "home"
    assert not (shared / "runs/live").exists()


@pytest.mark.parametrize("name", ["best", "closest"])
@pytest.mark.parametrize("network", ["refiner", "discriminator"])
def test_the_trained_networks_open_with_colabs_keras(name, network):
    """Keras 3.15 writes two settings of initialisers, which Keras 3.13 refuses."""
    with zipfile.ZipFile(ROOT / "runs" / name / f"{network}.keras") as archive:
        assert not re.search("(in|out)put_axes", archive.read("config.json").decode())
