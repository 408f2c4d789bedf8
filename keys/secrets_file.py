"""The secrets of a line, in one file that only its owner may read, and the issuing root beside it.

The rule it keeps: there are no default secrets, none is ever printed (a `repr` shows none), and a file that others
can read is refused. The issuing root is needed only to add a product; it may stay in a safe.
"""

import json
import os
import secrets as randomness
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from keys.derivation import issuing_key
from keys.errors import BadInput

SECRET_BYTES = 32
ROOT_NAME = "issuing-root"
_LINE_SECRETS = ("ledger_key", "certificate_key", "number_key", "pepper")


class SecretsFileError(BadInput):
    """A secrets file cannot be used: `path` tells which."""

    def __init__(self, path: Path, *facts: object) -> None:
        super().__init__(path, *facts)
        self.path = path


class SecretsFileMissingError(SecretsFileError):
    """There is no such file, or it cannot be read."""


class SecretsFileExistsError(SecretsFileError):
    """A file stands there already; secrets are never overwritten."""


class SecretsFileTooOpenError(SecretsFileError):
    """Others than the owner may read the file: `mode` is its permissions."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(path, mode)
        self.mode = mode


class SecretsFileMalformedError(SecretsFileError):
    """A field is missing or is not what it should be: `field` names it (with its table), or is None for the whole."""

    def __init__(self, path: Path, field: str | None) -> None:
        super().__init__(path, field)
        self.field = field


@dataclass(frozen=True, slots=True, repr=False)
class ProductSecrets:
    """One product's issuing key and its live verification secrets by generation."""

    issuing_key: bytes
    verification: Mapping[int, bytes]

    def __repr__(self) -> str:
        """Show the generations only."""
        return f"ProductSecrets(generations={sorted(self.verification)})"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """All secrets of a line; each of the four is 32 bytes.

    `ledger_key` seals the entries, `certificate_key` is the seed of the Ed25519 key that signs certificates and roots,
    `number_key` encrypts callers' numbers, `pepper` keys their pseudonyms; `peppers_before` are those it took the place
    of, under which opt-outs and blocks are still looked for.
    """

    products: Mapping[int, ProductSecrets]
    ledger_key: bytes
    certificate_key: bytes
    number_key: bytes
    pepper: bytes
    peppers_before: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Show the products' numbers only."""
        return f"Secrets(products={sorted(self.products)})"


def create(path: Path) -> Secrets:
    """Make a file of fresh secrets with no product yet, mode 0600. Raises SecretsFileExistsError."""
    ledger, certificates, numbers, pepper = (randomness.token_bytes(SECRET_BYTES) for _ in _LINE_SECRETS)
    made = Secrets({}, ledger, certificates, numbers, pepper)
    _write_new(path, _text(made))
    return made


def create_root(path: Path) -> bytes:
    """Make a fresh issuing root, mode 0600, and return its 32 bytes. Raises SecretsFileExistsError."""
    root = randomness.token_bytes(SECRET_BYTES)
    _write_new(path, root.hex() + "\n")
    return root


def root_path(path: Path) -> Path:
    """Where the issuing root stands unless it was taken away: beside the secrets file."""
    return path.with_name(ROOT_NAME)


def load_root(path: Path) -> bytes:
    """The issuing root's 32 bytes. Raises a SecretsFileError."""
    return _secret(path, None, _read(path).strip())


def load(path: Path) -> Secrets:
    """Read a secrets file. Raises a SecretsFileError that names the field at fault."""
    text = _read(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SecretsFileMalformedError(path, None) from error
    line = tables.get("line")
    if not isinstance(line, dict):
        raise SecretsFileMalformedError(path, "line")
    four = {name: _secret(path, f"line.{name}", line.get(name)) for name in _LINE_SECRETS}
    listed = tables.get("products", {})
    if not isinstance(listed, dict):
        raise SecretsFileMalformedError(path, "products")
    before = line.get("peppers_before", [])
    if not isinstance(before, list):
        raise SecretsFileMalformedError(path, "line.peppers_before")
    return Secrets(
        {_number(path, "products", name): _product(path, name, facts) for name, facts in listed.items()},
        **four,
        peppers_before=tuple(_secret(path, "line.peppers_before", each) for each in before),
    )


def add_product(path: Path, product: int, root: bytes) -> None:
    """Give a product its issuing key, derived from `root`, and a first verification secret; a known one is left alone.

    The file is replaced in one step. Raises a SecretsFileError.
    """
    held = load(path)
    if product in held.products:
        return
    fresh = ProductSecrets(issuing_key(root, product), {1: randomness.token_bytes(SECRET_BYTES)})
    _replace(path, _text(replace(held, products={**held.products, product: fresh})))


def add_generation(path: Path, product: int) -> int:
    """Give a product another verification secret, under which its next builds make installations; its generation.

    Machines of the generations before are activated as ever. Raises a SecretsFileError, and KeyError for a product that
    has no secrets.
    """
    held = load(path)
    known = held.products[product]
    generation = max(known.verification) + 1
    grown = {**known.verification, generation: randomness.token_bytes(SECRET_BYTES)}
    _replace(path, _text(replace(held, products={**held.products, product: replace(known, verification=grown)})))
    return generation


def renew_pepper(path: Path) -> None:
    """Give callers new pseudonyms from now on; the old pepper stays, to find opt-outs and blocks by.

    Raises a SecretsFileError.
    """
    held = load(path)
    fresh = randomness.token_bytes(SECRET_BYTES)
    _replace(path, _text(replace(held, pepper=fresh, peppers_before=(held.pepper, *held.peppers_before))))


def _product(path: Path, name: str, facts: object) -> ProductSecrets:
    at = f"products.{name}"
    if not isinstance(facts, dict):
        raise SecretsFileMalformedError(path, at)
    live = facts.get("verification")
    if not isinstance(live, dict) or not live:
        raise SecretsFileMalformedError(path, f"{at}.verification")
    return ProductSecrets(
        _secret(path, f"{at}.issuing_key", facts.get("issuing_key")),
        {
            _number(path, f"{at}.verification", generation): _secret(path, f"{at}.verification.{generation}", value)
            for generation, value in live.items()
        },
    )


def _number(path: Path, table: str, name: str) -> int:
    if not name.isascii() or not name.isdecimal():
        raise SecretsFileMalformedError(path, f"{table}.{name}")
    return int(name)


def _secret(path: Path, field: str | None, value: object) -> bytes:
    try:
        found = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError as error:
        raise SecretsFileMalformedError(path, field) from error
    if len(found) != SECRET_BYTES:
        raise SecretsFileMalformedError(path, field)
    return found


def _text(held: Secrets) -> str:
    lines = ["# The secrets of this line, in hexadecimal. Whoever has them can make confirmation IDs.", "[line]"]
    lines += [f'{name} = "{getattr(held, name).hex()}"' for name in _LINE_SECRETS]
    if held.peppers_before:
        lines.append(f"peppers_before = {json.dumps([each.hex() for each in held.peppers_before])}")
    for number, product in sorted(held.products.items()):
        lines += ["", f"[products.{number}]", f'issuing_key = "{product.issuing_key.hex()}"']
        lines += ["", f"[products.{number}.verification]"]
        lines += [f'{generation} = "{secret.hex()}"' for generation, secret in sorted(product.verification.items())]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise SecretsFileTooOpenError(path, mode)
            return file.read()
    except OSError as error:
        raise SecretsFileMissingError(path) from error
    except UnicodeDecodeError as error:
        raise SecretsFileMalformedError(path, None) from error


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SecretsFileExistsError(path) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
