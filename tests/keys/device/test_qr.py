"""Both links hold the whole ID in the spelling that their reader needs, and become codes."""

from xml.etree import ElementTree as ET

import pytest

from keys.device.qr import call_link, svg, terminal, text_link
from keys.formats import FORMATS
from keys.groups import grouped
from keys.installation_id import InstallationID, decode, encode

IIDS = [InstallationID(fmt.number, 7, 41, (1,) * fmt.fingerprint_fields, 9, 99) for fmt in FORMATS.values()]
EACH = pytest.mark.parametrize("iid", IIDS, ids=lambda iid: str(iid.format))
LINE = "+15550100"


@EACH
def test_the_text_is_an_id_that_the_line_reads(iid):
    kind, line, words = text_link(LINE, encode(iid)).split(":")
    assert (kind, line, words) == ("SMSTO", LINE, grouped(encode(iid)))
    assert decode(words) == iid


@EACH
def test_the_call_keys_every_digit_after_two_pauses_and_nothing_that_links_lose(iid):
    link = call_link(LINE, grouped(encode(iid)))
    assert link == f"tel:{LINE},,{encode(iid)}"
    assert not set("*# ") & set(link)


@EACH
def test_the_text_link_stays_within_the_small_alphabet_of_qr_codes(iid):
    assert set(text_link(LINE, encode(iid))) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


@EACH
def test_both_links_are_drawn(iid):
    for link in (text_link(LINE, encode(iid)), call_link(LINE, encode(iid))):
        root = ET.fromstring(svg(link))
        assert root.tag.endswith("svg")
        assert root.get("width") == root.get("height")
        lines = terminal(link).splitlines()
        assert 15 <= len(lines) <= 30
        assert len({len(line) for line in lines if "\x1b" not in line}) <= 1


def test_different_ids_are_different_codes():
    assert len({svg(text_link(LINE, encode(iid))) for iid in IIDS}) == len(IIDS)
