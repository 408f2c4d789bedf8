"""Dial a line and get the record of the call: the one door to the rehearsal telephone.

The one rule: the outcome is judged by what the caller heard, as a person would judge it, never by what the documents
meant.
"""

import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

from webhooks.rehearsal.caller import Caller, Keypad, Reaction, Stretch
from webhooks.rehearsal.clock import CallClock, Pace
from webhooks.rehearsal.entries import End, Entry, Routes, Side
from webhooks.rehearsal.fetching import Address, Difference, Fetcher, Trouble, Twice
from webhooks.rehearsal.hearing import Notepad
from webhooks.rehearsal.telephone import Telephone
from webhooks.rehearsal.transport import OverHttp, Transport
from webhooks.rehearsal.twiml import Problem
from webhooks.rehearsal.voice_form import CallSide
from webhooks.rehearsal.wire import Wire


class Outcome(StrEnum):
    """What a call came to, in the caller's ear.

    ACTIVATED: the whole confirmation ID was heard. REFUSED: the line said why not, or ended the call with nothing.
    CASE: stuck, with a case number. HUNG_UP: the caller left before any of these. NO_ANSWER: no document could be
    had, or only an apology.
    """

    ACTIVATED = "activated"
    REFUSED = "refused"
    HUNG_UP = "hung_up"
    NO_ANSWER = "no_answer"
    CASE = "case"


@dataclass(frozen=True)
class Terms:
    """How a call is carried out: speeds, delivery, and the paths the number is set up with.

    `sleep` runs the call in wall time (`time.sleep`), or moves a test's clock along; `nap` (`time.sleep` too) leaves
    it virtual but for a moment before a request without keys, see `Telephone`; `keypad` hands the telephone to
    somebody, in wall time too; `talk_seconds` is how long a talk in a conference lasts, unless a `wire`, for wall time,
    tells when it is over; `transport` defaults to real HTTP; `call_sid` to a random one. Paths may carry a retry
    fragment such as `#rc=1&rp=ct,rt,5xx`.
    """

    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] | None = None
    nap: Callable[[float], None] | None = None
    keypad: Keypad | None = None
    transport: Transport | None = None
    twice: Twice = Twice.NEVER
    finished_on_key: bool = False
    talk_seconds: float = 20.0
    wire: Wire | None = None
    call_sid: str = ""
    account_sid: str = "AC" + "0" * 32
    incoming: str = "/voice/incoming"
    fallback: str = "/voice/incoming"
    status: str = "/voice/status"


@dataclass(frozen=True)
class CallRecord:
    """Everything about one call. Seconds are the call clock's; `heard + keyed + waited == seconds`.

    `refusal` is the sentence in which the line refused; `turns` counts the documents asked for; `lost` is the keys
    that nobody listened to; `problems` is what `check_document` says of the documents carried out; `troubles` is the
    documents that could not be had; `differences` is what two deliveries of one request were answered differently;
    `conflicts` is blocks read in two ways.
    """

    call_sid: str
    outcome: Outcome
    ended_by: End
    confirmation_id: str | None
    blocks: dict[str, str]
    case_number: str | None
    refusal: str | None
    turns: int
    heard: float
    keyed: float
    waited: float
    lost: str
    gathered: tuple[str, ...]
    transcript: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    troubles: tuple[Trouble, ...]
    differences: tuple[Difference, ...]
    conflicts: tuple[tuple[str, str, str], ...]

    @property
    def seconds(self) -> float:
        """The length of the call."""
        return self.heard + self.keyed + self.waited


class _Writing:
    """A caller with a notepad beside the telephone."""

    def __init__(self, caller: Caller, notepad: Notepad) -> None:
        self._caller = caller
        self._notepad = notepad

    def react(self, stretch: Stretch) -> Reaction:
        return self._caller.react(stretch)

    def heard(self, words: str) -> None:
        self._notepad.write(words)
        self._caller.heard(words)


def dial(
    url: str,
    *,
    auth_token: str,
    public_url: str,
    caller_number: str,
    line_number: str,
    caller: Caller,
    terms: Terms | None = None,
    on_line: Callable[[Entry], None] | None = None,
) -> CallRecord:
    """Ring the line at `url`, signing over `public_url`, and let `caller` hold the telephone until the call is over.

    `on_line` is called with every entry of the transcript as it happens. Never raises for anything the line does.
    """
    terms = terms or Terms()
    base = public_url.rstrip("/")
    call_sid = terms.call_sid or "CA" + secrets.token_hex(16)
    notepad = Notepad()
    with closing(OverHttp()) as wire:
        fetcher = Fetcher(Address(url, public_url), auth_token, terms.transport or wire, call_sid, terms.twice)
        telephone = Telephone(
            side=CallSide(call_sid, terms.account_sid, caller_number, line_number),
            routes=Routes(base + terms.incoming, base + terms.fallback, base + terms.status),
            fetcher=fetcher,
            caller=_Writing(caller, notepad),
            clock=CallClock(terms.sleep),
            pace=terms.pace,
            on_entry=on_line,
            finished_on_key=terms.finished_on_key,
            nap=terms.nap,
            keypad=terms.keypad,
            talk_seconds=terms.talk_seconds,
            wire=terms.wire,
        )
        end = telephone.ring()
    return _record(telephone, fetcher, notepad, end)


def _record(telephone: Telephone, fetcher: Fetcher, notepad: Notepad, end: End) -> CallRecord:
    return CallRecord(
        call_sid=telephone.side.call_sid,
        outcome=_outcome(notepad, end, telephone.transcript),
        ended_by=end,
        confirmation_id=notepad.confirmation_id,
        blocks=dict(sorted(notepad.blocks.items())),
        case_number=notepad.case_number,
        refusal=notepad.refusal,
        turns=telephone.turns,
        heard=telephone.clock.heard,
        keyed=telephone.clock.keyed,
        waited=telephone.clock.waited,
        lost="".join(press.key for press in telephone.lost),
        gathered=tuple(telephone.gathered),
        transcript=tuple(telephone.transcript),
        problems=tuple(fetcher.problems),
        troubles=tuple(fetcher.troubles),
        differences=tuple(fetcher.differences),
        conflicts=tuple(notepad.conflicts),
    )


def _outcome(notepad: Notepad, end: End, transcript: list[Entry]) -> Outcome:
    if notepad.confirmation_id is not None and not notepad.conflicts:
        return Outcome.ACTIVATED
    if end is End.REJECTED or end is End.TROUBLE or not any(entry.side is Side.LINE for entry in transcript):
        return Outcome.NO_ANSWER
    if notepad.refusal is not None:
        return Outcome.REFUSED
    if notepad.case_number is not None:
        return Outcome.CASE
    if notepad.fault:
        return Outcome.NO_ANSWER
    return Outcome.HUNG_UP if end is End.CALLER else Outcome.REFUSED
