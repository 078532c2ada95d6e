"""Random operations on the objects of a bucket: reads, writes, copies, versions, tags, uploads in parts, listings."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lambent.protocol.checksums import running, text_of

KEYS = ["a.x", "a/b", "a/c/d", "b", "b+ c%", "ä", "z/z"]  # none below another: some peers keep folders
PREFIXES = ["", "a", "a/", "z", "none"]
CHECKSUMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
Step = tuple[str, dict[str, Any]]


class Maker:
    """Makes operations; knows which versions and uploads there may be."""

    def __init__(self, seed: int, bucket: str) -> None:
        self.dice, self.bucket = random.Random(seed), bucket
        self.versions: list[tuple[str, str]] = []
        self.uploads: list[tuple[str, str]] = []
        self.etags = ['"none"']

    def learn(self, step: Step, answer: Any) -> None:
        """What our answer to it named."""
        if not isinstance(answer, dict):
            return
        name, key = step[0], step[1].get("Key", "")
        if "VersionId" in answer and key:
            self.versions.append((key, answer["VersionId"]))
        if name == "create_multipart_upload":
            self.uploads.append((key, answer["UploadId"]))
        if "ETag" in answer:
            self.etags.append(answer["ETag"])

    def step(self) -> Step:
        """The next one."""
        makers = [self.put] * 4 + [self.get] * 4 + [self.copy, self.listing, self.versions_listing, self.upload] * 2
        return self.dice.choice([*makers, self.delete, self.delete, self.delete_many, self.tags, self.bucket_step])()

    def place(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.dice.choice(KEYS)}

    def maybe(self, chance: float, **members: Callable[[], Any]) -> dict[str, Any]:
        return {name: make() for name, make in members.items() if self.dice.random() < chance}

    def version(self, place: dict[str, Any], chance: float = 0.3) -> dict[str, Any]:
        """With a version, mostly one that the key has."""
        if self.dice.random() > chance:
            return place
        key, word = self.dice.choice([*self.versions, (place["Key"], "null")])
        return place | {"Key": key, "VersionId": word}

    def etag(self) -> str:
        return self.dice.choice([*self.etags[-4:], *self.etags[:1]])

    def checksum(self, body: bytes) -> dict[str, Any]:
        algorithm = self.dice.choice(CHECKSUMS)
        counted = running(algorithm)
        counted.update(body if self.dice.random() < 0.9 else body + b"x")
        return {f"Checksum{algorithm}": text_of(counted), "ChecksumAlgorithm": algorithm}

    def conditions(self, chance: float, prefix: str = "") -> dict[str, Any]:
        """Of readers."""
        dates = PAST, FUTURE
        wanted = {
            f"{prefix}IfMatch": self.etag,
            f"{prefix}IfNoneMatch": self.etag,
            f"{prefix}IfModifiedSince": lambda: PAST,
            f"{prefix}IfUnmodifiedSince": lambda: self.dice.choice(dates),
        }
        return self.maybe(chance, **wanted)

    def writing(self, chance: float) -> dict[str, Any]:
        """Conditions of writers: one of the two."""
        return self.dice.choice([self.maybe(chance, IfMatch=self.etag), self.maybe(chance, IfNoneMatch=lambda: "*")])

    def facts(self) -> dict[str, Any]:
        return self.maybe(
            0.4,
            ContentType=lambda: self.dice.choice(["text/plain", "image/png"]),
            CacheControl=lambda: "no-store",
            ContentDisposition=lambda: 'attachment; filename="x"',
            ContentEncoding=lambda: "gzip",
            ContentLanguage=lambda: "de",
            Metadata=lambda: {"n": str(self.dice.randrange(9))},
            Tagging=lambda: "x=1&y=2",
        )

    def body(self) -> bytes:
        return self.dice.randbytes(self.dice.choice([0, 1, 10, 5000, 20_000]))

    def put(self) -> Step:
        body = self.body()
        checksum = self.checksum(body) if self.dice.random() < 0.5 else {}
        return "put_object", self.place() | {"Body": body} | self.facts() | checksum | self.writing(0.25)

    def get(self) -> Step:
        spans = ["bytes=0-3", "bytes=2-", "bytes=-4", "bytes=99999-", "bytes=5-2", "bytes=1-1,3-4", "lines=1-2"]
        asked = self.version(self.place()) | self.conditions(0.15)
        asked |= self.maybe(0.3, Range=lambda: self.dice.choice(spans)) or self.maybe(0.1, PartNumber=lambda: 1)
        asked |= self.maybe(0.5, ChecksumMode=lambda: "ENABLED")
        asked |= self.maybe(0.1, ResponseContentType=lambda: "x/y", ResponseCacheControl=lambda: "max-age=1")
        if self.dice.random() < 0.2:
            wanted = {"ObjectAttributes": ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]}
            return "get_object_attributes", self.version(self.place()) | wanted
        return self.dice.choice(["get_object", "head_object"]), asked

    def copy(self) -> Step:
        source = self.version(self.place(), 0.3)
        directives = self.maybe(
            0.5,
            MetadataDirective=lambda: self.dice.choice(["COPY", "REPLACE"]),
            TaggingDirective=lambda: self.dice.choice(["COPY", "REPLACE"]),
        )
        algorithm = self.maybe(0.2, ChecksumAlgorithm=lambda: self.dice.choice(CHECKSUMS))
        given = self.facts() if "REPLACE" in directives.values() else {}
        asked = self.place() | {"CopySource": source} | directives | given | algorithm
        return "copy_object", asked | self.conditions(0.1, "CopySource") | self.writing(0.1)

    def delete(self) -> Step:
        return "delete_object", self.version(self.place()) | self.maybe(0.15, IfMatch=self.etag)

    def delete_many(self) -> Step:
        named = [self.version(self.place()) for _ in range(2)] + [{"Key": "never"}]
        objects = [{name: each[name] for name in ("Key", "VersionId") if name in each} for each in named]
        return "delete_objects", {
            "Bucket": self.bucket,
            "Delete": {"Objects": objects, "Quiet": self.dice.random() < 0.2},
        }

    def listing(self) -> Step:
        wanted = {"Bucket": self.bucket, "MaxKeys": self.dice.choice([0, 1, 2, 1000])} | self.maybe(
            0.5,
            Prefix=lambda: self.dice.choice(PREFIXES),
            Delimiter=lambda: self.dice.choice(["/", "b"]),
            EncodingType=lambda: "url",
        )
        if self.dice.random() < 0.5:
            return "list_objects", wanted | self.maybe(0.4, Marker=lambda: self.dice.choice([*KEYS, "a/", "m"]))
        after = self.maybe(0.4, StartAfter=lambda: self.dice.choice([*KEYS, "a/", "m"]))
        return "list_objects_v2", wanted | after | self.maybe(0.2, FetchOwner=lambda: True)

    def versions_listing(self) -> Step:
        wanted = {"Bucket": self.bucket, "MaxKeys": self.dice.choice([1, 3, 1000])}
        wanted |= self.maybe(0.4, Prefix=lambda: self.dice.choice(PREFIXES), Delimiter=lambda: "/")
        if self.versions and self.dice.random() < 0.3:
            key, word = self.dice.choice(self.versions)
            wanted |= {"KeyMarker": key} | self.maybe(0.5, VersionIdMarker=lambda: word)
        return "list_object_versions", wanted

    def tags(self) -> Step:
        asked = self.version(self.place())
        tags = [{"Key": each, "Value": "v"} for each in self.dice.sample(["x", "y", "z"], self.dice.randrange(4))]
        return self.dice.choice(
            [
                ("put_object_tagging", asked | {"Tagging": {"TagSet": tags}}),
                ("get_object_tagging", asked),
                ("delete_object_tagging", asked),
            ]
        )

    def upload(self) -> Step:
        """Of an upload with parts: all but the last are too small to be completed with others."""
        if not self.uploads or self.dice.random() < 0.25:
            kinds = self.maybe(0.6, ChecksumAlgorithm=lambda: self.dice.choice(CHECKSUMS))
            return "create_multipart_upload", self.place() | self.facts() | kinds
        key, word = self.dice.choice(self.uploads[-3:])
        named = {"Bucket": self.bucket, "Key": key, "UploadId": word}
        number = {"PartNumber": self.dice.choice([1, 1, 2, 10_001])}
        parts = [{"PartNumber": each, "ETag": self.etag()} for each in self.dice.choice([[1], [2], [1, 2], [2, 1]])]
        span = self.maybe(0.5, CopySourceRange=lambda: self.dice.choice(["bytes=0-3", "bytes=1-99999", "bytes=1-"]))
        return self.dice.choice(
            [
                ("upload_part", named | number | {"Body": self.body()}),
                ("upload_part", named | number | {"Body": self.body()}),
                ("upload_part_copy", named | number | {"CopySource": self.version(self.place())} | span),
                ("list_parts", named | {"MaxParts": self.dice.choice([1, 1000])}),
                (
                    "list_multipart_uploads",
                    {"Bucket": self.bucket} | self.maybe(0.4, Prefix=lambda: "a", Delimiter=lambda: "/"),
                ),
                ("complete_multipart_upload", named | {"MultipartUpload": {"Parts": parts}} | self.writing(0.1)),
                ("complete_multipart_upload", named | {"MultipartUpload": {"Parts": parts}}),
                ("abort_multipart_upload", named),
            ]
        )

    def bucket_step(self) -> Step:
        none = {"Bucket": f"{self.bucket}-none"}
        return self.dice.choice(
            [
                ("get_object", none | {"Key": "a"}),
                ("list_objects_v2", none),
                ("head_bucket", none),
                ("head_bucket", {"Bucket": self.bucket}),
                ("get_bucket_versioning", {"Bucket": self.bucket}),
                ("get_bucket_location", {"Bucket": self.bucket}),
            ]
        )
