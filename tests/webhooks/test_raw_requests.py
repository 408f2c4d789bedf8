"""The served line under more than it has threads for, and under what no honest client sends: it goes on answering."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.outage import REST
from tests.torture.killed_line import action_of
from tests.webhooks.test_budget import APOLOGY, WITHIN, sqlite_locked
from tests.webhooks.test_serving import copied, free_port, is_ready, template
from webhooks.bench.running import children
from webhooks.rehearsal.signing import signature
from webhooks.settings import load

__all__ = ["template"]
FORM = b"CallSid=CA1&Digits=1"
HEAD = b"POST /voice/incoming HTTP/1.1\r\nHost: line.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def served(template, tmp_path_factory):
    """A line with two threads: its port, and its settings."""
    folder = copied(template, tmp_path_factory.mktemp("served"))
    port = free_port()
    environ = {
        "TOUCHTONE_DATA_DIR": str(folder),
        "TOUCHTONE_LISTEN": f"127.0.0.1:{port}",
        "TOUCHTONE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TOUCHTONE_THREADS": "2",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "webhooks.cli", "serve"], env={**os.environ, **environ}, stdout=log, stderr=log
        )
        try:
            assert is_ready(f"http://127.0.0.1:{port}", server)
            yield port, load(environ)
            assert "Traceback" not in (folder / "log").read_text()
        finally:
            workers = children(server.pid)
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                for pid in (server.pid, *workers):
                    os.kill(pid, signal.SIGKILL)
                server.wait()


def said(port, raw, *, patience=10.0):
    """What comes back until the line closes, or has nothing more to say."""
    answer = b""
    # The line may close before it has read all; what it said until then is what counts.
    with socket.create_connection(("127.0.0.1", port), patience) as connection, contextlib.suppress(OSError):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            answer += piece
    return answer


def said_to(port, found, path="/voice/incoming", **fields):
    """What a caller hears after one signed request, and how long it takes."""
    form = {
        "CallSid": f"CA{time.time_ns()}",
        "AccountSid": found.account_sid,
        "From": "+14155550123",
        "To": "+1",
    } | fields
    begun = time.monotonic()
    signed = signature(found.auth_tokens[0], found.public_url + path, form)
    url = f"http://127.0.0.1:{port}{path}"
    answer = requests.post(url, data=form, headers={"X-Twilio-Signature": signed}, timeout=30)
    assert answer.status_code == 200
    assert "<Response>" in answer.text
    return answer.text, time.monotonic() - begun


def of_length(*lengths, body=FORM, more=b""):
    return HEAD + b"".join(b"Content-Length: %s\r\n" % length for length in lengths) + more + b"\r\n" + body


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
RAW = {
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two lengths": of_length(b"20", b"5"),
    "a length and chunks": of_length(b"5", more=b"Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks that are not": of_length(more=b"Transfer-Encoding: xchunked\r\n", body=b"0\r\n\r\n" + SMUGGLED),
    "a negative length": of_length(b"-1"),
    "a length in words": of_length(b"twenty"),
    "a length beyond all": of_length(b"9" * 30),
    "less than its length": of_length(b"2000"),
    "a folded header": HEAD + b"X-A: b\r\n c: d\r\nContent-Length: 20\r\n\r\n" + FORM,
    "a header with a NUL": HEAD + b"X-A: b\x00c\r\nContent-Length: 20\r\n\r\n" + FORM,
    "a space before the colon": HEAD + b"Content-Length : 20\r\n\r\n" + FORM,
    "a bare line feed": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 20\n\n" + FORM,
    "a thousand headers": of_length(b"20", more=b"".join(b"X-%d: a\r\n" % n for n in range(1000))),
    "a header of a megabyte": HEAD + b"X-A: " + b"a" * 2**20 + b"\r\nContent-Length: 20\r\n\r\n" + FORM,
    "an absolute address": of_length(b"20").replace(b"/voice/incoming", b"http://evil.example/voice/incoming"),
    "a path above the root": of_length(b"20").replace(b"/voice/incoming", b"/voice/../../etc/passwd"),
    "two hosts": of_length(b"20", more=b"Host: evil.example\r\n"),
    "another method": of_length(b"20").replace(b"POST", b"PUT"),
    "a made-up method": of_length(b"20").replace(b"POST", b"TRACE"),
}


def test_the_line_refuses_what_no_client_sends_and_goes_on_answering(served):
    port, found = served
    for name, raw in RAW.items():
        answer = said(port, raw)
        statuses = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
        assert not [status for status in statuses if not status.startswith(b"4")], (name, answer[:300])
        assert len(statuses) <= 1, f"{name}: a second request was found in the first"
        assert b"Traceback" not in answer
    said_to(port, found)


def test_more_callers_than_threads_at_a_locked_database_hear_so_in_time_and_lose_no_digit(served):
    port, found = served
    group = split(encode(InstallationID(1, 1, 1, (1, 2, 3, 4, 5, 6, 7, 8), 1, 0)))[0]
    numbers = [{"CallSid": f"CA{place:032d}", "From": f"+1415555{place:04d}"} for place in range(24)]
    actions = [action_of(said_to(port, found, **number)[0]) for number in numbers]

    def key_it(place):
        return said_to(port, found, actions[place], **numbers[place], Digits=group)

    with sqlite_locked(found.database_url), ThreadPoolExecutor(len(numbers)) as everybody:
        heard = list(everybody.map(key_it, range(len(numbers))))
    assert max(took for _, took in heard) < WITHIN
    assert all(APOLOGY in words for words, _ in heard)
    time.sleep(REST)
    assert all("Group 2" in key_it(place)[0] for place in (0, 23))


def test_strangers_who_send_slowly_or_too_much_keep_nobody_waiting(served):
    """Forty heads and bodies that never end, at a line with two threads."""
    port, found = served
    slow = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(40)]
    try:
        for place, connection in enumerate(slow):
            connection.sendall(HEAD[: 20 + place] if place % 2 else of_length(b"1000"))
        time.sleep(0.5)
        for connection in slow[::4]:
            connection.sendall(b"a")
        assert said_to(port, found)[1] < WITHIN
        made_up = {"X-Twilio-Signature": "A" * 28}
        url = f"http://127.0.0.1:{port}/voice/incoming"
        large = requests.post(url, data={"Digits": "1" * 2**22}, headers=made_up, timeout=10)
        assert large.status_code == 413
    finally:
        for connection in slow:
            connection.close()
