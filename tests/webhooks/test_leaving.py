"""Leaving: a line that is told to end says so first, answers the turn it is at, and then ends by itself."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.webhooks.conftest import sign
from tests.webhooks.test_serving import free_port, is_ready
from webhooks.settings import load

TOKEN = "read-the-metrics-0123456789"


@pytest.fixture
def environ(touchtone, monkeypatch):
    """What a line is served with, at a free port; its folder was made by `touchtone init`."""
    port = free_port()
    monkeypatch.setenv("TOUCHTONE_LISTEN", f"127.0.0.1:{port}")
    monkeypatch.setenv("TOUCHTONE_PUBLIC_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("TOUCHTONE_METRICS_TOKEN", TOKEN)
    assert touchtone("init").status == 0
    return monkeypatch


@contextmanager
def served(tmp_path):
    """A real `touchtone serve`, ready; its process."""
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "webhooks.cli", "serve"], stdout=log, stderr=log, env=os.environ
        )
        try:
            assert is_ready(os.environ["TOUCHTONE_PUBLIC_URL"], server), (tmp_path / "log").read_text()
            yield server
        finally:
            server.terminate()  # not killed: its workers would be left behind
            server.terminate()
            server.wait(20)
    assert "Traceback" not in (tmp_path / "log").read_text()


class Turn(threading.Thread):
    """The first turn of a call, asked for in a thread; what came of it."""

    def __init__(self, sid):
        super().__init__()
        self.sid, self.answer = sid, None
        self.start()

    def run(self):
        found = load()
        form = {"AccountSid": found.account_sid, "CallSid": self.sid, "From": "+14155550123", "To": "+15005550006"}
        url = f"{found.public_url}/voice/incoming"
        signed = {"X-Twilio-Signature": sign(found.auth_tokens[0], url, form)}
        self.answer = requests.post(url, data=form, headers=signed, timeout=10)

    def words(self):
        self.join(10)
        return self.answer.text


def scraped():
    """The metrics, read by the client's own parser."""
    found = load()
    answer = requests.get(f"{found.own_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    families = text_string_to_metric_families(answer.text)
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def counting(node):
    """The processes that have counted anything yet."""
    return {file.stem.partition("_")[2] for file in node.glob("counter_*.db")} - {"1"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_node_that_is_told_to_end_says_so_answers_on_and_ends_after_its_last_turn(environ, tmp_path, database_url):
    environ.setenv("TOUCHTONE_LEAVE_SECONDS", "2")
    url = os.environ["TOUCHTONE_PUBLIC_URL"]
    with served(tmp_path) as server:
        assert requests.get(f"{url}/metrics", timeout=5).status_code == 403
        other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # the turn waits for it
        turn = Turn("CA" + "1" * 32)
        time.sleep(0.3)
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        leaving = requests.get(f"{url}/readyz", timeout=5)
        assert (leaving.status_code, leaving.text) == (503, "not ready: leaving\n")
        assert requests.get(f"{url}/healthz", timeout=5).text == "alive\n"
        other.close()
        assert "<Gather" in turn.words()
        assert "<Gather" in Turn("CA" + "2" * 32).words()  # a new call is still taken
        told = scraped()
        assert told["touchtone_turn_seconds_count", ("channel", "phone"), ("outcome", "listen")] == 2
        assert told["touchtone_node_well",] == 0
        assert server.wait(10) == 0
        assert 2 <= time.monotonic() - begun < 6
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/readyz", timeout=5)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_turn_that_sigterm_meets_is_answered_and_all_workers_metrics_are_summed(environ, tmp_path, database_url):
    environ.setenv("TOUCHTONE_WORKERS", "2")
    node = load().node_dir
    node.mkdir()
    (node / "leaving").touch()  # left behind by a run that was killed
    (node / "counter_1.db").write_bytes(b"torn")
    with served(tmp_path) as server:
        patience = time.monotonic() + 20
        while len(counting(node)) < 2 and time.monotonic() < patience:
            time.sleep(0.05)  # the second worker may still be starting
        assert len(counting(node)) == 2
        for number in range(8):
            assert "<Gather" in Turn(f"CA{number:032}").words()
        told = scraped()
        assert told["touchtone_turn_seconds_count", ("channel", "phone"), ("outcome", "listen")] == 8
        assert told["touchtone_background_rounds_total", ("duty", "delivery"), ("outcome", "done")] >= 2  # one of each
        assert told["touchtone_node_well",] == 1
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
            turn = Turn("CA" + "9" * 32)
            time.sleep(0.3)
            server.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        assert "<Gather" in turn.words()
        assert server.wait(10) == 0
