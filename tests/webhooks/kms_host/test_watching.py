"""What an administrator reads at the command line: how a host stands, its clients and events, and why it serves not."""

import json
import socket
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from tests.kms import package_of
from tests.kms_stand import Stand
from webhooks.cli.kms_host_watching import kms_host


def said(stand, *words):
    """What a command says, line by line, spaces made one."""
    result = CliRunner().invoke(kms_host, [*words, "--folder", str(stand.folder.path)])
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


@pytest.fixture
def today(tmp_path):
    """A host that is asked now, since the commands look at the clock."""
    made = Stand(tmp_path / "host", package_of(ends=date(2999, 12, 31)))
    made.now = datetime.now(UTC).replace(microsecond=0)
    yield made
    made.host.close()


def test_status_tells_count_and_threshold_and_what_is_wrong(today):
    for number in range(1, 6):
        today.ask(number)
    today.ask(5, fingerprint=(61,) * 8)
    lines = said(today, "status")
    for line in ("state activated", "threshold 5", "certificate ends 2999-12-31", "count 5"):
        assert line in lines
    assert "clients 1 leased, 4 waiting, 0 gone" in lines
    assert "leases soon to end: none" in lines
    shared = lines.index("identities shared: 1")
    assert lines[shared + 1] == "client name product state last seen ends refusal machines"
    assert f"{5:032x} desk-5 7 leased" in lines[shared + 2]
    assert lines[shared + 2].endswith(" 2")
    assert lines[lines.index("last errors: 5") + 2].endswith(
        "lease_refused 0000:0000 desk-1 refusal: BELOW_THRESHOLD, count: 1, threshold: 5"
    )


def test_a_host_that_leases_nothing_says_what_is_to_be_done(today):
    whole = today.folder.load()
    today.folder.save(replace(whole, state=replace(whole.state, confirmation_id=None)))
    lines = said(today, "status")
    assert "It waits for its confirmation ID: `touchtone kms-host iid` shows what to key or text." in lines
    assert "threshold -" in lines


def test_clients_and_events_stand_in_one_line_each(today):
    assert said(today, "clients") == []
    today.ask(1)
    today.ask(2)
    heads, *clients = said(today, "clients", "--state", "waiting")
    assert heads.startswith("client name product state")
    assert [line.split()[1] for line in clients] == ["desk-1", "desk-2"]
    heads, *events = said(today, "events")
    assert heads == "at event client name details"
    assert [line.split()[1] for line in events] == [
        "host_started",
        "host_activated",
        *("client_new", "lease_refused") * 2,
    ]
    assert len(said(today, "events", "--trouble", "--last", "1")) == 2


def test_a_host_says_at_its_start_how_it_stands(today):
    assert today.events()[:2] == ["host_started", "host_activated"]


def test_a_folder_is_served_by_one_process_and_a_port_by_one_program(today, monkeypatch):
    """The server would share the port: every other client would reach another host, or the same one twice."""
    from webhooks.kms_host import serving

    served = []
    monkeypatch.setattr(serving, "serve", lambda *given: served.append(given[1:]))

    def serve(port):
        words = ["serve", "--folder", str(today.folder.path), "--listen", f"127.0.0.1:{port}", "--json"]
        done = CliRunner().invoke(kms_host, words)
        return json.loads(done.stdout)["outcome"] if done.exit_code else "served"

    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        taken = other.getsockname()[1]
        assert serve(taken) == "ADDRESS_TAKEN"
    assert serve(taken) == "served"
    with today.folder.taken():
        assert serve(taken) == "ALREADY_SERVING"
    assert serve(taken) == "served"
    assert served == [("127.0.0.1", taken, 8)] * 2
