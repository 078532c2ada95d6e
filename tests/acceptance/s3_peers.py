"""Other published S3 servers, and in what they are known to answer otherwise than we do.

What we do is what AWS documents; where it documents nothing, or where the peers are not at one with each other, the
reason says only what they do. Of which fault is told first of several, AWS documents nothing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

SEVERAL = ["put_object", "get_object", "copy_object", "delete_object", "upload_part_copy", "complete_multipart_upload"]
COPIED = "CopySourceVersionId"
FAULTS = {400, 404, 405, 412, 416}


class Case(NamedTuple):
    """An operation and its two answers."""

    name: str
    asked: dict[str, Any]
    mine: Any
    theirs: Any

    def codes(self, mine: str, theirs: str) -> bool:
        """Whether both refuse it, with codes out of these words ("" for an answer)."""
        said = [each[0] if isinstance(each, tuple) else "" for each in (self.mine, self.theirs)]
        return said[0] in mine.split(" ") and said[1] in theirs.split(" ")

    def members(self) -> set[str]:
        """The members of the answers that differ."""
        if isinstance(self.mine, tuple) or isinstance(self.theirs, tuple):
            return set()
        names = self.mine.keys() | self.theirs.keys()
        return {name for name in names if self.mine.get(name) != self.theirs.get(name)}

    def only(self, *names: str) -> bool:
        """Whether no other members differ."""
        found = self.members()
        return bool(found) and found <= set(names)


class Peer(NamedTuple):
    """A published server: which members it lacks, and which answers are other ones than AWS's."""

    left_out: frozenset[str]
    differences: list[tuple[str, Callable[[Case], bool]]]


BOTH: list[tuple[str, Callable[[Case], bool]]] = [
    ("CopyObject's If-Match and If-None-Match are not looked at", lambda case: (
        case.name == "copy_object" and case.codes("PreconditionFailed NoSuchKey", ""))),
    ("a name of a version that is none of its own, or of a key that is gone, has other codes", lambda case: (
        case.codes("NoSuchVersion 404", "NoSuchKey NoSuchVersion InvalidArgument 404 400"))),
    ("Quiet is not looked at", lambda case: case.asked.get("Delete", {}).get("Quiet", False) and case.only("Deleted")),
    ("a DELETE of what never was leaves no marker", lambda case: case.only("DeleteMarker", "VersionId", "Deleted")),
    ("If-Match of a DELETE is not looked at where there is nothing", lambda case: (
        case.name == "delete_object" and case.codes("NoSuchKey PreconditionFailed", ""))),
    ("the last bytes of an object that has none are none", lambda case: (
        case.asked.get("Range") == "bytes=-4" and case.codes("InvalidRange 416", ""))),
    ("common prefixes are not counted, or are told of deleted keys, or left out behind a marker in them", lambda case: (
        case.name.startswith("list_objects") and "Delimiter" in case.asked
        and case.only("CommonPrefixes", "KeyCount", "IsTruncated", "NextMarker", "Contents"))),
    ("a page of versions begins with those of the marker's own key, and of the folder it is in", lambda case: (
        case.name == "list_object_versions" and not {"KeyMarker", "Delimiter"}.isdisjoint(case.asked))),
    ("a page that ends with the last key is said not to be the last", lambda case: (
        case.name.startswith("list_object")
        and case.only("IsTruncated", "NextMarker", "NextKeyMarker", "NextVersionIdMarker"))),
    ("NextMarker is there without a delimiter", lambda case: case.name == "list_objects" and case.only("NextMarker")),
    ("the version called null is not named", lambda case: (
        case.only("VersionId") and "null" in (case.mine.get("VersionId"), case.theirs.get("VersionId")))),
    ("of several faults of a request another one is told", lambda case: (
        case.name in SEVERAL
        and isinstance(case.mine, tuple) and isinstance(case.theirs, tuple)
        and {case.mine[1], case.theirs[1]} <= FAULTS)),
    ("ranges of a source may end behind it", lambda case: (
        case.name == "upload_part_copy" and case.codes("InvalidArgument", ""))),
    ("a delete marker may be the source of a copy", lambda case: (
        case.name.endswith("copy") or case.name == "copy_object") and case.codes("InvalidRequest NoSuchKey", "")),
]  # fmt: skip
PEERS = {
    "moto": Peer(frozenset({"ChecksumType", "ChecksumAlgorithm", "BucketArn", "ServerSideEncryption"}), [
        *BOTH,
        ("it fails (500)", lambda case: case.theirs == ("500", 500)),
        ("copies have the CRC32 of another algorithm's name", lambda case: (
            case.name == "copy_object" and case.only("CopyObjectResult"))),
        ("checksums are not verified", lambda case: case.codes("BadDigest", "")),
        ("parts may have other checksums than their upload", lambda case: (
            case.name == "upload_part" and case.codes("InvalidRequest", ""))),
        ("a whole whose checksum is of its parts need not be told theirs", lambda case: (
            case.name == "complete_multipart_upload" and case.codes("InvalidRequest", " EntityTooSmall"))),
        ("ranges that are none are refused, where HTTP ignores them", lambda case: case.codes("", "InvalidRange 416")),
        ("what is no range of an empty object has a range", lambda case: case.only("ContentRange")),
        ("HEAD of the version called null is refused", lambda case: (
            case.name == "head_object" and case.theirs == ("400", 400))),
        ("HEAD has no overrides", lambda case: case.only("CacheControl", "ContentType")),
        ("uploads are listed as they were begun, and in one page", lambda case: case.name == "list_multipart_uploads"),
        ("tags of a delete marker are those of what is not there", lambda case: (
            case.name.endswith("_tagging") and case.codes("MethodNotAllowed", "NoSuchKey NoSuchVersion"))),
        ("a range that is all of an object has no checksum", lambda case: (
            "Range" in case.asked and {each[:8] for each in case.members()} == {"Checksum"})),
        ("versions of tags are not told", lambda case: case.name.endswith("_tagging") and case.only("VersionId")),
    ]),
    "versitygw": Peer(frozenset({"Size", "AccessPointAlias", "BucketArn", "StorageClass", "ServerSideEncryption"}), [
        *BOTH,
        ("an upload that was aborted is asked for its parts first", lambda case: (
            case.name == "complete_multipart_upload" and case.codes("NoSuchUpload", "InvalidPart InvalidPartOrder "))),
        ("the version called null is not found by that name before there was versioning", lambda case: (
            case.asked.get("VersionId") == "null" and case.codes(" 412", "NoSuchVersion 404"))),
        ("EncodingType is not looked at", lambda case: (
            "EncodingType" in case.asked and case.only("Contents", "CommonPrefixes"))),
        ("If-None-Match of a PUT is held by a delete marker too", lambda case: (
            case.asked.get("IfNoneMatch") == "*" and case.codes("", "PreconditionFailed"))),
        ("names of versions that it did not make are faults of the request", lambda case: (
            any(word in str(case.asked) for word in ("~", "null")) and "InvalidArgument" in str(case.theirs))),
        ("an upload without a checksum tells that it has the one called null", lambda case: (
            case.name == "list_parts" and case.only("ChecksumAlgorithm", "ChecksumType"))),
        ("a copy onto itself loses its checksum, and one with another checksum is refused", lambda case: (
            case.name == "copy_object"
            and (case.codes("", "InvalidRequest") or case.only("CopyObjectResult", "VersionId", COPIED)))),
        ("the version of a source is not told where none was named", lambda case: case.only("CopySourceVersionId")),
    ]),
}  # fmt: skip
