"""TwiML, read as Twilio reads it: what parses is carried out, what is not known is passed over.

The one rule: reading is lenient, as Twilio is (an unknown verb is a warning there, 12200, and the rest goes on), and
`twiml.check_document` is strict; a document is read here even where the check complains.

>>> read('<Response><Gather action="/t/1" numDigits="6"><Say>Group 2.</Say></Gather></Response>').verbs[0].num_digits
6
>>> read('<Response><Say>1 2 3<break time="500ms"/>4 5 6</Say></Response>').verbs[0].pieces[1]
Break(seconds=0.5)
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from webhooks.rehearsal.verbs import (
    Break,
    Dial,
    Document,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Verb,
    Words,
)

LARGEST_DOCUMENT = 64 * 1024
"""A document must be smaller than this many bytes (error 11750)."""

# Polly's names for lengths and speeds. Its manual gives no seconds: these are this telephone's, near what is heard.
BREAK_SECONDS = {"none": 0.0, "x-weak": 0.0, "weak": 0.25, "medium": 0.25, "strong": 0.5, "x-strong": 1.0}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}


class NotTwimlError(ValueError):
    """The body cannot be read as TwiML (Twilio: 12100).

    `at` is the line and column of the first fault, or None where the XML is sound but is no `<Response>`.
    """

    def __init__(self, at: tuple[int, int] | None) -> None:
        super().__init__(at)
        self.at = at


def tree(xml: str | bytes) -> ET.Element:
    """The document's XML, or `NotTwimlError`. A document type declaration is refused, so no entity can swell."""
    text = xml.decode("utf-8", errors="replace") if isinstance(xml, bytes) else xml
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotTwimlError(None)
    try:
        # Entities are refused above and callers cap the size, so the plain parser cannot be blown up.
        root = ET.fromstring(text.strip())  # noqa: S314 - see the line above
    except ET.ParseError as error:
        raise NotTwimlError(error.position) from error
    if root.tag != "Response":
        raise NotTwimlError(None)
    return root


def read(xml: str | bytes, url: str = "") -> Document:
    """The document that Twilio would carry out. Raises `NotTwimlError`."""
    return Document(tuple(_verbs(tree(xml))), url)


def _verbs(root: ET.Element) -> Iterator[Verb]:
    for element in root:
        match element.tag:
            case "Say" | "Play" | "Pause":
                yield _sound(element)
            case "Gather":
                yield _gather(element)
            case "Redirect":
                yield Redirect(_text(element), element.get("method", "POST").upper())
            case "Dial":
                yield _dial(element)
            case "Hangup":
                yield Hangup()
            case "Reject":
                yield Reject(element.get("reason", "rejected"))
            case _:
                continue


def _sound(element: ET.Element) -> Say | Play | Pause:
    if element.tag == "Pause":
        return Pause(whole(element.get("length"), 1))
    loop = whole(element.get("loop"), 1)
    if element.tag == "Play":
        return Play(_text(element), element.get("digits", ""), loop)
    return Say(tuple(_pieces(element, 1.0)), element.get("voice", ""), element.get("language", ""), loop)


def _gather(element: ET.Element) -> Gather:
    count = element.get("numDigits")
    return Gather(
        nested=tuple(_sound(child) for child in element if child.tag in {"Say", "Play", "Pause"}),
        action=element.get("action", ""),
        method=element.get("method", "POST").upper(),
        timeout=whole(element.get("timeout"), 5),
        finish_key=element.get("finishOnKey", "#")[:1],
        num_digits=whole(count, 1) if count else None,
        action_on_empty=element.get("actionOnEmptyResult", "false").lower() == "true",
        speech="speech" in element.get("input", "dtmf").split(),
        speech_timeout=whole(element.get("speechTimeout"), whole(element.get("timeout"), 5)),
    )


def _dial(element: ET.Element) -> Dial:
    conference = element.find("Conference")
    inside: dict[str, str] = {} if conference is None else conference.attrib
    return Dial(
        room="" if conference is None else _text(conference),
        action=element.get("action", ""),
        method=element.get("method", "POST").upper(),
        time_limit=whole(element.get("timeLimit"), 14_400),
        starts=inside.get("startConferenceOnEnter", "true").lower() == "true",
        ends=inside.get("endConferenceOnExit", "false").lower() == "true",
    )


def _pieces(element: ET.Element, rate: float) -> Iterator[Words | Break]:
    if element.text and element.text.strip():
        yield Words(" ".join(element.text.split()), rate)
    for child in element:
        if child.tag == "break":
            yield Break(break_seconds(child))
        elif child.tag == "sub" and child.get("alias"):
            yield Words(child.get("alias", ""), rate)
        else:
            yield from _pieces(child, rate * speed(child))
        if child.tail and child.tail.strip():
            yield Words(" ".join(child.tail.split()), rate)


def break_seconds(element: ET.Element) -> float:
    """How long a `<break>` lasts; without attributes it is as long as at a comma (medium)."""
    length = re.fullmatch(r"\+?(\d+(?:\.\d+)?)(ms|s)", element.get("time", ""))
    if length:
        return float(length[1]) / (1000 if length[2] == "ms" else 1)
    return BREAK_SECONDS.get(element.get("strength", "medium"), BREAK_SECONDS["medium"])


def speed(element: ET.Element) -> float:
    """The speed a `<prosody>` asks for, as a factor; 1 for every other element."""
    asked = element.get("rate", "medium") if element.tag == "prosody" else "medium"
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)%", asked)
    if percent:
        return min(max(float(percent[1]) / 100, 0.2), 2.0)
    return RATES.get(asked, 1.0)


def whole(text: str | None, default: int) -> int:
    """An attribute as a whole number, or the default where it is absent or no number."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else default


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()
