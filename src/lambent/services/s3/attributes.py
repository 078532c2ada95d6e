"""GetObjectAttributes.

Source: S3 API reference; answers of the service: a checksum of the parts' checksums is without their number, and parts
are told one by one only where they have such checksums, because what is kept of others is not theirs.
"""

from typing import Any

from lambent.protocol.checksums import COMPOSITE
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import count_of
from lambent.services.s3.model import Version
from lambent.services.s3.reading import find_object
from lambent.services.s3.showing import checksum_members, moment, version_members
from lambent.store.api import Database, Transaction


class Attributes:
    """What is known of objects, beside their bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("GetObjectAttributes")
    async def get_object_attributes(self, ctx: RequestContext, request: Request) -> Answer:
        most, after = count_of(request, "MaxParts"), int(request.get("PartNumberMarker") or 0)
        wanted = {name for text in request["ObjectAttributes"] for name in text.split(",")}

        def work(tx: Transaction) -> Answer:
            bucket, found = find_object(tx, ctx, request)
            facts = found.facts
            answer: Answer = {"LastModified": moment(found.modified_ms), **version_members(bucket, found)}
            shown: Answer = {"ETag": found.etag, "StorageClass": "STANDARD", "ObjectSize": found.bytes}
            texts = {name: text.partition("-")[0] for name, text in facts.checksums.items()}
            shown["Checksum"] = checksum_members(texts, facts.checksum_type) or None
            shown["ObjectParts"] = _parts(tx, found, after, most) if facts.parts else None
            return answer | {name: value for name, value in shown.items() if name in wanted and value is not None}

        return await self._database.read(work)


def _parts(tx: Transaction, found: Version, after: int, most: int) -> dict[str, Any]:
    if found.facts.checksum_type != COMPOSITE:
        return {"TotalPartsCount": found.facts.parts}
    parts = store.version_parts(tx, found, after, most + 1)
    page = parts[:most]
    return {
        "TotalPartsCount": found.facts.parts,
        "PartNumberMarker": str(after),
        "NextPartNumberMarker": str(page[-1].number if page else 0),
        "MaxParts": most,
        "IsTruncated": len(parts) > most,
        "Parts": [{"PartNumber": each.number, "Size": each.bytes, **checksum_members(each.checksums)} for each in page],
    }
