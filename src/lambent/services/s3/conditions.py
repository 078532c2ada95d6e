"""Conditional requests. Pure.

Source: S3 API reference, GetObject ("If both of the If-Match and If-Unmodified-Since headers are present"), and
PutObject, CompleteMultipartUpload, CopyObject, DeleteObject; S3 User Guide, "Conditional requests". Dates are
whole seconds in HTTP.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.s3.errors import S3Error, no_such_key, not_implemented, precondition_failed
from lambent.services.s3.model import Version


def quoted(etag: str) -> str:
    """An ETag as answers carry it."""
    return f'"{etag}"'


def not_modified(request: Mapping[str, Any], found: Version, now_ms: int, prefix: str = "") -> bool:
    """Whether a reader has all of it already; `prefix` is CopySource for those of a copy, which then gets nothing.

    That it has what there will be tomorrow says nothing: such an If-Modified-Since is as if it were not there.

    Raises:
        PreconditionFailed: it is not what the reader wants.
    """
    match, none_match = request.get(f"{prefix}IfMatch"), request.get(f"{prefix}IfNoneMatch")
    since, unmodified = request.get(f"{prefix}IfModifiedSince"), request.get(f"{prefix}IfUnmodifiedSince")
    modified_s, told = found.modified_ms // 1000, "x-amz-copy-source-" if prefix else ""
    if match is not None:
        if not _matches(match, found.etag):
            raise precondition_failed(f"{told}If-Match")
    elif unmodified is not None and modified_s > int(unmodified.timestamp()):
        raise precondition_failed(f"{told}If-Unmodified-Since")
    if none_match is not None:
        failed, condition = _matches(none_match, found.etag), "If-None-Match"
    else:
        condition = "If-Modified-Since"
        failed = since is not None and modified_s <= int(since.timestamp()) <= now_ms // 1000
    if failed and prefix:
        raise precondition_failed(f"{told}{condition}")
    return failed


def check_write(request: Mapping[str, Any], key: str, current: Version | None) -> None:
    """Raises PreconditionFailed, NoSuchKey, NotImplemented."""
    there = current is not None and not current.marker
    match, none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if match is not None and none_match is not None:
        raise _unheard_of("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if none_match is not None:
        if none_match.strip() != "*":
            raise _unheard_of("If-None-Match")
        if there:
            raise precondition_failed("If-None-Match")
    if match is not None:
        if match.strip() == "*":
            raise _unheard_of("If-Match")
        if not there:
            raise no_such_key(key)
        assert current is not None
        if not _matches(match, current.etag):
            raise precondition_failed("If-Match")


def _unheard_of(header: str, why: str = "") -> S3Error:
    """The refusal of a condition that AWS does not carry out either."""
    return S3Error(
        "NotImplemented",
        501,
        "A header you provided implies functionality that is not implemented",
        Header=header,
        additionalMessage=why or f"We don't accept the provided value of {header} header for this API",
    )


def check_delete(request: Mapping[str, Any], current: Version | None) -> None:
    """The same for DeleteObject, whose conditions fail where there is nothing to compare with."""
    if request.get("IfMatchLastModifiedTime") is not None or request.get("IfMatchSize") is not None:
        raise not_implemented("Deleting on a condition of size or time")
    match = request.get("IfMatch")
    if match is None:
        return
    if current is None or current.marker:
        raise S3Error("NoSuchKey", 404, "The specified key does not exist.")
    if not _matches(match, current.etag):
        raise precondition_failed("If-Match")


def _matches(wanted: str, etag: str) -> bool:
    tags = [each.strip().removeprefix("W/").strip('"') for each in wanted.split(",")]
    return "*" in tags or etag in tags
