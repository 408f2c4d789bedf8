"""Who meets in the ledger at the same moment; `tests.torture.test_races` lets them meet at every statement."""

from datetime import date, timedelta

from keys import hosts, ledger, reactivation, returning, seals
from keys.allowance import allowances
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.entries import entries, of_key
from keys.issue import Order, block, grant, issue
from keys.issued import product_keys
from keys.ledger import Activated, Claim, Refused, Replay, Reserved
from keys.ledger_many import reserve_and_post_many
from keys.product_key import KeyType
from keys.products import Product
from keys.replacing import replace
from keys.reservations import reservations
from keys.returning import By, GivenBack
from tests.conftest import NOW
from tests.torture.interleaving import Deed
from tests.torture.racing import Of, Race, World

HOLD = timedelta(minutes=10)
LATER = NOW + timedelta(hours=1)
AFTER_ITS_PERIOD = NOW + timedelta(days=8)
HARDWARE = {1: 1, 2: 2, 3: 3, 11: 1, 12: 1, 13: 1, 14: 1, 21: 1, 22: 1, 23: 1, 31: 2}
"""On which machine each installation is; from 20 on they are of licence hosts, with a key of their own."""


class LedgerWorld(World):
    """A key for two machines, and one for a single licence host that is activated twice at most."""

    tables = (reservations, entries, allowances, reactivation.reactivations, hosts.hosts, hosts.host_keys,
              returning.given_back, product_keys, seals.seals)  # fmt: skip
    by_chance = frozenset({"mac", "entry_id"})

    def begin(self, connection):
        agreement = Agreement("A", "O", "volume", date(2026, 1, 1))
        product = Product(1, "P", 1, 8, releases=1, free_reactivations=1, most_reactivations=2, period_days=7,
                          kms_hosts=1, kms_reactivations=1)  # fmt: skip
        load(connection, Catalogue((Organisation("O"),), (agreement,), (product,)))
        self.keys = [
            issue(connection, self.secrets, Order(1, "A", granted, kind), now=NOW, actor="tester").key
            for kind, granted in ((KeyType.MAK, 2), (KeyType.KMS_HOST, 60))
        ]

    def key(self, number):
        return self.keys[number > 20]

    def iid(self, number):
        return self.installation(1, self.key(number).serial, nonce=number, fingerprint=(HARDWARE[number],) * 8)

    def it_is_sound(self, connection):
        assert ledger.recount(connection) == ()
        assert reactivation.recount(connection) == ()
        assert hosts.recount_hosts(connection) == ()
        assert returning.recount(connection) == ()


def told(answer):
    match answer:
        case Activated(reservation, replay):
            return "activated", Of(reservation.id), reservation.basis, replay
        case Reserved(reservation_id):
            return "held", Of(reservation_id)
        case Replay(reservation_id, state):
            return "held or spent before", Of(reservation_id), state
        case GivenBack():
            return "given back", answer.counted, answer.before
        case Refused(refusal):
            return refusal
        case _:
            return answer


def claim(world, number, holder):
    return Claim(world.iid(number), 2, "text" if holder.startswith("text") else "phone", holder, None)


def activates(number, holder="call-1", *, careful=False, now=NOW):
    def work(world, connection):
        return told(ledger.reserve_and_post(connection, claim(world, number, holder), now=now))

    return Deed(f"{holder} activates {number}", work, "begin" if careful else "carry_out")


def holds(number, holder="call-1", now=NOW):
    def work(world, connection):
        done = ledger.reserve(connection, claim(world, number, holder), now=now, hold_for=HOLD)
        if isinstance(done, Reserved):
            world.held.setdefault(number, done.reservation_id)
        return told(done)

    return Deed(f"{holder} holds {number}", work, "carry_out")


def batch(*numbers):
    def work(world, connection):
        claims = [claim(world, number, "batch") for number in numbers]
        return [told(each) for each in reserve_and_post_many(connection, claims, now=NOW)]

    return Deed(f"a batch of {numbers}", work)


def posts(number, holder="call-1"):
    def work(world, connection):
        return ledger.post(connection, world.held[number], holder=holder, now=NOW)

    return Deed(f"{holder} spends what it holds", work)


def waits(number, until=LATER + HOLD):
    def work(world, connection):
        return ledger.extend(connection, world.held[number], until)

    return Deed("who holds waits for a person", work)


def hangs_up(holder="call-1"):
    return Deed(
        f"{holder} hangs up",
        lambda _, connection: ledger.void_held(connection, holder, now=NOW, reason="hang-up"),
    )


def sweeps(limit=500, now=LATER):
    return Deed("a sweep", lambda _, connection: ledger.expire(connection, now=now, limit=limit))


def releases(number):
    def work(world, connection):
        standing = returning.standing_of(connection, world.iid(number))
        by = By("tester", reason="lost")
        return told(returning.release(connection, world.key(number), standing, by=by, now=NOW))

    return Deed(f"{number} is released", work)


def blocks():
    return Deed(
        "the key is blocked",
        lambda world, connection: block(connection, world.keys[0], now=NOW, actor="tester", reason="test"),
    )


def grants():
    return Deed(
        "one more is granted",
        lambda world, connection: told(grant(connection, world.keys[0], 1, now=NOW, actor="tester").granted),
    )


def replaces():
    def work(world, connection):
        done = replace(connection, world.secrets, world.keys[0], now=NOW, actor="tester", reason="leaked")
        return done is not None

    return Deed("the key is replaced", work)


def lifts():
    def work(world, connection):
        product = returning.find_product(connection, 1)
        facts = {"now": NOW, "actor": "tester", "reason": "test"}
        return reactivation.lift(connection, world.keys[0], product, world.iid(11), 1, **facts)

    return Deed("a machine is let come again", work)


def seals_all():
    return Deed("a pass seals", lambda world, connection: seals.seal(connection, world.secrets.ledger_key))


def counts():
    """Whether the counters are the sums of the entries, which are asked for one after the other."""

    def work(world, connection):
        seen = ledger.balance(connection, world.keys[0].id)
        mine = [row for row in of_key(connection, limit=100) if row["key_id"] == world.keys[0].id]
        return all(sum(row[name] for row in mine) == getattr(seen, name) for name in ("granted", "pending", "posted"))

    return Deed("an auditor counts", work, "read")


FULL = (activates(1, "before", careful=True),)
HELD = (holds(1),)
CAME_AGAIN = (grants(), *FULL, activates(11, careful=True))
"""Machine 1 came again once, for nothing; once more it may, and is charged."""
LEDGER_RACES = (
    Race("two want the last one", FULL, activates(2, "call-2"), activates(3, "call-3")),
    Race("two want the last one, carefully", FULL, activates(2, "call-2", careful=True),
         activates(3, "call-3", careful=True)),
    Race("one holds the last one while another spends it", FULL, holds(2, "call-2"), activates(3, "call-3")),
    Race("two hold the last one", FULL, holds(2, "call-2"), holds(3, "call-3")),
    Race("a batch takes the last ones from a call", (), batch(1, 2, 3), activates(3, "call-3")),
    Race("two batches want the same, in another order", (), batch(1, 2), batch(2, 1, 3)),
    Race("two batches want the last one", FULL, batch(2), batch(3)),
    Race("one installation comes twice at once", (), activates(1), activates(1, "call-2")),
    Race("one installation comes twice at once, carefully", (), activates(1, careful=True),
         activates(1, "call-2", careful=True)),
    Race("one installation comes twice for the last one", FULL, activates(2), activates(2, "call-2")),
    Race("one installation comes in a batch and by itself", (), batch(2, 1), activates(1)),
    Race("one installation is held twice at once", (), holds(1), holds(1, "text-1")),
    Race("two spend one hold", HELD, posts(1), posts(1)),
    Race("two channels spend one hold", HELD, activates(1), activates(1, "text-1", careful=True)),
    Race("a batch spends what a call holds", HELD, batch(1, 2), posts(1)),
    Race("a batch spends what is given back", HELD, batch(1, 2), hangs_up()),
    Race("a caller hangs up while it is spent", HELD, posts(1), hangs_up()),
    Race("a caller hangs up while a text takes it over", HELD, holds(1, "text-1"), hangs_up()),
    Race("a caller hangs up while a text spends it", HELD, activates(1, "text-1"), hangs_up()),
    Race("a caller hangs up twice", HELD, hangs_up(), hangs_up()),
    Race("a hold runs out while its caller hangs up", HELD, hangs_up(), sweeps()),
    Race("a hold runs out while it is spent", HELD, posts(1), sweeps()),
    Race("a hold runs out while it is taken over", HELD, activates(1, "text-1", careful=True), sweeps()),
    Race("a hold runs out while somebody waits with it", HELD, waits(1), sweeps()),
    Race("two sweeps meet", (*HELD, holds(2)), sweeps(), sweeps(), waits=False),
    Race("two sweeps of one each meet", (*HELD, holds(2, now=NOW + HOLD)), sweeps(1), sweeps(1)),
    Race("what is given back is wanted at once", (*FULL, holds(2)), hangs_up(), activates(3, "call-3")),
    Race("a caller hangs up while another activates", HELD, hangs_up(), activates(2, "call-2")),
    Race("a machine comes again twice at once", FULL, activates(11), activates(12, "call-2")),
    Race("a machine comes again once too often", CAME_AGAIN, activates(12), activates(13, "call-2")),
    Race("a batch and a call bring a machine again", CAME_AGAIN, batch(12), activates(13, "call-2")),
    Race("a machine comes again while what it held is given back", (*FULL, holds(11)), hangs_up(),
         activates(12, "call-2")),
    Race("a machine comes again twice when its period is over", (*CAME_AGAIN, holds(12, now=NOW + HOLD)),
         activates(13, "call-2", now=AFTER_ITS_PERIOD), hangs_up()),
    Race("a machine is let come again while it comes", CAME_AGAIN, lifts(), activates(12)),
    Race("two licence hosts come at once", (), activates(21), activates(31, "call-2")),
    Race("a licence host comes again once too often", (activates(21),), activates(22), activates(23, "call-2")),
    Race("a licence host is given back while another comes", (holds(21),), hangs_up(), activates(31, "call-2")),
    Race("one is released twice", FULL, releases(1), releases(1)),
    Race("two are released where one may be", (*FULL, activates(2)), releases(1), releases(2)),
    Race("one is released while it is asked for", FULL, releases(1), activates(1)),
    Race("one is released while another wants it", (*FULL, activates(2)), releases(1), activates(3, "call-3")),
    Race("a key is blocked while it gives", FULL, blocks(), activates(2)),
    Race("a key is blocked twice", (), blocks(), blocks()),
    Race("one more is granted while the last one goes", (*FULL, activates(2)), grants(), activates(3, "call-3")),
    Race("a key is replaced while it gives", HELD, replaces(), activates(2)),
    Race("a key is replaced while what it holds is spent", HELD, replaces(), posts(1)),
    Race("a key is replaced twice", HELD, replaces(), replaces()),
    Race("an auditor counts while others activate", HELD, counts(), activates(2), waits=False),
    Race("two passes seal at once", HELD, seals_all(), seals_all()),
    Race("a pass seals while others activate", HELD, seals_all(), activates(2)),
)  # fmt: skip
