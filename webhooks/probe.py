"""The routes of a probe: the line's leg of its one call, turn by turn, and the telephone that presses the keys.

Rule: they are there only while a probe runs, for its word, and like every door of the provider's only for a signed
form. They touch no case, no key, and no database.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from webhooks import probe_file
from webhooks.door import exchange, guard
from webhooks.line_flask import Document
from webhooks.probe_file import Probe
from webhooks.probe_steps import LAST, STEPS

probe = Blueprint("probe", __name__, url_prefix="/voice/probe")
probe.before_request(guard)

_END = "<Response><Hangup /></Response>"


def opening() -> Response | None:
    """The first document, if this new call is a probe's; None for every other call."""
    here = exchange()
    running = probe_file.running(here.probe_file)
    if running is None or request.form.get("From") != running.calling or request.form.get("To") != running.line:
        return None
    return _turn(running, 0)


@probe.post("/<word>/turn/<int:place>")
def turn(word: str, place: int) -> Response:
    """The line's leg: what a gather brought is noted, and the next one begins."""
    return _turn(_running(word), place)


@probe.post("/<word>/keys")
def keys(word: str) -> Response:
    """The telephone that calls: presses what the gather that is open asks for, once, and waits a second else."""
    here = exchange()
    running = _running(word)
    file = here.probe_file
    assert file is not None
    record = probe_file.noted(file)
    place = max((int(str(each["place"])) for each in record if each["leg"] == "line"), default=-1)
    again = f"<Redirect>{_address(running)}/keys</Redirect>"
    if place >= LAST:
        return Document(_END)
    wanted = STEPS[place].press if place >= 0 else ""
    if not wanted or any(each["leg"] == "keys" and each["place"] == place for each in record):
        return Document(f'<Response><Pause length="1" />{again}</Response>')
    probe_file.note(file, leg="keys", place=place, at=_now())
    return Document(f'<Response><Play digits="{wanted}" />{again}</Response>')


def _running(word: str) -> Probe:
    """The probe of this word; 404 where it does not run."""
    running = probe_file.running(exchange().probe_file)
    if running is None or word != running.word:
        abort(404)
    return running


def _turn(running: Probe, place: int) -> Response:
    file = exchange().probe_file
    assert file is not None
    form = request.form
    finished = form.get("FinishedOnKey")
    probe_file.note(file, leg="line", place=place, at=_now(), keys=form.get("Digits", ""), finished=finished)
    if place >= LAST:
        return Document(_END)
    step = STEPS[place]
    most = "" if step.digits is None else f' numDigits="{step.digits}"'
    nested = f'<Pause length="{step.pause}" />' if step.pause else ""
    action = f"{_address(running)}/turn/{place + 1}"
    return Document(
        f'<Response><Gather action="{action}" actionOnEmptyResult="true" finishOnKey="{step.finish}"{most}'
        f' timeout="{step.timeout}">{nested}</Gather></Response>'
    )


def _address(running: Probe) -> str:
    return f"{exchange().wording.public_url}/voice/probe/{running.word}"


def _now() -> float:
    return exchange().now().timestamp()
