"""A new version is brought in while calls run, node by node, with migrations: no call loses a digit, none is failed.

The new version is a copy of the program with two migrations more, of which the old one has never heard.
"""

import asyncio
import shutil
import threading
import time
from pathlib import Path

import psycopg
import pytest

from keys.schema import newest
from tests.torture.killed_line import Crowd, ServedLine
from tests.torture.test_killed import (
    as_twilio,
    assert_nothing_lost,
    deliver_the_rest,
    here,
    line,
    people_with_machines,
    read_texts_into,
    store,
)

__all__ = ["here", "line", "store"]
ROOT = Path(__file__).parents[2]
CALLERS, TEXTERS = 24, 6
AT_ONCE = 5
A_BACKUP_READS = 2.0
"""Seconds for which somebody holds on to the tables, as a copy being made does."""
TRIED = '''"""A column and a table that the version before knows nothing of."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{this}", "{before}", None, None


def upgrade() -> None:
    op.add_column("calls", sa.Column("tried", sa.Text(), server_default="", nullable=False))
    number = sa.Column("id", sa.BigInteger(), nullable=False)
    op.create_table("tried", number, sa.PrimaryKeyConstraint("id", name=op.f("pk_tried")))
'''
INDEXED = '''"""An index on a table that lines write to."""

from keys.migrations.steps import add_index

revision, down_revision, branch_labels, depends_on = "{this}", "{before}", None, None


def upgrade() -> None:
    add_index("ix_calls_tried", "calls", ["tried"])
'''


@pytest.fixture(scope="session")
def next_version(tmp_path_factory):
    """The folder of a program that is one release further."""
    folder = tmp_path_factory.mktemp("next")
    for package in ("keys", "ivr", "webhooks", "prompts"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    revisions = [f"{int(newest()) + more:04d}" for more in range(3)]
    for text, before, this in ((TRIED, *revisions[:2]), (INDEXED, *revisions[1:])):
        (folder / "keys" / "migrations" / "versions" / f"{this}_tried.py").write_text(
            text.format(before=before, this=this)
        )
    calls = folder / "ivr" / "calls.py"
    known = calls.read_text()
    with_it = known.replace(
        '    Column("sid", String(64), primary_key=True),\n',
        '    Column("sid", String(64), primary_key=True),\n'
        '    Column("tried", Text, nullable=False, server_default="", index=True),\n',
        1,
    )
    assert with_it != known
    calls.write_text(with_it + '\ntried = Table("tried", metadata, Column("id", BigInteger, primary_key=True))\n')
    return folder


class Nodes:
    """What stands before the nodes: the next request goes to the next of them. `port` is what a crowd asks for."""

    def __init__(self, *nodes):
        self._nodes, self._asked = list(nodes), 0

    @property
    def port(self):
        self._asked += 1
        return self._nodes[self._asked % len(self._nodes)].port

    def put_in(self, node):
        node.wait_until_ready()
        self._nodes.append(node)

    def take_out(self, node):
        """Nobody is sent there any more, what it has is ended, and it is stopped."""
        self._nodes.remove(node)
        time.sleep(0.5)
        node.stop()
        assert node.process.returncode == 0


class Callers(threading.Thread):
    """One call after another, some at once, slowly, until told that it is `over`; then the rest of them quickly."""

    def __init__(self, crowd, people):
        super().__init__()
        self.crowd, self.over, self.error = crowd, threading.Event(), None
        self.waiting, self.during = iter(people), 0

    def run(self):
        try:
            asyncio.run(self._all())
        except Exception as error:  # noqa: BLE001 - raised again by the test, in its own thread
            self.error = error

    async def _all(self):
        await asyncio.wait_for(asyncio.gather(*(self._one_by_one() for _ in range(AT_ONCE))), 300)

    async def _one_by_one(self):
        for person in self.waiting:
            self.crowd.pace = 0.1 if self.over.is_set() else 2.5
            self.during += not self.over.is_set()
            await self.crowd.all_of([person])


def holding_on(url):
    """Somebody reads the table that the migration wants."""
    reader = psycopg.connect(url)
    reader.execute("SELECT 1 FROM calls LIMIT 1")
    let_go = threading.Timer(A_BACKUP_READS, reader.close)
    let_go.start()
    return let_go


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_new_version_with_migrations_comes_in_node_by_node_and_no_call_loses_a_digit(
    line, here, next_version, chance
):
    found, exchange = here
    key = line.told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", CALLERS + TEXTERS)
    people, ids = people_with_machines(exchange, key, 0)
    people = [*people[:CALLERS], *people[-TEXTERS:]]
    chance.shuffle(people)
    url = line.environ["DATABASE_URL"]
    other = ServedLine(line.folder, url)
    new, newer = (ServedLine(line.folder, url, program=next_version) for _ in range(2))

    def stop():
        for node in (other, new, newer):
            if node.process is not None and node.process.poll() is None:
                node.stop()

    other.start()
    other.wait_until_ready()
    nodes = Nodes(line, other)
    crowd = Crowd(nodes, *as_twilio(found), chance)
    callers = Callers(crowd, people)
    callers.start()
    try:
        early = new.run("serve")
        assert (early.returncode, early.stdout) == (1, "")
        assert early.stderr == f"The database is at schema {newest()}; run `touchtone db upgrade`.\n"
        let_go, begun = holding_on(url), time.monotonic()
        upgraded = new.told("db", "upgrade")
        assert (upgraded["outcome"], upgraded["before"]) == ("upgraded", newest())
        assert time.monotonic() - begun > A_BACKUP_READS, "it waited for nobody"
        let_go.join()
        assert line.told("db", "upgrade")["outcome"] == "ahead"
        # The old version goes on, and starts again if it has to.
        nodes.take_out(other)
        other.start()
        nodes.put_in(other)
        for old, young in ((line, new), (other, newer)):
            young.start()
            nodes.put_in(young)
            nodes.take_out(old)
        callers.over.set()
        callers.join()
        assert callers.error is None, callers.error
        assert callers.during > AT_ONCE, "it was over before it began"
        assert crowd.unanswered == 0
        assert {person.tries for person in people if not person.texts} == {1}
        assert new.told("db", "check")["problems"] == []
        stop()  # what delivers the rest has a clock that is ahead, and would take what a node has in its hands
        deliver_the_rest(found, exchange)
        read_texts_into(people, found.data_dir, exchange)
        assert_nothing_lost(new, exchange, people, ids, key)
    finally:
        callers.over.set()
        callers.join()
        stop()
