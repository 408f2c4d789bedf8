"""The parts of the machine a host runs on, as Linux tells them, with what is virtual and removable marked."""

import pytest

from keys.device.hardware import Component, fingerprint, has_own_identity
from keys.formats import FORMATS
from webhooks.kms_host.this_machine import parts


def written(root, **files):
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def server(tmp_path):
    dmi = "sys__class__dmi__id__"
    written(
        tmp_path,
        **{
            f"{dmi}product_uuid": "4c4c4544-0042\n",
            f"{dmi}board_serial": "/8841/\n",
            "sys__block__sda__device__serial": "WD-1001\n",
            "sys__block__sda__removable": "0\n",
            "sys__block__sdb__device__serial": "STICK\n",
            "sys__block__sdb__removable": "1\n",
            "sys__block__loop0__size": "1\n",
            "sys__class__net__eth0__address": "00:1b:21:0a:0b:0c\n",
            "sys__class__net__eth0__device__vendor": "x\n",
            "sys__class__net__docker0__address": "02:42:ac:11:00:02\n",
            "sys__class__net__lo__address": "00:00:00:00:00:00\n",
            "proc__cpuinfo": "processor : 0\nmodel name\t: Example CPU\nmodel name\t: Example CPU\n",
            "proc__meminfo": "MemTotal:       16384 kB\nMemFree: 1 kB\n",
        },
    )
    return tmp_path


def test_a_servers_parts_are_read(server):
    assert parts(server) == {
        "machine": (Component("4c4c4544-0042"),),
        "board": (Component("/8841/"),),
        "disk": (Component("WD-1001"), Component("STICK", removable=True)),
        "network": (Component("02:42:ac:11:00:02", virtual=True), Component("00:1b:21:0a:0b:0c")),
        "processor": (Component("Example CPU"),),
        "memory": (Component("16384"),),
    }


@pytest.mark.parametrize(
    "nothing", ["", "0000", "To be filled by O.E.M.", "Default string", "Not Specified", "ffffffff"]
)
def test_what_the_firmware_fills_in_for_nothing_is_no_identity(server, nothing):
    written(server, **{"sys__class__dmi__id__product_uuid": nothing, "etc__machine-id": "abc123\n"})
    assert parts(server)["machine"] == (Component("abc123"),)


def test_a_machine_that_tells_nothing_has_no_identity(tmp_path):
    assert parts(tmp_path) == {}
    assert not has_own_identity(FORMATS[1], fingerprint(FORMATS[1], parts(tmp_path), bytes(9)))


def test_the_machine_of_this_test_is_the_same_twice():
    assert parts() == parts()
