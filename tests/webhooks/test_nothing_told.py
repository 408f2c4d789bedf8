"""A whole round of everything, with the log as the line writes it: no number, no key, no ID and no token is in it.

A call, a text, a program's requests and an operator's round, each in health, with slips, and with faults of ours whose
errors carry what was keyed.
"""

import re
from dataclasses import replace

from keys.groups import grouped, split
from keys.installation_id import encode
from tests.webhooks.api.conftest import app, program
from tests.webhooks.conftest import Texts
from tests.webhooks.desk.conftest import add_operator, compiled, desk, desk_app, desk_client, handoff, password_hash
from tests.webhooks.test_logs import logged, stream
from webhooks.api.guards import opened
from webhooks.app import create_app

__all__ = [
    "add_operator", "app", "compiled", "desk", "desk_app", "desk_client", "handoff", "logged", "password_hash",
    "program", "stream",
]  # fmt: skip
NUMBERS = ("+14155550123", "+14155550199")


def told_in(text):
    """Everything in a log that could be a number or an ID: what names a call or a moment is taken out first."""
    bare = re.sub(r"\b(?:CA|SM|AC|RQ)[0-9a-f]{32}\b", "", text)
    bare = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z?", "", bare)
    return re.sub(r"[^0-9A-Z_a-z]", "", bare), bare


def test_no_log_of_a_whole_round_holds_a_number_a_key_or_an_id(  # noqa: PLR0917 - everything at once
    exchange, texting, clock, ring, door_of, mak, installation, logged, program, desk_client, handoff
):
    iid = installation(1, mak.key.serial, nonce=5)
    groups, wrong = split(encode(iid)), encode(replace(iid, proof=iid.proof ^ 1))

    def breaks(*_):
        raise RuntimeError(f"{NUMBERS[0]} keyed {''.join(groups)} for {mak.text}")

    call = ring(NUMBERS[0]).key("".join(groups))
    blocks = re.findall(r"(?:\d[ ,.]+){5}\d", call.words)
    assert len(blocks) == 8
    ring(NUMBERS[0]).key(wrong)
    broken = ring(NUMBERS[0])
    broken.door = door_of(exchange, below=breaks, now=breaks)
    broken.key(groups[0]).key("1")
    texts = Texts(texting, clock, NUMBERS[1])
    assert texts.send(grouped(encode(installation(1, mak.key.serial, nonce=6))))
    texts.send(wrong)
    console = program()
    for text in (grouped(encode(iid)), wrong, groups[0], mak.text):
        console.post("/activations", {"installation_id": text})
    faulty = create_app(replace(exchange, now=breaks), api=opened(600, 8))
    faulty.test_client().post("/api/v1/activations", json={"installation_id": encode(iid)})
    waits = handoff(groups=groups[:3], caller=NUMBERS[0])
    anna = desk_client()
    anna.post("/desk/claim", handoff=waits.id)
    anna.post(f"/desk/cases/{waits.id}/note", note=f"called {NUMBERS[0]} about {mak.text}")
    anna.get(f"/desk/cases?key={mak.text}&caller={NUMBERS[0]}")
    anna.client.application.testing = False

    lines, text = logged()
    assert {line["event"] for line in lines} >= {"turn_failed"}
    together, bare = told_in(text)
    secret = [*(number[2:] for number in NUMBERS), "".join(groups), wrong, mak.text.replace("-", ""), "correcthorse"]
    secret += [re.sub(r"\D", "", block) for block in blocks] + list(groups)
    assert not [each for each in secret if each in together]
    assert not re.search(r"\d{5}|ttk_\w", bare), re.search(r".{40}(?:\d{5}|ttk_\w).{40}", bare)
