"""The signature Twilio puts on its requests.

The one rule: the signature covers the public URL without its fragment, followed by every POST field, name and value,
sorted by name, with nothing between (docs/usage/security). A voice request over https leaves the port out.

>>> signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", {
...     "CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309",
...     "To": "+18005551212", "Caller": "+14158675309"})
'RSOYDt4T1cUTdK1PDd93/VVr8B8='
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """The value of `X-Twilio-Signature` for a request to `url` with these POST fields (none for a GET)."""
    base = signed_url(url) + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), base.encode(), hashlib.sha1).digest()).decode()


def signed_url(url: str) -> str:
    """The URL as it is signed: no fragment, no user, and no port over https."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
