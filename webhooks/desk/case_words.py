"""The words of a case's page: what was done, why something was not, and what the digits tell.

Rule: every outcome has its sentence here, and each says what can be done next where something can.

>>> from webhooks.desk.handling import NotDone, Why
>>> not_done(NotDone(Why.TAKEN, {"who": "Sofia Lind"}))
'Sofia Lind has this case.'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivr.desk_entries import Kind
from ivr.outbox import NoText
from ivr.text_states import ranges
from keys.groups import Fault
from webhooks.desk import words
from webhooks.desk.deciding import Hidden, Texting
from webhooks.desk.digits import Check, Digits, GroupSeen, Whole
from webhooks.desk.handling import LONGEST_REASON, Disposition, Done, NotDone, Why

DISPOSITIONS = {
    Disposition.ACTIVATED: "activated",
    Disposition.REFUSED: "refused",
    Disposition.CALLED_BACK: "called back",
    Disposition.NO_ANSWER: "no answer",
    Disposition.DUPLICATE: "the same as another case",
    Disposition.OTHER: "something else",
}
TEXTS = {
    Texting.CASE_NUMBER: "the case number",
    Texting.CONFIRMATION_ID: "the confirmation ID",
    Texting.GROUPS: "the groups to send again",
}
REFUSED_FOR = {
    "OPERATOR_REFUSED": "a person has looked at it and refuses",
    "KEY_BLOCKED": "the key is blocked",
    "ALLOWANCE_EXHAUSTED": "all activations of the key are used",
    "HOSTS_EXHAUSTED": "the host key has activated all its hosts",
    "HOST_REACTIVATIONS_EXHAUSTED": "this host was activated again as often as it may be",
    "TOO_MANY_REACTIVATIONS": "this machine was activated again as often as it may be",
    "AGREEMENT_INACTIVE": "the agreement is not in force",
    "PRODUCT_RETIRED": "the product is no longer activated anew",
}
HIDDEN = {Hidden.CONFIRMATION_ID: "confirmation ID", Hidden.NUMBER: "caller's number"}
UNSENT = {
    NoText.NO_SENDER: "this line sends no texts",
    NoText.OPTED_OUT: "this caller does not want texts",
    NoText.COUNTRY_NOT_ALLOWED: "this line sends no texts to their country",
    NoText.NOT_TEXTABLE: "their telephone takes no texts",
    NoText.LIMIT_NUMBER: "this number has had all the texts it may have today",
    NoText.LIMIT_PREFIX: "numbers like this one have had all the texts they may have today",
    NoText.LIMIT_COUNTRY: "their country has had all the texts it may have today",
    NoText.LIMIT_DAY: "the line has sent all the texts it may send today",
}
TEXT_PROMPTS = {
    "text.approved": "the confirmation ID",
    "text.case_from_call": "the case number",
    "text.case": "the case number",
    "text.more_given": "that more were given",
    "text.more_declined": "that no more were given",
    "text.wrong": "groups asked for again",
    "text.missing": "missing groups asked for",
    "text.whole": "the whole ID asked for again",
    "text.agent": "a call-back promised",
    "text.queued": "that a person comes to it",
    "text.in": "which groups are in",
    "text.waiting": "that the case waits",
}


def _ended(facts: Mapping[str, Any]) -> str:
    match facts.get("by"):
        case "line":
            return "the line tells the caller in a moment."
        case "text":
            return "the text is on its way, and the case is closed."
        case _:
            unsent = facts.get("not_sent")
            why = f" No text could be sent: {UNSENT.get(unsent, 'no number is known')}." if unsent else ""
            return f"nobody knows it yet.{why} Call the caller back, then close the case."


def _many(installations: int) -> str:
    return f", {installations} installations of this key" if installations > 1 else ""


def _word_back(facts: Mapping[str, Any]) -> str:
    """How a caller who asked hears of it."""
    if "not_told" in facts:
        why = UNSENT.get(facts["not_told"], "it may not be sent")
        return f" They wished to be told by text, and none goes out: {why}. A call-back is owed instead."
    return {
        "text": " They are told by text.",
        "call_back": " They are to be called with the answer: it stands among the call-backs.",
    }.get(facts.get("told_by", ""), "")


def _kept(facts: Mapping[str, Any]) -> str:
    changed = facts["groups"]
    kept = f"Kept: group {ranges(changed)}." if changed else "Nothing was different."
    if facts["missing"]:
        return f"{kept} Missing: {ranges(facts['missing'])}."
    return f"{kept} The ID is whole and genuine." if facts["genuine"] else f"{kept} The ID is whole, but not genuine."


_DID: dict[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.CLAIMED: lambda _: "The case is yours.",
    Kind.RELEASED: lambda _: "The case is back in the queue, at its old place.",
    Kind.TRANSFERRED: lambda facts: f"{facts['to']} has the case now.",
    Kind.NOTED: lambda _: "Noted.",
    Kind.GROUPS_SET: _kept,
    Kind.HANDED_BACK: lambda _: "The line goes on with the caller in a moment.",
    Kind.ISSUED: lambda facts: (
        ("Activated already, and nothing more is used; " if facts.get("again") else "Activated; ") + _ended(facts)
    ),
    Kind.LET_THROUGH: lambda facts: (
        "Let through; the line activates, and reads the confirmation ID."
        if facts["by"] == "line"
        else f"Let through{_many(facts.get('many', 1))}. Activate it, or let whoever asked come again."
    ),
    Kind.REFUSED: lambda facts: "Refused; " + _ended(facts),
    Kind.TEXTED: lambda facts: f"A text with {TEXTS[facts['what']]} is on its way.",
    Kind.CALLED_BACK: lambda facts: (
        "Noted: the caller was reached, and no call-back is owed any more."
        if facts["reached"]
        else f"Noted: not reached, try {facts['tries']}."
    ),
    Kind.CLOSED: lambda facts: f"Closed: {DISPOSITIONS[facts['disposition']]}.",
    Kind.SHOWN: lambda facts: f"The {HIDDEN[facts['what']]} is shown, and that is written down.",
    Kind.GRANTED: lambda facts: f"{facts['amount']} more activations for key …{facts['key']}.",
    Kind.GRANT_ASKED: lambda facts: f"{facts['amount']} is more than you may grant alone. A supervisor was asked.",
    Kind.GRANT_DECIDED: lambda facts: (
        f"{facts['decision'].capitalize()}: {facts['amount']} for key …{facts['key']}, asked by {facts['asked_by']}."
        + _word_back(facts)
    ),
    Kind.KEY_UNBLOCKED: lambda facts: f"Key …{facts['key']} is open again.",
    Kind.MACHINE_LIFTED: lambda facts: (
        f"This machine may be activated again {'once' if facts['more'] == 1 else str(facts['more']) + ' times'} more "
        "in its period."
    ),
}


_WHY: dict[Why, Callable[[Mapping[str, Any]], str]] = {
    Why.NO_SUCH: lambda _: "There is no such case.",
    Why.TAKEN: lambda facts: f"{facts['who']} has this case.",
    Why.NOT_CLAIMED: lambda _: "Nobody has this case. Claim it first.",
    Why.DECIDED: lambda facts: (
        f"{facts['who'] or 'Somebody'} has decided this case, and the line is telling the caller."
    ),
    Why.ENDED: lambda facts: f"This case has ended{' with ' + facts['who'] if facts.get('who') else ''}.",
    Why.NOT_ALLOWED: lambda _: "That is for whoever has the case, or for a supervisor.",
    Why.NO_REASON: lambda _: f"Write why, in at most {LONGEST_REASON} signs.",
    Why.LONG_NUMBER: lambda _: "Leave IDs and telephone numbers out of what you write: it is kept for good.",
    Why.UNREADABLE: lambda _: "The form could not be read. Load the page again.",
    Why.NO_OPERATOR: lambda _: "Choose whom to hand the case over to.",
    Why.FAULTY: lambda facts: "Nothing was kept: " + faulty(facts["seen"]),
    Why.ACTIVATED: lambda _: "This case has its activation. Other groups are another installation, and another case.",
    Why.HELD: lambda facts: (
        f"Look at this first: {'; '.join(facts['reasons'])}. Whoever activates it after that says that it is right."
    ),
    Why.CALLER_GONE: lambda _: "The caller is not on the line any more. Text them, or call back.",
    Why.INCOMPLETE: lambda _: "The ID is not whole yet, or does not fit together.",
    Why.NOT_GENUINE: lambda facts: f"The ID was not made with a key of ours ({words.reason(facts.get('refusal'))}).",
    Why.REFUSED: lambda facts: f"The ledger refuses: {words.reason(facts['refusal'])}.",
    Why.NO_NUMBER: lambda _: "No number of this caller is known.",
    Why.NOT_SENT: lambda facts: f"No text was sent: {UNSENT[facts['text']]}.",
    Why.NOT_ACTIVATED: lambda _: "There is no confirmation ID yet.",
    Why.NOTHING_MISSING: lambda _: "No group is missing. Choose those to ask for again.",
    Why.OUT_OF_RANGE: lambda facts: f"That is not possible for this key: from 1 to {facts['highest']}.",
    Why.ASKED_BEFORE: lambda _: "A supervisor was asked for this key already, and has not decided yet.",
    Why.OWN_REQUEST: lambda _: "You asked for this yourself: somebody else decides.",
    Why.LIMIT: lambda facts: f"You may give {facts['highest']} to this agreement just now. Ask an administrator.",
    Why.NOT_WAITING: lambda _: "This was decided already.",
    Why.NOT_BLOCKED: lambda _: "The key is not blocked.",
    Why.NOT_REACHED: lambda _: "This machine has not come to its bound, or somebody has just allowed it more.",
    Why.NOT_HELD: lambda _: "This activation is not held, or was let through already.",
}


def done(outcome: Done) -> str:
    """What was done."""
    return _DID[outcome.kind](outcome.facts)


def not_done(outcome: NotDone) -> str:
    """Why nothing was done."""
    return _WHY[outcome.why](outcome.facts)


def check(group: GroupSeen) -> str:
    """What is known of one group, in words; never by colour alone."""
    fault = group.fault
    if group.check is Check.DOES_NOT_FIT and fault is not None:
        match fault.fault:
            case Fault.LENGTH:
                return f"{fault.found} digits, not six"
            case Fault.CHARACTER:
                return f"{fault.found} is no digit"
            case Fault.OTHER_PLACE:
                return f"these are the digits of group {fault.found}"
            case Fault.UNKNOWN_FORMAT:
                return f"no ID begins with {fault.found}"
    return {
        Check.MISSING: "missing",
        Check.FITS: "fits",
        Check.DOES_NOT_FIT: "does not fit: a digit is wrong",
        Check.UNCHECKED: "cannot be checked before group 1 is in",
    }[group.check]


def faulty(seen: Digits) -> str:
    """Why groups were not kept."""
    if seen.whole is Whole.TOO_LONG:
        return "these are more digits than the ID has."
    if seen.layout is None:
        return "group 1 does not begin as an ID does."
    wrong = [each.number for each in seen.groups if each.check is Check.DOES_NOT_FIT]
    if wrong:
        return f"group {ranges(wrong)} {'does' if len(wrong) == 1 else 'do'} not fit."
    return f"of the whole ID, group {ranges(seen.missing)} is missing."


def whole(seen: Digits) -> str:
    """What is known of the ID as a whole."""
    match seen.whole:
        case Whole.INCOMPLETE:
            return "not whole yet"
        case Whole.TOO_LONG:
            return "more digits than the ID has"
        case Whole.DOES_NOT_FIT if seen.located is not None:
            number, meant = seen.located
            return f"the groups do not fit together; they would if group {number} were {meant}"
        case Whole.DOES_NOT_FIT:
            return "each group fits, but not all of them together"
        case Whole.FITS:
            return "fits"


def texted(prompts: tuple[str, ...]) -> str:
    """What a text was about."""
    named = [TEXT_PROMPTS.get(prompt) for prompt in prompts]
    told = list(dict.fromkeys(name for name in named if name))
    refused = [
        REFUSED_FOR.get(prompt.removeprefix("reason."), "why not") for prompt in prompts if prompt.startswith("reason.")
    ]
    return ", ".join([*refused, *told]) or "an answer"
