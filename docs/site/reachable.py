"""What a keyboard and a screen reader need of the site beyond what the theme gives.

Rule: what scrolls by itself can be reached by the Tab key, and every heading says its level (WCAG 2.1.1, 4.1.2).
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

MENDED = {
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    'role="heading">': 'role="heading" aria-level="2">',
}


def mended(html: str) -> str:
    """HTML of the theme's, with what it lacks.

    >>> mended('<p class="caption" role="heading">Begin</p>')
    '<p class="caption" role="heading" aria-level="2">Begin</p>'
    """
    for found, right in MENDED.items():
        html = html.replace(found, right)
    return html


def _mend(app: Sphinx, name: str, template: str, context: dict[str, object], tree: nodes.document | None) -> None:
    del app, name, template, tree
    for part in ("body", "furo_navigation_tree"):
        if isinstance(html := context.get(part), str):
            context[part] = mended(html)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Sphinx asks what this extension brings: a last look at every page, after the theme's."""
    app.connect("html-page-context", _mend, priority=900)
    return {"version": "1", "parallel_read_safe": True}
