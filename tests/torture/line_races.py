"""Who meets in the queue, in the outbox and in a call at the same moment; see `tests.torture.test_races`."""

from datetime import date, timedelta
from itertools import count

from ivr import (
    call_backs,
    calls,
    cases,
    claims,
    desk_entries,
    opt_outs,
    outbox,
    queue,
    sending,
    taken_up,
    text_limits,
    waiting_room,
)
from ivr.actions import say
from ivr.call_backs import Wish
from ivr.deeds import Turn
from ivr.lines import Lines, TextLimits
from ivr.operators import NewOperator, Presence, Role, add, set_presence
from ivr.outbox import Draft, TextState
from ivr.sending import News
from ivr.turn import Knock, hang_up, take_turn
from keys import ledger
from keys.allowance import allowances
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.groups import split
from keys.installation_id import encode
from keys.issue import Order, issue
from keys.products import Product
from keys.reservations import reservations
from tests.conftest import NOW
from tests.torture.interleaving import Deed
from tests.torture.machines import caller
from tests.torture.outbox_machine import LINE as TEXT_LINE
from tests.torture.queue_machine import CALLER, LINE
from tests.torture.racing import Race, World
from webhooks.delivery import LEASE
from webhooks.desk import deciding, handling
from webhooks.desk.duties import SILENCE
from webhooks.desk.handling import Doing, Done

NUMBERS = ("+14155550123", "+14155550199")
LATER = NOW + timedelta(hours=1)


class LineWorld(World):
    """A key for nine, two installations, two callers and two operators, with a case of the first installation."""

    tables = (queue.handoffs, desk_entries.desk_entries, call_backs.call_backs, cases.cases, calls.calls, reservations,
              allowances, outbox.outbox, opt_outs.opt_outs, text_limits.text_counts)  # fmt: skip
    by_chance = frozenset({"number"})

    def begin(self, connection):
        load(
            connection,
            Catalogue(
                (Organisation("O"),), (Agreement("A", "O", "volume", date(2026, 1, 1)),), (Product(1, "P", 1, 8),)
            ),
        )
        self.numbers = count(1)
        key = issue(connection, self.secrets, Order(1, "A", 9), now=NOW, actor="tester").key
        self.iids = [self.installation(1, key.serial, nonce=nonce) for nonce in (1, 2)]
        self.people = [add(connection, NewOperator(f"o{n}", Role.OPERATOR, "x"), NOW) for n in range(2)]
        set_presence(connection, self.people[0].id, Presence.AVAILABLE, NOW)
        facts = {"line": LINE.number, "caller": CALLER, "layout": 1, "now": NOW, "below": self.below}
        self.case = cases.open_case(connection, groups=split(encode(self.iids[0])), **facts).id

    def below(self, below):
        return next(self.numbers) * 7919 % below

    def it_is_sound(self, connection):
        assert ledger.recount(connection) == ()

    def turn(self, connection, sid):
        return Turn(connection, self.secrets, "phone", sid, CALLER, LINE, NOW, self.below)

    def doing(self, connection, who):
        return Doing(connection, self.secrets, self.people[who], NOW, Lines((LINE,)), TextLimits())


def asks(sid="CA1"):
    def work(world, connection):
        calls.lock(connection, sid)
        cases.needs_person(connection, world.case, "ASKED", NOW)
        return type(waiting_room.enter(world.turn(connection, sid), world.case, "ASKED")).__name__

    return Deed(f"{sid} asks for a person", work, "carry_out")


def does(who, name, act):
    """What an operator does to the one stay there was."""

    def work(world, connection):
        done = act(world.doing(connection, who), 1)
        return done.kind if isinstance(done, Done) else (done.why, done.facts.get("who"))

    return Deed(f"operator {who} {name}", work)


def takes(who):
    return does(who, "claims", handling.claim)


def lets_go(who):
    return does(who, "releases", lambda doing, stay: handling.release(doing, stay, ""))


def hands_over(who):
    return does(who, "transfers", lambda doing, stay: handling.transfer(doing, stay, 2 - who, ""))


def hands_back(who):
    return does(who, "hands back", lambda doing, stay: deciding.hand_back(doing, stay, ""))


def gives(who):
    return does(who, "activates", lambda doing, stay: deciding.issue(doing, stay, "", by_text=False))


def closes(who):
    return does(who, "closes", lambda doing, stay: handling.close(doing, stay, "other", ""))


def says_here(who, at=LATER):
    def work(world, connection):
        return claims.see(connection, 1, world.people[who].id, at)

    return Deed(f"operator {who} is there", work)


def silence_ends():
    def work(_, connection):
        return [each.id for each in claims.return_silent(connection, NOW + 2 * SILENCE, SILENCE)]

    return Deed("the cases of silent operators go back", work)


def listens(sid="CA1"):
    def work(world, connection):
        calls.lock(connection, sid)  # as every turn does
        return type(waiting_room.look(world.turn(connection, sid), world.case, "")).__name__

    return Deed(f"a round of {sid} is over", work, "carry_out")


def leaves(sid="CA1"):
    def work(_, connection):
        calls.lock(connection, sid)
        return queue.leave(connection, sid, NOW)

    return Deed(f"{sid} hangs up", work)


def wishes(sid="CA1"):
    def work(world, connection):
        calls.lock(connection, sid)
        call_backs.note(connection, Wish(sid, world.case, LINE.number, "sealed", NOW, 24))
        return queue.leave(connection, sid, NOW)

    return Deed(f"{sid} would rather be called back", work, "carry_out")


def is_taken_up():
    return Deed("the case is taken up", lambda world, connection: taken_up.take_up(connection, world.case, NOW).case_id)


def rings(n, sid="CA1"):
    return knocks(n, sid, None, "")


def knocks(n, sid, turn, keys):
    """A request of the provider's about a call; `keys` is "all" for the whole ID of an installation."""

    def work(world, connection):
        known = world.secrets
        keyed = encode(world.iids[n]) if keys == "all" else split(encode(world.iids[n]))[0] if keys == "first" else keys
        knock = Knock(sid, lambda: caller(NUMBERS[n], known.pepper, known.number_key), LINE, turn, keyed, None)
        answer = take_turn(connection, known, knock, now=NOW + timedelta(seconds=9), below=world.below)
        return answer.turn, repr(answer.spoken), answer.case_number is not None, answer.blocks

    return Deed(f"{sid} brings {keys or 'nothing'} as turn {turn}", work, "carry_out")


def ends(sid="CA1"):
    return Deed(f"{sid} is over", lambda _, connection: hang_up(connection, sid, now=NOW + timedelta(seconds=9)))


def writes(number=NUMBERS[0], answers=None, most=9):
    def work(world, connection):
        draft = Draft(TEXT_LINE, number, (say("text.in", groups="1", count=1),), answers=answers)
        return outbox.write(connection, world.secrets, draft, TextLimits(most, most, most, most), now=NOW)

    return Deed("a text is written", work, "carry_out")


def claims_text(by, now=NOW):
    def work(world, connection):
        claimed = sending.claim(connection, by, now, LEASE)
        if claimed is None:
            return None
        world.claimed[by] = claimed
        return claimed.id, claimed.attempts

    return Deed(f"{by} looks for a text", work)


def has(by, what):
    """A delivery says of what it claimed that it is about to be posted, was accepted, failed, or is put off."""

    def work(world, connection):
        claimed = world.claimed[by]
        match what:
            case "posts":
                return sending.posting(connection, claimed, NOW)
            case "accepted":
                return sending.accepted(connection, claimed, "SM1", NOW)
            case "failed":
                return sending.failed(connection, claimed, 21614, NOW)
            case _:
                return sending.postponed(connection, claimed, LATER, NOW)

    return Deed(f"{by}: {what}", work)


def news(state):
    def work(world, connection):
        name = caller(NUMBERS[0], world.secrets.pepper, world.secrets.number_key).pseudonym
        return sending.note_status(connection, News(1, "SM1", name, state, None), NOW)

    return Deed(f"news: {state}", work)


def stops():
    def work(world, connection):
        who = caller(NUMBERS[0], world.secrets.pepper, world.secrets.number_key)
        opt_outs.stop(connection, TEXT_LINE.number, who, NOW)

    return Deed("somebody says stop", work)


RUNG = (rings(0),)
ASKED = (*RUNG, asks())
TAKEN = (*ASKED, takes(0))
ONE = (writes(),)
CLAIMED = (*ONE, claims_text("one"))
POSTED = (*CLAIMED, has("one", "posts"))
LINE_RACES = (
    Race("two operators claim one case", ASKED, takes(0), takes(1)),
    Race("a case is claimed while its caller hangs up", ASKED, takes(0), leaves()),
    Race("a case is claimed while its caller rings again", ASKED, takes(0), asks("CA2")),
    Race("a case is released while another claims it", TAKEN, lets_go(0), takes(1)),
    Race("a case is transferred and released at once", TAKEN, hands_over(0), lets_go(0)),
    Race("an operator decides while the caller hangs up", TAKEN, hands_back(0), leaves()),
    Race("an operator decides while a round ends", TAKEN, hands_back(0), listens()),
    Race("a decision is heard while the caller hangs up", (*TAKEN, hands_back(0)), listens(), leaves()),
    Race("an operator activates twice", TAKEN, gives(0), gives(0)),
    Race("an operator closes while it is activated", TAKEN, closes(0), gives(0)),
    Race("a silent operator's case goes back while they come", TAKEN, silence_ends(), says_here(0)),
    Race("a silent operator's case goes back while they close it", TAKEN, silence_ends(), closes(0)),
    Race("two sweep the silent", TAKEN, silence_ends(), silence_ends()),
    Race("a call-back is wished for while the case is closed", TAKEN, wishes(), closes(0)),
    Race("a call-back is wished for twice", ASKED, wishes(), wishes()),
    Race("two calls bring one case into the queue", (), asks("CA1"), asks("CA2")),
    Race("a case is taken up as its caller asks for a person", (), is_taken_up(), asks()),
    Race("a case is taken up twice", (), is_taken_up(), is_taken_up()),
    Race("two look for the one text", ONE, claims_text("one"), claims_text("two"), waits=False),
    Race("two look for the texts of two", (*ONE, writes(NUMBERS[1])), claims_text("one"), claims_text("two"),
         waits=False),
    Race("two look for the texts of one", (*ONE, writes()), claims_text("one"), claims_text("two"), waits=False),
    Race("two take up a text whose claim is over", CLAIMED, claims_text("two", LATER), claims_text("three", LATER),
         waits=False),
    Race("a claim is over while it posts", CLAIMED, has("one", "posts"), claims_text("two", LATER), passes_over=True),
    Race("a claim is over while the provider says no", POSTED, has("one", "failed"), claims_text("two", LATER),
         passes_over=True),
    Race("news comes while the provider answers", POSTED, has("one", "accepted"), news(TextState.DELIVERED)),
    Race("news comes in the wrong order at once", POSTED, news(TextState.SENT), news(TextState.DELIVERED)),
    Race("two last words come at once", POSTED, news(TextState.UNDELIVERED), news(TextState.DELIVERED)),
    Race("news comes while the text is put off", POSTED, has("one", "is put off"), news(TextState.DELIVERED)),
    Race("somebody says stop twice", (), stops(), stops()),
    Race("one text is answered twice", (), writes(answers="SMa"), writes(answers="SMa")),
    Race("two texts are written where one may be", (), writes(most=1), writes(most=1)),
    Race("two texts are written where one more may be", (writes(most=2),), writes(most=2), writes(most=2)),
    Race("two texts to two are written where one may be", (), writes(most=1), writes(NUMBERS[1], most=1)),
    Race("a call begins twice", (), rings(0), rings(0)),
    Race("a turn is brought twice", RUNG, knocks(0, "CA1", 1, "first"), knocks(0, "CA1", 1, "first")),
    Race("a whole ID is brought twice", RUNG, knocks(0, "CA1", 1, "all"), knocks(0, "CA1", 1, "all")),
    Race("a call is over while it is activated", RUNG, knocks(0, "CA1", 1, "all"), ends()),
    Race("two calls bring one installation", (*RUNG, rings(0, "CA2")), knocks(0, "CA1", 1, "all"),
         knocks(0, "CA2", 1, "all")),
    Race("a call is over twice", RUNG, ends(), ends()),
    Race("an operator activates what the call activates", TAKEN, gives(0), knocks(0, "CA1", 1, "all")),
)  # fmt: skip
