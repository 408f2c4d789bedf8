"""The account at Twilio: what is read of it for our lines, and the one way it is changed.

Rule: a change is one request that names the fields that differ and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ivr.lines import Lines
from webhooks.twilio_client import Trouble, TwilioError, translated

if TYPE_CHECKING:
    from twilio.rest import Client

VOICE = ("voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method")
CALL_STATUS = ("status_callback", "status_callback_method")
TEXTS = ("sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method")
INBOUND = ("inbound_request_url", "inbound_method", "fallback_url", "fallback_method")
BY_NUMBER = "use_inbound_webhook_on_number"
"""A switch of a service: the numbers of its pool answer by their own addresses, and the service's are not used."""


class Kind(StrEnum):
    """What a change is made to."""

    NUMBER = "number"
    SERVICE = "service"
    POOL = "sender pool"
    KEY = "API key"


@dataclass(frozen=True, slots=True)
class Resource:
    """A number or a Messaging Service as Twilio tells it: `fields` by Twilio's names.

    `can` holds a number's capabilities, in small letters; `pool` the numbers a service sends from.
    """

    sid: str
    fields: Mapping[str, Any]
    can: frozenset[str] = frozenset()
    pool: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Account:
    """What was read: status and type (both None where no auth token was accepted), numbers and services by name."""

    sid: str
    status: str | None
    type: str | None
    numbers: Mapping[str, Resource]
    services: Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class Change:
    """All fields of one number or service that differ, as (field, found, wanted); one number for a pool; or a key."""

    kind: Kind
    of: str
    sid: str
    fields: tuple[tuple[str, str | None, str], ...]


def read(lines: Lines, account_sid: str, rest: Client, owners: Sequence[Client]) -> Account:
    """Read what concerns these lines, by `rest`; the account itself by the first of `owners` that is let in.

    API keys of the standard kind may not read the account, so `owners` sign in with the auth tokens; a token that is
    refused there is none that signs our webhooks either. Raises TwilioError.
    """
    senders = [line.text_sender for line in lines.all if line.text_sender]
    names = dict.fromkeys([*(line.number for line in lines.all), *(name for name in senders if not is_service(name))])
    numbers = {name: found for name in names if (found := _number(rest, name))}
    services = {name: found for name in dict.fromkeys(senders) if is_service(name) and (found := _service(rest, name))}
    status, kind = _account(account_sid, owners)
    return Account(account_sid, status, kind, numbers, services)


def make(rest: Client, change: Change) -> None:
    """Make one change, but for a key (`twilio_key.make`): one request. Raises TwilioError."""
    named: dict[str, Any] = {name: wanted == "on" if name == BY_NUMBER else wanted for name, _, wanted in change.fields}
    with translated():
        match change.kind:
            case Kind.NUMBER:
                rest.incoming_phone_numbers(change.sid).update(**named)
            case Kind.SERVICE:
                rest.messaging.v1.services(change.sid).update(**named)
            case Kind.POOL:
                rest.messaging.v1.services(change.of).phone_numbers.create(phone_number_sid=change.sid)


def owns(rest: Client, number: str) -> bool:
    """Whether a number belongs to the account. Raises TwilioError."""
    return _number(rest, number) is not None


def is_service(sender: str) -> bool:
    """Whether a line's text sender is a Messaging Service, not a number."""
    return sender.startswith("MG")


def _number(rest: Client, number: str) -> Resource | None:
    with translated():
        listed = rest.incoming_phone_numbers.list(phone_number=number)
    for found in listed:
        if found.phone_number == number:  # Twilio also lists numbers that merely contain it
            able: Any = found.capabilities or {}
            names = (*VOICE, *CALL_STATUS, *TEXTS, "voice_application_sid", "trunk_sid", "sms_application_sid")
            fields = {name: getattr(found, name) for name in (*names, "voice_receive_mode")}
            return Resource(str(found.sid), fields, frozenset(name.lower() for name, can in able.items() if can))
    return None


def _service(rest: Client, sid: str) -> Resource | None:
    names = (*INBOUND, BY_NUMBER, "status_callback", "smart_encoding", "validity_period")
    try:
        with translated():
            found = rest.messaging.v1.services(sid).fetch()
            pool = found.phone_numbers.list(page_size=1000)
    except TwilioError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return None
        raise
    fields = {name: getattr(found, name) for name in (*names, "us_app_to_person_registered")}
    return Resource(sid, fields, pool=frozenset(str(sender.phone_number) for sender in pool))


def _account(sid: str, owners: Sequence[Client]) -> tuple[str | None, str | None]:
    for owner in owners:
        try:
            with translated():
                found = owner.api.accounts(sid).fetch()
        except TwilioError as error:
            if error.trouble is Trouble.ACCOUNT_NOT_ACTIVE:
                return "not active", None
            if error.trouble is not Trouble.CREDENTIALS_REFUSED:
                raise
        else:
            return str(found.status), str(found.type)
    return None, None
