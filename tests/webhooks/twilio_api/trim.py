"""Trim Twilio's own OpenAPI description, as npm's `@twilio/cli-core` ships it, to the operations we use.

Run by hand where a new operation is wanted, or a newer description: `npm pack @twilio/cli-core`, unpack it, then
`python tests/webhooks/twilio_api/trim.py PATH/package`. What stays are facts: names, types, formats, enums, patterns,
bounds, and what is required. The version trimmed is written beside them.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
USED = {
    "twilio_api_v2010.json": {
        "/2010-04-01/Accounts/{Sid}.json": ["get"],
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json": ["get"],
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json": ["get", "post"],
        "/2010-04-01/Accounts/{AccountSid}/Messages.json": ["get", "post"],
        "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json": ["get"],
        "/2010-04-01/Accounts/{AccountSid}/Calls.json": ["get", "post"],
        "/2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}/Events.json": ["get"],
        "/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json": ["get", "post"],
        "/2010-04-01/Accounts/{AccountSid}/Keys.json": ["post"],
        "/2010-04-01/Accounts/{AccountSid}/Keys/{Sid}.json": ["delete"],
        "/2010-04-01/Accounts/{AccountSid}/Conferences.json": ["get"],
        "/2010-04-01/Accounts/{AccountSid}/Conferences/{ConferenceSid}/Participants/{CallSid}.json": ["post"],
    },
    "twilio_messaging_v1.json": {
        "/v1/Services/{Sid}": ["get", "post"],
        "/v1/Services/{ServiceSid}/PhoneNumbers": ["get", "post"],
    },
    "twilio_pricing_v2.json": {"/v2/Voice/Numbers/{DestinationNumber}": ["get"]},
}
KEPT = ("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "nullable")


def trimmed(package):
    """Everything we use of the unpacked package, as the mapping that `description.json` holds."""
    operations = []
    for file, paths in USED.items():
        whole = json.loads((package / "src/services/twilio-api" / file).read_text("utf-8"))
        host = whole["servers"][0]["url"]
        operations += [
            operation(whole, host + path, method, whole["paths"][path][method])
            for path, methods in paths.items()
            for method in methods
        ]
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    return {"source": f"@twilio/cli-core {version}", "operations": operations}


def operation(whole, url, method, described):
    """One operation: its address, the parts of its path, the fields it takes, and those it answers."""
    parameters = described.get("parameters", [])
    form = described.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    form = form.get("schema", {})
    takes = [*((each["name"], each["schema"]) for each in parameters if each["in"] == "query")]
    takes += form.get("properties", {}).items()
    required = [each["name"] for each in parameters if each["in"] == "query" and each.get("required")]
    answers = next(given for status, given in sorted(described["responses"].items()) if status.startswith("2"))
    content = answers.get("content")  # what is taken away answers nothing
    return {
        "method": method.upper(),
        "url": url,
        "path": {each["name"]: schema(whole, each["schema"]) for each in parameters if each["in"] == "path"},
        "takes": {name: schema(whole, given) for name, given in takes},
        "required": [*required, *form.get("required", [])],
        "answers": schema(whole, content["application/json"]["schema"]) if content else {"nullable": True},
    }


def schema(whole, given):
    """One schema with its references followed and its descriptions left out."""
    if "$ref" in given:
        return schema(whole, whole["components"]["schemas"][given["$ref"].rpartition("/")[2]])
    kept = {name: given[name] for name in KEPT if name in given}
    if given.get("x-twilio", {}).get("ignoreFormat"):
        kept.pop("format", None)
    if "items" in given:
        kept["items"] = schema(whole, given["items"])
    if "properties" in given:
        kept["properties"] = {name: schema(whole, inside) for name, inside in given["properties"].items()}
    return kept


def main():
    """Write `description.json`, one operation a line."""
    found = trimmed(Path(sys.argv[1]))
    operations = ",\n".join(json.dumps(each, separators=(",", ":")) for each in found["operations"])
    text = f'{{"source": {json.dumps(found["source"])}, "operations": [\n{operations}\n]}}\n'
    (HERE / "description.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
