"""The words of a case's page: what the digits tell, what a text was about, and what is told for what by choice.

Rule: whatever is known of digits is said in words; never by colour alone.

>>> from webhooks.desk.digits import look
>>> from keys.secrets_file import Secrets
>>> seen = look(3, ("300217", "156231"), Secrets({}, b"l" * 32, b"c" * 32, b"n" * 32, b"p" * 32))
>>> check(seen.groups[1]), whole(seen)
('does not fit: a digit is wrong', 'not whole yet')
"""

from __future__ import annotations

from ivr.outbox import NoText
from ivr.text_states import ranges
from keys.groups import Fault
from webhooks.desk.deciding import Hidden, Texting
from webhooks.desk.digits import Check, Digits, GroupSeen, Whole
from webhooks.desk.handling import Disposition
from webhooks.desk.words import ending
from webhooks.page_texts import Words, joined, later, ngettext
from webhooks.page_texts import gettext as _

TEXTS = Words(
    {
        Texting.CASE_NUMBER: later("the case number"),
        Texting.CONFIRMATION_ID: later("the confirmation ID"),
        Texting.GROUPS: later("the groups to send again"),
    }
)
REFUSED_FOR = Words(
    {
        "OPERATOR_REFUSED": later("a person has looked at it and refuses"),
        "KEY_BLOCKED": later("the key is blocked"),
        "ALLOWANCE_EXHAUSTED": later("all activations of the key are used"),
        "HOSTS_EXHAUSTED": later("the host key has activated all its hosts"),
        "HOST_REACTIVATIONS_EXHAUSTED": later("this host was activated again as often as it may be"),
        "TOO_MANY_REACTIVATIONS": later("this machine was activated again as often as it may be"),
        "AGREEMENT_INACTIVE": later("the agreement is not in force"),
        "PRODUCT_RETIRED": later("the product is no longer activated anew"),
    }
)
HIDDEN = Words({Hidden.CONFIRMATION_ID: later("Confirmation ID"), Hidden.NUMBER: later("Caller's number")})
UNSENT = Words(
    {
        NoText.NO_SENDER: later("this line sends no texts"),
        NoText.OPTED_OUT: later("this caller does not want texts"),
        NoText.COUNTRY_NOT_ALLOWED: later("this line sends no texts to their country"),
        NoText.NOT_TEXTABLE: later("their telephone takes no texts"),
        NoText.LIMIT_NUMBER: later("this number has had all the texts it may have today"),
        NoText.LIMIT_PREFIX: later("numbers like this one have had all the texts they may have today"),
        NoText.LIMIT_COUNTRY: later("their country has had all the texts it may have today"),
        NoText.LIMIT_DAY: later("the line has sent all the texts it may send today"),
    }
)
TEXT_PROMPTS = Words(
    {
        "text.approved": later("the confirmation ID"),
        "text.case_from_call": later("the case number"),
        "text.case": later("the case number"),
        "text.more_given": later("that more were given"),
        "text.more_declined": later("that no more were given"),
        "text.wrong": later("groups asked for again"),
        "text.missing": later("missing groups asked for"),
        "text.whole": later("the whole ID asked for again"),
        "text.agent": later("a call-back promised"),
        "text.queued": later("that a person comes to it"),
        "text.in": later("which groups are in"),
        "text.waiting": later("that the case waits"),
    }
)
CHECKS = Words(
    {
        Check.MISSING: later("missing"),
        Check.FITS: later("fits"),
        Check.DOES_NOT_FIT: later("does not fit: a digit is wrong"),
        Check.UNCHECKED: later("cannot be checked before group 1 is in"),
    }
)


def dispositions() -> dict[str, str]:
    """How an operator may say that a case has ended."""
    return {each.value: ending(each) for each in Disposition}


def check(group: GroupSeen) -> str:
    """What is known of one group, in words; never by colour alone."""
    fault = group.fault
    if group.check is Check.DOES_NOT_FIT and fault is not None:
        match fault.fault:
            case Fault.LENGTH:
                return ngettext("one digit, not six", "%(count)s digits, not six", int(fault.found or 0))
            case Fault.CHARACTER:
                return _("%(sign)s is no digit", sign=str(fault.found))
            case Fault.OTHER_PLACE:
                return _("these are the digits of group %(number)s", number=fault.found)
            case Fault.UNKNOWN_FORMAT:
                return _("no ID begins with %(digit)s", digit=fault.found)
    return CHECKS[group.check]


def faulty(seen: Digits) -> str:
    """Why groups were not kept."""
    if seen.whole is Whole.TOO_LONG:
        return _("Nothing was kept: these are more digits than the ID has.")
    if seen.layout is None:
        return _("Nothing was kept: group 1 does not begin as an ID does.")
    wrong = [each.number for each in seen.groups if each.check is Check.DOES_NOT_FIT]
    if wrong:
        return ngettext(
            "Nothing was kept: group %(groups)s does not fit.",
            "Nothing was kept: group %(groups)s do not fit.",
            len(wrong),
            groups=ranges(wrong),
        )
    return _("Nothing was kept: of the whole ID, group %(groups)s is missing.", groups=ranges(seen.missing))


def whole(seen: Digits) -> str:
    """What is known of the ID as a whole."""
    match seen.whole:
        case Whole.INCOMPLETE:
            return _("not whole yet")
        case Whole.TOO_LONG:
            return _("more digits than the ID has")
        case Whole.DOES_NOT_FIT if seen.located is not None:
            number, meant = seen.located
            return _(
                "the groups do not fit together; they would if group %(number)s were %(digits)s",
                number=number,
                digits=meant,
            )
        case Whole.DOES_NOT_FIT:
            return _("each group fits, but not all of them together")
        case Whole.FITS:
            return _("fits")


def texted(prompts: tuple[str, ...]) -> str:
    """What a text was about."""
    named = [TEXT_PROMPTS.get(prompt) for prompt in prompts]
    told = list(dict.fromkeys(name for name in named if name))
    reasons = [prompt.removeprefix("reason.") for prompt in prompts if prompt.startswith("reason.")]
    return joined([*(REFUSED_FOR.get(code, _("why not")) for code in reasons), *told]) or _("an answer")
