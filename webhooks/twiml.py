"""A reply as TwiML: pure, from the dialogue's action, the words of a locale and the digits that the words name.

Rule: whatever is said can be interrupted by a key. A read-back is several gathers in one document, each with its own
action, so that a key tells which block was being read; quiet falls through from one to the next without a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twilio.twiml.voice_response import Gather, Pause, VoiceResponse
from twilio.twiml.voice_response import Say as SayVerb

from ivr.actions import HangUp, Listen, ReadBack, Say, say
from ivr.lines import Line
from ivr.prompts import INSIDE_PAUSE, Catalogue, Piece, Speech, spelled
from ivr.states import SLOWEST
from ivr.turn import Answer
from keys.confirmation_id import LETTERS

RETRIES = "#ct=2000&rt=4000&rc=1&rp=ct,rt,5xx"
"""Twilio's own retry, asked for in the fragment of every address of ours: once, within its limit of 15 seconds."""
BLOCK_PAUSE = {-1: 1, 0: 2, 1: 3, 2: 4}
"""Seconds after a block, by pace, in which a key still means that block."""
HALF_PAUSE = {-1: 300, 0: INSIDE_PAUSE, 1: 900, 2: 1200}
"""Milliseconds between the halves of a block, by pace."""
DIGIT_PAUSE = 400
"""Milliseconds between two digits at the slowest pace."""
LETTER_PAUSE = 300
MENU_WAIT = 6


@dataclass(frozen=True, slots=True)
class Wording:
    """What rendering needs of the place: the public address, and the catalogue of every locale."""

    public_url: str
    catalogues: dict[str, Catalogue]


def render(wording: Wording, line: Line, answer: Answer) -> str:
    """The document for one answer, as text. Raises KeyError for a prompt or fact that is missing, a bug of ours."""
    voice = _Voice(wording.catalogues[line.locale], _facts(line, answer))
    action = f"{wording.public_url}/voice/turn/{answer.turn}"
    document = VoiceResponse()
    match answer.spoken:
        case Listen() as listen:
            document.append(_gather(voice, listen, action + RETRIES))
        case ReadBack() as reading:
            _read_back(document, voice, reading, answer.blocks, action)
        case HangUp(prompts):
            voice.speak(document, prompts)
            document.hangup()
    return str(document)


def fault(wording: Wording, line: Line, *, can_call_back: bool) -> str:
    """The apology when something failed inside the line, with the offer of a call-back that needs no database."""
    voice = _Voice(wording.catalogues[line.locale], _line_facts(line))
    document = VoiceResponse()
    if can_call_back:
        gather = Gather(
            action=f"{wording.public_url}/voice/call-back{RETRIES}",
            num_digits=1,
            finish_on_key="",
            timeout=MENU_WAIT,
            action_on_empty_result=True,
        )
        voice.speak(gather, (say("fault.apology"), say("fault.offer")))
        document.append(gather)
        return str(document)
    voice.speak(document, (say("fault.apology"), say("fault.try_later")))
    document.hangup()
    return str(document)


def farewell(wording: Wording, line: Line, *prompts: Say) -> str:
    """A few words and the end of the call."""
    voice = _Voice(wording.catalogues[line.locale], _line_facts(line))
    document = VoiceResponse()
    voice.speak(document, prompts)
    document.hangup()
    return str(document)


@dataclass(frozen=True, slots=True)
class _Voice:
    """The catalogue's voice, with the facts every prompt of this answer may name."""

    catalogue: Catalogue
    facts: dict[str, Piece | Speech]

    def speak(self, parent: VoiceResponse | Gather, prompts: Iterable[Say]) -> None:
        """Say each prompt in `parent`."""
        for prompt in prompts:
            self.say(parent, self.catalogue.speech(prompt.prompt, {**self.facts, **dict(prompt.facts)}))

    def say(self, parent: VoiceResponse | Gather, speech: Speech) -> None:
        """Say one piece of speech, pauses as breaks."""
        verb = SayVerb(voice=self.catalogue.voice, language=self.catalogue.locale)
        for piece in speech:
            if isinstance(piece, int):
                verb.break_(time=f"{piece}ms")
            else:
                verb.append(piece)
        parent.append(verb)


def _facts(line: Line, answer: Answer) -> dict[str, Piece | Speech]:
    facts = _line_facts(line)
    if answer.case_number:
        facts["case_number"] = spelled(answer.case_number)
    if answer.held_number:
        facts["held_number"] = spelled(answer.held_number.removeprefix("+"))
    return facts


def _line_facts(line: Line) -> dict[str, Piece | Speech]:
    return {"line_name": line.name, "hours": line.call_back_hours}


def _gather(voice: _Voice, listen: Listen, action: str) -> Gather:
    """One gather. Its nested pause comes last and waits for the first key; the timeout is left for between keys."""
    gather = Gather(
        action=action,
        num_digits=listen.most,
        finish_on_key=listen.finish,
        timeout=listen.between,
        action_on_empty_result=True,
    )
    voice.speak(gather, listen.prompts)
    gather.append(Pause(length=listen.first_wait))
    return gather


def _read_back(document: VoiceResponse, voice: _Voice, reading: ReadBack, blocks: tuple[str, ...], action: str) -> None:
    if reading.first > len(blocks):
        _read_back_menu(document, voice, len(blocks) + 1, action)
        return
    for number in range(reading.first, len(blocks) + 1):
        gather = Gather(
            action=f"{action}?at={number}{RETRIES}",
            num_digits=1,
            finish_on_key="",
            timeout=BLOCK_PAUSE[reading.pace],
        )
        if number == reading.first:
            voice.speak(gather, reading.opening)
        letter = voice.catalogue.speech(f"block.{LETTERS[number - 1]}", {})
        voice.say(gather, (*letter, LETTER_PAUSE, *_paced(blocks[number - 1], reading.pace)))
        document.append(gather)
    _read_back_menu(document, voice, len(blocks) + 1, action)


def _read_back_menu(document: VoiceResponse, voice: _Voice, at: int, action: str) -> None:
    gather = Gather(
        action=f"{action}?at={at}{RETRIES}",
        num_digits=1,
        finish_on_key="",
        timeout=MENU_WAIT,
        action_on_empty_result=True,
    )
    voice.speak(gather, (say("readback.menu"),))
    document.append(gather)
    document.redirect(f"{action}?at={at}{RETRIES}")


def _paced(block: str, pace: int) -> Speech:
    """Six digits in threes; at the slowest pace every digit on its own."""
    if pace < SLOWEST:
        return tuple(HALF_PAUSE[pace] if isinstance(piece, int) else piece for piece in spelled(block))
    pieces: list[Piece] = [block[0]]
    for place, digit in enumerate(block[1:], 1):
        pieces += [HALF_PAUSE[pace] if place % 3 == 0 else DIGIT_PAUSE, digit]
    return tuple(pieces)
