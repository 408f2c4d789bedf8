r"""Signed requests brought to a WSGI application in this very thread: no server and no socket between.

Rule: an answer counts only if it is a 200 and holds what it must, as with a load over sockets.

>>> one = Signed(b"POST /a?b=1 HTTP/1.1\r\nHost: line.example\r\nContent-Length: 3\r\n\r\nc=d", b"yes")
>>> said = environ(one)
>>> said["PATH_INFO"], said["QUERY_STRING"], said["CONTENT_LENGTH"], said["HTTP_HOST"]
('/a', 'b=1', '3', 'line.example')
>>> def echo(environ, start_response):
...     start_response("200 OK", [])
...     return [environ["wsgi.input"].read()]
>>> bring(echo, environ(one), b"c=d")
>>> bring(echo, environ(one), b"yes")
Traceback (most recent call last):
    ...
webhooks.bench.load.WrongAnswerError: b'c=d'
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from webhooks.bench.load import WrongAnswerError
from webhooks.bench.signed import Signed

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_PLAIN = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
"""Headers that WSGI names without a prefix."""


def environ(request: Signed) -> dict[str, Any]:
    """The WSGI environment of a request, to be brought once."""
    head, _, body = request.text.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, protocol = first.split()
    path, _, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in lines)
    named = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{name if name in _PLAIN else f"HTTP_{name}": value for name, value in named.items()},
    }


def bring(application: Application, given: dict[str, Any], awaited: bytes) -> None:
    """Bring one request. Raises WrongAnswerError."""
    status = ""

    def start_response(said: str, _headers: list[tuple[str, str]], _error: Any = None) -> None:
        nonlocal status
        status = said

    answer = application(given, start_response)
    text = b"".join(answer)
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    if not status.startswith("200 ") or awaited not in text:
        raise WrongAnswerError(text)
