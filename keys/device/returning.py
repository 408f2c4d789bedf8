"""Giving an activation back: the installation is burnt first, and only then its return code is shown.

One rule: no code of an installation that is alive. `give_back` makes the state that is to be stored, and `code` makes a
code from a state that is dead already; so a power cut leaves the machine whole, or dead with its code still to be had.

>>> from datetime import date
>>> from keys import confirmation_id, product_key
>>> from keys.device.hardware import simulated
>>> from keys.installation_id import decode
>>> build = ProductBuild(7, "Harbour Pilot", 1, generation=1, verification_secret=bytes(32), blocks=8, returns=True)
>>> key = product_key.make(product_key.KeyType.MAK, product=7, serial=41, issuing_key=bytes(32))
>>> here = simulated("wheelhouse")
>>> state = machine.install(build, product_key.encode(key), here, nonce=9)
>>> code(build, state)
Traceback (most recent call last):
    ...
keys.device.machine.Declined: (<Reason.NOT_RETURNED: 'not_returned'>, None)
>>> dead = give_back(build, state, here)
>>> machine.status(build, dead, here, date(2026, 11, 24)).value, len(code(build, dead))
('returned', 3)
"""

from dataclasses import replace

from keys import return_code
from keys.device import machine
from keys.device.build import ProductBuild
from keys.device.hardware import Hardware, vote
from keys.device.machine import Declined, Reason
from keys.device.state import State
from keys.installation_id import decode


def give_back(build: ProductBuild, state: State, hardware: Hardware) -> State:
    """The state in which this installation is dead for good; one that is dead already comes back as it is.

    A suite's installation is one for all its members on the machine, and dead for all of them.

    Store it before anything is shown. Raises Declined: the product has no returns, the state is not this product's, or
    this is not the machine that was activated (only there is anything given back by burning).
    """
    if state.is_returned:
        return state
    build = build.of(state.product)
    if not build.returns:
        raise Declined(Reason.NO_RETURNS)
    iid = decode(state.installation_id)
    if state.product != build.product or machine.secret_of(build, state, iid) is None:
        raise Declined(Reason.NOT_INSTALLED)
    tally = vote(build.id_format, iid.fingerprint, hardware, state.key_secret, dockable=build.dockable)
    if not tally.passed:
        raise Declined(Reason.HARDWARE_CHANGED, tally.needed - tally.matched)
    return replace(state, confirmation_id=None, returned=(*state.returned, state.installation_id))


def code(build: ProductBuild, state: State) -> tuple[str, ...]:
    """The return code of an installation that is dead, three strings of six digits; the same each time it is asked.

    Raises Declined (NOT_RETURNED where it is alive).
    """
    if not state.is_returned:
        raise Declined(Reason.NOT_RETURNED)
    build = build.of(state.product)
    iid = decode(state.installation_id)
    secret = machine.secret_of(build, state, iid)
    if secret is None:
        raise Declined(Reason.NOT_INSTALLED)
    return return_code.issue(iid, verification_secret=secret, key_secret=state.key_secret)
