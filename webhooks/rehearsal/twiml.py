"""What every TwiML answer must satisfy, checked as strictly as Twilio is unforgiving.

The one rule: whatever would surprise on a real call is a problem here: an unknown verb or attribute, a Gather from
which silence falls off the end of the document, a Say that is too long, a voice that does not speak the language, a
verb that is never reached.

>>> check_document('<Response><Gather action="/t/1"><Say>Group 2.</Say></Gather><Redirect>/t/2</Redirect></Response>')
[]
>>> [str(problem) for problem in check_document('<Response><Gather action="t/1"/></Response>')]
['Gather 1: action_not_rooted (t/1)', 'Gather 1: no_way_on']
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from webhooks.rehearsal.reading import LARGEST_DOCUMENT, NotTwimlError, tree
from webhooks.rehearsal.voices import BASIC_LANGUAGES, HEARD, fits, longest


class ProblemName(StrEnum):
    """The stable names of what can be wrong with a document."""

    DOES_NOT_PARSE = "does_not_parse"
    TOO_LARGE = "too_large"
    UNKNOWN_VERB = "unknown_verb"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    BAD_VALUE = "bad_value"
    BAD_NESTING = "bad_nesting"
    STRAY_TEXT = "stray_text"
    EMPTY = "empty"
    ACTION_NOT_ROOTED = "action_not_rooted"
    NO_WAY_ON = "no_way_on"
    UNREACHABLE = "unreachable"
    REJECT_TOO_LATE = "reject_too_late"
    SAY_TOO_LONG = "say_too_long"
    VOICE_UNKNOWN = "voice_unknown"
    SSML_UNKNOWN = "ssml_unknown"
    SSML_NOT_SPOKEN = "ssml_not_spoken"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: its name, the verb it is in (`Gather 2` is the second Gather) and the offending fact."""

    name: ProblemName
    where: str
    fact: str = ""

    def __str__(self) -> str:
        """The problem on one line, as a report shows it."""
        return f"{self.where}: {self.name}" + (f" ({self.fact})" if self.fact else "")


SOUNDS = frozenset({"Say", "Play", "Pause"})
ENDS = frozenset({"Redirect", "Hangup", "Reject"})

_WHOLE = re.compile(r"[1-9][0-9]{0,3}")
_WHOLE_OR_NONE = re.compile(r"0|[1-9][0-9]{0,3}")
_METHOD = re.compile(r"GET|POST")
_TRUTH = re.compile(r"true|false")
_ANY = re.compile(r".*")

ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "Say": {"voice": _ANY, "language": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?"), "loop": _WHOLE_OR_NONE},
    "Play": {"loop": _WHOLE_OR_NONE, "digits": re.compile(r"[0-9*#wW]+")},
    "Pause": {"length": _WHOLE},
    "Gather": {
        "action": _ANY,
        "method": _METHOD,
        "input": re.compile(r"dtmf|dtmf speech"),
        "timeout": _WHOLE,
        "finishOnKey": re.compile(r"[0-9*#]?"),
        "numDigits": _WHOLE,
        "actionOnEmptyResult": _TRUTH,
        "language": re.compile("|".join(HEARD)),
        "hints": re.compile(r"[^,]{1,100}(,[^,]{1,100}){0,499}"),
        "speechTimeout": _WHOLE,
    },
    "Redirect": {"method": _METHOD},
    "Dial": {"action": _ANY, "method": _METHOD, "timeLimit": _WHOLE},
    "Hangup": {},
    "Reject": {"reason": re.compile(r"rejected|busy")},
}
"""Every verb and attribute this telephone carries out, and what its value must look like in full."""

CONFERENCE = {
    "beep": re.compile(r"true|false|onEnter|onExit"),
    "startConferenceOnEnter": _TRUTH,
    "endConferenceOnExit": _TRUTH,
    "waitUrl": _ANY,
    "waitMethod": _METHOD,
}
_ROOM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
"""A conference's name of ours: a word and a number of ours, so that it names nobody, by a telephone number say."""
_LONGEST_NUMBER_IN_A_NAME = 9

_STRENGTH = re.compile(r"none|x-weak|weak|medium|strong|x-strong")
SSML: dict[str, dict[str, re.Pattern[str]]] = {
    "break": {"time": re.compile(r"\+?(10(\.0+)?|[0-9](\.[0-9]+)?)s|\+?(10000|[0-9]{1,4})ms"), "strength": _STRENGTH},
    "emphasis": {"level": re.compile(r"strong|moderate|reduced")},
    "lang": {"xml:lang": _ANY},
    "p": {},
    "phoneme": {"alphabet": re.compile(r"ipa|x-sampa"), "ph": _ANY},
    "prosody": {"rate": _ANY, "volume": _ANY, "pitch": _ANY},
    "s": {},
    "say-as": {"interpret-as": _ANY, "format": _ANY},
    "sub": {"alias": _ANY},
    "w": {"role": _ANY},
}
"""The speech marks Polly's table of supported tags lists (docs.aws.amazon.com/polly/latest/dg/supportedtags.html)."""

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def check_document(xml: str | bytes) -> list[Problem]:
    """Everything wrong with this document, in its order; empty means that a real call would go as written."""
    size = len(xml if isinstance(xml, bytes) else xml.encode())
    if size >= LARGEST_DOCUMENT:
        return [Problem(ProblemName.TOO_LARGE, "Response", str(size))]
    try:
        root = tree(xml)
    except NotTwimlError as error:
        return [Problem(ProblemName.DOES_NOT_PARSE, "Response", "" if error.at is None else "{}:{}".format(*error.at))]
    return [*_attributes(root, "Response", {}), *_stray(root, "Response"), *_verbs(root)]


def _verbs(root: ET.Element) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    ended = False
    verbs = list(root)
    for place, verb in enumerate(verbs):
        seen[verb.tag] = seen.get(verb.tag, 0) + 1
        where = f"{verb.tag} {seen[verb.tag]}"
        if ended:
            yield Problem(ProblemName.UNREACHABLE, where)
        if verb.tag not in ATTRIBUTES:
            yield Problem(ProblemName.UNKNOWN_VERB, where)
            continue
        yield from _attributes(verb, where, ATTRIBUTES[verb.tag])
        yield from _one(verb, where)
        if verb.tag == "Gather" and not any(_goes_on(later) for later in verbs[place:]):
            yield Problem(ProblemName.NO_WAY_ON, where)
        if verb.tag == "Reject" and place:
            yield Problem(ProblemName.REJECT_TOO_LATE, where)
        ended = ended or verb.tag in ENDS or (verb.tag == "Dial" and "action" in verb.attrib)


def _goes_on(verb: ET.Element) -> bool:
    """Whether silence that has come to this verb leads to another document."""
    return verb.tag == "Redirect" or (verb.tag == "Gather" and verb.get("actionOnEmptyResult") == "true")


def _one(verb: ET.Element, where: str) -> Iterator[Problem]:
    match verb.tag:
        case "Say":
            yield from _say(verb, where)
        case "Gather":
            yield from _gather(verb, where)
        case "Redirect":
            yield from _address(verb.text or "", where)
            yield from _childless(verb, where)
        case "Dial":
            yield from _dial(verb, where)
        case "Play":
            if not (verb.text or "").strip() and not verb.get("digits"):
                yield Problem(ProblemName.EMPTY, where)
            yield from _childless(verb, where)
        case _:
            yield from _childless(verb, where)
            if (verb.text or "").strip():
                yield Problem(ProblemName.STRAY_TEXT, where)


def _gather(verb: ET.Element, where: str) -> Iterator[Problem]:
    yield from _address(verb.get("action", ""), where)
    yield from _stray(verb, where)
    if "speech" not in verb.get("input", ""):
        for name in sorted({"language", "hints", "speechTimeout"} & set(verb.attrib)):
            yield Problem(ProblemName.BAD_VALUE, where, f"{name} without speech")
    for place, child in enumerate(verb, start=1):
        inside = f"{where}, {child.tag} at {place}"
        if child.tag not in SOUNDS:
            yield Problem(ProblemName.BAD_NESTING, inside)
            continue
        yield from _attributes(child, inside, ATTRIBUTES[child.tag])
        yield from _one(child, inside)


def _dial(verb: ET.Element, where: str) -> Iterator[Problem]:
    if "action" in verb.attrib:
        yield from _address(verb.attrib["action"], where)
    yield from _stray(verb, where)
    if [child.tag for child in verb] != ["Conference"]:
        yield Problem(ProblemName.BAD_NESTING, where, ",".join(child.tag for child in verb))
    for child in verb.findall("Conference"):
        yield from _attributes(child, f"{where}, Conference", CONFERENCE)
        yield from _childless(child, f"{where}, Conference")
        yield from _address(child.get("waitUrl", "/"), f"{where}, Conference")
        room = (child.text or "").strip()
        if not _ROOM.fullmatch(room) or re.search(rf"[0-9]{{{_LONGEST_NUMBER_IN_A_NAME + 1}}}", room):
            yield Problem(ProblemName.BAD_VALUE, f"{where}, Conference", room)


def _address(address: str, where: str) -> Iterator[Problem]:
    if not re.match(r"https?://[^/]+/|/(?!/)", address.strip()):
        yield Problem(ProblemName.ACTION_NOT_ROOTED, where, address.strip())


def _say(verb: ET.Element, where: str) -> Iterator[Problem]:
    voice, language = verb.get("voice", ""), verb.get("language", "")
    if not fits(voice, language):
        yield Problem(ProblemName.VOICE_UNKNOWN, where, f"{voice} {language}".strip())
    words = "".join(verb.itertext())
    if not words.strip():
        yield Problem(ProblemName.EMPTY, where)
    # Polly does not count its tags; Google counts everything that is sent.
    length = len(ET.tostring(verb, encoding="unicode")) if voice.startswith("Google.") else len(words)
    if length > longest(voice):
        yield Problem(ProblemName.SAY_TOO_LONG, where, str(length))
    for mark in verb.iter():
        if mark is verb:
            continue
        if mark.tag not in SSML:
            yield Problem(ProblemName.SSML_UNKNOWN, where, mark.tag)
            continue
        yield from _attributes(mark, f"{where}, {mark.tag}", SSML[mark.tag])
        dull = mark.tag == "emphasis" and voice.endswith(("-Neural", "-Generative"))
        if voice in BASIC_LANGUAGES or dull:
            yield Problem(ProblemName.SSML_NOT_SPOKEN, where, mark.tag)


def _attributes(element: ET.Element, where: str, allowed: dict[str, re.Pattern[str]]) -> Iterator[Problem]:
    for raw, value in element.attrib.items():
        name = "xml:lang" if raw == _XML_LANG else raw
        if name not in allowed:
            yield Problem(ProblemName.UNKNOWN_ATTRIBUTE, where, name)
        elif not allowed[name].fullmatch(value):
            yield Problem(ProblemName.BAD_VALUE, where, f"{name}={value}")


def _childless(element: ET.Element, where: str) -> Iterator[Problem]:
    for child in element:
        yield Problem(ProblemName.BAD_NESTING, where, child.tag)


def _stray(element: ET.Element, where: str) -> Iterator[Problem]:
    loose = [element.text or "", *(child.tail or "" for child in element)]
    if any(text.strip() for text in loose):
        yield Problem(ProblemName.STRAY_TEXT, where)
