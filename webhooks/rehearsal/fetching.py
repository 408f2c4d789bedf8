"""Fetching a document the way Twilio does: signed, retried as the URL's fragment asks, with the call's cookies.

The one rule: a document is had, or a `Trouble` with Twilio's error number is; what to do then is the call's business.

>>> asked = overrides("rc=2&rp=ct,rt,5xx&ct=1000&rt=3000")
>>> asked.limits, asked.retries, sorted(asked.policy)
(Limits(connect=1.0, read=3.0, total=15.0), 2, ['5xx', 'ct', 'rt'])
>>> overrides("") == Overrides()
True
"""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit

from webhooks.rehearsal.reading import LARGEST_DOCUMENT, NotTwimlError, read
from webhooks.rehearsal.signing import signature
from webhooks.rehearsal.transport import Answer, Limits, NotReachedError, Request, TooSlowError, Transport
from webhooks.rehearsal.twiml import Problem, check_document
from webhooks.rehearsal.verbs import Document, Say, Words

MOST_REDIRECTS = 10
TWIML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


class Fault(IntEnum):
    """Twilio's error numbers for a document that could not be had."""

    HTTP_STATUS = 11200
    NOT_REACHED = 11205
    TOO_MANY_REDIRECTS = 11215
    TOO_LARGE = 11750
    NOT_TWIML = 12100
    CONTENT_TYPE = 12300


class Twice(Enum):
    """Whether each request is delivered twice, and how. TURN_ABOUT changes between the two ways with every request."""

    NEVER = "never"
    IN_TURN = "in_turn"
    TOGETHER = "together"
    TURN_ABOUT = "turn_about"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a URL's fragment sets; without one, a failed connection is tried once more.

    The names and bounds are those of docs/usage/webhooks/webhooks-connection-overrides.
    """

    limits: Limits = field(default_factory=Limits)
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})


@dataclass(frozen=True, slots=True)
class Address:
    """The line as the world signs it (`public_url`) and as this telephone reaches it (`url`)."""

    url: str
    public_url: str

    def dialled(self, public: str) -> str:
        """Where a public URL is really sent. A foreign one is sent as it stands."""
        base = self.public_url.rstrip("/")
        rest = public.removeprefix(base)
        inside = public.startswith(base) and rest[:1] in {"", "/", "?"}
        return self.url.rstrip("/") + rest if inside else public


@dataclass(frozen=True, slots=True)
class Difference:
    """A request delivered twice was answered in two ways."""

    path: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A document that could not be had, and from where."""

    fault: Fault
    url: str
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document or a trouble, and how long the caller waited for it: `seconds`, and how many requests that took."""

    result: Document | Trouble
    requests: int
    seconds: float


class Fetcher:
    """All requests of one call: its signature, its cookies, its retries. Keeps what was odd for the record."""

    def __init__(
        self, address: Address, auth_token: str, transport: Transport, call_sid: str, twice: Twice = Twice.NEVER
    ) -> None:
        self.differences: list[Difference] = []
        self.problems: list[Problem] = []
        self.troubles: list[Trouble] = []
        self.sent = 0
        self._address = address
        self._auth_token = auth_token
        self._transport = transport
        self._call_sid = call_sid
        self._twice = twice
        self._cookies: dict[str, str] = {}
        self._logical = 0

    def document(self, url: str, form: Mapping[str, str], method: str = "POST") -> Fetched:
        """The TwiML at the public `url`, or the trouble met. Never raises for anything the line does."""
        sent, seconds = self.sent, 0.0
        answer, spent = self._answer(url, form, method)
        seconds += spent
        hops = 0
        plain = {name: value for name, value in form.items() if name not in {"Digits", "FinishedOnKey", "msg"}}
        while isinstance(answer, Answer) and 300 <= answer.status < 400 and answer.header("location"):
            hops += 1
            if hops > MOST_REDIRECTS:
                answer = Trouble(Fault.TOO_MANY_REDIRECTS, url)
                break
            # Twilio follows, but what was keyed does not travel along.
            url = urljoin(urldefrag(url)[0], answer.header("location"))
            answer, spent = self._answer(url, plain, "GET")
            seconds += spent
        result = answer if isinstance(answer, Trouble) else self._read(answer, urldefrag(url)[0])
        if isinstance(result, Trouble):
            self.troubles.append(result)
        return Fetched(result, self.sent - sent, seconds)

    def notify(self, url: str, form: Mapping[str, str]) -> None:
        """A status callback: sent, and its answer not read beyond its status."""
        answer, _ = self._answer(url, form, "POST")
        if isinstance(answer, Trouble):
            self.troubles.append(answer)
        elif answer.status >= 300:
            self.troubles.append(Trouble(Fault.HTTP_STATUS, url, str(answer.status)))

    def _answer(self, url: str, form: Mapping[str, str], method: str) -> tuple[Answer | Trouble, float]:
        bare, fragment = urldefrag(url)
        asked = overrides(fragment)
        self._logical += 1
        seconds = 0.0
        answer: Answer | NotReachedError = NotReachedError(0.0)
        for _ in range(1 + asked.retries):
            left = asked.limits.total - seconds
            if left <= 0:
                break
            limits = Limits(min(asked.limits.connect, left), min(asked.limits.read, left), left)
            answer = self._deliver(self._request(bare, form, method), limits)
            seconds += answer.seconds
            kinds = _kinds(answer)
            if not kinds or not asked.policy & (kinds | {"all"}):
                break
        if isinstance(answer, NotReachedError):
            return Trouble(Fault.NOT_REACHED, bare, "rt" if isinstance(answer, TooSlowError) else "ct"), seconds
        self._keep_cookies(answer)
        return answer, seconds

    def _request(self, url: str, form: Mapping[str, str], method: str) -> Request:
        body = form
        if method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(form)
            body = {}
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "X-Twilio-Signature": signature(self._auth_token, url, body),
            "I-Twilio-Idempotency-Token": f"{self._call_sid}-{self._logical}",
        }
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return Request(method, self._address.dialled(url), body, headers)

    def _deliver(self, request: Request, limits: Limits) -> Answer | NotReachedError:
        if self._twice is Twice.NEVER:
            return self._once(request, limits)
        together = self._twice is Twice.TOGETHER or (self._twice is Twice.TURN_ABOUT and self._logical % 2 == 0)
        if together:
            with ThreadPoolExecutor(2) as pool:
                first, second = pool.map(lambda _: self._once(request, limits), range(2))
        else:
            first, second = self._once(request, limits), self._once(request, limits)
        if _brief(first) != _brief(second):
            self.differences.append(Difference(urlsplit(request.url).path, *_apart(_brief(first), _brief(second))))
        return second

    def _once(self, request: Request, limits: Limits) -> Answer | NotReachedError:
        self.sent += 1
        try:
            return self._transport.send(request, limits)
        except NotReachedError as failure:
            return failure

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name != "set-cookie":
                continue
            try:
                for cookie in SimpleCookie(value).values():
                    if cookie["max-age"] == "0":
                        self._cookies.pop(cookie.key, None)
                    else:
                        self._cookies[cookie.key] = cookie.coded_value
            except CookieError:
                continue

    def _read(self, answer: Answer, url: str) -> Document | Trouble:
        if not 200 <= answer.status < 300:
            return Trouble(Fault.HTTP_STATUS, url, str(answer.status))
        if len(answer.body) >= LARGEST_DOCUMENT:
            return Trouble(Fault.TOO_LARGE, url)
        kind = answer.header("content-type").partition(";")[0].strip().lower()
        if kind not in TWIML_TYPES and kind != "text/plain":
            return Trouble(Fault.CONTENT_TYPE, url, kind)
        try:
            document = read(answer.body, url)
        except NotTwimlError as error:
            if kind == "text/plain":
                text = " ".join(answer.body.decode("utf-8", errors="replace").split())
                return Document((Say((Words(text),)),), url)  # plain text that is not TwiML is read aloud
            return Trouble(Fault.NOT_TWIML, url, "" if error.at is None else "{}:{}".format(*error.at))
        self.problems += check_document(answer.body)
        return document


def overrides(fragment: str) -> Overrides:
    """What `#rc=..&rp=..&ct=..&rt=..&tt=..` asks for, kept within Twilio's bounds; milliseconds there, seconds here."""
    asked = dict(parse_qsl(fragment))

    def seconds(name: str, default: float, most: float) -> float:
        return (
            min(max(int(asked[name]), 100) / 1000, most) if re.fullmatch(r"\d{1,6}", asked.get(name, "")) else default
        )

    retries = int(asked["rc"]) if re.fullmatch(r"[0-5]", asked.get("rc", "")) else 1
    policy = frozenset(asked["rp"].split(",")) if asked.get("rp") else frozenset({"ct"})
    return Overrides(
        Limits(seconds("ct", 5.0, 10.0), seconds("rt", 15.0, 15.0), seconds("tt", 15.0, 15.0)), retries, policy
    )


def _kinds(answer: Answer | NotReachedError) -> set[str]:
    # What a retry policy would call this answer; nothing for a good one.
    if isinstance(answer, NotReachedError):
        return {"rt"} if isinstance(answer, TooSlowError) else {"ct"}
    return {"4xx"} if 400 <= answer.status < 500 else {"5xx"} if answer.status >= 500 else set()


def _brief(answer: Answer | NotReachedError) -> tuple[str, str]:
    if isinstance(answer, NotReachedError):
        return type(answer).__name__, ""
    return str(answer.status), answer.body.decode("utf-8", errors="replace")


def _apart(first: tuple[str, str], second: tuple[str, str]) -> tuple[str, str]:
    # Where two answers part, with a little of each: enough to find the place, too little to fill the screen.
    shared = 0
    for one, other in zip(first[1], second[1], strict=False):
        if one != other:
            break
        shared += 1
    start, end = max(shared - 20, 0), shared + 40
    return f"{first[0]}: {first[1][start:end]}", f"{second[0]}: {second[1][start:end]}"
