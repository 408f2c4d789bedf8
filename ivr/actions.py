"""What the dialogue asks for: words and gathers for the caller's ear, and deeds for the turn to do.

Rule: no action carries a digit of a confirmation ID or of a caller's number. Words name such digits by a placeholder
(`held_number`, `case_number`, the blocks of the read-back); they are filled in when the reply is rendered. A fact named
`digits` is a group that the caller has just keyed, spoken digit by digit.

>>> say("group.next", group=4)
Say(prompt='group.next', facts=(('group', 4),), locale='')
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.agreed import Wanted

Fact = str | int


@dataclass(frozen=True, slots=True)
class Say:
    """Speak one prompt of the catalogue with the facts it asks for; in `locale`, or ("") in the caller's."""

    prompt: str
    facts: tuple[tuple[str, Fact], ...] = ()
    locale: str = ""


def say(prompt: str, **facts: Fact) -> Say:
    """Short for a Say with named facts."""
    return Say(prompt, tuple(facts.items()))


@dataclass(frozen=True, slots=True)
class Listen:
    """Speak `prompts`, all open to barge-in, then wait for keys.

    `most` is the number of keys that ends the gather at once (None: no such number), `finish` the one key that ends it
    ("" for none). `first_wait` and `between` are seconds: until the first key, and between two keys. With `speech`
    words are listened for as well, and whichever comes first counts.
    """

    prompts: tuple[Say, ...]
    most: int | None
    finish: str
    first_wait: int
    between: int
    speech: bool = False


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Read the blocks of the confirmation ID from `first` (from 1) to the last, then the menu after them.

    `opening` is said before the first block, `offers` in the menu; `pace` is one of those in `ivr.states`. In the menu
    words are listened for with `speech`, and twice as long for a `patient` caller.
    """

    opening: tuple[Say, ...]
    first: int
    blocks: int
    pace: int = 0
    offers: tuple[Say, ...] = ()
    speech: bool = False
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Speak `prompts`, then music for a while; one key ends it."""

    prompts: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Speak `prompts`, then join the conference `room`; when it parts, the call takes its next turn."""

    prompts: tuple[Say, ...]
    room: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Speak `prompts` and end the call."""

    prompts: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class KeepGroups:
    """Save the form's groups in the case, opening one with the first sound group."""


@dataclass(frozen=True, slots=True)
class LeaveCase:
    """The call goes on without the case it had: what follows is another installation."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep the form's groups, and take one activation for the complete installation ID; Approved or Refused answers."""


@dataclass(frozen=True, slots=True)
class Weigh:
    """Say which of the state's candidates have a right proof; the answer is Weighed."""


@dataclass(frozen=True, slots=True)
class FindCase:
    """Look up a case by its keyed number; the answer is CaseFound or CaseUnknown."""

    number: str


@dataclass(frozen=True, slots=True)
class WriteText:
    """Text the caller what the state is about, at the `held` number or the own; TextWritten or TextRefused."""

    held: bool


@dataclass(frozen=True, slots=True)
class CheckAgreement:
    """Hold keyed digits against the agreement of the case's product key; AgreementRight, AgreementWrong or NotAsked."""

    keys: str


@dataclass(frozen=True, slots=True)
class ReadWish:
    """Read a texted wish for more, `before` being what was said already; WishRead, WishImpossible or NotAsked."""

    said: str
    before: Wanted


@dataclass(frozen=True, slots=True)
class AskForMore:
    """Ask for `amount` more activations of the case's product key, and why; the answer is Asked or NotAsked.

    It is told to the `held` number if so, else to the caller's own; by text if that is wished and can be.
    """

    amount: int
    reason: str
    held: bool
    by_text: bool


@dataclass(frozen=True, slots=True)
class NeedPerson:
    """The case waits for a person, for `reason` (a refusal's code or one of `form.Reason`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Put the case into the queue, if a person can be waited for; Queued or DeskClosed."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """Nobody waits on this call any more; the case stays in the queue for an operator to call back or text."""


@dataclass(frozen=True, slots=True)
class StopWaiting:
    """The caller goes on without a person: the case is taken out of the queue."""


@dataclass(frozen=True, slots=True)
class HoldNumber:
    """Keep a keyed phone number (E.164), encrypted, until the caller has confirmed it."""

    number: str


@dataclass(frozen=True, slots=True)
class WishCallBack:
    """Write down that the caller wants to be called back: at the `held` number if so, else at the caller's own."""

    held: bool


@dataclass(frozen=True, slots=True)
class KeepLanguage:
    """The caller has chosen the language `locale`: keep it for the case, and for a caller whose number is known."""

    locale: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Text these prompts back to whoever texted, as one text."""

    words: tuple[Say, ...]


Spoken = Listen | ReadBack | Wait | Join | HangUp
Question = Reserve | Weigh | FindCase | WriteText | CheckAgreement | AskForMore | Enqueue
TextQuestion = Reserve | Weigh | FindCase | ReadWish | AskForMore | Enqueue
Deed = KeepGroups | LeaveCase | NeedPerson | HoldNumber | WishCallBack | LeaveQueue | StopWaiting | KeepLanguage
Action = Spoken | Question | Deed
TextAction = Reply | KeepGroups | LeaveCase | NeedPerson | WishCallBack | KeepLanguage | TextQuestion
