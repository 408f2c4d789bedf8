"""The operations of the API and the shapes of its bodies, from the description that the line itself publishes.

Rule: what is here is `/api/v1/openapi.json` in tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webhooks.api.description import description

Schema = Mapping[str, Any]


def operations() -> str:
    """One section an operation, then one a shape."""
    whole = description("https://line.example.com")
    sections = ["## Operations"]
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            sections += _operation(method, path, operation)
    sections.append("## Bodies")
    for name, schema in whole["components"]["schemas"].items():
        sections += _shape(name, schema)
    return "\n\n".join(sections)


def _operation(method: str, path: str, operation: Schema) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`"
    yield operation["summary"]
    yield operation.get("description", "")
    if parameters := operation.get("parameters"):
        rows = [
            f"| `{each['name']}` | {each['in']} | {_kind(each['schema'])} | {_cell(each.get('description', ''))} |"
            for each in parameters
        ]
        yield "\n".join(["| parameter | where | type | meaning |", "|---|---|---|---|", *rows])
    if body := operation.get("requestBody"):
        yield f"Body: {_kind(next(iter(body['content'].values()))['schema'])}."
    rows = []
    for status, answer in operation["responses"].items():
        content = next(iter(answer.get("content", {}).values()), {})
        kind = _kind(content["schema"]) if content.get("schema") else ""
        rows.append(f"| {status} | {_cell(answer.get('description', ''))} | {kind} |")
    yield "\n".join(["| status | means | body |", "|---|---|---|", *rows])


def _shape(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    if schema.get("description"):
        yield schema["description"]
    needed = set(schema.get("required", ()))
    rows = [
        f"| `{field}` | {_kind(value)} | {'yes' if field in needed else 'no'} | {_cell(value.get('description', ''))} |"
        for field, value in schema.get("properties", {}).items()
    ]
    if rows:
        yield "\n".join(["| field | type | always | meaning |", "|---|---|---|---|", *rows])
    elif "enum" in schema:
        yield ", ".join(f"`{each}`" for each in schema["enum"])


def _kind(schema: Schema) -> str:
    """A type in words: a shape by its link, a list by what it holds, a choice by its parts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(_kind(part) for part in schema[choice])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
