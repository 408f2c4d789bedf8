"""What a client asks of a licence host and what the host answers.

The rule it keeps: an answer is signed, names the request's own nonce and the client it is for, and says how many
clients the host counts, whether it leases or not. A request is not signed: whoever asks only asks.

>>> from datetime import UTC
>>> noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
>>> asked = Request("Fairway", 1, "00" * 16, (1,) * 8, "11" * 16, noon, threshold=5, name="bridge-2")
>>> read_request(write_request(asked)) == asked
True
>>> Answer.to(asked, noon, count=3, threshold=5, refusal=HostRefusal.BELOW_THRESHOLD).leased
False
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from keys.formats import FORMATS
from keys.kms.fields import number, numbers, token, words
from keys.signed import (
    Check,
    InvalidStatement,
    Sign,
    StatementFault,
    instant_text,
    make,
    plain,
    read_instant,
)
from keys.signed import read as read_statement

VERSION: Final = 1
PATH: Final = "/kms/v1/lease"
"""Where a host takes requests, by POST."""
HOST_PATH: Final = "/kms/v1/host"
"""Where a host says, unsigned, how it stands."""
KIND: Final = "kms-answer"
LONGEST_REQUEST: Final = 4096
"""Bytes of a request, at most; a real one has about 400."""

LEASE: Final = timedelta(days=180)
"""How long a lease is good for."""
RENEW_AFTER: Final = timedelta(days=7)
"""How old a lease is when its renewal is first tried."""
RETRY_AFTER: Final = timedelta(hours=2)
"""How long a client waits after it got no answer, or no lease."""
SEEN_WITHIN: Final = timedelta(days=30)
"""How long a client counts after it asked."""
CLOCK_LEEWAY: Final = timedelta(hours=4)
"""How far the clocks of client and host may differ."""
USUAL_THRESHOLD: Final = 5
"""Distinct clients from which leases start, where a product does not say otherwise."""
MOST_THRESHOLD: Final = 10_000

_FINGERPRINTS = tuple({fmt.fingerprint_fields for fmt in FORMATS.values()})
_FIELD = max(1 << fmt.fingerprint_field_bits for fmt in FORMATS.values()) - 1
_PRODUCT = max(fmt.products for fmt in FORMATS.values()) - 1
_NAME = 64


class HostRefusal(StrEnum):
    """Why a host that can sign gives no lease; a word never changes its meaning."""

    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    """Too few distinct clients were seen; this one counts now."""
    OTHER_FAMILY = "OTHER_FAMILY"
    """The client's product is of a family that this host's key does not activate."""
    CLOCK_DIFFERS = "CLOCK_DIFFERS"
    """The client's clock and the host's are more than four hours apart."""
    REPLAY = "REPLAY"
    """This very request came before."""
    HOST_CLOCK_BACK = "HOST_CLOCK_BACK"
    """The host's own clock was put back; it leases nothing until that is mended."""
    CERTIFICATE_ENDED = "CERTIFICATE_ENDED"
    """The last day of the host's certificate is over; it needs a newer package."""


class HostFault(StrEnum):
    """Why a host cannot even sign an answer."""

    MALFORMED = "MALFORMED"
    """What was sent is no request."""
    HOST_NOT_ACTIVATED = "HOST_NOT_ACTIVATED"
    """The host has no confirmation ID that holds today, on this hardware."""
    HOST_BUSY = "HOST_BUSY"
    """The host's file cannot be written just now."""


@dataclass(frozen=True, slots=True)
class Request:
    """A client's wish for a lease.

    `client` is its identity and `nonce` this request's own, 32 hexadecimal signs each; `fingerprint` is that of its
    hardware under its client key, `at` its clock, `threshold` how many clients its product takes, `name` what it calls
    itself.
    """

    family: str
    product: int
    client: str
    fingerprint: tuple[int, ...]
    nonce: str
    at: datetime
    threshold: int
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host signs: a lease until `ends`, or the `refusal`; `count` is how many clients it counts."""

    family: str
    product: int
    client: str
    fingerprint: tuple[int, ...]
    nonce: str
    at: datetime
    ends: datetime | None
    count: int
    threshold: int
    refusal: HostRefusal | None

    @property
    def leased(self) -> bool:
        """Whether it is a lease."""
        return self.ends is not None

    @classmethod
    def to(
        cls, request: Request, at: datetime, *, count: int, threshold: int, refusal: HostRefusal | None = None
    ) -> "Answer":
        """The answer to a request: a lease from `at` for 180 days, or a refusal."""
        return cls(
            request.family,
            request.product,
            request.client,
            request.fingerprint,
            request.nonce,
            at,
            at + LEASE if refusal is None else None,
            count,
            threshold,
            refusal,
        )


def write_request(request: Request) -> bytes:
    """A request as it is sent."""
    return plain(
        {
            "version": VERSION,
            "family": request.family,
            "product": request.product,
            "client": request.client,
            "fingerprint": list(request.fingerprint),
            "nonce": request.nonce,
            "at": instant_text(request.at),
            "threshold": request.threshold,
            "name": request.name,
        }
    )


def read_request(sent: bytes) -> Request:
    """The request in what was sent. Raises InvalidStatement (MALFORMED) for anything else."""
    if len(sent) > LONGEST_REQUEST:
        raise InvalidStatement(StatementFault.MALFORMED)
    try:
        facts = json.loads(sent)
    except (ValueError, RecursionError) as error:
        raise InvalidStatement(StatementFault.MALFORMED) from error
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise InvalidStatement(StatementFault.MALFORMED)
    return Request(
        words(facts, "family"),
        number(facts, "product", _PRODUCT),
        token(facts, "client"),
        numbers(facts, "fingerprint", _FINGERPRINTS, _FIELD),
        token(facts, "nonce"),
        read_instant(facts.get("at")),
        number(facts, "threshold", MOST_THRESHOLD),
        words(facts, "name", _NAME),
    )


def write_answer(answer: Answer, sign: Sign) -> str:
    """An answer's signed text."""
    return make(
        KIND,
        {
            "family": answer.family,
            "product": answer.product,
            "client": answer.client,
            "fingerprint": list(answer.fingerprint),
            "nonce": answer.nonce,
            "at": instant_text(answer.at),
            "ends": None if answer.ends is None else instant_text(answer.ends),
            "count": answer.count,
            "threshold": answer.threshold,
            "refusal": answer.refusal,
        },
        sign,
    )


def read_answer(text: str, host_key: bytes, check: Check) -> Answer:
    """What an answer says, if the host with this public key signed it. Raises InvalidStatement."""
    facts = read_statement(KIND, text, host_key, check)
    ends, refusal = facts.get("ends"), facts.get("refusal")
    if (ends is None) == (refusal is None) or refusal not in (None, *HostRefusal):
        raise InvalidStatement(StatementFault.MALFORMED)
    return Answer(
        words(facts, "family"),
        number(facts, "product", _PRODUCT),
        token(facts, "client"),
        numbers(facts, "fingerprint", _FINGERPRINTS, _FIELD),
        token(facts, "nonce"),
        read_instant(facts.get("at")),
        None if ends is None else read_instant(ends),
        number(facts, "count"),
        number(facts, "threshold", MOST_THRESHOLD),
        None if refusal is None else HostRefusal(str(refusal)),
    )
