"""Texts by Twilio's REST interface, or by a rehearsal that stands in for it.

Rule: Twilio's library is imported with the first text that goes out, so that a line without texts does not pay for it.

What Twilio's numbers mean here: www.twilio.com/docs/api/errors. A number that speaks of the recipient, or of the way to
it, is final; one that speaks of our own sender or account is ours to mend, and the text waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from webhooks import twilio_client
from webhooks.outgoing import Accepted, Later, Outgoing, Rejected
from webhooks.settings import Settings
from webhooks.twilio_client import Trouble, TwilioError

if TYPE_CHECKING:
    from webhooks.rehearsal.carrier import RehearsalCarrier
    from webhooks.rehearsal.exchange import RehearsalExchange

OURS = frozenset({21212, 21601, 21603, 21606, 21659, 21660, 21661, 21701, 21703, 21704, 21705})
"""The sender is not ours, cannot send texts, or is a Messaging Service that is not there or has no number."""
LOWEST_NUMBER = 10_000
"""Twilio's own numbers have five digits; what has fewer is somebody else's no, a proxy's for instance."""
QUEUE_FULL = 21611
"""Our sender has more texts waiting at Twilio than it may have."""
MOST_LOOKED_AT = 50
"""Texts to one number among which an unanswered one is looked for: more than it gets in a day."""
_OUR_TROUBLES = frozenset(
    {Trouble.CREDENTIALS_REFUSED, Trouble.ACCOUNT_NOT_ACTIVE, Trouble.NOT_PERMITTED, Trouble.NOT_FOUND}
)


class TwilioCarrier:
    """Sends texts for an account, signed in with an API key and its secret; `http` makes what is to be the network."""

    def __init__(
        self, account_sid: str, username: str, password: str, *, http: Callable[[], Any] | None = None
    ) -> None:
        self._login = (account_sid, username, password)
        self._http = http
        self._client: Any = None

    def send(self, text: Outgoing) -> Accepted | Rejected | Later:
        """See `outgoing.Carrier`."""
        try:
            with twilio_client.translated():
                message = self._messages().create(
                    to=text.recipient, body=text.body, status_callback=text.status_url, **_sender(text.sender)
                )
        except TwilioError as error:
            return self._meaning(error)
        return Accepted(message.sid) if message.sid else Later("no sid", doubtful=True)

    def find(self, text: Outgoing, since: datetime) -> tuple[str, ...] | Later:
        """See `outgoing.Carrier`.

        Twilio can search by the day a text was sent; but one that still waits there has no such day, so its list of
        this recipient's texts is read and compared here. A trial account puts words of its own before the body.
        """
        by_number = {} if text.sender.startswith("MG") else _sender(text.sender)
        try:
            with twilio_client.translated():
                messages = self._messages().list(to=text.recipient, limit=MOST_LOOKED_AT, **by_number)
        except TwilioError as error:
            meaning = self._meaning(error)
            return meaning if isinstance(meaning, Later) else Later("search refused", ours=True)
        return tuple(
            message.sid
            for message in reversed(messages)  # the newest come first
            if message.direction != "inbound"
            and (message.body or "").endswith(text.body)
            and message.date_created is not None
            and message.date_created >= since.replace(microsecond=0)
            and (by_number or message.messaging_service_sid in {None, text.sender})
        )

    def _messages(self) -> Any:
        if self._client is None:
            account_sid, username, password = self._login
            http = None if self._http is None else self._http()
            self._client = twilio_client.client(account_sid, username, password, http=http)
            self._client.http_client = _Listening(self._client.http_client)
        return self._client.messages

    def _meaning(self, error: TwilioError) -> Rejected | Later:
        trouble, number = error.trouble, error.error
        if trouble is Trouble.TOO_MANY_REQUESTS or number == QUEUE_FULL:
            return Later(trouble, after=self._client.http_client.retry_after)
        if trouble is Trouble.UNREACHABLE:
            return Later(trouble, doubtful=error.reached)
        if trouble is Trouble.TWILIO_FAILED:
            return Later(trouble, doubtful=True)
        if trouble in _OUR_TROUBLES or number in OURS or number < LOWEST_NUMBER:
            return Later(trouble, ours=True)
        return Rejected(number)


class _Listening:
    """An HTTP client of Twilio's library, that keeps how long the last answer asked us to wait."""

    is_async = False

    def __init__(self, http: Any) -> None:
        self._http = http
        self.retry_after: float | None = None

    def request(self, method: str, url: str, **rest: Any) -> Any:
        """As twilio.http.HttpClient.request."""
        self.retry_after = None
        response = self._http.request(method, url, **rest)
        asked = {name.lower(): value for name, value in (response.headers or {}).items()}.get("retry-after", "")
        self.retry_after = float(asked) if asked.isascii() and asked.isdigit() else None
        return response


class Rehearsed:
    """The rehearsal's carrier, or its exchange, as an HTTP client of Twilio's library."""

    is_async = False

    def __init__(self, carrier: RehearsalCarrier | RehearsalExchange) -> None:
        self._carrier = carrier

    def request(
        self, method: str, url: str, params: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None,
        **_rest: Any,
    ) -> Any:  # fmt: skip
        """As twilio.http.HttpClient.request."""
        import requests
        from twilio.http.response import Response

        from webhooks.rehearsal.transport import NotReachedError, TooSlowError

        given = (params if method == "GET" else data) or {}
        # What is given several times, as a call's events are, stands in one field with spaces between.
        fields = {name: " ".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
        try:
            answer = self._carrier.request(method, url, fields)
        except TooSlowError:
            raise requests.ReadTimeout from None
        except NotReachedError:
            raise requests.ConnectTimeout from None
        return Response(answer.status, answer.body.decode(), dict(answer.headers))


def opened(settings: Settings) -> TwilioCarrier:
    """The carrier of the settings: Twilio where they hold an API key, else the rehearsal."""
    if settings.api_key:
        return TwilioCarrier(settings.account_sid, settings.api_key, settings.api_secret)

    def rehearsed() -> Rehearsed:
        from webhooks.rehearsal.carrier import RehearsalCarrier
        from webhooks.rehearsal.fetching import Address

        line = Address(settings.own_url, settings.public_url)
        return Rehearsed(RehearsalCarrier(settings.rehearsed_texts, address=line, auth_token=settings.auth_tokens[0]))

    return TwilioCarrier(settings.account_sid, "rehearsal", "rehearsal", http=rehearsed)


def _sender(sender: str) -> dict[str, str]:
    return {"messaging_service_sid" if sender.startswith("MG") else "from_": sender}
