"""Where a call can be: the sum of all states, each a frozen record around the caller's form.

Rule: a state holds all that the next step needs, so any node can take the next turn.

>>> form = Form(format=1, groups=("123456", "", "345678"))
>>> form.next_group
2
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import takewhile

from ivr.textable import Texts
from keys.formats import FORMATS, Format
from keys.groups import GroupFault
from keys.repair import Candidate


class Reason(StrEnum):
    """Why a caller needs another way on, where the ledger did not refuse."""

    ASKED = "ASKED"
    """The caller pressed 0."""
    TRIES = "TRIES"
    """Three tries at one group, or too many in all."""
    SILENT = "SILENT"
    """Keys came once, then no more."""
    NO_KEYS = "NO_KEYS"
    """Not one key ever arrived from this phone."""
    WHOLE_ID = "WHOLE_ID"
    """Every group fits its check digit, but the whole does not."""
    OPERATOR_REFUSED = "OPERATOR_REFUSED"
    """A person has looked at the case, and refused."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counters of the item being asked, each on its own as in VoiceXML; a new item starts at nought."""

    no_input: int = 0
    no_match: int = 0
    help: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """What has been learnt in this call, and how hard it was.

    `groups` are by place, "" where one is still to be keyed; `failures` counts no-inputs, no-matches and helps of all
    items together, `detours` how often the way on was reached, `lane` is set once more than one group came at once,
    `resumed` while a case is gone on with that another call began. `unsure` are the numbers of sound groups that came
    in a run after one in doubt. `texts` says whether the caller can be texted, `case_texted` and `cid_texted` what was,
    `text_failed` that the caller was told that it did not arrive. `desk` says that a person can be waited for,
    `in_queue` that the caller does, `waited` counts the rounds of music so far. `machine` counts the call's, from 1.
    """

    format: int | None = None
    groups: tuple[str, ...] = ()
    unsure: tuple[int, ...] = ()
    withheld: bool = False
    texts: Texts = Texts.NONE
    case_texted: bool = False
    cid_texted: bool = False
    text_failed: bool = False
    desk: bool = False
    in_queue: bool = False
    waited: int = 0
    machine: int = 1
    ever_keyed: bool = False
    lane: bool = False
    resumed: bool = False
    failures: int = 0
    detours: int = 0
    strays: int = 0
    turns: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def layout(self) -> Format | None:
        """The format the first group named, if any yet."""
        return FORMATS[self.format] if self.format is not None else None

    @property
    def next_group(self) -> int | None:
        """Number of the first group still to be keyed; None when all are in."""
        if self.format is None:
            return 1
        return next((place for place, group in enumerate(self.groups, 1) if not group), None)

    @property
    def missing_run(self) -> int:
        """How many groups are missing one after another, from the first that is."""
        first = self.next_group
        if first is None:
            return 0
        following = takewhile(lambda group: not group, self.groups[first - 1 :])
        return sum(1 for _ in following)

    @property
    def empty(self) -> bool:
        """Whether no group is in."""
        return not any(self.groups)

    def with_group(self, number: int, group: str) -> Form:
        """The same form with one group set (or cleared, by "")."""
        groups = (*self.groups[: number - 1], group, *self.groups[number:])
        return replace(self, groups=groups)


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
    | AskingNumber | ConfirmingNumber | AskingMobile | ConfirmingMobile | Texting | Escalating | Waiting | Talking
    | Ended
)  # fmt: skip
STATES: tuple[type[State], ...] = (
    Opening, AskingGroup, AskingCase, FindingCase, Weighing, ConfirmingGroup, Checking, ReadingBack, WayOn,
    AskingNumber, ConfirmingNumber, AskingMobile, ConfirmingMobile, Texting, Escalating, Waiting, Talking,
    Ended,
)  # fmt: skip
