"""Flask as the line uses it: no hosts to tell apart, and documents that go to the server whole.

Rule: what comes out is what Flask would have answered, sooner; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from werkzeug.routing import MapAdapter

from webhooks.forms import FormRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class LineFlask(Flask):
    """A Flask whose addresses are paths alone: the host a request names, which its sender chooses, is never asked."""

    request_class = FormRequest

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route of a request by its method and path; None outside one."""
        if request is None:
            return None
        environ = request.environ
        return MapAdapter(
            self.url_map,
            server_name="line",
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=request.path,
            default_method=environ["REQUEST_METHOD"],
            query_args=environ.get("QUERY_STRING", ""),
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: nothing here waits in an event loop, so none is asked whether it does."""
        return func


class Document(Response):
    """A TwiML document. Its length is known, so it goes to the server as it is, with nothing to be closed after it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, content_type="text/xml; charset=utf-8")

    def __call__(
        self,
        environ: WSGIEnvironment,  # noqa: ARG002 - given by WSGI; only an answer to HEAD would need it
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Answer as WSGI wants it; documents are asked for by POST alone."""
        start_response(self.status, self.headers.to_wsgi_list())
        return [self.get_data()]
