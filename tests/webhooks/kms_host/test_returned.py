"""A licence host gives its activation back, at its own command line."""

import json

import pytest
from click.testing import CliRunner

from keys.device import host_package
from tests.kms import answered, key_of, package_of
from webhooks.cli.kms_host_watching import kms_host
from webhooks.kms_host.folder import Folder


@pytest.fixture
def command(tmp_path):
    """Runs a command over the host's folder; what it said in JSON."""

    def run(*words):
        done = CliRunner().invoke(kms_host, [*map(str, words), "--folder", str(tmp_path / "host"), "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return json.loads(done.stdout)

    return run


def test_a_host_gives_back_stops_and_is_installed_anew_with_another_id(command, tmp_path):
    package = package_of(returns=True)
    file = tmp_path / "package.json"
    file.write_text(json.dumps(package.to_facts()))
    installing = ("install", "--package", file, "--seed", "server room", key_of())
    first = command(*installing)
    answer = answered(host_package.read(package.to_facts()), Folder(tmp_path / "host").load().state)
    assert command("confirm", *answer.split())["state"] == "activated"
    given = command("return")
    assert (given["state"], len(given["return_code"].split())) == ("returned", 3)
    assert command("return")["return_code"] == given["return_code"]
    assert command("confirm", *answer.split())["outcome"] == "RETURNED"
    assert command("status")["state"] == "returned"
    anew = command(*installing, "--again")
    assert anew["state"] == "awaiting_confirmation"
    assert anew["installation_id"] != first["installation_id"]
    assert Folder(tmp_path / "host").returned() == ("".join(first["installation_id"].split()),)


def test_a_host_of_a_product_without_returns_gives_nothing_back(command, tmp_path):
    file = tmp_path / "package.json"
    file.write_text(json.dumps(package_of().to_facts()))
    command("install", "--package", file, "--seed", "server room", key_of())
    assert command("return")["outcome"] == "NO_RETURNS"
