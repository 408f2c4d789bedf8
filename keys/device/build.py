"""What a publisher compiles into one product: the facts a device needs, and nothing that could issue a key.

One rule: an issuing key never stands here. A build alone makes no confirmation ID; it takes a product key as well.

>>> build = ProductBuild(7, "Pilot", 1, generation=1, verification_secret=bytes(32), blocks=8)
>>> ProductBuild.from_facts(build.to_facts()) == build
True
>>> build  # doctest: +NORMALIZE_WHITESPACE
ProductBuild(product=7, name='Pilot', format=1, generation=1, blocks=8, dockable=False, line=None, returns=False,
 licensing='volume')
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keys.errors import BadInput
from keys.formats import BLOCK_COUNTS, FORMATS, Format
from keys.kms.messages import MOST_THRESHOLD, USUAL_THRESHOLD

VOLUME = "volume"
LICENSING = (VOLUME, "retail", "preinstalled")
"""The classes of copies; a copy whose build says nothing is a volume one."""


class InvalidBuild(BadInput):
    """The facts of a build are incomplete or impossible; `field` names the first one that is."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Volume:
    """What a volume edition has built in besides, to be leased by a licence host of its family.

    `publisher_key` (32 bytes, no secret) checks the certificates of hosts, `client_key` is the KMS client key that
    every copy carries, `threshold` how many clients a host must count, `refused` the host keys, as PRODUCT:SERIAL,
    whose leases do not count any more. Raises InvalidBuild.
    """

    family: str
    publisher_key: bytes
    client_key: str = field(repr=False)
    threshold: int = USUAL_THRESHOLD
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no client could work with."""
        if not self.family:
            raise InvalidBuild("volume.family")
        if len(self.publisher_key) != 32:
            raise InvalidBuild("volume.publisher_key")
        if not 1 <= self.threshold <= MOST_THRESHOLD:
            raise InvalidBuild("volume.threshold")

    def to_facts(self) -> dict[str, object]:
        """As JSON values; the publisher's key in hexadecimal."""
        return {
            "family": self.family,
            "publisher_key": self.publisher_key.hex(),
            "client_key": self.client_key,
            "threshold": self.threshold,
            "refused": list(self.refused),
        }

    @classmethod
    def from_facts(cls, facts: object) -> "Volume | None":
        """From JSON values; None for None. Raises InvalidBuild for a missing or ill-typed one."""
        if facts is None:
            return None
        if not isinstance(facts, dict):
            raise InvalidBuild("volume")
        refused = facts.get("refused", [])
        if not isinstance(refused, list) or not all(isinstance(named, str) for named in refused):
            raise InvalidBuild("volume.refused")
        return cls(
            family=_text(facts, "family"),
            publisher_key=_secret(facts, "publisher_key"),
            client_key=_text(facts, "client_key"),
            threshold=_number(facts, "threshold"),
            refused=tuple(refused),
        )


@dataclass(frozen=True, slots=True)
class ProductBuild:
    """The facts of one product. Raises InvalidBuild.

    `generation` is that of the `verification_secret` (32 bytes), under which new installations are made; `earlier`
    holds secrets of generations that machines activated before are still to be accepted under. `blocks` is 5 or 8,
    `line` the number to call or text, if it is to be shown; `dockable` products forgive more hardware changes.
    `volume` is there in editions that a licence host may lease. Of a product with `returns` a machine may give its
    activation back. `licensing` is the class of its copies, one of LICENSING. `suites` are the builds of the suites
    that the product is sold in, under whose own numbers their keys, installations and answers stand.
    """

    product: int
    name: str
    format: int
    generation: int
    verification_secret: bytes = field(repr=False)
    blocks: int
    dockable: bool = False
    line: str | None = None
    earlier: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    volume: Volume | None = field(default=None, repr=False)
    returns: bool = False
    licensing: str = VOLUME
    suites: "tuple[ProductBuild, ...]" = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse what no device could work with."""
        if self.format not in FORMATS:
            raise InvalidBuild("format")
        if not 0 <= self.product < FORMATS[self.format].products:
            raise InvalidBuild("product")
        if self.blocks not in BLOCK_COUNTS:
            raise InvalidBuild("blocks")
        if not self.verification_secret or self.generation in self.earlier:
            raise InvalidBuild("verification_secret")
        if self.licensing not in LICENSING:
            raise InvalidBuild("licensing")
        if self.returns and not FORMATS[self.format].returns:
            raise InvalidBuild("returns")
        numbers = {self.product, *(suite.product for suite in self.suites)}
        if len(numbers) <= len(self.suites) or any(suite.suites for suite in self.suites):
            raise InvalidBuild("suites")

    @property
    def id_format(self) -> Format:
        """The format of this product's installation IDs."""
        return FORMATS[self.format]

    def under(self, product: int) -> "ProductBuild | None":
        """The build that keys, installations and answers of this number belong to: this one, or one of its suites."""
        return next((build for build in (self, *self.suites) if build.product == product), None)

    def of(self, product: int) -> "ProductBuild":
        """The same for what is stored: this build where the number is none of its own, which its checks then say."""
        return self.under(product) or self

    @property
    def nonce_bits(self) -> int:
        """The random bits that an installation needs, whichever of its keys is installed."""
        return max(build.id_format.nonce_bits for build in (self, *self.suites))

    @property
    def secrets(self) -> Mapping[int, bytes]:
        """Every verification secret this build accepts, by generation."""
        return {**self.earlier, self.generation: self.verification_secret}

    @property
    def edition(self) -> Volume:
        """What is built in for licence hosts. Raises InvalidBuild where this is no volume edition."""
        if self.volume is None:
            raise InvalidBuild("volume")
        return self.volume

    def to_facts(self) -> dict[str, object]:
        """The build as JSON values; secrets in hexadecimal."""
        return {
            "product": self.product,
            "name": self.name,
            "format": self.format,
            "generation": self.generation,
            "verification_secret": self.verification_secret.hex(),
            "blocks": self.blocks,
            "dockable": self.dockable,
            "line": self.line,
            "earlier": {str(generation): secret.hex() for generation, secret in self.earlier.items()},
            # What came later stands there only where it says something: a package's seal covers these very facts.
            **({} if self.volume is None else {"volume": self.volume.to_facts()}),
            **({"returns": True} if self.returns else {}),
            **({} if self.licensing == VOLUME else {"licensing": self.licensing}),
            **({"suites": [suite.to_facts() for suite in self.suites]} if self.suites else {}),
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> "ProductBuild":
        """The build from its JSON values. Raises InvalidBuild for a missing or ill-typed one."""
        line, earlier, suites = facts.get("line"), facts.get("earlier", {}), facts.get("suites", [])
        if line is not None and not isinstance(line, str):
            raise InvalidBuild("line")
        if not isinstance(earlier, dict):
            raise InvalidBuild("earlier")
        if not isinstance(suites, list) or not all(isinstance(suite, dict) for suite in suites):
            raise InvalidBuild("suites")
        try:
            older = {int(generation): bytes.fromhex(secret) for generation, secret in earlier.items()}
        except (TypeError, ValueError) as error:
            raise InvalidBuild("earlier") from error
        return cls(
            product=_number(facts, "product"),
            name=_text(facts, "name"),
            format=_number(facts, "format"),
            generation=_number(facts, "generation"),
            verification_secret=_secret(facts, "verification_secret"),
            blocks=_number(facts, "blocks"),
            dockable=facts.get("dockable") is True,
            line=line,
            earlier=older,
            volume=Volume.from_facts(facts.get("volume")),
            returns=facts.get("returns") is True,
            licensing=_text({"licensing": VOLUME, **facts}, "licensing"),
            suites=tuple(cls.from_facts(suite) for suite in suites),
        )


def _number(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidBuild(name)
    return value


def _text(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str):
        raise InvalidBuild(name)
    return value


def _secret(facts: Mapping[str, object], name: str) -> bytes:
    try:
        return bytes.fromhex(_text(facts, name))
    except ValueError as error:
        raise InvalidBuild(name) from error
