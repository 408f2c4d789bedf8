"""A process that delivers what is due and ends; on the way it stops at one step, for the test to kill it there.

Arguments: the database's URL, the address that stands for Twilio, seconds its clock is ahead, and the step: `commit 2`
(after the second commit), `answer 1` (when the first answer has come), `end` (nowhere) or `together` (before it begins,
and it goes on when it is told to).
"""

import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ivr.lines import Line, Lines
from keys.database import Database
from keys.secrets_file import Secrets
from webhooks import twilio_client
from webhooks.delivery import deliver_one
from webhooks.door import Exchange
from webhooks.lines_file import read_catalogues
from webhooks.twilio_rest import TwilioCarrier
from webhooks.twiml import Wording

ACCOUNT = "AC" + "0" * 32
LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550177")


def tell(word: str) -> None:
    """One line to the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class Steps:
    """Counts what happens, and stops for good where it was told to."""

    def __init__(self, stop: str) -> None:
        self.stop = stop
        self.counts: dict[str, int] = {}

    def reached(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.stop == f"{kind} {self.counts[kind]}":
            tell("stopped")
            time.sleep(600)


class Stepping(Database):
    """A database whose commits are steps."""

    steps: Steps

    @contextmanager
    def begin(self):
        with super().begin() as connection:
            yield connection
        self.steps.reached("commit")


class Loopback:
    """The line's own HTTP client, sent to another address; its answers are steps."""

    is_async = False

    def __init__(self, address: str, steps: Steps) -> None:
        self.address, self.steps = address, steps
        self.http = twilio_client._bounded()

    def request(self, method, url, **rest):
        answer = self.http.request(method, url.replace("https://api.twilio.com", self.address), **rest)
        if method == "POST":
            self.steps.reached("answer")
        return answer


def main(database_url: str, address: str, ahead: str, stop: str) -> None:
    steps = Steps(stop)
    database = Stepping(database_url)
    database.steps = steps
    exchange = Exchange(
        database=database,
        secrets=Secrets({}, b"l" * 32, b"c" * 32, b"n" * 32, b"p" * 32),
        lines=Lines((LINE,)),
        wording=Wording("https://line.example", read_catalogues()),
        account_sid=ACCOUNT,
        auth_tokens=("t" * 32,),
        spool_dir=Path("nowhere"),
        now=lambda: datetime.now(UTC) + timedelta(seconds=int(ahead)),
    )
    carrier = TwilioCarrier(ACCOUNT, "SK1", "secret", http=lambda: Loopback(address, steps))
    if stop == "together":
        tell("ready")
        sys.stdin.readline()
    by = f"process {os.getpid()}"
    while deliver_one(exchange, carrier, by):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
