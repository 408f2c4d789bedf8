"""What came of a deed, in words: what was done, or why nothing was.

Rule: every outcome has its sentence here, and each says what can be done next where something can.

>>> from webhooks.desk.handling import NotDone, Why
>>> not_done(NotDone(Why.TAKEN, {"who": "Sofia Lind"}))
'Sofia Lind has this case.'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivr.desk_entries import Kind
from ivr.grant_requests import GrantState
from ivr.text_states import ranges
from webhooks.desk import sign_words, words
from webhooks.desk.case_words import UNSENT, faulty
from webhooks.desk.deciding import Hidden, Texting
from webhooks.desk.handling import LONGEST_REASON, Done, NotDone, Why
from webhooks.page_texts import Words, later, ngettext
from webhooks.page_texts import gettext as _

_TEXTED = Words(
    {
        Texting.CASE_NUMBER: later("A text with the case number is on its way."),
        Texting.CONFIRMATION_ID: later("A text with the confirmation ID is on its way."),
        Texting.GROUPS: later("A text with the groups to send again is on its way."),
    }
)
_SHOWN = Words(
    {
        Hidden.CONFIRMATION_ID: later("The confirmation ID is shown, and that is written down."),
        Hidden.NUMBER: later("The caller's number is shown, and that is written down."),
    }
)


def _ended(what: str, facts: Mapping[str, Any]) -> str:
    """A deed that ends a case, and who learns of it how."""
    match facts.get("by"):
        case "line":
            return _("%(done)s The line tells the caller in a moment.", done=what)
        case "text":
            return _("%(done)s The text is on its way, and the case is closed.", done=what)
    unsent = facts.get("not_sent")
    if unsent is None:
        return _("%(done)s Nobody knows it yet. Call the caller back, then close the case.", done=what)
    return _(
        "%(done)s Nobody knows it yet. No text could be sent: %(why)s. Call the caller back, then close the case.",
        done=what,
        why=UNSENT.get(unsent, _("no number is known")),
    )


def _issued(facts: Mapping[str, Any]) -> str:
    again = _("Activated already, and nothing more is used.") if facts.get("again") else _("Activated.")
    return _ended(again, facts)


def _let_through(facts: Mapping[str, Any]) -> str:
    if facts["by"] == "line":
        return _("Let through; the line activates, and reads the confirmation ID.")
    return ngettext(
        "Let through. Activate it, or let whoever asked come again.",
        "Let through, %(count)s installations of this key. Activate them, or let whoever asked come again.",
        facts.get("many", 1),
    )


def _decided(facts: Mapping[str, Any]) -> str:
    told = {"key": _key(facts), "who": facts["asked_by"]}
    if facts["decision"] == GrantState.APPROVED:
        said = ngettext(
            "Approved: one activation for key %(key)s, asked by %(who)s.",
            "Approved: %(count)s activations for key %(key)s, asked by %(who)s.",
            facts["amount"],
            **told,
        )
    else:
        said = ngettext(
            "Declined: one activation for key %(key)s, asked by %(who)s.",
            "Declined: %(count)s activations for key %(key)s, asked by %(who)s.",
            facts["amount"],
            **told,
        )
    return f"{said} {back}" if (back := _word_back(facts)) else said


def _word_back(facts: Mapping[str, Any]) -> str:
    """How a caller who asked hears of it."""
    if "not_told" in facts:
        why = UNSENT.get(facts["not_told"], _("it may not be sent"))
        return _("They wished to be told by text, and none goes out: %(why)s. A call-back is owed instead.", why=why)
    return {
        "text": _("They are told by text."),
        "call_back": _("They are to be called with the answer: it stands among the call-backs."),
    }.get(facts.get("told_by", ""), "")


def _key(facts: Mapping[str, Any]) -> str:
    """The last five of a key, as they stand for it."""
    return f"…{facts['key']}"


def _kept(facts: Mapping[str, Any]) -> str:
    changed = facts["groups"]
    kept = _("Kept: group %(groups)s.", groups=ranges(changed)) if changed else _("Nothing was different.")
    if facts["missing"]:
        return f"{kept} {_('Missing: %(groups)s.', groups=ranges(facts['missing']))}"
    whole = _("The ID is whole and genuine.") if facts["genuine"] else _("The ID is whole, but not genuine.")
    return f"{kept} {whole}"


def _called_back(facts: Mapping[str, Any]) -> str:
    if facts["reached"]:
        return _("Noted: the caller was reached, and no call-back is owed any more.")
    return _("Noted: not reached, try %(number)s.", number=facts["tries"])


_DONE = Words(
    {
        Kind.CLAIMED: later("The case is yours."),
        Kind.RELEASED: later("The case is back in the queue, at its old place."),
        Kind.NOTED: later("Noted."),
        Kind.HANDED_BACK: later("The line goes on with the caller in a moment."),
    }
)
_DID: dict[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.TRANSFERRED: lambda facts: _("%(who)s has the case now.", who=facts["to"]),
    Kind.GROUPS_SET: _kept,
    Kind.ISSUED: _issued,
    Kind.LET_THROUGH: _let_through,
    Kind.REFUSED: lambda facts: _ended(_("Refused."), facts),
    Kind.TEXTED: lambda facts: _TEXTED[facts["what"]],
    Kind.CALLED_BACK: _called_back,
    Kind.CLOSED: lambda facts: _("Closed: %(how)s.", how=words.ending(facts["disposition"])),
    Kind.SHOWN: lambda facts: _SHOWN[facts["what"]],
    Kind.GRANTED: lambda facts: ngettext(
        "One more activation for key %(key)s.",
        "%(count)s more activations for key %(key)s.",
        facts["amount"],
        key=_key(facts),
    ),
    Kind.GRANT_ASKED: lambda facts: _(
        "%(amount)s is more than you may grant alone. A supervisor was asked.", amount=facts["amount"]
    ),
    Kind.GRANT_DECIDED: _decided,
    Kind.KEY_UNBLOCKED: lambda facts: _("Key %(key)s is open again.", key=_key(facts)),
    Kind.MACHINE_LIFTED: lambda facts: ngettext(
        "This machine may be activated again once more in its period.",
        "This machine may be activated again %(count)s times more in its period.",
        facts["more"],
    ),
}


_NOT_DONE = Words(
    {
        Why.NO_SUCH: later("There is no such case."),
        Why.NOT_CLAIMED: later("Nobody has this case. Claim it first."),
        Why.NOT_ALLOWED: later("That is for whoever has the case, or for a supervisor."),
        Why.LONG_NUMBER: later("Leave IDs and telephone numbers out of what you write: it is kept for good."),
        Why.UNREADABLE: later("The form could not be read. Load the page again."),
        Why.NO_OPERATOR: later("Choose whom to hand the case over to."),
        Why.ACTIVATED: later("This case has its activation. Other groups are another installation, and another case."),
        Why.CALLER_GONE: later("The caller is not on the line any more. Text them, or call back."),
        Why.INCOMPLETE: later("The ID is not whole yet, or does not fit together."),
        Why.NO_NUMBER: later("No number of this caller is known."),
        Why.NOT_ACTIVATED: later("There is no confirmation ID yet."),
        Why.NOTHING_MISSING: later("No group is missing. Choose those to ask for again."),
        Why.ASKED_BEFORE: later("A supervisor was asked for this key already, and has not decided yet."),
        Why.OWN_REQUEST: later("You asked for this yourself: somebody else decides."),
        Why.NOT_WAITING: later("This was decided already."),
        Why.NOT_BLOCKED: later("The key is not blocked."),
        Why.NOT_REACHED: later("This machine has not come to its bound, or somebody has just allowed it more."),
        Why.NOT_HELD: later("This activation is not held, or was let through already."),
    }
)
_WHY: dict[Why, Callable[[Mapping[str, Any]], str]] = {
    Why.TAKEN: lambda facts: _("%(who)s has this case.", who=facts["who"]),
    Why.DECIDED: lambda facts: _(
        "%(who)s has decided this case, and the line is telling the caller.", who=facts["who"] or _("Somebody")
    ),
    Why.ENDED: lambda facts: (
        _("This case has ended with %(who)s.", who=facts["who"]) if facts.get("who") else _("This case has ended.")
    ),
    Why.NO_REASON: lambda _facts: _("Write why, in at most %(most)s signs.", most=LONGEST_REASON),
    Why.FAULTY: lambda facts: faulty(facts["seen"]),
    Why.HELD: lambda facts: _(
        "Look at this first: %(reasons)s. Whoever activates it after that says that it is right.",
        reasons=sign_words.together(facts["score"]) if facts["score"] is not None else "",
    ),
    Why.NOT_GENUINE: lambda facts: _(
        "The ID was not made with a key of ours (%(why)s).", why=words.reason(facts.get("refusal"))
    ),
    Why.REFUSED: lambda facts: _("The ledger refuses: %(why)s.", why=words.reason(facts["refusal"])),
    Why.NOT_SENT: lambda facts: _("No text was sent: %(why)s.", why=UNSENT[facts["text"]]),
    Why.OUT_OF_RANGE: lambda facts: _(
        "That is not possible for this key: from 1 to %(highest)s.", highest=facts["highest"]
    ),
    Why.LIMIT: lambda facts: _(
        "You may give %(highest)s to this agreement just now. Ask an administrator.", highest=facts["highest"]
    ),
}


def done(outcome: Done) -> str:
    """What was done."""
    return _DONE[outcome.kind] if outcome.kind in _DONE else _DID[outcome.kind](outcome.facts)


def not_done(outcome: NotDone) -> str:
    """Why nothing was done."""
    return _NOT_DONE[outcome.why] if outcome.why in _NOT_DONE else _WHY[outcome.why](outcome.facts)
