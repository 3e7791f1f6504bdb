"""The site: 'make docs' builds it, with the checkout as its source folder."""

import re
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from latex2mathml import converter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import simgan_lib  # noqa: E402

project = "Learn SimGAN"
author = "The SimGAN course authors"
release = simgan_lib.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["*.md", "benchmarks/*.md", "data/README.md", "docs/*.md", "runs/README.md"]
include_patterns += ["notebooks/README.md", "notebooks/*.ipynb", "notebooks/solutions/*.ipynb"]
exclude_patterns = ["docs/results.template.md"]

nb_execution_mode = "off"
suppress_warnings = ["myst.header"]  # in the solutions, exercises are of the third level, too
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"  # browsers draw it themselves: no script, and no network
default_role = "py:obj"
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88

html_theme = "sphinx_book_theme"
html_title = project
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_extra_path = ["_build/extra"]
templates_path = ["templates"]
html_additional_pages = {"index": "start.html"}
repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["simgan"]["repository"]
html_theme_options = {"navbar_persistent": []}  # the search is in the side bar
if repository:
    html_theme_options["repository_url"] = f"https://github.com/{repository}"
    html_theme_options["use_repository_button"] = True


def adapt(app, docname, source):
    """Folds code that only draws, as JupyterLab does; of a link to a folder, keeps the words."""
    here = (ROOT / docname).parent
    words = lambda link: link[1] if (here / link[2]).is_dir() else link[0]  # noqa: E731
    text = source[0].replace('"plot"', '"hide-input"')
    source[0] = re.sub(r"\[([^\]\[]*)\]\(([^)#:\s]+)\)", words, text)


def write_mathml(translator, node):
    """Writes an equation as MathML."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(converter.convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app):
    """Registers the functions above with Sphinx."""
    app.connect("source-read", adapt)
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))
