"""What a leased copy of a volume edition keeps, and its file's JSON.

One rule: it holds the signed texts as they came, never what was read from them; `keys.device.leasing` reads them anew.

>>> copy = Client(7, "0019G", bytes(9), "0a" * 16, (1,) * 8)
>>> from_facts(to_facts(copy)) == copy
True
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keys.device.state import InvalidState, State, returned_in


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from a host: its answer and its certificate, as signed texts."""

    answer: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Client:
    """What a copy keeps. `identity` is its own for life; `fingerprint` that of its hardware under the client key.

    `reply` is the answer that leased, `nonce` what it was asked with, `host` who gave it; `latest` the latest moment
    known to have passed, `tried_at` the last try that brought no lease; `mak` is there while the copy is switched to a
    multiple activation key, and `returned` are the IIDs that were given back under one before.
    """

    product: int
    last_five: str
    key_secret: bytes = field(repr=False)
    identity: str
    fingerprint: tuple[int, ...]
    reply: Reply | None = field(default=None, repr=False)
    nonce: str | None = None
    host: str | None = None
    latest: datetime | None = None
    tried_at: datetime | None = None
    mak: State | None = None
    returned: tuple[str, ...] = ()


def to_facts(client: Client) -> dict[str, object]:
    """The copy as JSON values."""
    return {
        "product": client.product,
        "last_five": client.last_five,
        "key_secret": client.key_secret.hex(),
        "identity": client.identity,
        "fingerprint": list(client.fingerprint),
        "answer": client.reply and client.reply.answer,
        "certificate": client.reply and client.reply.certificate,
        "nonce": client.nonce,
        "host": client.host,
        "latest": client.latest and client.latest.isoformat(),
        "tried_at": client.tried_at and client.tried_at.isoformat(),
        "mak": client.mak and client.mak.to_facts(),
        "returned": list(client.returned),
    }


def from_facts(facts: Mapping[str, object]) -> Client:
    """The copy from its JSON values. Raises InvalidState for a missing or impossible one."""
    match facts:
        case {
            "product": int(product),
            "last_five": str(last_five),
            "key_secret": str(key_secret),
            "identity": str(identity),
            "fingerprint": [*parts],
            "answer": str() | None as answer,
            "certificate": str() | None as stated,
            "nonce": str() | None as nonce,
            "host": str() | None as host,
            "latest": str() | None as latest,
            "tried_at": str() | None as tried_at,
            "mak": dict() | None as mak,
        }:
            reply = None if answer is None or stated is None else Reply(answer, stated)
            try:
                return Client(
                    product,
                    last_five,
                    bytes.fromhex(key_secret),
                    identity,
                    tuple(_count(part) for part in parts),
                    reply,
                    nonce,
                    host,
                    _moment(latest),
                    _moment(tried_at),
                    None if mak is None else State.from_facts(mak),
                    returned_in(facts),
                )  # fmt: skip - a list of fields
            except ValueError as error:
                raise InvalidState from error
    raise InvalidState


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(value)  # noqa: TRY004 - like all that is wrong in a file
    return value


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at
