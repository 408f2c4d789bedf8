"""One installation by the API: activated once, answered alike for ever, refused with the ledger's own word."""

import threading

import pytest
from sqlalchemy import select, update

from keys import certificate, certifying, confirmation_id
from keys.derivation import key_secret
from keys.entries import of_key
from keys.groups import grouped
from keys.installation_id import digest, encode
from keys.issue import block
from keys.product_key import KeyType
from keys.products import products
from keys.refusals import Refusal
from keys.reservations import reservations
from keys.unavailable import Cause, DatabaseUnavailable
from webhooks.api.problems import Code, status_of

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def problem(answer, status, code):
    """A problem as RFC 9457 has it; its facts."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    facts = answer.get_json()
    assert (facts["status"], facts["code"]) == (status, code)
    assert facts["title"]
    assert facts["detail"].endswith(".")
    assert facts["type"] == f"urn:problem-type:touchtone:{code}"
    return facts


def test_an_installation_is_activated_and_the_machine_accepts_the_answer(program, mak, installation, secrets, balance):
    iid = installation(1, mak.key.serial)
    answer = program().activate(iid)
    assert (answer.status_code, answer.mimetype) == (201, "application/json")
    told = answer.get_json()
    stated = told.pop("certificate")
    blocks = told.pop("confirmation_id")
    assert told == {
        "outcome": "activated",
        "replay": False,
        "product": {"number": 1, "name": "Fairway"},
        "last_five": mak.key.last_five,
        "installation_id": grouped(encode(iid)),
        "valid_until": None,
    }
    held = secrets.products[1]
    confirmation_id.matches(
        " ".join(blocks),
        iid,
        verification_secret=held.verification[2],
        key_secret=key_secret(held.issuing_key, iid.serial),
        blocks=8,
    )
    proven = certificate.verify(stated, certificate.public_key(secrets.certificate_key))
    assert (proven.installation, list(proven.confirmation_id)) == (digest(iid).hex(), blocks)
    assert (proven.product, proven.product_name, proven.last_five) == (1, "Fairway", mak.key.last_five)
    assert (proven.valid_until, proven.reactivation) == (None, 0)
    assert balance(mak.key) == (0, 1, 9)


def test_the_same_again_in_another_spelling_is_the_same_answer_and_takes_nothing(
    program, mak, installation, clock, balance
):
    iid = installation(1, mak.key.serial)
    knock = program()
    first = knock.activate(iid).get_json()
    clock.sleep(3600)
    again = knock.activate(grouped(encode(iid)).replace(" ", " - "))
    assert again.status_code == 200
    assert again.get_json() == first | {"replay": True}
    assert balance(mak.key) == (0, 1, 9)


def test_what_is_stated_is_read_once_the_key_s_counter_is_free_for_others(
    program, mak, installation, database, monkeypatch
):
    read, seen = certifying.particulars, []

    def look(connection, ids):
        with database.read() as other:
            seen.extend(other.execute(select(reservations.c.state).where(reservations.c.id.in_(ids))).scalars())
        return read(connection, ids)

    monkeypatch.setattr(certifying, "particulars", look)
    assert program().activate(installation(1, mak.key.serial)).status_code == 201
    assert seen == ["posted"]


def test_whoever_is_cut_off_between_commit_and_answer_has_the_same_answer_when_they_ask_again(
    program, mak, installation, balance, monkeypatch
):
    iid, knock = installation(1, mak.key.serial), program()
    with monkeypatch.context() as broken:
        broken.setattr(certifying, "particulars", gone)
        problem(knock.activate(iid), 503, "DATABASE_UNAVAILABLE")
    again = knock.activate(iid)
    assert (again.status_code, again.get_json()["replay"]) == (200, True)
    assert again.get_json()["certificate"]
    assert balance(mak.key) == (0, 1, 9)


def gone(*_):
    raise DatabaseUnavailable(Cause.UNREACHABLE)


def test_what_was_activated_by_phone_is_the_same_by_the_api(program, ring, groups, mak, balance):
    call = ring()
    call.key("".join(groups))
    told = program().activate(" ".join(groups))
    assert (told.status_code, told.get_json()["replay"]) == (200, True)
    assert balance(mak.key)[1] == 1


def test_a_certificate_counts_what_was_activated_on_the_same_hardware_before(program, mak, installation, secrets):
    knock, key = program(), certificate.public_key(secrets.certificate_key)
    counted = []
    for nonce in (1, 2, 3, 2):
        told = knock.activate(installation(1, mak.key.serial, nonce=nonce)).get_json()
        counted.append(certificate.verify(told["certificate"], key).reactivation)
    assert counted == [0, 1, 2, 1]


def test_a_product_with_a_term_says_the_last_month(program, mak, installation, database, secrets):
    with database.begin() as connection:
        connection.execute(update(products).values(term_months=14))
    told = program().activate(installation(1, mak.key.serial)).get_json()
    assert told["valid_until"] == "2028-01"
    proven = certificate.verify(told["certificate"], certificate.public_key(secrets.certificate_key))
    assert proven.valid_until == "2028-01"


def test_the_entries_name_the_token_and_the_request(program, mak, installation, database):
    answer = program(name="ship yard 3").activate(installation(1, mak.key.serial))
    with database.read() as connection:
        written = of_key(connection, mak.key.id)[1:]
    assert [entry["kind"] for entry in written] == ["reserve", "post"]
    assert {(entry["actor"], entry["channel"], entry["holder"]) for entry in written} == {
        ("ship yard 3", "api", answer.headers["X-Request-Id"])
    }


@sqlite_only
def test_every_wrong_group_is_named_one_by_one(program, mak, installation, balance):
    groups = grouped(encode(installation(1, mak.key.serial))).split()
    groups[2] = groups[2][:5] + str((int(groups[2][5]) + 1) % 10)
    groups[4] = groups[4][:5]
    answer = program().activate(" ".join(groups))
    facts = problem(answer, 422, "INSTALLATION_ID_WRONG")
    assert [(each["group"], each["fault"]) for each in facts["groups"]] == [(3, "check_digit"), (5, "length")]
    assert "group 3" in facts["detail"]
    assert balance(mak.key) == (0, 0, 10)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("KEY_BLOCKED", 403),
        ("CHANNEL_NOT_ALLOWED", 403),
        ("KEY_TYPE_NOT_ALLOWED", 403),
        ("ALLOWANCE_EXHAUSTED", 409),
        ("PRODUCT_RETIRED", 410),
        ("FORMAT_NOT_OF_PRODUCT", 422),
        ("PRODUCT_UNKNOWN", 404),
    ],
)
@sqlite_only
def test_a_refusal_keeps_the_ledger_s_word(program, issue_key, installation, database, clock, code, status):
    key = issue_key(granted=0 if code == "ALLOWANCE_EXHAUSTED" else 5,
                    key_type=KeyType.KMS_CLIENT if code == "KEY_TYPE_NOT_ALLOWED" else KeyType.MAK).key  # fmt: skip
    iid = installation(1, key.serial)
    with database.begin() as connection:
        if code == "KEY_BLOCKED":
            block(connection, key, now=clock.now, actor="tester", reason="leaked")
        change = {
            "CHANNEL_NOT_ALLOWED": {"channels": "phone text"},
            "PRODUCT_RETIRED": {"status": "retired"},
            "FORMAT_NOT_OF_PRODUCT": {"format": 7},
        }.get(code)
        if change is not None:
            connection.execute(update(products).where(products.c.number == 1).values(change))
    if code == "PRODUCT_UNKNOWN":
        iid = type(iid)(iid.format, 2, iid.serial, iid.fingerprint, iid.nonce, iid.proof)
    problem(program().activate(iid), status, code)


def test_a_key_may_be_open_to_batches_and_closed_to_single_requests(program, mak, installation, database):
    with database.begin() as connection:
        connection.execute(update(products).values(channels="proxy"))
    knock, iid = program(), installation(1, mak.key.serial)
    problem(knock.activate(iid), 403, "CHANNEL_NOT_ALLOWED")
    outcomes, _ = knock.batch([iid])
    assert outcomes[0]["outcome"] == "activated"


def test_forty_at_once_for_the_last_ten_get_ten(program, mak, installation, balance):
    knock, answers = program(), []

    def one(nonce):
        answers.append(knock.activate(installation(1, mak.key.serial, nonce=nonce)).status_code)

    threads = [threading.Thread(target=one, args=(nonce,)) for nonce in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 10 + [409] * 30
    assert balance(mak.key) == (0, 10, 0)


def test_every_refusal_and_every_code_has_a_status_of_a_client_s_or_a_server_s_fault():
    assert all(400 <= status_of(code) < 600 for code in (*Refusal, *Code))
