"""The doors of a licence host: a lease asked for, how the host stands, and whether it is there.

Rule: whatever is sent gets an answer in JSON with a fitting status, and nobody outside ever sees an error of ours. A
bare WSGI application: a host serves a network full of clients beside its machine's own work; three doors need no more.

>>> door("GET", "/kms/v1/lease")
'405 Method Not Allowed'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from keys.kms.messages import HOST_PATH, LONGEST_REQUEST, PATH, HostFault
from keys.signed import plain
from webhooks.kms_host.answering import Host, NoAnswer

HEALTH_PATH = "/healthz"
_DOORS = {PATH: "POST", HOST_PATH: "GET", HEALTH_PATH: "GET"}
_STATUS = {
    HostFault.MALFORMED: "400 Bad Request",
    HostFault.HOST_NOT_ACTIVATED: "503 Service Unavailable",
    HostFault.HOST_BUSY: "503 Service Unavailable",
}


class _TooLong(Exception):  # noqa: N818 - what was sent, not an error of ours
    """More was sent than any request is long."""


Start = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]

_log = structlog.get_logger("kms_host")


def door(method: str, path: str) -> str | None:
    """Why there is no such door, as an HTTP status; None where there is."""
    if path not in _DOORS:
        return "404 Not Found"
    return None if method == _DOORS[path] else "405 Method Not Allowed"


def application(host: Host) -> Application:
    """The WSGI application of a host."""

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        try:
            status, facts = _answered(host, environ)
        except Exception:  # noqa: BLE001 - our own bug: logged here, and no more than a status outside
            _log.exception("request_failed")
            status, facts = "500 Internal Server Error", {"fault": HostFault.HOST_BUSY}
        body = plain(facts)
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return (body,)

    return answer


def _answered(host: Host, environ: dict[str, Any]) -> tuple[str, dict[str, object]]:
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
    closed = door(method, path)
    if closed is not None:
        return closed, {"fault": HostFault.MALFORMED}
    if path == HEALTH_PATH:
        return "200 OK", {"serving": True}
    try:
        return "200 OK", host.stands() if path == HOST_PATH else _leased(host, environ)
    except NoAnswer as none:
        return _STATUS[none.fault], {"fault": none.fault}
    except _TooLong:
        return "413 Content Too Large", {"fault": HostFault.MALFORMED}


def _leased(host: Host, environ: dict[str, Any]) -> dict[str, object]:
    """A lease, or a signed refusal. Raises NoAnswer and _TooLong."""
    stated = environ.get("CONTENT_LENGTH") or "0"
    length = int(stated) if stated.isascii() and stated.isdigit() else 0
    if length > LONGEST_REQUEST:
        raise _TooLong
    text, certificate = host.answer(environ["wsgi.input"].read(length))
    return {"answer": text, "certificate": certificate}
