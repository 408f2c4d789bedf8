"""The leaflet as a web page that is whole in itself: no script, no file beside it, the codes drawn in.

Rule: it prints on one sheet, and whatever comes from a catalogue or a file of ours is text, never markup: the codes
that we draw ourselves are all that the template takes as it is.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, Template

from keys.device.qr import inline
from webhooks.leaflet import Leaflet


def render(page: Leaflet) -> str:
    """The page as HTML."""
    return _template().render(page=page, ways=[(way, inline(way.link)) for way in page.ways])


@cache
def _template() -> Template:
    text = (resources.files("webhooks") / "pages" / "leaflet" / "leaflet.html").read_text("utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
