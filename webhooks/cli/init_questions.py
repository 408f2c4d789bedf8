"""What `touchtone init` has to know, and how it is asked: each question with why it is put, and what an answer may be.

Rule: nothing is asked that was given or stands in a file already, and a wrong answer is put again, never taken.

>>> QUESTIONS["number"].wrong("12345")
'A number is + and 5 to 15 digits, with the code of its country.'
>>> QUESTIONS["number"].wrong("+15550100") is None
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from ivr.hours import MalformedHours, read_hours
from webhooks import setting_values as values
from webhooks.setting_values import SettingError

E164 = re.compile(r"\+[1-9][0-9]{4,14}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
IN_SETTINGS = {
    "public_url": "TOUCHTONE_PUBLIC_URL",
    "account_sid": "TWILIO_ACCOUNT_SID",
    "auth_token": "TWILIO_AUTH_TOKEN",
}
"""What stands in the file of settings, by the name it has there; everything else is a line's."""
REHEARSED = {"public_url": "http://127.0.0.1:8080", "number": "+15005550006", "name": "Activation line"}
"""What a line without an account is called; its account and its token are made up anew each time."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know: its flag, why it is asked, and what is wrong with an answer (None where nothing is).

    `optional`: an empty answer is one as well. `hidden`: what is typed is not shown.
    """

    flag: str
    words: str
    why: str
    wrong: Callable[[str], str | None]
    optional: bool = False
    hidden: bool = False


def _by(check: Callable[[str], object]) -> Callable[[str], str | None]:
    """What a reader of settings says about a value."""

    def wrong(value: str) -> str | None:
        try:
            check(value)
        except SettingError as error:
            return str(error)
        return None

    return wrong


def _number(value: str) -> str | None:
    return None if E164.fullmatch(value) else "A number is + and 5 to 15 digits, with the code of its country."


def _name(value: str) -> str | None:
    return None if value.isprintable() else "A name is of signs that can be spoken."


def _sender(value: str) -> str | None:
    fits = E164.fullmatch(value) or SERVICE.fullmatch(value)
    return None if fits else "Texts come from a number, as +15550100, or from a Messaging Service: MG and 32 digits."


def _hours(value: str) -> str | None:
    try:
        read_hours(value)
    except MalformedHours as error:
        return f"Hours cannot be read at {error.args[0]!r}; write mon-fri 09:00-17:00."
    return None


def _zone(value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "A time zone is a name such as Europe/Berlin."
    return None


QUESTIONS = {
    "account_sid": Question(
        "--account-sid",
        "Account SID",
        "The account at Twilio whose calls are let in: AC..., on the first page of its Console.",
        _by(values.account_sid),
    ),
    "auth_token": Question(
        "--auth-token",
        "Auth token",
        "Its token, beside it. Twilio signs every call with it, and the line believes no other.",
        _by(lambda value: values.tokens(value, "")),
        hidden=True,
    ),
    "public_url": Question(
        "--public-url",
        "Public address",
        "Where Twilio reaches this machine: https, with TLS put in front of the line.",
        _by(lambda value: values.address("TOUCHTONE_PUBLIC_URL", value)),
    ),
    "number": Question("--number", "Telephone number", "The number callers dial, bought at Twilio.", _number),
    "name": Question("--name", "Name", "What callers hear first: your name, and that this activates.", _name),
    "text_sender": Question(
        "--text-sender",
        "Texts come from",
        "A number that can text, or a Messaging Service (MG...). Empty: this line takes and sends no texts.",
        _sender,
        optional=True,
    ),
    "desk_hours": Question(
        "--desk-hours",
        "Desk hours",
        "When people are there for callers who are stuck, as mon-fri 09:00-17:00. Empty: a person means a call-back.",
        _hours,
        optional=True,
    ),
    "time_zone": Question("--time-zone", "Time zone", "Of those hours, as Europe/Berlin. Empty: UTC.", _zone, True),
}
"""In the order in which they are put."""


def missing(given: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """The flags of what is wanted and was not given."""
    return [QUESTIONS[name].flag for name in wanted if not given.get(name) and not QUESTIONS[name].optional]


def ask(given: Mapping[str, str], wanted: Iterable[str]) -> dict[str, str]:
    """What was given, and what is answered about the rest of what is wanted. The end of the input ends the command."""
    answers = dict(given)
    for name in wanted:
        if name in answers or (name == "time_zone" and not answers.get("desk_hours")):
            continue
        question = QUESTIONS[name]
        click.echo(f"\n{question.why}")
        answers[name] = _answer(question)
    return answers


def _answer(question: Question) -> str:
    default = "" if question.optional else None
    while True:
        typed = click.prompt(question.words, default=default, show_default=False, hide_input=question.hidden)
        answer = str(typed).strip()
        why_not = None if question.optional and not answer else question.wrong(answer)
        if why_not is None and (answer or question.optional):
            return answer
        click.echo(why_not or "Nothing was typed.")
