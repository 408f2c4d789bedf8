"""The desk over the test's database, with people at it and cases in its queue.

- `desk`: a `Desk` over `database` and `secrets`, on the test's clock; `create_desk(desk)` is the application.
- `desk_client(role=Role.OPERATOR, name="Anna Berg", **facts)`: a `Desktop` that is logged in: `.get(path)`,
  `.post(path, field=...)` with the token of its page, `.part(path)` and `.post_part(path, ...)` as the page's script
  asks; `.operator` is who it is; `.client` the bare client. The same name twice is the same operator, logged in twice.
- `handoff(reason="ASKED", groups=(...), caller=..., channel="phone", after=seconds)`: puts a case into the queue,
  scored as the line does (`iid=`: with the key it names), and gives its `Handoff`; its call is in `calls`.
- `entries(kind=None)`: what was done, the oldest first.
"""

import re
from itertools import count

import pytest
from argon2 import PasswordHasher
from jinja2 import FileSystemBytecodeCache

from ivr import calls, cases, desk_entries, operators, queue, sightings
from ivr.callers import recognise
from ivr.calls import Call
from ivr.form import Form
from ivr.lines import Line, Lines
from ivr.operators import NewOperator, Role
from ivr.sightings import Attempt
from ivr.states import AskingGroup
from tests.conftest import CATALOGUES
from webhooks.desk.app import create_desk
from webhooks.desk.guards import Desk
from webhooks.twiml import Wording

PASSWORD = "correct horse battery"
PUBLIC_URL = "http://desk.example"
LINE = Line("+15550100", "Nordstern activation line", "US", "en-US", 24, text_sender="+15550100")


@pytest.fixture(scope="session")
def password_hash():
    """Light, and so is the look at it at each login: only `test_login` needs one as heavy as the desk's own."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


@pytest.fixture
def desk(database, secrets, clock):
    return Desk(
        database=database,
        secrets=secrets,
        lines=Lines((LINE,)),
        wording=Wording("https://line.example", CATALOGUES),
        public_url=PUBLIC_URL,
        now=lambda: clock.now,
    )


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """The templates as they were compiled once: each desk would do it anew, for half the time of its test."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("compiled")))


@pytest.fixture
def desk_app(desk, compiled):
    app = create_desk(desk)
    app.testing = True
    app.jinja_env.bytecode_cache = compiled
    return app


def token_in(page):
    """The token of the first form on a page."""
    return re.search(r'name="csrf" value="([0-9a-f]+)"', page).group(1)


class Desktop:
    """A browser of one operator, without its scripts."""

    def __init__(self, app):
        self.client = app.test_client()
        self.token = ""
        self.operator = None

    def log_in(self, name, password=PASSWORD, code="", **headers):
        """Log in by the form; the answer to it."""
        self.token = token_in(self.get("/desk/login").text)
        answer = self.post("/desk/login", headers=headers, name=name, password=password, code=code)
        if answer.status_code == 303:
            page = self.get("/desk/queue")
            self.token = token_in(page.text)
        return answer

    def get(self, path, **headers):
        """A whole page."""
        return self.client.get(path, headers=headers)

    def part(self, path):
        """A part of a page."""
        return self.client.get(path, headers={"HX-Request": "true"})

    def post(self, path, headers=None, **fields):
        """A form of a page."""
        return self.client.post(path, data={"csrf": self.token, **fields}, headers=headers)

    def post_part(self, path, **fields):
        """A form that the page's script sends."""
        return self.client.post(path, data=fields, headers={"HX-Request": "true", "X-Desk-Token": self.token})


@pytest.fixture
def add_operator(database, clock, password_hash):
    """Adds an operator, once a name."""

    def add(name="Anna Berg", role=Role.OPERATOR, **facts):
        with database.begin() as connection:
            known = operators.find(connection, name)
            return known or operators.add(connection, NewOperator(name, role, password_hash, **facts), clock.now)

    return add


@pytest.fixture
def desk_client(desk_app, add_operator):
    def opened(role=Role.OPERATOR, name="Anna Berg", **facts):
        desktop = Desktop(desk_app)
        desktop.operator = add_operator(name, role, **facts)
        assert desktop.log_in(name).status_code == 303
        return desktop

    return opened


@pytest.fixture
def handoff(database, secrets, clock):
    numbers = count(1)

    def enter(
        reason="ASKED", groups=(), caller="+14155550123", *, channel="phone", layout=1, after=0.0, state=None, iid=None
    ):
        clock.sleep(after)
        number = next(numbers)
        known = recognise(caller, "US", pepper=secrets.pepper, number_key=secrets.number_key)
        whose = known.pseudonym if known else None
        sid = f"CA{number:032x}" if channel != "text" else f"SM{number:032x}"
        with database.begin() as connection:
            case = cases.open_case(
                connection,
                line=LINE.number,
                caller=whose,
                layout=layout if groups else None,
                groups=tuple(groups),
                now=clock.now,
                below=lambda below: number * 7919 % below,
            )
            if channel != "text":
                at = state or AskingGroup(Form(format=layout, groups=tuple(groups)), len(groups) + 1)
                call = Call(sid, LINE.number, known, 1, at, "", clock.now, case.id, None, None)
                calls.begin(connection, call)
            cases.needs_person(connection, case.id, reason, clock.now)
            cases.scored(connection, case.id, sightings.look(connection, Attempt(whose, None, channel, iid), clock.now))
            return queue.enter(
                connection,
                case.id,
                channel=channel,
                sid=sid,
                line=LINE.number,
                caller=whose,
                reason=reason,
                now=clock.now,
            )

    return enter


@pytest.fixture
def entries(database):
    def listed(kind=None):
        table = desk_entries.desk_entries
        with database.read() as connection:
            rows = connection.execute(table.select().order_by(table.c.id)).all()
        return [row for row in rows if kind is None or row.kind == kind]

    return listed
