"""Ranges of bytes. Pure.

Source: RFC 9110, section 14; S3 API reference, GetObject: one range only; what is no range of bytes is as if it were
not there, and so are several.
"""

import re

from lambent.services.s3.errors import S3Error, invalid_argument, invalid_request

RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})", re.IGNORECASE | re.ASCII)
COPY_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})", re.ASCII)


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Where it begins and ends (the byte after the last), None for all.

    Raises:
        InvalidRange: it begins behind the end.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        begin, end = max(0, size - int(found[2])), size
    else:
        begin, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < begin:
            return None
    if begin >= size or begin >= end:
        raise S3Error(
            "InvalidRange", 416, "The requested range is not satisfiable", RangeRequested=header, ActualObjectSize=size
        )
    return begin, end


def copy_range(header: str, size: int) -> tuple[int, int]:
    """The range of UploadPartCopy, which has to be whole and inside. Raises InvalidArgument, InvalidRequest."""
    found = COPY_RANGE.fullmatch(header)
    if found is None or int(found[2]) < int(found[1]):
        raise invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    if int(found[1]) >= size:
        raise invalid_request("The specified copy range is invalid for the source object size")
    if int(found[2]) >= size:
        raise invalid_argument(
            f"Range specified is not valid for source object of size: {size}", "x-amz-copy-source-range", header
        )
    return int(found[1]), int(found[2]) + 1
