"""Signs: what speaks for a second look at an activation, each by a stable word.

Rule: a sign is shown, and no more. Only where the file of lines names it does a person look before anything is
activated; nothing is ever refused or blocked for a sign alone.

>>> Sign("reactivations") is Sign.REACTIVATIONS
True
"""

from __future__ import annotations

from enum import StrEnum


class Sign(StrEnum):
    """What was seen; the value is what the file of lines names."""

    REACTIVATIONS = "reactivations"
    """This machine was activated MANY_REACTIVATIONS times with this key already."""
    CASES = "cases"
    """This caller opened SEVERAL_CASES cases within a day, this one among them."""
    GUESSES = "guesses"
    """SEVERAL_GUESSES wrong proofs named this key, whoever brought them."""


MANY_REACTIVATIONS = 3
SEVERAL_CASES = 3
SEVERAL_GUESSES = 2
