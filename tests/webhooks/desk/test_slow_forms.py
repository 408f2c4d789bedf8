"""A form that comes slowly is waited for by the desk's loop and by no thread of it, and not for ever."""

import asyncio

import pytest

from tests.webhooks.desk.conftest import PASSWORD, token_in
from webhooks.desk import asgi
from webhooks.desk.asgi import THREADS, Application

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEADERS = [(b"host", b"desk.example"), (b"content-type", b"application/x-www-form-urlencoded")]


class Request:
    """One request of which `pieces` come; what else was promised never does."""

    def __init__(self, application, method, path, pieces=(), *, length=0, cookie=""):
        headers = [*HEADERS, (b"content-length", str(length).encode()), (b"cookie", cookie.encode())]
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
            "headers": headers, "scheme": "http", "server": ("desk.example", 80), "client": ("127.0.0.1", 5),
        }  # fmt: skip
        self.pieces, self.status, self.headers, self.heard = list(pieces), None, {}, b""
        self.missing = length - sum(map(len, pieces))
        self.task = asyncio.create_task(application(scope, self.receive, self.send))

    async def receive(self):
        if not self.pieces and self.missing:
            await asyncio.Event().wait()
        piece = self.pieces.pop(0) if self.pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces or self.missing)}

    async def send(self, message):
        self.status = message.get("status", self.status)
        self.headers |= {name.decode(): value.decode() for name, value in message.get("headers", ())}
        self.heard += message.get("body", b"")

    async def answered(self):
        await asyncio.wait_for(self.task, 10)
        return self.status


def test_forms_that_never_end_keep_nobody_out_who_brings_theirs_in_pieces(desk, add_operator):
    add_operator("Anna Berg")

    async def scene():
        application = Application(desk)
        slow = [Request(application, "POST", "/desk/login", [b"name=x"], length=100) for _ in range(2 * THREADS)]
        await asyncio.sleep(0.05)
        page = Request(application, "GET", "/desk/login")
        assert await page.answered() == 200
        form = f"csrf={token_in(page.heard.decode())}&name=Anna+Berg&password={PASSWORD.replace(' ', '+')}".encode()
        cookie = page.headers["set-cookie"].partition(";")[0]
        pieces = [form[place : place + 7] for place in range(0, len(form), 7)]
        login = Request(application, "POST", "/desk/login", pieces, length=len(form), cookie=cookie)
        assert await login.answered() == 303
        assert not [each for each in slow if each.task.done()]
        for each in slow:
            each.task.cancel()

    asyncio.run(scene())


def test_a_form_that_is_not_there_in_time_is_given_up_and_one_that_is_too_large_refused(desk, monkeypatch):
    monkeypatch.setattr(asgi, "FORM_SECONDS", 0.05)

    async def scene():
        application = Application(desk)
        late = Request(application, "POST", "/desk/login", [b"name=x"], length=100)
        assert await late.answered() == 408
        large = Request(application, "POST", "/desk/login", [b"n=" + b"x" * 70_000], length=9_000_000)
        assert await large.answered() == 413

    asyncio.run(scene())
