"""What a carrier of texts is asked, and what it may answer.

Rule: a carrier says what it knows and no more: where it cannot tell whether the provider has a text, it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text as the provider is to send it: from a number (E.164) or a Messaging Service, to a number."""

    id: int
    sender: str
    recipient: str = field(repr=False)
    body: str = field(repr=False)
    status_url: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the text, under this id."""

    sid: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider will never take this text; `error` is its number for why."""

    error: int


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. `after` is the wait the provider asks for, in seconds; `cause` a short word for the log.

    `doubtful`: the provider may have the text all the same. `ours`: it is the line's own settings that must be mended.
    """

    cause: str
    after: float | None = None
    doubtful: bool = False
    ours: bool = False


class Carrier(Protocol):
    """Who takes texts away."""

    def send(self, text: Outgoing) -> Accepted | Rejected | Later:
        """Post the text, once."""
        ...

    def find(self, text: Outgoing, since: datetime) -> tuple[str, ...] | Later:
        """The ids of all texts since then with the same sender, recipient and body, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call as the provider is to place it: between two numbers (E.164), and where its document and news are had."""

    sender: str
    recipient: str = field(repr=False)
    url: str
    status_url: str


@dataclass(frozen=True, slots=True)
class Room:
    """The people of a conference as they are to be: calls held to `music` or not, and whose leaving ends it."""

    name: str
    music: str
    held: tuple[tuple[str, bool], ...]
    ends: tuple[tuple[str, bool], ...]


class Dialler(Protocol):
    """Who places calls."""

    def place(self, call: OutgoingCall) -> Accepted | Rejected | Later:
        """Place the call, once."""
        ...

    def redirect(self, sid: str, url: str) -> Accepted | Rejected | Later:
        """Let a live call go on with the document at `url`."""
        ...

    def arrange(self, room: Room) -> Accepted | Rejected | Later:
        """Bring the people of a conference to what `room` says; whoever has left meanwhile is passed over."""
        ...
