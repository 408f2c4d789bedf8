"""The API's door: whose token it is, what it may be used for, how often it may come, and what every answer carries.

Rule: a view is closed unless it says otherwise. Each is marked with the scope that it needs, or as one for everybody;
no body is read of whoever was not let in.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from ivr import rates, tokens
from ivr.callers import pseudonym
from ivr.rates import Rate
from ivr.tokens import Scope, Token
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics
from webhooks.addresses import address_of_request
from webhooks.api.batches import Batches
from webhooks.api.problems import Code, ProblemError, response_of, waiting
from webhooks.door import exchange

PREFIX = "/api/v1"
PER_MINUTE = 600
"""Requests a minute that a token may send, where the settings say nothing else."""
WRONG_PER_MINUTE = 20
"""Requests a minute without a right token that are answered to one address."""
TOUCH_EVERY = timedelta(minutes=1)
_BEARER = "Bearer "
_View = TypeVar("_View", bound=Callable[..., Any])

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Api:
    """What the API adds to the exchange; one for each app. A token may come `per_minute` times a minute."""

    per_minute: int
    batches: Batches


def opened(per_minute: int, threads: int) -> Api:
    """The API of a process that answers with so many threads."""
    return Api(per_minute, Batches(threads))


def api() -> Api:
    """The API of the running app."""
    found: Api = current_app.extensions["api"]
    return found


def token() -> Token:
    """Whose request this is."""
    found: Token = g.token
    return found


def request_id() -> str:
    """The name of this request, in the entries, the logs and the answer's X-Request-Id."""
    found: str = g.request_id
    return found


def needs(scope: Scope, *parameters: str) -> Callable[[_View], _View]:
    """Mark a view as one for tokens of this scope, with these parameters in its query; below the route's decorator."""

    def mark(view: _View) -> _View:
        view.scope = scope  # type: ignore[attr-defined] # functions carry attributes
        view.parameters = parameters  # type: ignore[attr-defined] # functions carry attributes
        return view

    return mark


def without_token(view: _View) -> _View:
    """Mark a view as one for everybody."""
    view.open_door = True  # type: ignore[attr-defined] # functions carry attributes
    return view


def guard() -> None:
    """Let a request in, or raise: 401 without a token of ours, 403 without the scope, 429 for too many."""
    g.request_id = "RQ" + randomness.token_hex(16)
    view = current_app.view_functions[request.endpoint or ""]
    if getattr(view, "open_door", False):
        return
    g.token = _known()
    scope: Scope | None = getattr(view, "scope", None)
    if scope not in token().scopes:
        asked = f'Bearer realm="touchtone", error="insufficient_scope", scope="{scope}"'
        raise ProblemError(Code.SCOPE_MISSING, headers={"WWW-Authenticate": asked})
    for name in request.args:
        # A misspelt parameter that is passed over looks like an answer.
        if name not in getattr(view, "parameters", ()) or len(request.args.getlist(name)) > 1:
            raise ProblemError(
                Code.PARAMETER_INVALID, "The address has a parameter that is none, or one of them twice."
            )


def _known() -> Token:
    """The token of this request, counted. Raises ProblemError."""
    here, now = exchange(), exchange().now()
    given = request.headers.get("Authorization", "")
    text = given.removeprefix(_BEARER) if given.startswith(_BEARER) else ""
    address = f"address {pseudonym(address_of_request(), here.secrets.pepper)}"
    with here.database.read() as connection:
        found = tokens.find(connection, text, now) if text else None
        wrong = rates.look(connection, address, WRONG_PER_MINUTE, now)
    if found is None and not wrong.allowed:
        # Looked at before it is counted: whoever knocks without end must not make the line write without end.
        metrics.THROTTLED.labels("wrong_tokens").inc()
        raise ProblemError(Code.RATE_LIMITED, headers=waiting(wrong.seconds(now)))
    who, limit = (address, WRONG_PER_MINUTE) if found is None else (f"token {found.id}", api().per_minute)
    with here.database.begin() as connection:
        rate = rates.take(connection, who, limit, now)
        if found is not None and (found.used_at is None or now - found.used_at >= TOUCH_EVERY):
            tokens.touch(connection, found.id, now)
    if found is None:
        metrics.TURNED_AWAY.labels("api", "token").inc()
        _log.warning("token_refused", request=request_id(), path=request.path)
        error = ', error="invalid_token"' if text else ""
        asked = {"WWW-Authenticate": f'Bearer realm="touchtone"{error}'}
        raise ProblemError(Code.TOKEN_UNKNOWN if given else Code.TOKEN_MISSING, headers=asked)
    g.rate = rate
    if not rate.allowed:
        metrics.THROTTLED.labels("requests").inc()
        raise ProblemError(Code.RATE_LIMITED, headers=waiting(rate.seconds(now)))
    return found


def close_off(response: Response) -> Response:
    """What every answer carries: its request's name, how often one may still come, and that nobody keeps it."""
    metrics.API_REQUESTS.labels((request.endpoint or "none").rpartition(".")[2], str(response.status_code)).inc()
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    rate: Rate | None = g.get("rate")
    if rate is not None:
        seconds = rate.seconds(exchange().now())
        response.headers["RateLimit-Policy"] = f'"token";q={rate.limit};w={int(rates.WINDOW.total_seconds())}'
        response.headers["RateLimit"] = f'"token";r={rate.left};t={seconds}'
    return response


def failed(error: Exception) -> Response:
    """Any error of a request as a problem; a fault of ours is logged with the request's name."""
    if isinstance(error, ProblemError):
        return response_of(error)
    if isinstance(error, RequestEntityTooLarge):
        return response_of(ProblemError(Code.BODY_TOO_LARGE))
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("api", error)
        _log.error("database_unavailable", request=request_id(), cause=error.cause.value)
        return response_of(ProblemError(Code.DATABASE_UNAVAILABLE, headers=waiting(2)))
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return response_of(ProblemError(Code.BODY_MALFORMED))
    _log.error("request_failed", request=request_id(), exc_info=error)
    return response_of(ProblemError(Code.REQUEST_FAILED))


def nowhere(error: HTTPException) -> Response | HTTPException:
    """An address or a method that the API has not; what lies outside of it is none of ours."""
    if not (request.path + "/").startswith(PREFIX + "/"):
        return error
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return response_of(ProblemError(Code.METHOD_NOT_ALLOWED, headers={"Allow": allowed}))
    return response_of(ProblemError(Code.NOT_FOUND))


NOWHERE = (NotFound, MethodNotAllowed)
"""What `nowhere` answers."""
