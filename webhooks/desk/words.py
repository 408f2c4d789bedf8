"""The desk's words for what the program calls by codes: reasons, channels, presences, states.

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

from ivr.cases import CaseState
from ivr.grant_requests import GrantState
from ivr.operators import Presence, Role
from ivr.outbox import TextState
from keys.alarms import AlarmKind
from keys.issue import KeyStatus
from keys.reservations import State
from webhooks.page_texts import Words, later
from webhooks.page_texts import gettext as _
from webhooks.page_texts import language as reader

REASONS = Words(
    {
        "ASKED": later("asked for a person"),
        "TRIES": later("three wrong tries at a group"),
        "SILENT": later("stopped keying"),
        "NO_KEYS": later("no keys arrive from this phone"),
        "WHOLE_ID": later("groups fit, the whole ID does not"),
        "KEY_UNKNOWN": later("key not known"),
        "PROOF_WRONG": later("proof of the key is wrong"),
        "KEY_BLOCKED": later("key is blocked"),
        "ALLOWANCE_EXHAUSTED": later("no activations left on the key"),
        "HOSTS_EXHAUSTED": later("host key has all its hosts"),
        "HOST_REACTIVATIONS_EXHAUSTED": later("host was activated again too often"),
        "TOO_MANY_REACTIVATIONS": later("this machine was activated again too often"),
        "AGREEMENT_INACTIVE": later("agreement is not active"),
        "CHANNEL_NOT_ALLOWED": later("not allowed on this channel"),
        "LICENSING_NOT_ALLOWED": later("key is not for copies of this kind"),
        "PRODUCT_RETIRED": later("product is retired"),
        "IID_RETURNED": later("this activation was given back"),
        "TOO_MANY_TRIES": later("too many tries by this caller"),
        "KEY_EXPIRED": later("key has run out"),
        "KEY_TYPE_NOT_ALLOWED": later("not a key of the kind that is activated"),
        "PRODUCT_UNKNOWN": later("product not known"),
        "FORMAT_NOT_OF_PRODUCT": later("ID does not fit the product"),
        "HELD_FOR_REVIEW": later("held for a look before it is activated"),
        "TAKEN_UP": later("taken up by an operator"),
        "HOLD_GONE": later("waited too long, the activation is free again"),
    }
)
BLOCKED_FOR = Words(
    {"1": later("a day"), "7": later("7 days"), "30": later("30 days"), "": later("until it is lifted")}
)
"""For how many days a caller may be blocked, and how that is called."""
ENDINGS = Words(
    {
        "activated": later("activated"),
        "issued": later("activated, read by the line"),
        "refused": later("refused"),
        "back": later("handed back to the line"),
        "talk": later("talked to"),
        "called_back": later("called back"),
        "no_answer": later("no answer"),
        "duplicate": later("the same as another case"),
        "went_on": later("went on alone"),
        "other": later("something else"),
    }
)
"""How a stay in the queue ends: an operator's disposition, or else what the line took up."""
ATTEMPTS = Words(
    {
        "activated": later("activated"),
        "again": later("activated before, told again"),
        "returned": later("returned"),
    }
)
CHANNELS = Words(
    {
        "phone": later("call"),
        "text": later("text"),
        "operator": later("operator"),
        "api": later("API"),
        "proxy": later("proxy file"),
    }
)
CHANNELS_ALL = Words(
    {
        "phone": later("calls"),
        "text": later("texts"),
        "operator": later("operators"),
        "api": later("APIs"),
        "proxy": later("proxy files"),
    }
)
"""What comes on a channel, all of it together."""
ALARMS = Words({AlarmKind.SERIAL_NEVER_ISSUED: later("a sound proof on a serial that was never issued")})
PRESENCES = Words(
    {
        Presence.AVAILABLE: later("Available"),
        Presence.AWAY: later("Away"),
        Presence.WRAPPING_UP: later("Wrapping up"),
        Presence.OFF: later("Off"),
    }
)
ROLES = Words(
    {
        Role.OPERATOR: later("Operator"),
        Role.SUPERVISOR: later("Supervisor"),
        Role.ADMINISTRATOR: later("Administrator"),
    }
)
CASE_STATES = Words(
    {
        CaseState.OPEN: later("open"),
        CaseState.WAITING: later("waits for a person"),
        CaseState.ACTIVATED: later("activated"),
    }
)
TEXT_STATES = Words(
    {
        TextState.QUEUED: later("to be sent"),
        TextState.SENDING: later("being sent"),
        TextState.ACCEPTED: later("taken by the provider"),
        TextState.SENT: later("sent"),
        TextState.DELIVERED: later("delivered"),
        TextState.UNDELIVERED: later("not delivered"),
        TextState.FAILED: later("failed"),
        TextState.REFUSED: later("not to be sent"),
    }
)
RESERVATION_STATES = Words(
    {
        State.PENDING: later("held"),
        State.POSTED: later("activated"),
        State.VOIDED: later("given up"),
        State.EXPIRED: later("expired"),
        State.RETURNED: later("returned"),
    }
)
KEY_STATES = Words(
    {KeyStatus.ACTIVE: later("active"), KeyStatus.BLOCKED: later("blocked"), KeyStatus.EXPIRED: later("expired")}
)
FORMATS = Words({"standard": later("standard"), "compact": later("compact"), "classic": later("classic")})
COUNTED_BY = Words(
    {
        "product": later("Product"),
        "channel": later("Channel"),
        "region": later("Region"),
        "outcome": later("Outcome"),
    }
)
FLAGS = Words(
    {
        "key_is_blocked": later("key is blocked"),
        "not_genuine": later(
            "Every check fits and the ID is still not genuine: made up, or keyed with another product's key."
        ),
        GrantState.ASKED: later("waits for a grant"),
        GrantState.APPROVED: later("grant approved"),
        GrantState.DECLINED: later("grant declined"),
    }
)
"""What there is to look out for in a case as it stands."""


def language(locale: str) -> str:
    """The language of a locale, as whoever reads calls it."""
    return str(Locale.parse(locale, sep="-").get_language_name(reader().babel))


def reason(code: str | None) -> str:
    """Why a case came to a person."""
    return REASONS.get(code or "", code or _("no reason given"))


def ending(code: str | None) -> str:
    """How a stay in the queue ended."""
    return ENDINGS.get(code or "", code or _("not said"))


def channel(code: str) -> str:
    """How the caller reached the line."""
    return CHANNELS.get(code, code)


def outcome(code: str) -> str:
    """What came of an attempt to activate.

    >>> outcome("again"), outcome("KEY_BLOCKED")
    ('activated before, told again', 'refused: key is blocked')
    """
    return ATTEMPTS.get(code) or _("refused: %(why)s", why=reason(code))


def minutes(seconds: int) -> str:
    """A length of time as one says it: seconds up to an hour, minutes after it. `static/clock.js` says it likewise."""
    hours, rest = divmod(seconds, 3600)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest // 60)
    if rest < 60:
        return _("%(seconds)s s", seconds=rest)
    if rest % 60:
        return _("%(minutes)s min %(seconds)s s", minutes=rest // 60, seconds=rest % 60)
    return _("%(minutes)s min", minutes=rest // 60)
