"""The texts of our pages as they stand in the code, and the catalogues that translate them.

Rule: what the code says is what a catalogue holds, no more and no less. `make texts` runs this file: it takes up into
every catalogue what is new, untranslated yet, and drops what is gone. The house test refuses what has no translation.
"""

import io
import tomllib
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
SOURCES = {
    "desk": ("webhooks/desk",),
    "phone": ("webhooks/pages/phone", "webhooks/phone.py", "webhooks/phone_words.py"),
}
"""Where each page's texts stand."""
KEYWORDS = {"_": None, "gettext": None, "later": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


@cache
def in_code(page):
    """Every text of a page, with the files that it stands in."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    options = {
        mapping["pattern"]: {k: v for k, v in mapping.items() if k not in {"pattern", "method"}} for mapping in mappings
    }
    found = Catalog()
    for source in SOURCES[page]:
        at = ROOT / source
        if at.is_dir():
            rows = extract_from_dir(at, methods, options, KEYWORDS)
            told = ((f"{source}/{name}", message, context) for name, _, message, _, context in rows)
        else:
            rows = extract_from_file("python", at, KEYWORDS)
            told = ((source, message, context) for _, message, _, context in rows)
        for name, message, context in told:
            places = found.get(message[0] if isinstance(message, tuple) else message, context)
            known = [] if places is None else places.locations
            found.add(message, context=context, locations=[] if (name, None) in known else [(name, None)])
    return found


def texts(catalogue):
    """The texts of a catalogue by context and English, the header left out."""
    return {(message.context, message.id): message for message in catalogue if message.id}


def files(page):
    """The catalogues of a page, by locale."""
    return {path.stem: path for path in sorted((ROOT / "prompts" / page).glob("*.po"))}


def read(path):
    return read_po(io.BytesIO(path.read_bytes()), locale=path.stem.replace("-", "_"), abort_invalid=True)


def written(path, code):
    """A catalogue with exactly the texts of the code, as its file; its head stays as it is."""
    known = texts(read(path))
    whole = Catalog(locale=path.stem.replace("-", "_"))
    for key, message in texts(code).items():
        translated = known[key].string if key in known else ""
        whole.add(message.id, translated, locations=message.locations, context=message.context)
    out = io.BytesIO()
    write_po(out, whole, width=120, omit_header=True, include_lineno=False)
    head = path.read_text("utf-8").partition("\n\n")[0]
    return f"{head}\n\n{out.getvalue().decode()}"


def main():
    for page in SOURCES:
        code = in_code(page)
        for path in files(page).values():
            path.write_text(written(path, code), "utf-8")


if __name__ == "__main__":
    main()
