"""The check of our requests against Twilio's description must itself be one that can fail."""

import re

import pytest

from tests.webhooks.twilio_api.description import FACTS, answer_problems, problems

HERE = "https://api.twilio.com/2010-04-01/Accounts/AC" + "0" * 32
TEXT = {"To": "+15005550006", "From": "+15005550001", "Body": "A 1 2 3 4 5 6", "StatusCallback": "https://line.example"}


def test_the_facts_say_which_version_they_were_trimmed_from():
    assert re.fullmatch(r"@twilio/cli-core \d+\.\d+\.\d+", FACTS["source"])


@pytest.mark.parametrize(
    "form",
    [
        TEXT,
        list(TEXT.items()),
        {**TEXT, "MediaUrl": ["https://a.example/1", "https://a.example/2"]},
        {**TEXT, "ProvideFeedback": True, "ValidityPeriod": 600, "ContentRetention": "discard"},
        {"To": "+15005550006", "Body": "Hello", "MessagingServiceSid": "MG" + "a" * 32},
    ],
)
def test_a_request_that_twilio_describes_has_no_problem(form):
    assert problems("POST", HERE + "/Messages.json", form) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Bdy": "x"}, "Bdy is unknown"),
        ({"To": "5005550006"}, "To='5005550006' is no phone-number"),
        ({"StatusCallback": "line.example/sms"}, "is no uri"),
        ({"ProvideFeedback": "yes"}, "ProvideFeedback='yes' is no boolean"),
        ({"ValidityPeriod": "soon"}, "is no integer"),
        ({"MaxPrice": "1,5"}, "is no number"),
        ({"ContentRetention": "burn"}, "is none of ['retain', 'discard']"),
        ({"MessagingServiceSid": "MG12"}, "does not match"),
        ({"SendAt": "tomorrow"}, "is no date-time"),
        ({"Body": ["a", "b"]}, "Body is given several times"),
    ],
)
def test_a_slip_in_a_field_is_named(change, said):
    found = problems("POST", HERE + "/Messages.json", {**TEXT, **change})
    assert any(said in problem for problem in found), found


def test_a_field_given_twice_is_named():
    assert problems("POST", HERE + "/Messages.json", [*TEXT.items(), ("Body", "b")]) == ["Body is given several times"]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("DELETE", HERE + "/Messages.json"),
        ("POST", "https://api.twilio.com/2010-04-01/Accounts/x/y/Messages.json"),
        ("POST", HERE.replace("https", "http") + "/Messages.json"),
        ("POST", HERE.replace("api", "messaging") + "/Messages.json"),
    ],
)
def test_an_operation_that_is_not_there_is_named(method, url):
    assert problems(method, url, TEXT) == [f"{method} {url} is no operation"]


def test_an_account_that_is_none_is_named():
    assert problems("POST", HERE + "0/Messages.json", TEXT)


def test_the_query_of_a_list_is_checked_wherever_it_stands():
    listed = HERE + "/IncomingPhoneNumbers.json"
    assert problems("GET", listed + "?PhoneNumber=%2B15005550006&PageSize=20") == []
    assert problems("GET", listed, {"PageSize": "1001"}) == ["PageSize='1001' is too large"]
    assert problems("GET", listed + "?Number=1") == ["Number is unknown"]


def test_an_answer_is_checked_down_to_its_last_field():
    url = HERE + "/Messages.json"
    good = {"sid": "SM" + "0" * 32, "status": "queued", "to": "+15005550006", "error_code": None}
    assert answer_problems("POST", url, good) == []
    assert answer_problems("POST", url, {**good, "status": "lost"})
    assert answer_problems("POST", url, {**good, "cost": 1}) == [".cost is unknown"]
    assert answer_problems("POST", url, {**good, "error_code": "30003"}) == [".error_code is no integer"]
    assert answer_problems("GET", url, {"messages": [good, {**good, "sid": "SM1"}]})
