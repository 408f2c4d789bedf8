r"""How many segments a text is billed as, by Twilio's rules (docs/glossary/what-sms-character-limit).

The one rule: a text whose every sign is of the small alphabet (GSM-7) has 160 of them in one segment and 153 in each of
several; any other sign turns the whole text to UCS-2, with 70 and 67. Ten signs of the alphabet count double, and no
sign is cut in two.

>>> segments("A 123456" + " " * 152).count, segments("A 123456" + " " * 153).count
(1, 2)
>>> segments("Ihre Bestätigungs-ID")
Segments(encoding='GSM-7', units=20, count=1)
>>> segments("voilà l\u2019identifiant")  # a typographer's apostrophe is enough
Segments(encoding='UCS-2', units=19, count=1)
>>> segments("{€}").units, segments("€" * 80).count, segments("€" * 153)
(6, 1, Segments(encoding='GSM-7', units=306, count=3))
"""

from collections.abc import Iterable
from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The alphabet of 3GPP TS 23.038, without the sign that leads to the ten others."""
DOUBLE = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Segments:
    """A text's encoding ("GSM-7" or "UCS-2"), its length in that encoding's units, and the segments it takes."""

    encoding: str
    units: int
    count: int


def segments(text: str) -> Segments:
    """What a text is billed as; an empty one takes none."""
    if set(text) <= BASIC | DOUBLE:
        return _cut("GSM-7", (2 if sign in DOUBLE else 1 for sign in text), alone=160, joined=153)
    return _cut("UCS-2", (len(sign.encode("utf-16-le")) // 2 for sign in text), alone=70, joined=67)


def _cut(encoding: str, widths: Iterable[int], *, alone: int, joined: int) -> Segments:
    units = count = 0
    left = 0
    for width in widths:
        units += width
        if width > left:
            count += 1
            left = joined
        left -= width
    return Segments(encoding, units, min(count, 1) if units <= alone else count)
