"""Inputs that were nearly right once: a sound one, changed in one place or a few, or grown far beyond all measure."""

SIGNS = (
    *"0123456789", *"0123456789", *"ABCXYZ*#+-.,;:/\\'\"<>&%={}[]()_ \t\r\n\x00\x07\x1b\x7f",
    "\uff11", "\u0663", "\u0967", "\u00b2", "\u2460", "\u3007", "\U0001d7d9",  # digits of other scripts, and lookalikes
    "\u00a0", "\u200b", "\u202e", "\u2066", "\ufeff", "\u2028", "\u0301", "\u00ad", "\u2013", "\u2212",
    "\u00df", "\u0130", "\ufb01", "\u1e9e", "\U0001f44d", "\U0001f1e9\U0001f1ea", "e\u0301\u0301\u0301",
    "null", "true", "1e999", "-0", "NaN", "9" * 25, "${x}", "{0}", "%s", "../", "\\u0000", "\\ud800",
)  # fmt: skip
LONGEST = 70_000
_RARELY = 400
"""One in so many mutants is made very long."""


def mutant(chance, corpus, signs=SIGNS):
    """One of `corpus` (texts), changed."""
    text = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 6))):
        text = _changed(chance, text, corpus, signs)
    if chance.randrange(_RARELY) == 0:
        text = (text or chance.choice(signs)) * chance.choice((2, 10, 100, 3_000))
    return text[:LONGEST]


def _changed(chance, text, corpus, signs):
    at = chance.randrange(len(text) + 1)
    upto = min(len(text), at + chance.choice((1, 1, 2, 5, 20)))
    match chance.randrange(9):
        case 0 | 1 | 2:
            return text[:at] + chance.choice(signs) + text[upto:]
        case 3:
            return text[:at] + chance.choice(signs) + text[at:]
        case 4:
            return text[:at] + text[upto:]
        case 5:
            return text[:at] + text[at:upto] * chance.choice((2, 3, 9)) + text[upto:]
        case 6:
            return text[:at]
        case 7:
            other = chance.choice(corpus)
            return text[:at] + other[chance.randrange(len(other) + 1) :]
        case _:
            return text[:at] + text[at:upto][::-1] + text[upto:]


def spoilt(chance, content):
    """Bytes with a few of them changed, or cut off."""
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        if raw:
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw[: chance.randrange(len(raw) + 1)] if chance.randrange(8) == 0 else raw)
