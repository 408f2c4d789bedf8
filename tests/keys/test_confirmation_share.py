"""A licence host's confirmation ID carries the share that opens its package, and looks like any other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import derivation
from keys.confirmation_id import (
    SCHEME,
    SHARE_SCHEME,
    InvalidConfirmationID,
    check_block,
    decode,
    issue,
    matches,
    unmasked,
)
from keys.errors import FieldRange
from keys.formats import FORMATS
from keys.groups import Fault, GroupFault, grouped
from keys.installation_id import InstallationID

SECRETS = {"verification_secret": bytes(range(32)), "key_secret": bytes(range(9))}
FORMS = st.sampled_from(list(FORMATS.values()))
SHARES = st.text("0123456789", min_size=36, max_size=36)
SHARE = derivation.host_share(b"i" * 32, 41)


def iid_of(fmt, nonce=9):
    return InstallationID(fmt.number, 7, 41, (1,) * fmt.fingerprint_fields, nonce, 99)


def issued(fmt=FORMATS[1], share=SHARE, nonce=9, until=0, **secrets):
    secrets = SECRETS | secrets
    return issue(iid_of(fmt, nonce), **secrets, blocks=8, scheme=SHARE_SCHEME, valid_until=until, share=share)


def read(text, fmt=FORMATS[1], share=SHARE, nonce=9):
    return unmasked(text, iid_of(fmt, nonce), **SECRETS, opens=lambda found: found == share)


def faults(text, *where, **changed):
    with pytest.raises(InvalidConfirmationID) as caught:
        read(text, *where, **changed)
    return caught.value.faults


@settings(deadline=None)
@given(FORMS, SHARES, st.integers(0, 255), st.integers(0, 999), st.sampled_from([" ", "-", ""]))
def test_the_share_comes_back_from_any_spelling(fmt, share, nonce, until, between):
    blocks = issued(fmt, share, nonce, until)
    assert len(blocks) == 8
    assert all(check_block(fmt, number, block) is None for number, block in enumerate(blocks, start=1))
    cid = read(between.join(blocks), fmt, share, nonce)
    assert (cid.scheme, cid.valid_until, cid.mac) == (2, until, share)
    assert share not in repr(cid)


@settings(deadline=None)
@given(st.integers(0, 39), st.integers(1, 9))
def test_no_digit_of_it_can_be_another(place, added):
    number, at = divmod(place, 5)
    blocks = list(issued(until=13))
    digit = str((int(blocks[number][at]) + added) % 10)
    payload = blocks[number][:at] + digit + blocks[number][at + 1 : 5]
    mended = next(payload + check for check in "0123456789" if not check_block(FORMATS[1], number + 1, payload + check))
    blocks[number] = mended
    kinds = [fault.fault for fault in faults(grouped(blocks))]
    assert kinds == [Fault.UNKNOWN_FORMAT if place == 0 else Fault.WHOLE_ID]


@pytest.mark.parametrize("secrets", [{"verification_secret": b"\xff" * 32}, {"key_secret": b"\xff" * 9}])
def test_it_takes_both_secrets_and_the_installation(secrets):
    assert faults(grouped(issued(**secrets))) == (GroupFault(None, Fault.WHOLE_ID),)
    assert faults(grouped(issued(nonce=10))) == (GroupFault(None, Fault.WHOLE_ID),)


def test_an_ordinary_confirmation_id_opens_no_host_and_a_hosts_activates_no_machine():
    ordinary = issue(iid_of(FORMATS[1]), **SECRETS, blocks=8)
    assert faults(grouped(ordinary)) == (GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found="1"),)
    with pytest.raises(InvalidConfirmationID) as caught:
        matches(grouped(issued()), iid_of(FORMATS[1]), **SECRETS, blocks=8)
    assert caught.value.faults == (GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found="2"),)


def test_what_the_product_and_the_key_can_compute_is_not_the_share():
    """Both secrets make the MAC of scheme 2; without the share it is not the confirmation ID."""
    mac = decode(grouped(issued(share="0" * 36)), FORMATS[1], 8, scheme=SHARE_SCHEME).mac
    given_out = decode(grouped(issued()), FORMATS[1], 8, scheme=SHARE_SCHEME).mac
    assert (int(given_out) - int(mac)) % 10**36 == int(SHARE)
    assert faults(grouped(issued(share="0" * 36))) == (GroupFault(None, Fault.WHOLE_ID),)


def test_a_classic_slip_that_the_blocks_miss_is_located_by_the_package():
    blocks = list(issued(FORMATS[7], until=13))
    located = 0
    for number, block in enumerate(blocks, start=1):
        for place, digit in enumerate(block[:5]):
            slip = {"0": "7", "1": "8", "2": "9", "7": "0", "8": "1", "9": "2"}.get(digit)
            if slip is None or (number, place) == (1, 0):
                continue
            keyed = list(blocks)
            keyed[number - 1] = block[:place] + slip + block[place + 1 :]
            assert faults(grouped(keyed), FORMATS[7]) == (GroupFault(number, Fault.WHOLE_ID, found=block),)
            located += 1
    assert located > 5


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"blocks": 5}, "blocks"),
        ({"share": None}, "share_digits"),
        ({"share": "1" * 35}, "share_digits"),
        ({"scheme": SCHEME}, "share_digits"),
        ({"scheme": 3, "share": None}, "scheme"),
        ({"valid_until": 1000}, "valid_until"),
    ],
)
def test_what_cannot_be_issued_is_refused(wanted, field):
    usual = {"blocks": 8, "scheme": SHARE_SCHEME, "share": SHARE}
    with pytest.raises(FieldRange) as caught:
        issue(iid_of(FORMATS[3]), **SECRETS, **(usual | wanted))
    assert caught.value.field == field


@settings(deadline=None)
@given(st.integers(0, 2**28 - 1))
def test_shares_and_seeds_are_each_keys_own(serial):
    share, seed = derivation.host_share(b"i" * 32, serial), derivation.host_seed(b"i" * 32, serial)
    assert len(share) == 36
    assert share.isdecimal()
    assert len(seed) == 32
    assert share != derivation.host_share(b"i" * 32, serial + 1)
    assert seed != derivation.host_seed(b"j" * 32, serial)
