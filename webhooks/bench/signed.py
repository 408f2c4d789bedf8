r"""Whole requests, built and signed before the clock runs: the bytes of a call, and what each answer must hold.

Rule: every subject of a measurement is sent the very same bytes, so that the client costs the same for all of them.

>>> address = Address("https://line.example", "AC" + "0" * 32, "token", "+15005550006")
>>> call = bench_call(address, "CA" + "0" * 32, "+14155550100", ("123456",) * 9, "Group {}.".format)
>>> len(call.opening), len(call.group_turns)
(2, 7)
>>> call.group_turns[0].text.split(b"\r\n")[0], call.group_turns[0].answer
(b'POST /voice/turn/2 HTTP/1.1', b'>Group 3.<')
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from keys.formats import FORMATS
from keys.groups import split
from keys.installation_id import InstallationID, encode
from webhooks.rehearsal.signing import signature
from webhooks.rehearsal.voice_form import CallSide, voice_form

STANDARD = 1
ENDING = "Connection: close\r\n"
FIRST_TIMED, LAST_TIMED = 2, 8
"""Groups 2 to 8: the first one decides the format, and the last one asks the ledger."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the requests go, and as whom: public URL, account, token, and the number dialled."""

    public_url: str
    account_sid: str
    auth_token: str
    line_number: str


@dataclass(frozen=True, slots=True)
class Signed:
    """One request as bytes on the wire, and bytes that the line's answer must hold."""

    text: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class BenchCall:
    """A call cut in two: what is sent before the clock runs, and the group turns that are timed."""

    opening: tuple[Signed, ...]
    group_turns: tuple[Signed, ...]


def bench_calls(
    address: Address, count: int, asks: Callable[[int], str], below: Callable[[int], int]
) -> Iterator[BenchCall]:
    """`count` calls, each from another number and with another ID.

    `asks(n)` are the words that ask for group n, `below(n)` gives a random number under n.
    """
    for _ in range(count):
        sid = f"CA{below(1 << 128):032x}"
        yield bench_call(address, sid, f"+1415555{below(10_000):04d}", standard_groups(below), asks)


def bench_call(
    address: Address, sid: str, caller: str, groups: tuple[str, ...], asks: Callable[[int], str]
) -> BenchCall:
    """One call, group by group. Turn n takes group n, and its answer asks for group n + 1."""
    form = voice_form(CallSide(sid, address.account_sid, caller, address.line_number), "in-progress")
    incoming = _signed(address, "/voice/incoming", form | {"CallStatus": "ringing"}, b"/voice/turn/1#")
    first = _signed(address, "/voice/turn/1", form | {"Digits": groups[0], "msg": "Gather"}, b"/voice/turn/2#")
    group_turns = tuple(
        _signed(
            address,
            f"/voice/turn/{number}",
            form | {"Digits": groups[number - 1], "msg": "Gather"},
            f">{escape(asks(number + 1))}<".encode(),
        )
        for number in range(FIRST_TIMED, LAST_TIMED + 1)
    )
    return BenchCall((incoming, first), group_turns)


def whole_call(address: Address, sid: str, caller: str, groups: tuple[str, ...]) -> tuple[Signed, ...]:
    """Every request of a call from its ring to its end, each to be sent on a connection of its own.

    Each answer must hold the way to the next turn, and that to the last group one for the first block that is read.

    >>> address = Address("https://line.example", "AC" + "0" * 32, "token", "+15005550006")
    >>> [one.answer for one in whole_call(address, "CA" + "0" * 32, "+14155550100", ("123456", "234567"))]
    [b'/voice/turn/1#', b'/voice/turn/2#', b'/voice/turn/3?at=1#', b'']
    """
    form = voice_form(CallSide(sid, address.account_sid, caller, address.line_number), "in-progress")

    def way_to(number: int) -> bytes:
        return f"/voice/turn/{number}{'?at=1' if number > len(groups) else ''}#".encode()

    return (
        _signed(address, "/voice/incoming", form | {"CallStatus": "ringing"}, way_to(1), lasting=False),
        *(
            _signed(
                address,
                f"/voice/turn/{number}",
                form | {"Digits": group, "msg": "Gather"},
                way_to(number + 1),
                lasting=False,
            )
            for number, group in enumerate(groups, 1)
        ),
        _signed(address, "/voice/status", form | {"CallStatus": "completed"}, b"", lasting=False),
    )


def standard_groups(below: Callable[[int], int]) -> tuple[str, ...]:
    """A standard ID whose check digits are right. Its proof is nobody's, and is only looked at after the last group."""
    fmt = FORMATS[STANDARD]
    parts = tuple(below(1 << fmt.fingerprint_field_bits) for _ in range(fmt.fingerprint_fields))
    fields = (below(1 << bits) for bits in (fmt.nonce_bits, fmt.proof_bits))
    return tuple(split(encode(InstallationID(STANDARD, 1, below(1 << fmt.serial_bits), parts, *fields))))


def _signed(address: Address, path: str, form: dict[str, str], answer: bytes, *, lasting: bool = True) -> Signed:
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {urlsplit(address.public_url).netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n"
        "User-Agent: TwilioProxy/1.1\r\n"
        "Accept: */*\r\n"
        f"{'' if lasting else ENDING}"
        f"X-Twilio-Signature: {signature(address.auth_token, address.public_url + path, form)}\r\n\r\n"
    )
    return Signed(head.encode() + body, answer)
