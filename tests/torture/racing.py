"""What two sides race in: a PostgreSQL database with a little in it, and what is told of it afterwards.

The rule that is kept: nothing is compared that differs by chance: no sealed number, and of a row that a side made, not
its number but what it stands for.
"""

from dataclasses import dataclass

from sqlalchemy import text

from keys.database import Database, metadata

_STAY = ("sealing", "schema_floor")
"""Tables with a row since their migration."""
_BEGIN_ANEW = """
DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY ARRAY[{tables}] LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    PERFORM setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""


@dataclass(frozen=True)
class Of:
    """Something that is told by its number: the reservation `id`."""

    id: int


@dataclass(frozen=True)
class Race:
    """Two deeds that are done at once where what is `given` was done.

    `waits`: whether the second may wait for the first. `passes_over`: the second may find nothing, as what it looks for
    is in the first one's hands; so it will look again.
    """

    sentence: str
    given: tuple
    first: object
    second: object
    waits: bool = True
    passes_over: bool = False


class World:
    """What the races of a kind have in common: `begin()` puts in what they stand on.

    `tables` are compared at the end, but for what is `by_chance`; `held` and `claimed` are what the deeds know of it.
    """

    tables = ()
    by_chance = frozenset()

    def __init__(self, url, secrets, installation):
        self.secrets, self.installation = secrets, installation
        self.database = Database(url)
        self.watcher = Database(url).engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        names = ", ".join(f"'{name}'" for name in metadata.tables if name not in _STAY)
        self._anew = text(_BEGIN_ANEW.replace("{tables}", names))

    def close(self):
        self.watcher.close()
        self.watcher.engine.dispose()
        self.database.close()

    def asks_the_server(self, query, **facts):
        return self.watcher.execute(query, facts).scalar_one()

    def anew(self, race):
        """As it was, and then what is given."""
        self.watcher.execute(self._anew)
        self.held, self.claimed = {}, {}
        with self.database.begin() as connection:
            self.begin(connection)
            for deed in race.given:
                deed.work(self, connection)
        return self

    def begin(self, connection):
        raise NotImplementedError

    def it_is_sound(self, connection):
        """Raises AssertionError where what is kept of all contradicts itself."""

    def as_it_stands(self, *told):
        """What the database holds, and what was told, in words that two worlds have in common."""
        with self.database.read() as connection:
            self.it_is_sound(connection)
            known = connection.execute(text("SELECT id, iid_digest FROM reservations")).all()
            names = {row.id: bytes(row.iid_digest).hex()[:6] for row in known}
            opened = connection.execute(text("SELECT id, caller, state, groups FROM cases"))
            # Two cases of one caller in one state are alike: which has which number goes by who asked for one first.
            cases = {str(number): tuple(said) for number, *said in opened}
            found = [(table.name, row) for table in self.tables for row in connection.execute(table.select())]
        rows = [(name, self._row(row, names, cases)) for name, row in found]
        return sorted(rows, key=repr), [self._named(each, names) for each in told]

    def _row(self, row, names, cases):
        left_out = {"id", *self.by_chance}
        facts = {name: fact for name, fact in row._mapping.items() if name not in left_out and "sealed" not in name}
        if "reservation_id" in facts:
            facts["reservation_id"] = names.get(facts["reservation_id"])
        if "case_id" in facts:
            facts["case_id"] = cases.get(str(facts["case_id"]))
        return facts

    def _named(self, told, names):
        if isinstance(told, Of):
            return names.get(told.id, "a reservation that is nowhere")
        if isinstance(told, list | tuple):
            return [self._named(each, names) for each in told]
        return told
