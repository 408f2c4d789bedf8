"""`touchtone call`: dial the line with the rehearsal telephone.

Rule: with an installation ID the call is scripted, without one it is you at the keyboard; exit status 0 means that a
confirmation ID was heard in full.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import show

if TYPE_CHECKING:
    from webhooks.rehearsal.caller import Caller
    from webhooks.rehearsal.clock import Pace
    from webhooks.rehearsal.dialling import CallRecord
    from webhooks.rehearsal.entries import Entry

TWO_WAYS = "turn_about"


@dataclass(frozen=True, slots=True)
class _Line:
    # Where to dial and how to sign, and the wire to telephones that the line itself rings, where it is one of ours.
    url: str
    public_url: str
    auth_token: str
    account_sid: str
    wire: Path | None = None


def line_of(url: str | None = None, public_url: str | None = None, auth_token: str | None = None) -> _Line:
    """What the options leave open comes from the settings, which need not exist where the options say it all."""
    if url and auth_token:
        return _Line(url, public_url or url, auth_token, "AC" + "0" * 32)
    from webhooks.settings import load

    settings = load()
    return _Line(
        url or settings.own_url,
        public_url or settings.public_url,
        auth_token or settings.auth_tokens[0],
        settings.account_sid,
        None if settings.api_key else settings.rehearsed_calls,
    )


def _groups(iid: str) -> tuple[str, ...]:
    """An installation ID as a person reads it off a screen: groups of six, however it is spaced."""
    digits = "".join(sign for sign in iid if sign.isdigit())
    if not digits or len(digits) % 6:
        raise click.BadParameter("an installation ID is groups of six digits", param_hint="--iid")
    return tuple(digits[place : place + 6] for place in range(0, len(digits), 6))


def _place(text: str | None) -> int | str:
    if text is None:
        return 0
    if text == "readback":
        return text
    if text.isdigit() and 1 <= int(text) <= 9:
        return int(text)
    raise click.BadParameter("a group number from 1 to 9, or: readback", param_hint="--hang-up-at")


def _caller(options: dict[str, Any], pace: Pace) -> Caller:
    from webhooks.rehearsal.keyboard import KeyboardCaller
    from webhooks.rehearsal.scripted import FOR_EVER, Mood, ScriptedCaller

    iid: str | None = options["iid"]
    if iid is None:
        return KeyboardCaller(_read, pace)
    mood = Mood(
        wrong_group=options["wrong_group"] or 0,
        silent_at=options["silent_at"] or 0,
        silences=1 if options["silent_once"] else FOR_EVER,
        hang_up_at=_place(options["hang_up_at"]),
        express=options["express"],
        person=options["person"],
        finish_key="#" if options["finish"] else "",
    )
    return ScriptedCaller(_groups(iid), mood, pace)


def _read(prompt: str) -> str:
    click.echo(prompt, nl=False, err=True)
    typed = sys.stdin.readline()
    if not typed:
        raise EOFError
    return typed.strip()


def print_entry(entry: Entry) -> None:
    """One line of the transcript, as it happens."""
    from webhooks.rehearsal.clock import face

    note = f"  ({entry.note})" if entry.note else ""
    click.echo(f"{face(entry.at)}  {entry.side + ':':<5} {entry.words}{note}")


def told(record: CallRecord, with_transcript: bool = False) -> dict[str, Any]:
    """The record in the words of the command line: what `--json` prints."""
    answer: dict[str, Any] = {
        "outcome": str(record.outcome),
        "confirmation_id": record.confirmation_id,
        "blocks": record.blocks,
        "case_number": record.case_number,
        "refusal": record.refusal,
        "turns": record.turns,
        "heard": round(record.heard, 1),
        "keyed": round(record.keyed, 1),
        "waited": round(record.waited, 1),
        "seconds": round(record.seconds, 1),
        "ended_by": str(record.ended_by),
        "keys_lost": record.lost,
        "differences": [f"{unlike.path}: {unlike.first} / {unlike.second}" for unlike in record.differences],
        "problems": [str(problem) for problem in record.problems],
        "troubles": [f"{int(found.fault)} {found.url} {found.fact}".strip() for found in record.troubles],
    }
    if with_transcript:
        answer["transcript"] = [
            {"at": round(entry.at, 1), "who": str(entry.side), "words": entry.words, "note": entry.note}
            for entry in record.transcript
        ]
    return answer


@click.command(name="call")
@click.option("--iid", metavar="DIGITS", help="Key this installation ID; without it you are asked for the keys.")
@click.option("--wrong-group", type=click.IntRange(1, 9), metavar="N", help="Slip once.")
@click.option("--silent-at", type=click.IntRange(1, 9), metavar="N", help="Say nothing.")
@click.option("--silent-once", is_flag=True, help="With --silent-at: only the first time.")
@click.option("--hang-up-at", metavar="N|readback", help="Hang up at group N, or in the middle of the read-back.")
@click.option("--express", is_flag=True, help="Key the whole ID in one run.")
@click.option("--person", is_flag=True, help="Key 0 at once.")
@click.option("--finish", is_flag=True, help="Press # after every entry.")
@click.option("--deliver-twice", is_flag=True, help="Send every request twice; both answers must be alike.")
@click.option(
    "--line", "line_number", default="+15005550006", help="The number that is rung [default: the first line]."
)
@click.option("--from", "caller_number", default="+14155550123", show_default=True, help="The caller, or: anonymous.")
@click.option("--url", metavar="BASE", help="The address really dialled [default: where the line listens].")
@click.option("--public-url", metavar="BASE", help="The address that is signed [default: the line's public URL].")
@click.option("--auth-token", metavar="TOKEN", help="The token that signs [default: the line's].")
@click.option("--turn-delay", type=click.FloatRange(0, 15), default=0.8, show_default=True, help="Seconds a turn.")
@click.option("--real-time", is_flag=True, help="Let the call take as long as it takes.")
@click.option("--transcript", is_flag=True, help="With --json: add the transcript.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, and nothing else.")
def call(as_json: bool, transcript: bool, **options: Any) -> None:
    """Dial the line. With --iid the call is scripted; without, type keys (Enter: silence, h: hang up)."""
    from webhooks.rehearsal.clock import Pace
    from webhooks.rehearsal.dialling import Outcome, Terms, dial
    from webhooks.rehearsal.fetching import Twice
    from webhooks.rehearsal.wire import Wire

    pace = Pace(turn_delay=options["turn_delay"])
    caller = _caller(options, pace)
    line = line_of(options["url"], options["public_url"], options["auth_token"])
    record = dial(
        line.url,
        auth_token=line.auth_token,
        public_url=line.public_url,
        caller_number=options["caller_number"],
        line_number=options["line_number"],
        caller=caller,
        terms=Terms(
            pace=pace,
            sleep=time.sleep if options["real_time"] else None,
            nap=time.sleep if options["iid"] and not options["real_time"] else None,
            twice=Twice(TWO_WAYS) if options["deliver_twice"] else Twice.NEVER,
            account_sid=line.account_sid,
            wire=Wire(line.wire) if options["real_time"] and line.wire else None,
        ),
        on_line=None if as_json else print_entry,
    )
    shown = told(record, transcript)
    if not as_json:
        click.echo()
        shown = {name: value for name, value in shown.items() if value not in ([], {}, "", None) and name != "blocks"}
    show(shown, as_json)
    sys.exit(0 if record.outcome is Outcome.ACTIVATED else 1)
