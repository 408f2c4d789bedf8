"""The line as a WSGI application: the doors, and what they open on.

Rule: what cannot work is found at the start, with one sentence; nothing is looked up in the environment later.
"""

from __future__ import annotations

from flask import Flask
from sqlalchemy.exc import ArgumentError

from keys import secrets_file
from keys.database import Database
from webhooks.health import health
from webhooks.lines_file import read_catalogues, read_lines
from webhooks.settings import SettingError, Settings
from webhooks.twiml import Wording
from webhooks.voice import PATIENCE, Exchange, voice

LARGEST_FORM = 64 * 1024
"""Bytes of a request's body; a real voice form has about one kilobyte."""


def create_app(exchange: Exchange) -> Flask:
    """The application over one exchange."""
    app = Flask("touchtone", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=200)
    app.extensions["exchange"] = exchange
    app.register_blueprint(voice)
    app.register_blueprint(health)
    return app


def open_exchange(settings: Settings) -> Exchange:
    """Open what the settings name. Raises SettingError with the sentence for whoever starts the line."""
    catalogues = read_catalogues()
    lines = read_lines(settings.lines_file, catalogues)
    return Exchange(
        database=open_database(settings, patience=PATIENCE),
        secrets=open_secrets(settings),
        lines=lines,
        wording=Wording(settings.public_url, catalogues),
        account_sid=settings.account_sid,
        auth_tokens=settings.auth_tokens,
        spool_dir=settings.spool_dir,
    )


def open_database(settings: Settings, *, patience: float = 10.0) -> Database:
    """The database of the settings, with a connection for every serving thread. Raises SettingError."""
    try:
        return Database(settings.database_url, patience=patience, connections=settings.threads + 2)
    except (ValueError, ArgumentError) as error:
        raise SettingError("DATABASE_URL must begin with sqlite:/// (and a file) or postgresql://.") from error


def open_secrets(settings: Settings) -> secrets_file.Secrets:
    """The secrets of the settings. Raises SettingError."""
    try:
        return secrets_file.load(settings.secrets_file)
    except secrets_file.SecretsFileMissingError as error:
        raise SettingError(f"There is no secrets file {error.path}; run `touchtone init`.") from error
    except secrets_file.SecretsFileTooOpenError as error:
        raise SettingError(f"Others can read {error.path}; run `chmod 600 {error.path}`.") from error
    except secrets_file.SecretsFileMalformedError as error:
        raise SettingError(f"The secrets file {error.path} is damaged at {error.field or 'its first line'}.") from error
