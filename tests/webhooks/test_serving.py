"""Serving: what would keep a worker from answering is said before one starts; a real server takes a real call."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
from sqlalchemy import text

from keys.database import Database
from keys.unavailable import DatabaseUnavailable
from webhooks import serving
from webhooks.settings import SettingError, load


def touchtone(folder, *arguments, **environ):
    """One command, run as a person would run it, in the folder of a line."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TOUCHTONE_", "TWILIO_", "DATABASE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "webhooks.cli", *arguments],
        env={**kept, "TOUCHTONE_DATA_DIR": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A folder that `touchtone init` made."""
    folder = tmp_path_factory.mktemp("line") / "data"
    done = touchtone(folder, "init")
    assert done.returncode == 0, done.stderr
    return folder


def copied(template, place):
    """A copy of it, in a folder of its own."""
    copy = place / "data"
    copy.mkdir(mode=0o700)
    for file in template.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
        (copy / file.name).chmod(file.stat().st_mode)
    return copy


@pytest.fixture
def folder(template, tmp_path):
    return copied(template, tmp_path)


@pytest.fixture
def found(folder):
    return load({"TOUCHTONE_DATA_DIR": str(folder)})


def sqlite(folder):
    return Database(f"sqlite:///{folder / 'touchtone.db'}")


def refused(found):
    with pytest.raises(SettingError) as error:
        serving.check(found)
    said = str(error.value)
    assert said.endswith(".")
    return said


def test_a_folder_made_by_init_can_serve(found):
    serving.check(found)


def test_an_old_schema_says_what_to_run(folder, found):
    database = sqlite(folder)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.close()
    assert refused(found) == "The database is at schema 0001; run `touchtone db upgrade`."


def test_an_empty_database_says_what_to_run(folder, found):
    for file in folder.glob("touchtone.db*"):
        file.unlink()
    assert refused(found) == "The database is at schema none; run `touchtone db upgrade`."


def test_no_database_at_all_is_unavailable(folder):
    for url in (f"sqlite:///{folder}/nowhere/line.db", "postgresql://line@127.0.0.1:1/ledger"):
        with pytest.raises(DatabaseUnavailable):
            serving.check(load({"TOUCHTONE_DATA_DIR": str(folder), "DATABASE_URL": url}))


@pytest.mark.parametrize("name", ["secrets.toml", "lines.toml"])
def test_a_missing_file_is_named(folder, found, name):
    (folder / name).unlink()
    assert str(folder / name) in refused(found)


def test_a_database_that_is_newer_is_served_until_it_has_lost_what_this_version_needs(folder, found):
    database = sqlite(folder)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    serving.check(found)
    with database.begin() as connection:
        connection.execute(text("UPDATE schema_floor SET revision = '9001'"))
    database.close()
    assert refused(found) == "The database is at schema 9001, too new for this version; install a newer one."


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TOUCHTONE_LISTEN": "nowhere"}, "TOUCHTONE_LISTEN must be an address and a port, such as 127.0.0.1:8080.\n"),
        ({"DATABASE_URL": "postgresql://a:correct-horse@127.0.0.1:1/x"},
         "The database does not answer (unreachable); is DATABASE_URL right?\n"),
        ({"TOUCHTONE_WORKERS": "2"},
         "TOUCHTONE_WORKERS must be 1 on SQLite; set DATABASE_URL to PostgreSQL for more.\n"),
    ],
)  # fmt: skip
def test_the_command_ends_with_status_1_and_one_sentence(folder, environ, said):
    done = touchtone(folder, "serve", **environ)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_ready(url, server):
    patience = time.monotonic() + 20
    while time.monotonic() < patience and server.poll() is None:
        try:
            if requests.get(f"{url}/readyz", timeout=1).ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.05)
    return False


CATALOGUE = """\
[[organisation]]
name = "Nordstern"
[[agreement]]
number = "NS-1"
organisation = "Nordstern"
programme = "volume"
starts = 2026-01-01
[[product]]
number = 1
name = "Fairway"
format = "standard"
"""


def an_installation(folder):
    """The catalogue loaded, a key for two issued, and the installation ID of a machine that has it."""
    (folder / "catalogue.toml").write_text(CATALOGUE)
    for arguments in (
        ("catalog", "load", str(folder / "catalogue.toml")),
        ("catalog", "build", "Fairway", "--out", str(folder / "build.json")),
    ):
        done = touchtone(folder, *arguments)
        assert done.returncode == 0, done.stderr
    issued = touchtone(
        folder, "key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", "2", "--json"
    )
    key = json.loads(issued.stdout)["product_key"]
    state, build = str(folder / "machine.json"), str(folder / "build.json")
    installed = touchtone(folder, "device", "install", "--build", build, "--state", state, "--seed", "x", key, "--json")
    return key, json.loads(installed.stdout)["installation_id"]


def test_a_real_server_takes_a_real_call_and_ends_when_asked(folder):
    key, iid = an_installation(folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    here = {"TOUCHTONE_LISTEN": f"127.0.0.1:{port}", "TOUCHTONE_PUBLIC_URL": url}
    environ = {**os.environ, "TOUCHTONE_DATA_DIR": str(folder), **here}
    log = (folder / "log").open("w+")
    server = subprocess.Popen([sys.executable, "-m", "webhooks.cli", "serve"], env=environ, stderr=log, stdout=log)
    try:
        assert is_ready(url, server)
        assert requests.get(f"{url}/healthz", timeout=2).text == "alive\n"
        called = touchtone(folder, "call", "--iid", iid, "--json", "--deliver-twice", "--express", **here)
        told = json.loads(called.stdout)
        assert (called.returncode, told["outcome"]) == (0, "activated"), called.stdout
        assert (told["problems"], told["troubles"], told["differences"]) == ([], [], [])
        unsigned = requests.post(f"{url}/voice/incoming", data={"CallSid": "CA1"}, timeout=2)
        made_up = {"X-Twilio-Signature": "A" * 28}
        too_big = requests.post(f"{url}/voice/incoming", data={"Digits": "1" * 2**20}, headers=made_up, timeout=5)
        assert (unsigned.status_code, too_big.status_code) == (403, 413)
        balance = json.loads(touchtone(folder, "ledger", "balance", key, "--json").stdout)
        assert balance["available"] == 1
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 8
    finally:
        server.terminate()  # not killed: its worker would be left behind
        server.wait(20)
        log.seek(0)
        said = log.read()
        log.close()
    assert "Traceback" not in said
    assert not [group for group in iid.split() if group in said]
    assert "4155550123" not in said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_taken_is_said_in_one_sentence(folder, host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"{host}:{taken.getsockname()[1]}"
        done = touchtone(folder, "serve", TOUCHTONE_LISTEN=where)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"TOUCHTONE_LISTEN: nothing can listen on {where} (Address already in use).\n"


def test_an_address_of_another_machine_is_said_in_one_sentence(folder):
    done = touchtone(folder, "serve", TOUCHTONE_LISTEN="192.0.2.1:8080")
    assert (done.returncode, done.stderr) == (
        1,
        "TOUCHTONE_LISTEN: nothing can listen on 192.0.2.1:8080 (Cannot assign requested address).\n",
    )
