"""The way to Twilio's REST interface: a client that gives up in time, and what its failures mean.

Rule: a request is made once, ends within seconds, and neither its secret nor its numbers reach a log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twilio.http import HttpClient
    from twilio.rest import Client

TIMEOUT = (3.0, 10.0)
"""Seconds to reach Twilio, and between two pieces of its answer; the library itself would wait for ever."""


class Trouble(StrEnum):
    """Why Twilio did not do what was asked of it."""

    CREDENTIALS_REFUSED = "CREDENTIALS_REFUSED"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    NOT_PERMITTED = "NOT_PERMITTED"
    NOT_FOUND = "NOT_FOUND"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    REQUEST_REFUSED = "REQUEST_REFUSED"
    TWILIO_FAILED = "TWILIO_FAILED"
    UNREACHABLE = "UNREACHABLE"


class TwilioError(Exception):
    """Twilio did not do it: `trouble` says why; `status` (HTTP) and `error` (Twilio's own number) are 0 if unknown.

    `reached` is false only where the request surely never arrived, so that it can be made again.
    """

    def __init__(self, trouble: Trouble, *, status: int = 0, error: int = 0, reached: bool = True) -> None:
        super().__init__(trouble, status, error)
        self.trouble = trouble
        self.status = status
        self.error = error
        self.reached = reached


def client(account_sid: str, username: str, password: str, *, http: HttpClient | None = None) -> Client:
    """A client for the account, that signs in with an API key and its secret, or with the SID and its auth token.

    `http` stands in for the network: a test's, or the rehearsal's.
    """
    from twilio.rest import Client  # a tenth of a second, spent only by who needs it

    return Client(username, password, account_sid, http_client=http or _bounded())


def _bounded() -> HttpClient:
    from twilio.http.http_client import TwilioHttpClient

    # The library logs every request with its query, which names numbers: this logger has nobody to tell.
    silent = logging.getLogger("webhooks.twilio_client.silent")
    silent.disabled = True
    http = TwilioHttpClient(logger=silent)
    http.timeout = TIMEOUT  # its constructor takes one number only; `requests` takes both
    return http


@contextmanager
def translated() -> Iterator[None]:
    """Let every failure of the block's requests come out as TwilioError, without the address or the wording."""
    import requests
    from twilio.base.exceptions import TwilioException

    try:
        yield
    except requests.ConnectionError as error:
        raise TwilioError(Trouble.UNREACHABLE, reached=not _never_left(error)) from None
    except requests.RequestException:
        raise TwilioError(Trouble.UNREACHABLE) from None
    except TwilioException as error:
        status, number = _told(error)
        raise TwilioError(_meaning(status, number), status=status, error=number) from None
    except ValueError:  # an answer that is no JSON: a portal or a proxy stands between
        raise TwilioError(Trouble.TWILIO_FAILED) from None


def _never_left(error: Exception) -> bool:
    """No connection came about: no name, no route, nobody listening, or not within the time for it."""
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    refused = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return refused or isinstance(error, requests.ConnectTimeout)


def _told(error: Any) -> tuple[int, int]:
    """The HTTP status and Twilio's error number. A page that failed carries its whole response, parsed nowhere."""
    status, number = getattr(error, "status", None), getattr(error, "code", None)
    if status is None and len(error.args) > 1:
        import json

        response = error.args[1]
        status = getattr(response, "status_code", 0)
        try:
            number = json.loads(response.text).get("code")
        except (AttributeError, ValueError):
            number = None
    return _whole(status), _whole(number)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _meaning(status: int, error: int) -> Trouble:
    """The errors that are told apart: www.twilio.com/docs/api/errors 20003, 20005, 20404, 20429, 70051."""
    by_error = {20003: Trouble.CREDENTIALS_REFUSED, 20005: Trouble.ACCOUNT_NOT_ACTIVE, 70051: Trouble.NOT_PERMITTED}
    by_status = {
        401: Trouble.CREDENTIALS_REFUSED,
        403: Trouble.NOT_PERMITTED,
        404: Trouble.NOT_FOUND,
        429: Trouble.TOO_MANY_REQUESTS,
    }
    usual = Trouble.TWILIO_FAILED if status >= 500 or not status else Trouble.REQUEST_REFUSED
    return by_error.get(error) or by_status.get(status) or usual
