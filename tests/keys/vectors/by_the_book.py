"""The device written anew from docs/device.md alone, in straight lines, importing nothing of ours.

One rule: it takes from the page what a C programmer would, so that the frozen vectors prove the page and not our code.
"""

import hashlib
import hmac

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
B = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
WIDTHS = {
    1: {"product": 14, "serial": 28, "fields": 8, "field": 6, "nonce": 16, "proof": 32, "digits": 42},
    3: {"product": 10, "serial": 22, "fields": 7, "field": 4, "nonce": 8, "proof": 20, "digits": 27},
    7: {"product": 14, "serial": 28, "fields": 8, "field": 6, "nonce": 16, "proof": 32, "digits": 42},
}
EIGHT = ("machine", "board", "disk", "network", "security_chip", "processor", "graphics", "memory")
SEVEN = ("machine", "board", "disk", "network", "processor", "graphics", "memory")
VOTES = {8: (2, 2, 1, 1, 1, 1, 1, 1), 7: (2, 2, 2, 1, 1, 1, 1)}


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(ikm, salt, info, length):
    return mac(mac(salt or bytes(32), ikm), info + b"\x01")[:length]


def permuted(place, digit):
    for _ in range(place):
        digit = B[digit]
    return digit


def dihedral(a, b):
    s, x = divmod(a, 5)
    t, y = divmod(b, 5)
    return 5 * (s ^ t) + ((x - y) % 5 if s else (x + y) % 5)


def verhoeff_is_right(digits):
    c = 0
    for place, digit in enumerate(reversed(digits)):
        c = dihedral(c, permuted(place, int(digit)))
    return c == 0


def check_digit(fmt, number, payload):
    if fmt == 7:
        return str(sum(int(digit) * (1, 2, 1, 2, 1)[place] for place, digit in enumerate(payload)) % 7)
    return next(check for check in "0123456789" if verhoeff_is_right(f"{number}{payload}{check}"))


def in_sixes(fmt, digits):
    fives = [digits[start : start + 5] for start in range(0, len(digits), 5)]
    return " ".join(five + check_digit(fmt, number, five) for number, five in enumerate(fives, start=1))


def read_product_key(text):
    signs = text.upper().replace("-", "").replace("O", "0").replace("I", "1").replace("L", "1")
    c = number = 0
    for sign in signs:
        c <<= 1
        c = (c ^ 37 if c >= 32 else c) ^ SIGNS.index(sign)
    for sign in signs[:24]:
        number = number * 32 + SIGNS.index(sign)
    return {
        "sound": c == 0,
        "version": number >> 117,
        "type": number >> 114 & 7,
        "product": number >> 100 & 0x3FFF,
        "key_secret": (number >> 28 & (1 << 72) - 1).to_bytes(9, "big"),
        "serial": number & 0xFFFFFFF,
    }


def counted(parts):
    identities = []
    for part in parts:
        if isinstance(part, str):
            identities.append(part)
        elif not part.get("virtual") and not part.get("removable"):
            identities.append(part["identity"])
    canonical = [
        "".join(chr(ord(sign) - 32) if "a" <= sign <= "z" else sign for sign in identity.strip(" \t\r\n"))
        for identity in identities
    ]
    return sorted(identity.encode() for identity in canonical if identity)


def part_value(key_secret, name, identity, bits):
    key = hkdf(key_secret, b"", b"fingerprint", 32)
    return int.from_bytes(mac(key, name.encode() + b"\x00" + identity)[:4], "big") % (2**bits - 1) + 1


def fingerprint(fmt, hardware, key_secret):
    names = EIGHT if WIDTHS[fmt]["fields"] == 8 else SEVEN
    values = []
    for name in names:
        identities = counted(hardware.get(name, []))
        values.append(part_value(key_secret, name, identities[0], WIDTHS[fmt]["field"]) if identities else 0)
    return values


def vote(fmt, activated, hardware, key_secret, dockable):
    names = EIGHT if len(activated) == 8 else SEVEN
    present = model = matched = 0
    for place, name in enumerate(names):
        if activated[place] == 0:
            continue
        votes = VOTES[len(activated)][place]
        present += votes
        if name in ("processor", "graphics", "memory"):
            model += votes
        today = [part_value(key_secret, name, part, WIDTHS[fmt]["field"]) for part in counted(hardware.get(name, []))]
        if activated[place] in today:
            matched += votes
    tenths = present * (4 if dockable else 7)
    needed = max(tenths // 10 + (1 if tenths % 10 else 0), model + 1)
    return {"present": present, "needed": needed, "matched": matched, "passed": matched >= needed}


def proof(fmt, product, serial, values, nonce, verification_secret, key_secret):
    message = bytes([fmt]) + product.to_bytes(2, "big") + serial.to_bytes(4, "big")
    message += bytes(values) + nonce.to_bytes(2, "big")
    made = mac(hkdf(verification_secret, key_secret, b"proof", 32), message)
    return int.from_bytes(made, "big") // 2 ** (256 - WIDTHS[fmt]["proof"])


def payload(fmt, product, serial, values, nonce, proof):
    width = WIDTHS[fmt]
    number = product * 2 ** width["serial"] + serial
    for value in values:
        number = number * 2 ** width["field"] + value
    number = (number * 2 ** width["nonce"] + nonce) * 2 ** width["proof"] + proof
    return str(fmt) + str(number).rjust(width["digits"], "0")


def installation_id(fmt, digits):
    return in_sixes(fmt, digits + str(98 - int(digits) * 100 % 97).rjust(2, "0"))


def confirmation_id(fmt, digits, blocks, valid_until, verification_secret, key_secret):
    head = "1" + str(valid_until).rjust(3, "0")
    made = mac(hkdf(verification_secret, key_secret, b"cid", 32), (digits + head).encode())
    length = blocks * 5 - 4
    return in_sixes(fmt, head + str(int.from_bytes(made, "big") % 10**length).rjust(length, "0"))


def return_code(fmt, digits, verification_secret, key_secret):
    made = mac(hkdf(verification_secret, key_secret, b"return", 32), digits.encode())
    return in_sixes(fmt, str(int.from_bytes(made, "big") % 10**15).rjust(15, "0"))


def host_share(issuing_key, serial):
    made = hkdf(issuing_key, b"", b"kms share" + serial.to_bytes(4, "big"), 32)
    return str(int.from_bytes(made, "big") % 10**36).rjust(36, "0")


def host_seed(issuing_key, serial):
    return hkdf(issuing_key, b"", b"kms host" + serial.to_bytes(4, "big"), 32)


def package_key(share, key_secret):
    return hkdf(share.encode(), key_secret, b"kms package", 32)


def share_of(digits, confirmation_id, verification_secret, key_secret):
    """The share in a host's CID, from the payload of its IID: take the MAC off."""
    bare = "".join(block[:5] for block in confirmation_id.split())
    head, masked = bare[:4], bare[4:]
    made = mac(hkdf(verification_secret, key_secret, b"cid", 32), (digits + head).encode())
    return str((int(masked) - int.from_bytes(made, "big")) % 10**36).rjust(36, "0")
