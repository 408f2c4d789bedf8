"""Why an activation was refused: one stable word for each reason.

One rule: a word never changes its meaning and is never taken away, since devices, proxies and reports keep it. The
wording for a caller lives in the prompts, not here.

>>> Refusal("KEY_BLOCKED") is Refusal.KEY_BLOCKED
True
"""

from enum import StrEnum


class Refusal(StrEnum):
    """A reason to refuse; the value is the name."""

    KEY_UNKNOWN = "KEY_UNKNOWN"
    """No product key with this serial was ever issued for the product."""
    PROOF_WRONG = "PROOF_WRONG"
    """The installation ID was not made with the product key it names (callers hear the words for KEY_UNKNOWN)."""
    KEY_BLOCKED = "KEY_BLOCKED"
    """The product key was blocked; even an activation that was granted before is not read back again."""
    KEY_EXPIRED = "KEY_EXPIRED"
    """The product key's own end has passed."""
    KEY_TYPE_NOT_ALLOWED = "KEY_TYPE_NOT_ALLOWED"
    """Keys of this type are not activated on this line (a KMS client key, for one)."""
    ALLOWANCE_EXHAUSTED = "ALLOWANCE_EXHAUSTED"
    """The product key's allowance is used up, counting what is held for others at this moment."""
    HOSTS_EXHAUSTED = "HOSTS_EXHAUSTED"
    """A KMS host key has activated as many hosts as it may."""
    HOST_REACTIVATIONS_EXHAUSTED = "HOST_REACTIVATIONS_EXHAUSTED"
    """This licence host was activated again as often as it may be."""
    TOO_MANY_REACTIVATIONS = "TOO_MANY_REACTIVATIONS"
    """This machine was activated again as often as its product allows within a period; a person may allow more."""
    AGREEMENT_INACTIVE = "AGREEMENT_INACTIVE"
    """The agreement the product key was issued under has ended, has not begun or is suspended."""
    CHANNEL_NOT_ALLOWED = "CHANNEL_NOT_ALLOWED"
    """The product may not be activated on the channel used (phone, text, API, proxy file, operator)."""
    LICENSING_NOT_ALLOWED = "LICENSING_NOT_ALLOWED"
    """The product key is not for copies of this class: a volume key for a retail copy, or the other way round."""
    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    """The line has no product of this number."""
    PRODUCT_RETIRED = "PRODUCT_RETIRED"
    """The product is no longer activated anew; earlier activations are still read back."""
    FORMAT_NOT_OF_PRODUCT = "FORMAT_NOT_OF_PRODUCT"
    """The installation ID is of a format that its product does not use."""
    IID_RETURNED = "IID_RETURNED"
    """This very installation was returned; its number is dead and a new installation is needed."""
    HOLD_GONE = "HOLD_GONE"
    """What was held for this activation has run out and could not be taken again."""
    TOO_MANY_TRIES = "TOO_MANY_TRIES"
    """Too many wrong proofs from this caller or token; the next try is let in later."""
    HELD_FOR_REVIEW = "HELD_FOR_REVIEW"
    """Something about it asks for a second look, and on this line a person looks first; nothing is spent or refused."""
