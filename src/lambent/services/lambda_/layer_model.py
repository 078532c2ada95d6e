"""The records of layers: a layer version never changes but for its policy.

Layer versions belong to nobody's functions: a function that uses one keeps its package by itself
(`model.LayerUse`), so that deleting the layer version changes no function.
"""

import re

from msgspec import Struct

from lambent.arn import make_arn
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.policy import Policy

LONGEST_LAYER_NAME = 64
LAYER_ARN = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):layer:(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<number>[0-9]{1,18}))?"
)


class LayerKey(Struct, frozen=True):
    """Which layer: account and Region are part of every key."""

    account: str
    region: str
    name: str

    def arn(self, number: int = 0) -> str:
        """The ARN of the layer, or of one version of it."""
        return make_arn("lambda", self.region, self.account, f"layer:{self.name}" + (f":{number}" if number else ""))


class LayerVersion(Struct, frozen=True, omit_defaults=True):
    """One version of a layer, as it is stored. `code` is the SHA-256 of the zip."""

    key: LayerKey
    number: int
    code: str
    code_bytes: int
    created_ms: int
    description: str = ""
    license: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    policy: Policy | None = None

    @property
    def arn(self) -> str:
        """The ARN of this version."""
        return self.key.arn(self.number)


def layer_named(text: str, account: str, region: str) -> LayerKey:
    """The layer of a LayerName, which may be an ARN. Raises InvalidParameter, NotFound (another Region)."""
    match = LAYER_ARN.fullmatch(text)
    if match is None:
        key = LayerKey(account, region, text)
    elif match["region"] != region:
        raise layer_not_found()
    else:
        key = LayerKey(match["account"], region, match["name"])
    if len(key.name) > LONGEST_LAYER_NAME or not re.fullmatch(r"[a-zA-Z0-9_-]+", key.name):
        raise InvalidParameter(f"A layer's name has at most {LONGEST_LAYER_NAME} letters, digits, - and _: {key.name}")
    return key


def layer_version_of(arn: str) -> tuple[LayerKey, int]:
    """The layer version of an ARN, of any account and Region. Raises InvalidParameter."""
    match = LAYER_ARN.fullmatch(arn)
    if match is None or match["number"] is None:
        raise InvalidParameter(f"Layer version {arn} does not exist.")
    return LayerKey(match["account"], match["region"], match["name"]), int(match["number"])


def layer_not_found() -> NotFound:
    """What is said about a layer version that is not there."""
    return NotFound("The resource you requested does not exist.")
