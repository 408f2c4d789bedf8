"""What makes a browser a telephone: the library, and tokens with which it signs in at the provider.

Rule: a token lets a browser take calls, and place none; it is good for minutes, and names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TOKEN_SECONDS = 600
"""How long a token is good for; the page fetches the next before this one ends."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self' https://eventgw.twilio.com wss://voice-js.roaming.twilio.com "
    "https://media.twiliocdn.com https://sdk.twilio.com; "
    "media-src mediastream: https://media.twiliocdn.com https://sdk.twilio.com; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Of the telephone's page alone: the hosts that the library's own documentation names, but no script of theirs."""


@dataclass(frozen=True, slots=True)
class Voice:
    """The account that browsers are telephones of, and the library."""

    account_sid: str
    api_key: str
    api_secret: str = field(repr=False)
    script: bytes = field(repr=False)

    def token(self, identity: str) -> str:
        """A token with which the browser of that identity takes calls."""
        from twilio.jwt.access_token import AccessToken
        from twilio.jwt.access_token.grants import VoiceGrant

        token = AccessToken(self.account_sid, self.api_key, self.api_secret, identity=identity, ttl=TOKEN_SECONDS)
        token.add_grant(VoiceGrant(incoming_allow=True))
        return str(token.to_jwt())
