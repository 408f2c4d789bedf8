"""The fields of a Twilio voice request, as a real one carries them.

The one rule: every request of a call carries the same facts, and only what happened since is added. Withheld callers
arrive as a word in `From`, with no place to it.

>>> form = voice_form(CallSide("CA" + "0" * 32, "AC" + "1" * 32, "anonymous", "+15005550006"), "ringing")
>>> form["From"], form["FromCountry"], form["ToCountry"], len(form)
('anonymous', '', 'US', 26)
"""

from dataclasses import dataclass

COUNTRIES = {
    "+1": "US",
    "+31": "NL",
    "+33": "FR",
    "+34": "ES",
    "+39": "IT",
    "+41": "CH",
    "+43": "AT",
    "+44": "GB",
    "+49": "DE",
}
"""Enough countries for a rehearsal; a real request names any."""


@dataclass(frozen=True, slots=True)
class CallSide:
    """Who rings whom: the facts that stay the same for a whole call. `direction` is outbound-api for one of the line's.

    The caller is whoever rang, the line whoever was rung: on a call that the line itself placed, it is the caller.
    """

    call_sid: str
    account_sid: str
    caller_number: str
    line_number: str
    direction: str = "inbound"


def voice_form(side: CallSide, status: str) -> dict[str, str]:
    """The fields common to all voice requests of this call, with its `CallStatus`."""
    form = {
        "AccountSid": side.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": side.call_sid,
        "CallStatus": status,
        "CallToken": '{"parentCallInfoToken":"rehearsal"}',
        "Direction": side.direction,
    }
    for name in ("From", "Caller"):
        form |= _party(name, side.caller_number)
    for name in ("To", "Called"):
        form |= _party(name, side.line_number)
    if side.caller_number.startswith("+1"):
        form["StirVerstat"] = "TN-Validation-Passed-A"
    return form


def _party(name: str, number: str) -> dict[str, str]:
    # Carriers rarely know the town; the country is known for whatever is a number.
    country = next((land for prefix, land in COUNTRIES.items() if number.startswith(prefix)), "")
    return {name: number, f"{name}City": "", f"{name}State": "", f"{name}Zip": "", f"{name}Country": country}
