"""Making one object of the parts of an upload: what is refused, and the whole's ETag and checksum. Pure.

Source: S3 API reference, CompleteMultipartUpload; S3 User Guide, "Multipart upload limits" and "Checking object
integrity": which algorithms may be of which type. Only CRCs can be put together, and CRC64NVME is always of the whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from lambent.protocol.checksums import COMPOSITE, CRCS, DEFAULT, FULL, composite, full
from lambent.services.s3.errors import S3Error, invalid_request, malformed
from lambent.services.s3.model import Part, Upload
from lambent.services.s3.showing import MEMBERS

SMALLEST_BYTES = 5 * 1024 * 1024
MOST_PARTS = 10_000


def checksum_rule(algorithm: str | None, kind: str | None) -> tuple[str, str, bool]:
    """Algorithm and type of an upload, and whether they were chosen. Raises InvalidRequest."""
    if algorithm is None:
        if kind is not None:
            raise invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return DEFAULT, FULL, False
    if algorithm not in MEMBERS:
        raise invalid_request(f"Checksum algorithm provided is unsupported: {algorithm}")
    kind = kind or (FULL if algorithm == DEFAULT else COMPOSITE)
    if (algorithm == DEFAULT and kind == COMPOSITE) or (algorithm not in CRCS and kind == FULL):
        raise invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    return algorithm, kind, True


def chosen_parts(upload: Upload, there: Mapping[int, Part], named: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The parts that a request names. Raises InvalidPart, InvalidPartOrder, EntityTooSmall, or that it is malformed."""
    if not named:
        raise invalid_request("You must specify at least one part")
    if not all("PartNumber" in each and "ETag" in each for each in named):
        raise malformed()
    numbers = [each["PartNumber"] for each in named]
    if any(number >= following for number, following in pairwise(numbers)):
        raise S3Error(
            "InvalidPartOrder",
            400,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload.id,
        )
    chosen = [_checked(upload, there.get(each["PartNumber"]), each) for each in named]
    for part in chosen[:-1]:
        if part.bytes < SMALLEST_BYTES:
            raise S3Error(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=part.bytes,
                MinSizeAllowed=SMALLEST_BYTES,
                PartNumber=part.number,
                ETag=part.md5,
            )
    return chosen


def etag_of(parts: Sequence[Part]) -> str:
    """`md5 of md5s-number`."""
    whole = hashlib.md5(b"".join(bytes.fromhex(each.md5) for each in parts), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(parts)}"


def checksum_of(upload: Upload, parts: Sequence[Part]) -> dict[str, str]:
    """The checksum of the whole."""
    algorithm = upload.algorithm
    if upload.checksum_type == FULL:
        return {algorithm: full(algorithm, [(each.checksums[algorithm], each.bytes) for each in parts])}
    return {algorithm: composite(algorithm, [each.checksums[algorithm] for each in parts])}


def check_whole(request: Mapping[str, Any], upload: Upload, checksums: Mapping[str, str], size: int) -> None:
    """What a request says of the whole is so. Raises BadDigest, InvalidRequest."""
    if request.get("MpuObjectSize") not in (None, size):
        raise invalid_request(
            "The provided 'x-amz-mp-object-size' header value does not match what was computed: "
            f"{request['MpuObjectSize']} is not {size}"
        )
    if request.get("ChecksumType") not in (None, upload.checksum_type):
        raise invalid_request(
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use the "
            "same checksum mode."
        )
    for algorithm, member in MEMBERS.items():
        told = request.get(member)
        if told is not None and told != checksums.get(algorithm):
            raise S3Error(
                "BadDigest", 400, f"The {algorithm.lower()} you specified did not match the calculated checksum."
            )


def _checked(upload: Upload, part: Part | None, named: Mapping[str, Any]) -> Part:
    etag = named["ETag"].strip().strip('"')
    told = {algorithm: named[member] for algorithm, member in MEMBERS.items() if named.get(member)}
    if part is None or part.md5 != etag or any(part.checksums.get(name, text) != text for name, text in told.items()):
        raise S3Error(
            "InvalidPart",
            400,
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            UploadId=upload.id,
            PartNumber=named["PartNumber"],
            ETag=etag,
        )
    if upload.chosen and upload.checksum_type == COMPOSITE and upload.algorithm not in told:
        name = upload.algorithm.lower()
        raise invalid_request(
            f"The upload was created using a {name} checksum. The complete request must include the checksum for each "
            f"part. It was missing for part {part.number} in the request."
        )
    return part
