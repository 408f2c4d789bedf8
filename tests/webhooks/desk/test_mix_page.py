"""The page of licences: what an organisation has by multiple activation key, and by licence hosts of its own."""

import re

import pytest

from ivr.operators import Role
from keys import mix
from keys.product_key import KeyType
from tests.keys.claims import activate

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_an_organisations_mix_is_shown_key_by_key(desk_client, database, mak, issue_key, installation):
    host_key = issue_key(1, 60, KeyType.KMS_HOST).key
    for nonce in (1, 2, 3):
        activate(database, installation(1, mak.key.serial, nonce=nonce))
    for number, nonce in ((1, 1), (1, 2), (2, 1)):
        activate(database, installation(1, host_key.serial, nonce=nonce, fingerprint=(number,) * 8))
    with database.read() as connection:
        (found,) = mix.mixes(connection)
    assert (found.maks, found.mak_activations, found.hosts, found.host_activations) == (1, 3, 2, 3)
    shown = words(desk_client(Role.SUPERVISOR, name="Sofia Lind").get("/desk/licences").text)
    assert "Nordstern Shipping 1 3 1 2 3" in shown
    assert f"{host_key.last_five} 1:{host_key.serial} Fairway active 2 of 6 2 of 10 activations" in shown


def test_nobody_has_anything_yet_and_operators_do_not_look(desk_client):
    page = desk_client(Role.SUPERVISOR, name="Sofia Lind").get("/desk/licences").text
    assert "No organisation has a multiple activation key" in page
    assert desk_client(Role.OPERATOR, name="Anna Berg").get("/desk/licences").status_code == 403
