"""Secrets for one person's eyes: sealed for a public key, or by a passphrase, in the age format.

One rule: nothing of our own. The format is public (https://age-encryption.org/v1), its tools are many, and whoever has
the key opens such a file without us, many years from now.

>>> key = new_key()
>>> sealed = for_recipient(b"to be kept", recipient_of(key))
>>> sealed.startswith("-----BEGIN AGE ENCRYPTED FILE-----"), opened_by_key(sealed, "# mine" + chr(10) + key)
(True, b'to be kept')
"""

from __future__ import annotations

import pyrage

from keys.errors import BadInput

LEAST_PASSPHRASE = 20
"""Signs of a passphrase, at least: whoever has the file may try them for ever."""


class NoRecipient(BadInput):
    """The text is no public key of age (`age1...`)."""


class NoKey(BadInput):
    """The text holds no secret key of age (`AGE-SECRET-KEY-1...`)."""


class PassphraseTooShort(BadInput):
    """The passphrase has fewer signs than LEAST_PASSPHRASE."""


class NotOpened(BadInput):
    """The file does not open: another key or passphrase, or it is damaged."""


def new_key() -> str:
    """A fresh secret key, as one line."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(key_text: str) -> str:
    """The public key (`age1...`) of a secret key. Raises NoKey."""
    return str(_key(key_text).to_public())


def for_recipient(content: bytes, recipient: str) -> str:
    """Seal for whoever has the secret key of this public one; as text. Raises NoRecipient."""
    try:
        known = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError as error:
        raise NoRecipient from error
    sealed: bytes = pyrage.encrypt(content, [known], armored=True)
    return sealed.decode("ascii")


def by_passphrase(content: bytes, passphrase: str) -> str:
    """Seal by a passphrase, slow to try on purpose; as text. Raises PassphraseTooShort."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise PassphraseTooShort
    sealed: bytes = pyrage.passphrase.encrypt(content, passphrase, armored=True)
    return sealed.decode("ascii")


def opened_by_key(sealed: str, key_text: str) -> bytes:
    """What was sealed for the public key of this secret one. Raises NoKey or NotOpened."""
    try:
        content: bytes = pyrage.decrypt(sealed.encode(), [_key(key_text)])
    except pyrage.DecryptError as error:
        raise NotOpened from error
    return content


def opened_by_passphrase(sealed: str, passphrase: str) -> bytes:
    """What was sealed by this passphrase. Raises NotOpened."""
    try:
        content: bytes = pyrage.passphrase.decrypt(sealed.encode(), passphrase)
    except pyrage.DecryptError as error:
        raise NotOpened from error
    return content


def _key(text: str) -> pyrage.x25519.Identity:
    """The secret key in a file's text; lines that begin with # are remarks."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        (line,) = lines
        return pyrage.x25519.Identity.from_str(line)
    except (ValueError, pyrage.IdentityError) as error:
        raise NoKey from error
