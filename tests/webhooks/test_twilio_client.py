"""The way to Twilio: it ends in time, tells no log what it asked, and says what a failure means."""

import http.server
import json
import logging
import socket
import threading

import pytest
import requests
from twilio.http.response import Response

from tests.webhooks.twilio_api.account import KEY, NUMBER, SECRET, SID, PretendAccount
from webhooks.twilio_client import TIMEOUT, Trouble, TwilioError, client, translated


class Answering(PretendAccount):
    """Answers every request alike."""

    def __init__(self, answer):
        super().__init__()
        self.fixed = answer

    def request(self, *_, **__):
        if isinstance(self.fixed, Exception):
            raise self.fixed
        return self.fixed


def refused(status, **said):
    return Response(status, json.dumps({"status": status, "message": "in other words"} | said))


@pytest.mark.parametrize("operation", ["list", "fetch", "update", "service"])
@pytest.mark.parametrize(
    ("answer", "trouble", "status", "error"),
    [
        (refused(401, code=20003), Trouble.CREDENTIALS_REFUSED, 401, 20003),
        (refused(403, code=20003), Trouble.CREDENTIALS_REFUSED, 403, 20003),
        (refused(401, code=20005), Trouble.ACCOUNT_NOT_ACTIVE, 401, 20005),
        (refused(401, code=70051), Trouble.NOT_PERMITTED, 401, 70051),
        (refused(403, code=12345), Trouble.NOT_PERMITTED, 403, 12345),
        (refused(404, code=20404), Trouble.NOT_FOUND, 404, 20404),
        (refused(429, code=20429), Trouble.TOO_MANY_REQUESTS, 429, 20429),
        (refused(400, code=21402), Trouble.REQUEST_REFUSED, 400, 21402),
        (refused(400, code=60200, type="https://w.example", title="No"), Trouble.REQUEST_REFUSED, 400, 60200),
        (refused(503, code=20503), Trouble.TWILIO_FAILED, 503, 20503),
        (Response(502, "<html>Bad gateway"), Trouble.TWILIO_FAILED, 502, None),
        (Response(401, "<html>Log in"), Trouble.CREDENTIALS_REFUSED, 401, None),
        (Response(200, "<html>Welcome to this hotel's network"), Trouble.TWILIO_FAILED, 0, 0),
        (requests.ConnectionError("no"), Trouble.UNREACHABLE, 0, 0),
        (requests.Timeout("no"), Trouble.UNREACHABLE, 0, 0),
    ],
)
def test_every_failure_says_what_it_means_and_nothing_it_was_told(answer, trouble, status, error, operation):
    rest = client(SID, KEY, SECRET, http=Answering(answer))
    operations = {
        "list": lambda: rest.incoming_phone_numbers.list(phone_number=NUMBER),
        "fetch": lambda: rest.incoming_phone_numbers("PN1").fetch(),
        "update": lambda: rest.incoming_phone_numbers("PN1").update(voice_url="https://line.example"),
        "service": rest.messaging.v1.services("MG1").phone_numbers.list,
    }
    with pytest.raises(TwilioError) as caught, translated():
        operations[operation]()
    assert (caught.value.trouble, caught.value.status) == (trouble, status)
    assert error is None or caught.value.error == error
    assert caught.value.__suppress_context__
    assert "words" not in str(caught.value)
    assert NUMBER not in str(caught.value)


def test_a_request_ends_within_seconds_and_is_made_once():
    session = client(SID, KEY, SECRET).http_client
    assert session.timeout == TIMEOUT == (3.0, 10.0)
    assert session.session.get_adapter("https://api.twilio.com").max_retries.total == 0


@pytest.fixture
def silent_server():
    """A server that hangs up on whoever asks, and counts them."""
    asked = []

    class HangingUp(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HangingUp)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_that_arrived_is_told_from_one_that_never_left(silent_server):
    address, asked = silent_server
    session = client(SID, KEY, SECRET).http_client
    with pytest.raises(TwilioError) as arrived, translated():
        session.request("GET", address)
    assert (arrived.value.trouble, arrived.value.reached, len(asked)) == (Trouble.UNREACHABLE, True, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with pytest.raises(TwilioError) as never, translated():
        session.request("GET", f"http://127.0.0.1:{nobody}")
    assert (never.value.trouble, never.value.reached) == (Trouble.UNREACHABLE, False)


def test_no_log_hears_what_was_asked(silent_server, caplog):
    address, _ = silent_server
    session = client(SID, KEY, SECRET).http_client
    with caplog.at_level(logging.INFO), pytest.raises(TwilioError), translated():
        session.request("GET", address, params={"PhoneNumber": NUMBER}, headers={"X": "1"}, auth=(KEY, SECRET))
    assert caplog.text == ""
