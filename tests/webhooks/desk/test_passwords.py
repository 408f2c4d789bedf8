"""Passwords of the desk, apart from any login."""

import pytest

from webhooks.desk import passwords


@pytest.mark.parametrize("length", [0, 11, 201])
def test_a_password_too_short_or_too_long_is_not_taken(length):
    with pytest.raises(passwords.PasswordLengthError):
        passwords.hashed("x" * length)


def test_a_damaged_hash_lets_nobody_in():
    assert not passwords.matches("no hash", "correct horse battery")
