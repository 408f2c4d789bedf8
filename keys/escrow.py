"""What a trustee is handed of a product, and a confirmation ID made from that alone.

One rule: with this and an installation ID the answer is made, and nothing else is asked: no ledger, no database, no
line. So nothing is counted either; what the file itself knows (keys that were blocked, that had ended, that were never
issued, installations that were given back) is refused.

>>> from dataclasses import replace
>>> from keys.derivation import issuing_key, proof_value
>>> made = date(2031, 1, 1)
>>> held = Escrow(7, "Harbour Pilot", 1, 8, 0, issuing_key(bytes(32), 7), {1: b"two" * 8}, serials=100, made=made)
>>> bare = InstallationID(1, product=7, serial=41, fingerprint=(1,) * 8, nonce=9, proof=0)
>>> iid = replace(bare, proof=proof_value(b"two" * 8, key_secret(held.issuing_key, 41), bare))
>>> answer = confirm(held, iid, date(2031, 2, 1))
>>> len(answer), confirm(held, bare, date(2031, 2, 1)).value
(8, 'PROOF_WRONG')
>>> confirm(replace(held, serials=41), iid, date(2031, 2, 1)).value
'KEY_UNKNOWN'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from keys import confirmation_id
from keys.confirmation_id import SCHEME, SHARE_BLOCKS, SHARE_SCHEME, months_from
from keys.derivation import host_share, key_secret
from keys.errors import BadInput
from keys.genuine import generation_of
from keys.installation_id import InstallationID, digest
from keys.refusals import Refusal

VERSION = 1


class InvalidEscrow(BadInput):
    """What was opened is no escrow of a product; `field` names the first part that is missing or impossible."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Escrow:
    """A product in a trustee's hands, as it stood on the day `made`.

    `blocks` and `term_months` are those of its confirmation IDs, `verification` its secrets by generation. `serials` is
    the first serial that was never issued; `hosts` are the serials of KMS host keys; `blocked` those of keys that
    activate nothing (blocked, or of a suspended agreement), `unused` those of keys of a type that is never activated by
    the line, or that were for tests; `expires` the last days' morrows of keys that end. `returned` are the digests of
    installations that were given back.
    """

    product: int
    name: str
    format: int
    blocks: int
    term_months: int
    issuing_key: bytes = field(repr=False)
    verification: Mapping[int, bytes] = field(repr=False)
    serials: int
    made: date
    hosts: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()
    unused: frozenset[int] = frozenset()
    expires: Mapping[int, date] = field(default_factory=dict)
    returned: frozenset[bytes] = frozenset()


def confirm(held: Escrow, iid: InstallationID, today: date) -> tuple[str, ...] | Refusal:
    """The blocks of the confirmation ID of an installation, or why there is none."""
    if iid.product != held.product:
        return Refusal.PRODUCT_UNKNOWN
    if iid.format != held.format:
        return Refusal.FORMAT_NOT_OF_PRODUCT
    generation = generation_of(iid, held.issuing_key, held.verification)
    if generation is None:
        return Refusal.PROOF_WRONG
    refusal = _refused(held, iid, today)
    if refusal is not None:
        return refusal
    is_host = iid.serial in held.hosts
    return confirmation_id.issue(
        iid,
        verification_secret=held.verification[generation],
        key_secret=key_secret(held.issuing_key, iid.serial),
        blocks=SHARE_BLOCKS if is_host else held.blocks,
        scheme=SHARE_SCHEME if is_host else SCHEME,
        valid_until=months_from(today, held.term_months),
        share=host_share(held.issuing_key, iid.serial) if is_host else None,
    )


def _refused(held: Escrow, iid: InstallationID, today: date) -> Refusal | None:
    """What the file itself knows against a proven installation."""
    if iid.serial >= held.serials:
        return Refusal.KEY_UNKNOWN
    if iid.serial in held.blocked:
        return Refusal.KEY_BLOCKED
    if iid.serial in held.unused:
        return Refusal.KEY_TYPE_NOT_ALLOWED
    if digest(iid) in held.returned:
        return Refusal.IID_RETURNED
    ends = held.expires.get(iid.serial)
    return Refusal.KEY_EXPIRED if ends is not None and ends <= today else None


def written(held: Escrow) -> bytes:
    """The escrow as JSON, in the clear: for a seal, and nowhere else."""
    facts = {
        "escrow": VERSION,
        "product": held.product,
        "name": held.name,
        "format": held.format,
        "blocks": held.blocks,
        "term_months": held.term_months,
        "issuing_key": held.issuing_key.hex(),
        "verification": {str(generation): secret.hex() for generation, secret in sorted(held.verification.items())},
        "serials": held.serials,
        "made": held.made.isoformat(),
        "hosts": sorted(held.hosts),
        "blocked": sorted(held.blocked),
        "unused": sorted(held.unused),
        "expires": {str(serial): day.isoformat() for serial, day in sorted(held.expires.items())},
        "returned": sorted(each.hex() for each in held.returned),
    }
    return json.dumps(facts, indent=1, ensure_ascii=False).encode()


def read(content: bytes) -> Escrow:
    """The escrow in what a seal held. Raises InvalidEscrow."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidEscrow("escrow") from error
    if not isinstance(facts, dict) or facts.get("escrow") != VERSION:
        raise InvalidEscrow("escrow")
    found: dict[str, Any] = {}
    for name, reader in _READ_BY.items():
        try:
            found[name] = reader(facts[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidEscrow(name) from error
    return Escrow(**found)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _secret(value: str) -> bytes:
    found = bytes.fromhex(value)
    if not found:
        raise ValueError(value)
    return found


def _serials(value: list[int]) -> frozenset[int]:
    return frozenset(map(_number, value))


_READ_BY: Mapping[str, Any] = {
    "product": _number,
    "name": str,
    "format": _number,
    "blocks": _number,
    "term_months": _number,
    "issuing_key": _secret,
    "verification": lambda value: {int(generation): _secret(secret) for generation, secret in value.items()},
    "serials": _number,
    "made": date.fromisoformat,
    "hosts": _serials,
    "blocked": _serials,
    "unused": _serials,
    "expires": lambda value: {int(serial): date.fromisoformat(day) for serial, day in value.items()},
    "returned": lambda value: frozenset(map(bytes.fromhex, value)),
}
