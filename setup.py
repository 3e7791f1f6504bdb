"""What pyproject.toml cannot say: the wheel carries reference runs, and a page without a folder."""

import posixpath
import re
import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

RECORDS = ("*.json", "*.csv")
WHOLE = (*RECORDS, "*.keras", "*.h5")
# The two trained refiners, and the records of all runs that notebook 00 quotes.
CARRIED = {"best": WHOLE, "closest": WHOLE, "report-schedule": RECORDS}
CARRIED |= {"quick/baseline/seed?": RECORDS, "ablation/baseline/seed?": RECORDS}
REPOSITORY = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["simgan"]["repository"]
ADDRESS = f"https://github.com/{REPOSITORY}"
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def standing_alone(page: Path) -> str:
    """Makes a page's links absolute. While no repository is known, only their text stays."""

    def replaced(link):
        picture, text, target = link.groups()
        if not REPOSITORY:
            return "" if picture else text
        path = posixpath.normpath(posixpath.join(page.parent.as_posix(), target))
        kind = "raw" if picture else "blob"
        return f"{picture}[{text}]({ADDRESS}/{kind}/main/{path})"

    return LINK.sub(replaced, page.read_text(encoding="utf-8"))


class BuildWithRuns(build_py):
    """Copies reference runs and their model cards into the package that is built."""

    def run(self):
        """Builds the package."""
        super().run()
        if self.editable_mode:  # a checkout, which has all runs
            return
        target = Path(self.build_lib, "simgan_lib", "reference")
        for folder, names in CARRIED.items():
            for path in (path for name in names for path in Path("runs").glob(f"{folder}/{name}")):
                copy = target / path.relative_to("runs")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        (target / "models.md").write_text(standing_alone(Path("docs/models.md")), encoding="utf-8")


setup(
    cmdclass={"build_py": BuildWithRuns},
    long_description=standing_alone(Path("README.md")),
    long_description_content_type="text/markdown",
    project_urls={"Repository": ADDRESS, "Changes": f"{ADDRESS}/blob/main/CHANGELOG.md"}
    if REPOSITORY
    else {},
)
