"""What tries to break the line: the same tests for seconds in `make test`, for as long as one says in `make torture`.

- `term`: how long a test goes on. `term.goes_on(done, usual)` is true until `usual` rounds are done, or, in
  `make torture`, until the test's share of the stated seconds is over.
- `chance`: a `random.Random`: always the same in `make test`; in `make torture` another each time, whose seed is
  printed where a test fails (`TOUCHTONE_TORTURE_SEED` takes it again).

`make torture SECONDS=3600` sets `TOUCHTONE_TORTURE_SECONDS`, which all these tests share among them.
"""

import os
import random
import secrets as randomness
import shutil
import time
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event

from ivr import tokens
from ivr.tokens import NewToken
from keys.database import Database
from tests.webhooks.api.conftest import Program
from tests.webhooks.conftest import groups, texting  # noqa: F401 - fixtures
from tests.webhooks.desk.conftest import (  # noqa: F401 - fixtures
    add_operator,
    compiled,
    desk,
    desk_app,
    desk_client,
    handoff,
    password_hash,
)

SECONDS = float(os.environ.get("TOUCHTONE_TORTURE_SECONDS", "0"))
SEED = int(os.environ.get("TOUCHTONE_TORTURE_SEED", "0")) or (time.time_ns() % 2**32 if SECONDS else 1)


@dataclass
class Term:
    """How long one test goes on: `share` is its seconds, 0 in `make test`."""

    share: float
    begun: float = field(default_factory=time.monotonic)

    def goes_on(self, done, usual):
        return time.monotonic() - self.begun < self.share if self.share else done < usual


SHARES = {"test_killed.py": 12}
"""How many shares a test of a file has; one, where nothing is said: a round of kills takes minutes."""


def shares(item):
    return SHARES.get(item.path.name, 1) if "term" in item.fixturenames else 0


@pytest.fixture
def term(request):
    return Term(SECONDS * shares(request.node) / sum(map(shares, request.session.items)))


@pytest.fixture
def chance(record_property):
    record_property("seed", SEED)
    return random.Random(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed and "chance" in item.fixturenames:
        report.sections.append(("torture", f"TOUCHTONE_TORTURE_SEED={SEED}"))
    return report


@pytest.fixture
def stands(request, database_url, tmp_path, secrets, installation):
    """Gives a rule machine what its runs stand on: an empty database for each, of the kind that the test asks for."""
    sqlite = database_url.startswith("sqlite")
    if sqlite:
        template = request.getfixturevalue("sqlite_template")
        file = tmp_path / "run.db"
        database_url = f"sqlite:///{file}"

    def empty():
        if not sqlite:
            request.getfixturevalue("emptied")()
            return
        shutil.copy(template, file)
        for beside in ("run.db-wal", "run.db-shm"):
            (tmp_path / beside).unlink(missing_ok=True)

    doors = [Database(database_url) for _ in range(2)]
    for engine in (door.engine for door in doors if sqlite):
        # Nothing here has to survive a power loss.
        event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA synchronous=OFF"))
    facts = {"database": doors[0], "watcher": doors[1], "empty": staticmethod(empty)}
    facts |= {"secrets": secrets, "installation": staticmethod(installation)}
    yield lambda machine: type(machine.__name__, (machine,), facts)
    for door in doors:
        door.close()


@pytest.fixture
def issue_program():
    """Issues a token over an app, and gives the program that knocks with it."""

    def issued(app, database, clock, scopes):
        text = tokens.text_of(randomness.token_bytes(32))
        new = NewToken("fleet console", "Nordstern Shipping", frozenset(scopes), "tester", None)
        with database.begin() as connection:
            assert tokens.issue(connection, new, text, clock.now)
        return Program(app, text)

    return issued
