"""The one call of a probe, placed at Twilio between two numbers of the account, and what a minute of it costs.

Rule: nothing is called before its price was asked for, and the call ends by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from webhooks import probe_file
from webhooks.probe_steps import LAST, OPENING, Figures, Turn, figures
from webhooks.twilio_client import TwilioError, translated

if TYPE_CHECKING:
    from twilio.rest import Client

    from webhooks.probe_file import Probe

LONGEST_CALL = 180
"""Seconds after which Twilio ends the call; it takes about one minute."""
PATIENCE = 210.0
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class Price:
    """What a minute costs on both legs together, in the account's currency."""

    amount: float
    unit: str


def price(rest: Client, calling: str, line: str) -> Price | None:
    """What Twilio tells of a minute between two numbers; None where it does not."""
    try:
        with translated():
            found = rest.pricing.v2.voice.numbers(line).fetch(origination_number=calling)
        out = [float(each["current_price"]) for each in found.outbound_call_prices or []]
        arriving = float((found.inbound_call_price or {}).get("current_price") or 0)
        return Price(min(out) + arriving, str(found.price_unit).upper()) if out else None
    except (TwilioError, KeyError, TypeError, ValueError):
        return None


def call(
    rest: Client, file: Path, probe: Probe, public_url: str, *, sleep: Callable[[float], None] = time.sleep
) -> tuple[Figures, str]:
    """Place the call, wait for its end, and give what was measured and how the call ended. Raises TwilioError."""
    with translated():
        placed = rest.calls.create(
            to=probe.line,
            from_=probe.calling,
            url=f"{public_url}/voice/probe/{probe.word}/keys",
            send_digits=OPENING,
            time_limit=LONGEST_CALL,
        )
    waited, status = 0.0, str(placed.status)
    while waited < PATIENCE and status not in OVER and not _is_whole(file):
        sleep(2.0)
        waited += 2.0
        with translated():
            status = str(rest.calls(str(placed.sid)).fetch().status)
    return figures(_turns(file)), status


def _is_whole(file: Path) -> bool:
    return any(turn.place >= LAST for turn in _turns(file))


def _turns(file: Path) -> list[Turn]:
    return [
        Turn(int(str(each["place"])), float(str(each["at"])), str(each["keys"]), _text(each["finished"]))
        for each in probe_file.noted(file)
        if each["leg"] == "line"
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
