"""The numbers the line answers, and what holds for each.

>>> line = Line(number="+15550100", name="Example", country="US", locale="en-US", call_back_hours=24)
>>> Lines((line,)).dialled("+15550100") is line, Lines((line,)).dialled("+19990000") is line
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One number (E.164): the name callers hear, country (ISO 3166), locale (BCP 47), and our call-back promise."""

    number: str
    name: str
    country: str
    locale: str
    call_back_hours: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Every line of this installation, the first being the one for a number that none has (a SIP address, say)."""

    all: tuple[Line, ...]

    def dialled(self, number: str) -> Line:
        """The line of the number that was dialled."""
        return next((line for line in self.all if line.number == number), self.all[0])
