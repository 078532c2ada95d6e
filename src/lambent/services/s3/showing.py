"""Objects as answers show them. Pure.

Source: the output shapes of the service model; S3 API reference, HeadObject and GetObject.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from lambent.services.s3.conditions import quoted
from lambent.services.s3.mail_safe import encoded
from lambent.services.s3.model import ENABLED, Bucket, Facts, Version

DEFAULT_TYPE = "binary/octet-stream"
KEPT_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires")
OVERRIDES = {name: f"Response{name}" for name in KEPT_HEADERS}
MEMBERS = {
    "CRC32": "ChecksumCRC32",
    "CRC32C": "ChecksumCRC32C",
    "CRC64NVME": "ChecksumCRC64NVME",
    "MD5": "ChecksumMD5",
    "SHA1": "ChecksumSHA1",
    "SHA256": "ChecksumSHA256",
    "SHA512": "ChecksumSHA512",
}


def moment(epoch_ms: int) -> datetime:
    """A time as S3 shows it: whole seconds."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC)


def http_date(value: Any) -> str:
    """A date in a header, as text that can be kept."""
    return format_datetime(value.astimezone(UTC), usegmt=True) if isinstance(value, datetime) else str(value)


def checksum_members(checksums: Mapping[str, str], kind: str = "") -> dict[str, Any]:
    """Checksums by the names of their members."""
    members: dict[str, Any] = {MEMBERS[name]: text for name, text in checksums.items()}
    if members and kind:
        members["ChecksumType"] = kind
    return members


def version_members(bucket: Bucket, version: Version) -> dict[str, Any]:
    """VersionId, where the bucket has versions."""
    return {"VersionId": version.version} if bucket.versioning else {}


def made_members(bucket: Bucket, version: Version) -> dict[str, str]:
    """VersionId, for who has just made it: one that replaced the one called null is not told."""
    return version_members(bucket, version) if bucket.versioning == ENABLED else {}


def encryption_members(facts: Facts) -> dict[str, str]:
    """ServerSideEncryption, where it is so."""
    return {"ServerSideEncryption": facts.encryption} if facts.encryption else {}


def head(bucket: Bucket, version: Version, request: Mapping[str, Any]) -> dict[str, Any]:
    """What HEAD and GET say of an object as a whole."""
    facts = version.facts
    members: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": moment(version.modified_ms),
        "ContentLength": version.bytes,
        "ETag": quoted(version.etag),
        "ContentType": DEFAULT_TYPE,
        "Metadata": {name: encoded(value) for name, value in facts.metadata.items()},
        **facts.headers,
        **version_members(bucket, version),
        **encryption_members(facts),
    }
    if "Expires" in members:
        members["Expires"] = parsedate_to_datetime(members["Expires"])
    members |= {name: request[override] for name, override in OVERRIDES.items() if request.get(override) is not None}
    if facts.tags:
        members["TagCount"] = len(facts.tags)
    return members
