"""How a request reaches the line: over real HTTP, or in whatever other way a test likes.

The one rule: a transport carries exactly one request and reports exactly what came back. It follows no redirect,
keeps no cookie and tries nothing twice; all that is the telephone's to decide, as it is Twilio's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Protocol

import requests

from webhooks.rehearsal.reading import LARGEST_DOCUMENT


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to go: `url` is the address dialled, `form` the body of a POST (a GET has none)."""

    method: str
    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, between two bytes, and for everything. Twilio's: 5, 15 and 15."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` are pairs, names in lower case, since `set-cookie` may come more than once."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = field(default=0.0, compare=False)

    def header(self, name: str) -> str:
        """The first header of that name (lower case), or an empty string."""
        return next((value for key, value in self.headers if key == name), "")


class NotReachedError(ValueError):
    """No connection, or none that lasted to an answer. `seconds` passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TooSlowError(NotReachedError):
    """Connected, but no whole answer within the limits."""


class Transport(Protocol):
    """Anything that can carry a request."""

    def send(self, request: Request, limits: Limits) -> Answer:
        """The answer; raises `NotReachedError` or `TooSlowError`."""
        ...


class OverHttp:
    """Real HTTP, one kept-alive connection a call."""

    def __init__(self) -> None:
        self._wire = requests.Session()
        self._wire.trust_env = False  # a proxy of the environment has no business between a rehearsal and its line
        self._wire.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Let go of the connection."""
        self._wire.close()

    def send(self, request: Request, limits: Limits) -> Answer:
        """See `Transport`. Reads no more of a body than a document may have."""
        started = time.monotonic()
        try:
            with self._wire.request(
                request.method,
                request.url,
                data=dict(request.form) if request.method == "POST" else None,
                headers=dict(request.headers),
                timeout=(limits.connect, limits.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = b""
                for piece in response.iter_content(8192):
                    body += piece
                    if time.monotonic() - started > limits.total:
                        raise TooSlowError(limits.total)
                    if len(body) > LARGEST_DOCUMENT:
                        break
                headers = tuple((name.lower(), value) for name, value in response.raw.headers.items())
                return Answer(response.status_code, headers, body, time.monotonic() - started)
        except requests.ConnectTimeout as error:
            raise NotReachedError(time.monotonic() - started) from error
        except requests.Timeout as error:
            raise TooSlowError(time.monotonic() - started) from error
        except requests.ConnectionError as error:
            # a body that stalls comes as a connection error, but the caller has waited all the same
            kind = TooSlowError if "timed out" in str(error) else NotReachedError
            raise kind(time.monotonic() - started) from error
        except requests.RequestException as error:
            raise NotReachedError(time.monotonic() - started) from error
