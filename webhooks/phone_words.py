"""What the rehearsal page's telephone and machine say, in the language of the page.

Rule: the rehearsal speaks plain English to whoever runs it; what of that stands on the page has its words here, and
what has none stands as it came.

>>> wrong_blocks(InvalidConfirmationID((GroupFault(2, Fault.CHECK_DIGIT),)))
(('B', 'Block B does not fit its check digit; please look at it again.'),)
>>> call = {"turns": 1, "heard": 2.5, "keyed": 0.0, "waited": 0.8, "lost": 0, "differences": 0, "problems": 0}
>>> summary(call, twice=True)
'one turn, heard 2.5 s, keyed 0.0 s, waited 0.8 s, both deliveries answered alike.'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keys.confirmation_id import LETTERS, InvalidConfirmationID
from keys.groups import Fault, GroupFault
from webhooks.page_texts import Words, joined, later, ngettext
from webhooks.page_texts import gettext as _

NOTES = Words(
    {
        "(hangs up)": later("(hangs up)"),
        "(silence)": later("(silence)"),
        "(on hold, with music)": later("(on hold, with music)"),
        "(taken back from hold)": later("(taken back from hold)"),
        "cutting in": later("cutting in"),
        "lost: nobody was listening": later("lost: nobody was listening"),
        "the provider's own words": later("the provider's own words"),
    }
)
"""What a transcript says beside the words and the keys themselves."""


def note(english: str) -> str:
    """One note of a transcript, or words that are no note as they are."""
    return NOTES.get(english, english)


def summary(told: Mapping[str, Any], *, twice: bool) -> str:
    """How a call went, on one line; "" where it never began. `twice`: every request was delivered two times."""
    if not told.get("turns"):
        return ""
    parts = [
        ngettext("one turn", "%(count)s turns", told["turns"]),
        _("heard %(seconds)s s", seconds=str(told["heard"])),
        _("keyed %(seconds)s s", seconds=str(told["keyed"])),
        _("waited %(seconds)s s", seconds=str(told["waited"])),
    ]
    if told["lost"]:
        parts.append(ngettext("one key lost", "%(count)s keys lost", told["lost"]))
    if twice and told["differences"]:
        parts.append(ngettext("one answered differently", "%(count)s answered differently", told["differences"]))
    elif twice:
        parts.append(_("both deliveries answered alike"))
    if told["problems"]:
        parts.append(ngettext("one faulty document", "%(count)s faulty documents", told["problems"]))
    return _("%(parts)s.", parts=joined(parts))


def size(segments: int, encoding: str) -> str:
    """How long a text is, as it is paid for."""
    return ngettext("one segment, %(encoding)s", "%(count)s segments, %(encoding)s", segments, encoding=encoding)


def wrong_blocks(error: InvalidConfirmationID) -> tuple[tuple[str | None, str], ...]:
    """Each fault of a confirmation ID as the letter of its block and a sentence; no letter where it is the whole."""
    return tuple((None if fault.group is None else LETTERS[fault.group - 1], _why(fault)) for fault in error.faults)


def _why(fault: GroupFault) -> str:
    if fault.group is None:
        if fault.fault is Fault.LENGTH:
            return _("The whole has too few or too many digits.")
        return _("Every block fits, but the whole is not this machine's.")
    block = LETTERS[fault.group - 1]
    match fault.fault:
        case Fault.LENGTH:
            return ngettext(
                "Block %(block)s has one digit, not 6.",
                "Block %(block)s has %(count)s digits, not 6.",
                int(fault.found or 0),
                block=block,
            )
        case Fault.CHARACTER:
            return _("Block %(block)s has %(sign)s where a digit belongs.", block=block, sign=str(fault.found))
        case Fault.OTHER_PLACE if isinstance(fault.found, int):
            other = LETTERS[fault.found - 1]
            return _("Block %(block)s holds what belongs into block %(other)s.", block=block, other=other)
        case Fault.WHOLE_ID:
            return _("Block %(block)s should probably be %(digits)s.", block=block, digits=str(fault.found))
    return _("Block %(block)s does not fit its check digit; please look at it again.", block=block)
