"""Every text of the desk and of the rehearsal page is in every released language, and none stands there bare."""

import ast
import re
import string
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, nodes

from webhooks.page_text_faults import of_text
from webhooks.page_texts import PAGES

from . import extracted
from .extracted import ROOT

RELEASED = [(page, locale) for page in PAGES for locale in extracted.files(page)]
SAYING = {"_", "gettext", "ngettext", "pgettext", "later"}
READ = {"aria-label", "placeholder", "title", "alt", "data-of"}
"""Attributes that people read or hear."""
LINE = {path.stem for path in (ROOT / "prompts").glob("*.po")} - {"en-US", "en-GB"}
"""What the line speaks, but for English, which needs no catalogue here."""
NAMES = {"Touchtone", "UTC"}
"""What is called so in every language."""
TEMPLATES = [*(ROOT / "webhooks/desk/templates").glob("*.html"), ROOT / "webhooks/pages/phone/phone.html"]
SCRIPTS = [*(ROOT / "webhooks/desk/static").glob("*.js"), *(ROOT / "webhooks/pages").rglob("*.js")]
ELSEWHERE = {"phone_file.py", "totp.py"}
"""What they say is not on a page: why the line does not start, and a name in somebody's app."""
VIEWS = [
    path
    for path in (*(ROOT / "webhooks/desk").glob("*.py"), *(ROOT / "webhooks").glob("phone*.py"))
    if path.name not in ELSEWHERE
]
SENTENCE = re.compile(r"[A-Z]\w*,? \w")
IN_SCRIPT = re.compile(r"""(_\()?("[^"\n]*"|'[^'\n]*'|`[^`]*`)""")


def test_both_pages_are_released_in_the_languages_of_the_line():
    assert set(extracted.files("desk")) == set(extracted.files("phone")) == LINE


@pytest.mark.parametrize(("page", "locale"), RELEASED)
def test_a_released_catalogue_holds_the_texts_of_the_code_and_no_others(page, locale):
    path = extracted.files(page)[locale]
    assert set(extracted.texts(extracted.read(path))) == set(extracted.texts(extracted.in_code(page))), (
        "run `make texts`"
    )
    assert extracted.written(path, extracted.in_code(page)) == path.read_text("utf-8"), "run `make texts`"


@pytest.mark.parametrize(("page", "locale"), RELEASED)
def test_every_text_is_translated_in_every_plural_with_its_facts_and_its_markup(page, locale):
    catalogue = extracted.read(extracted.files(page)[locale])
    wrong = [
        fault for message in extracted.texts(catalogue).values() for fault in of_text(message, catalogue.num_plurals)
    ]
    assert not wrong


def test_a_text_without_a_form_a_fact_or_its_markup_would_be_found():
    catalogue = extracted.Catalog(locale="ar")
    for text in ("لا شيء", "%(whom)s هنا", "", "%(who)s <b>هنا</b>"):
        message = catalogue.add("%(who)s is here", text)
        assert list(of_text(message, 6)), text
        del catalogue["%(who)s is here"]
    message = catalogue.add(("one case", "%(count)s cases"), ("حالة", "حالات"))
    assert list(of_text(message, 6))


@pytest.mark.parametrize("kind", ["template", "script", "python"])
def test_nothing_is_said_bare(kind):
    paths, bare = {
        "template": (TEMPLATES, bare_in_template),
        "script": (SCRIPTS, bare_in_script),
        "python": (VIEWS, bare_in_python),
    }[kind]
    assert paths
    found = {path.name: said for path in paths if (said := list(bare(path.read_text("utf-8"))))}
    assert not found


def test_a_bare_text_would_be_found():
    assert list(bare_in_template("<p>Nobody waits</p>")) == ["Nobody waits"]
    assert list(bare_in_template('<a aria-label="Look at it {{ x }}"></a>')) == ["Look at it ?"]
    assert list(bare_in_template("{{ show.tag('Not here', 'bad') }}")) == ["Not here"]
    assert list(bare_in_script('tell("Something went wrong.", true); a.textContent = "later";')) == [
        "Something went wrong.",
        "later",
    ]
    assert list(bare_in_python('def f():\n    """A doc."""\n    say("The case is yours.")')) == ["The case is yours."]


def bare_in_template(text):
    """What a template says without asking a catalogue: between its tags, in what is read of them, or filled in."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    environment.newstyle_gettext = True
    template = environment.parse(text)
    reader = _Reader()
    reader.feed("".join(_stream(template)))
    reader.close()
    yield from reader.found
    yield from _constants(template)


def _stream(node):
    """The markup with a sign in place of whatever is filled in."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.TemplateData):
            yield child.data
        elif isinstance(node, nodes.Output):
            yield "?"
        else:
            yield from _stream(child)


def _constants(node):
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAYING:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and SENTENCE.match(node.value):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _constants(child)


class _Reader(HTMLParser):
    """Takes down what somebody would read; what is typed or pressed is no language."""

    def __init__(self):
        super().__init__()
        self.found, self._within = [], []

    def handle_starttag(self, tag, attrs):
        self._within.append(tag)
        self.found += [value for name, value in attrs if name in READ and _is_said(value or "")]

    def handle_endtag(self, tag):
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data):
        if self._within[-1:] not in (["code"], ["kbd"], ["script"]) and _is_said(data):
            self.found.append(data.strip())


def _is_said(text):
    words = {word.strip(string.punctuation + "\u2013") for word in text.split()}
    return any(word.isalpha() for word in words - NAMES)


def bare_in_script(text):
    """What a script says without asking: sentences, and whatever it puts into the page as text."""
    code = re.sub(r"^\s*//.*$|\s//[^\"'`\n]*$", "", text, flags=re.MULTILINE)
    for match in IN_SCRIPT.finditer(code):
        said, put = match[2][1:-1], code[: match.start()].endswith("textContent = ")
        if not match[1] and (SENTENCE.match(said) or (put and re.search("[a-z]{2}", said) and "${" not in said)):
            yield said


def bare_in_python(text):
    """Every sentence that is no doc and no part of a call that looks it up."""
    tree = ast.parse(text)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    asked = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING
        for argument in node.args
        for each in ast.walk(argument)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in docs | asked else None
        if isinstance(text, str) and SENTENCE.match(text):
            yield text
