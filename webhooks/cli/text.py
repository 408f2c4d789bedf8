"""`touchtone text`: text the line with the rehearsal telephone, and read what it answers.

Rule: with bodies they are sent one after another, without one it is you at the keyboard; exit status 0 means that a
whole confirmation ID came.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import show

if TYPE_CHECKING:
    from webhooks.rehearsal.carrier import Text
    from webhooks.rehearsal.texting import Inbox, Sent, TextLine

PROMPT = "text> "
MORE_WITH_TWICE = 1.0
"""Seconds to wait after an answer where each text is brought twice: a second answer would be a fault, and must show."""
REAL = (
    "This line sends its texts by Twilio (TWILIO_API_KEY is set), so an answer would go to a real telephone: "
    "text the line from one."
)
NO_SENDER = "The line {} takes no texts: {} names no text_sender for it."


@dataclass
class _Conversation:
    """One telephone's side of it: what it sends, and all that came and went."""

    line: TextLine
    inbox: Inbox
    number: str
    to: str
    wait: float
    twice: bool
    quiet: bool
    sent: list[Sent] = field(default_factory=list)
    received: list[Text] = field(default_factory=list)

    def say(self, body: str) -> None:
        """Send one text, and print what comes back."""
        from webhooks.rehearsal import texting

        text = texting.written(body)
        self._print("you", text)
        text = replace(text, trouble=texting.send(self.line, text, number=self.number, to=self.to, twice=self.twice))
        self.sent.append(text)
        if text.trouble is not None:
            fault = f"{int(text.trouble.fault)} {text.trouble.url} {text.trouble.fact}".strip()
            self._note(f"the line did not take it: {fault}")
            return
        came = self.inbox.wait(self.wait, MORE_WITH_TWICE if self.twice else 0.2)
        self._take(came)
        if not came:
            self._note("nothing came back")

    def look(self) -> None:
        """Print what has come of itself, a call's text perhaps."""
        came = self.inbox.come()
        self._take(came)
        if not came:
            self._note("nothing new")

    def _take(self, came: list[Text]) -> None:
        self.received += came
        for text in came:
            self._print("line", text)

    def _print(self, who: str, text: Sent | Text) -> None:
        if not self.quiet:
            click.echo(as_printed(who, _told_text(text)))

    def _note(self, words: str) -> None:
        if not self.quiet:
            click.echo(f"          ({words})")


def as_printed(who: str, text: dict[str, Any]) -> str:
    """One text as it is printed: time, side, body, and what it is billed as; `text` as in the JSON."""
    at = datetime.fromisoformat(text["at"]).astimezone().strftime("%H:%M:%S")
    count = text["segments"]
    beside = "\n" + " " * 16
    body = text["body"].replace("\n", beside)
    apart = beside if beside in body else "  "
    return f"{at}  {who + ':':<5} {body}{apart}({count} segment{'' if count == 1 else 's'}, {text['encoding']})"


@click.command(name="text")
@click.argument("bodies", nargs=-1, metavar="[BODY]...")
@click.option("--line", "line_number", help="The number that is texted [default: the first line's that takes texts].")
@click.option("--from", "number", default="+14155550123", show_default=True, help="The number that texts.")
@click.option("--wait", type=click.FloatRange(0, 600), default=5.0, show_default=True, help="Seconds for an answer.")
@click.option("--deliver-twice", is_flag=True, help="Bring every text twice, under the same id.")
@click.option("--url", metavar="BASE", help="The address really reached [default: where the line listens].")
@click.option("--public-url", metavar="BASE", help="The address that is signed [default: the line's public URL].")
@click.option("--auth-token", metavar="TOKEN", help="The token that signs [default: the line's].")
@click.option("--json", "as_json", is_flag=True, help="Print what was sent and what came as JSON, and nothing else.")
def text(as_json: bool, bodies: tuple[str, ...], **options: Any) -> None:
    r"""Text the line: each BODY in turn, and what comes back after it.

    Without a BODY you type: Enter sends, a line that ends in \ goes on, an empty line looks for news, Ctrl-D ends.
    """
    talk = _opened(options, quiet=as_json)
    for body in bodies:
        talk.say(body)
    if not bodies:
        _type(talk)
    answer = _told(talk)
    if as_json:
        show(answer, as_json)
    elif answer["confirmation_id"]:
        click.echo()
        show({name: answer[name] for name in ("outcome", "confirmation_id")})
    sys.exit(0 if answer["confirmation_id"] else 1)


def _opened(options: dict[str, Any], *, quiet: bool) -> _Conversation:
    from webhooks.lines_file import read_catalogues, read_lines
    from webhooks.rehearsal.fetching import Address
    from webhooks.rehearsal.texting import Inbox, TextLine
    from webhooks.settings import load

    settings = load()
    if settings.api_key:
        raise click.UsageError(REAL)
    number, to = options["number"], options["line_number"]
    if not to or not options["url"]:
        lines = read_lines(settings.lines_file, read_catalogues())
        to = to or next((line.number for line in lines.all if line.text_sender is not None), lines.all[0].number)
        if not options["url"] and lines.texted(to, "") is None:
            raise click.UsageError(NO_SENDER.format(to, settings.lines_file))
    line = TextLine(
        Address(options["url"] or settings.own_url, options["public_url"] or options["url"] or settings.public_url),
        settings.account_sid,
        settings.rehearsed_texts,
        options["auth_token"] or settings.auth_tokens[0],
    )
    inbox = Inbox(line.arrivals, number)
    return _Conversation(line, inbox, number, to, options["wait"], options["deliver_twice"], quiet)


def _type(talk: _Conversation) -> None:
    """The keyboard: until the end of the input."""
    while True:
        click.echo(PROMPT, nl=False, err=True)
        body = ""
        while (typed := sys.stdin.readline()).endswith("\\\n"):
            body += typed[:-2] + "\n"
        body += typed.rstrip("\n")
        if body:
            talk.say(body)
        elif typed:
            talk.look()
        if not typed:
            return


def _told_text(text: Sent | Text) -> dict[str, Any]:
    return {"at": text.at, "body": text.body, "segments": text.num_segments, "encoding": text.encoding}


def _told(talk: _Conversation) -> dict[str, Any]:
    """The conversation in the words of the command line: what `--json` prints."""
    from webhooks.rehearsal import texting

    answer: dict[str, Any] = {
        "outcome": "answered" if talk.received else "silent",
        "confirmation_id": None,
        "blocks": {},
        "case_number": None,
        "sent": [_told_text(text) for text in talk.sent],
        "received": [_told_text(text) for text in talk.received],
        "troubles": [f"{int(text.trouble.fault)} {text.trouble.url}" for text in talk.sent if text.trouble],
    }
    for text in talk.received:
        found = texting.blocks(text.body)
        whole = texting.confirmation_id(found)
        if whole is not None:
            answer |= {"outcome": "activated", "confirmation_id": whole, "blocks": found}
        answer["case_number"] = texting.case_number(text.body) or answer["case_number"]
    return answer
