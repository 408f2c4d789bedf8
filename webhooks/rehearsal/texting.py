r"""A telephone that texts: it sends what is typed as Twilio would bring it, and reads what comes back.

The one rule: an answer is what arrives as a text, in the file where the rehearsal's carrier keeps them; the document
that answers the request itself says nothing, and is looked at only for what is wrong with it.

>>> found = blocks("Approved.\nA 123456\nB 222222\nC 333333\nD 444444\nE 555555")
>>> found["B"], confirmation_id(found)
('222222', '123456 222222 333333 444444 555555')
>>> confirmation_id({"A": "123456", "C": "333333"}) is None
True
>>> case_number("Your case at Nordstern 24 is 9123456780. All you keyed is kept.")
'9123456780'
"""

import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from webhooks.rehearsal.carrier import Text, read_texts
from webhooks.rehearsal.fetching import Address, Fetcher, Trouble, Twice
from webhooks.rehearsal.hearing import SIZES
from webhooks.rehearsal.transport import OverHttp, Transport
from webhooks.rehearsal.voice_form import COUNTRIES
from webhooks.segments import segments

INCOMING = "/sms/incoming"
LOOK_SECONDS = 0.05
LETTERS = "ABCDEFGH"

_BLOCK = re.compile(rf"^([{LETTERS}]) (\d{{6}})$", re.MULTILINE)
_CASE = re.compile(r"\bcase\b[^.]*?\b(9\d{9})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextLine:
    """The line as texts reach it, what its requests are signed with, and the file in which its own texts arrive."""

    address: Address
    account_sid: str
    arrivals: Path
    auth_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A text we sent: `at` is ISO 8601. `trouble` is why the line did not take it, None where it did."""

    sid: str
    at: str
    body: str
    num_segments: int
    encoding: str
    trouble: Trouble | None = None

    @property
    def taken(self) -> bool:
        """Whether the line took it; whether it answers is another question."""
        return self.trouble is None


def written(body: str) -> Sent:
    """A text that is about to be sent, with an id of its own."""
    billed = segments(body)
    return Sent("SM" + token_hex(16), datetime.now(UTC).isoformat(), body, billed.count, billed.encoding)


def send(
    line: TextLine,
    text: Sent,
    *,
    number: str,
    to: str,
    twice: bool = False,
    transport: Transport | None = None,
) -> Trouble | None:
    """Bring a text from `number` to the line's number `to`, or to its fallback, the same again; None if it was taken.

    `twice` brings it two times, in turn, under the same id, as Twilio may.
    """
    form = _form(line.account_sid, text, number, to)
    url = line.address.public_url.rstrip("/") + INCOMING
    with closing(OverHttp()) as wire:
        how = Twice.IN_TURN if twice else Twice.NEVER
        fetcher = Fetcher(line.address, line.auth_token, transport or wire, text.sid, how)
        result = fetcher.document(url, form).result
        if isinstance(result, Trouble):
            report = {"ErrorCode": str(int(result.fault)), "ErrorUrl": result.url}
            result = fetcher.document(url, {**form, **report}).result
    return result if isinstance(result, Trouble) else None


class Arrivals:
    """The texts that arrive in a file, read again only when it has grown."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read: tuple[int, list[Text]] = (0, [])

    def all(self) -> list[Text]:
        """Every text so far, to whatever number."""
        size = self._file.stat().st_size if self._file.exists() else 0
        known, texts = self._read
        if size != known:
            texts = read_texts(self._file)
            self._read = (size, texts)
        return texts


class Inbox:
    """The texts that come to one number, from now on."""

    def __init__(self, file: Path, number: str) -> None:
        self._arrivals = Arrivals(file)
        self._number = number
        self._seen = len(self._arrivals.all())

    def come(self) -> list[Text]:
        """What has come since it was last asked."""
        texts = self._arrivals.all()
        fresh, self._seen = texts[self._seen :], len(texts)
        return [text for text in fresh if text.recipient == self._number]

    def wait(self, seconds: float, more: float = 0.2, sleep: Callable[[float], None] = time.sleep) -> list[Text]:
        """What comes within so many seconds; after the first text only so many `more` are given to others."""
        came: list[Text] = []
        left = seconds
        while left > 0:
            fresh = self.come()
            if fresh and not came:
                left = min(left, more)
            came += fresh
            sleep(LOOK_SECONDS)
            left -= LOOK_SECONDS
        return came + self.come()


def blocks(body: str) -> dict[str, str]:
    """The blocks of a confirmation ID that stand in a text, by letter, each on a line of its own."""
    return dict(_BLOCK.findall(body))


def confirmation_id(found: dict[str, str]) -> str | None:
    """The whole confirmation ID, its blocks apart; None unless every block of it is there."""
    if len(found) not in SIZES or "".join(sorted(found)) != LETTERS[: len(found)]:
        return None
    return " ".join(found[letter] for letter in sorted(found))


def case_number(body: str) -> str | None:
    """The case number that a text names, or None."""
    match = _CASE.search(body)
    return match[1] if match else None


def _form(account_sid: str, text: Sent, number: str, to: str) -> dict[str, str]:
    form = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "Body": text.body,
        "MessageSid": text.sid,
        "NumMedia": "0",
        "NumSegments": str(text.num_segments),
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
    }
    for name, party in (("From", number), ("To", to)):
        country = next((land for prefix, land in COUNTRIES.items() if party.startswith(prefix)), "")
        form |= {name: party, f"{name}City": "", f"{name}State": "", f"{name}Zip": "", f"{name}Country": country}
    return form
