"""Over a million inputs for all that reads what people, machines and files bring: each is read, or refused as bad.

Nothing else may come out (no bug of ours, no endless reading), and whatever is taken is what its own spelling says.
`make torture` goes on with new ones for as long as it is told to.
"""

import json
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ivr import plain_text
from ivr.entry import Expected, after_star, read_groups
from ivr.message import Word, read
from ivr.placing import place
from ivr.prompts import MalformedCatalogue, parse
from ivr.texting import Texted, begun
from ivr.texting import step as text_step
from keys import catalog_file, certificate, confirmation_id, ed25519, return_code, secrets_file
from keys import product_key as keys_of
from keys.device import store
from keys.device.build import ProductBuild
from keys.device.machine import State
from keys.device.paper import MachineReport, SavedPair
from keys.errors import BadInput
from keys.formats import FORMATS
from keys.groups import GROUP_DIGITS, check_groups, grouped, split
from keys.installation_id import InstallationID, decode, digest, encode, faults
from keys.kms import messages
from keys.product_key import KeyType, make
from keys.signed import instant_text
from keys.signed import make as signed
from tests.conftest import CATALOGUES
from tests.keys.test_catalog_file import GOOD as CATALOGUE
from tests.torture.mutants import SIGNS, mutant, spoilt
from webhooks.lines_file import read_lines
from webhooks.proxy import rooms, sealed_file
from webhooks.proxy.answers import read_answer
from webhooks.proxy.csv_file import read_rows
from webhooks.settings import SettingError, read_file

SLOWEST = 2.0
"""Seconds of processor time for one input, of which the longest has 70,000 signs."""
SEED = bytes(range(32))
PUBLISHER = certificate.public_key(SEED)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

SIGN = ed25519.signer(SEED)

IIDS = [InstallationID(1, 1, 41 + nonce, (1, 2, 3, 4, 5, 6, 7, 8), nonce, 12345) for nonce in range(4)]
IIDS += [InstallationID(3, 3, 41, (1, 2, 3, 4, 5, 6, 7), 9, 12345), InstallationID(7, 7, 41, (1,) * 8, 9, 12345)]
PLAIN = [encode(iid) for iid in IIDS]
SPELT = [*PLAIN, *map(grouped, PLAIN), "-".join(split(PLAIN[0])), "\uff11" + PLAIN[0][1:]]
PRODUCT_KEYS = [
    keys_of.encode(make(kind, product, serial, SEED)) for kind in KeyType for product, serial in ((1, 41), (3, 2**22))
]
CIDS = [
    " ".join(confirmation_id.issue(iid, verification_secret=SEED, key_secret=bytes(9), blocks=8)) for iid in IIDS[:4]
]
RETURNS = [" ".join(return_code.issue(iid, verification_secret=SEED, key_secret=bytes(9))) for iid in IIDS]
MESSAGES = [
    *SPELT, "STATUS", "1", "AGENT", "?", "Case 912 345 6785", "Hi! Group 4 should be 105201. Thanks, Bob",
    "A: 300217\nB: 156230\n3) 143814, 105201 and 518906", "\u201cLoved\u201d \u201c300217 156230\u201d", "\U0001f44d",
    "call me at +1 (415) 555-0123", "> 300217 156230\n\nis wrong",
]  # fmt: skip
WORDS = {"status": Word.STATUS, "?": Word.INSTRUCTIONS, "agent": Word.AGENT, "new": Word.NEW}
"""Nearly sound spellings of everything that is read."""


LONGEST = 60
"""Seconds after which an input is taken for one that never comes back."""


class EndlessError(Exception):
    """An input took longer than any may."""


@contextmanager
def bounded():
    """End an input that never comes back, so that the test fails and does not hang; each begins with `alarm` anew."""

    def over(*_):
        raise EndlessError

    before = signal.signal(signal.SIGALRM, over)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# What each reader is given, and what must be so of whatever it takes.


def a_product_key(text):
    found = keys_of.decode(text)
    assert keys_of.decode(keys_of.encode(found)) == found


def an_installation_id(text):
    found = decode(text)
    assert decode(encode(found)) == found


def the_faults_of_an_id(text):
    found = faults(text)
    if not found:
        assert encode(decode(text)).isdecimal()


def groups_keyed(text):
    digits = "".join(sign for sign in text if sign in "0123456789")
    layout = FORMATS.get(int(digits[:1] or 0), FORMATS[1])
    found = check_groups(layout, split(digits)[: layout.groups])
    assert all(fault.group is not None for fault in found)


def a_confirmation_id(text):
    found = confirmation_id.decode(text, FORMATS[1], 8)
    assert len(found.mac) > 30


def a_return_code(text):
    for fault in return_code.faults(text, 1):
        assert fault.fault


def keys_of_a_gather(text):
    digits = after_star("".join(sign for sign in text if sign in "0123456789*"))[:60]
    if digits:  # nothing keyed is silence, and is not read
        entry = read_groups(FORMATS.get(int(digits[0])), Expected(1, 9, 60), digits, {})
        assert all(len(group) == GROUP_DIGITS for group in entry.sound.values())


def a_text(text):
    message = read(text, WORDS)
    placed = place(message, layout=None, known={}, asked=())
    assert all(len(group) == GROUP_DIGITS for group in placed.groups.values())


def a_text_in_the_middle(text):
    state = begun(1, (*split(PLAIN[0])[:4], "", "", "", "", ""))
    after, actions = text_step(state, Texted(read(text, WORDS)))
    assert after is not None
    assert actions is not None


def plain_words(text):
    plain_text.own_and_quoted(plain_text.folded(text))


def a_catalogue(text):
    catalog_file.read(text)


def the_lines(text, folder):
    file = folder / "lines.toml"
    file.write_text(text, "utf-8")
    read_lines(file, LOCALES)


def the_settings(text, folder):
    file = folder / "settings.env"
    file.write_text(text, "utf-8")
    read_file(file)


def the_secrets(text, folder):
    file = folder / "secrets.toml"
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    secrets_file.load(file)


def prompts(text):
    parse(text.encode(), "en-US")


def a_list_of_machines(text):
    for row in read_rows(Path("fleet.csv"), text.encode()):
        assert all(row.facts.values())


def a_report(text):
    MachineReport.from_facts(store.facts_in(text.encode(), Path("report.json")))


def a_saved_pair(text):
    SavedPair.from_facts(store.facts_in(text.encode(), Path("pair.json")))


def a_build(text):
    ProductBuild.from_facts(store.facts_in(text.encode(), Path("build.json")))


def a_machine_s_state(text):
    State.from_facts(store.facts_in(text.encode(), Path("state.json")))


def a_signed_request(text):
    heading, _, lines = text.partition("\n")
    whole = sealed_file.seal(as_facts(heading), [as_facts(line) for line in lines.split("\n")], SEED)
    _, request = rooms.read_request(whole, "request.tt")
    assert request.installation_ids


def a_changed_request(content):
    rooms.read_request(content, "request.tt")
    assert content == REQUEST_FILE


def an_answer(text):
    read_answer(as_facts(text), PLAIN[0], PUBLISHER)


def a_certificate(text):
    body = json.loads(text) if is_json_object(text) else None
    certificate.verify(text if body is None else signed("certificate", body, SIGN), PUBLISHER)


def a_lease_request(text):
    messages.read_request(text.encode())


def a_lease(text):
    messages.read_answer(signed(messages.KIND, as_facts(text), SIGN), PUBLISHER, ed25519.check)


def is_json_object(text):
    """Whether it could be what one of ours has signed: JSON of what UTF-8 can say."""
    try:
        facts = json.loads(text)
        json.dumps(facts, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(facts, dict)


def as_facts(text):
    """The facts of a text that is JSON still; of any other, none but itself."""
    return json.loads(text) if is_json_object(text) else {"installation_id": text}


LOCALES = CATALOGUES
LINES = """\
[[line]]
number = "+15550100"
name = "Nordstern activation line"
country = "US"
text_sender = "+15550100"
text_countries = ["US", "CA"]
desk_hours = "mon-fri 09:00-17:00, sat 10:00-12:00"
time_zone = "Europe/Berlin"
days_off = ["2026-12-25"]
held_at = 40
"""
SECRETS = "[line]\n" + "".join(
    f'{name} = "{SEED.hex()}"\n' for name in ("ledger_key", "certificate_key", "number_key", "pepper")
)
SECRETS += f'[products.1]\nissuing_key = "{SEED.hex()}"\n[products.1.verification]\n1 = "{SEED.hex()}"\n'
PO = """\
msgid ""
msgstr ""
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"X-Voice: Polly.Joanna\\n"

msgctxt "group.short"
msgid "That was {count} digit."
msgid_plural "Those were {count} digits."
msgstr[0] "That was {count} digit."
msgstr[1] "Those were {count} digits."

#, fuzzy
msgctxt "opening.ask"
msgid "Key the first group, <pause ms=\\"500\\"/> please."
msgstr ""
"Key the first group, "
"please."
"""
REPORT = MachineReport("helm", 1, "Fairway", "YZ234", "activated", PLAIN[0], CIDS[0].replace(" ", "")).to_facts()
PAIR = SavedPair(PLAIN[0], CIDS[0].replace(" ", ""), "a.b.c").to_facts()
BUILD = ProductBuild(1, "Fairway", 1, 2, SEED, 8, dockable=True, line="+15550100", earlier={1: SEED}).to_facts()
STATED = certificate.Certificate(
    1, "Fairway", "YZ234", digest(IIDS[0]).hex(), tuple(CIDS[0].split()), None, 0, NOW
)  # fmt: skip
CERTIFICATE = certificate.sign(STATED, SEED)
ANSWER = {
    "installation_id": PLAIN[0], "outcome": "activated", "code": None, "replay": False,
    "confirmation_id": CIDS[0].split(), "certificate": CERTIFICATE,
}  # fmt: skip
LEASE_REQUEST = messages.write_request(
    messages.Request("Fairway", 1, "0" * 32, (1,) * 8, "f" * 32, NOW, 25, "helm")
).decode()
LEASE = json.dumps(
    {"family": "Fairway", "product": 1, "client": "0" * 32, "fingerprint": [1] * 8, "nonce": "f" * 32,
     "at": instant_text(NOW), "ends": instant_text(NOW), "count": 25, "threshold": 25, "refusal": None}
)  # fmt: skip
REQUEST = "\n".join(
    [json.dumps({"touchtone": "request", "request": "0" * 32, "privacy": "all", "made_at": NOW.isoformat()}),
     json.dumps({**REPORT})]
)  # fmt: skip
REQUEST_FILE = sealed_file.seal(as_facts(REQUEST.split("\n")[0]), [REPORT], SEED)
CSV = [f"name,installation_id,state\nhelm,{PLAIN[0]},activated\n", f'Name;Installation ID\n\'=helm;"{SPELT[7]}"\n']


@dataclass(frozen=True)
class Reader:
    """A reader, what it is fed with, how many in `make test`, and what it may raise (anything else is our bug)."""

    inputs: int
    corpus: list
    raises: tuple = (BadInput,)
    in_folder: bool = False


READERS = {
    a_product_key: Reader(500_000, PRODUCT_KEYS),
    an_installation_id: Reader(70_000, SPELT),
    the_faults_of_an_id: Reader(10_000, SPELT, ()),
    groups_keyed: Reader(10_000, SPELT, ()),
    a_confirmation_id: Reader(150_000, CIDS),
    a_return_code: Reader(150_000, RETURNS, ()),
    keys_of_a_gather: Reader(300, SPELT, ()),
    a_text: Reader(300, MESSAGES, ()),
    a_text_in_the_middle: Reader(200, MESSAGES, ()),
    plain_words: Reader(20_000, MESSAGES, ()),
    a_catalogue: Reader(2_000, [CATALOGUE]),
    the_lines: Reader(2_000, [LINES], (SettingError,), in_folder=True),
    the_settings: Reader(4_000, ["A=b\n# c\n\nTWILIO_AUTH_TOKEN=0\n"], (SettingError,), in_folder=True),
    the_secrets: Reader(2_000, [SECRETS], in_folder=True),
    prompts: Reader(1_500, [PO], (MalformedCatalogue,)),
    a_list_of_machines: Reader(20_000, CSV),
    a_report: Reader(10_000, [json.dumps(REPORT)]),
    a_saved_pair: Reader(20_000, [json.dumps(PAIR)]),
    a_build: Reader(20_000, [json.dumps(BUILD)]),
    a_signed_request: Reader(2_500, [REQUEST]),
    a_changed_request: Reader(2_500, [REQUEST_FILE]),
    an_answer: Reader(4_000, [json.dumps(ANSWER)]),
    a_certificate: Reader(4_000, [CERTIFICATE, json.dumps({"product": 1})]),
    a_lease_request: Reader(10_000, [LEASE_REQUEST]),
    a_lease: Reader(4_000, [LEASE]),
}


@pytest.mark.parametrize("read_one", READERS, ids=lambda each: each.__name__)
def test_whatever_comes_is_read_or_refused_as_bad_input(read_one, term, chance, tmp_path, record_property):
    reader = READERS[read_one]
    more = (tmp_path,) if reader.in_folder else ()
    done = 0
    with bounded():
        while term.goes_on(done, reader.inputs):
            first = reader.corpus[0]
            given = spoilt(chance, first) if isinstance(first, bytes) else mutant(chance, reader.corpus, SIGNS)
            begun_at = time.thread_time()
            signal.alarm(LONGEST)
            try:
                read_one(given, *more)
            except reader.raises:
                pass
            except Exception as error:
                error.add_note(f"input {done}: {given!r:.400}")
                raise
            took = time.thread_time() - begun_at
            assert took < SLOWEST, f"{took:.1f} s for input {done}: {given!r:.200}"
            done += 1
    record_property("inputs", done)


def test_what_is_sound_is_read():
    """The corpora are sound before they are changed: else the readers would never come past their first check."""
    for read_one, reader in READERS.items():
        if not reader.in_folder and read_one is not a_certificate:
            for each in reader.corpus:
                read_one(each)
    assert certificate.verify(CERTIFICATE, PUBLISHER) == STATED


def test_in_make_test_there_are_more_than_a_million_inputs():
    assert sum(reader.inputs for reader in READERS.values()) > 1_000_000
