"""An isolated room: a request goes out on a stick, comes back answered, and every change on the way is noticed."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhooks.proxy.conftest import Machine, run_proxy
from tests.webhooks.proxy.test_collecting import mutated
from webhooks.proxy import rooms, sealed_file
from webhooks.proxy.faults import FileFault
from webhooks.proxy.folder import open_folder

FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def room(another_console, fleet, tmp_path):
    """A console that no line reaches, with five machines."""
    console = another_console("room")
    fleet.many(5)
    console("collect", "folder", fleet.report(tmp_path / "in"))
    return console


def print_of(console):
    return console("status", "--json").told["fingerprint"]


def there_and_back(room, connected, stick, privacy="ids", *more):
    """The whole way; what each of the three commands told."""
    out = room("export", "--privacy", privacy, stick / "request.tt", "--json")
    done = connected(
        "activate-file", stick / "request.tt", stick / "answers.tt", "--from", print_of(room), *more, "--json"
    )
    back = room("import", stick / "answers.tt", "--from", print_of(connected), "--json")
    return out.told, done.told, back.told


@pytest.mark.parametrize("privacy", ["all", "no-names", "ids"])
def test_a_room_is_activated_and_its_machines_stay_its_own(room, connected, fleet, tmp_path, privacy):
    out, done, back = there_and_back(room, connected, tmp_path, privacy)
    assert (out["machines"], done["activated"], back["activated"], back["unanswered"]) == (5, 5, 5, 0)
    assert connected("list", "--json").told == []
    assert connected("status", "--json").told["to_activate"] == 0
    room("apply", "--to", tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        facts = json.loads(path.read_text())
        fleet.machines[facts["name"]].deposit(facts)
    assert {machine.status for machine in fleet.machines.values()} == {"activated"}


def test_each_level_of_privacy_lets_out_what_it_says_and_no_more(room, fleet, tmp_path):
    said = {}
    for privacy in ("all", "no-names", "ids"):
        room("export", "--privacy", privacy, tmp_path / privacy)
        said[privacy] = [json.loads(line) for line in (tmp_path / privacy).read_text().splitlines()]
    assert {line["name"] for line in said["all"][1:-1]} == set(fleet.machines)
    assert "machine-00" not in (tmp_path / "no-names").read_text()
    assert all(line["number"] for line in said["no-names"][1:-1])
    assert [set(line) for line in said["ids"][1:-1]] == [{"installation_id"}] * 5
    ids = [line["installation_id"] for line in said["ids"][1:-1]]
    assert ids == sorted(ids)


def test_machines_are_taken_over_only_if_asked_and_only_with_their_names(room, connected, tmp_path):
    there_and_back(room, connected, tmp_path, "all", "--keep")
    assert len(connected("list", "--json").told) == 5


def test_machines_without_names_cannot_be_taken_over(room, connected, tmp_path):
    room("export", tmp_path / "request.tt")
    words = ("activate-file", tmp_path / "request.tt", tmp_path / "answers.tt", "--keep", "--from", print_of(room))
    assert connected(*words, "--json").told["outcome"] == "NAMES_MISSING"


def test_a_console_is_taken_by_its_fingerprint_once(room, connected, another_console, tmp_path):
    room("export", tmp_path / "request.tt")
    words = ("activate-file", tmp_path / "request.tt", tmp_path / "answers.tt", "--json")
    assert connected(*words).told["outcome"] == "CONSOLE_UNKNOWN"
    stranger = print_of(another_console("stranger"))
    assert connected(*words, "--from", stranger).told["outcome"] == "CONSOLE_OTHER"
    assert not (tmp_path / "answers.tt").exists()
    assert connected(*words, "--from", print_of(room).upper().replace(" ", "")).status == 0
    room("export", tmp_path / "request.tt")
    assert connected(*words).status == 0


@pytest.mark.usefixtures("quick")
def test_a_run_that_is_cut_off_is_taken_up_and_nothing_is_taken_twice(room, connected, stand_in, tmp_path):
    room("export", tmp_path / "request.tt")
    stand_in.faults = [("cut", 2)] + [("status", 503, {})] * 20
    words = ("activate-file", tmp_path / "request.tt", tmp_path / "answers.tt", "--from", print_of(room), "--json")
    assert connected(*words, "--patience", "10").told["outcome"] == "LINE_UNAVAILABLE"
    stand_in.faults = []
    assert connected(*words).told["activated"] == 5
    assert len(stand_in.spent) == 5
    assert len(stand_in.asked[-1]) == 3


def test_refusals_come_back_as_such(room, connected, stand_in, tmp_path):
    stand_in.allowance = 3
    _, done, back = there_and_back(room, connected, tmp_path)
    assert (done["activated"], done["refused"], back["activated"], back["refused"]) == (3, 2, 3, 2)
    assert sum(row["answer"] == "ALLOWANCE_EXHAUSTED" for row in room("list", "--json").told) == 2


def test_answers_to_another_request_or_of_another_room_are_refused(room, connected, another_console, tmp_path):
    there_and_back(room, connected, tmp_path)
    other = another_console("other room")
    words = ("import", tmp_path / "answers.tt", "--from", print_of(connected), "--json")
    assert "answers no request of this console" in other(*words).told["reason"]
    assert "is no file of answers" in room("import", tmp_path / "request.tt", "--json").told["reason"]
    words = ("activate-file", tmp_path / "answers.tt", tmp_path / "more.tt", "--json")
    assert "is no file of requests" in connected(*words).told["reason"]


def forged(path, connected, change):
    """The answers changed by whoever has the activating console, and signed anew."""
    seed = open_folder(connected.folder).settings.signing_key
    sealed = sealed_file.unseal(path.read_bytes(), "")
    lines = [dict(line) for line in sealed.lines]
    change(lines)
    path.write_bytes(sealed_file.seal(sealed.heading, lines, seed))


def swap_answers(lines):
    for field in ("confirmation_id", "certificate"):
        lines[0][field], lines[1][field] = lines[1][field], lines[0][field]


def swap_machines(lines):
    lines[0]["installation_id"], lines[1]["installation_id"] = lines[1]["installation_id"], lines[0]["installation_id"]


def make_up(lines):
    lines[0]["confirmation_id"] = "1" + lines[0]["confirmation_id"][1:-1] + "0"


def say_twice(lines):
    lines.append(lines[0])


def unsign(lines):
    lines[0]["certificate"] = None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swap_answers, "line 2: is not the pinned publisher's answer (swapped)"),
        (swap_machines, "line 2: is not the pinned publisher's answer (swapped)"),
        (make_up, "line 2: is not the pinned publisher's answer (swapped)"),
        (unsign, "line 2: is not the pinned publisher's answer (unsigned)"),
        (say_twice, "line 7: answers what was not asked for, or was answered already"),
    ],
)
def test_even_the_activating_console_can_swap_nothing(room, connected, tmp_path, change, words):
    room("export", tmp_path / "request.tt")
    connected("activate-file", tmp_path / "request.tt", tmp_path / "answers.tt", "--from", print_of(room))
    good = (tmp_path / "answers.tt").read_bytes()
    forged(tmp_path / "answers.tt", connected, change)
    refused = room("import", tmp_path / "answers.tt", "--from", print_of(connected), "--json")
    assert refused.status == 1
    assert words in refused.told["reason"]
    assert room("apply", "--to", tmp_path / "out", "--json").told["machines"] == 0
    (tmp_path / "answers.tt").write_bytes(good)
    assert room("import", tmp_path / "answers.tt", "--from", print_of(connected), "--json").status == 0


def test_a_room_with_another_publisher_pinned_believes_nothing(connected, another_console, fleet, tmp_path):
    other = another_console("room", "A" * 42 + "E")
    fleet.many(1)
    other("collect", "folder", fleet.report(tmp_path / "in"))
    _, _, back = there_and_back(other, connected, tmp_path)
    assert "unsigned" in back["reason"]


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """A request and the console that made it."""
    folder = tmp_path_factory.mktemp("carried")
    run_proxy(folder / "room", "init")
    for number in range(4):
        Machine(f"m{number}", number).report(folder / "in")
    run_proxy(folder / "room", "collect", "folder", folder / "in")
    run_proxy(folder / "room", "export", "--privacy", "all", folder / "request.tt")
    return (folder / "request.tt").read_bytes()


def test_every_single_byte_that_is_changed_is_noticed(carried):
    for at in range(len(carried)):
        changed = carried[:at] + bytes([carried[at] ^ 1]) + carried[at + 1 :]
        with pytest.raises(FileFault):
            rooms.read_request(changed, "stick")


def test_every_case_of_a_letter_in_the_seal_counts(carried):
    body, last = carried[: carried.rindex(b"\n", 0, -1) + 1], carried[carried.rindex(b"\n", 0, -1) + 1 :]
    for changed in (last.upper(), last.replace(b":", b": "), last + b"\n", last.rstrip(), last[:-1] + b"\r\n"):
        with pytest.raises(FileFault):
            rooms.read_request(body + changed, "stick")


@FUZZ
@given(st.data())
def test_a_file_from_a_stick_is_taken_unchanged_or_refused_by_name(carried, data):
    content = data.draw(mutated(carried))
    if content == carried:
        return
    with pytest.raises(FileFault, match="stick"):
        rooms.read_request(content, "stick")


WEIRD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("1" * 54),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["touchtone", "request", "privacy", "x"]), WEIRD | st.sampled_from(["request", "ids"])
    ),
    st.lists(st.dictionaries(st.sampled_from(["installation_id", "name", "state"]), WEIRD), max_size=3),
)
def test_a_signed_file_with_anything_in_it_is_refused_by_name(heading, lines):
    with pytest.raises(FileFault, match="stick"):
        rooms.read_request(sealed_file.seal(heading, lines, bytes(32)), "stick")
