"""What a leased copy says about a host that gave it no lease, in English: the step that failed, and what to do.

Rule: a step is a stable word; the sentence tells the administrator where to look, on this machine or on the host.

>>> step_of(LeaseDeclined(LeaseFault.REFUSED, HostRefusal.BELOW_THRESHOLD, 4))
('threshold', 'The host counts too few clients yet: 4. This one counts now; it goes on by itself.')
>>> step_of(HostFailed(None, "Connection refused"))[0]
'reach'
"""

from keys.device.asking import HostFailed
from keys.device.leasing import LeaseDeclined, LeaseFault
from keys.kms.messages import HostFault, HostRefusal

_FAULTS = {
    HostFault.MALFORMED: ("protocol", "The host does not understand this client: one of the two is too old."),
    HostFault.HOST_NOT_ACTIVATED: (
        "host_not_activated",
        "The host is not activated: `touchtone kms-host status` there says why.",
    ),
    HostFault.HOST_BUSY: ("host_busy", "The host cannot write its file: look at its disk and its log."),
}
_REFUSALS = {
    HostRefusal.BELOW_THRESHOLD: (
        "threshold",
        "The host counts too few clients yet: {count}. This one counts now; it goes on by itself.",
    ),
    HostRefusal.OTHER_FAMILY: ("family", "The host's key is for another product family."),
    HostRefusal.CLOCK_DIFFERS: ("clock", "This machine's clock and the host's are more than four hours apart."),
    HostRefusal.REPLAY: ("replay", "The host has had this very request before; ask again."),
    HostRefusal.HOST_CLOCK_BACK: (
        "host_clock",
        "The host's clock was put back. Put it right; if it ran ahead before: `touchtone kms-host clock-is-right`.",
    ),
    HostRefusal.CERTIFICATE_ENDED: (
        "certificate",
        "The host's certificate is over: it needs a newer package (`touchtone kms-host package`).",
    ),
}
_LEASES = {
    LeaseFault.CHAIN: ("chain", "The host's certificate is not signed by this product's publisher."),
    LeaseFault.FAMILY: ("family", "The host's key is for another product family."),
    LeaseFault.HOST_BLOCKED: ("host_blocked", "The publisher has withdrawn the host's key; ask for another."),
    LeaseFault.CERTIFICATE_ENDED: ("certificate", "The lease was given after the host's certificate was over."),
    LeaseFault.SIGNATURE: (
        "chain",
        "The answer was not signed with the host's certified key, or was changed on its way.",
    ),
    LeaseFault.REPLAY: ("replay", "The answer is to another request: somebody answers in the host's place."),
    LeaseFault.OTHER_MACHINE: ("replay", "The answer is for another machine: somebody answers in the host's place."),
    LeaseFault.THRESHOLD: ("threshold", "The host counts {count} clients, fewer than this product takes."),
    LeaseFault.CLOCK_BEHIND: ("clock", "This machine's clock is more than four hours behind the host's."),
    LeaseFault.CLOCK_AHEAD: ("clock", "This machine's clock is more than four hours ahead of the host's."),
    LeaseFault.TERM: ("chain", "The lease is longer than any may be."),
}


def step_of(failure: HostFailed | LeaseDeclined) -> tuple[str, str]:
    """The step that failed with a host, and a sentence."""
    if isinstance(failure, HostFailed):
        if failure.fault is None:
            return "reach", f"The host cannot be reached: {failure.detail}."
        return _FAULTS[failure.fault]
    step, sentence = _LEASES[failure.fault] if failure.refusal is None else _REFUSALS[failure.refusal]
    return step, sentence.format(count=failure.count)
