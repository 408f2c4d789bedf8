"""Many texts at once, through the whole door: nothing is given twice, nothing too often, nobody is answered twice."""

from concurrent.futures import ThreadPoolExecutor

from keys import ledger
from keys.installation_id import encode

from .conftest import Texts

AT_ONCE = 8


def test_thirty_texters_for_ten_activations_get_ten_though_every_text_comes_twice(
    texting, clock, issue_key, installation, rows, database
):
    mak = issue_key(granted=10)
    phones = [Texts(texting, clock, f"+141555501{number:02d}") for number in range(30)]
    bodies = [encode(installation(1, mak.key.serial, nonce=nonce)) for nonce in range(30)]
    jobs = [(phone, body, f"SM{place}") for place, (phone, body) in enumerate(zip(phones, bodies, strict=True))] * 2
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda job: job[0].post(job[1], job[2]), jobs))
    prompts = [row["words"] for row in rows("outbox")]
    assert len(prompts) == 30, "one answer each"
    assert sum("text.approved" in words for words in prompts) == 10
    assert sum("reason.ALLOWANCE_EXHAUSTED" in words for words in prompts) == 20
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).available == 0
        assert ledger.recount(connection) == ()


def test_the_groups_of_one_id_all_sent_at_once_come_in_whatever_their_order(texting, clock, groups, rows):
    phone = Texts(texting, clock)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(phone.post, groups))
    assert len(rows("cases")) == 1
    assert rows("cases")[0]["state"] == "activated"
    assert phone.come()[-1].startswith("Approved.")


def test_one_text_brought_eight_times_at_once_is_taken_once(texting, clock, groups, rows):
    phone = Texts(texting, clock)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: phone.post(" ".join(groups), "SM1"), range(AT_ONCE)))
    assert len(rows("outbox")) == len(rows("reservations")) == len(rows("threads")) == 1
