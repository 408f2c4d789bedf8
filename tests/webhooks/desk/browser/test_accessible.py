"""Every page of the desk as everybody may have it before them: nothing serious by axe, and none scrolls sideways.

Which pages there are is asked of the desk's own map of addresses, so that none can be forgotten.
"""

import json
from datetime import UTC, datetime, timedelta
from secrets import randbelow

import pytest
import requests

from ivr import call_backs, cases, claims, grant_requests, guesses, notices, operators, statistics
from ivr.callers import recognise
from ivr.grant_requests import GrantState, Wish
from ivr.guesses import GuessKind
from ivr.statistics import Cell
from keys import alarms, secrets_file
from keys.alarms import AlarmKind
from keys.issue import Order, issue
from keys.product_key import KeyType
from tests.conftest import CATALOGUES
from webhooks.desk.app import create_desk
from webhooks.desk.guards import Desk
from webhooks.lines_file import read_lines
from webhooks.twiml import Wording

from .conftest import NUMBER
from .looks import faults

ELSEWHERE = {"browser_phone.page", "browser_phone.sdk"}
"""What this desk has not, since no library was fetched; test_telephone looks at the page."""


@pytest.fixture
def secrets_here(stand):
    return secrets_file.load(stand.folder / "secrets.toml")


@pytest.fixture
def filled(stand, secrets_here):
    """Something in every table of every page; a case in the queue. Whatever waits for somebody is gone afterwards."""
    stand.clear()
    now, groups, key = datetime.now(UTC), stand.groups(), stand.product_key.key
    waiting = [stand.enter(groups), stand.enter((*groups[:3], "", *groups[4:]), "TRIES"), stand.enter()]
    caller = recognise("+14155550177", "US", pepper=secrets_here.pepper, number_key=secrets_here.number_key)
    with stand.database.begin() as connection:
        anna, cleo = (operators.find(connection, name).id for name in ("Anna Berg", "Cleo Marsh"))
        issue(connection, secrets_here, Order(1, key.agreement, 60, KeyType.KMS_HOST), now=now, actor="tester")
        alarms.ring(connection, AlarmKind.SERIAL_NEVER_ISSUED, 1, 77, "phone", now)
        for who in ("a" * 32, "b" * 32, "b" * 32):
            guesses.note(connection, GuessKind.PROOF, caller=who, prefix="c" * 32, call_sid="CA1", now=now)
        notices.switch_on(connection, None, "The office is closed on Friday.", cleo, now)
        notice = notices.switch_on(connection, None, "The machines of the north are down. We are at it.", cleo, now)
        notices.block(
            connection, caller.pseudonym, caller.sealed, "Shouts at everybody, again and again.", cleo, now=now
        )
        wish = Wish(key.id, key.agreement, 7000, "thirty new machines at the yard in the north", waiting[0].case_id)
        grant = grant_requests.write(connection, wish, GrantState.ASKED, anna, now)
        owed = call_backs.Wish("CA" + "7" * 32, waiting[1].case_id, NUMBER, caller.sealed, now - timedelta(days=2), 4)
        call_backs.note(connection, owed)
        counted = {Cell(1, "phone", region, "activated"): many for region, many in (("DE", 40), ("US", 2), ("FR", 12))}
        statistics.keep(connection, now.date() - timedelta(days=14), counted)
        assert claims.claim(connection, waiting[1].id, anna, now)
    yield waiting
    with stand.database.begin() as connection:
        grant_requests.decide(connection, grant, cleo, GrantState.DECLINED, now)
        notices.switch_off(connection, notice, cleo, now)
        notices.unblock(connection, caller.pseudonym, now)
        for alarm in alarms.unseen(connection):
            alarms.see(connection, alarm.id, "Cleo Marsh", now)
    stand.clear()


@pytest.fixture
def rules(stand, secrets_here):
    """What the desk's map of addresses has to look at."""
    catalogues = CATALOGUES
    lines = read_lines(stand.folder / "lines.toml", catalogues)
    desk = Desk(stand.database, secrets_here, lines, Wording("https://line.example", catalogues), stand.desk_url)
    rules = create_desk(desk).url_map.iter_rules()
    return [rule for rule in rules if "GET" in rule.methods and rule.endpoint not in {"static", "htmx"}]


def answered(operator, path):
    """What the desk answers whoever is logged in at this browser."""
    cookies = {each["name"]: each["value"] for each in operator.driver.get_cookies()}
    return requests.get(operator.stand.desk_url + path, cookies=cookies, timeout=30)


def test_no_page_has_a_serious_fault_or_scrolls_sideways(at_desk, stand, filled, rules, serious_faults):
    dag, found, walked = at_desk(), {}, set()
    with stand.database.begin() as connection:  # nobody waits in this case
        nobody_s = cases.open_case(
            connection, line=NUMBER, caller=None, layout=None, groups=(), now=datetime.now(UTC), below=randbelow
        ).number
    given = {
        "handoff_id": filled[0].id,
        "number": nobody_s,
        "operator_id": 1,
    }

    def look(page):
        if wrong := faults(dag.driver, serious_faults):
            found[page] = wrong

    dag.goes("/desk/login")
    look("login")
    dag.logs_in("Dag Ring")
    for rule in rules:
        _, path = rule.build({name: given[name] for name in rule.arguments})
        answer = answered(dag, path)
        if answer.history or not answer.text.startswith("<!doctype html>"):
            continue  # leads to another page, or is a part of one, or a file
        assert answer.ok or (answer.status_code == 404 and rule.endpoint in ELSEWHERE), rule.endpoint
        dag.goes(path)
        dag.driver.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        look(rule.endpoint)
        walked.add(rule.endpoint)
    assert walked >= {"case_page.page", "case_page.by_number", "office.page", "statistics_page.page", "mix_page.page"}
    dag.goes("/desk/nothing/there")
    look("problem")
    dag.goes("/desk/queue")
    dag.types("?")
    dag.waits_for("#keymap")
    look("key map")
    assert not found, json.dumps(found, indent=1)


def test_a_pale_word_a_field_without_a_name_and_a_wide_table_would_be_found(at_desk, serious_faults):
    dag = at_desk()
    dag.goes("/desk/login")
    dag.driver.execute_script("""
        document.querySelector("label[for=name]").remove();
        document.querySelector("h1").style.color = "#ddd";
        document.querySelector("form").insertAdjacentHTML("beforeend", "<p>" + "x".repeat(100) + "</p>");
    """)
    wrong = faults(dag.driver, serious_faults)
    assert {rule for rule, _ in wrong["wide, light"]} == {"color-contrast", "label"}
    assert {rule for rule, _ in wrong["narrow, light"]} == {"color-contrast", "label"}
    assert wrong["narrow, scrolls sideways"][-1].startswith("<p>xxx")
