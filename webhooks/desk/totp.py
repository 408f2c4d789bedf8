"""One-time codes from an app (TOTP, RFC 6238): six digits, thirty seconds, one step of grace on either side.

Rule: a code is good once; the step it belongs to is used up, and so are those before it.

>>> from datetime import UTC
>>> noon, secret = datetime(2026, 11, 24, 12, tzinfo=UTC), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
>>> step_of(secret, "928 111", noon), step_of(secret, "928111", noon.replace(minute=2))
(59850720, None)
"""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

ISSUER = "Touchtone desk"
GRACE = 1


def new_secret() -> str:
    """A fresh secret of 160 bits, in base 32."""
    return pyotp.random_base32()


def address_of(secret: str, name: str) -> str:
    """The otpauth address that an app takes, usually as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code belongs to; None where it is wrong, or too old or early."""
    digits = "".join(code.split())
    made = pyotp.TOTP(secret)
    here = made.timecode(now)
    found = None
    for step in range(here - GRACE, here + GRACE + 1):
        if hmac.compare_digest(made.generate_otp(step).encode(), digits.encode()):
            found = step
    return found
