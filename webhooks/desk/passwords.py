"""Passwords: argon2id, and never so many at once that the desk itself would stand still.

Rule: a name that nobody has costs as much as one with a wrong password, and both get the same answer.
"""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
"""A password's length in signs. Length is what helps; no signs are prescribed (NIST SP 800-63B)."""
AT_ONCE = 2
"""Verifications that may run side by side: each takes a tenth of a second and 64 MiB."""
MAY_WAIT = 3
"""And so many may wait for one, so that a flood of logins never takes every thread of the desk."""

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_running = threading.BoundedSemaphore(AT_ONCE)
_admitted = threading.BoundedSemaphore(AT_ONCE + MAY_WAIT)
_NOBODY = _hasher.hash("nobody has this password")


class TooManyAtOnce(Exception):  # noqa: N818 - it is named by what happened
    """So many log in at this moment that this one should try again in some seconds."""


class PasswordLengthError(ValueError):
    """A password is too short or too long: `length` is its length in signs."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


def hashed(password: str) -> str:
    """What is kept of a password. Raises PasswordLengthError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordLengthError(len(password))
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether this is the password of a hash; None is nobody's, and takes as long. Raises TooManyAtOnce."""
    if len(password) > LONGEST:
        password = ""
    if not _admitted.acquire(blocking=False):
        raise TooManyAtOnce
    try:
        with _running:
            return _verified(password_hash or _NOBODY, password) and password_hash is not None
    finally:
        _admitted.release()


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
