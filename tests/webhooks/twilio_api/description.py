"""What Twilio's own description of its REST interface says of a request of ours, and of an answer we made up for it.

Rule: whatever is not described is a problem, so that a slip in a name or a value fails a test and not a text.

>>> here = "https://api.twilio.com/2010-04-01/Accounts/AC" + "0" * 32
>>> problems("POST", here + "/Messages.json", {"To": "+15005550006", "From": "+15005550001", "Body": "Hello"})
[]
>>> problems("POST", here + "/Messages.json", {"Body": "Hello", "Form": "+15005550001"})
['To is missing', 'Form is unknown']
>>> problems("GET", here + "/Message.json", {})
['GET https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Message.json is no operation']
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

FACTS = json.loads((Path(__file__).parent / "description.json").read_text("utf-8"))

WRITTEN = {
    "boolean": re.compile("true|false"),
    "integer": re.compile("-?[0-9]+"),
    "number": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
    "string": re.compile("(?s).*"),
}
"""How a value of each type is written in a form."""


def problems(method: str, url: str, form: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> list[str]:
    """What is wrong with a request; nothing if Twilio's description allows it.

    `form` holds the fields of a POST or the query of a GET, as a mapping (a list for what is given several times) or as
    pairs; a query in the URL counts as well. Values are taken as the text they are sent as.
    """
    parts = urlsplit(url)
    bare = parts._replace(query="", fragment="").geturl()
    operation, named = _operation(method, bare)
    if operation is None:
        return [f"{method} {bare} is no operation"]
    given = form.items() if isinstance(form, Mapping) else form
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *given]
    found = [f"{name} is missing" for name in operation["required"] if name not in dict(pairs)]
    for name, value in named.items():
        found += _of_value(name, value, operation["path"][name])
    times: dict[str, int] = {}
    for name, value in pairs:
        schema = operation["takes"].get(name)
        times[name] = times.get(name, 0) + 1
        if schema is None:
            found.append(f"{name} is unknown")
            continue
        several = schema.get("type") == "array"
        for each in value if isinstance(value, list | tuple) else [value]:
            found += _of_value(name, each, schema["items"] if several else schema)
        if not several and (times[name] > 1 or isinstance(value, list | tuple)):
            found.append(f"{name} is given several times")
    return found


def answer_problems(method: str, url: str, answer: object) -> list[str]:
    """What is wrong with an answer (as parsed from its JSON) to such a request, by the same description."""
    bare = urlsplit(url)._replace(query="", fragment="").geturl()
    operation, _ = _operation(method, bare)
    return [f"{method} {bare} is no operation"] if operation is None else _of_answer("", answer, operation["answers"])


def _operation(method: str, bare: str):
    """The operation with this method and address, and what stands in the places of its path."""
    for operation in FACTS["operations"]:
        place = re.escape(operation["url"]).replace(r"\{", "{").replace(r"\}", "}")
        match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+?)", place), bare)
        if match and operation["method"] == method.upper():
            return operation, match.groupdict()
    return None, {}


def _of_value(name: str, value: object, schema: dict) -> list[str]:
    """What is wrong with one value of a form, as it is sent."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not WRITTEN[schema.get("type", "string")].fullmatch(text):
        return [f"{name}={text!r} is no {schema['type']}"]
    return _of_text(name, text, schema)


def _of_text(name: str, text: str, schema: dict) -> list[str]:
    """What is wrong with a text (or a number's): its enum, pattern, length, bounds, format."""
    number = int(text) if schema.get("type") == "integer" else None
    breaches = {
        f"{name}={text!r} is none of {schema.get('enum')}": text not in schema.get("enum", [text]),
        f"{name}={text!r} does not match {schema.get('pattern')}": not re.search(schema.get("pattern", ""), text),
        f"{name}={text!r} is too short": len(text) < schema.get("minLength", 0),
        f"{name}={text!r} is too long": len(text) > schema.get("maxLength", len(text)),
        f"{name}={text!r} is too small": number is not None and number < schema.get("minimum", number),
        f"{name}={text!r} is too large": number is not None and number > schema.get("maximum", number),
        f"{name}={text!r} is no {schema.get('format')}": not _is_of_format(text, schema.get("format", "")),
    }
    return [problem for problem, is_one in breaches.items() if is_one]


def _is_of_format(text: str, kind: str) -> bool:
    if kind == "phone-number":  # an alphanumeric or a channel's sender would do for Twilio; we use neither
        return re.fullmatch(r"\+[1-9][0-9]{4,14}", text) is not None
    if kind == "uri" and text:  # an empty one takes the old one away
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text
    if kind == "date-time":
        try:
            return datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            return False
    return True


def _of_answer(name: str, value: object, schema: dict) -> list[str]:
    """What is wrong with one value of an answer, and with everything inside it."""
    kinds = {"object": dict, "array": list, "boolean": bool, "integer": int, "number": int | float, "string": str}
    if value is None:
        return [] if schema.get("nullable") else [f"{name} is null"]
    if not isinstance(value, kinds[schema.get("type", "object")]):
        return [f"{name} is no {schema.get('type')}"]
    if isinstance(value, dict):
        known = schema.get("properties")
        unknown = [f"{name}.{inside} is unknown" for inside in value if known is not None and inside not in known]
        return unknown + [
            problem
            for inside, schema_inside in (known or {}).items()
            if inside in value
            for problem in _of_answer(f"{name}.{inside}", value[inside], schema_inside)
        ]
    if isinstance(value, list):
        return [problem for each in value for problem in _of_answer(f"{name}[]", each, schema["items"])]
    if isinstance(value, str) and value and schema.get("format") != "uri":
        return _of_text(name, value, schema)
    return []
