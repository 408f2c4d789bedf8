"""The groups of a text message, put in their places beside those already in.

Rule: order decides, then the check digits; no group is given a place where it does not pass, and noise beside groups
destroys none of them.

>>> from ivr.message import read
>>> first = place(read("300217 156230 143815", {}), layout=None, known={}, asked=())
>>> first.layout.name, first.groups, first.wrong
('compact', {1: '300217', 2: '156230'}, (3,))
>>> place(read("sorry, 143814", {}), layout=first.layout, known=first.groups, asked=(3,)).groups
{3: '143814'}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ivr.digit_runs import Piece
from ivr.entry import Expected, read_groups
from ivr.lining_up import MOST, Places, Row, by_check, by_label, line_up
from ivr.message import Message
from keys.formats import FORMATS, GROUP_DIGITS, CheckRule, Format
from keys.groups import Fault, GroupFault, check_group, check_whole, place_of, reread_first, split
from keys.runs import SLIP, Reading, Run, alone

_STANDARD = FORMATS[1]
_VERHOEFF = tuple(layout for layout in FORMATS.values() if layout.check_rule is CheckRule.VERHOEFF)
_FEWEST = min(layout.groups for layout in _VERHOEFF)
_LONG = 16
"""From so many digits on, a run that does not come out in sixes is groups with digits lost or added: no telephone
number is as long."""
_MOST_DIGITS = 120


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the groups of a message belong.

    `layout` is the format, as far as it can be told by now; where this message tells it, groups in already whose
    numbers are beyond it were none. `groups` are this message's sound groups by number, to be put over those known.
    `faults` say how each group that came and does not pass is wrong, in order of their numbers. `run` is what a repair
    can be found from, where one slip may explain what is wrong. `unsure` are groups that only their check gave a place
    (one in ten by chance). `repeated` came once more. `digits`: the message held digits that could be groups at all.
    `another`: this is the ID of another machine, and what is known is not of it.
    """

    layout: Format | None
    groups: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[GroupFault, ...] = ()
    run: Run | None = None
    unsure: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    digits: bool = False
    another: bool = False

    @property
    def wrong(self) -> tuple[int, ...]:
        """The numbers of the groups that came and do not pass."""
        return tuple(fault.group for fault in self.faults if fault.group is not None)


def place(message: Message, *, layout: Format | None, known: Mapping[int, str], asked: tuple[int, ...]) -> Placed:
    """Put a message's groups in their places.

    `known` are the groups already in, by number; without a sound group 1 the `layout` may still be None, and numbers 7
    to 9 mean the standard one. `asked` are the numbers last asked for, in order; a known group that was `unsure` gives
    way to another if its number stands among them, last.
    """
    pieces = tuple(islice(_parted(message.runs), MOST))
    if not any(_could_be_group(piece, asked=bool(known or asked)) for piece in pieces):
        return Placed(layout)
    fresh = _placed(pieces, None, {}, ())
    if (known or layout is not None) and _is_another(fresh, layout, known):
        return replace(fresh, another=True)
    if not known and layout is None:
        return fresh if not asked else _placed(pieces, None, {}, asked)
    if len(pieces) == 1 and pieces[0].label is None:
        reread = _reread(pieces[0].digits, layout, known)
        if reread is not None:
            return reread
    return _placed(pieces, layout, known, asked)


def _parted(runs: tuple[tuple[Piece, ...], ...]) -> Iterator[Piece]:
    """All pieces of all runs; one that is several whole groups long is parted into them."""
    for run in runs:
        for piece in run:
            if len(piece.digits) % GROUP_DIGITS == 0 and len(piece.digits) <= _MOST_DIGITS:
                yield Piece(piece.digits[:GROUP_DIGITS], piece.label)
                yield from (Piece(group) for group in split(piece.digits[GROUP_DIGITS:]))
            else:
                yield piece


def _could_be_group(piece: Piece, *, asked: bool) -> bool:
    """Six digits, or long enough for several; where a group is expected, or by its label, also five or seven."""
    width = len(piece.digits)
    expected = asked or piece.label is not None
    return width == GROUP_DIGITS or width >= _LONG or (expected and abs(width - GROUP_DIGITS) <= 1)


def _is_another(fresh: Placed, layout: Format | None, known: Mapping[int, str]) -> bool:
    """Whether a message, read by itself, is an ID that what is known is no part of."""
    if fresh.layout is None or 1 not in fresh.groups or set(fresh.groups) <= set(fresh.unsure):
        return False
    whole = len(fresh.groups) + len(fresh.faults) >= fresh.layout.groups - 1
    differing = [number for number, group in fresh.groups.items() if known.get(number, group) != group]
    if layout is not None and layout is not fresh.layout:
        return whole and len(fresh.groups) >= fresh.layout.groups - 2
    complete = layout is not None and _is_whole(known, layout)
    return (whole and len(differing) > 1) or (complete and bool(differing))


def _reread(digits: str, layout: Format | None, known: Mapping[int, str]) -> Placed | None:
    """Group 2 fails at once: perhaps group 1 began with a slip that named another format. Then 1 is wrong, 2 in."""
    if layout is None or set(known) != {1} or len(digits) != GROUP_DIGITS or check_group(layout, 2, digits) is None:
        return None
    place_now = place_of(layout, digits)
    if place_now is not None and 2 < place_now <= layout.groups:
        return None  # a later group that came early is likelier
    reading = reread_first(known[1], digits)
    if reading is None:
        return None
    meant, _ = reading
    fault = GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found=known[1][0])
    return Placed(meant, {2: digits}, (fault,), alone(1, known[1]), digits=True)


@dataclass(frozen=True, slots=True)
class _Read:
    """One reading of a message: its row, and what a shifted run says of itself."""

    layout: Format
    row: Row
    run: Run | None = None
    unsure: tuple[int, ...] = ()
    labels: frozenset[int] = frozenset()


def _placed(pieces: Sequence[Piece], layout: Format | None, known: Mapping[int, str], asked: tuple[int, ...]) -> Placed:
    """The best reading of all formats that it can be."""
    if layout is not None:
        layouts: tuple[Format, ...] = (layout,)
    elif known:
        layouts = _VERHOEFF if max(known) <= _FEWEST else (_STANDARD,)
    else:
        layouts = tuple(sorted(FORMATS.values(), key=lambda one: not pieces[0].digits.startswith(str(one.number))))
    readings = []
    for one in layouts:
        readings.append(_read(pieces, one, known, asked))
        if not known and len(readings[-1].row.sound) == len(pieces) == one.groups:
            break  # a whole ID as it stands: no other reading can be better
    told = [read for read in readings if layout is not None or read.layout in _VERHOEFF or _is_classic(read.row)]
    best = max(told, key=lambda reading: (reading.row.worth, len(reading.row.sound) == reading.layout.groups))
    return _as_placed(best, layout, known, asked)


def _is_classic(row: Row) -> bool:
    """Whether groups that do not know their place can be told to be of that kind: by the first, or by many."""
    return 1 in row.sound or len(row.sound) > max(3, 2 * len(row.wrong))


def _read(pieces: Sequence[Piece], layout: Format, known: Mapping[int, str], asked: tuple[int, ...]) -> _Read:
    """How a message reads in this layout."""
    missing = tuple(number for number in range(1, layout.groups + 1) if number not in known)
    anchors = tuple(number for number in (1, *asked[:1], *missing[:1]) if number <= layout.groups)
    places = Places(layout, known, anchors)
    if any(piece.label is not None for piece in pieces):
        labelled = by_label(pieces, places)
        plain = line_up([piece.digits for piece in pieces], places)
        trusted = len(plain.sound) < len(labelled.sound) + 2
        labels = frozenset(piece.label for piece in pieces if piece.label is not None)
        return _Read(layout, labelled, labels=labels) if trusted else _Read(layout, plain)
    digits = [piece.digits for piece in pieces]
    if len(digits) == 1 and len(digits[0]) <= GROUP_DIGITS + 1:
        return _single(digits[0], places, asked)
    return _several(digits, places, asked)


def _single(digits: str, places: Places, asked: tuple[int, ...]) -> _Read:
    """One group without a label: where it fits what was asked, or else is missing; or it is the one asked, wrong."""
    layout = places.layout
    expected = [number for number in (*asked, *places.missing, 1) if number <= layout.groups]
    again = next((number for number, group in places.known.items() if group == digits), None)
    if again is not None and again not in asked:
        return _Read(layout, Row(1, {again: digits}))
    if layout.check_rule is not CheckRule.VERHOEFF:  # any place would do, so the one that was asked for does
        expected = expected[:1]
    fits = next((number for number in expected if places.passes(number, digits)), None)
    if fits is not None and (fits in asked or fits not in places.known):
        sure = fits == expected[0] and (bool(asked) or fits == 1)
        return _Read(layout, Row(2 + sure, {fits: digits}), unsure=() if sure else (fits,))
    return _Read(layout, Row(0, {}, {expected[0]: digits}))


def _several(digits: list[str], places: Places, asked: tuple[int, ...]) -> _Read:
    """Several pieces: as they came; by their checks alone, where order makes less sense; or shifted by a slip."""
    row = line_up(digits, places)
    read = _Read(places.layout, row, unsure=_by_chance(row, places))
    checked = by_check(digits, places)
    doubtful = len(row.sound) <= max(1, len(row.wrong))
    held = {**places.known, **checked.sound}
    complete = len(held) == places.layout.groups
    makes_whole = _is_whole(held, places.layout)
    if len(checked.sound) > len(row.sound) + (not doubtful and not makes_whole) and makes_whole == complete:
        elsewhere = () if complete else tuple(number for number in checked.sound if number not in row.sound)
        read = _Read(places.layout, checked, unsure=elsewhere)
    shifted = _shifted(digits, places, asked)
    in_sixes = all(
        len(piece) == GROUP_DIGITS for piece in digits
    )  # shifted by a digit lost and another added, if at all
    if shifted is not None and len(shifted.row.sound) > len(read.row.sound) + in_sixes:
        read = shifted
    return read


def _is_whole(held: Mapping[int, str], layout: Format) -> bool:
    """Whether these are all groups of an ID, and the whole passes its check."""
    return len(held) == layout.groups and check_whole(layout, [held[number] for number in sorted(held)]) is None


def _by_chance(row: Row, places: Places) -> tuple[int, ...]:
    """A single sound group among wrong ones, or where none was expected, may be sound by chance."""
    if len(row.sound) == 1 and (row.wrong or not set(row.sound) & set(places.anchors)):
        return tuple(row.sound)
    return ()


def _shifted(digits: Sequence[str], places: Places, asked: tuple[int, ...]) -> _Read | None:
    """The longest run, read with digits lost or added on the way."""
    run = max(digits, key=len)
    layout = places.layout
    if len(run) > _MOST_DIGITS or len(run) < GROUP_DIGITS + 2:
        if any(len(piece) != GROUP_DIGITS for piece in digits):
            return None
        run = "".join(digits)
    best: _Read | None = None
    for first in dict.fromkeys(places.anchors):
        entry = read_groups(layout, Expected(first, layout.groups, layout.digits), run, places.known)
        if entry.layout is not layout or entry.run is None:
            continue
        doubted = {number: _came(entry.run, number) for number in entry.run.doubted}
        likely = len(run) >= _LONG or {*entry.sound, *doubted} <= set(asked)
        if likely and len(entry.sound) > (len(best.row.sound) if best else 0) and len(entry.sound) >= len(doubted):
            row = Row(30 * len(entry.sound) - 20 * len(doubted), entry.sound, doubted)
            best = _Read(layout, row, entry.run, entry.unsure)
    return best


def _came(run: Run, number: int) -> str:
    """What came for a group in doubt, where all readings agree on it."""
    came = {reading.doubted.get(number, "") for reading in run.readings}
    return came.pop() if len(came) == 1 else ""


def _as_placed(read: _Read, layout: Format | None, known: Mapping[int, str], asked: tuple[int, ...]) -> Placed:
    """What a reading says, against what is known already."""
    row = read.row
    insisted = {*asked, *read.labels}
    otherwise_sound = len(row.sound) > 1 and not row.wrong and not read.unsure
    groups = {
        number: group
        for number, group in sorted(row.sound.items())
        if number in insisted or otherwise_sound or known.get(number, group) == group
    }
    wrong = {number: came for number, came in sorted(row.wrong.items()) if number in insisted or number not in known}
    held = {**known, **groups}
    return Placed(
        layout or _told(read, held),
        groups,
        tuple(_fault(read.layout, number, came, held) for number, came in wrong.items()),
        read.run or _run(wrong),
        tuple(number for number in read.unsure if number in groups and number not in known),
        tuple(number for number, group in groups.items() if known.get(number) == group),
        digits=True,
    )


def _told(read: _Read, held: Mapping[int, str]) -> Format | None:
    """The format, if these groups tell it: by the first of them, or by how many there are."""
    if 1 in held and check_group(read.layout, 1, held[1]) is None:
        return read.layout
    if read.layout.check_rule is not CheckRule.VERHOEFF:
        return read.layout
    return _STANDARD if any(number > _FEWEST for number in held) else None


def _fault(layout: Format, number: int, came: str, held: Mapping[int, str]) -> GroupFault:
    return check_group(layout, number, came, held) or GroupFault(number, Fault.CHECK_DIGIT)


def _run(wrong: Mapping[int, str]) -> Run | None:
    """What a repair looks at: the one group that is wrong, or two neighbours that may have swapped a digit."""
    widths = {len(came) for came in wrong.values()}
    first, *more = wrong or (0,)
    one = first and not more and widths <= {GROUP_DIGITS - 1, GROUP_DIGITS, GROUP_DIGITS + 1}
    two = more == [first + 1] and widths == {GROUP_DIGITS}
    return Run(SLIP, (Reading({}, wrong),)) if one or two else None
