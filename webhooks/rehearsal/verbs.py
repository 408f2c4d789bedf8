"""The TwiML verbs this telephone can carry out, as plain values.

The one rule: what Twilio leaves to a default is filled in here, once, so that whoever carries a verb out never has to
know what an absent attribute means.

>>> Gather(action="/voice/turn/1").timeout, Gather(action="/voice/turn/1").finish_key
(5, '#')
"""

from dataclasses import dataclass

UNLIMITED = None


@dataclass(frozen=True, slots=True)
class Words:
    """A run of text, spoken at `rate` times the voice's usual speed."""

    text: str
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Break:
    """A silence inside speech, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Say:
    """Speech. `loop` 0 means until stopped, which Twilio ends after 1,000 repeats (docs/voice/twiml/say)."""

    pieces: tuple[Words | Break, ...]
    voice: str = ""
    language: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """A sound file, or keys sent to the caller (`w` is half a second of silence)."""

    url: str = ""
    digits: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence of `length` whole seconds."""

    length: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """Listen for keys while `nested` is heard, and for words where `speech`. Defaults as in docs/voice/twiml/gather.

    `action` empty means the URL of the document itself; `num_digits` None means any number; `finish_key` empty means
    that no key finishes and every key is collected. `speech_timeout` is the quiet after which words are over.
    """

    nested: tuple[Say | Play | Pause, ...] = ()
    action: str = ""
    method: str = "POST"
    timeout: int = 5
    finish_key: str = "#"
    num_digits: int | None = UNLIMITED
    action_on_empty: bool = False
    speech: bool = False
    speech_timeout: int = 5


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document; nothing after it is reached. An empty `url` means the document itself."""

    url: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    """The line ends the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The line does not answer. `reason` is `rejected` or `busy`."""

    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Dial:
    """Join the conference `room`, for `time_limit` seconds at most; without an `action` the next verb follows.

    `starts` and `ends` say whether coming in begins the talk, and going out ends it (docs/voice/twiml/conference).
    """

    room: str
    action: str = ""
    method: str = "POST"
    time_limit: int = 14_400
    starts: bool = True
    ends: bool = False


Verb = Say | Play | Pause | Gather | Redirect | Dial | Hangup | Reject


@dataclass(frozen=True, slots=True)
class Document:
    """One TwiML document. `url` is where it came from: relative addresses inside it start there."""

    verbs: tuple[Verb, ...]
    url: str = ""
