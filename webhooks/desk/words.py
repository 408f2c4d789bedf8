"""The desk's words for what the program calls by codes: reasons, channels, presences, where a call is.

Rule: an operator reads plain words, never a code; a code without words shows as itself, so that nothing is hidden.

>>> reason("ALLOWANCE_EXHAUSTED")
'no activations left on the key'
>>> minutes(95), minutes(120), minutes(3700)
('1 min 35 s', '2 min', '1 h 1 min')
>>> language("en-US"), language("de-DE")
('English', 'German')
"""

from __future__ import annotations

from babel import Locale

from ivr import states
from ivr.operators import Presence, Role
from keys.alarms import AlarmKind

REASONS = {
    "ASKED": "asked for a person",
    "TRIES": "three wrong tries at a group",
    "SILENT": "stopped keying",
    "NO_KEYS": "no keys arrive from this phone",
    "WHOLE_ID": "groups fit, the whole ID does not",
    "KEY_UNKNOWN": "key not known",
    "PROOF_WRONG": "proof of the key is wrong",
    "KEY_BLOCKED": "key is blocked",
    "ALLOWANCE_EXHAUSTED": "no activations left on the key",
    "HOSTS_EXHAUSTED": "host key has all its hosts",
    "HOST_REACTIVATIONS_EXHAUSTED": "host was activated again too often",
    "TOO_MANY_REACTIVATIONS": "this machine was activated again too often",
    "AGREEMENT_INACTIVE": "agreement is not active",
    "CHANNEL_NOT_ALLOWED": "not allowed on this channel",
    "LICENSING_NOT_ALLOWED": "key is not for copies of this kind",
    "PRODUCT_RETIRED": "product is retired",
    "IID_RETURNED": "this activation was given back",
    "TOO_MANY_TRIES": "too many tries by this caller",
    "KEY_EXPIRED": "key has run out",
    "KEY_TYPE_NOT_ALLOWED": "not a key of the kind that is activated",
    "PRODUCT_UNKNOWN": "product not known",
    "FORMAT_NOT_OF_PRODUCT": "ID does not fit the product",
    "HELD_FOR_REVIEW": "held for a look before it is activated",
    "TAKEN_UP": "taken up by an operator",
    "HOLD_GONE": "waited too long, the activation is free again",
}
BLOCKED_FOR = {"1": "a day", "7": "7 days", "30": "30 days", "": "until it is lifted"}
"""For how many days a caller may be blocked, and how that is called."""
ENDINGS = {
    "activated": "activated",
    "issued": "activated, read by the line",
    "refused": "refused",
    "back": "handed back to the line",
    "talk": "talked to",
    "called_back": "called back",
    "no_answer": "no answer",
    "duplicate": "the same as another case",
    "went_on": "went on alone",
    "other": "something else",
}
"""How a stay in the queue ends: an operator's disposition, or else what the line took up."""
CHANNELS = {"phone": "call", "text": "text", "operator": "operator", "api": "API", "proxy": "proxy file"}
ALARMS = {AlarmKind.SERIAL_NEVER_ISSUED: "a sound proof on a serial that was never issued"}
PRESENCES = {
    Presence.AVAILABLE: "Available",
    Presence.AWAY: "Away",
    Presence.WRAPPING_UP: "Wrapping up",
    Presence.OFF: "Off",
}
ROLES = {Role.OPERATOR: "Operator", Role.SUPERVISOR: "Supervisor", Role.ADMINISTRATOR: "Administrator"}


PLACES: dict[type, str] = {
    states.Opening: "at the first prompt",
    states.AskingCase: "keying a case number",
    states.FindingCase: "keying a case number",
    states.Checking: "all groups in, being checked",
    states.Weighing: "a slip is being looked for",
    states.ReadingBack: "hears the confirmation ID",
    states.WayOn: "stuck, hears the ways on",
    states.AskingNumber: "keying a number to be called at",
    states.ConfirmingNumber: "confirms a number to be called at",
    states.AskingMobile: "keying a number to be texted at",
    states.ConfirmingMobile: "confirms a number to be texted at",
    states.Texting: "is being texted",
    states.AskingAgreement: "keying an agreement number, to ask for more",
    states.CheckingAgreement: "keying an agreement number, to ask for more",
    states.AskingAmount: "keying how many more",
    states.ConfirmingAmount: "confirms how many more",
    states.AskingWhy: "says what more are for",
    states.AskingHow: "says how to be told the answer",
    states.AskingToldAt: "keying a number to be told the answer at",
    states.ConfirmingToldAt: "confirms a number to be told the answer at",
    states.Requesting: "has asked for more",
    states.Escalating: "comes into the queue",
    states.Waiting: "waiting, hears music",
    states.Talking: "talking to an operator",
    states.Ended: "the call is over",
}


def place_in_call(state: states.State) -> str:
    """Where a live call is just now.

    >>> from ivr.form import Form
    >>> place_in_call(states.AskingGroup(Form(format=1), group=4))
    'keying group 4'
    """
    if isinstance(state, states.AskingGroup):
        return f"keying group {state.group}"
    if isinstance(state, states.ConfirmingGroup):
        return "confirms what was found for group " + ", ".join(map(str, state.candidate.mended))
    return PLACES.get(type(state), type(state).__name__)


def language(locale: str) -> str:
    """The language of a locale, by its English name."""
    return str(Locale.parse(locale, sep="-").get_language_name("en"))


def reason(code: str | None) -> str:
    """Why a case came to a person."""
    return REASONS.get(code or "", code or "no reason given")


def ending(code: str | None) -> str:
    """How a stay in the queue ended."""
    return ENDINGS.get(code or "", code or "not said")


def channel(code: str) -> str:
    """How the caller reached the line."""
    return CHANNELS.get(code, code)


def outcome(code: str) -> str:
    """What came of an attempt to activate.

    >>> outcome("again"), outcome("KEY_BLOCKED")
    ('activated before, told again', 'refused: key is blocked')
    """
    known = {"activated": "activated", "again": "activated before, told again", "returned": "returned"}
    return known.get(code) or f"refused: {reason(code)}"


def minutes(seconds: int) -> str:
    """A length of time as one says it: seconds up to an hour, minutes after it."""
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours} h {rest // 60} min"
    if rest >= 60:
        return f"{rest // 60} min {rest % 60} s" if rest % 60 else f"{rest // 60} min"
    return f"{rest} s"
