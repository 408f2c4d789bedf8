"""Killed with SIGKILL at each step of placing a call, on both databases: no telephone rings twice. And the pace."""

import json
import os
import secrets as randomness
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from ivr import cases, operators, queue, rings
from ivr.callers import seal
from ivr.operators import NewOperator, Role
from ivr.rings import RingKind, Wanted
from tests.webhooks.delivery_process import LINE
from tests.webhooks.ringing_process import NUMBER_KEY
from webhooks.ringing import LEASE

ROOT = Path(__file__).parents[2]
PAST_THE_LEASE = int(LEASE.total_seconds()) + 1


class Twilio:
    """The Calls resource on a loopback port: notes who is rung and when, and may keep an answer back."""

    def __init__(self):
        self.rung, self.hold = [], False
        self.reached, self.over = threading.Event(), threading.Event()
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self):
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                outer.rung.append((form["To"], time.monotonic()))
                if outer.hold:
                    outer.reached.set()
                    outer.over.wait(60)
                    return
                body = json.dumps({"sid": "CA" + randomness.token_hex(16), "status": "queued"}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def twilio():
    server = Twilio()
    yield server
    server.close()


@pytest.fixture
def start(database_url, twilio):
    """Start a process that places calls; whatever is left of it at the end is killed."""
    started = []

    def start(stop="end", *, ahead=0):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.webhooks.ringing_process", database_url, twilio.address, str(ahead), stop],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "no_proxy": "*"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def wish(database):
    """Wish for a talk, by an operator of a name, whose telephone has the number."""

    def wish(name, number):
        now = datetime.now(UTC)
        with database.begin() as connection:
            case = cases.open_case(
                connection, line=LINE.number, caller=None, layout=None, groups=(), now=now, below=randomness.randbelow
            )
            handoff = queue.enter(
                connection, case.id, channel="phone", sid=f"CA{case.id}", line=LINE.number, caller=None,
                reason="ASKED", now=now,
            )  # fmt: skip
            operator = operators.add(connection, NewOperator(name, Role.OPERATOR, "x"), now)
            sealed = seal(number, NUMBER_KEY)
            wanted = Wanted(RingKind.TALK, handoff.id, case.id, operator.id, LINE.number, sealed)
            return rings.ask(connection, wanted, now, now)

    return wish


@pytest.mark.parametrize(
    ("stop", "reached", "end"),
    [
        pytest.param("commit 1", 0, ("ended", "unknown"), id="after it was taken"),
        pytest.param("held", 1, ("ended", "unknown"), id="when it rings and no answer came"),
        pytest.param("answer 1", 1, ("ended", "unknown"), id="when the answer came and is not recorded"),
        pytest.param("commit 2", 1, ("ringing", None), id="after it was recorded"),
    ],
)
def test_a_process_killed_at_any_step_never_lets_a_telephone_ring_twice(wish, start, twilio, rows, stop, reached, end):
    wish("Ada", "+14155550177")
    twilio.hold = stop == "held"
    process = start(stop)
    if twilio.hold:
        assert twilio.reached.wait(30)
    else:
        assert process.stdout.readline() == "stopped\n"
    process.kill()
    assert process.wait() == -9
    twilio.hold = False
    assert start(ahead=PAST_THE_LEASE).wait(30) == 0
    assert [number for number, _ in twilio.rung] == ["+14155550177"] * reached
    (ring,) = rows("rings")
    assert (ring["state"], ring["outcome"]) == end


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_processes_side_by_side_ring_everybody_once_and_a_second_apart(wish, start, twilio, rows):
    numbers = [f"+1415555018{place}" for place in range(5)]
    for place, number in enumerate(numbers):
        wish(f"Op {place}", number)
    both = [start("together"), start("together")]
    assert [process.stdout.readline() for process in both] == ["ready\n", "ready\n"]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(30) for process in both] == [0, 0]
    assert sorted(number for number, _ in twilio.rung) == numbers
    assert {row["state"] for row in rows("rings")} == {"ringing"}
    # The pace is of the moments the calls are taken: how soon Twilio hears of each depends on the machine as well.
    taken = sorted(row["posted_at"] for row in rows("rings"))
    assert min(later - earlier for earlier, later in pairwise(taken)) >= timedelta(seconds=1)
