"""Is it Twilio that knocks? The signature of a request, checked over the address Twilio was given.

Rule: the address signed is the configured public URL and the raw path and query, never a header a client may choose.
Source: Twilio's documentation, "Security" and "Webhooks security" (HMAC-SHA1 over the URL and the sorted parameters).

>>> form = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"),
...         ("From", "+14158675309"), ("To", "+18005551212")]
>>> signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)
'RSOYDt4T1cUTdK1PDd93/VVr8B8='
"""

from __future__ import annotations

import base64
import hmac
import urllib.parse
from collections.abc import Iterable, Sequence

Parameters = Iterable[tuple[str, str]]


SIGNATURE_LENGTH = 28
"""Signs of every signature: an HMAC-SHA1 in base64."""


def signature(token: str, url: str, form: Parameters) -> str:
    """The value of `X-Twilio-Signature`: a name's repeated values count once each, in order."""
    return _sealed(token, url + _joined(form))


def is_signed(given: str, tokens: Sequence[str], url: str, form: Parameters) -> bool:
    """Whether `given` is the signature under one of `tokens`, over `url` with or without its scheme's default port."""
    joined = _joined(form)  # once for all spellings: it takes longer than to seal it

    def fits(spelling: str) -> bool:
        sealed = (_sealed(token, spelling + joined).encode() for token in tokens)
        return any(hmac.compare_digest(one, given.encode()) for one in sealed)

    # The other spellings are seldom wanted, and cost as much as a seal.
    return fits(url) or any(fits(other) for other in spellings(url)[1:])


def spellings(url: str) -> tuple[str, ...]:
    """The ways Twilio may have written the address: as it stands, and with its port dropped or the default one added.

    Voice over HTTPS drops a port, text over HTTPS keeps it.

    >>> spellings("https://line.example/voice/incoming")
    ('https://line.example/voice/incoming', 'https://line.example:443/voice/incoming')
    >>> spellings("https://line.example:8443/x")
    ('https://line.example:8443/x', 'https://line.example/x')
    """
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.port is not None:
        other = host.removesuffix(f":{parts.port}")
    else:
        other = f"{host}:{443 if parts.scheme == 'https' else 80}"
    return (url, urllib.parse.urlunsplit(parts._replace(netloc=other)))


def _joined(form: Parameters) -> str:
    return "".join([name + value for name, value in sorted(set(form))])


def _sealed(token: str, text: str) -> str:
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
