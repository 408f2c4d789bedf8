"""A rehearsal of Twilio's calls and conferences: rings telephones that pick up by themselves, holds and sends on.

The one rule: whoever speaks to it cannot tell it from Twilio's by its answers; but no telephone rings anywhere. Whoever
picks up hears the line's documents as any caller does, and presses 1 only where the words ask for it.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from secrets import token_hex
from urllib.parse import urlsplit

from webhooks.rehearsal.caller import SILENCE, Reaction, Stretch, hanging_up, keying
from webhooks.rehearsal.clock import CallClock, Pace
from webhooks.rehearsal.entries import Routes
from webhooks.rehearsal.fetching import Address, Fetcher
from webhooks.rehearsal.telephone import Telephone
from webhooks.rehearsal.transport import Answer, OverHttp, TooSlowError, Transport
from webhooks.rehearsal.voice_form import CallSide, voice_form
from webhooks.rehearsal.wire import Wire

RING_SECONDS = 3.0
"""Before a telephone is picked up."""
LONGEST = 150.0
"""Seconds that somebody stays on the telephone: longer than an operator waits for a caller, and then talks."""


class Phone(StrEnum):
    """What becomes of a telephone that is rung."""

    ANSWERS = "answers"
    """Somebody picks up and presses 1 when asked to."""
    VOICEMAIL = "voicemail"
    """Something picks up, and presses nothing."""
    NO_ANSWER = "no answer"
    BUSY = "busy"


class Mood(StrEnum):
    """How the next requests are met."""

    WELL = "well"
    REFUSED = "refused"
    TOO_MANY = "too many"
    BROKEN = "broken"
    SILENT = "silent"
    """The telephone rings, but no answer comes to whoever asked for it."""


_ASKED = frozenset({("POST", "Calls"), ("GET", "Conferences"), ("POST", "Conferences", "Participants")})
"""What it answers, of all that Twilio has."""
_CAN_BE_RUNG = ("+", "client:")
"""A telephone, or a browser that takes the calls of an account."""
_REFUSED = {
    Mood.REFUSED: (400, 21211, "The 'To' number is not a valid phone number."),
    Mood.TOO_MANY: (429, 20429, "Too Many Requests"),
}


class Presser:
    """Somebody who does as the words say: 1, where they ask for 1. After `LONGEST` seconds they hang up."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def react(self, stretch: Stretch) -> Reaction:
        """See `Caller`."""
        if stretch.at > LONGEST:
            return hanging_up(stretch)
        asked = stretch.listening and stretch.words.rstrip().endswith("press 1.")
        return keying("1", stretch, self._pace) if asked else SILENCE

    def heard(self, words: str) -> None:
        """See `Caller`."""


class Voicemail:
    """A machine that listens."""

    def react(self, _stretch: Stretch) -> Reaction:
        """See `Caller`."""
        return SILENCE

    def heard(self, words: str) -> None:
        """See `Caller`."""


class RehearsalExchange:
    """Rings telephones for one account; `address` is the line that is asked what to say.

    `phones` says what becomes of a number, else somebody answers. `sleep` lets wall time pass, or moves a test's clock.
    `wire` is what its telephones share with those of callers.
    """

    def __init__(
        self,
        address: Address,
        auth_token: str,
        *,
        transport: Callable[[], Transport] = OverHttp,
        phones: Mapping[str, Phone] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        talk_seconds: float = 20.0,
        mood: Mood = Mood.WELL,
        wire: Wire | None = None,
    ) -> None:
        self.mood = mood
        self.calls: list[Telephone] = []
        self.wire = wire or Wire()
        self._address = address
        self._auth_token = auth_token
        self._transport = transport
        self._phones = {} if phones is None else phones
        self._sleep = sleep
        self._talk_seconds = talk_seconds
        self._ringing: list[threading.Thread] = []

    def request(self, method: str, url: str, fields: Mapping[str, str]) -> Answer:
        """Answer one request as Twilio's REST interface would: `fields` is the form. Raises TooSlowError."""
        path = urlsplit(url).path.removesuffix(".json").split("/")
        asked = (method, *path[4:5], *path[6:7])
        if path[1:3] != ["2010-04-01", "Accounts"] or asked not in _ASKED or len(path) > 8:
            return _refused(404, 20404, "The requested resource was not found")
        if self.mood is Mood.BROKEN:
            return Answer(500, (("content-type", "text/html"),), b"<html>Internal Server Error</html>")
        if self.mood in _REFUSED:
            return _refused(*_REFUSED[self.mood])
        if path[4] == "Conferences":
            return (
                self._listed(path[3], fields) if method == "GET" else self._changed(path[3], path[5], path[7], fields)
            )
        if len(path) == 6:
            return self._redirect(path[3], path[5], fields)
        return self._place(path[3], fields)

    def wait(self) -> None:
        """Return when every telephone has been hung up."""
        while self._ringing:
            self._ringing.pop().join()

    def _place(self, account_sid: str, form: Mapping[str, str]) -> Answer:
        if not form.get("To", "").startswith(_CAN_BE_RUNG) or not form.get("From", "").startswith("+"):
            return _refused(400, 21211, "The 'To' number is not a valid phone number.")
        if not form.get("Url"):
            return _refused(400, 21205, "Url parameter is required.")
        sid = "CA" + token_hex(16)
        side = CallSide(sid, account_sid, form["From"], form["To"], "outbound-api")
        thread = threading.Thread(target=self._ring, args=(side, dict(form)), name=f"rung-{sid}", daemon=True)
        self._ringing = [*(other for other in self._ringing if other.is_alive()), thread]
        thread.start()
        if self.mood is Mood.SILENT:
            raise TooSlowError(0.0)
        return _told(201, _resource(side, "queued"))

    def _redirect(self, account_sid: str, sid: str, form: Mapping[str, str]) -> Answer:
        """Send a live call on, wherever it is; one that goes by a clock of its own goes on by itself."""
        self.wire.send_on(sid, form.get("Url", ""))
        return _told(200, _resource(CallSide(sid, account_sid, "", ""), "in-progress"))

    def _listed(self, account_sid: str, query: Mapping[str, str]) -> Answer:
        """The conferences under way by one name: one, or none."""
        name = query.get("FriendlyName", "")
        sid = self.wire.conference(name)
        about = {"account_sid": account_sid, "friendly_name": name, "sid": sid, "status": "in-progress"}
        return _told(200, {"conferences": [about] if sid else [], "next_page_uri": None, "page": 0, "page_size": 1})

    def _changed(self, account_sid: str, conference: str, call: str, form: Mapping[str, str]) -> Answer:
        """Hold a participant, or change whether their leaving ends the talk."""
        room = self.wire.room(conference)
        if room is None or call not in self.wire.people(room):
            return _refused(404, 20404, "The requested resource was not found")
        if "Hold" in form:
            self.wire.hold(call, on=form["Hold"] == "true")
        if "EndConferenceOnExit" in form:
            self.wire.bind(room, call, ends=form["EndConferenceOnExit"] == "true")
        about = {
            "account_sid": account_sid,
            "call_sid": call,
            "conference_sid": conference,
            "end_conference_on_exit": self.wire.people(room)[call],
            "hold": self.wire.is_held(call),
            "status": "connected",
        }
        return _told(200, about)

    def _ring(self, side: CallSide, form: dict[str, str]) -> None:
        transport = self._transport()
        fetcher = Fetcher(self._address, self._auth_token, transport, side.call_sid)
        told, events = form.get("StatusCallback", ""), form.get("StatusCallbackEvent", "completed").split()
        for event in ("initiated", "ringing"):
            if told and event in events:
                fetcher.notify(told, voice_form(side, event))
        phone = self._phones.get(side.line_number, Phone.ANSWERS)
        if phone is Phone.NO_ANSWER:
            self._sleep(float(form.get("Timeout", "60")))
        elif phone is not Phone.BUSY:
            self._sleep(RING_SECONDS)
            self._answer(side, Routes(form["Url"], form["Url"], told), fetcher, phone)
        if told and phone in {Phone.NO_ANSWER, Phone.BUSY}:
            fetcher.notify(told, voice_form(side, "busy" if phone is Phone.BUSY else "no-answer"))
        if isinstance(transport, OverHttp):
            transport.close()

    def _answer(self, side: CallSide, routes: Routes, fetcher: Fetcher, phone: Phone) -> None:
        pace = Pace()
        telephone = Telephone(
            side=side,
            routes=routes,
            fetcher=fetcher,
            caller=Voicemail() if phone is Phone.VOICEMAIL else Presser(pace),
            clock=CallClock(self._sleep),
            pace=pace,
            talk_seconds=self._talk_seconds,
            wire=self.wire,
        )
        self.calls.append(telephone)
        telephone.ring()


def _resource(side: CallSide, status: str) -> dict[str, object]:
    now = format_datetime(datetime.now(UTC))
    return {
        "account_sid": side.account_sid,
        "api_version": "2010-04-01",
        "date_created": now,
        "date_updated": now,
        "direction": side.direction,
        "from": side.caller_number,
        "price_unit": "USD",
        "sid": side.call_sid,
        "status": status,
        "to": side.line_number,
        "uri": f"/2010-04-01/Accounts/{side.account_sid}/Calls/{side.call_sid}.json",
    }


def _told(status: int, resource: Mapping[str, object]) -> Answer:
    return Answer(status, (("content-type", "application/json"),), json.dumps(resource).encode())


def _refused(status: int, error: int, message: str) -> Answer:
    more_info = f"https://www.twilio.com/docs/errors/{error}"
    return _told(status, {"code": error, "message": message, "more_info": more_info, "status": status})
