"""What a desk process is: its pages by threads, its live streams by one loop, its duties beside them.

Rule: an open stream costs no thread, nor does a form that is not there yet; and nothing here shares more with the line
than database and secrets.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from webhooks import logs, server, settings, voice_sdk
from webhooks.app import open_database, open_secrets
from webhooks.desk import duties
from webhooks.desk.app import LARGEST_FORM, create_desk
from webhooks.desk.guards import Desk
from webhooks.desk.live import Live, Receive, Scope, Send
from webhooks.desk.voice import Voice
from webhooks.lines_file import read_catalogues, read_lines
from webhooks.settings import SettingError, Settings
from webhooks.twiml import Wording
from webhooks.voice_sdk import VoiceSdkError

THREADS = 8
PATIENCE = 5.0
FORM_SECONDS = 10.0
"""A form is there after so long, or never."""
NICENESS = 5
"""The desk gives way to the line where both want the processor: a page may be late by a moment, a caller may not."""

_OF_SESSION = Path("/proc/self/autogroup")


class Application:
    """The ASGI application over one desk."""

    def __init__(self, desk: Desk) -> None:
        pages = create_desk(desk)
        self.live = Live(desk, pages)
        self._pages = WSGIMiddleware(cast(Any, pages), workers=THREADS)  # Flask's own type is wider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's news of start and end."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/desk/live":
            await self.live(scope, receive, send)
        elif scope["type"] == "http":
            try:
                came = await _whole(receive)
            except TimeoutError:
                await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
                await send({"type": "http.response.body", "body": b""})
                return
            await self._pages(cast(Any, scope), came, _coroutine(send))


async def _whole(receive: Receive) -> Any:
    """What gives the body of a request in one piece, once it is there. Raises TimeoutError.

    The rest of one that is larger than any form of the desk's is not waited for: no page reads it.
    """
    body, more = b"", True
    async with asyncio.timeout(FORM_SECONDS):
        while more and len(body) <= LARGEST_FORM:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
    pieces = [{"type": "http.request", "body": body, "more_body": more}]

    async def give() -> MutableMapping[str, Any]:
        return pieces.pop() if pieces else await receive()

    return give


def _coroutine(awaited: Callable[..., Awaitable[Any]]) -> Any:
    """The same as a coroutine function: the server gives something else that can be awaited, a2wsgi wants the real."""

    async def call(*given: Any) -> Any:
        return await awaited(*given)

    return call


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def application() -> Application:
    """The application of the desk's one process."""
    found = settings.load()
    logs.configure(found.log_level, found.log_format)
    desk = open_desk(found)
    duties.start(desk)
    return Application(desk)


def open_desk(found: Settings) -> Desk:
    """Open what the settings name. Raises SettingError with the sentence for whoever starts the desk."""
    catalogues = read_catalogues()
    return Desk(
        database=open_database(replace(found, threads=THREADS + 2), patience=PATIENCE),
        secrets=open_secrets(found),
        lines=read_lines(found.lines_file, catalogues),
        wording=Wording(found.public_url, catalogues),
        public_url=found.desk_url,
        limits=found.text_limits,
        voice=_voice(found),
    )


def _voice(found: Settings) -> Voice | None:
    """What makes browsers telephones: the library, once it was fetched, and an API key. Raises SettingError."""
    if not found.api_key:
        return None
    try:
        script = voice_sdk.read(found.data_dir)
    except VoiceSdkError as error:
        raise SettingError(
            f"{voice_sdk.place_in(found.data_dir)} is not what was fetched; run `touchtone twilio voice-sdk` again."
        ) from error
    return None if script is None else Voice(found.account_sid, found.api_key, found.api_secret, script)


def give_way() -> None:
    """Be nicer than the line, also where the desk was started apart from it, by a session of its own.

    Linux shares the processor out among such sessions first, and niceness counts only within one.
    """
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():  # else it is somebody's session, who may have started the line in it
        with suppress(OSError):  # a kernel that does not group sessions
            _OF_SESSION.write_text(f"{NICENESS}")


def serve(found: Settings) -> None:
    """Serve the desk as the settings say, until the process is told to stop."""
    give_way()
    server.run_with_streams("webhooks.desk.asgi:application", host=found.desk_host, port=found.desk_port)
