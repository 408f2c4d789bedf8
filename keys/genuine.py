"""Which generation's verification secret an installation ID was proven with.

One rule: every live generation is tried and every comparison takes the same time, so the time tells nothing.

>>> from dataclasses import replace
>>> from keys.derivation import issuing_key, proof_value
>>> issuing = issuing_key(bytes(32), 7)
>>> bare = InstallationID(1, product=7, serial=41, fingerprint=(1,) * 8, nonce=9, proof=0)
>>> iid = replace(bare, proof=proof_value(b"two" * 8, key_secret(issuing, 41), bare))
>>> generation_of(iid, issuing, {1: b"one" * 8, 2: b"two" * 8})
2
>>> generation_of(bare, issuing, {1: b"one" * 8, 2: b"two" * 8}) is None
True
"""

import hmac
from collections.abc import Mapping

from keys.derivation import key_secret, proof_value
from keys.formats import FORMATS
from keys.installation_id import InstallationID


def generation_of(iid: InstallationID, issuing_key: bytes, verification: Mapping[int, bytes]) -> int | None:
    """The generation under which the proof in `iid` is right, or None if it is right under none of them.

    `issuing_key` is that of the IID's product, `verification` the product's live verification secrets by generation.
    """
    secret = key_secret(issuing_key, iid.serial)
    width = -(-FORMATS[iid.format].proof_bits // 8)
    shown = iid.proof.to_bytes(width, "big")
    matching = None
    for generation, verification_secret in verification.items():
        made = proof_value(verification_secret, secret, iid).to_bytes(width, "big")
        if hmac.compare_digest(made, shown):
            matching = generation
    return matching
