"""The telephone: carries a call's documents out on one clock, as Twilio would, unkind where Twilio is.

The one rule: every key is an event at a point of time, and it counts only if a Gather is open at that very point.
Whatever is pressed during a plain Say, a Pause or while an answer is fetched is lost, and is kept in `lost` so that
it can be shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from webhooks.rehearsal.caller import Caller, Keypad, Press, Stretch
from webhooks.rehearsal.clock import CallClock, Pace
from webhooks.rehearsal.entries import End, Entry, Routes, Side
from webhooks.rehearsal.fetching import Fault, Fetcher, Trouble
from webhooks.rehearsal.hand import Hand, OverError, SentOnError
from webhooks.rehearsal.speech import Sound, cut, speech_seconds, spoken, text, total
from webhooks.rehearsal.verbs import Dial, Document, Gather, Hangup, Pause, Play, Redirect, Reject, Say, Words
from webhooks.rehearsal.voice_form import CallSide, voice_form
from webhooks.rehearsal.wire import Wire

LONGEST_CALL = 4 * 60 * 60.0
MOST_IDLE_REDIRECTS = 10
NAP = 2.2
"""Seconds really slept before a request with fewer than two keys, where a call in virtual time is told to nap."""
TELLING_SILENCE = 3.0
"""A silence shorter than this, as between two blocks of a read-back, is no answer and not worth a line."""
UNCLEAR = 0.5
"""What the listener is less sure of than this is shown as unclear."""
APOLOGY = "We are sorry, an application error has occurred. Goodbye."


def quoted(press: Press) -> str:
    """What was said, as a transcript and a script show it."""
    return f'"{press.words}"' + (" (unclear)" if press.clear < UNCLEAR else "")


@dataclass
class Telephone:
    """One call, from ringing to the status callback. `ring` carries it out; the fields then tell what happened.

    `on_entry` is called with every entry of the transcript as it happens. `finished_on_key` adds the undocumented field
    `FinishedOnKey`, seen in captured requests, to what a Gather sends. `nap` is for virtual time: a line tells a stray
    key from an answer by its own clock, so the silence before a request with no key or one must not be all virtual.
    `keypad` makes it a telephone in somebody's hand, in wall time; `talk_seconds` is how long its conferences last.
    With a `wire`, for wall time only, it is in a room with others, and can be held and sent on.
    """

    side: CallSide
    routes: Routes
    fetcher: Fetcher
    caller: Caller
    clock: CallClock
    pace: Pace
    on_entry: Callable[[Entry], None] | None = None
    finished_on_key: bool = False
    nap: Callable[[float], None] | None = None
    keypad: Keypad | None = None
    talk_seconds: float = 20.0
    wire: Wire | None = None
    transcript: list[Entry] = field(default_factory=list)
    lost: list[Press] = field(default_factory=list)
    gathered: list[str] = field(default_factory=list)
    turns: int = 0
    _idle_redirects: int = 0
    _answered_at: float = 0.0

    def __post_init__(self) -> None:
        """The hand is this call's own."""
        self._hand = Hand(self.clock, self.pace, self._note, self.side.call_sid, self.keypad, self.wire)

    def ring(self) -> End:
        """Dial, carry out every document to the end of the call, and tell the line that it is over."""
        end = self._carry_through()
        seconds = max(round(self.clock.now), 0)
        status = {"CallStatus": "busy" if end is End.REJECTED else "completed"}
        timing = {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60)), "SequenceNumber": "0"}
        origin = {"CallbackSource": "call-progress-events"}
        self.fetcher.notify(self.routes.status, voice_form(self.side, "completed") | status | timing | origin)
        return end

    def hang_up(self) -> None:
        """Put the telephone down, from any thread."""
        self._hand.hang_up_at = self.clock.now

    def _carry_through(self) -> End:
        url = self.routes.incoming
        while True:
            try:
                document = self._fetch(url, {}, "POST")
                while True:
                    document = self._carry_out(document)
            except SentOnError as sent:
                url = sent.url
            except OverError as over:
                return over.end

    def _carry_out(self, document: Document) -> Document:
        for place, verb in enumerate(document.verbs):
            if self.clock.now > LONGEST_CALL:
                raise OverError(End.TOO_LONG)
            match verb:
                case Say() | Play() | Pause():
                    self._play(spoken((verb,), self.pace))
                case Gather() | Dial():
                    following = self._talk(verb, document) if isinstance(verb, Dial) else self._gather(verb, document)
                    if following is not None:
                        return following
                case Redirect(url, method):
                    return self._redirect(urljoin(document.url, url), method)
                case Hangup():
                    raise OverError(End.LINE)
                case Reject():
                    raise OverError(End.LINE if place else End.REJECTED)
        raise OverError(End.LINE)  # a document that ends hangs up

    # What is heard.

    def _begin(self, sounds: tuple[Sound, ...], listening: bool) -> None:
        """Let the caller hear what is coming, and put what they will do about it on the clock."""
        self._idle_redirects = 0
        began, words = self.clock.now, text(sounds)
        self._hand.audible_until = began + speech_seconds(sounds)
        if words:
            self._note(Entry(began, Side.LINE, words))
        if listening and self._hand.pending:
            # A key already under way will stop the words, and nobody answers what they never heard.
            sounds = cut(sounds, self._hand.pending[0].after - began)
        self._hand.take(self.caller.react(Stretch(text(sounds), began, speech_seconds(sounds), listening)), began)

    def _play(self, sounds: tuple[Sound, ...]) -> None:
        began = self.clock.now
        self._begin(sounds, listening=False)
        try:
            self._lose_until(began + total(sounds))
        finally:
            self._heard(sounds, began)

    def _heard(self, sounds: tuple[Sound, ...], began: float) -> None:
        # Told also where the caller hangs up, for what was heard till then is known to them.
        self.caller.heard(text(cut(sounds, min(self.clock.now, self._hand.audible_until) - began)))

    def _lose_until(self, moment: float) -> None:
        """Let time pass in which nobody listens for keys."""
        self.lost += self._hand.lose_until(moment)

    # What is keyed.

    def _gather(self, gather: Gather, document: Document) -> Document | None:
        """Listen as docs/voice/twiml/gather says; None where the call falls through to the next verb."""
        began, sounds = self.clock.now, spoken(gather.nested, self.pace)
        self._begin(sounds, listening=True)
        try:
            digits, finished, stopped, said = self._listen(gather, began + total(sounds))
        finally:
            self._heard(sounds, began)
        if digits:
            self.gathered.append(digits)
        shown = digits + finished if said is None else quoted(said)
        if shown and stopped is not None:
            cutting = "cutting in" if stopped < began + speech_seconds(sounds) else ""
            self._note(Entry(stopped, Side.CALLER, shown, cutting))
        elif self.clock.now - self._hand.audible_until >= TELLING_SILENCE:
            self._note(Entry(self.clock.now, Side.CALLER, "(silence)"))
        if not digits and said is None and not gather.action_on_empty:
            return None
        extra = {"msg": "Gather End"} | ({"Digits": digits} if digits else {})
        if said is not None:
            extra |= {"SpeechResult": said.words, "Confidence": str(said.clear)}
        if self.finished_on_key:
            extra["FinishedOnKey"] = finished
        return self._fetch(urljoin(document.url, gather.action), extra, gather.method)

    def _listen(self, gather: Gather, sounds_end: float) -> tuple[str, str, float | None, Press | None]:
        """The keys gathered, the finish key if one ended them, when the audio was stopped, and what was said instead.

        Whichever comes first, a key or a word, is what is listened to from then on.
        """
        digits, stopped = "", None
        # The timer starts after the nested verbs or at the first key, and anew at every key.
        deadline = sounds_end + gather.timeout
        while (press := self._hand.next_press(deadline)) is not None:
            self._hand.pass_to(press.after, keyed=True)
            if press.words and (digits or not gather.speech):
                self._note(Entry(self.clock.now, Side.CALLER, quoted(press), "lost: nobody was listening"))
                continue
            if stopped is None:
                stopped = self.clock.now
                self._hand.audible_until = min(self._hand.audible_until, stopped)
            if press.words:
                speaking = total(spoken((Say((Words(press.words),)),), self.pace))
                self._lose_until(self.clock.now + speaking + gather.speech_timeout)
                return "", "", stopped, press
            if gather.finish_key and press.key == gather.finish_key:
                return digits, press.key, stopped, None
            digits += press.key
            if len(digits) == gather.num_digits:
                return digits, "", stopped, None
            deadline = self.clock.now + gather.timeout
        self._hand.pass_to(deadline)
        return digits, "", stopped, None

    def _talk(self, dial: Dial, document: Document) -> Document | None:
        """Talk for a while; None where the next verb follows. Whoever begins and ends a talk does so by hanging up."""
        began, self._idle_redirects = self.clock.now, 0
        self._note(Entry(began, Side.LINE, f"(joined with the room {dial.room})"))
        if dial.starts and (dial.ends or self.wire is not None):
            self._hand.hang_up_at = began + self.talk_seconds
        if self.wire is None:
            self._lose_until(began + min(self.talk_seconds, dial.time_limit))
        else:
            self.lost += self._hand.stay(dial.room, began + dial.time_limit, ends=dial.ends)
        told = {"DialCallStatus": "completed", "DialCallDuration": str(round(self.clock.now - began))}
        return self._fetch(urljoin(document.url, dial.action), told, dial.method) if dial.action else None

    # What is fetched.

    def _redirect(self, url: str, method: str) -> Document:
        self._idle_redirects += 1
        if self._idle_redirects > MOST_IDLE_REDIRECTS:
            self.fetcher.troubles.append(Trouble(Fault.TOO_MANY_REDIRECTS, url))
            raise self._apology()
        return self._fetch(url, {}, method)

    def _fetch(self, url: str, extra: Mapping[str, str], method: str) -> Document:
        """The next document; the fallback URL's where that cannot be had."""
        result = self._once(url, extra, method)
        if isinstance(result, Trouble):
            report = {"ErrorCode": str(int(result.fault)), "ErrorUrl": result.url}
            result = self._once(self.routes.fallback, report, "POST")
        if isinstance(result, Trouble):
            raise self._apology()
        return result

    def _once(self, url: str, extra: Mapping[str, str], method: str) -> Document | Trouble:
        form = voice_form(self.side, "in-progress" if self.turns else "ringing") | dict(extra)
        self.turns += 1
        if self.nap is not None and len(extra.get("Digits", "")) < 2:
            self.nap(min(self.clock.now - self._answered_at, NAP))
        fetched = self.fetcher.document(url, form, method)
        # The turn delay stands for network, fetch and speech start; a line that takes longer than that is waited for.
        self._hand.audible_until = self.clock.now
        self._lose_until(self.clock.now + max(self.pace.turn_delay, fetched.seconds))
        self._answered_at = self.clock.now
        return fetched.result

    def _apology(self) -> OverError:
        self._note(Entry(self.clock.now, Side.LINE, APOLOGY, "the provider's own words"))
        return OverError(End.TROUBLE)

    def _note(self, entry: Entry) -> None:
        self.transcript.append(entry)
        if self.on_entry is not None:
            self.on_entry(entry)
