"""The nouns of S3, frozen. Times in milliseconds since the epoch, sizes in bytes."""

import hashlib
from collections.abc import Mapping

from msgspec import Struct

NULL = "null"  # the version of objects that were put while versioning was not enabled
ENABLED, SUSPENDED = "Enabled", "Suspended"
AES256 = "AES256"


class Bucket(Struct, frozen=True):
    """A bucket. `versioning` is "" where it was never enabled."""

    id: int
    account: str
    region: str
    name: str
    created_ms: int
    versioning: str = ""

    @property
    def arn(self) -> str:
        """Its name in policies and events."""
        return f"arn:aws:s3:::{self.name}"


class Facts(Struct, frozen=True, omit_defaults=True):
    """What is known of an object beside its bytes. `headers` are those that go out with it, by their members' names
    in the model; `parts` is how many it was uploaded in, 0 for an object that came whole, and `upload` which upload
    made it. `encryption` is AES256, or "" where some of its bytes are from before they were encrypted."""

    headers: Mapping[str, str] = {}
    metadata: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    checksums: Mapping[str, str] = {}
    checksum_type: str = ""
    parts: int = 0
    upload: str = ""
    encryption: str = ""


class Version(Struct, frozen=True):
    """A version of an object, or a delete marker."""

    bucket_id: int
    key: str
    marker: bool = False
    bytes: int = 0
    etag: str = ""
    facts: Facts = Facts()
    body: int | None = None
    version: str = ""
    modified_ms: int = 0
    latest: bool = True
    id: int = 0


class VersionPart(Struct, frozen=True):
    """A part that a version was uploaded in."""

    number: int
    start: int
    bytes: int
    checksums: Mapping[str, str]


class Upload(Struct, frozen=True):
    """A multipart upload. `algorithm` and `checksum_type` are what parts and the whole are checked with; `chosen` by
    who began it, or S3's own. `asked_encryption` is what was asked for by name, "" where it was not."""

    id: str
    bucket_id: int
    key: str
    started_ms: int
    facts: Facts
    algorithm: str
    checksum_type: str
    chosen: bool
    asked_encryption: str = ""


class Part(Struct, frozen=True):
    """A part that an upload has so far."""

    upload_id: str
    number: int
    bytes: int
    md5: str
    checksums: Mapping[str, str]
    modified_ms: int
    body: int


def owner_id(account: str) -> str:
    """The canonical user id of an account: 64 hexadecimal digits, which only have to stay the same."""
    return hashlib.sha256(f"lambent:{account}".encode()).hexdigest()
