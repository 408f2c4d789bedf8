"""The rehearsal page itself: drawn in the language of whoever looks at it, with its stylesheet and its scripts.

Rule: everything the page loads is in this package, and nothing of it is made up from what was asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, Template

from webhooks.page_templates import in_languages
from webhooks.page_texts import languages, page_script

KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
PARTS = {"phone.css", "phone.js", "calling.js", "machine.js", "sound.js", "texts.js", "mark.svg"}
SHARED = {"words.js"}


def page() -> str:
    """The page, in the language that is read just now."""
    return _template().render(languages=languages)


def part(name: str) -> tuple[bytes, str] | None:
    """A stylesheet or a script of the page and its content type; None where it has no such part."""
    kind = f"{KINDS.get(name.rpartition('.')[2], '')}; charset=utf-8"
    if name in SHARED:
        return page_script(name), kind
    return ((resources.files("webhooks") / "pages" / "phone" / name).read_bytes(), kind) if name in PARTS else None


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("webhooks", "pages/phone"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    in_languages(environment)
    return environment.get_template("phone.html")
