"""A process that places what is due and ends when nothing is left; on the way it stops at one step, to be killed there.

Arguments: the database's URL, the address that stands for Twilio, seconds its clock is ahead, and the step: `commit 1`
(after a ring was taken), `answer 1` (when the answer has come), `end` (nowhere) or `together` (begins when told to).
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ivr import rings
from ivr.lines import Lines
from ivr.rings import LIVE
from keys.secrets_file import Secrets
from tests.webhooks.delivery_process import ACCOUNT, LINE, Loopback, Stepping, Steps, tell
from webhooks import ringing
from webhooks.door import Exchange
from webhooks.lines_file import read_catalogues
from webhooks.twilio_calls import TwilioDialler
from webhooks.twiml import Wording

NUMBER_KEY = b"n" * 32


def main(database_url: str, address: str, ahead: str, stop: str) -> None:
    steps = Steps(stop)
    database = Stepping(database_url)
    database.steps = steps
    exchange = Exchange(
        database=database,
        secrets=Secrets({}, b"l" * 32, b"c" * 32, NUMBER_KEY, b"p" * 32),
        lines=Lines((LINE,)),
        wording=Wording("https://line.example", read_catalogues()),
        account_sid=ACCOUNT,
        auth_tokens=("t" * 32,),
        spool_dir=Path("nowhere"),
        now=lambda: datetime.now(UTC) + timedelta(seconds=int(ahead)),
    )
    dialler = TwilioDialler(ACCOUNT, "SK1", "secret", http=lambda: Loopback(address, steps))
    if stop == "together":
        tell("ready")
        sys.stdin.readline()
    while left(database):
        if not ringing.ring_one(exchange, dialler, f"process {os.getpid()}"):
            ringing.sweep(exchange)
            time.sleep(0.02)


def left(database: Stepping) -> bool:
    """Whether any ring is still to be dialled, or in the hands of a process."""
    undecided = rings.rings.c.state.in_([LIVE[0], LIVE[1]])
    with database.read() as connection:
        return connection.execute(rings.rings.select().where(undecided)).first() is not None


if __name__ == "__main__":
    main(*sys.argv[1:])
