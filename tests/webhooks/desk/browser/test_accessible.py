"""Every page of the desk under axe: nothing serious, light or dark."""

import json

import pytest

PAGES = (
    "queue",
    "logins",
    "office",
    "cases",
    "notices",
    "blocked",
    "hours",
    "operators",
    "operators/1",
    "entries",
    "grants",
    "nothing/there",
)


@pytest.fixture
def filled(stand):
    """Cases in the queue that show something in every column."""
    groups = stand.groups()
    stuck = (*groups[:3], "", *groups[4:])
    return [stand.enter(groups), stand.enter(stuck, "TRIES"), stand.enter()]


@pytest.mark.usefixtures("filled")
def test_no_page_of_the_desk_has_a_serious_fault_light_or_dark(at_desk, serious_faults):
    dag, found = at_desk(), {}

    def look(page):
        for scheme in ("light", "dark"):
            dag.scheme(scheme)
            if faults := serious_faults(dag.driver):
                found[f"{page}, {scheme}"] = faults

    dag.goes("/desk/login")
    look("login")
    dag.logs_in("Dag Ring")
    for page in PAGES:
        dag.goes(f"/desk/{page}")
        look(page)
    dag.goes("/desk/queue")
    dag.types("?")
    dag.waits_for("#keymap")
    look("key map")
    assert not found, json.dumps(found, indent=1)


def test_a_pale_word_and_a_field_without_a_name_would_be_found(at_desk, serious_faults):
    dag = at_desk()
    dag.goes("/desk/login")
    dag.driver.execute_script("""
        document.querySelector("label[for=name]").remove();
        document.querySelector("h1").style.color = "#ddd";
    """)
    assert {rule for rule, _ in serious_faults(dag.driver)} == {"color-contrast", "label"}
