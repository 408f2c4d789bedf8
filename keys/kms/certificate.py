"""The certificate of a licence host: which family it may lease, signed by the publisher.

The rule it keeps: a certificate is by host key, not by machine; it names the family, the smallest count from which the
publisher lets leases start, and a last day where the customer's agreement has one.

>>> from keys import ed25519
>>> stated = HostCertificate("Fairway", 7, 41, ed25519.public_key(b"h" * 32), threshold=5, ends=None)
>>> text = write(stated, ed25519.signer(b"p" * 32))
>>> read(text, ed25519.public_key(b"p" * 32), ed25519.check) == stated
True
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from keys.kms.fields import day, number, words
from keys.signed import Check, Sign, armoured, bare, make
from keys.signed import read as read_statement

KIND: Final = "kms-host"


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """What the publisher states of a host key.

    `product` and `serial` name the host key, `public_key` (32 bytes) is what its leases are checked with; `ends` is the
    last day on which a lease may be given, None for no end.
    """

    family: str
    product: int
    serial: int
    public_key: bytes
    threshold: int
    ends: date | None

    def covers(self, today: date) -> bool:
        """Tell whether leases given on this day count."""
        return self.ends is None or today <= self.ends


def write(certificate: HostCertificate, sign: Sign) -> str:
    """The certificate's text, signed by the publisher."""
    facts: Mapping[str, object] = {
        "family": certificate.family,
        "product": certificate.product,
        "serial": certificate.serial,
        "public_key": armoured(certificate.public_key),
        "threshold": certificate.threshold,
        "ends": None if certificate.ends is None else certificate.ends.isoformat(),
    }
    return make(KIND, facts, sign)


def read(text: str, publisher_key: bytes, check: Check) -> HostCertificate:
    """What a certificate states, if the publisher with this public key signed it. Raises InvalidStatement."""
    facts = read_statement(KIND, text, publisher_key, check)
    return HostCertificate(
        words(facts, "family"),
        number(facts, "product"),
        number(facts, "serial"),
        bare(words(facts, "public_key")),
        number(facts, "threshold"),
        day(facts, "ends"),
    )
