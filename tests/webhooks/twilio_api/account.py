"""A pretend account at Twilio, where the library hands over its requests: it keeps numbers, services and who may in.

Rule: it answers only what Twilio describes, and what it answers is described; anything else fails the test.
"""

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from twilio.http import HttpClient
from twilio.http.response import Response

from tests.webhooks.twilio_api.description import answer_problems, problems

SID = "AC" + "0" * 32
TOKEN = "t" * 32
KEY, SECRET = "SK" + "1" * 32, "the-secret-of-the-key"
NEW_KEY, NEW_SECRET = "SK" + "2" * 32, "the-secret-of-the-new-key"
SERVICE = "MG" + "a" * 32
NUMBER, OTHER = "+15550100", "+15550199"
PUBLIC = "https://line.example"
RETRIES = "#ct=2000&rt=4000&rc=1&rp=ct,rt,5xx"
INCOMING, TEXTED, STATUS = (
    f"{PUBLIC}/voice/incoming{RETRIES}",
    f"{PUBLIC}/sms/incoming{RETRIES}",
    f"{PUBLIC}/voice/status",
)


def number(called=NUMBER, **fields):
    """A number of the account, set as our line wants it but for the fields named."""
    return {
        "sid": "PN" + called.removeprefix("+").zfill(32),
        "account_sid": SID,
        "phone_number": called,
        "friendly_name": "the office",
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "voice_url": INCOMING,
        "voice_method": "POST",
        "voice_fallback_url": INCOMING,
        "voice_fallback_method": "POST",
        "voice_application_sid": "",
        "voice_receive_mode": "voice",
        "trunk_sid": None,
        "status_callback": STATUS,
        "status_callback_method": "POST",
        "sms_url": TEXTED,
        "sms_method": "POST",
        "sms_fallback_url": TEXTED,
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
    } | fields


def new_number(called=NUMBER, **fields):
    """A number as it is when it has just been bought."""
    empty = {
        "voice_url": "https://demo.twilio.com/welcome/voice/",
        "sms_url": "https://demo.twilio.com/welcome/sms/reply",
    }
    none = dict.fromkeys(("voice_fallback_url", "sms_fallback_url", "status_callback"), "")
    return number(called, **empty, **none) | fields


def service(**fields):
    """A Messaging Service as our line wants it but for the fields named."""
    return {
        "sid": SERVICE,
        "account_sid": SID,
        "friendly_name": "Activation",
        "inbound_request_url": TEXTED,
        "inbound_method": "POST",
        "fallback_url": TEXTED,
        "fallback_method": "POST",
        "use_inbound_webhook_on_number": False,
        "status_callback": None,
        "smart_encoding": False,
        "sticky_sender": True,
        "validity_period": 14400,
        "us_app_to_person_registered": True,
    } | fields


def new_service(**fields):
    """A Messaging Service as it is when it has just been made."""
    nothing = dict.fromkeys(("inbound_request_url", "fallback_url"))
    return service(**nothing, use_inbound_webhook_on_number=True) | fields


class PretendAccount(HttpClient):
    """What the library takes for the network.

    After `failing_from` requests, where the address holds `failing_at`, `fail` is raised or answered instead.
    """

    def __init__(self, *numbers, services=(), pool=(), status="active", kind="Full"):
        super().__init__(None, False)
        self.numbers = {each["sid"]: each for each in numbers}
        self.services = {each["sid"]: each for each in services}
        self.pool = [each["sid"] for each in self.numbers.values() if each["phone_number"] in pool]
        self.about = {"sid": SID, "status": status, "type": kind, "friendly_name": "Example"}
        self.lets_in = {(SID, TOKEN), (KEY, SECRET)}
        self.keys = []
        self.calls = []
        self.asked_for_calls = {}
        self.asked = []
        self.fail, self.failing_from, self.failing_at = None, 0, ""

    @property
    def changed(self):
        """The forms of every POST so far."""
        return [(url.rpartition("/")[2], form) for method, url, form in self.asked if method == "POST"]

    def request(self, method, uri, params=None, data=None, auth=None, **_):
        given = dict((params if method == "GET" else data) or {})
        assert problems(method, uri, given) == []
        self.asked.append((method, uri, given))
        if self.fail is not None and len(self.asked) > self.failing_from and self.failing_at in uri:
            if isinstance(self.fail, Exception):
                raise self.fail
            return _refused(*self.fail)
        if auth not in self.lets_in or (re.search(f"/Accounts/{SID}(.json|/Keys)", uri) and auth[0] != SID):
            return _refused(401, 20003)
        if self.about["status"] == "suspended":
            return _refused(401, 20005)
        answer = self.answer(method, uri, given)
        if answer is None:
            return _refused(404, 20404)
        if method == "DELETE":
            return Response(204, "")
        assert answer_problems(method, uri, answer) == []
        new = method == "POST" and uri.endswith(("/PhoneNumbers", "/Keys.json"))
        return Response(201 if new else 200, json.dumps(answer))

    def answer(self, method, uri, given):
        """What is there, after it has been changed; None where there is nothing."""
        place = re.sub("^https://[^/]+/(2010-04-01|v1)/", "", uri).replace(f"Accounts/{SID}/", "")
        kind, *rest = place.removesuffix(".json").split("/")
        if kind == "Accounts":
            return self.about
        if kind == "IncomingPhoneNumbers":
            if rest:
                return _changed(self.numbers.get(rest[0]), given)
            named = given.get("PhoneNumber", "").strip("+")
            return _listed("incoming_phone_numbers", [n for n in self.numbers.values() if named in n["phone_number"]])
        if kind == "Calls" and method == "GET":
            return self.told_of_calls(rest, given)
        if kind == "Keys":
            return self.key(method, given)
        if len(rest) == 1:
            return _changed(self.services.get(rest[0]), given)
        if rest[0] not in self.services:
            return None
        if method == "POST":
            self.pool.append(given["PhoneNumberSid"])
            return {"sid": given["PhoneNumberSid"], "service_sid": rest[0]}
        senders = [{"sid": sid, "phone_number": self.numbers[sid]["phone_number"]} for sid in self.pool]
        return {"phone_numbers": senders, "meta": {"key": "phone_numbers", "page": 0, "next_page_url": None}}

    def told_of_calls(self, rest, given):
        """The calls to a number since a moment; or which addresses were asked for one of them."""
        if rest:
            urls = self.asked_for_calls.get(rest[0], [])
            return {"events": [{"request": {"method": "GET", "url": url}, "response": {}} for url in urls], "page": 0}
        since = datetime.fromisoformat(given["StartTime>"])
        found = [call for call in self.calls if call["to"] == given["To"]]
        return _listed("calls", [call for call in found if parsedate_to_datetime(call["start_time"]) >= since])

    def key(self, method, given):
        """A new key with its secret, told this once; or one taken away."""
        if method == "DELETE":
            self.keys.pop()
            return {}
        self.keys.append(NEW_KEY)
        self.lets_in.add((NEW_KEY, NEW_SECRET))
        return {"sid": NEW_KEY, "friendly_name": given["FriendlyName"], "secret": NEW_SECRET}


def _listed(name, found):
    return {name: found, "page": 0, "next_page_uri": None}


def _changed(resource, form):
    if resource is not None:
        for name, value in form.items():
            small = re.sub("(?<=.)([A-Z])", r"_\1", name).lower()
            resource[small] = {"true": True, "false": False}.get(str(value).lower(), value)
    return resource


def _refused(status, error):
    said = {"status": status, "code": error, "message": "In Twilio's words", "more_info": "https://www.twilio.com"}
    return Response(status, json.dumps(said))
