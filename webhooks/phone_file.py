"""The rehearsal page's one file: the token that opens it, and what its pretend machine installs.

Rule: the file is its owner's alone and is replaced whole; the token outlives a restart, so an address once printed
stays good until the file is deleted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from keys import product_key
from keys.device import store
from keys.device.build import ProductBuild
from keys.errors import BadInput
from webhooks.settings import SettingError, Settings


@dataclass(frozen=True, slots=True)
class Installable:
    """What the pretend machine has to hand: a product's build and one of its product keys, as printed."""

    build: ProductBuild
    product_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PhoneFile:
    """What stands in the file. `installable` is None until somebody has put a product there."""

    token: str = field(repr=False)
    installable: Installable | None


def opened(path: Path) -> PhoneFile:
    """What the file holds; with a fresh token where there is none. Raises SettingError for a damaged one."""
    try:
        facts = store.read(path)
        return PhoneFile(_token(facts.get("token")), _installable(facts))
    except FileNotFoundError:
        made = PhoneFile(secrets.token_urlsafe(24), None)
    except (BadInput, OSError) as error:
        raise SettingError(f"The rehearsal page's file {path} cannot be used; delete it and start again.") from error
    _write(path, made)
    return made


def keep(path: Path, installable: Installable) -> PhoneFile:
    """Put a product there for the pretend machine; the token stays. Raises SettingError."""
    kept = replace(opened(path), installable=installable)
    _write(path, kept)
    return kept


def address(found: Settings, file: PhoneFile) -> str:
    """Where the page is opened the first time: with its token, which a cookie then stands for."""
    return f"{found.public_url}/phone?token={file.token}"


def _write(path: Path, file: PhoneFile) -> None:
    facts: dict[str, object] = {"token": file.token}
    if file.installable is not None:
        facts |= {"build": file.installable.build.to_facts(), "product_key": file.installable.product_key}
    try:
        store.write(path, facts)
    except OSError as error:
        raise SettingError(f"The rehearsal page's file {path} cannot be written: {error.strerror}.") from error


def _token(value: object) -> str:
    if not isinstance(value, str) or len(value) < 16:
        raise BadInput("token")
    return value


def _installable(facts: dict[str, object]) -> Installable | None:
    match facts:
        case {"build": dict(build), "product_key": str(text)}:
            product_key.decode(text)
            return Installable(ProductBuild.from_facts(build), text)
        case {"build": _} | {"product_key": _}:
            raise BadInput("build")
    return None
