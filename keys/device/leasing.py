"""A copy of a volume edition that a licence host on the customer's network activates: ask, check the answer, ask again.

One rule: nothing is believed because it was stored or because somebody answered. Every status is worked out anew from
the signed answer, its chain to the publisher, the nonce that was asked with, today's hardware and the clock.

It opens no network: `keys.device.asking` carries requests, `keys.device.finding` finds hosts. Signatures are checked by
a function that is handed in (`keys.ed25519.check`), so this file needs the standard library and python-stdnum alone.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keys import product_key
from keys.device import machine
from keys.device.build import InvalidBuild, ProductBuild
from keys.device.client import Client, Reply
from keys.device.hardware import Hardware, fingerprint, has_own_identity, vote
from keys.device.machine import Declined, Reason
from keys.errors import BadInput
from keys.kms import certificate, messages
from keys.kms.messages import CLOCK_LEEWAY, LEASE, RENEW_AFTER, RETRY_AFTER, Answer, HostRefusal, Request
from keys.product_key import KeyType
from keys.signed import Check, InvalidStatement


class LeaseFault(StrEnum):
    """Why an answer is no lease for this copy; a word never changes its meaning."""

    CHAIN = "chain"
    """The host's certificate is not signed by the publisher."""
    FAMILY = "family"
    """The host is certified for another family."""
    HOST_BLOCKED = "host_blocked"
    """The publisher withdrew this host key."""
    CERTIFICATE_ENDED = "certificate_ended"
    """The lease was given after the last day of the host's certificate."""
    SIGNATURE = "signature"
    """The answer was not signed with the certified key, or was changed."""
    REPLAY = "replay"
    """The answer is to another request."""
    OTHER_MACHINE = "other_machine"
    """The answer is for another client, other hardware or another product."""
    REFUSED = "refused"
    """The host refused; `refusal` says why."""
    THRESHOLD = "threshold"
    """The host leases below the count that this product takes."""
    CLOCK_BEHIND = "clock_behind"
    """This machine's clock is behind the host's."""
    CLOCK_AHEAD = "clock_ahead"
    """This machine's clock is ahead of the host's."""
    TERM = "term"
    """The lease is longer than any may be."""


class LeaseDeclined(BadInput):
    """An answer is no lease: `fault`, the host's `refusal` where it signed one, and the `count` it told."""

    def __init__(self, fault: LeaseFault, refusal: HostRefusal | None = None, count: int | None = None) -> None:
        super().__init__(fault.value, refusal, count)
        self.fault = fault
        self.refusal = refusal
        self.count = count


class LeaseStatus(StrEnum):
    """How things stand with a copy that is leased."""

    UNLICENSED = "unlicensed"
    """No host has leased to it yet, or what is stored is no lease of this machine."""
    LICENSED = "licensed"
    """A lease is there that holds."""
    LEASE_OVER = "lease_over"
    """The lease has run out."""
    CLOCK_BACK = "clock_back"
    """The clock stands before a moment that is known to have passed."""
    HARDWARE_CHANGED = "hardware_changed"
    """Too much of the hardware is other than it was when the lease was given."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a copy stands: the lease that was read, if one is there, and when to ask next."""

    status: LeaseStatus
    lease: Answer | None
    next_try: datetime


def fresh(build: ProductBuild, hardware: Hardware, identity: str) -> Client:
    """A fresh copy with the client key that is built in. `identity` must be new and random, 32 hexadecimal signs.

    Raises InvalidBuild where the product is no volume edition, Declined for hardware without an identity of its own.
    """
    key = product_key.decode(build.edition.client_key)
    if key.type is not KeyType.KMS_CLIENT or key.product != build.product:
        raise InvalidBuild("volume.client_key")
    client = Client(build.product, key.last_five, key.secret, identity, ())
    return replace(client, fingerprint=_fingerprint(build, client, hardware))


def renewed_identity(client: Client, identity: str) -> Client:
    """The copy under a new identity and without a lease: what a machine made from another's image takes."""
    return replace(client, identity=identity, reply=None, nonce=None, host=None, tried_at=None)


def to_mak(build: ProductBuild, client: Client, text: str, hardware: Hardware, nonce: int) -> Client:
    """Switch the copy to the multiple activation key in `text`. Raises as `machine.install` does."""
    state = machine.install(build, text, hardware, nonce, returned=(client.mak or client).returned)
    return replace(client, mak=state)


def to_kms(client: Client) -> Client:
    """Switch the copy back to its client key; a lease that still holds counts again at once.

    What was given back under a multiple activation key stays dead should the copy take one again.
    """
    return replace(client, mak=None, returned=(client.mak or client).returned)


def asked(
    build: ProductBuild, client: Client, hardware: Hardware, nonce: str, now: datetime, name: str
) -> tuple[Client, Request]:
    """The request to send, and the copy as it is from then on: other hardware has its own fingerprint.

    `nonce` must be new and random, 32 hexadecimal signs.
    """
    volume = build.edition
    if not _same_machine(build, client, hardware):
        client = replace(client, fingerprint=_fingerprint(build, client, hardware))
    request = Request(
        volume.family, build.product, client.identity, client.fingerprint, nonce, now, volume.threshold, name
    )
    return client, request


def accept(
    build: ProductBuild, client: Client, request: Request, reply: Reply, now: datetime, check: Check, host: str
) -> Client:
    """Keep the lease in a reply to this request. Raises LeaseDeclined.

    The host's signed clock is from now on the latest moment known: a clock that ran ahead once is forgiven then.
    """
    answer = read_reply(build, reply, check)
    _meant_for(client, answer, request.nonce)
    if answer.refusal in (None, HostRefusal.CLOCK_DIFFERS) and abs(answer.at - now) > CLOCK_LEEWAY:
        fault = LeaseFault.CLOCK_BEHIND if now < answer.at else LeaseFault.CLOCK_AHEAD
        raise LeaseDeclined(fault, answer.refusal, answer.count)
    if answer.refusal is not None:
        raise LeaseDeclined(LeaseFault.REFUSED, answer.refusal, answer.count)
    if answer.count < build.edition.threshold:
        raise LeaseDeclined(LeaseFault.THRESHOLD, None, answer.count)
    return replace(client, reply=reply, nonce=request.nonce, host=host, latest=answer.at, tried_at=None)


def failed(client: Client, now: datetime) -> Client:
    """The copy after a try that brought no lease. What it has, it keeps; the host is not remembered."""
    return replace(client, tried_at=now, host=None)


def seen(client: Client, now: datetime) -> Client:
    """The copy with the clock it was used by: to be kept now and then, so that a clock put back later is noticed."""
    return client if client.latest is not None and now <= client.latest else replace(client, latest=now)


def standing(build: ProductBuild, client: Client, hardware: Hardware, now: datetime, check: Check) -> Standing:
    """How the copy stands, worked out anew, whatever was stored."""
    lease = _stored_lease(build, client, check)
    status = LeaseStatus.UNLICENSED if lease is None else _status(build, client, lease, hardware, now)
    return Standing(status, lease, _next_try(client, lease, status, now))


def read_reply(build: ProductBuild, reply: Reply, check: Check) -> Answer:
    """The answer in a reply, if a host that this product trusts signed it. Raises LeaseDeclined."""
    volume = build.edition
    try:
        stated = certificate.read(reply.certificate, volume.publisher_key, check)
    except InvalidStatement as error:
        raise LeaseDeclined(LeaseFault.CHAIN) from error
    if stated.family != volume.family:
        raise LeaseDeclined(LeaseFault.FAMILY)
    if f"{stated.product}:{stated.serial}" in volume.refused:
        raise LeaseDeclined(LeaseFault.HOST_BLOCKED)
    try:
        answer = messages.read_answer(reply.answer, stated.public_key, check)
    except InvalidStatement as error:
        raise LeaseDeclined(LeaseFault.SIGNATURE) from error
    if answer.ends is not None and not stated.covers(answer.at.date()):
        raise LeaseDeclined(LeaseFault.CERTIFICATE_ENDED)
    if answer.ends is not None and answer.ends - answer.at > LEASE:
        raise LeaseDeclined(LeaseFault.TERM)
    if (answer.family, answer.product) != (volume.family, build.product):
        # A refusal to another family's client carries that client's own family.
        raise LeaseDeclined(LeaseFault.OTHER_MACHINE, answer.refusal, answer.count)
    return answer


def _meant_for(client: Client, answer: Answer, nonce: str | None) -> None:
    if answer.nonce != nonce:
        raise LeaseDeclined(LeaseFault.REPLAY)
    if (answer.client, answer.fingerprint) != (client.identity, client.fingerprint):
        raise LeaseDeclined(LeaseFault.OTHER_MACHINE)


def _stored_lease(build: ProductBuild, client: Client, check: Check) -> Answer | None:
    if client.reply is None or client.product != build.product:
        return None
    try:
        lease = read_reply(build, client.reply, check)
        _meant_for(client, lease, client.nonce)
    except LeaseDeclined:
        return None
    return lease if lease.leased and lease.count >= build.edition.threshold else None


def _status(build: ProductBuild, client: Client, lease: Answer, hardware: Hardware, now: datetime) -> LeaseStatus:
    if not _same_machine(build, client, hardware):
        return LeaseStatus.HARDWARE_CHANGED
    if now < max(lease.at, client.latest or lease.at) - CLOCK_LEEWAY:
        return LeaseStatus.CLOCK_BACK
    return LeaseStatus.LICENSED if lease.ends is not None and now < lease.ends else LeaseStatus.LEASE_OVER


def _next_try(client: Client, lease: Answer | None, status: LeaseStatus, now: datetime) -> datetime:
    """Seven days after the last lease or try while licensed, else two hours after the last try, or at once."""
    if status is LeaseStatus.LICENSED and lease is not None:
        return max(lease.at, client.tried_at or lease.at) + RENEW_AFTER
    # A try that lies ahead was noted by a clock that has been put back since.
    if client.tried_at is None or client.tried_at > now + timedelta(seconds=1):
        return now
    return client.tried_at + RETRY_AFTER


def _same_machine(build: ProductBuild, client: Client, hardware: Hardware) -> bool:
    return vote(build.id_format, client.fingerprint, hardware, client.key_secret, dockable=build.dockable).passed


def _fingerprint(build: ProductBuild, client: Client, hardware: Hardware) -> tuple[int, ...]:
    parts = fingerprint(build.id_format, hardware, client.key_secret)
    if not has_own_identity(build.id_format, parts):
        raise Declined(Reason.NO_OWN_IDENTITY)
    return parts
