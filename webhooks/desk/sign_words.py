"""What was counted for each sign, as a phrase: why a second look may be worth it.

Rule: every sign has its phrase, with the number that was counted in it and the time it was counted over.

>>> sign(Sign.CALLERS, 5), signs(Score(5, {Sign.WITHHELD: 1}))
('5 callers asked with this key within 24 hours', ('the number is withheld',))
"""

from __future__ import annotations

from ivr.signs import Score, Sign
from webhooks.page_texts import gettext as _
from webhooks.page_texts import ngettext


def sign(found: Sign, count: int) -> str:
    """One sign of which so many were counted."""
    match found:
        case Sign.CALLERS:
            return ngettext(
                "one caller asked with this key within 24 hours",
                "%(count)s callers asked with this key within 24 hours",
                count,
            )
        case Sign.COUNTRIES:
            return ngettext(
                "this key was used from one country within 7 days",
                "this key was used from %(count)s countries within 7 days",
                count,
            )
        case Sign.MACHINES:
            return ngettext(
                "one machine asked with this key within an hour",
                "%(count)s machines asked with this key within an hour",
                count,
            )
        case Sign.CYCLING:
            return ngettext(
                "this machine was activated once with this key within 30 days",
                "this machine was activated %(count)s times with this key within 30 days",
                count,
            )
        case Sign.WITHHELD:
            return _("the number is withheld")
        case Sign.NEVER_ISSUED:
            return _("the proof is sound, and no such key was ever issued: somebody has the issuing key")
    return _of_guesses(found, count)


def _of_guesses(found: Sign, count: int) -> str:
    match found:
        case Sign.KEY_GUESSED:
            return ngettext(
                "one wrong proof named this key within 7 days",
                "%(count)s wrong proofs named this key within 7 days",
                count,
            )
        case Sign.KEY_GUESSED_BY_MANY:
            return ngettext(
                "one caller guessed at this key within 7 days",
                "%(count)s callers guessed at this key within 7 days",
                count,
            )
        case Sign.CALLER_GUESSES:
            return ngettext(
                "one wrong proof by this caller within 24 hours",
                "%(count)s wrong proofs by this caller within 24 hours",
                count,
            )
        case Sign.NEIGHBOURS:
            return ngettext(
                "one wrong try from numbers next to this one within 24 hours",
                "%(count)s wrong tries from numbers next to this one within 24 hours",
                count,
            )
    return ngettext("one case of this caller within 24 hours", "%(count)s cases of this caller within 24 hours", count)


def together(score: Score) -> str:
    """All of them on one line."""
    return _("; ").join(signs(score))


def signs(score: Score) -> tuple[str, ...]:
    """A phrase for each sign of a score."""
    return tuple(sign(found, count) for found, count in score.counts.items())
