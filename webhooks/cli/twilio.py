"""`touchtone twilio`: whether the account at Twilio is as our lines need it, and the command that makes it so.

Rule: no secret is printed, not even one that stands in an address at Twilio; and nothing is changed but what is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from twilio.http import HttpClient
    from twilio.rest import Client

    from ivr.lines import Lines
    from webhooks.settings import Settings
    from webhooks.twilio_account import Change
    from webhooks.twilio_client import TwilioError
    from webhooks.twilio_findings import Finding

BY_CONNECT = "`touchtone twilio connect` sets it."
FIXES = {
    "PUBLIC_URL_UNREACHABLE": "Twilio cannot reach this address; set TOUCHTONE_PUBLIC_URL to the one it can.",
    "PUBLIC_URL_NOT_HTTPS": "Everything keyed and texted goes over the net in the clear; put TLS in front of the line.",
    "AUTH_TOKEN_REFUSED": "With a wrong TWILIO_AUTH_TOKEN the line refuses all calls; copy the token from the Console.",
    "ACCOUNT_NOT_ACTIVE": "Calls and texts do not arrive; see the Console why, and have the account activated.",
    "ACCOUNT_ON_TRIAL": "Texts reach verified numbers only and begin with Twilio's notice; upgrade the account.",
    "NUMBER_NOT_OWNED": "The account has no such number; buy it, or correct the file of lines.",
    "NO_VOICE": "This number takes no calls; choose another.",
    "RECEIVES_FAX": "The number is set to receive faxes; set it to voice in the Console.",
    "VOICE_ELSEWHERE": "A SIP trunk or TwiML App answers this number before its Voice URL; detach it in the Console.",
    "NO_TEXTS": "This number takes no texts; choose a sender that does, or tell callers another number to text.",
    "TEXTS_ELSEWHERE": "A TwiML App takes this number's texts before its Messaging URL; detach it in the Console.",
    "SERVICE_NOT_FOUND": "The account has no such Messaging Service; correct text_sender in the file of lines.",
    "SENDER_POOL_EMPTY": "The service has nothing to send from; add a number that takes texts to its sender pool.",
    "SERVICE_STATUS_CALLBACK": "Not used: every text of ours names its own; leave it, or take it away in the Console.",
    "SMART_ENCODING": "Twilio may put other signs for some of ours; harmless to digits, off is truer to the words.",
    "SHORT_VALIDITY": "A text that waits longer in Twilio's queue is dropped; give the service a longer validity.",
    "NOT_REGISTERED": "Texts from US local numbers fail until you register a brand and campaign (A2P 10DLC).",
}
"""What a person does about a finding that no command mends, by its code."""

NO_SDK = {
    "npm_missing": "npm is needed to fetch {package}, and is not there; nothing else here needs it.",
    "npm_failed": "npm could not fetch {package}; `npm pack {package}` says why.",
    "not_as_pinned": "What npm gave for {package} is not what this program was made for, so it was not kept.",
}
"""Why the library of the browser telephone was not fetched."""

TROUBLES = {
    "CREDENTIALS_REFUSED": "Twilio refuses the credentials: {who} must belong to TWILIO_ACCOUNT_SID, the account"
    " must be active, and a restricted key must be allowed phone numbers and messaging (docs/twilio.md).",
    "ACCOUNT_NOT_ACTIVE": "The account at Twilio is not active; see its Console.",
    "NOT_PERMITTED": "Twilio does not permit this to {who}; docs/twilio.md lists what a restricted key needs.",
    "NOT_FOUND": "Twilio knows no such account or resource; is TWILIO_ACCOUNT_SID right?",
    "TOO_MANY_REQUESTS": "Twilio asks for fewer requests just now; run the command again in a minute.",
    "REQUEST_REFUSED": "Twilio refused the request (HTTP {status}): www.twilio.com/docs/api/errors/{error}",
    "TWILIO_FAILED": "Twilio could not answer (HTTP {status}); run the command again later.",
    "UNREACHABLE": "Twilio cannot be reached from here; check the network, a proxy, a firewall.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What both commands work with: settings, lines, the client that reads and changes, and whose token is whose."""

    settings: Settings
    lines: Lines
    rest: Client
    owners: tuple[Client, ...]

    def findings(self) -> tuple[Finding, ...]:
        """Read the account and compare."""
        from webhooks import twilio_account, twilio_findings

        account = twilio_account.read(self.lines, self.settings.account_sid, self.rest, self.owners)
        sends = bool(self.settings.api_key)
        return twilio_findings.differences(account, self.lines, self.settings.public_url, sends=sends)


@click.group()
def twilio() -> None:
    """Check the account at Twilio, and set its webhooks for our lines."""


@twilio.command()
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_obj
def check(http: HttpClient | None, as_json: bool) -> None:
    """Say what is not as it should be, and how it is mended. Nothing is changed. Exit status 1 if anything is wrong."""
    place = place_of(http)
    with plainly(place.settings, as_json):
        findings = place.findings()
    wrong = any(finding.grave for finding in findings)
    if as_json:
        show({"outcome": "wrong" if wrong else "ready", "findings": [_told(finding) for finding in findings]}, True)
    else:
        _print(place.lines, findings)
        click.echo("\nSomething is wrong." if wrong else "\nReady: calls and texts reach the line.")
    if wrong:
        raise click.exceptions.Exit(1)


@twilio.command()
@click.option("--dry-run", is_flag=True, help="Print the changes without making them.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_obj
def connect(http: HttpClient | None, dry_run: bool, as_json: bool) -> None:
    """Set at Twilio what `check` says it sets, and no other field. It asks nothing and can be run again at any time.

    Where the settings name no API key, it makes one for texts, calls and the desk's browsers, and adds it to them.

    Exit status 1 if something wrong is left that only you can mend.
    """
    from webhooks import twilio_key
    from webhooks.twilio_account import Kind, make
    from webhooks.twilio_findings import changes, is_reachable

    place = place_of(http)
    if not is_reachable(place.settings.public_url):
        refuse("PUBLIC_URL_UNREACHABLE", f"{place.settings.public_url}: {FIXES['PUBLIC_URL_UNREACHABLE']}", as_json)
    made: list[dict[str, Any]] = []
    with plainly(place.settings, as_json, made):
        found = place.findings()
        wanted = changes(found)
        for change in wanted:
            if change.kind is Kind.KEY and not dry_run:
                twilio_key.make(place.owners[0], place.settings.settings_file)
                place = place_of(http)  # from here on by the key
            elif not dry_run:
                make(place.rest, change)
            made += _show_change(change, as_json)
        left = place.findings() if wanted and not dry_run else found
    left = tuple(finding for finding in left if finding.mend is None or not dry_run)
    wrong = any(finding.grave for finding in left)
    outcome = "incomplete" if wrong else _outcome(bool(made), dry_run)
    if as_json:
        show({"outcome": outcome, "changes": made, "left": [_told(finding) for finding in left]}, True)
    else:
        _conclude(outcome, left, bool(made), dry_run)
    if wrong:
        raise click.exceptions.Exit(1)


def _outcome(changed: bool, dry_run: bool) -> str:
    if not changed:
        return "unchanged"
    return "would change" if dry_run else "connected"


def _conclude(outcome: str, left: tuple[Finding, ...], changed: bool, dry_run: bool) -> None:
    if not changed:
        click.echo("Nothing to change.")
    elif dry_run:
        click.echo("Nothing was changed: this was a dry run.")
    if left:
        click.echo("\nLeft for you:")
        for finding in left:
            click.echo(f"  {_sentence(finding)}")
    if outcome == "connected":
        click.echo("Connected.")


def place_of(http: HttpClient | None) -> Place:
    """Settings and lines, and the clients: by the API key where there is one; by the auth tokens for the account."""
    from webhooks import settings
    from webhooks.lines_file import read_catalogues, read_lines
    from webhooks.twilio_client import client

    found = settings.load()
    lines = read_lines(found.lines_file, read_catalogues())
    sid = found.account_sid
    owners = tuple(client(sid, sid, token, http=http) for token in found.auth_tokens)
    rest = client(sid, found.api_key, found.api_secret, http=http) if found.api_key else owners[0]
    return Place(found, lines, rest, owners)


@contextmanager
def plainly(settings: Settings, as_json: bool, made: list[dict[str, Any]] | None = None) -> Iterator[None]:
    """End the command with one sentence where Twilio does not do its part; `made` is what was changed before."""
    from webhooks.twilio_client import TwilioError

    try:
        yield
    except TwilioError as error:
        sentence = _why(error, "TWILIO_API_KEY" if settings.api_key else "TWILIO_AUTH_TOKEN")
        if made and as_json:
            click.echo(json.dumps({"outcome": str(error.trouble), "reason": sentence, "changes": made}))
            raise click.exceptions.Exit(1) from None
        refuse(str(error.trouble), sentence, as_json)


def _why(error: TwilioError, who: str) -> str:
    return TROUBLES[error.trouble].format(who=who, status=error.status or "none", error=error.error)


def _print(lines: Lines, findings: tuple[Finding, ...]) -> None:
    """Every finding under its line, what concerns all first; a line with none is said to be right."""
    for finding in findings:
        if finding.line is None:
            click.echo(_sentence(finding))
    for line in lines.all:
        click.echo(f"{line.number} {line.name}")
        for finding in (own := [finding for finding in findings if finding.line == line.number]):
            click.echo(f"  {_sentence(finding)}")
        if not own:
            click.echo("  as it should be")


def _sentence(finding: Finding) -> str:
    subject = "" if finding.of == finding.line else f" of {finding.of}"
    wanted = "" if finding.wanted is None else f", should be {finding.wanted}"
    gravity = "wrong  " if finding.grave else "warning"
    return f"{gravity} {finding.code}{subject}: is {shown(finding.found) or 'not there'}{wanted}. {_fix(finding)}"


def _fix(finding: Finding) -> str:
    return BY_CONNECT if finding.mend is not None else FIXES[finding.code]


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "code": str(finding.code),
        "line": finding.line,
        "of": finding.of,
        "found": shown(finding.found),
        "wanted": finding.wanted,
        "gravity": "wrong" if finding.grave else "warning",
        "mended_by": "connect" if finding.mend is not None else "you",
        "fix": _fix(finding),
    }


@twilio.command("voice-sdk")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def voice_sdk(as_json: bool) -> None:
    """Fetch from npm what makes a browser at the desk a telephone: one version, checked against its known sum."""
    from webhooks import settings, voice_sdk

    found = settings.load()
    try:
        place = voice_sdk.fetch(found.data_dir)
    except voice_sdk.VoiceSdkError as error:
        said = NO_SDK[error.cause].format(package=f"{voice_sdk.PACKAGE}@{voice_sdk.VERSION}")
        refuse(error.cause.upper(), said, as_json)
    show({"outcome": "done", "version": voice_sdk.VERSION, "file": str(place)}, as_json)
    if not as_json:
        click.echo("Start the desk anew." if found.api_key else "It is used once TWILIO_API_KEY is set.")


def _show_change(change: Change, as_json: bool) -> Iterable[dict[str, Any]]:
    """One change, a line for each field; as JSON it is only given back."""
    told = [
        {"kind": str(change.kind), "of": change.of, "field": name, "from": shown(found), "to": wanted}
        for name, found, wanted in change.fields
    ]
    for each in told if not as_json else ():
        click.echo(f"{each['of']} {each['field']}: {each['from'] or 'nothing'} -> {each['to']}")
    return told


def shown(value: str | None) -> str | None:
    """A value found at Twilio as it may be printed: of an address, neither password nor query, which may be a secret.

    >>> shown("https://me:secret@old.example/voice?token=1"), shown("POST")
    ('https://...@old.example/voice?...', 'POST')
    """
    if value is None or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "..."
    user, at, host = parts.netloc.rpartition("@")
    hidden = parts._replace(netloc=f"...@{host}" if user or at else host, query="..." if parts.query else "")
    return hidden.geturl()
