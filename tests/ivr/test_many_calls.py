"""Many calls at once through the whole line: every turn delivered twice, more callers than the key has activations."""

from concurrent.futures import ThreadPoolExecutor

from keys import ledger, seals, verify
from keys.groups import split
from keys.installation_id import encode
from webhooks.app import create_app
from webhooks.rehearsal.dialling import Outcome, Terms, dial
from webhooks.rehearsal.fetching import Twice
from webhooks.rehearsal.scripted import ScriptedCaller
from webhooks.rehearsal.wsgi import InProcess

CALLERS = 40


def test_forty_callers_for_a_key_of_ten_every_turn_delivered_twice(database, exchange, secrets, mak, installation):
    line = InProcess(create_app(exchange))

    def call(caller):
        iid = installation(1, mak.key.serial, fingerprint=(1 + caller, *range(2, 9)))
        return dial(
            exchange.wording.public_url,
            auth_token=exchange.auth_tokens[0],
            public_url=exchange.wording.public_url,
            caller_number=f"+1415555{caller:04d}",
            line_number=exchange.lines.all[0].number,
            caller=ScriptedCaller(split(encode(iid))),
            terms=Terms(transport=line, twice=Twice.TURN_ABOUT, account_sid=exchange.account_sid),
        )

    with ThreadPoolExecutor(CALLERS) as callers:
        records = list(callers.map(call, range(CALLERS)))

    activated = [record for record in records if record.outcome is Outcome.ACTIVATED]
    refused = [record for record in records if record.outcome is not Outcome.ACTIVATED]
    assert len(activated) == 10
    assert {record.refusal for record in refused} == {"All activations of this product key are used."}
    assert len({record.confirmation_id for record in activated}) == 10
    assert not [(record.differences, record.troubles, record.problems) for record in records
                if record.differences or record.troubles or record.problems]  # fmt: skip
    with database.begin() as connection:
        balance = ledger.balance(connection, mak.key.id)
        assert (balance.posted, balance.pending, balance.available) == (10, 0, 0)
        seals.seal(connection, secrets.ledger_key)
    with database.read() as connection:
        report = verify.verify(connection, secrets)
    assert (report.unsealed, report.problems) == (0, ())
