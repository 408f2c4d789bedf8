"""What the digits of a case say: each group's check, the whole ID's, and whether the ID is genuine.

Rule: looking changes nothing and asks no database, so that it may be done at every key that an operator presses.

>>> from keys.secrets_file import Secrets
>>> nothing = Secrets({}, b"l" * 32, b"c" * 32, b"n" * 32, b"p" * 32)
>>> seen = look(3, ("300217", "156231", "", "", "", ""), nothing)
>>> [each.check.value for each in seen.groups][:3], seen.whole.value, seen.missing
(['fits', 'does_not_fit', 'missing'], 'incomplete', (3, 4, 5, 6))
>>> whole = look(*typed("300217-156230-143814 105201 518906 275657", {}, None), nothing)
>>> whole.whole.value, whole.refusal.value
('fits', 'PRODUCT_UNKNOWN')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ivr.weighing import decoded
from keys import ledger
from keys.errors import BadInput
from keys.formats import FORMATS, GROUP_DIGITS, Format
from keys.groups import GroupFault, check_groups, check_whole, digits_of, format_of, split
from keys.installation_id import InstallationID
from keys.refusals import Refusal
from keys.secrets_file import Secrets

MOST_GROUPS = max(fmt.groups for fmt in FORMATS.values())
LONGEST = 200
"""Signs of one field that are read at all: a whole ID in the widest spelling has fewer."""


class Check(StrEnum):
    """What is known of one group."""

    MISSING = "missing"
    FITS = "fits"
    DOES_NOT_FIT = "does_not_fit"
    UNCHECKED = "unchecked"
    """The format is not known before group 1 is in."""


class Whole(StrEnum):
    """What is known of the whole ID."""

    INCOMPLETE = "incomplete"
    """A group is missing, or does not fit."""
    FITS = "fits"
    DOES_NOT_FIT = "does_not_fit"
    """Every group fits, and not all of them together."""
    TOO_LONG = "too_long"
    """There are more digits than the format has."""


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """One group; `digits` as they were given, `fault` what is wrong with them."""

    number: int
    digits: str
    check: Check
    fault: GroupFault | None = None


@dataclass(frozen=True, slots=True)
class Digits:
    """All that the digits tell.

    `located` is the one group, with its right digits, that would mend the whole. Once all fits, `iid` is the ID, and it
    is genuine under `generation` or else `refusal` says why it is not.
    """

    layout: Format | None
    groups: tuple[GroupSeen, ...]
    whole: Whole
    located: tuple[int, str] | None = None
    iid: InstallationID | None = None
    generation: int | None = None
    refusal: Refusal | None = None

    @property
    def plain(self) -> tuple[str, ...]:
        """The groups as a case keeps them."""
        return tuple(each.digits for each in self.groups)

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the groups that are not in."""
        return tuple(each.number for each in self.groups if each.check is Check.MISSING)

    @property
    def sound(self) -> bool:
        """Whether whatever is in fits its place: then it may be kept."""
        checks = {each.check for each in self.groups}
        return self.whole is not Whole.TOO_LONG and checks <= {Check.FITS, Check.MISSING} and self.layout is not None

    @property
    def genuine(self) -> bool:
        """Whether the ID was made with a key of ours."""
        return self.generation is not None


def typed(whole: str, by_number: Mapping[int, str], layout: int | None) -> tuple[int | None, tuple[str, ...]]:
    """The format's number and the groups that an operator typed: a whole ID in any spelling, else group by group.

    `layout` is the number of the format that the case has; the first digit of group 1, where it is in, overrules it.
    """
    if whole.strip():
        groups = split(_digits(whole[:LONGEST]))
    else:
        highest = max((number for number, text in by_number.items() if text.strip()), default=0)
        groups = tuple(_digits(by_number.get(number, "")[:LONGEST]) for number in range(1, highest + 1))
    named = format_of(groups[0]) if groups else None
    return (named.number if named is not None else layout if not (groups and groups[0]) else None), groups


def look(layout: int | None, groups: tuple[str, ...], secrets: Secrets) -> Digits:
    """What these groups tell, by place and "" where one is missing; `layout` is the number of their format."""
    fmt = FORMATS.get(layout) if layout is not None else None
    if fmt is None:
        return Digits(None, _unchecked(groups), Whole.INCOMPLETE)
    longer = any(groups[fmt.groups :])
    padded = (*groups[: fmt.groups], *("",) * (fmt.groups - len(groups)))
    faults = {fault.group: fault for fault in check_groups(fmt, padded)}
    seen = tuple(_seen(number, digits, faults.get(number)) for number, digits in enumerate(padded, 1))
    if longer:
        return Digits(fmt, seen, Whole.TOO_LONG)
    if any(each.check is not Check.FITS for each in seen):
        return Digits(fmt, seen, Whole.INCOMPLETE)
    fault = check_whole(fmt, padded)
    iid = None if fault is not None else decoded(padded)
    if iid is None:
        return Digits(fmt, seen, Whole.DOES_NOT_FIT, located=fault.located if fault is not None else None)
    known = ledger.identify(iid, secrets)
    if isinstance(known, ledger.Refused):
        return Digits(fmt, seen, Whole.FITS, iid=iid, refusal=known.refusal)
    return Digits(fmt, seen, Whole.FITS, iid=iid, generation=known.generation)


def _unchecked(groups: tuple[str, ...]) -> tuple[GroupSeen, ...]:
    """Without a format there are as many places as any format has, and no check but that a group is six digits."""
    padded = (*groups[:MOST_GROUPS], *("",) * (MOST_GROUPS - len(groups)))
    return tuple(
        GroupSeen(number, digits, _shape(number, digits) if digits else Check.MISSING)
        for number, digits in enumerate(padded, 1)
    )


def _shape(number: int, digits: str) -> Check:
    six = len(digits) == GROUP_DIGITS and digits.isascii() and digits.isdigit()
    return Check.UNCHECKED if six and number > 1 else Check.DOES_NOT_FIT


def _seen(number: int, digits: str, fault: GroupFault | None) -> GroupSeen:
    if not digits:
        return GroupSeen(number, "", Check.MISSING)
    return GroupSeen(number, digits, Check.FITS if fault is None else Check.DOES_NOT_FIT, fault)


def _digits(text: str) -> str:
    """The digits of a text; a text with other signs as it is, for its fault to be named."""
    try:
        return digits_of(text)
    except BadInput:
        return "".join(text.split())
