"""Bringing a database to the schema of this version, one revision after another.

The rule it keeps: serving never runs this; `touchtone db upgrade` does, once, before the line is started. There is no
alembic.ini and no env.py: Alembic is set up here, in code, so that it works from an installed wheel.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

# Any fixed number will do, as long as every node takes the same.
_UPGRADE_LOCK = 5_446_187


def _scripts() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(files("keys.migrations")).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing up to `revision`, in one transaction; nothing where the database is there already.

    Two nodes that upgrade at once follow one another. `engine` is `keys.database.Database.engine`.
    """
    config, scripts = _scripts()

    def steps(at: Any, _context: MigrationContext) -> Sequence[Any]:
        return scripts._upgrade_revs(revision, at)  # noqa: SLF001 - Alembic has no public name for it

    with engine.begin() as connection, EnvironmentContext(config, scripts, fn=steps) as environment:
        if connection.dialect.name == "postgresql":
            # A migration may take longer than a turn may.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            if connection.connection.driver_connection.info.server_version >= 170000:  # type: ignore[union-attr] # psycopg's
                connection.execute(text("SET LOCAL transaction_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _UPGRADE_LOCK})
        environment.configure(connection=connection)
        environment.run_migrations()


def current(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this version of the program wants."""
    revision = _scripts()[1].get_current_head()
    assert revision is not None
    return revision


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """What Alembic would still change to bring the database to `metadata`; nothing is what a sound one gives."""
    with engine.connect() as connection:
        return list(compare_metadata(_comparing(connection), metadata))


def _comparing(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
