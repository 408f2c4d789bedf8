"""Where a call can be: the sum of all states, each a frozen record around the caller's form.

Rule: a state holds all that the next step needs, so any node can take the next turn.

>>> AskingGroup(Form(format=1), 4).group
4
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ivr.form import Form
from keys.groups import GroupFault
from keys.repair import Candidate

QUICKEST, SLOWEST = -1, 2
"""The paces of a read-back: 0 is usual, 1 has longer pauses, 2 spells every digit on its own."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first prompt, which dispatches by the first digit."""

    form: Form


@dataclass(frozen=True, slots=True)
class AskingGroup:
    """One group is asked for; `roomy` where the last entry was short, so that both waits are doubled."""

    form: Form
    group: int
    roomy: bool = False


@dataclass(frozen=True, slots=True)
class AskingCase:
    """A case number is asked for."""

    form: Form


@dataclass(frozen=True, slots=True)
class FindingCase:
    """A case number has been keyed; the look-up's answer comes in the same turn."""

    form: Form


@dataclass(frozen=True, slots=True)
class Checking:
    """All groups are in; the ledger's answer comes in the same turn."""

    form: Form


@dataclass(frozen=True, slots=True)
class Weighing:
    """The ID is complete but for one slip; which of `candidates` are genuine is answered in the same turn.

    `readable` are the numbers of the groups that this entry keyed; `fault` is what is said if none is.
    """

    form: Form
    candidates: tuple[Candidate, ...]
    readable: tuple[int, ...]
    fault: GroupFault


@dataclass(frozen=True, slots=True)
class ConfirmingGroup:
    """What was meant has been found, and its mended group read out for a yes."""

    form: Form
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class ReadingBack:
    """The confirmation ID is being read; `rounds` counts whole readings begun.

    `pace` follows the caller, from QUICKEST to SLOWEST; `paused_at` is the block that a pause for writing goes on with.
    """

    form: Form
    blocks: int
    pace: int = 0
    rounds: int = 1
    paused_at: int | None = None


@dataclass(frozen=True, slots=True)
class WayOn:
    """The caller is stuck and hears what can be done; `reason` is the code of a Reason or of a refusal."""

    form: Form
    reason: str


@dataclass(frozen=True, slots=True)
class AskingNumber:
    """A phone number to call back is asked for."""

    form: Form
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmingNumber:
    """The keyed number has been read back for a yes."""

    form: Form
    reason: str


@dataclass(frozen=True, slots=True)
class AskingMobile:
    """A mobile number to be texted at is asked for; `reading` is the read-back it is for, else `reason` the way on."""

    form: Form
    reading: ReadingBack | None
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmingMobile:
    """The keyed mobile number has been read back for a yes; the rest as in AskingMobile."""

    form: Form
    reading: ReadingBack | None
    reason: str


@dataclass(frozen=True, slots=True)
class Texting:
    """A text is being written; whether it may be sent is answered in the same turn. The rest as in AskingMobile."""

    form: Form
    reading: ReadingBack | None
    reason: str


@dataclass(frozen=True, slots=True)
class AskingAgreement:
    """Whoever asks for more activations is asked for the agreement's number."""

    form: Form


@dataclass(frozen=True, slots=True)
class CheckingAgreement:
    """An agreement's number was keyed; whether it is right is answered in the same turn."""

    form: Form


@dataclass(frozen=True, slots=True)
class AskingAmount:
    """How many more is asked."""

    form: Form


@dataclass(frozen=True, slots=True)
class ConfirmingAmount:
    """So many were keyed, and read back for a yes."""

    form: Form
    amount: int


@dataclass(frozen=True, slots=True)
class AskingWhy:
    """What more are needed for, from a menu."""

    form: Form
    amount: int


@dataclass(frozen=True, slots=True)
class AskingHow:
    """How the answer is to be told, by text or by a call; `why` is the code of a Why."""

    form: Form
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class AskingToldAt:
    """A withheld caller is asked for the number to tell the answer to; the rest as in AskingHow."""

    form: Form
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class ConfirmingToldAt:
    """The keyed number has been read back for a yes; the rest as in AskingHow."""

    form: Form
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Requesting:
    """The request is being written down; whether it could be is answered in the same turn."""

    form: Form


@dataclass(frozen=True, slots=True)
class Escalating:
    """A person is wanted; whether one can be waited for is answered in the same turn."""

    form: Form
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The caller waits in the queue, one round of music after another; `place` is the one that was said last."""

    form: Form
    reason: str
    place: int


@dataclass(frozen=True, slots=True)
class ChoosingLanguage:
    """The menu of languages; `back` is the name of the state the call goes on with, and the rest what that one held.

    `tries` counts the keys with no language to them.
    """

    form: Form
    back: str
    tries: int = 0
    reason: str = ""
    reading: ReadingBack | None = None
    candidate: Candidate | None = None
    amount: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Talking:
    """The caller is joined with an operator; the line goes on when they part."""

    form: Form
    reason: str


class Outcome(StrEnum):
    """How a call ended."""

    ACTIVATED = "activated"
    CALL_BACK = "call_back"
    CASE_KEPT = "case_kept"
    HUNG_UP = "hung_up"
    NO_KEYS = "no_keys"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over."""

    form: Form
    outcome: Outcome


State = (
    Opening | AskingGroup | AskingCase | FindingCase | Weighing | ConfirmingGroup | Checking | ReadingBack | WayOn
    | AskingNumber | ConfirmingNumber | AskingMobile | ConfirmingMobile | Texting
    | AskingAgreement | CheckingAgreement | AskingAmount | ConfirmingAmount | AskingWhy | AskingHow | AskingToldAt
    | ConfirmingToldAt | Requesting | Escalating | Waiting | ChoosingLanguage | Talking | Ended
)  # fmt: skip
STATES: tuple[type[State], ...] = (
    Opening, AskingGroup, AskingCase, FindingCase, Weighing, ConfirmingGroup, Checking, ReadingBack, WayOn,
    AskingNumber, ConfirmingNumber, AskingMobile, ConfirmingMobile, Texting,
    AskingAgreement, CheckingAgreement, AskingAmount, ConfirmingAmount, AskingWhy, AskingHow, AskingToldAt,
    ConfirmingToldAt, Requesting, Escalating, Waiting, ChoosingLanguage, Talking, Ended,
)  # fmt: skip
