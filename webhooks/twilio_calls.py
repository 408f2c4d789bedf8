"""Calls placed, sent on and held by Twilio's REST interface, or by a rehearsal that stands in for it.

Rule: Twilio's library is imported with the first call that is placed. A call is for now: whatever cannot be mended
within seconds is told as a refusal, so that a person can do something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from webhooks import twilio_client
from webhooks.outgoing import Accepted, Later, OutgoingCall, Rejected, Room
from webhooks.settings import Settings
from webhooks.twilio_client import Trouble, TwilioError

RING_SECONDS = 25
"""Shorter than most voicemails wait, so that a telephone nobody picks up is told as such."""
REHEARSED_TALK_SECONDS = 60.0
"""Long enough for one person at both sides to put the caller on hold and to bring a colleague in."""
NOT_THERE = 20404
"""Twilio's number for what it does not find."""
NEWS = ["initiated", "ringing", "completed"]
"""What of a call we are told; `initiated` brings its sid, should the answer to our own request be lost."""

_log = structlog.get_logger(__name__)


class TwilioDialler:
    """Places calls for an account, signed in with an API key and its secret; `http` makes what is to be the network."""

    def __init__(
        self, account_sid: str, username: str, password: str, *, http: Callable[[], Any] | None = None
    ) -> None:
        self._login = (account_sid, username, password)
        self._http = http
        self._client: Any = None

    def place(self, call: OutgoingCall) -> Accepted | Rejected | Later:
        """See `outgoing.Dialler`."""
        try:
            with twilio_client.translated():
                placed = self._calls().create(
                    to=call.recipient,
                    from_=call.sender,
                    url=call.url,
                    status_callback=call.status_url,
                    status_callback_event=NEWS,
                    timeout=RING_SECONDS,
                )
        except TwilioError as error:
            return _meaning(error)
        return Accepted(placed.sid) if placed.sid else Later("no sid", doubtful=True)

    def redirect(self, sid: str, url: str) -> Accepted | Rejected | Later:
        """See `outgoing.Dialler`."""
        try:
            with twilio_client.translated():
                self._calls()(sid).update(url=url)
        except TwilioError as error:
            return _meaning(error)
        return Accepted(sid)

    def arrange(self, room: Room) -> Accepted | Rejected | Later:
        """See `outgoing.Dialler`. A conference has a name of ours, and an id of Twilio's that is asked for first."""
        try:
            with twilio_client.translated():
                found = self._signed_in().conferences.list(friendly_name=room.name, status="in-progress", limit=1)
            if not found:
                return Rejected(NOT_THERE)
            people = self._signed_in().conferences(found[0].sid).participants
            for sid, ends in room.ends:
                _of_whoever_is_there(people(sid), end_conference_on_exit=ends)
            for sid, held in room.held:
                music = {"hold_url": room.music, "hold_method": "GET"} if held else {}
                _of_whoever_is_there(people(sid), hold=held, **music)
        except TwilioError as error:
            return _meaning(error)
        return Accepted(found[0].sid)

    def _calls(self) -> Any:
        return self._signed_in().calls

    def _signed_in(self) -> Any:
        if self._client is None:
            account_sid, username, password = self._login
            http = None if self._http is None else self._http()
            self._client = twilio_client.client(account_sid, username, password, http=http)
        return self._client


def opened(settings: Settings) -> TwilioDialler:
    """The dialler of the settings: Twilio where they hold an API key, else the rehearsal."""
    if settings.api_key:
        return TwilioDialler(settings.account_sid, settings.api_key, settings.api_secret)

    def rehearsed() -> Any:
        from webhooks.rehearsal.exchange import RehearsalExchange
        from webhooks.rehearsal.fetching import Address
        from webhooks.rehearsal.wire import Wire
        from webhooks.twilio_rest import Rehearsed

        line = Address(settings.own_url, settings.public_url)
        wire = Wire(settings.rehearsed_calls)
        wire.begin_anew()
        return Rehearsed(
            RehearsalExchange(line, settings.auth_tokens[0], wire=wire, talk_seconds=REHEARSED_TALK_SECONDS)
        )

    return TwilioDialler(settings.account_sid, "rehearsal", "rehearsal", http=rehearsed)


def _of_whoever_is_there(participant: Any, **wanted: Any) -> None:
    """Change one participant of a conference; one who has hung up meanwhile is no trouble."""
    try:
        with twilio_client.translated():
            participant.update(**wanted)
    except TwilioError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise


def _meaning(error: TwilioError) -> Rejected | Later:
    if error.trouble is Trouble.TOO_MANY_REQUESTS or (error.trouble is Trouble.UNREACHABLE and not error.reached):
        return Later(error.trouble)
    if error.trouble in {Trouble.UNREACHABLE, Trouble.TWILIO_FAILED}:
        return Later(error.trouble, doubtful=True)
    _log.warning("call_refused", trouble=error.trouble.value, error=error.error)
    return Rejected(error.error)
