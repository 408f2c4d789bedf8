"""Calls that the document for a total outage answered, read from Twilio's own records of them.

Rule: a call counts where Twilio asked the document's address for it, whatever else it asked; not where it only failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from webhooks.twilio_client import translated

if TYPE_CHECKING:
    from twilio.rest import Client

TOLD_AFTER = timedelta(minutes=15)
"""After the end of a call Twilio tells which addresses it asked for it."""
TOLD_FOR = timedelta(days=30)
"""And for how long."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Answered:
    """One call that the document answered: its id, the caller as Twilio has it, and when it began."""

    sid: str
    caller: str
    at: datetime


@dataclass(slots=True)
class Reading:
    """The calls answered by the document; how many were looked at, and of how many Twilio does not tell yet."""

    answered: list[Answered]
    looked_at: int = 0
    too_early: int = 0


def read(rest: Client, number: str, document: str, since: datetime, now: datetime) -> Reading:
    """The calls to a number since a moment, of which Twilio asked the document's address. Raises TwilioError."""
    reading = Reading([])
    for call in _calls(rest, number, since):
        reading.looked_at += 1
        if call.end_time is None or call.end_time > now - TOLD_AFTER:
            reading.too_early += 1
        elif any(_is(url, document) for url in _asked(rest, call.sid)):
            reading.answered.append(Answered(call.sid, _caller(call), call.start_time))
    return reading


def _calls(rest: Client, number: str, since: datetime) -> Iterator[Any]:
    with translated():
        listed = rest.calls.list(to=number, start_time_after=since, page_size=PAGE)
    yield from (call for call in listed if call.direction == "inbound")


def _asked(rest: Client, sid: str) -> Iterator[str]:
    with translated():
        events = rest.calls(sid).events.list(page_size=PAGE)
    yield from (str((event.request or {}).get("url") or "") for event in events)


def _caller(call: Any) -> str:
    """The caller's number; Twilio's library calls the field `_from`, since `from` is a word of Python's."""
    return str(getattr(call, "_from", None) or getattr(call, "from_", None) or "")


def _is(url: str, document: str) -> bool:
    """Whether an address is the document's: what Twilio adds to a GET is no part of it.

    >>> _is("https://bin.example/EH1?CallSid=CA1&ErrorCode=11200", "https://bin.example/EH1")
    True
    >>> _is("https://bin.example/EH12", "https://bin.example/EH1")
    False
    """
    return _bare(url) == _bare(document)


def _bare(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path
