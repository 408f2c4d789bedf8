"""What is counted in this process: one list of counters and histograms, for Prometheus.

Rule: a label has few values, all of them words of ours: never a number of a caller's, a key, an ID, a case or a name.
Nothing outside this package counts anything; what happened is told to the doors, which count it after the commit.

Where a line is served by several processes they share a folder, which the client's library sums up at a scrape. That
has to be named before the library is loaded, so `share` stands in `webhooks.node` and comes first.
"""

from __future__ import annotations

import time
from functools import cache
from types import TracebackType
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from ivr.actions import HangUp, Join, Listen, ReadBack, Wait
from ivr.events import Approved, Refused
from keys import ledger
from keys.refusals import Refusal
from keys.unavailable import Cause, DatabaseUnavailable

disable_created_metrics()  # type: ignore[no-untyped-call] # the library does not say
COUNTED = CollectorRegistry()
"""All that stands below. The library's own registry would add what it likes."""

TURN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Seconds. A turn gives up after 2.4, and Twilio after 15."""

TURNS = Histogram(
    "touchtone_turn_seconds",
    "How long turns took, by channel and outcome.",
    ["channel", "outcome"],
    buckets=TURN_BUCKETS,
    registry=COUNTED,
)
ACTIVATIONS = Counter(
    "touchtone_activations",
    "Activations answered with a confirmation ID, replays too, by channel.",
    ["channel", "replay"],
    registry=COUNTED,
)
REFUSALS = Counter(
    "touchtone_refusals",
    "Activations refused by the ledger or before it, by channel and reason.",
    ["channel", "refusal"],
    registry=COUNTED,
)
FALLBACKS = Counter(
    "touchtone_fallback_documents", "Apologies spoken in place of a turn, by door.", ["door"], registry=COUNTED
)
DATABASE_FAILURES = Counter(
    "touchtone_database_failures",
    "Requests and rounds that the database could not be had for, by door and cause.",
    ["door", "cause"],
    registry=COUNTED,
)
SPOOLED = Counter(
    "touchtone_call_back_wishes_spooled",
    "Call-back wishes kept on the disk for want of the database.",
    ["fault"],
    registry=COUNTED,
)
TURNED_AWAY = Counter(
    "touchtone_requests_turned_away",
    "Requests that were not let in, by door and reason.",
    ["door", "reason"],
    registry=COUNTED,
)
THROTTLED = Counter(
    "touchtone_throttled", "Whoever came too often and was told to wait, by what they did.", ["what"], registry=COUNTED
)
API_REQUESTS = Counter(
    "touchtone_api_requests",
    "Requests of programs, by operation and status.",
    ["operation", "status"],
    registry=COUNTED,
)
DUTIES = Counter(
    "touchtone_background_rounds",
    "Rounds of the work beside the calls, by duty and outcome.",
    ["duty", "outcome"],
    registry=COUNTED,
)

OUTCOMES = {Listen: "listen", ReadBack: "read_back", Wait: "wait", Join: "join", HangUp: "hang_up"}
"""What a turn of a call came to, by what its caller then hears."""

Door = Literal["voice", "leg", "text", "text_status", "api", "batch", "background", "delivery", "ringing"]


def from_zero() -> None:
    """Have what should never happen stand at 0 from the start: Prometheus sees no rise from nothing to one."""
    for outcome in (*OUTCOMES.values(), "fault", "no_database"):
        TURNS.labels("phone", outcome)
    for outcome in ("answered", "fault", "no_database"):
        TURNS.labels("text", outcome)
    for door in ("voice", "leg"):
        FALLBACKS.labels(door)
    for door in get_args(Door):
        for cause in Cause:
            DATABASE_FAILURES.labels(door, cause.value)
    for reason in ("signature_missing", "signature_refused", "account_refused"):
        TURNED_AWAY.labels("twilio", reason)
    for what in ("guessing", "wrong_tokens", "requests"):
        THROTTLED.labels(what)
    SPOOLED.labels(DatabaseUnavailable.__name__)


class Turn:
    """Times a turn, for a `with` block: what it came to is `outcome`, or what the block raised."""

    __slots__ = ("_begun", "_channel", "outcome")

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.outcome = "answered"
        self._begun = time.perf_counter()

    def __enter__(self) -> Turn:
        """It has begun already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it with what it came to."""
        if kind is not None:
            self.outcome = "no_database" if issubclass(kind, DatabaseUnavailable) else "fault"
        _timed(self._channel, self.outcome).observe(time.perf_counter() - self._begun)


_timed = cache(TURNS.labels)
"""The histogram of a channel and an outcome, there for good: the library looks it up under a lock."""


def came_to(channel: str, said: Approved | Refused | ledger.Activated | ledger.Refused) -> None:
    """Count what the ledger said to one installation ID, in a conversation or to a program."""
    if isinstance(said, Approved | ledger.Activated):
        again = said.again if isinstance(said, Approved) else said.replay
        ACTIVATIONS.labels(channel, "yes" if again else "no").inc()
        return
    REFUSALS.labels(channel, said.refusal.value).inc()
    if said.refusal is Refusal.TOO_MANY_TRIES:
        THROTTLED.labels("guessing").inc()


def no_database(door: Door, unavailable: DatabaseUnavailable) -> None:
    """Count that the database could not be had, at one of the doors."""
    DATABASE_FAILURES.labels(door, unavailable.cause.value).inc()
