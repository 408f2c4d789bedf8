"""What can happen to a call: the sum of all events the dialogue reacts to.

Rule: an event is a fact, without judgement; what it means is the dialogue's to say.

>>> Keyed("123456#", after=9.5).keys
'123456#'
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.agreed import Wanted
from ivr.textable import Texts
from keys.refusals import Refusal


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call came in. `withheld` says that the caller's number is unknown to us.

    `texts` says where the caller can be texted, `desk` that the operators are there by the line's hours. `groups` are
    those of the one case that this caller was cut off from, by place, and `format` theirs; or nothing. `blocked`: this
    caller is not served. `notice` is what every caller hears first just now. `locale` is the language to greet in, one
    of `languages`, which the line speaks; `chosen`: because this caller once chose it. `speech`:
    words are listened for.
    """

    withheld: bool
    format: int | None = None
    groups: tuple[str, ...] = ()
    texts: Texts = Texts.NONE
    desk: bool = False
    blocked: bool = False
    notice: str = ""
    locale: str = ""
    languages: tuple[str, ...] = ()
    chosen: bool = False
    speech: bool = False


@dataclass(frozen=True, slots=True)
class Keyed:
    """Keys arrived (0-9, `*`, and `#` where a gather has no finish key).

    `after` is the seconds since our last reply went out. `at` names the block of the confirmation ID that was being
    read, counted from 1 (one more than the blocks: the menu after them); None outside the read-back. `text_failed` says
    that a text which this call asked for cannot arrive.
    """

    keys: str
    after: float = 60.0
    at: int | None = None
    text_failed: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """A gather ended without keys. Twilio cannot tell a lone finish key from silence; the rest as in Keyed."""

    after: float = 60.0
    text_failed: bool = False


@dataclass(frozen=True, slots=True)
class Misheard:
    """Something was said that is not understood here; or `digits` were, which cannot be. The rest as in Keyed."""

    digits: bool = False
    text_failed: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """The ledger has posted the activation, now or before (`again`); the confirmation ID has `blocks` blocks."""

    blocks: int
    again: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The ledger refuses, for a stable reason."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidates of a repair have been weighed; `genuine` are the indexes of those whose proof is right."""

    genuine: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaseFound:
    """The case number is known; `groups` are its groups by place ("" where one is still to be keyed)."""

    format: int | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseUnknown:
    """No case of this number is open to be gone on with."""


@dataclass(frozen=True, slots=True)
class TextWritten:
    """The text is in the outbox, and will be sent once the turn is committed."""


@dataclass(frozen=True, slots=True)
class TextRefused:
    """No text can be sent to that number."""


@dataclass(frozen=True, slots=True)
class AgreementRight:
    """The keyed number is that of the agreement which the case's product key belongs to."""


@dataclass(frozen=True, slots=True)
class AgreementWrong:
    """It is not; or this caller may not try just now, which sounds alike."""


@dataclass(frozen=True, slots=True)
class WishRead:
    """A texted wish for more, with all that is known of it by now."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class WishImpossible:
    """The case names no product key that more could be asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """More was asked for; the answer will come by text, or else by telephone."""

    by_text: bool


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Nothing was asked for: it was before and waits (`already`), or too often lately."""

    already: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """The case is in the queue at `place` (from 1); `minutes` is the wait to expect, None while nobody is there."""

    place: int
    minutes: int | None


@dataclass(frozen=True, slots=True)
class DeskClosed:
    """Nobody can be waited for just now."""


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """A round of music is over and nothing is decided: what was keyed, and the place as in Queued.

    `claimed` says that an operator has the case before them, `text_failed` as in Keyed.
    """

    keys: str
    place: int
    minutes: int | None
    claimed: bool
    text_failed: bool = False


@dataclass(frozen=True, slots=True)
class HandedBack:
    """An operator gives the call back to the line, with the case's groups as they now stand."""

    format: int | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """An operator has activated the case, which stands as in HandedBack; the confirmation ID has `blocks` blocks."""

    blocks: int
    format: int | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """An operator is on the telephone for this caller, in the conference `room`."""

    room: str


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """An operator refuses; `reason` is a refusal's code."""

    reason: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over."""


Event = (
    CallStarted | Keyed | Silence | Misheard | Approved | Refused | Weighed | CaseFound | CaseUnknown | TextWritten
    | TextRefused
    | AgreementRight | AgreementWrong | Asked | NotAsked
    | Queued | DeskClosed | StillWaiting | HandedBack | Issued | Joined | TurnedDown | HungUp
)  # fmt: skip
EVENTS: tuple[type[Event], ...] = (
    CallStarted, Keyed, Silence, Misheard, Approved, Refused, Weighed, CaseFound, CaseUnknown, TextWritten,
    TextRefused,
    AgreementRight, AgreementWrong, Asked, NotAsked,
    Queued, DeskClosed, StillWaiting, HandedBack, Issued, Joined, TurnedDown,
    HungUp,
)  # fmt: skip
