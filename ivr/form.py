"""The caller's form: what a call has learnt so far, and how hard it was; and why a caller may be stuck.

Rule: it holds all that the next step needs of what came before, whatever state the call is in.

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
    unheard: int = 0
    """What was said and not understood."""


@dataclass(frozen=True, slots=True)
class Form:
    """What has been learnt in this call, and how hard it was.

    `groups` are by place, "" where one is still to be keyed; `failures` counts no-inputs, no-matches and helps of all
    items together, `detours` how often the way on was reached, `lane` is set once more than one group came at once,
    `resumed` while a case is gone on with that another call began. `unsure` are the numbers of sound groups that came
    in a run after one in doubt. `texts` says whether the caller can be texted, `case_texted` and `cid_texted` what was,
    `text_failed` that the caller was told that it did not arrive. `desk` says that a person can be waited for,
    `in_queue` that the caller does, `waited` counts the rounds of music so far. `machine` counts the call's, from 1.
    `asked_more` says that the way to ask for more activations was taken. `locale` is the language spoken ("" the line's
    own, as in calls from before there were several), `languages` are all that the line speaks. `speech`
    says that words are listened for, `patient` that the caller has asked for more time.
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
    asked_more: bool = False
    ever_keyed: bool = False
    lane: bool = False
    resumed: bool = False
    failures: int = 0
    detours: int = 0
    strays: int = 0
    turns: int = 0
    tally: Tally = field(default_factory=Tally)
    locale: str = ""
    languages: tuple[str, ...] = ()
    speech: bool = False
    patient: bool = False

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
    def other_languages(self) -> tuple[str, ...]:
        """What the line speaks beside the language spoken now, in the line's order."""
        return tuple(locale for locale in self.languages if locale != self.locale)

    @property
    def empty(self) -> bool:
        """Whether no group is in."""
        return not any(self.groups)

    def with_group(self, number: int, group: str) -> Form:
        """The same form with one group set (or cleared, by "")."""
        groups = (*self.groups[: number - 1], group, *self.groups[number:])
        return replace(self, groups=groups)
