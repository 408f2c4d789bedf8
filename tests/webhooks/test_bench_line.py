"""`touchtone bench line`: a small run of the real thing, and the arithmetic. No absolute time is asserted."""

import json

import pytest
from click.testing import CliRunner

from webhooks.bench import load
from webhooks.bench.figures import CROWD, Comparison, Process, Report, Round, percentile, subject, told
from webhooks.bench.line import OURS, Plan, measure
from webhooks.cli.main import cli

FACTS = {
    "subject", "turns", "rate", "p50", "p99", "most_p99", "of_view", "of_floor", "least_of_floor", "p99_of_floor",
}  # fmt: skip


@pytest.fixture(scope="module")
def small_run():
    heard = []
    plan = Plan(databases=("sqlite",), connections=(1, 4), rounds=1, calls=1, starts=1)
    return measure(plan, heard.append), heard


def test_a_small_run_compares_the_line_with_both_baselines(small_run):
    report, heard = small_run
    facts = report.as_facts()
    assert [(each["database"], each["connections"]) for each in facts["comparisons"]] == [("sqlite", 1), ("sqlite", 4)]
    for each in facts["comparisons"]:
        assert [one["subject"] for one in each["subjects"]] == ["(a) signed view", "(b) floor", OURS]
        for one in each["subjects"]:
            assert set(one) == FACTS
            assert all(one[name] > 0 for name in FACTS - {"subject"})
        assert each["subjects"][1]["p99_of_floor"] == 1
    assert [one["of_floor"] for one in facts["comparisons"][0]["subjects"]][1] == 1
    assert len(heard) == 2


def test_every_group_turn_sent_is_timed(small_run):
    report, _ = small_run
    assert {one.turns for one in report.comparisons[0].subjects} == {8 * 7}
    assert {one.turns for one in report.comparisons[1].subjects} == {4 * 7}


def test_a_run_weighs_a_worker_times_a_start_and_counts_the_statements_of_a_turn(small_run):
    report, _ = small_run
    (process,) = report.processes
    assert 10 < process.idle_megabytes < 1000
    assert 10 < process.megabytes < 1000
    assert 0 < process.start_seconds < 30
    assert process.statements[0].startswith("SELECT")
    assert 2 <= len(process.statements) <= 4


def test_what_is_printed_has_the_figures_and_the_aims_beside_them(small_run):
    report, _ = small_run
    for markdown in (False, True):
        text = told(report, markdown=markdown)
        for word in ("turns/s", "p99 ms", "of (b)", "at least 0.8 of the floor", "under 90 MB", "start-up under 1.5 s"):
            assert word in text
    assert json.loads(json.dumps(report.as_facts()))["aims"]


def test_the_aims_at_32_connections_are_those_of_the_database():
    slow = Round(1.0, (0.06,) * 10)
    quick = Round(0.5, (0.01,) * 10)
    ours = subject(OURS, (slow,), (quick,), (quick,))
    process = Process("postgresql", 1, 8, 60.0, 91.0, 1.4, ("SELECT",))
    aims = {
        database: {
            aim.partition(": ")[2]: met
            for aim, _, met in Report({}, 1, (Comparison(database, CROWD, (ours,)),), (process,)).aims()
        }
        for database in ("sqlite", "postgresql")
    }
    assert aims["sqlite"]["p99 under 100 ms"] is True
    assert aims["postgresql"]["p99 under 50 ms"] is False
    assert aims["postgresql"]["at least 0.8 of the floor"] is False
    assert aims["postgresql"]["p99 at most 1.5 times the floor's"] is False
    assert aims["postgresql"]["under 90 MB a worker"] is False
    assert aims["postgresql"]["start-up under 1.5 s"] is True


def test_a_percentile_is_a_value_that_was_measured():
    assert percentile([7], 99) == 7
    assert percentile([1, 2], 50) == 1
    assert percentile(list(range(1, 201)), 99) == 198


def test_an_answer_without_the_right_words_ends_the_run(small_server):
    assert len(load.run(small_server, [[(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"right")] * 3] * 2).latencies) == 6
    with pytest.raises(load.WrongAnswerError) as wrong:
        load.run(small_server, [[(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"wrong")]])
    assert b"right words" in wrong.value.answer


def test_an_answer_with_another_status_ends_the_run(small_server):
    with pytest.raises(load.WrongAnswerError):
        load.run(small_server, [[(b"GET /lost HTTP/1.1\r\nHost: x\r\n\r\n", b"right")]])


@pytest.fixture
def small_server():
    import http.server
    import threading

    class Words(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Length", "11")
            self.end_headers()
            self.wfile.write(b"right words")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Words) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_numbers_of_connections_that_are_none_are_refused():
    for given in ("0", "many", "1,,2", "-1"):
        result = CliRunner().invoke(cli, ["bench", "line", "--connections", given])
        assert result.exit_code == 2
        assert "numbers from 1 to 512" in result.output
