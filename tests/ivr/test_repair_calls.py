"""Ten thousand slips at the rehearsal telephone: the true ID is reached in the end, and no other is ever accepted.

The telephone, its Gather and its clock are those that ring a real line; the dialogue answers it directly, in the words
of the catalogue, and a proof is weighed with the secrets of the line. Keys beyond a gather's room, or pressed while
nobody listens, are lost as they would be. The same callers ring the whole line over its database, less often.
"""

import random
import re
from dataclasses import dataclass, field

import pytest

from ivr.actions import HangUp, Listen, ReadBack, Reserve, Weigh
from ivr.dialogue import step
from ivr.events import Approved, CallStarted, CaseUnknown, Keyed, Refused, Silence, Weighed
from ivr.states import FindingCase
from ivr.weighing import decoded, genuine_among
from keys import ledger
from keys.groups import split
from keys.installation_id import encode
from keys.refusals import Refusal
from tests.conftest import CATALOGUES
from webhooks.app import create_app
from webhooks.rehearsal.caller import SILENCE, keying
from webhooks.rehearsal.clock import CallClock, Pace
from webhooks.rehearsal.dialling import Outcome, Terms, dial
from webhooks.rehearsal.entries import Routes
from webhooks.rehearsal.fetching import Fetched
from webhooks.rehearsal.hearing import asked_group
from webhooks.rehearsal.telephone import Telephone
from webhooks.rehearsal.verbs import Break, Document, Gather, Hangup, Pause, Say, Words
from webhooks.rehearsal.voice_form import CallSide
from webhooks.rehearsal.wsgi import InProcess

WORDS = CATALOGUES["en-US"]
FACTS = {"line_name": "Line", "hours": 24, "case_number": ("9 1 2", 500, "3 4 5")}
SIDE = CallSide("CA1", "AC1", "+14155550123", "+15550100")
SEEDS = 4
SLIPS = 850
"""Slips for each seed and format: 3 x 4 x 850 = 10,200 in all."""


@dataclass
class DialogueLine:
    """Answers a telephone as the line does. `accepted` are the IDs that were approved."""

    secrets: object
    clock: CallClock
    accepted: list = field(default_factory=list)
    offered: list = field(default_factory=list)
    troubles: list = field(default_factory=list)
    state: object = None
    replied_at: float = 0.0

    def document(self, _url, form, _method):
        after = self.clock.now - self.replied_at
        event = Keyed(form["Digits"], after) if "Digits" in form else Silence(after)
        event = CallStarted(withheld=False) if self.state is None else event
        while True:
            self.state, actions = step(self.state, event, country="US")
            if any(isinstance(action, Weigh) for action in actions):
                genuine = genuine_among(self.state.candidates, self.secrets)
                self.offered += [self.state.candidates[index].groups for index in genuine]
                event = Weighed(genuine)
            elif any(isinstance(action, Reserve) for action in actions):
                event = self.reserve(self.state.form.groups)
            elif isinstance(self.state, FindingCase):
                event = CaseUnknown()
            else:
                break
        self.replied_at = self.clock.now
        return Fetched(Document(tuple(spoken(actions[-1]))), 1, 0.0)

    def reserve(self, groups):
        iid = decoded(groups)
        if iid is None or isinstance(ledger.identify(iid, self.secrets), ledger.Refused):
            return Refused(Refusal.PROOF_WRONG)
        self.accepted.append(groups)
        return Approved(8, again=False)

    def notify(self, url, form):
        """The call is over."""


def spoken(action):
    """The verbs for one spoken action; a read-back ends the call here, for it is not what is looked at."""
    if isinstance(action, ReadBack):
        return [Hangup()]
    pieces = []
    for prompt in action.prompts:
        facts = {name: tuple(" ".join(fact)) if name == "digits" else fact for name, fact in prompt.facts}
        speech = WORDS.speech(prompt.prompt, FACTS | facts)
        pieces += [Break(piece / 1000) if isinstance(piece, int) else Words(piece) for piece in (*speech, " ")]
    if isinstance(action, HangUp):
        return [Say(tuple(pieces)), Hangup()]
    assert isinstance(action, Listen)
    nested = (Say(tuple(pieces)), Pause(action.first_wait))
    return [Gather(nested, "/turn", "POST", action.between, action.finish, action.most, action_on_empty=True)]


@dataclass
class Slipping:
    """A caller whose fingers slip, `slips` times in all: in a run of the whole ID, or group by group.

    Told that a group was wrong, this caller keys that group alone; whoever is in a run keys on to the end otherwise.
    """

    groups: tuple[str, ...]
    chance: random.Random
    slips: int
    in_a_run: bool
    pace: Pace = field(default_factory=Pace)
    made: list = field(default_factory=list)

    def react(self, stretch):
        words = stretch.words
        if not stretch.listening:
            return SILENCE
        if "press 2" in words:
            return keying("2", stretch, self.pace)
        if "If that is right" in words:
            right = all(f"Group {number} should be {' '.join(self.groups[int(number) - 1])}." in words
                        for number in re.findall(r"Group (\d) should", words))  # fmt: skip
            return keying("1" if right else "2", stretch, self.pace)
        number = asked_group(words)
        if number is None:  # cut short by a key still under way
            return keying("0", stretch, self.pace) if "case number, all" in words else SILENCE
        alone = not self.in_a_run or re.search(r"again|once more|second look|missing|is kept", words)
        keys = self.slipped(self.groups[number - 1 : number if alone else None])
        return keying(keys, stretch, self.pace, begin=self.chance.choice([None, 0.0]))

    def heard(self, words):
        """What was heard was acted on already."""

    def slipped(self, groups):
        """The keys that arrive for these groups."""
        digits = "".join(groups)
        if len(self.made) == self.slips or self.chance.random() < 0.2:
            return digits
        kind = self.chance.choice(["lost", "lost", "added", "added", "bounced", "wrong", "wrong", "swapped",
                                   "burst", "doubled", "left out"])  # fmt: skip
        self.made.append(kind)
        at = self.chance.randrange(len(digits))
        key = str(self.chance.randrange(10))
        start = at - at % 6
        match kind:
            case "lost":
                return digits[:at] + digits[at + 1 :]
            case "added":
                return digits[:at] + key + digits[at:]
            case "bounced":
                return digits[:at] + digits[at] + digits[at:]
            case "wrong":
                return digits[:at] + key + digits[at + 1 :]
            case "swapped":
                return digits[:at] + digits[at : at + 2][::-1] + digits[at + 2 :]
            case "burst":
                return digits[:at] + digits[at + self.chance.choice([2, 3]) :]
            case "doubled":
                return digits[:start] + digits[start : start + 6] + digits[start:]
            case _:
                return digits[:start] + digits[start + 6 :] or digits[:5]


def ring(groups, secrets, chance, slips, in_a_run):
    clock = CallClock()
    line = DialogueLine(secrets, clock)
    pace = Pace(turn_delay=chance.choice([0.3, 0.8, 1.5]))
    caller = Slipping(groups, chance, slips, in_a_run, pace)
    telephone = Telephone(SIDE, Routes("/", "/", "/"), line, caller, clock, pace)
    telephone.ring()
    return line, caller, telephone


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("product", [1, 3, 7])
def test_however_keys_slip_the_true_id_is_reached_and_no_other_is_accepted(product, seed, secrets, installation):
    chance = random.Random(f"{product} {seed}")
    slips = 0
    while slips < SLIPS:
        groups = split(encode(installation(product, chance.randrange(4_000_000), nonce=chance.randrange(256))))
        in_a_run = chance.random() < 0.6
        line, caller, telephone = ring(groups, secrets, chance, chance.choice([1, 1, 2, 3]), in_a_run)
        slips += len(caller.made)
        heard = "\n".join(f"{entry.side}: {entry.words} {entry.note}" for entry in telephone.transcript)
        assert line.accepted == [groups], f"{' '.join(groups)} {caller.made}\n{heard}"
        assert set(line.offered) <= {groups}, heard


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("product", [1, 3, 7])
def test_over_the_whole_line_as_well_and_each_machine_costs_one_activation(
    product, database, exchange, clock, issue_key, installation
):
    chance = random.Random(product)
    transport = InProcess(create_app(exchange))
    key = issue_key(product=product, granted=20).key
    for machine in range(20):
        fields = len(installation(product, key.serial).fingerprint)
        iid = installation(product, key.serial, fingerprint=(1 + machine % 15, 1 + machine // 15, *range(2, fields)))
        caller = Slipping(split(encode(iid)), chance, chance.choice([1, 2]), chance.random() < 0.6)
        record = dial(
            exchange.wording.public_url,
            auth_token=exchange.auth_tokens[0],
            public_url=exchange.wording.public_url,
            caller_number=f"+1415555{machine:04d}",
            line_number=exchange.lines.all[0].number,
            caller=caller,
            terms=Terms(sleep=clock.sleep, transport=transport),
        )
        assert record.outcome is Outcome.ACTIVATED, caller.made
    with database.read() as connection:
        balance = ledger.balance(connection, key.id)
    assert (balance.posted, balance.available) == (20, 0)
