"""A reply as TwiML: pure, from the dialogue's action, the words of a locale and the digits that the words name.

Rule: whatever is said can be interrupted by a key. A read-back is several gathers in one document, each with its own
action, so that a key tells which block was being read; quiet falls through from one to the next without a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.actions import HangUp, Join, Listen, ReadBack, Say, Wait, say
from ivr.answer import Answer
from ivr.dialled import LONGEST_TALK
from ivr.lines import Line
from ivr.prompts import Catalogue, Digits, Piece, Speech
from ivr.spoken_words import vocabulary
from ivr.states import SLOWEST
from keys.confirmation_id import LETTERS
from webhooks.recordings import NONE_RECORDED, PLAYED_AT, Shelf
from webhooks.speaking import Voice, element, said, words

RETRIES = "#ct=2000&rt=4000&rc=1&rp=ct,rt,5xx"
"""Twilio's own retry, asked for in the fragment of every address of ours: once, within its limit of 15 seconds."""
BLOCK_PAUSE = {-1: 1, 0: 2, 1: 3, 2: 4}
"""Seconds after a block, by pace, in which a key still means that block."""
PAUSES = {-1: 0.6, 0: 1.0, 1: 1.8, 2: 2.4}
"""By pace, how much longer than usual the pauses inside a block are."""
DIGIT_PAUSE = 400
"""Milliseconds between two digits at the slowest pace."""
MENU_WAIT = 6
SPEECH_TIMEOUT = 2
"""Seconds of quiet after which what is said is over: long enough for a slow speaker, and for a relay operator."""
NO_EARS: Mapping[str, str | int] = {}
HOLD_SECONDS = 2
HOLD_MUSIC = "/voice/hold.wav"


@dataclass(frozen=True, slots=True)
class Wording:
    """What rendering needs of the place: the public address, the catalogue of every locale, and the recordings."""

    public_url: str
    catalogues: Mapping[str, Catalogue]
    shelf: Shelf | None = None


def render(wording: Wording, line: Line, answer: Answer) -> str:
    """The document for one answer, as text. Raises KeyError for a prompt or fact that is missing, a bug of ours."""
    voice = _voice(wording, line, answer.locale)
    voice.facts.update(_digits(answer))
    action = f"{wording.public_url}/voice/turn/{answer.turn}"
    match answer.spoken:
        case Listen() as listen:
            return _document(_gather(voice, listen, action + RETRIES))
        case ReadBack() as reading:
            return _document(*_read_back(voice, reading, answer.blocks, action))
        case Wait(prompts):
            return _document(_wait(voice, prompts, f"{wording.public_url}{HOLD_MUSIC}", action + RETRIES))
        case Join(prompts, room):
            return _document(voice.speak(prompts), _conference(room, f"{wording.public_url}{HOLD_MUSIC}", action))
        case HangUp(prompts):
            return _document(voice.speak(prompts), element("Hangup"))


def fault(wording: Wording, line: Line, *, can_call_back: bool, locale: str = "") -> str:
    """The apology when something failed inside the line, with the offer of a call-back that needs no database."""
    voice = _voice(wording, line, locale)
    if can_call_back:
        offer = voice.speak((say("fault.apology"), say("fault.offer")))
        return _document(_menu(offer, f"{wording.public_url}/voice/call-back{RETRIES}"))
    return _document(voice.speak((say("fault.apology"), say("fault.try_later"))), element("Hangup"))


def outage(wording: Wording, line: Line, words: Mapping[str, Catalogue]) -> str:
    """The document for a total outage, in every language of the line: it names no address of ours, and asks nothing."""
    facts: dict[str, Piece | Speech] = {"hours": line.call_back_hours}
    spoken = [
        said(wording.catalogues[locale], words[locale].speech(entry, facts))
        for locale in line.locales
        for entry in ("apology", "promise")
    ]
    return _document(*spoken, element("Hangup"))


def farewell(wording: Wording, line: Line, *prompts: Say, locale: str = "") -> str:
    """A few words and the end of the call."""
    voice = _voice(wording, line, locale)
    return _document(voice.speak(prompts), element("Hangup"))


def ask(wording: Wording, line: Line, prompts: tuple[Say, ...], action: str, locale: str = "") -> str:
    """A few words and the wait for one key; `action` is the path that is asked for, in silence as well."""
    voice = _voice(wording, line, locale)
    return _document(_menu(voice.speak(prompts), f"{wording.public_url}{action}{RETRIES}"))


def hold(wording: Wording, line: Line, prompts: tuple[Say, ...], action: str, locale: str = "") -> str:
    """A few words, if any, and two seconds, after which the path `action` is asked for."""
    voice = _voice(wording, line, locale)
    again = element("Redirect", words(f"{wording.public_url}{action}{RETRIES}"))
    return _document(voice.speak(prompts), element("Pause", length=HOLD_SECONDS), again)


def talk(wording: Wording, room: str, action: str, *, ends: bool) -> str:
    """An operator's leg of a talk, which begins it, and may end it; then the path `action` is asked for."""
    joined = element(
        "Conference",
        words(room),
        beep="false",
        startConferenceOnEnter="true",
        endConferenceOnExit="true" if ends else "false",
        waitUrl=f"{wording.public_url}{HOLD_MUSIC}",
        waitMethod="GET",
    )
    longest = int(LONGEST_TALK.total_seconds())
    return _document(element("Dial", joined, action=f"{wording.public_url}{action}{RETRIES}", timeLimit=longest))


def _voice(wording: Wording, line: Line, locale: str) -> Voice:
    """The voice of a locale; of the line's own where none is known, or one that is not released any more."""
    return Voice(
        wording.catalogues.get(locale) or wording.catalogues[line.locale],
        wording.catalogues,
        {"line_name": line.name, "hours": line.call_back_hours},
        NONE_RECORDED if wording.shelf is None else wording.shelf.now,
        f"{wording.public_url}{PLAYED_AT}",
    )


def _digits(answer: Answer) -> dict[str, Piece | Speech]:
    """The digits that the words of an answer only name."""
    facts: dict[str, Piece | Speech] = {}
    if answer.case_number:
        facts["case_number"] = Digits(answer.case_number)
    if answer.held_number:
        facts["held_number"] = Digits(answer.held_number.removeprefix("+"))
    return facts


def _gather(voice: Voice, listen: Listen, action: str) -> str:
    """One gather. Its nested pause comes last and waits for the first key; the timeout is left for between keys."""
    most = {} if listen.most is None else {"numDigits": listen.most}
    return element(
        "Gather",
        voice.speak(listen.prompts),
        element("Pause", length=listen.first_wait),
        action=action,
        finishOnKey=listen.finish,
        timeout=listen.between,
        actionOnEmptyResult="true",
        **most,
        **(_ears(voice.catalogue) if listen.speech else {}),
    )


def _ears(catalogue: Catalogue) -> dict[str, str | int]:
    """The attributes of a gather that listens for words as well as for keys."""
    hints = ",".join(word for word in vocabulary(catalogue) if not word.isdigit())
    return {"input": "dtmf speech", "language": catalogue.hears, "hints": hints, "speechTimeout": SPEECH_TIMEOUT}


def _wait(voice: Voice, prompts: tuple[Say, ...], music: str, action: str) -> str:
    """A round of waiting: one key ends it, and the music's end asks for the next."""
    inside = voice.speak(prompts) + element("Play", words(music))
    return element("Gather", inside, action=action, numDigits=1, finishOnKey="", timeout=1, actionOnEmptyResult="true")


def _conference(room: str, music: str, action: str) -> str:
    """The caller's leg of a talk: it begins when the operator is there, and goes on with the line when they part.

    A caller who hangs up ends the talk, so that no operator listens to an empty room.
    """
    joined = element(
        "Conference",
        words(room),
        beep="false",
        startConferenceOnEnter="false",
        endConferenceOnExit="true",
        waitUrl=music,
        waitMethod="GET",
    )
    return element("Dial", joined, action=action + RETRIES)


def _menu(spoken: str, action: str, wait: int = MENU_WAIT, ears: Mapping[str, str | int] = NO_EARS) -> str:
    """A gather of one key after some words, which asks for its action in silence as well."""
    keys: dict[str, str | int] = {"numDigits": 1, "finishOnKey": "", "timeout": wait, "actionOnEmptyResult": "true"}
    return element("Gather", spoken, action=action, **{**keys, **ears})


def _read_back(voice: Voice, reading: ReadBack, blocks: tuple[str, ...], action: str) -> Iterator[str]:
    """A gather for each block that is left to read, and the menu after them."""
    for number in range(reading.first, len(blocks) + 1):
        yield element(
            "Gather",
            voice.speak(reading.opening) if number == reading.first else "",
            voice.block(LETTERS[number - 1], _paced(voice.catalogue, blocks[number - 1], reading.pace)),
            action=f"{action}?at={number}{RETRIES}",
            numDigits=1,
            finishOnKey="",
            timeout=BLOCK_PAUSE[reading.pace],
        )
    after = f"{action}?at={len(blocks) + 1}{RETRIES}"
    # Where no block is left to read, what was to be said before it is said here.
    opening = reading.opening if reading.first > len(blocks) else ()
    wait, ears = (2 if reading.patient else 1) * MENU_WAIT, _ears(voice.catalogue) if reading.speech else NO_EARS
    yield _menu(voice.speak((*opening, say("readback.menu"), *reading.offers)), after, wait, ears)
    yield element("Redirect", words(after))


def _paced(catalogue: Catalogue, block: str, pace: int) -> Speech:
    """The figures of a block in the breaths of the locale; at the slowest pace every digit on its own."""
    longer = int(catalogue.pause * PAUSES[pace])
    if pace < SLOWEST:
        return tuple(longer if isinstance(piece, int) else piece for piece in catalogue.breaths(block))
    pieces: list[Piece] = [block[0]]
    for place, digit in enumerate(block[1:], 1):
        pieces += [longer if place % catalogue.together == 0 else DIGIT_PAUSE, digit]
    return tuple(pieces)


def _document(*verbs: str) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + element("Response", *verbs)
