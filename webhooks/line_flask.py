"""Flask as the line uses it: no hosts to tell apart, and documents that go to the server whole.

Rule: what comes out is what Flask would have answered, sooner; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request_tearing_down
from werkzeug.routing import MapAdapter, Rule

from webhooks.forms import FormRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_MOST_PATHS, _LONGEST_PATH = 256, 64
"""What is remembered of routes: a call has a few dozen turns. Whoever asks for many others is answered no worse."""


class _Paths(MapAdapter):
    """What finds the route of one request, or remembers it from an earlier one: a path's route never changes."""

    known: dict[tuple[str, str], tuple[Rule, Mapping[str, Any]]]

    def match(self, *given: Any, **named: Any) -> Any:
        """The rule and its arguments, as Flask asks for them; any other question is Werkzeug's. Raises as it does."""
        if given or named != {"return_rule": True}:
            return super().match(*given, **named)
        asked = (self.default_method, self.path_info)
        found = self.known.get(asked)
        if found is None:
            found = super().match(return_rule=True)
            if len(self.known) >= _MOST_PATHS:
                self.known.clear()
            if len(self.path_info) <= _LONGEST_PATH:
                self.known[asked] = found
        rule, arguments = found
        return rule, dict(arguments)


class LineFlask(Flask):
    """A Flask whose addresses are paths alone: the host a request names, which its sender chooses, is never asked."""

    request_class = FormRequest

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._known: dict[tuple[str, str], tuple[Rule, Mapping[str, Any]]] = {}

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route of a request by its method and path; None outside one."""
        if request is None:
            return None
        environ = request.environ
        paths = _Paths(
            self.url_map,
            server_name="line",
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=request.path,
            default_method=environ["REQUEST_METHOD"],
            query_args=environ.get("QUERY_STRING", ""),
        )
        paths.known = self._known
        return paths

    def do_teardown_request(self, *given: Any, **named: Any) -> None:
        """What is registered for the end of a request; mostly nothing is, and then nobody is asked."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*given, **named)

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
