"""Sphinx configuration: `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for tables.py and apidoc.py

import zmqlite

project = "zmqlite"
author = "the zmqlite authors"
copyright = "the zmqlite authors"
version = release = zmqlite.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "tables", "apidoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
default_role = "code"  # docstrings mark names with single backticks

html_theme = "furo"
pygments_dark_style = "monokai"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"zmqlite {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
# `Socket` in an annotation is that of the world the reader is in: the names are the same in four
suppress_warnings = ["ref.python"]
