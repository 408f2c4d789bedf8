"""`touchtone twilio probe`: one real call, and what Twilio's documents leave open, measured.

Rule: it says what it will cost before it calls, and calls only after a yes.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import as_read, refuse, show
from webhooks.cli.twilio import Place, place_of, plainly
from webhooks.cli.twilio_outage import twilio

if TYPE_CHECKING:
    from twilio.http import HttpClient

    from webhooks.twilio_probe import Price

MEANING = {
    "seconds_until_keys_count": "after the call is answered, to half a second",
    "keys_lost_at_answer": "of keys half a second apart",
    "commas_needed": "in a tel: link, of two seconds each; our codes have two",
    "turn_delay": "seconds a turn takes beyond the gather itself; the rehearsal reckons with 0.8",
    "keys_lost_between_gathers": "at each change of gather, of keys half a second apart; the line reckons with all",
    "finished_on_key_alone": "FinishedOnKey of a lone pound key; - where there is no such field",
    "finished_on_key_behind_digits": "FinishedOnKey of digits and a pound key",
    "finished_on_key_in_silence": "FinishedOnKey where nothing was pressed",
    "finish_key_alone_asks_at_once": "else only when the time is over",
    "pause_delays_the_timer": "a pause in a gather: the line counts on it",
    "key_in_a_pause_counts": "and ends it: the line counts on it",
}
"""What each figure says, beside it in the table."""


@twilio.command()
@click.option("--calling", required=True, metavar="NUMBER", help="A number of the account that is no line: it calls.")
@click.option("--line", "number", help="The line that is called; else the first.")
@click.option("--yes", is_flag=True, help="Call without asking.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else probe-DATE.json in the data folder.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_obj
def probe(
    http: HttpClient | None, calling: str, number: str | None, yes: bool, out: Path | None, as_json: bool
) -> None:
    """Call the line once from another number of the account, press keys, and measure. It takes about one minute.

    The line must be served from this data folder, and connected. Its other callers notice nothing.
    """
    from webhooks import probe_file, twilio_probe

    place = place_of(http)
    line = number or place.lines.all[0].number
    _look(place, line, calling, as_json)
    with plainly(place.settings, as_json):
        costs = twilio_probe.price(place.rest, calling, line)
    _ask(costs, calling, line, yes=yes, as_json=as_json)
    file, began = place.settings.probe_file, datetime.now(UTC)
    try:
        running = probe_file.start(file, calling, line)
    except FileExistsError:
        refuse("PROBE_RUNS", f"Another probe runs, or did till minutes ago ({file}).", as_json)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{file} cannot be written: {error.strerror}.", as_json)
    try:
        with plainly(place.settings, as_json):
            found, status = twilio_probe.call(place.rest, file, running, place.settings.public_url)
    finally:
        probe_file.end(file)
    told = {"at": began.isoformat(timespec="seconds"), "calling": calling, "line": line, **found.told()}
    if found.keys_lost_at_answer is None and found.turn_delay is None:
        why = f"Nothing of the call came to this line (at Twilio it is {status}): is it served, from this data folder?"
        refuse("NOTHING_ARRIVED", why, as_json)
    kept = out or place.settings.data_dir / f"probe-{began:%Y-%m-%dT%H%M}.json"
    try:
        kept.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{kept} cannot be written: {error.strerror}.", as_json)
    _tell({"outcome": "measured", "file": str(kept), **told}, as_json)


def _look(place: Place, line: str, calling: str, as_json: bool) -> None:
    """Refuse before anything is called: both numbers must be the account's, and the line's calls must reach us."""
    from webhooks import twilio_account
    from webhooks.twilio_findings import is_reachable

    if line not in {each.number for each in place.lines.all}:
        refuse("UNKNOWN_LINE", f"The file of lines has no {line}.", as_json)
    if calling in {each.number for each in place.lines.all}:
        refuse("CALLING_IS_A_LINE", f"{calling} is a line itself; name another number of the account.", as_json)
    if not is_reachable(place.settings.public_url):
        refuse("PUBLIC_URL_UNREACHABLE", f"Twilio cannot reach {place.settings.public_url}.", as_json)
    with plainly(place.settings, as_json):
        wrong = [each for each in place.findings() if each.grave and each.line in {None, line}]
        owned = twilio_account.owns(place.rest, calling)
    if wrong:
        refuse("NOT_CONNECTED", "The account is not as the line needs it; see `touchtone twilio check`.", as_json)
    if not owned:
        refuse("NUMBER_NOT_OWNED", f"The account has no {calling}; buy one for the probe, or name another.", as_json)


def _ask(costs: Price | None, calling: str, line: str, *, yes: bool, as_json: bool) -> None:
    at = (
        "at the price that Twilio's list names"
        if costs is None
        else f"together {costs.amount:.4f} {costs.unit} a minute"
    )
    legs = "charged as a call out and a call in"
    said = f"One call from {calling} to {line}: {legs}, {at}, for about one minute, three at most."
    if not as_json:
        click.echo(said)
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        refuse("NOT_CONFIRMED", f"{said} Nothing was called: say --yes.", as_json)
    click.confirm("Call?", abort=True)


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(told, True)
        return
    width = max(map(len, MEANING))
    for name, meaning in MEANING.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {as_read(told[name]):<10} {meaning}")
    click.echo(f"\nWritten to {told['file']}")
