"""What is found in an account that is right, wrong or half right, and what is changed: never more than differs."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.lines import Line, Lines
from tests.webhooks.twilio_api.account import (
    INCOMING,
    KEY,
    NUMBER,
    OTHER,
    PUBLIC,
    SECRET,
    SERVICE,
    SID,
    STATUS,
    TEXTED,
    TOKEN,
    PretendAccount,
    new_number,
    new_service,
    number,
    service,
)
from webhooks.twilio_account import Kind, make, read
from webhooks.twilio_client import TwilioError, client
from webhooks.twilio_findings import Code, changes, differences, is_reachable

FOREIGN = "https://other.example/voice"


def line(sender=None, called=NUMBER, **fields):
    return Line(called, "Example line", "US", "en-US", 24, **({"text_sender": sender} | fields))


def looked_at(account, *lines, public_url=PUBLIC, sends=True):
    rest, owner = client(SID, KEY, SECRET, http=account), client(SID, SID, TOKEN, http=account)
    found = read(Lines(lines), SID, rest, [owner])
    return differences(found, Lines(lines), public_url, sends=sends)


def connected(account, *lines):
    """Make every change once, and give them."""
    made = changes(looked_at(account, *lines))
    for change in made:
        make(client(SID, KEY, SECRET, http=account), change)
    return made


RIGHT = {
    "a line that sends no texts": ([number(sms_url="", sms_fallback_url=FOREIGN)], [], [], [line()]),
    "a line that texts from its number": ([number()], [], [], [line(NUMBER)]),
    "a line that texts from another number": ([number(), number(OTHER)], [], [], [line(OTHER)]),
    "a line with a Messaging Service": ([number(sms_url="")], [service()], [NUMBER], [line(SERVICE)]),
    "two lines with one Messaging Service": (
        [number(), number(OTHER)],
        [service()],
        [NUMBER, OTHER],
        [line(SERVICE), line(SERVICE, OTHER)],
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_nothing_is_found_in_an_account_that_is_right(case):
    numbers, services, pool, lines = copy.deepcopy(RIGHT[case])
    account = PretendAccount(*numbers, services=services, pool=pool)
    assert looked_at(account, *lines) == ()
    assert account.changed == []


def of_number(code, grave=True, mend=Kind.NUMBER, sender=NUMBER, **fields):
    return pytest.param(number(**fields), sender, code, grave, mend, id=f"{code}-{next(iter(fields.values()))}")


@pytest.mark.parametrize(
    ("has", "sender", "code", "grave", "mend"),
    [
        of_number(Code.VOICE_URL, voice_url=FOREIGN),
        of_number(Code.VOICE_URL, voice_url=None),
        of_number(Code.VOICE_URL, voice_url=INCOMING.replace("https", "http")),
        of_number(Code.VOICE_URL, grave=False, voice_url=f"{PUBLIC}/voice/incoming"),
        of_number(Code.VOICE_URL, grave=False, voice_url=f"{PUBLIC}/voice/incoming#rc=5"),
        of_number(Code.VOICE_METHOD, voice_method="GET"),
        of_number(Code.VOICE_FALLBACK_URL, voice_fallback_url=""),
        of_number(Code.VOICE_FALLBACK_METHOD, voice_fallback_method="GET"),
        of_number(Code.STATUS_CALLBACK, status_callback=INCOMING),
        of_number(Code.STATUS_CALLBACK_METHOD, status_callback_method="GET"),
        of_number(Code.VOICE_ELSEWHERE, mend=None, voice_application_sid="AP" + "0" * 32),
        of_number(Code.VOICE_ELSEWHERE, mend=None, trunk_sid="TK" + "0" * 32),
        of_number(Code.RECEIVES_FAX, mend=None, voice_receive_mode="fax"),
        of_number(Code.NO_VOICE, mend=None, capabilities={"voice": False, "sms": True}),
        of_number(Code.NO_TEXTS, mend=None, capabilities={"voice": True, "sms": False}),
        of_number(Code.SMS_URL, sms_url=FOREIGN),
        of_number(Code.SMS_URL, sms_url=INCOMING),
        of_number(Code.SMS_METHOD, sms_method="GET"),
        of_number(Code.SMS_FALLBACK_URL, sms_fallback_url=""),
        of_number(Code.SMS_FALLBACK_METHOD, sms_fallback_method="GET"),
        of_number(Code.TEXTS_ELSEWHERE, mend=None, sms_application_sid="AP" + "0" * 32),
    ],
)
def test_each_thing_that_is_wrong_with_a_number_is_found_by_its_code_alone(has, sender, code, grave, mend):
    (found,) = looked_at(PretendAccount(has), line(sender))
    assert (found.code, found.grave, found.mend, found.of, found.line) == (code, grave, mend, NUMBER, NUMBER)


def of_service(code, grave=True, mend=Kind.SERVICE, **fields):
    return pytest.param(service(**fields), code, grave, mend, id=f"{code}-{next(iter(fields.values()))}")


@pytest.mark.parametrize(
    ("has", "code", "grave", "mend"),
    [
        of_service(Code.INBOUND_REQUEST_URL, inbound_request_url=None),
        of_service(Code.INBOUND_REQUEST_URL, grave=False, inbound_request_url=f"{PUBLIC}/sms/incoming"),
        of_service(Code.INBOUND_METHOD, inbound_method="GET"),
        of_service(Code.FALLBACK_URL, fallback_url=FOREIGN),
        of_service(Code.FALLBACK_METHOD, fallback_method="GET"),
        of_service(Code.USE_INBOUND_WEBHOOK_ON_NUMBER, use_inbound_webhook_on_number=True),
        of_service(Code.SERVICE_STATUS_CALLBACK, grave=False, mend=None, status_callback=FOREIGN),
        of_service(Code.SMART_ENCODING, grave=False, mend=None, smart_encoding=True),
        of_service(Code.SHORT_VALIDITY, grave=False, mend=None, validity_period=60),
        of_service(Code.NOT_REGISTERED, grave=False, mend=None, us_app_to_person_registered=False),
    ],
)
def test_each_thing_that_is_wrong_with_a_messaging_service_is_found_by_its_code_alone(has, code, grave, mend):
    (found,) = looked_at(PretendAccount(number(), services=[has], pool=[NUMBER]), line(SERVICE))
    assert (found.code, found.grave, found.mend, found.of, found.line) == (code, grave, mend, SERVICE, NUMBER)


@pytest.mark.parametrize(
    ("account", "of", "code", "grave"),
    [
        (PretendAccount(), NUMBER, Code.NUMBER_NOT_OWNED, True),
        (PretendAccount(number(NUMBER + "7")), NUMBER, Code.NUMBER_NOT_OWNED, True),
        (PretendAccount(number(), status="closed"), SID, Code.ACCOUNT_NOT_ACTIVE, True),
        (PretendAccount(number(), kind="Trial"), SID, Code.ACCOUNT_ON_TRIAL, False),
    ],
)
def test_what_is_wrong_with_the_account_itself_is_found(account, of, code, grave):
    (found,) = looked_at(account, line())
    assert (found.code, found.of, found.grave, found.mend) == (code, of, grave, None)


@pytest.mark.parametrize(
    ("sender", "code"), [(OTHER, Code.NUMBER_NOT_OWNED), ("MG" + "b" * 32, Code.SERVICE_NOT_FOUND)]
)
def test_a_text_sender_the_account_does_not_have_is_found(sender, code):
    (found,) = looked_at(PretendAccount(number(), services=[service()]), line(sender))
    assert (found.code, found.of, found.line, found.mend) == (code, sender, NUMBER, None)


def test_a_number_missing_from_the_pool_is_found_and_put_in():
    account = PretendAccount(number(), number(OTHER), services=[service()], pool=[OTHER])
    (found,) = looked_at(account, line(SERVICE))
    assert (found.code, found.wanted, found.mend) == (Code.NOT_IN_SENDER_POOL, NUMBER, Kind.POOL)
    connected(account, line(SERVICE))
    assert account.changed == [("PhoneNumbers", {"PhoneNumberSid": number()["sid"]})]
    assert looked_at(account, line(SERVICE)) == ()


def test_a_number_that_takes_no_texts_is_never_put_into_a_pool():
    landline = number(capabilities={"voice": True, "sms": False})
    (found,) = looked_at(PretendAccount(landline, number(OTHER), services=[service()], pool=[OTHER]), line(SERVICE))
    assert (found.code, found.grave, found.mend) == (Code.NO_TEXTS, False, None)
    (found,) = looked_at(PretendAccount(landline, services=[service()]), line(SERVICE))
    assert (found.code, found.grave, found.mend) == (Code.SENDER_POOL_EMPTY, True, None)


def test_us_registration_is_asked_for_only_where_texts_go_to_the_us():
    account = PretendAccount(number(), services=[service(us_app_to_person_registered=False)], pool=[NUMBER])
    assert looked_at(account, line(SERVICE, text_countries=("CA",))) == ()
    assert looked_at(account, line(SERVICE, text_countries=("CA", "US")))


def test_texts_that_would_go_to_the_rehearsal_are_a_warning():
    (found,) = looked_at(PretendAccount(number()), line(NUMBER), sends=False)
    assert (found.code, found.grave) == (Code.TEXTS_REHEARSED, False)
    assert looked_at(PretendAccount(number()), line(), sends=False) == ()


@pytest.mark.parametrize(
    ("url", "reachable"),
    [
        ("https://line.example.com", True),
        ("http://8.8.8.8:8080/prefix", True),
        ("https://[2606:4700::1111]", True),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://0.0.0.0", False),
        ("https://10.0.0.7", False),
        ("https://192.168.1.4", False),
        ("http://localhost:8080", False),
        ("http://localhost.:8080", False),
        ("http://me.localhost", False),
        ("https://line.local", False),
        ("https://line", False),
    ],
)
def test_an_address_that_no_provider_can_reach_is_known(url, reachable):
    assert is_reachable(url) is reachable
    codes = {found.code for found in looked_at(PretendAccount(), line(), public_url=url)}
    assert (Code.PUBLIC_URL_UNREACHABLE in codes) is not reachable


def test_a_new_number_and_a_new_service_are_connected_and_then_right():
    account = PretendAccount(new_number(), services=[new_service()])
    made = connected(account, line(SERVICE))
    assert [(change.kind, change.of) for change in made] == [
        (Kind.NUMBER, NUMBER),
        (Kind.SERVICE, SERVICE),
        (Kind.POOL, SERVICE),
    ]
    assert account.changed == [
        (number()["sid"] + ".json", {"VoiceUrl": INCOMING, "VoiceFallbackUrl": INCOMING, "StatusCallback": STATUS}),
        (SERVICE, {"InboundRequestUrl": TEXTED, "FallbackUrl": TEXTED, "UseInboundWebhookOnNumber": "false"}),
        ("PhoneNumbers", {"PhoneNumberSid": number()["sid"]}),
    ]
    assert looked_at(account, line(SERVICE)) == ()


def test_a_number_that_is_line_and_sender_is_changed_in_one_request():
    account = PretendAccount(new_number())
    assert len(connected(account, line(NUMBER))) == len(account.changed) == 1
    assert looked_at(account, line(NUMBER)) == ()


URLS = st.sampled_from(
    [None, "", INCOMING, TEXTED, STATUS, FOREIGN, f"{PUBLIC}/voice/incoming", f"{PUBLIC}/sms/incoming"]
)
METHODS = st.sampled_from(["GET", "POST"])
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        name: METHODS if name.endswith("method") else URLS
        for name in new_number()
        if "_url" in name or "method" in name
    },
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "inbound_request_url": URLS,
        "fallback_url": URLS,
        "inbound_method": METHODS,
        "fallback_method": METHODS,
        "use_inbound_webhook_on_number": st.booleans(),
    },
)


@given(
    NUMBERS,
    NUMBERS,
    SERVICES,
    st.sets(st.sampled_from([NUMBER, OTHER])),
    st.sampled_from([NUMBER, OTHER, SERVICE, None]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_was_set_before_connecting_makes_it_right_touches_only_what_differed_and_a_second_time_nothing(
    one, other, of_service, pool, sender
):
    account = PretendAccount(number(**one), number(OTHER, **other), services=[service(**of_service)], pool=pool)
    before = copy.deepcopy((account.numbers, account.services))
    lines = [line(sender), line(SERVICE, OTHER)]
    named = {(finding.sid, finding.code.lower()) for finding in looked_at(account, *lines) if finding.mend}
    connected(account, *lines)
    for was, now in zip(before, (account.numbers, account.services), strict=True):
        touched = {(sid, name) for sid in was for name in was[sid] if was[sid][name] != now[sid][name]}
        assert touched <= named
    assert looked_at(account, *lines) == ()
    account.asked.clear()
    assert connected(account, *lines) == ()
    assert account.changed == []


def test_one_refused_token_of_two_is_no_finding_and_two_are():
    account = PretendAccount(number())
    rest = client(SID, KEY, SECRET, http=account)
    old, new = client(SID, SID, "o" * 32, http=account), client(SID, SID, TOKEN, http=account)
    assert read(Lines((line(),)), SID, rest, [old, new]).status == "active"
    found = differences(read(Lines((line(),)), SID, rest, [old]), Lines((line(),)), PUBLIC, sends=True)
    assert [(each.code, each.grave) for each in found] == [(Code.AUTH_TOKEN_REFUSED, True)]


@pytest.mark.parametrize("place", ["/IncomingPhoneNumbers", "/Services", "/PhoneNumbers", f"/Accounts/{SID}.json"])
def test_a_trouble_while_reading_is_never_taken_for_something_missing(place):
    account = PretendAccount(number(), services=[service()], pool=[NUMBER])
    account.fail, account.failing_at = (503, 20503), place
    with pytest.raises(TwilioError):
        looked_at(account, line(SERVICE))


def test_a_number_that_is_not_there_is_said_once_though_it_is_line_and_sender():
    codes = [
        found.code for found in looked_at(PretendAccount(), line(NUMBER), line(NUMBER, OTHER), line(OTHER, "+15550177"))
    ]
    assert codes == [Code.NUMBER_NOT_OWNED] * 3


def test_a_validity_that_is_not_told_is_no_short_one():
    account = PretendAccount(number(), services=[service(validity_period=0)], pool=[NUMBER])
    assert looked_at(account, line(SERVICE)) == ()
