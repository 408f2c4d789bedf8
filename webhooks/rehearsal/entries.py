"""What is told of a call: who ended it, and each line of its transcript; and where its number leads.

The one rule: plain values, so that a call can be shown, kept and compared without a telephone.
"""

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """Who ended the call. TROUBLE is the provider, when neither a document nor the fallback could be had."""

    LINE = "line"
    CALLER = "caller"
    TROUBLE = "trouble"
    REJECTED = "rejected"
    TOO_LONG = "too_long"


class Side(StrEnum):
    """Whose entry it is in a transcript."""

    LINE = "line"
    CALLER = "you"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transcript: the call clock in seconds, whose it is, the words or keys, and what befell them."""

    at: float
    side: Side
    words: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Routes:
    """The public URLs a telephone number is set up with."""

    incoming: str
    fallback: str
    status: str
