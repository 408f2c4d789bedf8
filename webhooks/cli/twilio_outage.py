"""`touchtone twilio outage-document|collect-wishes`: what answers when nothing of ours does, and its promises kept.

Rule: the document needs nothing of ours to be heard, and asks for nothing: whoever hears it has called, which Twilio
writes down by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import refuse, show
from webhooks.cli.twilio import Place, place_of, plainly, twilio

if TYPE_CHECKING:
    from twilio.http import HttpClient

    from ivr.lines import Line
    from ivr.missed import Missed
    from webhooks.settings import Settings
    from webhooks.twilio_outage import Reading

__all__ = ["twilio"]


@twilio.command("outage-document")
@click.option("--line", "number", help="The line whose language it speaks; else the first.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def outage_document(number: str | None, out: Path | None, as_json: bool) -> None:
    """Write the TwiML to be hosted apart from the line: it apologises, and promises a call-back.

    Its address goes into the file of lines as `outage_url`; `twilio connect` then makes it the fallback.
    """
    from webhooks import settings, twiml
    from webhooks.lines_file import read_catalogues, read_lines, read_outage_words

    found = settings.load()
    catalogues = read_catalogues()
    lines = read_lines(found.lines_file, catalogues)
    line = next((each for each in lines.all if number in {None, each.number}), None)
    if line is None:
        refuse("UNKNOWN_LINE", f"The file of lines has no {number}.", as_json)
    words = read_outage_words()
    lacking = ", ".join(f"prompts/outage/{locale}.po" for locale in line.locales if locale not in words)
    if lacking:
        refuse("WORDS_MISSING", f"There is no {lacking}; translate prompts/outage/en-US.po.", as_json)
    document = twiml.outage(twiml.Wording(found.public_url, catalogues), line, words)
    if out is None:
        show({"outcome": "done", "document": document}, True) if as_json else click.echo(document)
        return
    try:
        out.write_text(document + "\n", "utf-8")
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{out} cannot be written: {error.strerror}.", as_json)
    show({"outcome": "done", "file": str(out), "line": line.number, "locale": line.locale}, as_json)


@twilio.command("collect-wishes")
@click.option("--since", type=click.DateTime(), help="When the outage began, UTC; else seven days ago.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_obj
def collect_wishes(http: HttpClient | None, since: datetime | None, as_json: bool) -> None:
    """Note the call-backs that the document for an outage promised. It can be run again at any time.

    Twilio tells of a call a quarter of an hour after its end, and for thirty days.
    """
    from ivr.missed import Became, collect
    from webhooks.cli.database import opened

    place, now = place_of(http), datetime.now(UTC)
    lines = [line for line in place.lines.all if line.outage_url]
    if not lines:
        refuse("NO_OUTAGE_DOCUMENT", "No line has an outage_url in the file of lines.", as_json)
    began = since.replace(tzinfo=UTC) if since else now - timedelta(days=7)
    with plainly(place.settings, as_json):
        readings = [(line, _read(place, line, began, now)) for line in lines]
    missed, withheld = _missed(place.settings, readings, as_json)
    with opened(place.settings, as_json=as_json) as database, database.begin() as connection:
        became = collect(connection, missed)
    told = {
        "outcome": "done",
        "calls": sum(reading.looked_at for _, reading in readings),
        "answered_by_the_document": sum(len(reading.answered) for _, reading in readings),
        "callers_noted": became[Became.NOTED],
        "callers_already_noted": became[Became.ALREADY],
        "callers_who_came_through": became[Became.CAME_THROUGH],
        "withheld": withheld,
        "too_early": sum(reading.too_early for _, reading in readings),
    }
    show(told, as_json)
    if told["too_early"] and not as_json:
        click.echo("\nOf some calls Twilio tells a quarter of an hour after their end: run it again then.")


def _read(place: Place, line: Line, began: datetime, now: datetime) -> Reading:
    from webhooks import twilio_outage

    return twilio_outage.read(place.rest, line.number, str(line.outage_url), began, now)


def _missed(settings: Settings, readings: list[tuple[Line, Reading]], as_json: bool) -> tuple[list[Missed], int]:
    """The calls by callers who can be called back, and how many others there were."""
    from ivr.callers import recognise
    from ivr.missed import Missed
    from webhooks.cli.database import secrets_of

    held = secrets_of(settings, as_json=as_json)
    missed, withheld = [], 0
    for line, reading in readings:
        for call in reading.answered:
            caller = recognise(
                call.caller, line.country, pepper=held.pepper, number_key=held.number_key, before=held.peppers_before
            )
            if caller is None:
                withheld += 1
            else:
                missed.append(Missed(call.sid, line, caller, call.at))
    return missed, withheld
