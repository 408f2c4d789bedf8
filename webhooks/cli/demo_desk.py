"""The demo's part at the desk: a caller who gets stuck, and an operator who helps, each by the doors they would use.

Rule: the operator here is a browser without eyes. It reads the desk's pages and sends the desk's forms, over HTTP, and
knows nothing that the pages do not show.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import requests

from keys.formats import FORMATS
from keys.groups import check_groups
from webhooks.rehearsal.scripted import ScriptedCaller

if TYPE_CHECKING:
    from webhooks.rehearsal.dialling import CallRecord

NAME, COLLEAGUE = "demo", "colleague"
GRANT_LIMITS = {NAME: 20, COLLEAGUE: 500}
"""What each may grant alone: little enough that a second person is soon needed."""
PATIENCE = 20.0
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_WAITING = re.compile(r'name="handoff" value="(\d+)"')
_NUMBER = re.compile(r'aria-label="Claim case (\d+)"')
_CHECK = re.compile(r'id="check-(\d)" class="check (\w+)"')


class DeskFailedError(click.ClickException):
    """The desk did not do what the demo shows, which then ends; its text says what."""


@dataclass
class Stuck(ScriptedCaller):
    """A caller who reads one group wrong off the screen, in two places, however often it is asked for."""

    stuck_at: int = 4

    def _keyed(self, group: int) -> str:
        return misread(self.groups, group) if group == self.stuck_at else super()._keyed(group)


def misread(groups: tuple[str, ...], group: int) -> str:
    """A group with its second and fourth digit wrong, such that its check digit tells.

    >>> groups = ("300217", "156230", "143814", "105201", "518906", "275657")
    >>> misread(groups, 4)
    '115301'
    """
    digits, layout = groups[group - 1], FORMATS[int(groups[0][0])]
    for change in range(1, 10):
        second, fourth = ((int(digits[place]) + change) % 10 for place in (1, 3))
        read = f"{digits[0]}{second}{digits[2]}{fourth}{digits[4:]}"
        if check_groups(layout, (*groups[: group - 1], read, *groups[group:])):
            return read
    raise AssertionError(digits)


@dataclass
class Operator:
    """Somebody at the desk of `url`."""

    url: str
    say: Callable[[str], None]
    _browser: requests.Session = field(default_factory=requests.Session)
    _token: str = ""

    def log_in(self, name: str, password: str) -> None:
        """By the form."""
        self._token = _found(_TOKEN, self._get("/desk/login"))
        self._post("/desk/login", name=name, password=password)
        self._token = _found(_TOKEN, self._get("/desk/queue"))
        self.say(f"{name} logs in")

    def take(self) -> int:
        """Wait until somebody is in the queue, and claim whoever came last; which stay in the queue it is."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            board = self._get("/desk/queue/board")
            if waiting := _WAITING.findall(board):
                self._post(f"/desk/cases/{waiting[-1]}/claim")
                self.say(f"claims case {_NUMBER.findall(board)[-1]}, and sees every group with its check:")
                return int(waiting[-1])
            time.sleep(0.1)
        raise DeskFailedError("nobody came into the queue")

    def look(self, handoff: int) -> None:
        """Say what the page shows of the digits."""
        checks = _CHECK.findall(self._get(f"/desk/cases/{handoff}"))
        self.say("  " + ", ".join(f"group {number} {check.replace('_', ' ')}" for number, check in checks))

    def correct(self, handoff: int, number: int, digits: str) -> None:
        """Put a group right that somebody has read to them."""
        self._post(f"/desk/cases/{handoff}/groups", **{f"group-{number}": digits}, **self._others(handoff, number))
        self.say(f"keys group {number} as it stands on the screen: {digits}")

    def hand_back(self, handoff: int) -> None:
        """Let the line go on with the caller."""
        self._post(f"/desk/cases/{handoff}/back", reason="group 4 was read wrong")
        self.say("hands the call back to the line")

    def log_out(self) -> None:
        """By the button."""
        self._post("/desk/logout")

    def _others(self, handoff: int, number: int) -> dict[str, str]:
        fields = re.findall(r'name="(group-\d)" class="digits" value="(\d*)"', self._get(f"/desk/cases/{handoff}"))
        return {name: value for name, value in fields if name != f"group-{number}"}

    def _get(self, path: str) -> str:
        answer = self._browser.get(self.url + path, timeout=10)
        if not answer.ok:
            raise DeskFailedError(f"{path} answered {answer.status_code}")
        return answer.text

    def _post(self, path: str, **fields: str) -> None:
        answer = self._browser.post(self.url + path, data={"csrf": self._token, **fields}, timeout=10)
        if not answer.ok:
            raise DeskFailedError(f"{path} answered {answer.status_code}")


def _found(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    if match is None:
        raise DeskFailedError("the desk's page has no form")
    return match[1]


def password_in(file: Path) -> str:
    """The password in a file that only its owner reads; a new one where there is none."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12) + "\n", "utf-8")
    return file.read_text("utf-8").strip()


def escalate(groups: tuple[str, ...], line_number: str, desk_url: str, password: str) -> dict[str, Any]:
    """One call that needs a person, printed from both sides; what the caller heard. Raises DeskFailedError."""
    from webhooks.cli.call import told

    operator = Operator(desk_url, lambda words: click.secho(f"       desk: {words}", fg="green"))
    operator.log_in(NAME, password)
    records: list[CallRecord] = []
    call = threading.Thread(target=lambda: records.append(_dial(groups, line_number)), name="caller")
    call.start()
    handoff = operator.take()
    operator.look(handoff)
    operator.correct(handoff, 4, groups[3])
    operator.hand_back(handoff)
    call.join(PATIENCE)
    operator.log_out()
    if not records:
        raise DeskFailedError("the call did not end")
    return told(records[0])


def _dial(groups: tuple[str, ...], line_number: str) -> CallRecord:
    from webhooks.cli.call import line_of, print_entry
    from webhooks.rehearsal.dialling import Terms, dial
    from webhooks.rehearsal.scripted import Mood

    line = line_of()
    return dial(
        line.url,
        auth_token=line.auth_token,
        public_url=line.public_url,
        caller_number="+14155550177",
        line_number=line_number,
        caller=Stuck(groups, Mood(express=True)),
        terms=Terms(account_sid=line.account_sid, nap=time.sleep),
        on_line=print_entry,
    )
