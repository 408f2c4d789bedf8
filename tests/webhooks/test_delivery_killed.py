"""Killed with SIGKILL at each step of a delivery, on both databases: no text is lost, none doubled, all in order."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from ivr.actions import say
from ivr.lines import TextLimits
from ivr.outbox import Draft, TextState, outbox, write
from tests.webhooks.delivery_process import LINE
from webhooks.delivery import LEASE
from webhooks.rehearsal.carrier import RehearsalCarrier, read_texts

ROOT = Path(__file__).parents[2]
ANNE, BERT = "+14155550123", "+14155550199"
PAST_THE_LEASE = int(LEASE.total_seconds()) + 1


class Twilio:
    """The rehearsal's Messages resource on a loopback port, which counts texts and may keep an answer back.

    `hold`: no answer to a POST comes; `instead`: what does on its wire, given where to write and the answer as it is.
    """

    def __init__(self, file):
        self.file = file
        self.carrier = RehearsalCarrier(file)
        self.hold = False
        self.instead = None
        self.reached = threading.Event()
        self.over = threading.Event()
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("GET", dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer("POST", dict(parse_qsl(form)))

            def answer(self, method, fields):
                answer = outer.carrier.request(method, self.path, fields)
                if method == "POST" and outer.hold:
                    outer.reached.set()
                    outer.over.wait(60)
                    return
                if method == "POST" and outer.instead is not None:
                    outer.instead(self.wfile, answer)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def texts(self, to=None):
        return [text.body for text in read_texts(self.file, to)]

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def twilio(tmp_path):
    server = Twilio(tmp_path / "texts.jsonl")
    yield server
    server.close()


@pytest.fixture
def start(database_url, twilio):
    """Start a process that delivers; whatever is left of it at the end is killed."""
    started = []

    def start(stop="end", *, ahead=0):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.webhooks.delivery_process", database_url, twilio.address, str(ahead), stop],
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
def put(database, secrets):
    def put(number, groups):
        draft = Draft(LINE, number, (say("text.in", groups=groups, count=1),))
        with database.begin() as connection:
            assert write(connection, secrets, draft, TextLimits(), now=datetime.now(UTC)) is None

    return put


@pytest.fixture
def rows(database):
    def read():
        with database.read() as connection:
            return connection.execute(select(outbox).order_by(outbox.c.id)).all()

    return read


@pytest.mark.parametrize(
    ("stop", "arrived", "state"),
    [
        pytest.param("commit 1", 0, TextState.SENDING, id="after the claim"),
        pytest.param("commit 2", 0, TextState.SENDING, id="after it is written down that it will be posted"),
        pytest.param("held", 1, TextState.SENDING, id="when it has arrived and no answer came"),
        pytest.param("answer 1", 1, TextState.SENDING, id="when the answer came and is not recorded"),
        pytest.param("commit 3", 1, TextState.ACCEPTED, id="after it was recorded"),
    ],
)
def test_a_delivery_killed_at_any_step_loses_and_doubles_nothing(put, start, twilio, rows, stop, arrived, state):
    for number, groups in ((ANNE, "1"), (ANNE, "2"), (BERT, "3"), (ANNE, "4")):
        put(number, groups)
    twilio.hold = stop == "held"
    process = start(stop)
    if twilio.hold:
        assert twilio.reached.wait(30)
    else:
        assert process.stdout.readline() == "stopped\n"
    process.kill()
    assert process.wait() == -9
    assert (len(twilio.texts()), rows()[0].state) == (arrived, state)
    twilio.hold = False

    assert start(ahead=PAST_THE_LEASE).wait(30) == 0
    assert twilio.texts(ANNE) == ["Group 1 is in.", "Group 2 is in.", "Group 4 is in."]
    assert twilio.texts(BERT) == ["Group 3 is in."]
    assert {row.state for row in rows()} == {TextState.ACCEPTED}
    assert {row.sid for row in rows()} == {text.sid for text in read_texts(twilio.file)}


def test_until_its_lease_is_over_a_killed_delivery_s_text_is_left_alone(put, start, twilio, rows):
    put(ANNE, "1")
    put(BERT, "2")
    process = start("commit 2")
    assert process.stdout.readline() == "stopped\n"
    process.kill()
    assert start().wait(30) == 0
    assert twilio.texts() == ["Group 2 is in."]
    assert rows()[0].state == TextState.SENDING


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_processes_that_deliver_side_by_side_double_nothing_and_keep_the_order(put, start, twilio, rows):
    callers = [f"+1415555{place}123" for place in range(3)]
    for groups in map(str, range(1, 9)):
        for number in callers:
            put(number, groups)
    both = [start("together"), start("together")]
    assert [process.stdout.readline() for process in both] == ["ready\n", "ready\n"]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(30) for process in both] == [0, 0]
    for number in callers:
        assert twilio.texts(number) == [f"Group {groups} is in." for groups in range(1, 9)]
    assert {(row.state, row.attempts) for row in rows()} == {(TextState.ACCEPTED, 1)}
    assert len({row.claimed_by for row in rows()}) == 2
