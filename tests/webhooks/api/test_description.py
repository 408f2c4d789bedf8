"""The published description is true: whatever a machine can think of sending is answered as it says."""

import json
import re

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import update

from ivr.tokens import Scope
from keys import return_code
from keys.derivation import key_secret
from keys.groups import grouped
from keys.installation_id import encode
from keys.products import products
from tests.webhooks.api.conftest import Program
from webhooks.api.description import description
from webhooks.api.guards import PREFIX, opened
from webhooks.app import create_app

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EXAMPLES = 25
BY_MEANING = {"INSTALLATION_ID_WRONG", "RETURN_CODE_MALFORMED", "IDEMPOTENCY_KEY_USED"}
"""What no schema can tell: check digits, and what came before."""
load_all_checks()


@pytest.fixture
def free(exchange, program):
    """The line with its API, and a program that may come as often as it likes."""
    app = create_app(exchange, api=opened(1_000_000, 8))
    return app, Program(app, program().text)


@schemathesis.deserializer("application/x-ndjson")
def lines_as_text(_context, response):
    """A batch's answer as the description has it: text; its lines are held to their schemas below."""
    return response.content.decode()


def operations(app):
    return schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", app)


def test_everybody_may_read_it_and_every_route_stands_in_it(free):
    app, knock = free
    answer = knock.client.get(f"{PREFIX}/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    described = answer.get_json()
    assert described["openapi"] == "3.1.0"
    told = {(path, method.upper()) for path, operations in described["paths"].items() for method in operations}
    routed = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == routed


def test_every_operation_asks_for_the_scope_that_its_view_asks_for(free):
    app, _ = free
    described = description("https://line.example")["paths"]
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            view = app.view_functions[rule.endpoint]
            (method,) = rule.methods - {"HEAD", "OPTIONS"}
            told = described[re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)][method.lower()]
            scope = getattr(view, "scope", None)
            assert scope in set(Scope) or (told["security"] == [] and view.open_door)
            assert scope is None or f"`{scope}`" in told["description"]


def send(operation, mode, knock, clock, texts, code):
    """What schemathesis thinks of for one operation, with IDs of ours among what it makes up; how many were sent."""
    sent, headers = [], {"Authorization": f"Bearer {knock.text}"}

    @seed(4)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), text=st.sampled_from(texts))
    def hold(case, text):
        if text and mode is schemathesis.GenerationMode.POSITIVE and isinstance(case.body, dict):
            if "lines" in case.body:
                case.body["lines"][0]["installation_id"] = text
            if "installation_id" in case.body:
                case.body["installation_id"] = text
            if "return_code" in case.body:
                case.body["return_code"] = code
        clock.sleep(61)  # schemathesis knocks without a right token as well, more often than one address may
        answer = case.call(headers=headers)
        meant = answer.status_code == 422 and answer.json()["code"] in BY_MEANING
        case.validate_response(answer, headers=headers, excluded_checks=[positive_data_acceptance] if meant else [])
        sent.append(answer.status_code)

    hold()
    return sent


@pytest.fixture
def code(database, secrets, mak, installation):
    """The return code of the first installation; its product takes activations back."""
    with database.begin() as connection:
        connection.execute(update(products).values(returns=5))
    held = secrets.products[1]
    proof = {"verification_secret": held.verification[2], "key_secret": key_secret(held.issuing_key, mak.key.serial)}
    return " ".join(return_code.issue(installation(1, mak.key.serial), **proof))


def test_schemathesis_finds_nothing(free, mak, issue_key, foreign_key, installation, clock, code):
    app, knock = free
    spent = issue_key(granted=0).key
    whole = [encode(installation(1, key.serial)) for key in (mak.key, spent, foreign_key().key)]
    texts = ["", *whole, encode(installation(3, 1)), grouped(whole[0]), whole[0][:-1], whole[0][:-1] + "x"]
    seen = {}
    for operation in (each.ok() for each in operations(app).get_all_operations()):
        for mode in schemathesis.GenerationMode:
            try:
                seen.setdefault(operation.label, set()).update(send(operation, mode, knock, clock, texts, code))
            except Unsatisfiable:
                # An operation that takes nothing cannot be sent anything wrong.
                assert operation.label.endswith("openapi.json")
    assert seen["POST /api/v1/activations"] >= {200, 201, 404, 409, 422}
    assert seen["POST /api/v1/activations/batch"] >= {200, 422}
    assert seen["POST /api/v1/returns"] >= {201, 200, 404, 409, 422}
    assert all(status < 500 for statuses in seen.values() for status in statuses)


def test_the_lines_of_a_batch_are_as_their_schemas_have_them(free, mak, installation):
    _, knock = free
    iid = installation(1, mak.key.serial)
    outcomes, end = knock.batch([iid, iid, "12", installation(1, mak.key.serial, generation=1)])
    assert len({each["outcome"] for each in outcomes}) > 1
    whole = description("https://line.example")

    def holds(name, facts):
        schema = {"$ref": f"#/components/schemas/{name}", "components": whole["components"]}
        jsonschema_rs.validator_for(json.dumps(schema)).validate(facts)

    for each in outcomes:
        holds("BatchOutcome", each)
    holds("BatchEnd", end)
    with pytest.raises(jsonschema_rs.ValidationError):
        holds("BatchEnd", outcomes[0])
