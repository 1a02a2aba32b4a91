"""The site: ``python -m sphinx -W -b html docs OUT``; offline, all examples are run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pages import link_rewriter, plain_docstring, write_pages  # Beside this file.
from sphinx_gallery.sorting import FileNameSortKey

import spherical_gae

project = "spherical_gae"
author = "the authors of spherical_gae"
project_copyright = author
version = release = spherical_gae.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["gallery/*"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "spherical_gae"
html_show_sphinx = False

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "exclude-members": "training, forward, set_fit_request, set_score_request, set_transform_request",
}
autodoc_typehints = "none"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": FileNameSortKey,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 60,
    "remove_config_comments": True,
    "reset_modules": ("matplotlib",),
}
suppress_warnings = ["config.cache"]  # Of sphinx-gallery's sort key, a class.


def setup(app: object) -> None:
    """Writes the pages that come from elsewhere before they are read, and turns their links."""
    write_pages()
    app.connect("source-read", link_rewriter)
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # Before napoleon.
