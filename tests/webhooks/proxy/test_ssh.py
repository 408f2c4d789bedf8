"""Collecting and applying over ssh: the system's client against a real server on loopback, where hosts misbehave."""

import asyncio
import json
import threading

import asyncssh
import pytest

from tests.programs import needs
from webhooks.proxy.faults import FileFault
from webhooks.proxy.over_ssh import read_hosts

pytestmark = needs("ssh")


class Hosts:
    """One server that is many hosts, told apart by the name that logs in: each has a machine, or a bad habit."""

    def __init__(self, fleet, folder):
        self.fleet, self.folder, self.busy, self.most = fleet, folder, 0, 0
        self.habits, self.given = {}, {}

    async def process(self, process):
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await self.serve(process, process.get_extra_info("username"))
        finally:
            self.busy -= 1

    async def serve(self, process, name):
        habit = self.habits.get(name)
        machine = self.fleet.machines.get(name)
        if habit == "slow":
            await asyncio.sleep(30)
        if habit == "loud":
            process.stdout.write("x" * 200_000)
            return process.exit(0)
        if habit == "wrong":
            process.stderr.write("touchtone: command not found\x1b[31m\n")
            return process.exit(127)
        if habit == "prose":
            process.stdout.write("Welcome!\n")
            return process.exit(0)
        if process.command == "deposit":
            facts = json.loads(await process.stdin.read())
            self.given[name] = process.command
            machine.deposit(facts)
        await asyncio.sleep(0.05)
        process.stdout.write(json.dumps(machine.report() | {"name": "localhost"}))
        return process.exit(0)


class Server(asyncssh.SSHServer):
    def begin_auth(self, _username):
        return True


@pytest.fixture
def hosts(fleet, tmp_path):
    """A server, and an ssh config under which `NAME@box` is the host of that name."""
    served = Hosts(fleet, tmp_path)
    client, host = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    key = tmp_path / "id"
    key.write_bytes(client.export_private_key("openssh"))
    key.chmod(0o600)
    (tmp_path / "authorized").write_bytes(client.export_public_key("openssh"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen():
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[host],
            authorized_client_keys=str(tmp_path / "authorized"),
            process_factory=served.process,
            encoding="utf-8",
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    known = f"[127.0.0.1]:{server.get_port()} {host.export_public_key('openssh').decode()}"
    (tmp_path / "known").write_text(known)
    served.config = tmp_path / "config"
    served.config.write_text(
        f"Host closed\n  HostName 127.0.0.1\n  Port 1\n"
        f"Host *\n  HostName 127.0.0.1\n  Port {server.get_port()}\n  IdentityFile {key}\n"
        f"  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {tmp_path / 'known'}\n"
        f"  StrictHostKeyChecking yes\n"
    )
    yield served

    async def end():
        server.close()
        await server.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run_coroutine_threadsafe(end(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


def ask(proxy, hosts, names, tmp_path, *words):
    listing = tmp_path / "hosts.txt"
    listing.write_text("# the bridge\n" + "".join(f"{name}@box {name}\n" for name in names))
    return proxy("collect", "ssh", listing, "--ssh-config", hosts.config, "--command", "report", "--json", *words)


def test_hosts_are_asked_at_once_and_a_bad_one_spoils_no_other(proxy, hosts, tmp_path):
    names = [machine.name for machine in hosts.fleet.many(6)]
    hosts.habits = {"slow": "slow", "loud": "loud", "wrong": "wrong", "prose": "prose"}
    taken = ask(proxy, hosts, [*names, *hosts.habits], tmp_path, "--seconds", "10", "--at-once", "5")
    assert (taken.status, taken.told["taken"]) == (1, 6)
    faults = {fault["file"].partition("@")[0]: fault["reason"] for fault in taken.told["faults"]}
    assert "within 10 seconds" in faults["slow"]
    assert "far more than a report" in faults["loud"]
    assert faults["wrong"] == "touchtone: command not found?[31m"
    assert "not a JSON object" in faults["prose"]
    assert 1 < hosts.most <= 5
    rows = proxy("list", "--json").told
    assert [(row["name"], row["host"]) for row in rows] == [(name, f"{name}@box") for name in names]


def test_a_host_that_cannot_be_reached_is_told_by_ssh_itself(proxy, hosts, tmp_path):
    listing = tmp_path / "hosts.txt"
    listing.write_text("closed\n")
    taken = proxy("collect", "ssh", listing, "--ssh-config", hosts.config, "--json")
    assert taken.status == 1
    assert "refused" in taken.told["faults"][0]["reason"]


def test_machines_are_activated_over_ssh_from_end_to_end(connected, hosts, stand_in, tmp_path):
    names = [machine.name for machine in hosts.fleet.many(4)]
    assert ask(connected, hosts, names, tmp_path).told["taken"] == 4
    assert connected("activate", "--json").told["activated"] == 4
    words = ("--ssh", "--ssh-config", hosts.config, "--command", "deposit", "--json")
    done = connected("apply", *words)
    assert (done.status, done.told["applied"]) == (0, 4)
    assert {row["standing"] for row in connected("list", "--json").told} == {"licensed"}
    hosts.fleet.machines[names[0]].reinstall(50)
    ask(connected, hosts, names, tmp_path)
    assert connected("reapply", *words).told["applied"] == 1
    assert hosts.fleet.machines[names[0]].status == "activated"
    assert len(stand_in.spent) == 4


@pytest.mark.parametrize("line", ["-oProxyCommand=touch", "a" * 300, "helm one\nradar one"])
def test_a_list_of_hosts_is_refused_by_its_line(tmp_path, line):
    with pytest.raises(FileFault) as raised:
        read_hosts(tmp_path / "hosts", f"good\n{line}\n")
    assert raised.value.line in {2, 3}
