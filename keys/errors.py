"""The roots of the tree for input that is not what it should be.

One rule: an error carries facts as attributes and no wording, so that a caller, a device and an API can each say it
in their own words.

>>> try:
...     raise FieldRange("serial", 2**28, 2**28 - 1)
... except InvalidNumber as error:
...     error.field, error.value, error.highest
('serial', 268435456, 268435455)
"""


class BadInput(ValueError):  # noqa: N818 - what is bad is the input; the name is read aloud in `except`
    """What was given cannot be used as it is."""


class InvalidNumber(BadInput):
    """A product key, installation ID, confirmation ID or one of their parts is not well formed."""


class FieldRange(InvalidNumber):
    """A field holds a value that its format has no room for.

    `field` is the field's name, `value` what was asked for, `highest` the largest value that fits (the lowest is 0
    unless the raiser says otherwise).
    """

    def __init__(self, field: str, value: int, highest: int) -> None:
        super().__init__(field, value, highest)
        self.field = field
        self.value = value
        self.highest = highest


class BadCharacter(InvalidNumber):
    """A sign that can be no part of the number: `position` is its 0-based index in the text, `sign` the sign."""

    def __init__(self, position: int, sign: str) -> None:
        super().__init__(position, sign)
        self.position = position
        self.sign = sign
