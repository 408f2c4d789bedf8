"""A line in the same process: the same requests without a socket, for whole calls in milliseconds.

The one rule: the app is called as a server would call it, with the raw path and query of the address dialled.
"""

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.test import Client

from webhooks.rehearsal.transport import Answer, Limits, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class InProcess:
    """A `Transport` that calls a WSGI app directly."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def send(self, request: Request, limits: Limits) -> Answer:  # noqa: ARG002 - a call in process has no timers
        """See `Transport`."""
        started = time.monotonic()
        parts = urlsplit(request.url)
        response = Client(self._app, use_cookies=False).open(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            base_url=f"{parts.scheme}://{parts.netloc}",
            method=request.method,
            data=dict(request.form) if request.method == "POST" else None,
            headers=dict(request.headers),
        )
        headers = tuple((name.lower(), value) for name, value in response.headers.items())
        return Answer(response.status_code, headers, response.get_data(), time.monotonic() - started)
