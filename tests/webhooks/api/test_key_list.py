"""An organisation reads its keys, and its own alone."""

import pytest

from keys.issue import block
from keys.product_key import KeyType
from tests.webhooks.api.conftest import OTHER
from tests.webhooks.api.test_activations import problem


def test_a_key_tells_how_it_stands_and_what_is_left(program, issue_key, installation, database, clock):
    key, knock = issue_key(granted=5).key, program()
    knock.activate(installation(1, key.serial))
    told = knock.get(f"/keys/1-{key.serial}")
    assert told.status_code == 200
    assert told.get_json() == {
        "id": f"1-{key.serial}",
        "product": {"number": 1, "name": "Fairway"},
        "last_five": key.last_five,
        "type": "mak",
        "status": "active",
        "agreement": "NS-1",
        "granted": 5,
        "pending": 0,
        "posted": 1,
        "available": 4,
    }
    with database.begin() as connection:
        block(connection, key, now=clock.now, actor="tester", reason="leaked")
    assert knock.get(f"/keys/1-{key.serial}").get_json()["status"] == "blocked"


def test_pages_bring_every_key_once_and_no_other_organisation_s(program, issue_key, foreign_key):
    own = [issue_key(product).key for product in (7, 1, 3, 1, 1, 7)]
    theirs = foreign_key().key
    own.append(issue_key(1, key_type=KeyType.KMS_CLIENT).key)
    knock, sizes, seen, following = program(), [], [], ""
    while following is not None and len(sizes) < 9:
        page = knock.get(f"/keys?limit=3{following}").get_json()
        sizes.append(len(page["keys"]))
        seen += [each["id"] for each in page["keys"]]
        following = None if page["next"] is None else f"&after={page['next']}"
    assert sizes == [3, 3, 1]
    assert seen == [f"{product}-{serial}" for product, serial in sorted((key.product, key.serial) for key in own)]
    page = program(organisation=OTHER, name="theirs").get("/keys").get_json()
    assert [each["id"] for each in page["keys"]] == [f"1-{theirs.serial}"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_another_s_key_is_as_one_that_was_never_issued(program, foreign_key, mak):
    knock = program()
    theirs = problem(knock.get(f"/keys/1-{foreign_key().key.serial}"), 404, "NOT_FOUND")
    assert problem(knock.get("/keys/1-99999"), 404, "NOT_FOUND") == theirs
    for nonsense in ("x", "1", "1-", "1:1", "99999-999999999", "1-9999999999", f"{mak.key.product}-\u0663"):
        problem(knock.get(f"/keys/{nonsense}"), 404, "NOT_FOUND")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_of_no_size_or_after_no_key_is_refused(program):
    knock = program()
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "limit=\uff11",
        "limit=9999",
        "after=x",
        "after=",
        "limt=3",
        "limit=3&limit=3",
    ):
        problem(knock.get(f"/keys?{query}"), 422, "PARAMETER_INVALID")
    for query in ("after=x", "after=", "after=1-"):
        problem(knock.get(f"/keys?{query}"), 422, "PARAMETER_INVALID")
    assert knock.get("/keys").get_json() == {"keys": [], "next": None}
