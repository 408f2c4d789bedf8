"""The console against a served line: killed in the middle, begun again, and nothing taken twice.

TOUCHTONE_PROXY_MACHINES=10000 .venv/bin/pytest -s -n 0 tests/webhooks/proxy/test_served.py: with as many.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from keys import derivation, secrets_file
from keys.installation_id import InstallationID, encode
from tests.webhooks.test_serving import free_port, is_ready, touchtone

MACHINES = int(os.environ.get("TOUCHTONE_PROXY_MACHINES", "1500"))
CATALOGUE = """
[[organisation]]
name = "Nordstern Shipping"
[[agreement]]
number = "NS-1"
organisation = "Nordstern Shipping"
programme = "volume"
starts = 2026-01-01
[[product]]
number = 1
name = "Fairway"
format = "standard"
"""


@pytest.fixture
def line(tmp_path, database_url):
    """A line that is served, on either database; its address, its commands, its folder."""
    home = tmp_path / "line"
    server = {"DATABASE_URL": database_url} if database_url.startswith("postgresql") else {}

    def told(*words):
        done = touchtone(home, *words, "--json", **server)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    assert touchtone(home, "init").returncode == 0
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    told("catalog", "load", tmp_path / "catalogue.toml")
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOUCHTONE_", "TWILIO_"))}
    serving = subprocess.Popen(
        [sys.executable, "-m", "webhooks.cli", "serve"],
        env={**kept, **server, "TOUCHTONE_DATA_DIR": str(home), "TOUCHTONE_LISTEN": f"127.0.0.1:{port}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: is_ready(url, serving))
        yield url, told, home
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(30)


def wait_for(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def fleet(home, serial):
    """Genuine installation IDs of as many machines, each with hardware of its own."""
    held = secrets_file.load(home / "secrets.toml").products[1]
    secret = derivation.key_secret(held.issuing_key, serial)
    for number in range(MACHINES):
        parts = (number % 63 + 1, number // 63 % 63 + 1, number // 3969 + 1, 4, 5, 6, 7, 8)
        bare = InstallationID(1, 1, serial, parts, 7, 0)
        yield encode(replace(bare, proof=derivation.proof_value(held.verification[1], secret, bare)))


def console(folder, *words):
    """One command of the console, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "webhooks.cli", "proxy", *words, "--json"],
        env={**os.environ, "TOUCHTONE_PROXY_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )


def done(folder, *words):
    process = console(folder, *map(str, words))
    said, _ = process.communicate(timeout=500)
    assert process.returncode == 0, said
    return json.loads(said)


def written_down(folder):
    with closing(sqlite3.connect(folder / "proxy.db", timeout=30)) as database:
        return database.execute("SELECT count(*) FROM installations WHERE outcome = 'activated'").fetchone()[0]


def test_a_run_killed_in_the_middle_is_taken_up_and_no_machine_is_taken_twice(line, tmp_path):
    url, told, home = line
    key = told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", str(MACHINES + 50))
    token = told("token", "issue", "console", "--organisation", "Nordstern Shipping", "--scope", "activate")["token"]
    publisher = told("certificate", "key")["x"]
    (tmp_path / "token").write_text(token)
    ids = list(fleet(home, key["serial"]))
    rows = [f"machine {number},{text}" for number, text in enumerate(ids)]
    (tmp_path / "fleet.csv").write_text("\n".join(["name,installation_id", *rows, ""]))
    folder = tmp_path / "proxy"
    done(folder, "init", "--publisher-key", publisher)
    done(folder, "connect", url, "--token-file", tmp_path / "token")
    assert done(folder, "collect", "csv", tmp_path / "fleet.csv")["taken"] == MACHINES

    begun = time.monotonic()
    running = console(folder, "activate")
    wait_for(lambda: written_down(folder) >= MACHINES // 10 or running.poll() is not None, 300)
    running.kill()
    running.communicate()
    kept = written_down(folder)
    assert 0 < kept < MACHINES
    spent = told("ledger", "balance", key["product_key"])["posted"]
    assert kept <= spent

    rest = done(folder, "activate")
    seconds = time.monotonic() - begun
    assert (rest["activated"], rest["refused"], rest["malformed"]) == (MACHINES - kept, 0, 0)
    assert written_down(folder) == MACHINES
    balance = told("ledger", "balance", key["product_key"])
    assert (balance["posted"], balance["available"]) == (MACHINES, 50)
    assert told("ledger", "verify")["outcome"] == "sound"
    print(f"{MACHINES} machines: killed after {kept}, {rest['replayed']} replayed, {seconds:.1f} s in all")  # noqa: T201
