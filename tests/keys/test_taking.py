"""What an activation writes down, in as few words as can be."""

import pytest

from keys import terms
from keys.entries import row_of
from keys.reservations import Basis, Reservation, State
from keys.taking import OWN
from tests.conftest import NOW
from tests.keys.claims import claim_of


@pytest.mark.parametrize("basis", Basis)
def test_both_entries_of_an_activation_are_the_same_in_all_that_is_sent_once(installation, basis):
    claim = claim_of(installation(1, 1), channel="api", actor="fleet console")
    made = Reservation(7, bytes(32), 3, State.POSTED, 1, 0, 1, 8, claim.holder, basis)
    held, posted = (row_of(entry) for entry in terms.fresh_entries(claim, made, NOW))
    assert {name for name in held if held[name] != posted[name]} <= set(OWN)
