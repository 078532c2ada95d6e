"""What a request that makes an object says of it: headers, metadata, tags. Pure.

Source: S3 User Guide, "Working with object metadata" (2 KB of user metadata) and "Categorizing your storage using tags"
(10 tags of an object, keys of 128 and values of 256 characters: letters, digits, spaces and some signs).
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any
from unicodedata import category
from urllib.parse import parse_qsl

from lambent.model.objects import Stored
from lambent.protocol.checksums import DEFAULT, FULL
from lambent.services.s3.errors import S3Error, invalid_argument
from lambent.services.s3.mail_safe import decoded
from lambent.services.s3.model import AES256, Facts
from lambent.services.s3.showing import KEPT_HEADERS, http_date

SIGNS, PLAIN_CATEGORIES = frozenset("_.:/=+-@"), frozenset("LZN")
MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 10, 128, 256
METADATA_BYTES = 2_048
CHUNKED = "aws-chunked"


def facts_of(request: Mapping[str, Any], checksums: Mapping[str, str] | None = None) -> Facts:
    """The facts that the request gives. Raises InvalidTag, MetadataTooLarge."""
    return Facts(
        headers=headers_of(request),
        metadata=metadata_of(request),
        tags=tags_of_header(request.get("Tagging")),
        checksums=checksums or {},
        checksum_type=FULL if checksums else "",
        encryption=AES256,
    )


def declared_checksum(stored: Stored) -> dict[str, str]:
    """The checksum that is kept of an upload: the one that the client chose, or S3's own."""
    algorithm = stored.declared or DEFAULT
    return {algorithm: stored.checksums[algorithm]} if stored.md5 else {}


def headers_of(request: Mapping[str, Any]) -> dict[str, str]:
    """The headers that are kept, by member; the framing of the upload is not part of the object's encoding."""
    found = {name: http_date(request[name]) for name in KEPT_HEADERS if request.get(name)}
    if "ContentEncoding" in found:
        encodings = [each.strip() for each in found.pop("ContentEncoding").split(",")]
        if rest := [each for each in encodings if each and each != CHUNKED]:
            found["ContentEncoding"] = ",".join(rest)
    return found


def metadata_of(request: Mapping[str, Any]) -> dict[str, str]:
    """User metadata, its names in lower case."""
    found = {name.lower(): decoded(value) for name, value in (request.get("Metadata") or {}).items()}
    size = sum(len(name) + len(value.encode()) for name, value in found.items())
    if size > METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise S3Error("MetadataTooLarge", 400, message, Size=size, MaxSizeAllowed=METADATA_BYTES)
    return found


def tags_of_header(text: str | None) -> dict[str, str]:
    """`key=value&key=value`."""
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(dict(pairs)) < len(pairs) or not all(map(_is_plain, chain.from_iterable(pairs))):
        message = (
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates."
        )
        raise invalid_argument(message, "x-amz-tagging", text)
    return checked_tags(pairs)


def checked_tags(
    pairs: Iterable[tuple[str, str]],
    most: int = MOST_TAGS,
    reserved: str = "System tags cannot be added/updated by requester",
) -> dict[str, str]:
    """Tags that an object or a bucket may have. Raises InvalidTag, BadRequest."""
    tags: dict[str, str] = {}
    for key, value in pairs:
        if key in tags:
            raise S3Error("InvalidTag", 400, "Cannot provide multiple Tags with the same key", TagKey=key)
        if not 1 <= len(key) <= LONGEST_KEY or not _is_plain(key):
            raise S3Error("InvalidTag", 400, "The TagKey you have provided is invalid", TagKey=key)
        if len(value) > LONGEST_VALUE or not _is_plain(value):
            raise S3Error("InvalidTag", 400, "The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        if key.startswith("aws:"):
            raise S3Error("InvalidTag", 400, reserved, TagKey=key)
        tags[key] = value
    if len(tags) > most:
        raise S3Error("BadRequest", 400, f"Object tags cannot be greater than {most}")
    return tags


def _is_plain(text: str) -> bool:
    return all(sign in SIGNS or category(sign)[0] in PLAIN_CATEGORIES for sign in text)
