"""A licence host is measured beside a bare view, as real processes, and weighed."""

import json
from datetime import date

from click.testing import CliRunner

from webhooks.bench.kms import FAMILY, Plan, Rate, Report, _activated, bare_view, told
from webhooks.cli.bench import kms
from webhooks.kms_host.folder import Folder


def test_host_and_bare_view_are_measured_in_one_run():
    words = ["--clients", "40", "--connections", "2", "--rounds", "1", "--requests", "70", "--json"]
    result = CliRunner().invoke(kms, words)
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    (rate,) = facts["rates"]
    assert rate["host"] > 0
    assert rate["ratio"] > 0
    assert 20 < facts["megabytes"] < 100
    assert facts["clients"] == 40


def test_the_host_that_is_measured_is_an_activated_one(tmp_path):
    folder = Folder(tmp_path / "host")
    _activated(folder)
    assert folder.load().standing(date(2026, 11, 24)).licence is not None
    assert folder.load().package.family == FAMILY


def test_the_bare_view_reads_and_answers():
    answer = bare_view().test_client().post("/kms/v1/lease", data=b"{}")
    assert (answer.status_code, sorted(answer.json)) == (200, ["answer", "certificate"])


def test_the_report_says_ratio_and_memory():
    report = Report({"cores": "2"}, Plan().clients, (Rate(32, 900.0, 1000.0, 0.9, 12.3),), 41.0, 52.0)
    said = told(report, markdown=True)
    assert "| 32 | 900 | 1,000 | 0.90 | 12.3 |" in said
    assert "52 MB with 10,000 clients" in said
