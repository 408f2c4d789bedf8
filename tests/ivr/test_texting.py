"""The dialogue by text as a whole: every text has one answer or none, and what was sound stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import (
    AskForMore,
    Enqueue,
    FindCase,
    LeaveCase,
    ReadWish,
    Reply,
    Reserve,
    TextQuestion,
    WishCallBack,
)
from ivr.agreed import Fit, Wanted
from ivr.cases import pick_number
from ivr.events import (
    Approved,
    Asked,
    CaseFound,
    CaseUnknown,
    DeskClosed,
    NotAsked,
    Queued,
    Refused,
    Weighed,
    WishImpossible,
    WishRead,
)
from ivr.message import Word, read
from ivr.text_states import KEPT, TextChecking, TextCollecting, TextForm, ranges
from ivr.texting import Texted, UnknownTextStep, step
from ivr.written import read_text_state, write
from keys.groups import check_group, split
from keys.installation_id import InstallationID, encode
from keys.refusals import Refusal

STANDARD = split(encode(InstallationID(1, 1, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
OTHER = split(encode(InstallationID(1, 1, 41, (8, 7, 6, 5, 4, 3, 2, 1), 77, 54321)))
COMPACT = split(encode(InstallationID(3, 3, 41, (1, 2, 3, 4, 5, 6, 7), 9, 12345)))
CLASSIC = split(encode(InstallationID(7, 7, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
CASE_NUMBER = pick_number(lambda below: 31415926 % below)
WORDS = {"?": Word.INSTRUCTIONS, "status": Word.STATUS, "new": Word.NEW, "agent": Word.AGENT, "more": Word.MORE}

ids = st.sampled_from([STANDARD, OTHER, COMPACT, CLASSIC])


@st.composite
def parts(draw):
    """Some groups of one of the IDs, now and then with a digit that is wrong or lost."""
    groups = draw(ids)
    first = draw(st.integers(0, len(groups) - 1))
    chosen = list(groups[first : draw(st.integers(first + 1, len(groups)))])
    slip = draw(st.sampled_from([None, "wrong", "lost"]))
    if slip:
        at = draw(st.integers(0, len(chosen) - 1))
        group = chosen[at]
        chosen[at] = group[1:] if slip == "lost" else str((int(group[0]) + 1) % 10) + group[1:]
    return draw(st.sampled_from([" ", "", "-", "\n", " and "])).join(chosen)


bodies = st.one_of(
    parts(),
    ids.map(" ".join),
    st.sampled_from(
        [
            "?",
            "status",
            "new",
            "agent",
            "more",
            "MORE 5 NS-1 why",
            "1",
            "2",
            "yes",
            CASE_NUMBER,
            f"case {CASE_NUMBER}",
            "hello",
            "",
        ]
    ),
    st.text(max_size=40),
)
found = st.sampled_from(
    [
        CaseUnknown(),
        CaseFound(None, ()),
        CaseFound(1, STANDARD),
        CaseFound(1, (*STANDARD[:3], "", *STANDARD[4:])),
        CaseFound(None, ("", STANDARD[1])),
    ]
)
answers = st.one_of(
    st.builds(Approved, st.sampled_from([5, 8]), st.booleans()), st.builds(Refused, st.sampled_from(Refusal))
)


wishes = st.one_of(
    st.builds(
        WishRead, st.builds(Wanted, st.sampled_from([None, 5]), st.sampled_from(Fit), st.sampled_from(["", "why"]))
    ),
    st.sampled_from([WishImpossible(), NotAsked(already=True)]),
)
asked = st.one_of(st.builds(Asked, st.booleans()), st.builds(NotAsked, st.booleans()))


def take(state, body, answer_of):
    """One text, with the ledger and the cases answering; the state after it and all that was to be done."""
    event, done = Texted(read(body, WORDS)), []
    for _ in range(4):
        state, actions = step(state, event)
        done += actions
        asked = [action for action in actions if isinstance(action, TextQuestion)]
        if not asked:
            return state, done
        assert len(asked) == 1
        event = answer_of(asked[0], state)
    raise AssertionError("a text asks no more than a case, a repair and the ledger")


@settings(max_examples=400, deadline=None)
@given(st.data(), st.lists(bodies, max_size=12))
def test_whatever_is_texted_is_answered_once_or_not_at_all_and_can_be_gone_on_with(data, texts):
    def answer_of(question, _):
        if isinstance(question, Reserve):
            return data.draw(answers)
        if isinstance(question, Enqueue):
            return data.draw(st.sampled_from([Queued(1, 4), Queued(2, None), DeskClosed()]))
        if isinstance(question, ReadWish | AskForMore):
            return data.draw(asked if isinstance(question, AskForMore) else wishes)
        return data.draw(found) if isinstance(question, FindCase) else Weighed(data.draw(st.sampled_from([(), (0,)])))

    state = None
    for body in texts:
        message = read(body, WORDS)
        if message.nothing or message.word in {Word.STOP, Word.START, Word.PROVIDER}:
            continue  # the turn does not ask the dialogue about these
        state, done = take(state, body, answer_of)
        replies = [action for action in done if isinstance(action, Reply)]
        assert len(replies) <= 1
        assert all(reply.words for reply in replies)
        assert isinstance(state, KEPT)
        assert read_text_state(write(state)) == state
        layout = state.form.layout
        for number, group in state.form.known.items():
            if layout is not None:
                assert check_group(layout, number, group) is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(["?", "status", "agent", "new"]), st.text("abc ?!.\n", max_size=20)), max_size=8)
)
def test_no_words_take_a_sound_group_away_but_new(texts):
    state, _ = take(None, " ".join(STANDARD[:5]), None)
    for body in texts:
        message = read(body, WORDS)
        if message.word is Word.NEW:
            break
        if message.nothing or message.word in {Word.STOP, Word.START, Word.PROVIDER}:
            continue
        state, _ = take(state, body, lambda *_: Queued(1, 4))
        assert state.form.groups[:5] == STANDARD[:5]


def test_chatter_is_answered_once_in_a_row_whatever_it_is():
    state, answered = None, []
    for body in ("hello", "what?", "order 4711", "\U0001f44d ok then", "thank you for your message"):
        state, done = take(state, body, None)
        answered.append(any(isinstance(action, Reply) for action in done))
    assert answered == [True, False, False, False, False]


def test_for_a_complete_id_the_ledger_is_asked_at_once():
    state, actions = step(None, Texted(read("".join(STANDARD), WORDS)))
    assert isinstance(state, TextChecking)
    assert [type(action) for action in actions] == [Reserve]


def test_another_machines_id_leaves_the_case_of_the_first():
    state, _ = take(None, " ".join(STANDARD[:5]), None)
    _, actions = step(state, Texted(read(" ".join(OTHER), WORDS)))
    assert [type(action) for action in actions] == [LeaveCase, Reserve]


def test_a_call_back_is_wished_once_however_often_a_person_is_asked_for():
    state, first = take(None, "agent", lambda *_: DeskClosed())
    state, second = take(state, "AGENT", lambda *_: DeskClosed())
    wishes = [action for action in (*first, *second) if isinstance(action, WishCallBack)]
    assert len(wishes) == 1


def test_after_two_texts_that_bring_nothing_sound_a_person_is_offered():
    state, _ = take(None, " ".join(STANDARD[:8]), None)
    bad = str((int(STANDARD[8][0]) + 1) % 10) + STANDARD[8][1:5] + str((int(STANDARD[8][5]) + 3) % 10)
    prompts = []
    for _ in range(2):
        state, done = take(state, f"group 9: {bad}", lambda *_: Weighed(()))
        (reply,) = (action for action in done if isinstance(action, Reply))
        prompts.append([word.prompt for word in reply.words])
    assert "text.person" not in prompts[0]
    assert "text.person" in prompts[1]


def test_an_answer_to_a_question_that_was_not_asked_is_a_bug_and_says_so():
    with pytest.raises(UnknownTextStep):
        step(TextCollecting(TextForm(), ()), Approved(8, again=False))


@given(st.sets(st.integers(1, 9)))
def test_numbers_are_written_so_that_each_is_named_once(numbers):
    named = set()
    for part in ranges(numbers).split(", ") if numbers else ():
        first, _, last = part.partition("-")
        named |= set(range(int(first), int(last or first) + 1))
    assert named == numbers
