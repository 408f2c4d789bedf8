"""The two QR codes a machine can show: one sends its installation ID as a text, one calls the line and keys it.

One rule: this is an extra (it needs segno), and nothing else on the device's path imports it.

>>> text_link("+15550100", "300217156230")
'SMSTO:+15550100:300217 156230'
>>> call_link("+15550100", "300217 156230")
'tel:+15550100,,300217156230'
"""

from io import BytesIO, StringIO

import segno

from keys.groups import digits_of, grouped


def text_link(line: str, installation_id: str) -> str:
    """Scan, send, done: a text to `line` with the IID as its words. Capitals, digits and spaces keep the code small."""
    return f"SMSTO:{line}:{grouped(digits_of(installation_id))}"


def call_link(line: str, installation_id: str) -> str:
    """Scan, call: the phone keys the digits itself after two pauses. `*` and `#` do not survive in such a link."""
    return f"tel:{line},,{digits_of(installation_id)}"


def svg(link: str) -> str:
    """The code of `link` as an SVG document, four units a module, with its quiet zone."""
    out = BytesIO()
    segno.make(link, micro=False).save(out, kind="svg", scale=4)
    return out.getvalue().decode("utf-8")


def inline(link: str) -> str:
    """The code of `link` as an element within a page, which gives it its size."""
    return str(segno.make(link, micro=False).svg_inline(omitsize=True))


def modules(link: str) -> tuple[tuple[bool, ...], ...]:
    """The rows of the code of `link`, each module dark or not, without its quiet zone."""
    return tuple(tuple(bool(module) for module in row) for row in segno.make(link, micro=False).matrix)


def terminal(link: str) -> str:
    """The code of `link` in half-block signs, for a screen that has no graphics."""
    out = StringIO()
    segno.make(link, micro=False).terminal(out, compact=True)
    return out.getvalue()
