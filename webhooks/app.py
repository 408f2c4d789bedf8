"""The line as a WSGI application: the doors, and what they open on.

Rule: what cannot work is found at the start, with one sentence; nothing is looked up in the environment later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import ArgumentError

from ivr.prompts import Catalogue
from keys import secrets_file
from keys.database import Database
from webhooks.desk_legs import desk_legs
from webhooks.door import Exchange
from webhooks.health import Watch, health
from webhooks.hold_music import hold_music
from webhooks.line_flask import LineFlask
from webhooks.lines_file import read_catalogues, read_lines
from webhooks.metrics_page import Kept, metrics_page
from webhooks.probe import probe
from webhooks.recorded import recorded
from webhooks.recordings import Shelf
from webhooks.settings import SettingError, Settings
from webhooks.sms import sms
from webhooks.sms_status import sms_status
from webhooks.twiml import Wording
from webhooks.voice import PATIENCE, voice

if TYPE_CHECKING:
    from webhooks.api.guards import Api
    from webhooks.phone import Phone

LARGEST_FORM = 64 * 1024
"""Bytes of a request's body; a real voice form has about one kilobyte."""


def create_app(
    exchange: Exchange, rehearsal: Phone | None = None, api: Api | None = None, watch: Watch | None = None
) -> Flask:
    """The application over one exchange; `rehearsal` adds the telephone's page, `api` the doors for programs.

    `watch` is what is watched of a serving process; without it readiness is the database's alone, with no metrics.
    """
    app = LineFlask("touchtone", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=200)
    app.extensions.update(exchange=exchange, watch=watch, metrics_kept=Kept())
    app.register_blueprint(voice)
    app.register_blueprint(probe)
    app.register_blueprint(desk_legs)
    app.register_blueprint(sms)
    app.register_blueprint(sms_status)
    app.register_blueprint(health)
    app.register_blueprint(metrics_page)
    app.register_blueprint(hold_music)
    app.register_blueprint(recorded)
    if rehearsal is not None:
        from webhooks.phone import phone

        app.extensions["phone"] = rehearsal
        app.register_blueprint(phone)
    if api is not None:
        from webhooks.api.rooms import rooms

        app.extensions["api"] = api
        app.register_blueprint(rooms)
    return app


def open_api(settings: Settings) -> Api | None:
    """The API; None where it is switched off."""
    if not settings.api:
        return None
    from webhooks.api.guards import opened

    return opened(settings.api_per_minute, settings.threads)


def open_phone(settings: Settings, exchange: Exchange) -> Phone | None:
    """The rehearsal telephone's page; None where it is switched off. Raises SettingError."""
    if not settings.phone:
        return None
    from webhooks import phone_file
    from webhooks.phone import Phone
    from webhooks.phone_calls import Far, Switchboard
    from webhooks.phone_machines import Machines
    from webhooks.phone_texts import PhoneTexts
    from webhooks.rehearsal.fetching import Address
    from webhooks.rehearsal.texting import TextLine
    from webhooks.rehearsal.wire import Wire

    file = phone_file.opened(settings.phone_file)
    # With an API key the line rings real telephones, which are on no wire of ours.
    wire = None if settings.api_key else Wire(settings.rehearsed_calls)
    far = Far(settings.own_url, settings.public_url, settings.account_sid, settings.auth_tokens[0], wire)
    machines = None if file.installable is None else Machines(file.installable)
    # With an API key the line's texts go to real telephones, and none comes here.
    texts = None
    if not settings.api_key:
        address = Address(settings.own_url, settings.public_url)
        line = TextLine(address, settings.account_sid, settings.rehearsed_texts, settings.auth_tokens[0])
        texts = PhoneTexts(line, exchange.database)
    return Phone(settings.public_url, exchange.lines, Switchboard(far), machines, file.token, texts)


def open_exchange(settings: Settings) -> Exchange:
    """Open what the settings name. Raises SettingError with the sentence for whoever starts the line."""
    catalogues = read_catalogues()
    lines = read_lines(settings.lines_file, catalogues)
    return Exchange(
        database=open_database(settings, patience=PATIENCE),
        secrets=open_secrets(settings),
        lines=lines,
        wording=Wording(settings.public_url, catalogues, open_recordings(settings, catalogues)),
        account_sid=settings.account_sid,
        auth_tokens=settings.auth_tokens,
        spool_dir=settings.spool_dir,
        limits=settings.text_limits,
        kept=settings.kept,
        probe_file=settings.probe_file,
    )


def open_recordings(settings: Settings, catalogues: Mapping[str, Catalogue]) -> Shelf | None:
    """What the publisher has recorded; a file that cannot be played is logged, and its words are spoken."""
    if settings.recordings_dir is None:
        return None
    try:
        return Shelf(settings.recordings_dir, catalogues)
    except OSError as error:
        raise SettingError(
            f"TOUCHTONE_RECORDINGS_DIR names {settings.recordings_dir}, which cannot be read ({error.strerror})."
        ) from error


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
