REPOSITORY = ""  # owner/name on GitHub, or any address that git can clone
# This cell finds the course or fetches it. Where the course is there already, it does nothing.
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

UPLOADED = [Path.cwd(), *map(Path, ("/content", "/content/drive/MyDrive", "/kaggle/input"))]


def holds_course(folder):
    return (folder / "simgan_lib" / "__init__.py").exists()


def stop(text):
    raise SystemExit(f"The course was not found. {text}")


def pip(*what):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *what], text=True, stderr=-1
    )
    if done.returncode:
        stop(f"Installing it failed: {done.stderr.strip().splitlines()[-1]}")


def unpacked(archive):
    """Unpacks a zip beside the notebook, and returns the folder in it that holds the course."""
    target = Path.cwd() / archive.stem
    if not target.exists():
        part = target.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        try:
            zipfile.ZipFile(archive).extractall(part)
        except zipfile.BadZipFile:
            stop(f"{archive.name} is not a whole zip file: upload it again.")
        part.rename(target)
    return next((f for f in [target, *target.glob("*")] if holds_course(f)), None)


def found_here():
    """Returns the course's folder or wheel: around this notebook, or uploaded."""
    for path in [Path.cwd(), *Path.cwd().parents]:
        if holds_course(path):
            return path
    for place in UPLOADED:
        for path in sorted([*place.glob("simgan*"), *place.glob("*/simgan*")]):
            if holds_course(path) or path.suffix == ".whl":
                return path
            if path.suffix == ".zip" and (folder := unpacked(path)):
                return folder
    return None


def cloned(repository):
    """Clones the repository into the folder simgan, which appears whole or not at all."""
    address = repository if "://" in repository else f"https://github.com/{repository}"
    part = Path("simgan.part").resolve()
    shutil.rmtree(part, ignore_errors=True)
    command = ["git", "clone", "--quiet", "--depth=1", address, str(part)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(command, text=True, stderr=subprocess.PIPE, env=environment)
    if "resolve host" in done.stderr:
        stop(f"{address} cannot be reached: there is no network. Upload the course as a zip.")
    if done.returncode:
        stop(f"{address} cannot be cloned. Check the name; a private repository needs a zip.")
    if not holds_course(part):
        stop(f"{address} is another project. Set REPOSITORY in the first line of this cell.")
    return part.rename("simgan").resolve()


def use(course):
    """Installs what is missing. What is installed already, such as TensorFlow, stays as it is."""
    if course.suffix == ".whl":
        pip(str(course))
        return
    project = tomllib.loads((course / "pyproject.toml").read_text())["project"]
    pip(*project["dependencies"])
    sys.path.insert(0, str(course))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(course), os.environ.get("PYTHONPATH", "")])
    importlib.invalidate_caches()


if importlib.util.find_spec("simgan_lib") is None:
    course, repository = found_here(), REPOSITORY or os.environ.get("SIMGAN_REPOSITORY")
    if course is None and repository:
        course = cloned(repository)
    if course is None and importlib.util.find_spec("google.colab"):
        from google.colab import files

        print("Upload the course as a zip or as a wheel.")
        files.upload()
        course = found_here() or stop("Upload simgan.zip, or set REPOSITORY in the first line.")
    if course is None and Path("/kaggle").exists():
        stop("Add it as a data set (Add Input), or set REPOSITORY in this cell's first line.")
    if course is None:
        stop("Open this notebook in its checkout with 'make lab', or in VS Code with .venv.")
    use(course)
