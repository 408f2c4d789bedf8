"""The numbers the line answers, what holds for each, and how many texts may go out.

>>> line = Line(number="+15550100", name="Example", country="US", locale="en-US", call_back_hours=24)
>>> Lines((line,)).dialled("+15550100") is line, Lines((line,)).dialled("+19990000") is line
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivr.hours import DeskHours


@dataclass(frozen=True, slots=True)
class Line:
    """One number (E.164): the name callers hear, country (ISO 3166), locale (BCP 47), and our call-back promise.

    `other_locales` are the languages it speaks beside its own, in the order in which they are offered.

    `desk` is when operators are there; None where the line has none, so that a person means a call-back.
    `text_sender` is what its texts come from: a number, or a Messaging Service (MG...); None where it sends none.
    `text_countries` are those it sends to, its own where none is named.
    With `speech` callers may say menus and yes or no. From `held_at` points of signs on a person looks before anything
    is activated, from `blocked_at` on the key is blocked; None, never.
    `outage_url` is where the document for a total outage is hosted; None where there is none.
    """

    number: str
    name: str
    country: str
    locale: str
    call_back_hours: int
    text_sender: str | None = None
    text_countries: tuple[str, ...] = ()
    desk: DeskHours | None = None
    held_at: int | None = None
    blocked_at: int | None = None
    speech: bool = False
    other_locales: tuple[str, ...] = ()
    outage_url: str | None = None

    @property
    def locales(self) -> tuple[str, ...]:
        """Every language it speaks, its own first."""
        return (self.locale, *self.other_locales)

    @property
    def choice(self) -> tuple[str, ...]:
        """The languages that a caller may choose among; none where there is but one."""
        return self.locales if self.other_locales else ()

    @property
    def texts_go_to(self) -> tuple[str, ...]:
        """The countries (ISO 3166) this line sends texts to; none without a sender."""
        if self.text_sender is None:
            return ()
        return self.text_countries or (self.country,)


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Texts a UTC day, at most: to one number, to those alike but for three last digits, to a country, in all."""

    number: int = 20
    prefix: int = 60
    country: int = 2000
    day: int = 5000


@dataclass(frozen=True, slots=True)
class Lines:
    """Every line of this installation, the first being the one for a number that none has (a SIP address, say)."""

    all: tuple[Line, ...]

    def dialled(self, number: str) -> Line:
        """The line of the number that was dialled."""
        return next((line for line in self.all if line.number == number), self.all[0])

    @property
    def strictest(self) -> Line:
        """The first line with the settings of whichever is strictest: for whoever comes on none."""
        held = min((line.held_at for line in self.all if line.held_at is not None), default=None)
        blocked = min((line.blocked_at for line in self.all if line.blocked_at is not None), default=None)
        return replace(self.all[0], held_at=held, blocked_at=blocked)

    def texted(self, number: str, service: str) -> Line | None:
        """The line that a text to `number` (or to a Messaging Service) is for; None where no line takes texts there."""
        taking = [line for line in self.all if line.text_sender is not None]
        senders = {number, service} - {""}
        by_sender = next((line for line in taking if line.text_sender in senders), None)
        return by_sender or next((line for line in taking if line.number == number), None)
