"""The console's own tables, and the file they stand in.

One rule: this file is the console's alone. It shares no table with a line, and nothing in it is a secret of a line.
"""

import os
from pathlib import Path

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

from keys.database import Database, Instant, RowNumber

SCHEMA = 1
"""Of this version's tables; a file of a later version is refused."""

console = MetaData()

machines = Table(
    "machines",
    console,
    Column("id", RowNumber, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("product", Integer, nullable=False),
    Column("product_name", String(200)),
    Column("last_five", String(5)),
    Column("state", String(32), nullable=False),
    Column("installation_id", String(64), index=True),
    Column("host", String(255)),
    Column("source", Text, nullable=False),
    Column("reported_at", Instant, nullable=False),
    UniqueConstraint("name", "product"),
)
"""One product on one machine, as it last reported; `host` is where ssh reached it."""

installations = Table(
    "installations",
    console,
    Column("reference", RowNumber, primary_key=True),
    Column("installation_id", String(64), nullable=False, unique=True),
    Column("machine_id", ForeignKey(machines.c.id, ondelete="SET NULL"), index=True),
    Column("guest", String(32), index=True),
    Column("outcome", String(16)),
    Column("code", String(64)),
    Column("replay", Boolean),
    Column("confirmation_id", String(64)),
    Column("certificate", Text),
    Column("answered_at", Instant),
)
"""Every installation ever seen, with its answer once there is one: the saved pairs. `reference` is all of it that the
line is told beside the ID; `guest` names the request of an isolated room that it came with and leaves with."""

requests = Table(
    "requests",
    console,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("privacy", String(16), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("imported_at", Instant),
)
"""What this console has exported to be activated elsewhere."""

request_lines = Table(
    "request_lines",
    console,
    Column("request", ForeignKey(requests.c.id), primary_key=True),
    Column("installation_id", String(64), primary_key=True),
)

known_consoles = Table(
    "known_consoles",
    console,
    Column("public_key", String(64), primary_key=True),
    Column("pinned_at", Instant, nullable=False),
)
"""Other consoles whose files are taken without asking again."""


class LaterVersion(RuntimeError):  # noqa: N818 - names what is there
    """The file was made by a later version of this program."""


def open_database(file: Path) -> Database:
    """The console's database in `file`, made there (mode 0600) if it is not. Raises LaterVersion."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    database = Database(f"sqlite:///{file}", patience=30.0)
    with database.begin() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if version > SCHEMA:
            raise LaterVersion(version)
        _make(connection)
    return database


def _make(connection: Connection) -> None:
    console.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")
