"""`touchtone bench ledger`: a small run of the real thing, the arithmetic, and the page it is written into."""

import json

import pytest
from click.testing import CliRunner

from webhooks.bench import pgbench, written_down
from webhooks.bench.ledger import BATCH, HOT, MANY, SIMPLE, TPCB, LedgerReport, Rate, told
from webhooks.cli.main import cli

SMALL = ["bench", "ledger", "--connections", "1,2", "--rounds", "1", "--seconds", "1", "--keys", "5", "--batch", "20"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = tmp_path_factory.mktemp("docs") / "performance.md"
    page.write_text("Words before.\n\n<!-- bench ledger -->\nold\n<!-- /bench ledger -->\n\nWords after.\n")
    return page


@pytest.fixture(scope="module")
def on_sqlite(page):
    result = CliRunner().invoke(cli, [*SMALL, "--database", "sqlite", "--json", "--write", str(page)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_small_run_measures_one_key_many_keys_and_a_batch(on_sqlite):
    named = [(one["connections"], one["subject"]) for one in on_sqlite["rates"]]
    assert named == [(1, HOT), (1, MANY), (2, HOT), (2, MANY), (1, BATCH)]
    assert all(one["rate"] > 0 for one in on_sqlite["rates"])
    assert all(one["p99"] >= one["p50"] > 0 for one in on_sqlite["rates"][:4])


def test_every_activation_of_a_run_is_found_in_the_ledger(on_sqlite):
    assert on_sqlite["activated"] > 20


def test_sqlite_has_no_yardstick_and_no_aim(on_sqlite):
    assert on_sqlite["anchored"] is False
    assert on_sqlite["aims"] == []
    assert {one["of_tpcb"] for one in on_sqlite["rates"]} == {None}


def test_the_tables_are_put_between_their_marks_and_nowhere_else(on_sqlite, page):
    text = page.read_text()
    assert text.startswith("Words before.\n\n<!-- bench ledger -->\n\n")
    assert text.endswith("\n\n<!-- /bench ledger -->\n\nWords after.\n")
    assert "| sqlite | 2 | many keys |" in text
    assert "revision" in text
    assert "old" not in text
    assert f"{on_sqlite['activated']:,} activations were committed" in text


def test_a_page_without_marks_is_refused_before_anything_is_measured(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Nothing to replace.\n")
    result = CliRunner().invoke(cli, [*SMALL, "--json", "--write", str(page)])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["outcome"] == "NO_PLACE"
    assert page.read_text() == "Nothing to replace.\n"
    with pytest.raises(written_down.NoPlaceError):
        written_down.replaced("<!-- /bench line -->\n<!-- bench line -->\n", "line", "new")


def test_on_postgresql_ours_stands_beside_pgbench_on_the_same_server():
    result = CliRunner().invoke(cli, [*SMALL, "--connections", "2", "--database", "postgresql", "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    rates = {(one["connections"], one["subject"]): one for one in facts["rates"]}
    assert set(rates) == {(2, name) for name in (HOT, MANY, TPCB, SIMPLE)} | {(1, BATCH)}
    assert all(one["of_tpcb"] > 0 and one["of_simple"] > 0 for one in rates.values())
    assert rates[2, TPCB]["of_tpcb"] == rates[2, SIMPLE]["of_simple"] == 1
    assert [aim["aim"] for aim in facts["aims"]] == ["batch, a machine: at least 2.0 of TPC-B"]


def test_an_aim_is_held_to_at_32_connections_and_its_miss_is_said():
    rates = tuple(
        Rate("postgresql", connections, subject, 1_000.0, 1.0, 2.0, of_tpcb, of_tpcb / 2)
        for connections, subject, of_tpcb in ((1, HOT, 9.0), (32, HOT, 0.4), (32, MANY, 0.9), (1, BATCH, 2.5))
    )
    report = LedgerReport({}, 1, 1, True, 4, rates)
    assert [(aim.partition(",")[0], met) for aim, _, met in report.aims()] == [
        (HOT, True),
        (MANY, False),
        (BATCH, True),
    ]
    assert "| many keys, 32 connections: at least 1.0 of TPC-B | 0.90 | no |" in told(report, markdown=True)


def test_without_pgbench_the_report_says_how_to_get_it():
    report = LedgerReport({}, 1, 1, False, 0, (Rate("postgresql", 1, HOT, 1.0, 1.0, 1.0, None, None),))
    assert pgbench.HOW_TO_GET_IT in told(report)


def test_a_rate_that_pgbench_does_not_give_is_no_rate():
    with pytest.raises(pgbench.PgbenchFailedError):
        pgbench.rate_in("pgbench: error: connection to server failed")
