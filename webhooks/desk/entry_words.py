"""What was done at the desk, in words: for the page of a case, and for the audit trail.

Rule: an entry reads as a sentence would, never as JSON; a detail without words of its own shows under its own name, so
that nothing is hidden.

>>> kind("groups_set"), detail({"rows": 12, "of_one_caller": True, "granted_to": None})
('corrected groups', 'rows: 12, of one caller: yes, granted to: nothing')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivr.desk_entries import Kind
from webhooks.desk.words import BLOCKED_FOR, channel, ending, reason
from webhooks.page_texts import Words, joined, later
from webhooks.page_texts import gettext as _

KINDS = Words(
    {
        Kind.LOGGED_IN: later("logged in"),
        Kind.LOGIN_FAILED: later("failed to log in"),
        Kind.LOGGED_OUT: later("logged out"),
        Kind.LOGIN_REVOKED: later("ended a login"),
        Kind.CLAIMED: later("took the case"),
        Kind.TAKEN_UP: later("took the case up"),
        Kind.RELEASED: later("gave the case back"),
        Kind.TRANSFERRED: later("handed the case over"),
        Kind.RETURNED: later("case went back to the queue"),
        Kind.GROUPS_SET: later("corrected groups"),
        Kind.HANDED_BACK: later("handed the call back to the line"),
        Kind.ISSUED: later("activated"),
        Kind.LET_THROUGH: later("looked, and let it through"),
        Kind.REFUSED: later("refused"),
        Kind.TEXTED: later("sent a text"),
        Kind.CALLED_BACK: later("called back"),
        Kind.TALKED: later("talked to the caller"),
        Kind.HELD: later("put the caller on hold, or took them back"),
        Kind.BROUGHT_IN: later("asked a colleague to join the talk"),
        Kind.NOTED: later("noted"),
        Kind.CLOSED: later("closed the case"),
        Kind.GRANTED: later("granted activations"),
        Kind.GRANT_ASKED: later("asked for a grant"),
        Kind.GRANT_DECIDED: later("decided on a grant"),
        Kind.KEY_UNBLOCKED: later("opened a blocked key"),
        Kind.MACHINE_LIFTED: later("allowed a machine more reactivations"),
        Kind.SHOWN: later("had something hidden shown"),
        Kind.EXPORTED: later("exported a list"),
        Kind.NOTICE: later("changed a notice"),
        Kind.CALLER_BLOCKED: later("blocked a caller"),
        Kind.CALLER_UNBLOCKED: later("unblocked a caller"),
        Kind.OPERATOR_CHANGED: later("changed an operator"),
        Kind.ALARM_SEEN: later("saw an alarm"),
        Kind.GUESSES_PARDONED: later("let somebody who guessed try again"),
        Kind.TOKEN_ISSUED: later("issued a token"),
        Kind.TOKEN_REVOKED: later("revoked a token"),
        Kind.CALLER_EXPORTED: later("exported all that is kept about a caller"),
        Kind.CALLER_ERASED: later("erased a caller"),
    }
)


NAMES = Words(
    {
        "address": later("address"),
        "again": later("again"),
        "alarm": later("alarm"),
        "amount": later("amount"),
        "asked_by": later("asked by"),
        "because": later("because"),
        "by": later("told by"),
        "caller": later("caller"),
        "channel": later("channel"),
        "cases_returned": later("cases given back"),
        "decision": later("decision"),
        "disabled": later("disabled"),
        "disposition": later("ended with"),
        "grant_limit": later("grant limit"),
        "granted_to": later("granted to"),
        "groups": later("groups"),
        "had": later("who had it"),
        "held_for": later("held for"),
        "key": later("key"),
        "line": later("line"),
        "logins": later("logins"),
        "logins_ended": later("logins ended"),
        "many": later("how many"),
        "missing": later("missing"),
        "more": later("more"),
        "not_sent": later("not sent"),
        "not_told": later("not told"),
        "of": later("of"),
        "of_one_caller": later("of one caller"),
        "on_call": later("on call"),
        "on_hold": later("on hold"),
        "operator": later("operator"),
        "outcome": later("outcome"),
        "phone": later("telephone"),
        "points": later("points"),
        "prefix": later("block of numbers"),
        "product": later("product"),
        "reached": later("reached"),
        "role": later("role"),
        "rows": later("rows"),
        "serial": later("serial"),
        "switched": later("switched"),
        "times": later("times"),
        "to": later("to"),
        "told_by": later("told by"),
        "token": later("token"),
        "tries": later("tries"),
        "try": later("try"),
        "until": later("until"),
        "what": later("what"),
        "whom": later("whom"),
        "whose": later("whose"),
        "words": later("words"),
    }
)
"""What a detail is about, by the name it is kept under."""
VALUES = Words(
    {
        "all": later("all"),
        "approved": later("approved"),
        "declined": later("declined"),
        "line": later("the line"),
        "text": later("text"),
        "call_back": later("call-back"),
        "nobody": later("nobody"),
        "telephone": later("telephone"),
        "operator": later("operator"),
        "operator's browser": later("operator's browser"),
        "caller": later("caller"),
        "talked": later("talked"),
        "gone": later("the other side had gone"),
        "no_key": later("no key was pressed"),
        "no_answer": later("no answer"),
        "busy": later("busy"),
        "failed": later("failed"),
        "unknown": later("not known"),
        "off": later("off"),
        "on": later("on"),
        "set": later("set"),
        "taken away": later("taken away"),
        "case_number": later("the case number"),
        "confirmation_id": later("the confirmation ID"),
        "confirmation id": later("the confirmation ID"),
        "number": later("caller's number"),
        "number of a blocked caller": later("number of a blocked caller"),
        **{BLOCKED_FOR.english(days): BLOCKED_FOR.english(days) for days in BLOCKED_FOR},
    }
)
"""What is kept as one of a few words; names, numbers and what somebody wrote show as they are."""


_OF_FEW = {"by", "decision", "line", "outcome", "phone", "switched", "told_by", "until", "what", "whose"}
"""Details whose values are among VALUES."""
_CODES: Mapping[str, Callable[[str], str]] = {"because": reason, "channel": channel, "disposition": ending}
"""Details whose values are codes with words of their own."""


def kind(code: str) -> str:
    """What was done."""
    return KINDS.get(Kind(code), code) if code in set(Kind) else code


def detail(details: Mapping[str, Any] | None) -> str:
    """The details of an entry on one line."""
    return joined(
        _("%(name)s: %(value)s", name=NAMES.get(name, name.replace("_", " ")), value=_value(name, value))
        for name, value in (details or {}).items()
    )


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return " ".join(_value(name, each) for each in value)
    if name in _CODES:
        return _CODES[name](str(value))
    return VALUES.get(value, str(value)) if name in _OF_FEW else str(value)
