# Needed only where the course is not found: owner/name on GitHub, or what git can clone.
REPOSITORY = ""

# %%
# This cell and the next find the course, or fetch it. Where it is installed, they do nothing.
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PLACES = [Path.cwd(), *map(Path, ("/content", "/content/drive/MyDrive", "/kaggle/input"))]
PATTERNS = ("simgan*", "*/simgan*", "simgan*/*")
INSIDE = "simgan_lib/__init__.py"  # of the course's folder
HELP = "Upload simgan.zip (on Kaggle: Add Input), set REPOSITORY above, or use 'make lab'."


def fetch(*command, problem):
    """Unpacks or clones into simgan.part, which gets its name when it is whole."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    command = [*command, "simgan.part"]
    done = subprocess.run(command, text=True, stderr=subprocess.PIPE, env=environment)
    if done.returncode:
        offline = "There is no network: upload the course as simgan.zip."
        raise SystemExit(offline if "resolve host" in done.stderr else problem)


# %%
while importlib.util.find_spec("simgan_lib") is None:  # each turn comes one step nearer
    shutil.rmtree("simgan.part", ignore_errors=True)  # what was cut short
    near = [p for place in PLACES for pattern in PATTERNS for p in sorted(place.glob(pattern))]
    courses = [p for p in [*PLACES, *Path.cwd().parents, *near] if (p / INSIDE).exists()]
    courses += [p for p in near if p.suffix == ".whl"]
    zips = [p for p in near if p.suffix == ".zip" and not Path(p.stem).exists()]
    if courses:
        sys.path.insert(0, str(courses[0]))
        importlib.import_module("simgan_lib.dependencies").prepare()
    elif zips:
        problem = f"{zips[0].name} is not a whole zip file: upload it again."
        fetch(sys.executable, "-m", "zipfile", "-e", zips[0], problem=problem)
        Path("simgan.part").rename(zips[0].stem)
    elif address := REPOSITORY or os.environ.get("SIMGAN_REPOSITORY"):
        address = address if ":" in address else f"https://github.com/{address}"
        problem = f"{address} cannot be cloned. Check the name; a private repository needs a zip."
        fetch("git", "clone", "-q", "--depth=1", address, problem=problem)
        if not Path("simgan.part", INSIDE).exists():
            raise SystemExit(f"{address} is another project. Set REPOSITORY in the first cell.")
        Path("simgan.part").rename("simgan")
    elif "google.colab" in sys.modules:
        print(HELP)
        sys.modules["google.colab"].files.upload()
    else:
        raise SystemExit(f"The course was not found. {HELP}")
