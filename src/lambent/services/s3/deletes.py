"""DeleteObject and DeleteObjects.

Source: S3 API reference; S3 User Guide, "Deleting object versions from a versioning-enabled bucket": a delete of what
is not there succeeds.
"""

from typing import Any

from lambent.errors import ServiceError
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.actions import DELETE, DELETE_VERSION
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.conditions import check_delete
from lambent.services.s3.errors import S3Error, malformed
from lambent.services.s3.model import NULL, Bucket
from lambent.services.s3.names import check_version
from lambent.services.s3.permissions import check
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction

MOST = 1_000


class Deletes:
    """What removes objects."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @operation("DeleteObject")
    async def delete_object(self, ctx: RequestContext, request: Request) -> Answer:
        refuse(request)
        return await self._writer.write(lambda tx: self._delete(tx, ctx, bucket_of(tx, ctx, request), request))

    @operation("DeleteObjects")
    async def delete_objects(self, ctx: RequestContext, request: Request) -> Answer:
        """Each by itself: what cannot be deleted is told, and the others are gone."""
        refuse(request)
        wanted = request["Delete"]
        if not 1 <= len(wanted["Objects"]) <= MOST:
            raise malformed()
        deleted: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []

        def work(tx: Transaction) -> None:
            bucket = bucket_of(tx, ctx, request)
            for each in wanted["Objects"]:
                named = {name: each[name] for name in ("Key", "VersionId") if name in each}
                conditions = {"IfMatch": each.get("ETag")}
                for name, member in (("IfMatchSize", "Size"), ("IfMatchLastModifiedTime", "LastModifiedTime")):
                    conditions[name] = each.get(member)
                try:
                    _check_version(bucket, named)
                    check(tx, ctx, bucket, DELETE_VERSION if "VersionId" in named else DELETE, named)
                    gone = self._delete(tx, ctx, bucket, {**named, **conditions})
                except ServiceError as error:
                    errors.append({**named, "Code": error.code, "Message": error.message})
                else:
                    deleted.append(_told(named, gone))

        await self._writer.write(work)
        return {"Errors": errors} if wanted.get("Quiet") else {"Deleted": deleted, "Errors": errors}

    def _delete(self, tx: Transaction, ctx: RequestContext, bucket: Bucket, request: Request) -> Answer:
        key, name = request["Key"], request.get("VersionId")
        if name is None:
            check_delete(request, store.current(tx, bucket.id, key))
            marker = self._writer.delete(tx, ctx, bucket, key)
            return {} if marker is None else {"DeleteMarker": True, "VersionId": marker.version}
        check_version(bucket, name, "versionId")
        gone = store.version(tx, bucket.id, key, name)
        check_delete(request, gone)
        if gone is None:
            return {"VersionId": name}
        self._writer.remove(tx, ctx, bucket, gone)
        return {"VersionId": name, **({"DeleteMarker": True} if gone.marker else {})}


def _check_version(bucket: Bucket, named: dict[str, Any]) -> None:
    """The same as for one object, in the words that S3 has for one of many. Raises NoSuchVersion."""
    try:
        check_version(bucket, named.get("VersionId", NULL), "versionId")
    except S3Error:
        raise S3Error("NoSuchVersion", 404, "The specified version does not exist.") from None


def _told(named: dict[str, Any], gone: Answer) -> dict[str, Any]:
    if not gone.get("DeleteMarker"):
        return named
    return {**named, "DeleteMarker": True, "DeleteMarkerVersionId": gone["VersionId"]}
