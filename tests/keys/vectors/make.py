"""Makes the frozen test vectors: `.venv/bin/python tests/keys/vectors/make.py FOLDER` writes one file a format.

One rule: the files are frozen. Made again, they come out the same; a vector that changes breaks every device in the
field. Their secrets are public (SHA-256 of a label) and good for nothing else.
"""

import json
import sys
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

from keys import confirmation_id, derivation, return_code
from keys.device import hardware
from keys.device.qr import call_link, text_link
from keys.formats import FORMATS, Format
from keys.groups import grouped
from keys.installation_id import InstallationID, digest, encode, payload
from keys.product_key import KeyType, last_five, make
from keys.product_key import encode as encode_key

LINE = "+15550100"
GENERATION = 1
FIELDS = {
    "standard": (1234, 16_777_259, 4711),
    "compact": (77, 3_141_592, 200),
    "classic": (16_000, 7, 65_535),
}
"""Product, serial and nonce of each format's vector."""

PARTS: dict[str, object] = {
    "machine": ["  tt-2026-000417 "],
    "board": ["MB/8841-Ü"],
    "disk": [
        {"identity": "usb stick", "removable": True},
        {"identity": "wd-9002"},
        {"identity": "WD-1001"},
    ],
    "network": [{"identity": "02:42:ac:11:00:02", "virtual": True}, "00:1b:21:0a:0b:0c"],
    "security_chip": [],
    "processor": ["Example CPU 4 cores"],
    "graphics": ["Example GPU"],
    "memory": ["16384 MB"],
}
CHANGES: dict[str, dict[str, str]] = {
    "nothing": {},
    "processor": {"processor": "a new one"},
    "machine": {"machine": "a new one"},
    "machine and board": {"machine": "a new one", "board": "a new one"},
    "all but the model's parts": {
        "machine": "a new one",
        "board": "a new one",
        "disk": "a new one",
        "network": "a new one",
    },
}
CONFIRMATIONS = ((8, None), (8, date(2027, 2, 14)), (5, None), (5, date(2109, 4, 1)))


def public_secret(label: str) -> bytes:
    """A 32-byte value that everybody knows."""
    return sha256(f"touchtone test vector: {label}".encode()).digest()


def vector(fmt: Format) -> dict[str, object]:
    """Everything between the issuing root and the accepted answer, for one format."""
    product, serial, nonce = FIELDS[fmt.name]
    root, verification_secret = public_secret("issuing root"), public_secret(f"verification {fmt.name}")
    issuing_key = derivation.issuing_key(root, product)
    key = make(KeyType.MAK, product, serial, issuing_key)
    names = [part.name for part in hardware.classes_of(fmt)]
    here = hardware.from_facts({name: PARTS[name] for name in names})
    parts = hardware.fingerprint(fmt, here, key.secret)
    bare = InstallationID(fmt.number, product, serial, parts, nonce, proof=0)
    iid = replace(bare, proof=derivation.proof_value(verification_secret, key.secret, bare))
    return {
        "format": fmt.number,
        "issuing_root": root.hex(),
        "product": product,
        "serial": serial,
        "type": int(key.type),
        "issuing_key": issuing_key.hex(),
        "key_secret": key.secret.hex(),
        "product_key": encode_key(key),
        "last_five": last_five(encode_key(key)),
        "generation": GENERATION,
        "verification_secret": verification_secret.hex(),
        "hardware": {name: PARTS[name] for name in names},
        "fingerprint_key": derivation.fingerprint_key(key.secret).hex(),
        "fingerprint": list(parts),
        "nonce": nonce,
        "proof_key": derivation.proof_key(verification_secret, key.secret).hex(),
        "proof_message": derivation.proof_message(iid).hex(),
        "proof": iid.proof,
        "payload": payload(iid),
        "installation_id": grouped(encode(iid)),
        "digest": digest(iid).hex(),
        "confirmation_key": derivation.confirmation_key(verification_secret, key.secret).hex(),
        "confirmations": [_confirmation(iid, verification_secret, key.secret, *wanted) for wanted in CONFIRMATIONS],
        **_return_facts(fmt, iid, verification_secret, key.secret),
        "votes": [
            _vote(fmt, here, iid, key.secret, change, dockable) for change in CHANGES for dockable in (False, True)
        ],
        "text_link": text_link(LINE, encode(iid)),
        "call_link": call_link(LINE, encode(iid)),
    }


def _return_facts(fmt: Format, iid: InstallationID, verification_secret: bytes, key_secret: bytes) -> dict[str, object]:
    """The return key and code, of formats that have returns."""
    if not fmt.returns:
        return {}
    made = return_code.issue(iid, verification_secret=verification_secret, key_secret=key_secret)
    return {
        "return_key": derivation.return_key(verification_secret, key_secret).hex(),
        "return_code": " ".join(made),
    }


def _confirmation(
    iid: InstallationID, verification_secret: bytes, key_secret: bytes, blocks: int, day: date | None
) -> dict[str, object]:
    until = 0 if day is None else confirmation_id.month_number(day)
    made = confirmation_id.issue(
        iid, verification_secret=verification_secret, key_secret=key_secret, blocks=blocks, valid_until=until
    )
    end = confirmation_id.last_day(until)
    return {
        "blocks": blocks,
        "valid_until": until,
        "last_day": None if end is None else end.isoformat(),
        "confirmation_id": grouped(made),
    }


def _vote(
    fmt: Format, here: hardware.Hardware, iid: InstallationID, key_secret: bytes, change: str, dockable: bool
) -> dict[str, object]:
    today = hardware.replaced(here, **CHANGES[change])
    tally = hardware.vote(fmt, iid.fingerprint, today, key_secret, dockable=dockable)
    return {
        "changed": change,
        "dockable": dockable,
        "present": tally.present,
        "needed": tally.needed,
        "matched": tally.matched,
        "passed": tally.passed,
    }


def main(folder: Path) -> None:
    """Write the file of every format into `folder`."""
    for fmt in FORMATS.values():
        text = json.dumps(vector(fmt), indent=2, ensure_ascii=False)
        (folder / f"{fmt.name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
