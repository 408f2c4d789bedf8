"""A pretend Twilio that really carries out the two legs of one call between numbers of the account, on one clock.

Rule: how it treats keys, pauses and the finish key is what it is told, not what the line expects; a figure that a probe
measures can only come from there. That keys between two gathers are lost is what Twilio is believed to do.
"""

import heapq
import itertools
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import timedelta

from tests.webhooks.twilio_api.account import PUBLIC, SID, TOKEN, PretendAccount
from webhooks.rehearsal.signing import signature

TICK = 0.05
TONE = 0.1
HALF = 0.5


@dataclass
class Ways:
    """How this Twilio behaves. `turn` is the seconds from the end of one gather to the next one being open."""

    turn: float = 0.8
    keeps_keys: bool = False
    pause_first: bool = True
    deaf_in_pause: bool = False
    finished_on_key: bool = True
    lone_finish_asks: bool = True
    answers: bool = True


@dataclass
class TwoLegs(PretendAccount):
    """The account, in which a call is placed between its numbers; `client` is the line's own app, `clock` its clock."""

    numbers_given: tuple
    client: object
    clock: object
    ways: Ways = field(default_factory=Ways)

    def __post_init__(self):
        PretendAccount.__init__(self, *self.numbers_given)
        self.now, self.pressed, self.began = 0.0, [], None

    __hash__ = object.__hash__

    def answer(self, method, uri, given):
        if "pricing" in uri:
            prices = [{"base_price": "0.015", "current_price": "0.0130", "origination_prefixes": ["ALL"]}]
            arriving = {"base_price": "0.0085", "current_price": "0.0085", "number_type": "local"}
            about = {"iso_country": "US", "price_unit": "usd"}
            return about | {
                "outbound_call_prices": [_floats(each) for each in prices],
                "inbound_call_price": _floats(arriving),
            }
        if method == "POST" and uri.endswith("/Calls.json"):
            self.placed = given
            if self.ways.answers:
                self.carry_out(given)
            return {"sid": "CA" + "a" * 32, "status": "queued", "to": given["To"], "from": given["From"]}
        if "/Calls/" in uri:
            return {"sid": "CA" + "a" * 32, "status": "completed" if self.ways.answers else "no-answer"}
        return super().answer(method, uri, given)

    def carry_out(self, given):
        """Both legs, each going on when its time has come. Whoever calls hears an answer with our first document."""
        self.began = self.clock.now
        order = itertools.count()
        legs = [(0.0, next(order), self.line(given)), (self.ways.turn / 2, next(order), self.telephone(given))]
        while legs:
            self.now, _, leg = heapq.heappop(legs)
            wait = next(leg, None)
            if wait is not None:
                heapq.heappush(legs, (self.now + wait, next(order), leg))
        self.clock.now = self.began

    def line(self, given):
        """The called number: our Voice URL, and what it answers."""
        url, extra = f"{PUBLIC}/voice/incoming", {}
        while True:
            yield self.ways.turn / 2
            document = self.fetched(url, given, "CA" + "b" * 32, "inbound", extra)
            yield self.ways.turn / 2
            gather = document.find("Gather")
            if gather is None:
                return
            keys, finished = yield from self.gather(gather)
            url, extra = gather.get("action"), {"Digits": keys} if keys else {}
            if self.ways.finished_on_key:
                extra["FinishedOnKey"] = finished

    def gather(self, gather):
        """Listen: the keys, and the finish key if one ended it."""
        most, finish = int(gather.get("numDigits", "0")), gather.get("finishOnKey")
        nested = sum(float(pause.get("length")) for pause in gather.findall("Pause"))
        timeout, opened = float(gather.get("timeout")), self.now
        if not self.ways.keeps_keys:
            self.pressed = [press for press in self.pressed if press[0] >= opened]
        deadline = opened + timeout + (nested if self.ways.pause_first else 0)
        keys = ""
        while self.now < deadline:
            while self.pressed and self.pressed[0][0] <= self.now:
                at, key = self.pressed.pop(0)
                if self.ways.deaf_in_pause and at < opened + nested:
                    continue
                if key == finish:
                    if keys or self.ways.lone_finish_asks:
                        return keys, key
                    continue
                keys += key
                deadline = self.now + timeout
                if len(keys) == most:
                    return keys, ""
            yield TICK
        return keys, ""

    def telephone(self, given):
        """The number that calls: what is sent at once, then what its address answers."""
        yield from self.press(given["SendDigits"])
        while True:
            yield self.ways.turn / 2
            document = self.fetched(given["Url"], given, "CA" + "a" * 32, "outbound-api", {})
            yield self.ways.turn / 2
            if document.find("Hangup") is not None:
                return
            for pause in document.findall("Pause"):
                yield float(pause.get("length"))
            for play in document.findall("Play"):
                yield from self.press(play.get("digits"))

    def press(self, keys):
        for key in keys:
            if key == "w":
                yield HALF
            else:
                self.pressed.append((self.now, key))
                yield TONE

    def fetched(self, url, given, sid, direction, extra):
        self.clock.now = self.began + timedelta(seconds=self.now)
        form = {
            "CallSid": sid,
            "AccountSid": SID,
            "From": given["From"],
            "To": given["To"],
            "Direction": direction,
        } | extra
        signed = {"X-Twilio-Signature": signature(TOKEN, url, form)}
        answer = self.client.post(url.removeprefix(PUBLIC), data=form, headers=signed)
        assert answer.status_code == 200, (url, answer.status)
        return ET.fromstring(answer.text)


def _floats(prices):
    return {name: float(value) if name.endswith("price") else value for name, value in prices.items()}
