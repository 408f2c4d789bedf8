"""Templates in the language of whoever reads the page, and how that language writes days, times and counts.

Rule: what is filled into a text is made harmless first and then set apart; the markup of a text is the catalogue's own.

>>> from jinja2 import Environment
>>> from webhooks.page_texts import languages, reading
>>> environment = Environment(autoescape=True)
>>> in_languages(environment)
>>> page = environment.from_string("{% trans who=who %}{{ who }} has this case.{% endtrans %} {{ number(7000) }}")
>>> page.render(who="<i>")
'&lt;i&gt; has this case. 7,000'
>>> with reading(languages("desk")["de"]):
...     page.render(who="Anna Berg")
'Anna Berg hat diesen Vorgang. 7.000'
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from babel.dates import format_date, format_datetime, format_time, get_datetime_format, get_day_names
from babel.numbers import format_percent
from jinja2 import Environment
from markupsafe import Markup, escape

from webhooks import page_texts
from webhooks.page_texts import apart, language, number


def in_languages(environment: Environment) -> None:
    """Let the templates of an environment say `{% trans %}`, `_("...")` and `pgettext("which", "...")`."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined] # the extension's own
    environment.globals.update(
        _=_gettext, gettext=_gettext, ngettext=_ngettext, pgettext=_pgettext, language=language, number=number,
        apart=apart, day=day, date_and_time=date_and_time, clock=clock, percent=percent,
        weekday_and_hour=weekday_and_hour,
    )  # fmt: skip


def day(when: date) -> str:
    """A day, as short as it stays plain."""
    return str(format_date(when, "medium", locale=language().babel))


def date_and_time(when: datetime) -> str:
    """A moment by the world's clock; the page's script writes the operator's own in its place."""
    locale = language().babel
    written = {
        "1": format_date(when.astimezone(UTC), "medium", locale=locale),
        "0": format_time(when, "short", tzinfo=UTC, locale=locale),
    }
    together = str(get_datetime_format("medium", locale=locale)).replace("'", "")
    return re.sub(r"\{([01])\}", lambda place: written[place[1]], together) + " UTC"


def percent(share: int) -> str:
    """So many of a hundred."""
    return str(format_percent(share / 100, locale=language().babel))


def clock(when: datetime) -> str:
    """A time of day to the second, in the zone that it is in."""
    return str(format_time(when, "medium", tzinfo=when.tzinfo, locale=language().babel))


def weekday_and_hour(when: datetime) -> str:
    """A day of the week and a time of day, in the zone that it is in."""
    return str(format_datetime(when, "EEE HH:mm", tzinfo=when.tzinfo, locale=language().babel))


def weekday(place: int) -> str:
    """The name of a day of the week; Monday is 0."""
    return str(get_day_names("wide", context="stand-alone", locale=language().babel)[place])


def _gettext(message: str, **facts: Any) -> Markup:
    return Markup(page_texts.gettext(message, **_harmless(facts)))  # noqa: S704 - the catalogue's own markup


def _pgettext(context: str, message: str, **facts: Any) -> Markup:
    return Markup(page_texts.pgettext(context, message, **_harmless(facts)))  # noqa: S704 - the catalogue's own markup


def _ngettext(one: str, more: str, many: int, /, **facts: Any) -> Markup:
    return Markup(page_texts.ngettext(one, more, many, **_harmless(facts)))  # noqa: S704 - the catalogue's own markup


def _harmless(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts without markup of their own; a count stays one, to be written as the language writes it."""
    return {name: value if isinstance(value, int) else escape(value) for name, value in facts.items()}
