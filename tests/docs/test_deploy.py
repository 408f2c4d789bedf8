"""docs/deploy: what the files there name is there, and fits together. No image is built here: there is no daemon."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.programs import needs
from webhooks.api.bodies import LARGEST_BATCH
from webhooks.api.guards import PREFIX
from webhooks.app import LARGEST_FORM, create_app
from webhooks.cli.main import COMMANDS
from webhooks.desk.app import LARGEST_FORM as DESK_FORM
from webhooks.desk.app import ROOMS
from webhooks.server import FINISH_SECONDS
from webhooks.setting_list import SETTINGS, listed

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILE = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
STEPS = [line.split(None, 1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
OURS = {name: each for name, each in COMPOSE["services"].items() if name != "database"}
UNITS = ("touchtone.service", "touchtone-desk.service")
NAMES = {setting.name for setting in SETTINGS}
SECRET = {f"{setting.name}_FILE" for setting in SETTINGS if setting.secret}


def in_the_image():
    """What the Dockerfile sets."""
    return dict(word.split("=", 1) for kind, rest in STEPS if kind == "ENV" for word in shlex.split(rest))


def unit(name):
    """The lines of a unit file, as pairs."""
    lines = (DEPLOY / name).read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]


def port_of(setting):
    return in_the_image()[setting].rpartition(":")[2]


def test_every_file_that_the_dockerfile_copies_is_there_and_all_that_the_wheel_holds_is_copied():
    copied = [
        word for kind, rest in STEPS if kind == "COPY" and "--from" not in rest for word in shlex.split(rest)[:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*wheel, "pyproject.toml", "requirements.lock", project["project"]["readme"]} == set(copied)


def test_the_image_runs_a_command_of_ours_as_nobody_and_its_folder_and_ports_are_those_it_tells():
    last = {kind: rest for kind, rest in STEPS}  # noqa: C416 - the last of each kind stands
    assert last["ENTRYPOINT"] == '["touchtone"]'
    assert yaml.safe_load(last["CMD"])[0] in COMMANDS
    uid = last["USER"].partition(":")[0]
    assert uid.isdigit()
    assert uid != "0"
    assert f"--uid {uid} " in DOCKERFILE
    assert last["VOLUME"] == in_the_image()["TOUCHTONE_DATA_DIR"]
    assert last["EXPOSE"].split() == [port_of("TOUCHTONE_LISTEN"), port_of("TOUCHTONE_DESK_LISTEN")]
    stages = [rest for kind, rest in STEPS if kind == "FROM"]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert all(stage.startswith(f"python:{wanted}-") for stage in stages)


def test_every_setting_that_the_files_name_is_one():
    named = {name for name in in_the_image() if name.startswith(("TOUCHTONE_", "TWILIO_", "DATABASE_"))}
    for service in OURS.values():
        named |= set(service.get("environment", {}))
    for name in UNITS:
        named |= {value.partition("=")[0] for key, value in unit(name) if key == "Environment"}
    named |= set(re.findall(r"\b(?:TOUCHTONE|TWILIO)_[A-Z_]+\b", (DEPLOY / "index.md").read_text()))
    assert len(named) > 5
    assert named <= NAMES | SECRET


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_health_check_asks_a_path_that_is_open_to_everybody_at_the_port_that_is_bound(exchange):
    open_paths = {rule.rule for rule in create_app(exchange).url_map.iter_rules()}
    assert any(room.name == "probing" for room in ROOMS)
    checks = {"image": DOCKERFILE.partition("HEALTHCHECK")[2].splitlines()[0]}
    checks |= {name: str(each["healthcheck"]) for name, each in OURS.items() if "test" in each["healthcheck"]}
    assert set(checks) == {"image", "line", "desk"}
    for name, check in checks.items():
        port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", check).groups()
        assert path in open_paths
        assert port == port_of("TOUCHTONE_DESK_LISTEN" if name == "desk" else "TOUCHTONE_LISTEN")


def test_the_services_of_the_compose_file_fit_together():
    volumes, secrets = set(COMPOSE["volumes"]), set(COMPOSE["secrets"])
    for name, each in COMPOSE["services"].items():
        assert {volume.partition(":")[0] for volume in each["volumes"]} <= volumes
        assert set(each["secrets"]) <= secrets
        assert set(each.get("depends_on", {})) <= set(COMPOSE["services"])
        for value in each.get("environment", {}).values():
            if str(value).startswith("/run/secrets/"):
                assert value.rpartition("/")[2] in each["secrets"], name
    for name, each in OURS.items():
        assert each["command"][0] in COMMANDS
        assert each["volumes"] == [f"data:{in_the_image()['TOUCHTONE_DATA_DIR']}"]
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert (DEPLOY / each["build"]["context"]).resolve() == ROOT
        assert (ROOT / each["build"]["dockerfile"]).is_file()
        if name != "upgrade":
            assert each["depends_on"]["upgrade"]["condition"] == "service_completed_successfully"
            host, outside, inside = each["ports"][0].split(":")
            assert (host, outside) == ("127.0.0.1", inside)
            assert inside == port_of("TOUCHTONE_DESK_LISTEN" if name == "desk" else "TOUCHTONE_LISTEN")


def test_the_proxy_reads_a_request_whole_passes_it_on_as_it_came_and_lets_through_what_the_doors_take():
    conf = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text())
    line, desk = (part for part in re.split(r"\bserver \{", conf)[1:])
    for server, port, largest in ((line, "TOUCHTONE_LISTEN", LARGEST_FORM), (desk, "TOUCHTONE_DESK_LISTEN", DESK_FORM)):
        said = [tuple(words.split()) for words in re.findall(r"^ +(\w+ [^;{]+);", server, re.MULTILINE)]
        assert ("proxy_request_buffering", "on") in said
        assert ("proxy_request_buffering", "off") not in said
        assert {words[1] for words in said if words[0] == "proxy_pass"} == {f"http://127.0.0.1:{port_of(port)}"}
        assert ("client_max_body_size", f"{largest // 1024}k") in said
        assert {words[0] for words in said} >= {"client_header_timeout", "client_body_timeout"}
    api = line.partition(f"location {PREFIX[:5]} {{")[2]
    assert f"client_max_body_size {LARGEST_BATCH // 2**20}m;" in api
    assert "proxy_buffering off;" in desk
    assert re.findall(r"location (\S+) {", desk) == ["/desk"]  # its /healthz and /readyz are for this machine


def test_whoever_ends_a_line_waits_for_longer_than_it_takes():
    longest = int(in_the_image()["TOUCHTONE_LEAVE_SECONDS"]) + FINISH_SECONDS
    assert int(COMPOSE["services"]["line"]["stop_grace_period"].removesuffix("s")) > longest
    line = unit("touchtone.service")
    leave = next(value.partition("=")[2] for key, value in line if value.startswith("TOUCHTONE_LEAVE_SECONDS="))
    assert int(dict(line)["TimeoutStopSec"]) > int(leave) + FINISH_SECONDS
    assert dict(line)["KillMode"] == "mixed"
    assert int(leave) <= 300
    assert listed("TOUCHTONE_LEAVE_SECONDS").default == "0"


@needs("systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit_and_little_exposed(name, tmp_path):
    facts = dict(unit(name))
    program, command = facts["ExecStart"].split()
    assert command in COMMANDS
    text = (DEPLOY / name).read_text().replace(program, "/bin/true").replace("=touchtone\nGroup=touchtone", "=daemon")
    (tmp_path / name).write_text(text)
    for words in (["verify"], ["security", "--offline=true", "--threshold=15"]):
        done = subprocess.run(
            ["systemd-analyze", *words, str(tmp_path / name)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert name not in done.stderr, done.stderr
