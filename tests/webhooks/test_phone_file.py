"""What keeps the rehearsal page from starting: a damaged file, a misread switch, too many processes."""

import json

import pytest

from keys.device.build import ProductBuild
from webhooks import phone_file
from webhooks.settings import SettingError, load

BUILD = ProductBuild(1, "Fairway", 1, 2, bytes(32), 8)

SETTINGS = {
    "TOUCHTONE_PUBLIC_URL": "http://127.0.0.1:8080",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "t" * 32,
}


@pytest.mark.parametrize("text", ["", "[]", '{"token": "short"}', '{"token": "0123456789abcdef", "build": {}}'])
def test_a_damaged_file_stops_the_start_with_a_sentence(tmp_path, text):
    path = tmp_path / "phone.json"
    path.write_text(text)
    with pytest.raises(SettingError, match="delete it"):
        phone_file.opened(path)


def test_a_product_key_that_is_none_is_no_file_s(tmp_path):
    path = tmp_path / "phone.json"
    facts = {"token": "0123456789abcdef", "build": BUILD.to_facts(), "product_key": "ABCDE"}
    path.write_text(json.dumps(facts))
    with pytest.raises(SettingError, match="delete it"):
        phone_file.opened(path)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"TOUCHTONE_PHONE": "yes"}, "on or off"),
        (
            {"TOUCHTONE_PHONE": "on", "TOUCHTONE_WORKERS": "2", "DATABASE_URL": "postgresql://x/y"},
            "TOUCHTONE_WORKERS=1",
        ),
    ],
)
def test_it_is_switched_on_in_one_way_and_in_one_process(tmp_path, given, sentence):
    with pytest.raises(SettingError, match=sentence):
        load({**SETTINGS, "TOUCHTONE_DATA_DIR": str(tmp_path), **given})
