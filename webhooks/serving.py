"""What a serving process is: the application a worker of the server makes for itself, with its background work.

Rule: a worker reads the same settings as the command that started it, and shares nothing with its neighbours but the
database.
"""

from __future__ import annotations

import gc

from flask import Flask

from keys import schema
from keys.schema import Standing
from webhooks import background, delivery, logs, metrics, node, ringing, server, settings, twilio_calls, twilio_rest
from webhooks.app import create_app, open_api, open_database, open_exchange, open_phone
from webhooks.beats import Beats
from webhooks.health import Watch
from webhooks.server import Farewell
from webhooks.settings import SettingError, Settings


def application() -> Flask:
    """The application of one worker."""
    found = settings.load()
    logs.configure(found.log_level, found.log_format)
    exchange = open_exchange(found)
    metrics.from_zero()
    beats = Beats()
    background.start(exchange, found.roots_file, beats)
    delivery.start(exchange, twilio_rest.opened(found), beats)
    ringing.start(exchange, twilio_calls.opened(found), beats)
    watch = Watch(found.data_dir, found.node_dir, beats, found.metrics_token)
    app = create_app(exchange, open_phone(found, exchange), open_api(found), watch)
    gc.freeze()
    gc.enable()
    return app


def serve(target: str, found: Settings) -> None:
    """Serve what `target` makes (`module:function`) as the settings say, until the process is told to stop.

    Raises SettingError where the data folder takes no folder for what its processes tell each other.
    """
    try:
        folder = node.made_ready(found.node_dir)
    except OSError as error:
        raise SettingError(f"TOUCHTONE_DATA_DIR: {found.node_dir} cannot be made: {error.strerror}.") from error
    node.tidy(found.data_dir)
    farewell = Farewell(found.leave_seconds, lambda: node.leave(folder))
    try:
        with node.holding(folder):
            server.run(
                target, host=found.host, port=found.port, workers=found.workers, threads=found.threads,
                farewell=farewell,
            )  # fmt: skip
    finally:
        node.done_with(folder)


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
