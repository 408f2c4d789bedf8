"""What a licence host notes down: the stable words of its log, of `events` and of `status`.

Rule: a word never changes its meaning; whoever watches a host watches for these words. A client is named by the first
eight signs of its identity, and by what it calls itself.

>>> Event.IDENTITY_SHARED.is_trouble, short("0a1b2c3d" + "0" * 24)
(True, '0a1b:2c3d')
"""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """One word of the log."""

    HOST_STARTED = "host_started"
    """The host serves from now on."""
    HOST_ACTIVATED = "host_activated"
    """A confirmation ID that holds was deposited."""
    HOST_NOT_ACTIVATED = "host_not_activated"
    """The host leases nothing; `status` says why, as `touchtone device status` would."""
    HOST_CLOCK_BACK = "host_clock_back"
    """The host's clock stands more than four hours before its last answer; it leases nothing."""
    CERTIFICATE_ENDED = "certificate_ended"
    """The last day of the host's certificate is over: it needs a newer package."""
    PACKAGE_REPLACED = "package_replaced"
    """A newer package was put in."""
    THRESHOLD_REACHED = "threshold_reached"
    """The count has come to the certificate's threshold: leases start."""
    THRESHOLD_LOST = "threshold_lost"
    """The count has fallen below it: leases given still hold, none is given or renewed."""
    CLIENT_NEW = "client_new"
    """A client asked for the first time."""
    CLIENT_LEASED = "client_leased"
    """A client that had no lease that held has one now; renewals are not noted."""
    LEASE_REFUSED = "lease_refused"
    """A client was refused; `refusal` says why."""
    IDENTITY_SHARED = "identity_shared"
    """Another hardware asks under an identity seen within 30 days: a clone, or a machine with much of it replaced."""
    REQUEST_MALFORMED = "request_malformed"
    """Something asked that speaks otherwise."""
    HOST_BUSY = "host_busy"
    """The host's file could not be written."""

    @property
    def is_trouble(self) -> bool:
        """Whether `status` shows it among the last errors."""
        return self in _TROUBLE


_TROUBLE = frozenset(
    {
        Event.HOST_NOT_ACTIVATED,
        Event.HOST_CLOCK_BACK,
        Event.CERTIFICATE_ENDED,
        Event.THRESHOLD_LOST,
        Event.LEASE_REFUSED,
        Event.IDENTITY_SHARED,
        Event.REQUEST_MALFORMED,
        Event.HOST_BUSY,
    }
)


def short(identity: str) -> str:
    """How a client's identity is shown."""
    return f"{identity[:4]}:{identity[4:8]}"
