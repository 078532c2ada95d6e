"""The records of this service: a function, its versions and its aliases.

`$LATEST` is version number 0 and the only one that changes; a published version is a copy of it.
"""

import hashlib
from enum import StrEnum

import msgspec
from msgspec import Struct

from lambent.images.api import ImageSettings
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST
from lambent.services.lambda_.file_systems import FileSystemUse

ZIP, IMAGE = "Zip", "Image"  # PackageType


class State(StrEnum):
    """Whether a version can be invoked. AWS's further states belong to features that we lack."""

    PENDING = "Pending"
    ACTIVE = "Active"
    FAILED = "Failed"


class Update(StrEnum):
    """How the last update went. NONE, which is not AWS's: there has been no update to speak of."""

    NONE = ""
    IN_PROGRESS = "InProgress"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"


class LayerUse(Struct, frozen=True, omit_defaults=True):
    """A layer version as a function uses it: its package stays while the function does."""

    arn: str
    code: str
    code_bytes: int


class ImageOverrides(Struct, frozen=True, omit_defaults=True):
    """What a function says instead of its image (ImageConfig); each that is empty is the image's."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


class ImageUse(Struct, frozen=True, omit_defaults=True):
    """An image as a function uses it: as it was named, and by the digest that this led to."""

    uri: str
    resolved_uri: str
    settings: ImageSettings

    @property
    def digest(self) -> str:
        """Of its manifest, as 64 hexadecimal digits."""
        return self.resolved_uri.rpartition(":")[2]


class Configuration(Struct, frozen=True, omit_defaults=True):
    """What a caller sets. `variables` is None when Environment was never sent."""

    runtime: str
    handler: str
    role: str
    architecture: str
    log_group: str
    description: str = ""
    timeout_s: int = 3
    memory_mb: int = 128
    ephemeral_mb: int = 512
    variables: dict[str, str] | None = None
    snap_start: bool = False
    layers: tuple[LayerUse, ...] = ()
    dead_letter: str = ""
    file_system: FileSystemUse | None = None
    active_tracing: bool = False
    log_format: str = "Text"
    application_log_level: str = ""
    system_log_level: str = ""
    package_type: str = ZIP
    image_overrides: ImageOverrides | None = None


class Version(Struct, frozen=True, omit_defaults=True):
    """One version of a function, as it is stored.

    `function_id` is fresh at each CreateFunction, so that a function that takes the name of a
    deleted one shares nothing with it. `code` is the SHA-256 of the zip, or of
    the manifest of `image`; `coming` is an image that takes its place once it has been pulled. `content_when_published`
    is the content of `$LATEST` that a published version was copied from.
    """

    key: FunctionKey
    number: int
    function_id: str
    configuration: Configuration
    code: str
    code_bytes: int
    revision_id: str
    modified_ms: int
    state: State
    update: Update = Update.NONE
    failure: str = ""
    failure_code: str = ""
    content_when_published: str = ""
    image: ImageUse | None = None
    coming: ImageUse | None = None

    @property
    def name(self) -> str:
        """The version as callers know it: `$LATEST` or digits."""
        return version_name(self.number)

    @property
    def layers(self) -> tuple[str, ...]:
        """The packages of its layers, in the order in which they are merged under /opt."""
        return tuple(layer.code for layer in self.configuration.layers)

    @property
    def packages(self) -> tuple[str, ...]:
        """All that has to be unpacked before it can run."""
        return (self.code, *self.layers)

    @property
    def snapshotted(self) -> bool:
        """Whether its environments start from a snapshot: AWS's `$LATEST` never does."""
        return self.configuration.snap_start and self.number > 0

    @property
    def unsettled(self) -> bool:
        """Whether background work has still to bring it to rest."""
        return self.state is State.PENDING or self.update is Update.IN_PROGRESS

    def content(self) -> str:
        """A hash over everything that a caller sets."""
        return _hash(self.configuration, self.code)

    def environment_key(self) -> str:
        """A hash over everything that an environment is made from."""
        return _hash(self.key, self.number, self.function_id, _of_environments(self.configuration), self.code)


class Alias(Struct, frozen=True, omit_defaults=True):
    """A name for a version; `other` is the second version that gets `weight` of the traffic, None for none."""

    key: FunctionKey
    name: str
    version: int
    revision_id: str
    description: str = ""
    other: int | None = None
    weight: float = 0.0


class Function(Struct, frozen=True):
    """What a function has beside its versions."""

    key: FunctionKey
    next_number: int = 1
    reserved_concurrency: int | None = None


class CodeSize(Struct, frozen=True):
    """A package that was checked: where its bytes are addressed, and how large it is both ways."""

    digest: str
    zipped_bytes: int
    unzipped_bytes: int


def version_name(number: int) -> str:
    """A version's number as callers know it: `$LATEST` or digits."""
    return str(number) if number else LATEST


def _of_environments(configuration: Configuration) -> Configuration:
    """Without what environments are not made from."""
    return msgspec.structs.replace(configuration, description="", dead_letter="", active_tracing=False)


def _hash(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()
