"""A rehearsal of Twilio's Messages resource: takes texts, keeps them in a file, tells the line what became of them.

The one rule: whoever speaks to it cannot tell it from Twilio's by its answers; but no text leaves this machine, and the
file is for its owner's eyes alone.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from webhooks.rehearsal.fetching import Address, Fetcher
from webhooks.rehearsal.transport import Answer, OverHttp, TooSlowError, Transport
from webhooks.segments import segments

UNREACHABLE = "30003"


class Mood(StrEnum):
    """How the next requests are met."""

    WELL = "well"
    OPTED_OUT = "opted out"
    LANDLINE = "landline"
    UNREACHABLE = "unreachable"
    """Taken, and later told to be undelivered."""
    TOO_MANY = "too many"
    BROKEN = "broken"
    SLOW = "slow"
    """Answered well, after two seconds."""
    SILENT = "silent"
    """Taken, but no answer comes."""
    REVERSED = "reversed"
    """Taken, and what became of it is told in reverse order."""
    TWICE = "twice"
    """Taken, and everything is told twice."""


SECONDS_ASKED = 7
"""What Retry-After says where there were too many requests."""
_REFUSED = {
    Mood.OPTED_OUT: (400, 21610, "Attempt to send to unsubscribed recipient"),
    Mood.LANDLINE: (400, 21614, "'To' number is not a valid mobile number"),
    Mood.TOO_MANY: (429, 20429, "Too Many Requests"),
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it arrived: `sender` is a number or a Messaging Service, `at` ISO 8601; the rest as it is billed."""

    sid: str
    sender: str
    recipient: str
    body: str
    num_segments: int
    encoding: str
    at: str


class RehearsalCarrier:
    """Takes texts for one account into `file`; `address` is the line that is told what became of them, if any."""

    def __init__(
        self,
        file: Path,
        *,
        address: Address | None = None,
        auth_token: str = "",
        transport: Callable[[], Transport] = OverHttp,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        mood: Mood = Mood.WELL,
    ) -> None:
        self.mood = mood
        self._file = file
        self._address = address
        self._auth_token = auth_token
        self._transport = transport
        self._now = now
        self._lock = threading.Lock()
        self._telling: list[threading.Thread] = []

    def request(self, method: str, url: str, fields: Mapping[str, str]) -> Answer:
        """Answer one request as Twilio's REST interface would: `fields` is the form, or the query of a GET.

        Raises TooSlowError where no answer comes.
        """
        path = urlsplit(url).path.split("/")
        if len(path) != 5 or path[1:3] != ["2010-04-01", "Accounts"] or path[4] != "Messages.json":
            return _refused(404, 20404, "The requested resource was not found")
        account_sid = path[3]
        if self.mood is Mood.BROKEN:
            return Answer(500, (("content-type", "text/html"),), b"<html>Internal Server Error</html>")
        if method == "GET":
            return self._listed(account_sid, fields)
        if self.mood in _REFUSED:
            return _refused(*_REFUSED[self.mood])
        return self._taken(account_sid, fields)

    def wait(self) -> None:
        """Return when the line has been told everything."""
        while self._telling:
            self._telling.pop().join()

    def _taken(self, account_sid: str, form: Mapping[str, str]) -> Answer:
        if not form.get("To", "").startswith("+"):
            return _refused(400, 21211, "The 'To' number is not a valid phone number.")
        if not form.get("Body"):
            return _refused(400, 21602, "Message body is required.")
        sender = form.get("From") or form.get("MessagingServiceSid", "")
        if not sender:
            return _refused(400, 21603, "A 'From' phone number is required.")
        billed = segments(form["Body"])
        text = Text(
            "SM" + token_hex(16),
            sender,
            form["To"],
            form["Body"],
            billed.count,
            billed.encoding,
            self._now().isoformat(),
        )
        self._keep(text)
        self._tell(account_sid, text, form.get("StatusCallback", ""))
        if self.mood is Mood.SLOW:
            time.sleep(2)
        if self.mood is Mood.SILENT:
            raise TooSlowError(0.0)
        return _told(201, _resource(account_sid, text, "queued"))

    def _keep(self, text: Text) -> None:
        """Append the text in one write, after the end of whatever line a killed process may have left torn."""
        line = json.dumps(asdict(text), ensure_ascii=False).encode() + b"\n"
        with self._lock:
            file = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                os.write(file, b"\n" + line if torn else line)
            finally:
                os.close(file)

    def _listed(self, account_sid: str, query: Mapping[str, str]) -> Answer:
        wanted = [
            text
            for text in read_texts(self._file)
            if query.get("To", text.recipient) == text.recipient
            and query.get("From", text.sender) == text.sender
            and query.get("DateSent>", "") <= text.at
        ]
        most = int(query.get("PageSize", "50"))
        messages = [_resource(account_sid, text, "delivered") for text in reversed(wanted)][:most]
        return _told(200, {"messages": messages, "next_page_uri": None, "page": 0, "page_size": most})

    def _tell(self, account_sid: str, text: Text, url: str) -> None:
        if not url or self._address is None:
            return
        statuses = ["sent", "undelivered" if self.mood is Mood.UNREACHABLE else "delivered"]
        if self.mood is Mood.REVERSED:
            statuses.reverse()
        if self.mood is Mood.TWICE:
            statuses *= 2
        forms = [_news(account_sid, text, status) for status in statuses]
        transport = self._transport()
        fetcher = Fetcher(self._address, self._auth_token, transport, text.sid)
        thread = threading.Thread(target=_notify, args=(fetcher, transport, url, forms), name="texts-told", daemon=True)
        self._telling = [*(other for other in self._telling if other.is_alive()), thread]
        thread.start()


def read_texts(file: Path, to: str | None = None, after: int = 0) -> list[Text]:
    """The texts of a file (to one number), from the place `after` on: as many as were read before, of any number."""
    if not file.exists():
        return []
    texts = []
    for line in file.read_bytes().splitlines():
        try:
            texts.append(Text(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # a line that a killed process left torn
    return [text for text in texts[after:] if to in {None, text.recipient}]


def _notify(fetcher: Fetcher, transport: Transport, url: str, forms: list[dict[str, str]]) -> None:
    for form in forms:
        fetcher.notify(url, form)
    if isinstance(transport, OverHttp):
        transport.close()


def _news(account_sid: str, text: Text, status: str) -> dict[str, str]:
    form = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": text.sender,
        "MessageSid": text.sid,
        "MessageStatus": status,
        "SmsSid": text.sid,
        "SmsStatus": status,
        "To": text.recipient,
    }
    if text.sender.startswith("MG"):
        form["MessagingServiceSid"] = text.sender
    if status == "undelivered":
        form["ErrorCode"] = UNREACHABLE
    return form


def _resource(account_sid: str, text: Text, status: str) -> dict[str, object]:
    service = text.sender if text.sender.startswith("MG") else None
    at = format_datetime(datetime.fromisoformat(text.at))
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{text.sid}.json"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": at,
        "date_sent": None if status == "queued" else at,
        "date_updated": at,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": None if service else text.sender,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": str(text.num_segments),
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": status,
        "subresource_uris": {"media": uri.replace(".json", "/Media.json")},
        "to": text.recipient,
        "uri": uri,
    }


def _told(status: int, resource: Mapping[str, object]) -> Answer:
    return Answer(status, (("content-type", "application/json"),), json.dumps(resource).encode())


def _refused(status: int, error: int, message: str) -> Answer:
    more_info = f"https://www.twilio.com/docs/errors/{error}"
    answer = _told(status, {"code": error, "message": message, "more_info": more_info, "status": status})
    if status != 429:
        return answer
    return Answer(status, (*answer.headers, ("retry-after", str(SECONDS_ASKED))), answer.body)
