"""How the pages of `docs/` become a site: Sphinx with MyST, in furo's looks. `make docs` builds it, without a warning.

Rule: a page is plain Markdown that reads well without this; nothing in the built site is fetched from elsewhere.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "Touchtone"
author = "Touchtone's engineers"
html_title = "Touchtone"

extensions = ["myst_parser", "reachable", "reference"]
# What is about the building, not to be read.
exclude_patterns = ["site"]

# `#anchors` as GitHub makes them, down to the third level; a link to one that is not there is a warning.
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
suppress_warnings: list[str] = []
nitpicky = True
highlight_language = "text"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"sidebar_hide_name": False, "top_of_page_buttons": []}
# Two looks of code that are readable on both grounds (WCAG AA).
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
