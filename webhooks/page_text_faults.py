r"""What is wrong with a catalogue of our pages, whose English stands in templates, scripts and code.

Rule: whatever somebody would read in English, with a fact left out or with broken markup, is a fault here. What the
code says is not looked for: `make texts` takes it up into every catalogue, so what one has the others must have too.

>>> from ivr.prompts import read_texts
>>> german = b'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\nmsgid "%(who)s is <b>here</b>"\n'
>>> [(each.why.value, each.fact) for each in faults(read_texts(german + b'msgstr "%(wer)s ist da"\n', "de")[0], {})]
[('PLACEHOLDERS', '%(wer)s %(who)s'), ('MARKUP', '</b> <b>')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from babel.messages.catalog import Catalog, Message

from ivr.catalogue_faults import Fault, Why, forms_of

_FACT = re.compile(r"%\((\w+)\)s")
_MARKUP = re.compile(r"<[^>]+>")


def texts(catalogue: Catalog) -> dict[tuple[str | None, object], Message]:
    """The texts of a catalogue by context and English, the header left out."""
    return {(message.context, message.id): message for message in catalogue if message.id}


def faults(catalogue: Catalog, known: Mapping[tuple[str | None, object], Message]) -> Iterator[Fault]:
    """Everything wrong with a catalogue, and what it lacks of the texts that are `known` from the others."""
    given = texts(catalogue)
    for key, message in known.items():
        if key not in given:
            yield Fault(Why.MISSING, _english(message))
    for message in given.values():
        yield from of_text(message, catalogue.num_plurals)


def of_text(message: Message, plurals: int) -> Iterator[Fault]:
    """What is wrong with one translation into a language with so many forms."""
    english, said = forms_of(message.id), forms_of(message.string)
    named = _english(message)
    if message.fuzzy:
        yield Fault(Why.FUZZY, named)
    if not any(form.strip() for form in said):
        yield Fault(Why.UNTRANSLATED, named)
        return
    if len(said) != (plurals if len(english) > 1 else 1) or not all(form.strip() for form in said):
        yield Fault(Why.PLURAL_FORMS, named, f"{sum(bool(form.strip()) for form in said)} of {plurals}")
    facts = {name for form in english for name in _FACT.findall(form)}
    may_lack = {"count"} if len(english) > 1 else set()
    markup = sorted(_MARKUP.findall(english[-1]))
    for form in said:
        amiss = set(_FACT.findall(form)) ^ facts
        if amiss - (may_lack & facts):
            yield Fault(Why.PLACEHOLDERS, named, " ".join(f"%({name})s" for name in sorted(amiss)))
        elif "%" in _FACT.sub("", form).replace("%%", ""):
            yield Fault(Why.PLACEHOLDERS, named, "%")
        if sorted(_MARKUP.findall(form)) != markup:
            yield Fault(Why.MARKUP, named, " ".join(markup))


def _english(message: Message) -> str:
    return forms_of(message.id)[0]
