"""Where whoever a case is about is just now: in the call, in a text, or gone.

Rule: what is looked at once for every desk is a place, and becomes words only where it is read.

>>> from ivr.form import Form
>>> said(in_call(states.AskingGroup(Form(format=1), group=4)))
'keying group 4'
>>> said(Place(HUNG_UP)), said(Place("Waiting", waits=False))
('hung up', 'waiting, hears music; waits no longer')
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr import states
from webhooks.page_texts import Words, joined, later
from webhooks.page_texts import gettext as _

HUNG_UP = "hung_up"
NOT_IN_THE_QUEUE = "not_in_the_queue"
TEXTING = "texting"
TEXTED_NO_MORE = "texted_no_more"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is: the name of a state of the call, or one of the names above; `groups` it is about, by number.

    `waits` is False for a caller who goes on with the call and no longer waits for a person.
    """

    name: str
    groups: tuple[int, ...] = ()
    waits: bool = True


PLACES = Words(
    {
        HUNG_UP: later("hung up"),
        NOT_IN_THE_QUEUE: later("not in the queue"),
        TEXTING: later("texting"),
        TEXTED_NO_MORE: later("texted that they wait no longer"),
        states.Opening.__name__: later("at the first prompt"),
        states.AskingCase.__name__: later("keying a case number"),
        states.FindingCase.__name__: later("keying a case number"),
        states.Checking.__name__: later("all groups in, being checked"),
        states.Weighing.__name__: later("a slip is being looked for"),
        states.ReadingBack.__name__: later("hears the confirmation ID"),
        states.WayOn.__name__: later("stuck, hears the ways on"),
        states.AskingNumber.__name__: later("keying a number to be called at"),
        states.ConfirmingNumber.__name__: later("confirms a number to be called at"),
        states.AskingMobile.__name__: later("keying a number to be texted at"),
        states.ConfirmingMobile.__name__: later("confirms a number to be texted at"),
        states.Texting.__name__: later("is being texted"),
        states.AskingAgreement.__name__: later("keying an agreement number, to ask for more"),
        states.CheckingAgreement.__name__: later("keying an agreement number, to ask for more"),
        states.AskingAmount.__name__: later("keying how many more"),
        states.ConfirmingAmount.__name__: later("confirms how many more"),
        states.AskingWhy.__name__: later("says what more are for"),
        states.AskingHow.__name__: later("says how to be told the answer"),
        states.AskingToldAt.__name__: later("keying a number to be told the answer at"),
        states.ConfirmingToldAt.__name__: later("confirms a number to be told the answer at"),
        states.Requesting.__name__: later("has asked for more"),
        states.Escalating.__name__: later("comes into the queue"),
        states.Waiting.__name__: later("waiting, hears music"),
        states.ChoosingLanguage.__name__: later("choosing a language"),
        states.Talking.__name__: later("talking to an operator"),
        states.Ended.__name__: later("the call is over"),
    }
)


def in_call(state: states.State, *, waits: bool = True) -> Place:
    """Where a live call is just now."""
    match state:
        case states.AskingGroup():
            groups: tuple[int, ...] = (state.group,)
        case states.ConfirmingGroup():
            groups = state.candidate.mended
        case _:
            groups = ()
    return Place(type(state).__name__, groups, waits)


def said(place: Place) -> str:
    """A place in words; one without words shows under its own name."""
    if place.name == states.AskingGroup.__name__:
        words = _("keying group %(groups)s", groups=joined(place.groups))
    elif place.name == states.ConfirmingGroup.__name__:
        words = _("confirms what was found for group %(groups)s", groups=joined(place.groups))
    else:
        words = PLACES.get(place.name, place.name)
    return words if place.waits else _("%(place)s; waits no longer", place=words)
