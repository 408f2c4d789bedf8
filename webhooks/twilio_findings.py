"""What differs between the account at Twilio and what our lines need; pure, from what `twilio_account.read` has read.

Rule: what is found has a code, what is and what should be; what `connect` may mend is marked, the rest is a person's.

>>> wanted = {"voice_url": "https://line.example/voice/incoming#rc=1", "voice_method": "POST"}
>>> found = Resource("PN1", {"voice_url": "https://old.example/", "voice_method": "POST"})
>>> [(finding.code, finding.found, finding.mend) for finding in _fields("+15550100", "+15550100", found, wanted)]
[(<Code.VOICE_URL: 'VOICE_URL'>, 'https://old.example/', <Kind.NUMBER: 'number'>)]
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urldefrag, urlsplit

from ivr.lines import Line, Lines
from webhooks.twilio_account import (
    BY_NUMBER,
    CALL_STATUS,
    INBOUND,
    TEXTS,
    VOICE,
    Account,
    Change,
    Kind,
    Resource,
    is_service,
)
from webhooks.twiml import RETRIES

SHORTEST_VALIDITY = 600
"""Seconds a text may wait in Twilio's queue at least: a shorter period loses answers in a busy minute."""


class Code(StrEnum):
    """What can be found. Those named as one of Twilio's fields say that the field has another value."""

    PUBLIC_URL_UNREACHABLE = "PUBLIC_URL_UNREACHABLE"
    PUBLIC_URL_NOT_HTTPS = "PUBLIC_URL_NOT_HTTPS"
    AUTH_TOKEN_REFUSED = "AUTH_TOKEN_REFUSED"  # noqa: S105 - a code, no token
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    ACCOUNT_ON_TRIAL = "ACCOUNT_ON_TRIAL"
    NUMBER_NOT_OWNED = "NUMBER_NOT_OWNED"
    NO_VOICE = "NO_VOICE"
    RECEIVES_FAX = "RECEIVES_FAX"
    VOICE_ELSEWHERE = "VOICE_ELSEWHERE"
    VOICE_URL = "VOICE_URL"
    VOICE_METHOD = "VOICE_METHOD"
    VOICE_FALLBACK_URL = "VOICE_FALLBACK_URL"
    VOICE_FALLBACK_METHOD = "VOICE_FALLBACK_METHOD"
    STATUS_CALLBACK = "STATUS_CALLBACK"
    STATUS_CALLBACK_METHOD = "STATUS_CALLBACK_METHOD"
    TEXTS_REHEARSED = "TEXTS_REHEARSED"
    CALLS_REHEARSED = "CALLS_REHEARSED"
    NO_TEXTS = "NO_TEXTS"
    TEXTS_ELSEWHERE = "TEXTS_ELSEWHERE"
    SMS_URL = "SMS_URL"
    SMS_METHOD = "SMS_METHOD"
    SMS_FALLBACK_URL = "SMS_FALLBACK_URL"
    SMS_FALLBACK_METHOD = "SMS_FALLBACK_METHOD"
    SERVICE_NOT_FOUND = "SERVICE_NOT_FOUND"
    INBOUND_REQUEST_URL = "INBOUND_REQUEST_URL"
    INBOUND_METHOD = "INBOUND_METHOD"
    FALLBACK_URL = "FALLBACK_URL"
    FALLBACK_METHOD = "FALLBACK_METHOD"
    USE_INBOUND_WEBHOOK_ON_NUMBER = "USE_INBOUND_WEBHOOK_ON_NUMBER"
    NOT_IN_SENDER_POOL = "NOT_IN_SENDER_POOL"
    SENDER_POOL_EMPTY = "SENDER_POOL_EMPTY"
    SERVICE_STATUS_CALLBACK = "SERVICE_STATUS_CALLBACK"
    SMART_ENCODING = "SMART_ENCODING"
    SHORT_VALIDITY = "SHORT_VALIDITY"
    NOT_REGISTERED = "NOT_REGISTERED"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, of a number, a service, the account or the public URL.

    `line` is the line's number, None for what concerns all. `grave`: calls or texts fail over it. `mend` and `sid` name
    what `connect` would change, None where a person has to.
    """

    code: Code
    of: str
    found: str | None
    wanted: str | None
    line: str | None = None
    grave: bool = True
    mend: Kind | None = None
    sid: str = ""


def is_reachable(public_url: str) -> bool:
    """Whether Twilio could reach such an address at all: not one of this machine or a private network."""
    host = (urlsplit(public_url).hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))


def differences(account: Account, lines: Lines, public_url: str, *, sends: bool) -> tuple[Finding, ...]:
    """Everything that is not as it should be; `sends`: texts and calls go out by Twilio, not to the rehearsal."""
    found = [*_of_all(account, public_url)]
    for line in lines.all:
        found += _of_voice(line, account.numbers.get(line.number), public_url)
    texting = [line for line in lines.all if line.text_sender is not None]
    if texting and not sends:
        found.append(_without_a_key(Code.TEXTS_REHEARSED))
    if any(line.desk is not None for line in lines.all) and not sends:
        found.append(_without_a_key(Code.CALLS_REHEARSED))
    for sender in dict.fromkeys(str(line.text_sender) for line in texting):  # two lines may share one
        users = [line for line in texting if line.text_sender == sender]
        if is_service(sender):
            found += _of_service(users, sender, account, public_url)
        elif number := account.numbers.get(sender):
            found += _of_texts(users[0], sender, number, public_url)
        elif sender not in {line.number for line in lines.all}:  # of those it was said already
            found.append(Finding(Code.NUMBER_NOT_OWNED, sender, None, sender, users[0].number))
    return tuple(found)


def changes(findings: Iterable[Finding]) -> tuple[Change, ...]:
    """What `connect` makes of the findings: one change for each number, service, addition to a pool, and the key."""
    gathered: dict[tuple[Kind, str, str], dict[str, tuple[str | None, str]]] = {}
    for finding in findings:
        if finding.mend is not None:
            name = {Kind.POOL: "phone_number", Kind.KEY: "sid"}.get(finding.mend, finding.code.lower())
            place = (finding.mend, finding.of, finding.sid)
            gathered.setdefault(place, {})[name] = (finding.found, finding.wanted or "")
    return tuple(
        Change(*place, tuple((name, *values) for name, values in fields.items())) for place, fields in gathered.items()
    )


def _without_a_key(code: Code) -> Finding:
    return Finding(code, "TWILIO_API_KEY", None, "a new key, its secret in the settings", grave=False, mend=Kind.KEY)


def _of_all(account: Account, public_url: str) -> Iterator[Finding]:
    if not is_reachable(public_url):
        yield Finding(Code.PUBLIC_URL_UNREACHABLE, "TOUCHTONE_PUBLIC_URL", public_url, "https://your.host")
    elif not public_url.startswith("https:"):
        wanted = f"https{public_url.removeprefix('http')}"
        yield Finding(Code.PUBLIC_URL_NOT_HTTPS, "TOUCHTONE_PUBLIC_URL", public_url, wanted, grave=False)
    if account.status is None:
        yield Finding(Code.AUTH_TOKEN_REFUSED, account.sid, "refused", "accepted")
    elif account.status != "active":
        yield Finding(Code.ACCOUNT_NOT_ACTIVE, account.sid, account.status, "active")
    if account.type == "Trial":
        yield Finding(Code.ACCOUNT_ON_TRIAL, account.sid, account.type, "Full", grave=False)


def _of_voice(line: Line, found: Resource | None, public_url: str) -> Iterator[Finding]:
    of = line.number
    if found is None:
        yield Finding(Code.NUMBER_NOT_OWNED, of, None, of, of)
        return
    if "voice" not in found.can:
        yield Finding(Code.NO_VOICE, of, ", ".join(sorted(found.can)), "voice", of)
    if found.fields["voice_receive_mode"] == "fax":
        yield Finding(Code.RECEIVES_FAX, of, "fax", "voice", of)
    if elsewhere := found.fields["trunk_sid"] or found.fields["voice_application_sid"]:
        yield Finding(Code.VOICE_ELSEWHERE, of, elsewhere, None, of)
    url = f"{public_url}/voice/incoming{RETRIES}"
    # A document hosted apart stands in a bucket, perhaps, which takes a GET alone.
    fallback = (url, "POST") if line.outage_url is None else (line.outage_url, "GET")
    wanted = dict(zip(VOICE, (url, "POST", *fallback), strict=True))
    wanted |= dict(zip(CALL_STATUS, (f"{public_url}/voice/status", "POST"), strict=True))
    yield from _fields(of, of, found, wanted)


def _of_texts(line: Line, sender: str, found: Resource, public_url: str) -> Iterator[Finding]:
    """A number that texts come from and go to."""
    if "sms" not in found.can:
        yield Finding(Code.NO_TEXTS, sender, ", ".join(sorted(found.can)), "sms", line.number)
        return
    if elsewhere := found.fields["sms_application_sid"]:
        yield Finding(Code.TEXTS_ELSEWHERE, sender, elsewhere, None, line.number)
    url = f"{public_url}/sms/incoming{RETRIES}"
    yield from _fields(line.number, sender, found, dict(zip(TEXTS, (url, "POST", url, "POST"), strict=True)))


def _of_service(users: list[Line], sid: str, account: Account, public_url: str) -> Iterator[Finding]:
    found = account.services.get(sid)
    of = users[0].number
    if found is None:
        yield Finding(Code.SERVICE_NOT_FOUND, sid, None, sid, of)
        return
    url = f"{public_url}/sms/incoming{RETRIES}"
    wanted = dict(zip(INBOUND, (url, "POST", url, "POST"), strict=True))
    yield from _fields(of, sid, found, wanted | {BY_NUMBER: "off"})
    for line in users:
        yield from _of_pool(line, found, account.numbers.get(line.number))
    fields = found.fields
    if callback := fields["status_callback"]:
        yield Finding(Code.SERVICE_STATUS_CALLBACK, sid, callback, None, of, grave=False)
    if fields["smart_encoding"]:
        yield Finding(Code.SMART_ENCODING, sid, "on", "off", of, grave=False)
    if 0 < (validity := fields["validity_period"] or 0) < SHORTEST_VALIDITY:
        yield Finding(Code.SHORT_VALIDITY, sid, str(validity), str(SHORTEST_VALIDITY), of, grave=False)
    if any("US" in line.texts_go_to for line in users) and not fields["us_app_to_person_registered"]:
        yield Finding(Code.NOT_REGISTERED, sid, "not registered", "registered", of, grave=False)


def _of_pool(line: Line, service: Resource, number: Resource | None) -> Iterator[Finding]:
    """Who texts the number they called must reach the line: it belongs in the pool, if it takes texts at all."""
    of = line.number
    if number is not None and "sms" in number.can:
        if of not in service.pool:
            yield Finding(Code.NOT_IN_SENDER_POOL, service.sid, None, of, of, mend=Kind.POOL, sid=number.sid)
    elif not service.pool:
        yield Finding(Code.SENDER_POOL_EMPTY, service.sid, "empty", "a number that takes texts", of)
    elif number is not None:
        yield Finding(Code.NO_TEXTS, of, ", ".join(sorted(number.can)), "sms", of, grave=False)


def _fields(line: str, of: str, found: Resource, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Every field with another value. An address that lacks only our retries answers all the same: not grave."""
    kind = Kind.SERVICE if is_service(of) else Kind.NUMBER
    for name, value in wanted.items():
        is_now = found.fields[name]
        text = ("on" if is_now else "off") if isinstance(is_now, bool) else is_now or None
        if text != value:
            grave = text is None or urldefrag(text)[0] != urldefrag(value)[0]
            yield Finding(Code[name.upper()], of, text, value, line, grave, kind, found.sid)
