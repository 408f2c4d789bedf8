"""The rules of the house that a look at the source can keep: sizes, names, openings, and where transactions begin."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("keys", "ivr", "webhooks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 60
NAMES_WE_DO_NOT_USE = {"utils", "helpers", "manager", "service", "handler", "models", "common", "misc"}

MAY_BEGIN = {
    "keys/database.py": "the door itself",
    "keys/patient.py": "what a new connection is told",
    "keys/migrations/running.py": "an upgrade",
    "webhooks/voice.py": "the turn, a status callback, a call-back wish",
    "webhooks/incoming_texts.py": "the text turn",
    "webhooks/delivery.py": "one delivery",
    "webhooks/desk_legs.py": "a step of one leg, a status callback",
    "webhooks/ringing.py": "one ring taken, its answer; a sweep",
    "webhooks/sms_status.py": "a status callback",
    "webhooks/health.py": "readiness",
    "webhooks/background.py": "one pass of background work",
    "webhooks/api/guards.py": "one request counted",
    "webhooks/api/activations.py": "an API request",
    "webhooks/api/allowance_requests.py": "an API request",
    "webhooks/api/returns.py": "an API request",
    "webhooks/api/batch.py": "one chunk of an API request",
    "webhooks/desk/blocking.py": "a desk view",
    "webhooks/desk/browser_phone.py": "a desk view",
    "webhooks/desk/calling.py": "a desk view",
    "webhooks/desk/case_list.py": "a desk view",
    "webhooks/desk/deeds.py": "a desk view",
    "webhooks/desk/guessing.py": "a desk view",
    "webhooks/desk/guards.py": "a page of a login was heard from",
    "webhooks/desk/logging_in.py": "a login",
    "webhooks/desk/notices_page.py": "a desk view",
    "webhooks/desk/queue_page.py": "a desk view",
    "webhooks/desk/signs_page.py": "a desk view",
    "webhooks/desk/staff.py": "a desk view",
    "webhooks/desk/taking_up.py": "a desk view",
    "webhooks/desk/duties.py": "one round of the desk's duties",
    "webhooks/cli/catalog.py": "a command",
    "webhooks/cli/escrow.py": "a command",
    "webhooks/cli/key.py": "a command",
    "webhooks/cli/caller.py": "a command",
    "webhooks/cli/case.py": "a command",
    "webhooks/kms_host/register.py": "one change of a licence host's own file",
    "webhooks/cli/operator.py": "a command",
    "webhooks/cli/twilio_outage.py": "a command",
    "webhooks/cli/token.py": "a command",
    "webhooks/cli/proxy.py": "a command, in the console's own file",
    "webhooks/cli/proxy_activating.py": "a command, in the console's own file",
    "webhooks/cli/proxy_collecting.py": "a command, in the console's own file",
    "webhooks/cli/proxy_rooms.py": "a command, in the console's own file",
    "webhooks/proxy/activating.py": "answers as they come, in the console's own file",
    "webhooks/proxy/tables.py": "the console's own file is made",
}
"""Every file that may begin (and so commit) a write transaction, and what for."""

MAY_OPEN_NUMBERS = {
    "ivr/answer.py": "the number that a caller keyed, read out to them",
    "ivr/call_texts.py": "a text in a call, and whether the caller's number takes one",
    "ivr/legs.py": "a caller of ours who is rung",
    "ivr/on_call.py": "a text to whoever is on call",
    "ivr/personal.py": "a caller's export",
    "ivr/wishes.py": "a text to whoever asked for a bigger allowance",
    "ivr/word_back.py": "a text to whoever asked for a bigger allowance",
    "webhooks/cli/case.py": "promised call-backs, for whoever makes them",
    "webhooks/delivery.py": "a text that is sent",
    "webhooks/desk/blocking.py": "a blocked caller, for a supervisor who looks",
    "webhooks/desk/deciding.py": "a text that an operator writes",
    "webhooks/desk/logging_in.py": "no number: an operator's second factor",
    "webhooks/incoming_texts.py": "a text that came while there was no database",
    "webhooks/ringing.py": "a call that is placed",
}
"""Every file that opens what is sealed under the number key, and what for."""


def name(path):
    return path.relative_to(ROOT).as_posix()


def tree(path):
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_short_and_opens_with_what_it_is_for(path):
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES
    assert ast.get_docstring(tree(path)), "no docstring"


WITHOUT_MIGRATIONS = [path for path in SOURCES if path.parent.name != "versions"]
"""A migration is a list of tables, as long as that is."""


@pytest.mark.parametrize("path", WITHOUT_MIGRATIONS, ids=name)
def test_a_function_fits_on_a_page(path):
    long = [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=name)
def test_an_init_file_holds_a_docstring_only(path):
    assert len(tree(path).body) == 1


def test_no_room_is_named_after_nothing():
    assert not [
        name(path) for path in SOURCES if NAMES_WE_DO_NOT_USE & set(path.relative_to(ROOT).with_suffix("").parts)
    ]


def test_write_transactions_begin_in_few_named_places_only():
    begins = set()
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = node.func
                owner = ast.unparse(called.value)
                if called.attr in {"begin", "carry_out"} and owner not in {"calls", "idempotency"}:
                    begins.add(name(path))
                if called.attr == "commit" and owner != "savepoint":
                    begins.add(name(path))
    bench = {path for path in begins if path.startswith("webhooks/bench/")}
    assert begins - bench == set(MAY_BEGIN)


def test_numbers_are_opened_in_few_named_places_only():
    opens = {
        name(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "unseal"
        if "sealed_file" not in ast.unparse(node.func)
    }
    assert opens == set(MAY_OPEN_NUMBERS)


def test_the_ledger_and_the_rooms_of_the_call_never_commit():
    for room in (
        "keys/ledger.py",
        "keys/ledger_many.py",
        "keys/holds.py",
        "ivr/turn.py",
        "ivr/answer.py",
        "ivr/deeds.py",
        "ivr/calls.py",
        "ivr/cases.py",
        "ivr/call_backs.py",
        "ivr/outbox.py",
        "ivr/sending.py",
        "ivr/text_limits.py",
    ):
        assert ".commit(" not in (ROOT / room).read_text("utf-8").replace("savepoint.commit(", "")


def test_every_silenced_check_has_its_reason_beside_it():
    bare = [
        f"{name(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for mark in ("# noqa", "# type: ignore")
        if mark in line and " - " not in line.partition(mark)[2] and " # " not in line.partition(mark)[2]
    ]
    assert not bare
