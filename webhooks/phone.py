"""The rehearsal telephone as a web page, with a pretend offline machine beside it. No route exists where it is off.

Rule: nobody comes in without the printed token, and nothing is changed but by the page itself: the token's cookie is
never sent from another site, and a request that changes anything must carry a header that no other site can send.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, jsonify, request

from ivr.lines import Lines
from keys.confirmation_id import InvalidConfirmationID
from webhooks import phone_page
from webhooks.page_texts import choose, languages, later, read_in
from webhooks.page_texts import gettext as _
from webhooks.phone_calls import LiveCall, Switchboard, Wish, read_link
from webhooks.phone_forms import Block, Blocks, Dial, Keys, WrittenText, read
from webhooks.phone_machines import Machine, Machines
from webhooks.phone_texts import PhoneTexts, told
from webhooks.phone_words import note, size, summary, wrong_blocks
from webhooks.rehearsal.carrier import Text
from webhooks.rehearsal.texting import Sent
from webhooks.row_numbers import row_number

COOKIE = "touchtone_phone"
HEADER = "X-Touchtone-Phone"
LANGUAGE_COOKIE = "touchtone_phone_language"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LOCKED = later("This telephone opens with the whole address that `touchtone phone` prints.")


@dataclass(frozen=True, slots=True)
class Phone:
    """What the page works with. `machines` is None where there is nothing to install, `texts` where Twilio has them."""

    public_url: str
    lines: Lines
    switchboard: Switchboard
    machines: Machines | None
    token: str = field(repr=False)
    texts: PhoneTexts | None = None


phone = Blueprint("phone", __name__, url_prefix="/phone")


def _here() -> Phone:
    found: Phone = current_app.extensions["phone"]
    return found


@phone.before_request
def guard() -> Response | None:
    """403 without the token; 403 for a change that the page did not ask for."""
    read_in(choose("phone", request.cookies.get(LANGUAGE_COOKIE), request.accept_languages))
    given = request.cookies.get(COOKIE, "")
    if request.endpoint == "phone.page":
        given = request.args.get("token", given)
    known = hmac.compare_digest(given.encode(), _here().token.encode())
    if known and (request.method != "POST" or request.headers.get(HEADER) == "1"):
        return None
    return Response(f"{_(LOCKED)}\n", status=403, content_type="text/plain; charset=utf-8")


@phone.after_request
def close_off(response: Response) -> Response:
    """No other site's script, frame, cache or log gets anything from here."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@phone.teardown_request
def forget_language(_error: BaseException | None) -> None:
    """Whatever this thread does next is not for whoever has just been answered."""
    read_in(None)


@phone.get("")
def page() -> Response:
    """The page; what its address says once, the token and the language chosen on it, the cookies say from then on."""
    chosen = request.args.get("language", "")
    if chosen in languages("phone"):
        read_in(languages("phone")[chosen])
    response = Response(phone_page.page(), content_type="text/html; charset=utf-8")
    if "token" in request.args:
        _keep(response, COOKIE, _here().token)
    if chosen in languages("phone"):
        _keep(response, LANGUAGE_COOKIE, chosen)
    return response


def _keep(response: Response, cookie: str, value: str) -> None:
    outside = urlsplit(_here().public_url)
    response.set_cookie(
        cookie,
        value,
        max_age=30 * 24 * 60 * 60,
        path=f"{outside.path}/phone",
        secure=outside.scheme == "https",
        httponly=True,
        samesite="Strict",
    )


@phone.get("/page/<name>")
def part(name: str) -> Response:
    """A stylesheet or a script of the page."""
    found = phone_page.part(name)
    if found is None:
        abort(404)
    return Response(found[0], content_type=found[1])


@phone.get("/lines")
def lines() -> Response:
    """The lines that can be dialled, in which language each speaks, and whether it takes texts and they come here."""
    every = [
        {"number": line.number, "name": line.name, "locale": line.locale, "texts": line.text_sender is not None}
        for line in _here().lines.all
    ]
    return jsonify(lines=every, texts=_here().texts is not None)


@phone.post("/calls")
def dial() -> tuple[Response, int]:
    """Dial. 409 where too many calls are under way."""
    asked = read(Dial)
    linked = ("", 0.0, "") if asked.link is None else read_link(asked.link)
    if linked is None:
        abort(400)
    number, after, keys = linked
    call = _here().switchboard.dial(
        Wish(number or asked.line, asked.caller, keys, after, asked.twice, asked.turn_delay, asked.drop_after)
    )
    if call is None:
        return jsonify(reason=_("All rehearsal telephones are in use; hang one up, or wait a minute.")), 409
    return jsonify(id=call.id), 201


@phone.get("/calls/<name>")
def listen(name: str) -> Response:
    """What was said and done since entry number `after`; asked a few times a second, and answered at once."""
    call = _call(name)
    call.keypad.hold()
    after = request.args.get("after", 0, type=row_number)
    over = call.over  # looked at first: what comes before the end is then in the entries
    fresh = [
        {"at": round(entry.at, 2), "who": str(entry.side), "words": note(entry.words), "note": note(entry.note)}
        for entry in call.entries[max(after, 0) :]
    ]
    ended = _ended(call) if over else None
    clock = call.record.seconds if call.record else call.keypad.clock
    return jsonify(entries=fresh, clock=round(clock, 1), listening=call.listening, over=ended)


@phone.post("/calls/<name>/keys")
def press(name: str) -> tuple[str, int]:
    """Press keys."""
    call, keys = _call(name), read(Keys).keys
    call.keypad.hold()
    call.keypad.press(keys)
    return "", 204


@phone.post("/calls/<name>/hang-up")
def hang_up(name: str) -> tuple[str, int]:
    """Put the telephone down."""
    _call(name).keypad.hang_up()
    return "", 204


@phone.post("/texts")
def text() -> tuple[Response, int]:
    """Text the line. 409 where too many texts are under way."""
    asked = read(WrittenText)
    sent = _texts().send(asked.line, asked.caller, asked.body, twice=asked.twice)
    if sent is None:
        return jsonify(reason=_("The line does not answer; wait a moment.")), 409
    return jsonify(_shown(sent)), 202


@phone.get("/texts")
def read_texts() -> Response:
    """The texts to `caller` behind the place `after`, and what is known of those whose ids are in `of`."""
    # A place in a list, and no row's number: one before the first means from the first on.
    came, place = _texts().come(request.args.get("caller", ""), request.args.get("after", type=int))
    fates = _texts().fates(tuple(request.args.getlist("of")))
    return jsonify(texts=[_shown(one) for one in came], next=place, fates=fates)


@phone.post("/machines")
def make_machine() -> tuple[Response, int]:
    """A fresh pretend machine. 409 where nobody has said what it installs."""
    if _here().machines is None:
        return jsonify(reason="no_product"), 409
    made = _machines().make()
    return jsonify(_machines().shown(made)), 201


@phone.get("/machines/<name>")
def show_machine(name: str) -> Response:
    """What its screen shows."""
    return jsonify(_machines().shown(_machine(name)))


@phone.get("/machines/<name>/<kind>.svg")
def picture(name: str, kind: str) -> Response:
    """The QR code that calls or texts the line."""
    drawn = _machines().picture(_machine(name), kind) if kind in {"call", "text"} else None
    if drawn is None:
        abort(404)
    return Response(drawn, content_type="image/svg+xml")


@phone.post("/machines/<name>/block")
def check(name: str) -> Response:
    """What is wrong with one block by itself; an empty list where it is sound."""
    _machine(name)
    asked = read(Block)
    fault = _machines().block_fault(asked.number, asked.digits)
    return jsonify(faults=_faults(InvalidConfirmationID((fault,))) if fault else [])


@phone.post("/machines/<name>/confirm")
def confirm(name: str) -> tuple[Response, int]:
    """Give the machine its confirmation ID. 422 with every block that is wrong."""
    found = _machine(name)
    try:
        kept = _machines().confirm(found, read(Blocks).blocks)
    except InvalidConfirmationID as error:
        return jsonify(faults=_faults(error)), 422
    return jsonify(_machines().shown(kept)), 200


def _faults(error: InvalidConfirmationID) -> list[dict[str, str | None]]:
    return [{"block": letter, "why": why} for letter, why in wrong_blocks(error)]


def _call(name: str) -> LiveCall:
    found = _here().switchboard.find(name)
    if found is None:
        abort(404)
    return found


def _texts() -> PhoneTexts:
    found = _here().texts
    if found is None:
        abort(404)
    return found


def _machines() -> Machines:
    found = _here().machines
    if found is None:
        abort(404)
    return found


def _machine(name: str) -> Machine:
    found = _machines().find(name)
    if found is None:
        abort(404)
    return found


def _shown(text: Sent | Text) -> dict[str, str | int]:
    """A text, with its size in words."""
    return {**told(text), "size": size(text.num_segments, text.encoding)}


def _ended(call: LiveCall) -> dict[str, Any]:
    """How a call ended, with its figures in words."""
    ended = call.told()
    return {**ended, "summary": summary(ended, twice=call.twice)}
