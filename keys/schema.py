"""Which schema the database is at, and whether this version of the program may work with it.

The rule it keeps: a migration leaves the version before it working, so a program goes on with a database that is newer
than itself, and nodes are replaced one after another. Only a migration that takes something away, a release after
nothing uses it any more, raises the floor: programs that know no revision as high as the floor stay out.

>>> [judged(at, "0023", wanted="0024").name for at in ("0023", "0024", "0025")]
['BEHIND', 'CURRENT', 'AHEAD']
>>> judged("0031", "0025", wanted="0024").name
'TOO_NEW'
"""

from enum import Enum, auto
from functools import cache
from importlib import resources

from sqlalchemy import Column, Connection, Integer, Table, Text, text
from sqlalchemy.exc import DBAPIError

from keys.database import Database, metadata

# One row. Written by migrations alone.
schema_floor = Table(
    "schema_floor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
)

_AT = text("SELECT version_num FROM alembic_version")
_BOTH = text("SELECT version_num, schema_floor.revision FROM alembic_version, schema_floor")


class Standing(Enum):
    """How the database stands to this version of the program."""

    BEHIND = auto()  #: it wants an upgrade first
    CURRENT = auto()  #: it is the very schema this version brings
    AHEAD = auto()  #: it is newer, and this version still works with it
    TOO_NEW = auto()  #: it is newer, and has lost what this version needs


def judged(at: str | None, floor: str, *, wanted: str) -> Standing:
    """How a database at revision `at`, for programs from `floor` on, stands to one that wants `wanted`."""
    if at is None or at < wanted:
        return Standing.BEHIND
    if at == wanted:
        return Standing.CURRENT
    return Standing.AHEAD if wanted >= floor else Standing.TOO_NEW


def standing(connection: Connection) -> Standing:
    """How the database of an open transaction stands to this version. Raises DBAPIError where it has no schema yet."""
    at, floor = connection.execute(_BOTH).one()
    return judged(at, floor, wanted=newest())


def found(database: Database) -> tuple[str | None, Standing]:
    """The revision a database is at, None for an empty one, and how it stands. Raises DatabaseUnavailable."""
    try:
        with database.read() as connection:
            at: str | None = connection.execute(_AT).scalar()
        if at is None or at < newest():
            return at, Standing.BEHIND  # it may have no floor yet
        with database.read() as connection:
            return at, standing(connection)
    except DBAPIError:
        return None, Standing.BEHIND


@cache
def newest() -> str:
    """The revision this version of the program wants, by the names of the migrations (importing Alembic is slow)."""
    folder = resources.files("keys.migrations") / "versions"
    return max(file.name.partition("_")[0] for file in folder.iterdir() if file.name[0].isdigit())
