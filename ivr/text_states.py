"""Where a thread of texts can be: the sum of all states, each a frozen record around what has come in.

Rule: a state holds all that the next text needs, so any node can take it. Between two texts a thread is in one of
`KEPT`; the others are answered within the turn.

>>> ranges((1, 2, 3, 5, 8, 9))
'1-3, 5, 8, 9'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ivr.actions import Say
from ivr.agreed import Wanted
from ivr.message import Message
from keys.formats import FORMATS, Format
from keys.repair import Candidate


@dataclass(frozen=True, slots=True)
class TextForm:
    """What one thread has brought: groups by place, "" where one is missing; `format` is None before group 1 is in.

    `unsure` are the numbers of groups that only their check gave a place, so that the right one may still come.
    `failures` counts the texts in a row that brought no sound group; `quiet` says that chatter has had its one answer,
    `promised` that a call-back was.
    """

    format: int | None = None
    groups: tuple[str, ...] = ()
    unsure: tuple[int, ...] = ()
    failures: int = 0
    quiet: bool = False
    promised: bool = False

    @property
    def layout(self) -> Format | None:
        """The format of the ID, if it is known yet."""
        return None if self.format is None else FORMATS[self.format]

    @property
    def known(self) -> dict[int, str]:
        """The groups that are in, by number."""
        return {number: group for number, group in enumerate(self.groups, 1) if group}

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the groups that are not in; group 1 alone while only it can tell how many there are."""
        if self.layout is None:
            return () if 1 in self.known else (1,)
        known = self.known
        return tuple(number for number in range(1, self.layout.groups + 1) if number not in known)

    def with_groups(self, layout: Format | None, groups: Mapping[int, str], unsure: tuple[int, ...] = ()) -> TextForm:
        """The same with these groups set; all but the `unsure` among them are certain from now on."""
        held = {**self.known, **groups}
        last = layout.groups if layout is not None else max(held, default=0)
        by_place = tuple(held.get(number, "") for number in range(1, last + 1))
        doubts = {*unsure, *(number for number in self.unsure if number not in groups and number <= last)}
        known = layout.number if layout is not None else None
        return replace(self, format=known, groups=by_place, unsure=tuple(sorted(doubts)))


@dataclass(frozen=True, slots=True)
class TextOpening:
    """Nothing has come in yet."""

    form: TextForm


@dataclass(frozen=True, slots=True)
class TextCollecting:
    """Some groups are in; `asked` are the numbers of those asked for, wrong or missing."""

    form: TextForm
    asked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextConfirming:
    """What was meant has been found, and its mended groups sent for a yes."""

    form: TextForm
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class TextAnswered:
    """The confirmation ID was sent."""

    form: TextForm


@dataclass(frozen=True, slots=True)
class TextWaiting:
    """The case waits for a person."""

    form: TextForm


@dataclass(frozen=True, slots=True)
class TextWanting:
    """More activations are asked for, and something of the wish is missing."""

    form: TextForm
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class TextReadingWish:
    """A wish for more came; what it says is answered within the turn. `before` is where the thread was."""

    form: TextForm
    before: TextState


@dataclass(frozen=True, slots=True)
class TextRequesting:
    """A whole wish is being written down; whether it could be is answered within the turn."""

    form: TextForm
    amount: int


@dataclass(frozen=True, slots=True)
class TextWeighing:
    """The ID is complete but for one slip; which of `candidates` are genuine is answered within the turn.

    If none is, `words` are sent and the groups `asked` are asked for.
    """

    form: TextForm
    candidates: tuple[Candidate, ...]
    asked: tuple[int, ...]
    words: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class TextChecking:
    """All groups are in; the ledger answers within the turn."""

    form: TextForm


@dataclass(frozen=True, slots=True)
class TextEscalating:
    """A person is wanted; whether one is there is answered within the turn. `first` is said before that."""

    form: TextForm
    first: tuple[Say, ...] = ()


@dataclass(frozen=True, slots=True)
class TextFinding:
    """A case number came, perhaps with groups; the look-up is answered within the turn."""

    form: TextForm
    message: Message


TextState = (
    TextOpening
    | TextCollecting
    | TextConfirming
    | TextAnswered
    | TextWaiting
    | TextWeighing
    | TextChecking
    | TextEscalating
    | TextFinding
    | TextWanting
    | TextReadingWish
    | TextRequesting
)
KEPT: tuple[type[TextState], ...] = (
    TextOpening, TextCollecting, TextConfirming, TextAnswered, TextWaiting, TextWanting,
)  # fmt: skip
"""The states in which a thread waits for its next text."""


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as a person writes them, three and more in a row with a hyphen; nothing of it needs translating."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
