"""What was done at the desk, in words: for the page of a case, and for the audit trail.

Rule: an entry reads as a sentence would, never as JSON; a detail without words of its own shows under its own name, so
that nothing is hidden.

>>> kind("groups_set"), detail({"rows": 12, "of_one_caller": True, "granted_to": None})
('corrected groups', 'rows: 12, of one caller: yes, granted to: nothing')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivr.desk_entries import Kind

KINDS = {
    Kind.LOGGED_IN: "logged in",
    Kind.LOGIN_FAILED: "failed to log in",
    Kind.LOGGED_OUT: "logged out",
    Kind.LOGIN_REVOKED: "ended a login",
    Kind.CLAIMED: "took the case",
    Kind.TAKEN_UP: "took the case up",
    Kind.RELEASED: "gave the case back",
    Kind.TRANSFERRED: "handed the case over",
    Kind.RETURNED: "case went back to the queue",
    Kind.GROUPS_SET: "corrected groups",
    Kind.HANDED_BACK: "handed the call back to the line",
    Kind.ISSUED: "activated",
    Kind.LET_THROUGH: "looked, and let it through",
    Kind.REFUSED: "refused",
    Kind.TEXTED: "sent a text",
    Kind.CALLED_BACK: "called back",
    Kind.TALKED: "talked to the caller",
    Kind.HELD: "put the caller on hold, or took them back",
    Kind.BROUGHT_IN: "asked a colleague to join the talk",
    Kind.NOTED: "noted",
    Kind.CLOSED: "closed the case",
    Kind.GRANTED: "granted activations",
    Kind.GRANT_ASKED: "asked for a grant",
    Kind.GRANT_DECIDED: "decided on a grant",
    Kind.KEY_UNBLOCKED: "opened a blocked key",
    Kind.MACHINE_LIFTED: "allowed a machine more reactivations",
    Kind.SHOWN: "had something hidden shown",
    Kind.EXPORTED: "exported a list",
    Kind.NOTICE: "changed a notice",
    Kind.CALLER_BLOCKED: "blocked a caller",
    Kind.CALLER_UNBLOCKED: "unblocked a caller",
    Kind.OPERATOR_CHANGED: "changed an operator",
    Kind.ALARM_SEEN: "saw an alarm",
    Kind.TOKEN_ISSUED: "issued a token",
    Kind.TOKEN_REVOKED: "revoked a token",
    Kind.CALLER_EXPORTED: "exported all that is kept about a caller",
    Kind.CALLER_ERASED: "erased a caller",
}


def kind(code: str) -> str:
    """What was done."""
    return KINDS.get(Kind(code), code) if code in set(Kind) else code


def detail(details: Mapping[str, Any] | None) -> str:
    """The details of an entry on one line."""
    return ", ".join(f"{name.replace('_', ' ')}: {_value(value)}" for name, value in (details or {}).items())


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(_value(each) for each in value)
    return str(value)
