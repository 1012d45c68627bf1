"""How Sphinx builds the reference: ``sphinx-build -W notebooks/reference build/reference``.

Nothing is fetched: there are no references to other projects, and no pictures or fonts from the
network. With ``-W`` a reference that leads nowhere, inside of a page or between pages, is an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import xentara_nb

sys.path.insert(0, str(Path(__file__).parent))

project = "xentara_nb"
author = "The xentara_nb developers"
project_copyright = author
version = release = xentara_nb.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "generated",
    "checked_links",
]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"uuid\..*")]
default_role = "py:obj"
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the parameters are described in words
autodoc_inherit_docstrings = False
# As plain text: "element, or list, Series or DataFrame of elements" names no classes.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Warns", "params_style")]

html_theme = "alabaster"
html_theme_options = {
    "description": "Explore a Xentara automation server from JupyterLab.",
    "fixed_sidebar": True,
    # Lines of code are up to 88 characters long, and are not to be cut off.
    "page_width": "1180px",
    "body_max_width": "none",
}
html_static_path = ["static"]  # with custom.css, which the theme looks for
html_show_sourcelink = False
