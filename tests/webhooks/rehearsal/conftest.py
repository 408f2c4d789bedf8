"""A tiny line to ring: documents by path, and a caller who does what it is told, stretch by stretch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Thread

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from webhooks.rehearsal.caller import SILENCE, Reaction, Stretch, hanging_up, keying
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import CallRecord, Terms, dial
from webhooks.rehearsal.wsgi import InProcess

TOKEN = "12345"
PUBLIC = "https://line.example"
START = "/voice/incoming"


@dataclass
class Asked:
    """One request as the line saw it."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]
    query: dict[str, str]


@dataclass
class ToyLine:
    """A WSGI app answering each path with a text (TwiML), a Response, or what a function of the request makes."""

    answers: dict[str, object]
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, environ, start_response):
        request = Request(environ)
        self.asked.append(
            Asked(
                request.method,
                request.path,
                request.form.to_dict(),
                dict(request.headers.items()),
                request.args.to_dict(),
            )
        )
        answer = self.answers.get(request.path, Response(status=204 if request.path == "/voice/status" else 404))
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        if isinstance(answer, str):
            answer = twiml(answer)
        return answer(environ, start_response)

    def digits(self) -> list[str | None]:
        """The keys of every request but the first and the status callback; None where none were sent."""
        return [one.form.get("Digits") for one in self.asked[1:] if one.path != "/voice/status"]

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


def twiml(inner: str) -> Response:
    return Response(f"<Response>{inner}</Response>", content_type="text/xml")


@dataclass
class Puppet:
    """Acts by list: keys as text, "" for silence, "hang up", or a Reaction. After the list it is silent."""

    acts: Iterable[object] = ()
    pace: Pace = field(default_factory=Pace)
    stretches: list[Stretch] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._acts = iter(self.acts)

    def react(self, stretch: Stretch) -> Reaction:
        self.stretches.append(stretch)
        act = next(self._acts, "")
        if isinstance(act, Reaction):
            return act
        if act == "hang up":
            return hanging_up(stretch)
        return keying(str(act), stretch, self.pace) if act else SILENCE

    def heard(self, words: str) -> None:
        self.words.append(words)


@dataclass
class Rung:
    record: CallRecord
    line: ToyLine
    caller: object


@pytest.fixture
def ring() -> Callable[..., Rung]:
    def ring(answers, acts=(), *, caller=None, number="+14155550123", on_line=None, **terms) -> Rung:
        line = ToyLine({START: answers} if isinstance(answers, str) else answers)
        caller = caller or Puppet(acts)
        record = dial(
            "http://127.0.0.1:8080",
            auth_token=TOKEN,
            public_url=PUBLIC,
            caller_number=number,
            line_number="+15005550006",
            caller=caller,
            terms=Terms(transport=InProcess(line), call_sid="CA" + "1" * 32, **terms),
            on_line=on_line,
        )
        return Rung(record, line, caller)

    return ring


@pytest.fixture
def serve() -> Iterator[Callable[[object], str]]:
    """Serve an app on loopback; gives its address."""
    servers = []

    def serve(app) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


BLOCKS = ("111222", "222333", "333444", "444555", "555666", "666777", "777888", "888999")
LETTERS = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel")


@dataclass
class ActivationToy:
    """Just enough of an activation line: asks the groups one by one, reads back, gives a case after three misses."""

    groups: tuple[str, ...]
    known: dict[str, int] = field(default_factory=dict)
    misses: dict[str, int] = field(default_factory=dict)

    def app(self) -> ToyLine:
        """The line, with no call on it yet."""
        self.known.clear()
        self.misses.clear()
        return ToyLine({START: self.start, "/voice/turn/1": self.turn, "/voice/turn/2": self.menu})

    def start(self, request: Request) -> str:
        call = request.form["CallSid"]
        if call not in self.known:
            self.known[call] = 0
            return self._ask("Welcome. Key the first group of your installation ID, six digits.")
        return self._missed(call, "Nothing was keyed.")

    def turn(self, request: Request) -> str:
        call, keyed = request.form["CallSid"], request.form["Digits"]
        if keyed == "0":
            return "<Say>Your case number is 9 1 2 3 4 5. We call you back.</Say><Hangup/>"
        here = self.known[call]
        if keyed == "".join(self.groups):
            self.known[call] = len(self.groups)
        elif here == len(self.groups) or keyed != self.groups[here]:
            return self._missed(call, "That is not right.")
        else:
            self.known[call] += 1
        here = self.known[call]
        return self._read_back() if here == len(self.groups) else self._ask(f"Group {here + 1}.")

    def menu(self, _request: Request) -> str:
        return "<Say>Goodbye.</Say><Hangup/>"

    def _missed(self, call: str, why: str) -> str:
        self.misses[call] = self.misses.get(call, 0) + 1
        if self.misses[call] > 3:
            return "<Say>Your case number is 9 1 2 3 4 5. We call you back.</Say><Hangup/>"
        return self._ask(f"{why} Group {self.known[call] + 1} again.")

    def _ask(self, words: str) -> str:
        return (
            f'<Gather action="/voice/turn/1" timeout="3" finishOnKey="#"><Say>{words}</Say><Pause length="5"/></Gather>'
            f"<Redirect>{START}</Redirect>"
        )

    def _read_back(self) -> str:
        says = "".join(
            f'<Gather action="/voice/turn/2" numDigits="1" timeout="1" finishOnKey="">'
            f"<Say>{word[0]}, {word}. {' '.join(block[:3])}<break time='500ms'/>{' '.join(block[3:])}</Say></Gather>"
            for word, block in zip(LETTERS, BLOCKS, strict=True)
        )
        menu = '<Gather action="/voice/turn/2" numDigits="1"><Say>To hear it again, press star.</Say></Gather>'
        return f"<Say>Your confirmation ID has eight blocks.</Say>{says}{menu}<Redirect>/voice/turn/2</Redirect>"


IID = ("123456", "234567", "345678")


@pytest.fixture
def activation() -> ActivationToy:
    return ActivationToy(IID)
