"""The console's folder: its database, its own signing key, the line it speaks to, and the publisher's key it trusts.

One rule: the file with the signing key and the token is its owner's alone; one that others can read is refused.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from keys.certificate import InvalidCertificate, read_public_key
from keys.database import Database
from keys.device import store
from keys.errors import BadInput
from webhooks.proxy.tables import open_database

_SETTINGS = "console.json"
_DATABASE = "proxy.db"
_SEED_BYTES = 32


class FolderFault(BadInput):
    """The folder cannot be used: `code` is stable, `reason` a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Settings:
    """What the console's file says. `publisher_key` is in its printed form; `line` is the URL without `/api/...`."""

    signing_key: bytes = field(repr=False)
    publisher_key: str | None = None
    line: str | None = None
    token: str | None = field(default=None, repr=False)
    authorities: str | None = None

    def to_facts(self) -> dict[str, object]:
        """The settings as JSON values."""
        return {
            "signing_key": self.signing_key.hex(),
            "publisher_key": self.publisher_key,
            "line": self.line,
            "token": self.token,
            "authorities": self.authorities,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> Settings:
        """The settings from their JSON values. Raises ValueError."""
        texts = [facts.get(name) for name in ("publisher_key", "line", "token", "authorities")]
        seed = facts.get("signing_key")
        if not isinstance(seed, str) or len(bytes.fromhex(seed)) != _SEED_BYTES:
            raise ValueError("signing_key")
        if not all(text is None or isinstance(text, str) for text in texts):
            raise ValueError("text")
        return cls(bytes.fromhex(seed), *(str(text) if text is not None else None for text in texts))


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened folder."""

    path: Path
    settings: Settings
    database: Database

    @property
    def publisher(self) -> bytes:
        """The publisher's public key. Raises FolderFault while none is pinned."""
        if self.settings.publisher_key is None:
            raise FolderFault("publisher_not_pinned", "Pin the publisher's key first: touchtone proxy pin KEY.")
        return read_public_key(self.settings.publisher_key)

    def save(self, settings: Settings) -> Folder:
        """The folder with other settings, on the disk too."""
        store.write(self.path / _SETTINGS, settings.to_facts())
        return replace(self, settings=settings)


def make_folder(path: Path) -> Folder:
    """A new folder with a signing key of its own. Raises FolderFault if one is there."""
    if (path / _SETTINGS).exists():
        raise FolderFault("folder_exists", f"{path} is a console's folder already.")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        store.write(path / _SETTINGS, Settings(secrets.token_bytes(_SEED_BYTES)).to_facts())
    except OSError as error:
        raise FolderFault("folder_unwritable", f"{path} cannot be written: {error.strerror}.") from error
    return open_folder(path)


def open_folder(path: Path) -> Folder:
    """The console's folder. Raises FolderFault, keys.database.DatabaseUnavailable, tables.LaterVersion."""
    file = path / _SETTINGS
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        facts = store.read(file)
    except FileNotFoundError as error:
        raise FolderFault("folder_missing", f"{path} is no console's folder: run touchtone proxy init.") from error
    except (OSError, store.FileDamaged) as error:
        raise FolderFault("folder_damaged", f"{file} cannot be read.") from error
    if os.name == "posix" and mode & 0o077:
        raise FolderFault("folder_too_open", f"{file} can be read by others (mode {mode:o}): chmod 600 {file}.")
    try:
        settings = Settings.from_facts(facts)
    except ValueError as error:
        raise FolderFault("folder_damaged", f"{file} is damaged.") from error
    return Folder(path, settings, open_database(path / _DATABASE))


def checked_key(text: str) -> str:
    """A publisher's public key as it is kept. Raises FolderFault."""
    try:
        read_public_key(text)
    except InvalidCertificate as error:
        raise FolderFault(
            "publisher_key_malformed", "That is no public key: it has 43 signs, as touchtone certificate key prints it."
        ) from error
    return text.strip()


def checked_line(text: str) -> str:
    """The line's URL as it is kept. A token goes over https, or to this very machine. Raises FolderFault."""
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise FolderFault("line_malformed", "That is no URL.") from error
    if parts.scheme not in {"https", "http"} or not host or parts.query or parts.fragment or parts.username:
        raise FolderFault("line_malformed", "The line's URL is like https://line.example.com.")
    if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
        raise FolderFault("line_unprotected", "The token would go over the network in the clear: use https.")
    return text.strip().rstrip("/")


def checked_token(text: str) -> str:
    """A token as it is kept. Raises FolderFault; the reason does not repeat it."""
    token = text.strip()
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise FolderFault("token_malformed", "That is no token: it is one word, beginning with ttk_.")
    return token
