"""What may stand in a setting: each kind of value, read from text.

Rule: whatever is wrong is told in one sentence that names the setting, and never repeats a secret.

>>> listen("TOUCHTONE_LISTEN", "[::1]:8080"), switch("TOUCHTONE_PHONE", "on")
(('::1', 8080), True)
"""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Mapping
from datetime import timedelta

LEAST_KEPT = timedelta(days=31)
"""Signs look back thirty days, and so do the statistics after a standstill."""
LONGEST_WHILE = 300
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - told apart, not bound


class SettingError(ValueError):
    """A setting is missing or malformed. Its text is the sentence the person who starts the line reads."""


def address(name: str, value: str, *, path: bool = True) -> str:
    """An http(s) address with a host; `path`: one with a path as well. Raises SettingError."""
    if not value:
        raise SettingError(f"{name} is missing; run `touchtone init`, or set it to https://your.host.")
    try:
        parts = urllib.parse.urlsplit(value)
        extra = parts.query or parts.fragment or parts.username or parts.port == 0  # .port raises where out of range
        plain = value.isascii() and value.isprintable() and " " not in value and not parts.netloc.endswith(":")
        extra = extra or (not path and parts.path.strip("/"))
        bad = bool(parts.scheme not in {"http", "https"} or not parts.hostname or extra or not plain)
    except ValueError:
        bad = True
    if bad:
        no = "no query or user" if path else "no path, query or user"
        raise SettingError(f"{name} must be an http(s) address with a host and {no}.")
    return value.rstrip("/")


def listen(name: str, value: str) -> tuple[str, int]:
    """An address and a port. Raises SettingError."""
    host, _, port = value.rpartition(":")
    if not host or not _is_number(port) or not 0 < int(port) < 65536:
        raise SettingError(f"{name} must be an address and a port, such as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def reached_at(host: str, port: int) -> str:
    """The address of what binds there, for a browser on the same machine.

    >>> reached_at("10.0.0.7", 8090), reached_at("::1", 8090), reached_at("0.0.0.0", 8090)
    ('http://10.0.0.7:8090', 'http://[::1]:8090', 'http://127.0.0.1:8090')
    """
    named = "127.0.0.1" if host in _EVERYWHERE else host
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


def count(name: str, value: str) -> int:
    """A whole number from 1 to 512. Raises SettingError."""
    if not _is_number(value) or not 1 <= int(value) <= 512:
        raise SettingError(f"{name} must be a whole number from 1 to 512.")
    return int(value)


def per_minute(value: str) -> int:
    """Requests a minute. Raises SettingError."""
    if not _is_number(value) or int(value) < 1:
        raise SettingError("TOUCHTONE_API_PER_MINUTE must be a whole number from 1 to 99999.")
    return int(value)


def seconds(name: str, value: str) -> int:
    """A short while, in whole seconds. Raises SettingError."""
    if not _is_number(value) or int(value) > LONGEST_WHILE:
        raise SettingError(f"{name} must be a whole number of seconds up to {LONGEST_WHILE}.")
    return int(value)


def log_level(value: str) -> int:
    """A level of the standard library's. Raises SettingError."""
    if value not in {"debug", "info", "warning", "error"}:
        raise SettingError("TOUCHTONE_LOG_LEVEL must be debug, info, warning or error.")
    return logging.getLevelNamesMapping()[value.upper()]


def log_format(value: str) -> str:
    """How a line of the log is written. Raises SettingError."""
    if value not in {"json", "logfmt"}:
        raise SettingError("TOUCHTONE_LOG_FORMAT must be json or logfmt.")
    return value


def metrics_token(value: str) -> str:
    """What whoever reads the metrics must show; empty where nobody may. Raises SettingError."""
    if value and (len(value) < 16 or not value.isascii() or not value.isprintable() or " " in value):
        raise SettingError(
            "TOUCHTONE_METRICS_TOKEN must be at least 16 plain signs; `openssl rand -hex 32` makes some."
        )
    return value


def kept(value: str) -> timedelta:
    """For how long what names a caller is kept. Raises SettingError."""
    if not _is_number(value) or not LEAST_KEPT.days <= int(value) <= 3650:
        raise SettingError(f"TOUCHTONE_KEEP_DAYS must be a whole number from {LEAST_KEPT.days} to 3650.")
    return timedelta(days=int(value))


def _is_number(value: str) -> bool:
    """Digits that `int` takes: not those of other scripts, nor as many as it refuses."""
    return value.isascii() and value.isdigit() and len(value) < 6


def switch(name: str, value: str) -> bool:
    """`on` or `off`; off where nothing is said. Raises SettingError."""
    if value not in {"", "on", "off"}:
        raise SettingError(f"{name} must be on or off.")
    return value == "on"


def account_sid(value: str) -> str:
    """The SID of an account at Twilio. Raises SettingError."""
    if not value:
        raise SettingError("TWILIO_ACCOUNT_SID is missing; run `touchtone init`, or set it to your account's SID.")
    if len(value) != 34 or not value.startswith("AC") or not (value.isascii() and value.isalnum()):
        raise SettingError("TWILIO_ACCOUNT_SID must be AC followed by 32 letters and digits.")
    return value


def api_key(key: str, secret: str) -> str:
    """The SID of an API key, or none; `secret` goes with it. Raises SettingError."""
    if bool(key) != bool(secret):
        raise SettingError("TWILIO_API_KEY and TWILIO_API_SECRET go together; set both, or neither.")
    if key and (len(key) != 34 or not key.startswith("SK") or not (key.isascii() and key.isalnum())):
        raise SettingError("TWILIO_API_KEY must be SK followed by 32 letters and digits.")
    return key


def most(name: str, read: Mapping[str, str], default: int) -> int:
    """How many texts at most, `default` where nothing is said. Raises SettingError."""
    value = read[name] or str(default)
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        raise SettingError(f"{name} must be a whole number of at most six digits; 0 sends none.")
    return int(value)


def tokens(first: str, following: str) -> tuple[str, ...]:
    """One auth token, or two while they are rotated. Raises SettingError."""
    if not first:
        raise SettingError("TWILIO_AUTH_TOKEN is missing; run `touchtone init`, or set it to your account's token.")
    for name, token in (("TWILIO_AUTH_TOKEN", first), ("TWILIO_AUTH_TOKEN_NEXT", following or first)):
        if len(token) < 16:
            raise SettingError(f"{name} is too short to be a token; copy it whole.")
    return (first, following) if following else (first,)
