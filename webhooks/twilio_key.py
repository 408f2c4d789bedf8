"""The API key with which texts go out, telephones are rung, and browsers at the desk sign in: made once, by `connect`.

Rule: Twilio tells a key's secret once. So the file it goes to is opened first, and a key whose secret could not be
written is taken away again: none is left that nobody can use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from webhooks.settings import SettingError
from webhooks.twilio_client import translated

if TYPE_CHECKING:
    from twilio.rest import Client

NAME = "Touchtone"
"""What the key is called in the Console."""
OPEN_TO_OTHERS = 0o077


def make(owner: Client, settings_file: Path) -> str:
    """Make a standard key, add it with its secret to the file of settings, and give its SID.

    `owner` signs in with the auth token: no key may make keys. Raises TwilioError, and SettingError for a file that
    others can read or that cannot be written.
    """
    try:
        descriptor = os.open(settings_file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            if os.fstat(descriptor).st_mode & OPEN_TO_OTHERS:
                raise SettingError(f"Others can read {settings_file}; run `chmod 600 {settings_file}`.")
            before = file.read()
            with translated():
                key = owner.new_keys.create(friendly_name=NAME)
            opening = "" if not before or before.endswith(b"\n") else "\n"
            added = f"{opening}# Made by `touchtone twilio connect`.\nTWILIO_API_KEY={key.sid}\n"
            try:
                file.write(f"{added}TWILIO_API_SECRET={key.secret}\n".encode())
                file.flush()
                os.fsync(descriptor)
            except OSError:
                with translated():
                    owner.keys(str(key.sid)).delete()
                raise
    except OSError as error:
        raise SettingError(f"The key of Twilio cannot be kept in {settings_file}: {error.strerror}.") from error
    return str(key.sid)
