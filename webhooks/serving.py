"""What a serving process is: the application a worker of the server makes for itself, with its background work.

Rule: a worker reads the same settings as the command that started it, and shares nothing with its neighbours but the
database.
"""

from __future__ import annotations

from flask import Flask

from keys import schema
from keys.schema import Standing
from webhooks import background, delivery, logs, ringing, server, settings, twilio_calls, twilio_rest
from webhooks.app import create_app, open_api, open_database, open_exchange, open_phone
from webhooks.settings import SettingError, Settings


def application() -> Flask:
    """The application of one worker."""
    logs.configure()
    found = settings.load()
    exchange = open_exchange(found)
    background.start(exchange, found.roots_file)
    delivery.start(exchange, twilio_rest.opened(found))
    ringing.start(exchange, twilio_calls.opened(found))
    return create_app(exchange, open_phone(found, exchange), open_api(found))


def serve(target: str, found: Settings) -> None:
    """Serve what `target` makes (`module:function`) as the settings say, until the process is told to stop."""
    server.run(target, host=found.host, port=found.port, workers=found.workers, threads=found.threads)


def check(found: Settings) -> None:
    """Everything that would keep a worker from answering, found before one starts.

    Raises SettingError, and keys.unavailable.DatabaseUnavailable where the database does not answer.
    """
    exchange = open_exchange(found)
    exchange.database.close()
    open_phone(found, exchange)
    database = open_database(found)
    try:
        at, standing = schema.found(database)
    finally:
        database.close()
    if standing is Standing.BEHIND:
        raise SettingError(f"The database is at schema {at or 'none'}; run `touchtone db upgrade`.")
    if standing is Standing.TOO_NEW:
        raise SettingError(f"The database is at schema {at}, too new for this version; install a newer one.")


def check_address(found: Settings) -> None:
    """Raises SettingError where another program has the line's address, or this machine has not."""
    check_bindable("TOUCHTONE_LISTEN", found.host, found.port)


def check_bindable(name: str, host: str, port: int) -> None:
    """Raises SettingError, naming the setting `name`, where nothing can listen on an address and port."""
    why_not = server.why_not_bindable(host, port)
    if why_not is not None:
        raise SettingError(f"{name}: nothing can listen on {host}:{port} ({why_not}).")
