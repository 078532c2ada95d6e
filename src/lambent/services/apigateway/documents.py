"""OpenAPI in and out: ImportRestApi, PutRestApi, GetExport."""

import asyncio
from typing import Any

from lambent.clock import iso_seconds
from lambent.model.rest_api import RestDocument
from lambent.openapi.document import BadDocument, read, written
from lambent.services.apigateway import apis, store
from lambent.services.apigateway.errors import BadRequest, NotFound
from lambent.services.apigateway.exporting import EXTENSIONS, VERSIONS, exported
from lambent.services.apigateway.importing import import_into
from lambent.services.apigateway.shelf import Shelf
from lambent.services.apigateway.store import Place
from lambent.services.operation import Answer, Request, RequestContext, operation

KINDS = {"application/json": False, "application/yaml": True}


class Documents:
    """Args: longest_ms: the longest timeout that an integration may have."""

    def __init__(self, shelf: Shelf, longest_ms: int) -> None:
        self._shelf, self._longest_ms = shelf, longest_ms
        self._reading = asyncio.Lock()

    @operation("ImportRestApi")
    async def import_rest_api(self, ctx: RequestContext, request: Request) -> Answer:
        """A new API as a document describes it."""
        source = await self._source(request)

        def work(place: Place) -> Answer:
            document = apis.new_document(self._shelf, "")
            warnings = self._fill(document, source, request)
            apis.add(place, document, self._shelf.quotas.rest_apis)
            return apis.seen(document.api) | ({"warnings": warnings} if warnings else {})

        return await self._shelf.write(ctx, work)

    @operation("PutRestApi")
    async def put_rest_api(self, ctx: RequestContext, request: Request) -> Answer:
        """An API as a document describes it. `merge` changes what the document names, `overwrite` removes all else."""
        source, mode = await self._source(request), request.get("mode") or "merge"
        if mode not in ("merge", "overwrite"):
            raise BadRequest("mode takes merge or overwrite")

        def work(place: Place) -> Answer:
            before = place.document(request["restApiId"])
            document = before if mode == "merge" else self._emptied(before)
            warnings = self._fill(document, source, request)
            place.save(document)
            return apis.seen(document.api) | ({"warnings": warnings} if warnings else {})

        return await self._shelf.write(ctx, work)

    @operation("GetExport")
    async def get_export(self, ctx: RequestContext, request: Request) -> Answer:
        """What a stage serves, as a document."""
        kind, accepts = request["exportType"], request.get("accepts") or "application/json"
        wanted = {each for each in (request.get("parameters") or {}).get("extensions", "").split(",") if each}
        if kind not in VERSIONS:
            raise BadRequest(f"exportType takes {' or '.join(VERSIONS)}")
        if accepts not in KINDS or wanted - EXTENSIONS:
            raise BadRequest(f"Accept takes {', '.join(KINDS)}; extensions {', '.join(sorted(EXTENSIONS))}")

        def work(place: Place) -> tuple[RestDocument, dict[str, Any]]:
            place.document(request["restApiId"])
            stage = store.find_stage(place.tx, request["restApiId"], request["stageName"])
            if stage is None:
                raise NotFound("Invalid stage identifier specified")
            made, document = store.deployment(place.tx, request["restApiId"], stage["deploymentId"])
            return document, made

        document, made = await self._shelf.read(ctx, work)
        version = iso_seconds(made["createdDate"])
        text = written(exported(document, kind, request["stageName"], version, wanted), as_yaml=KINDS[accepts])
        name = f'attachment; filename="{kind}_{version}.{"yaml" if KINDS[accepts] else "json"}"'
        return {"contentType": accepts, "contentDisposition": name, "body": text}

    async def _source(self, request: Request) -> dict[str, Any]:
        """A large document takes seconds: beside the loop, and one at a time, or they would hold it up together."""
        async with self._reading:
            return await asyncio.to_thread(_source, request)

    def _fill(self, document: RestDocument, source: dict[str, Any], request: Request) -> list[str]:
        options = request.get("parameters") or {}
        warnings = import_into(document, source, self._shelf, options, self._longest_ms)
        if warnings and request.get("failOnWarnings"):
            raise BadRequest("Warnings found during import:\n\t" + "\n\t".join(warnings))
        return warnings

    def _emptied(self, document: RestDocument) -> RestDocument:
        """The same API without anything in it."""
        fresh = apis.new_document(self._shelf, document.api["name"])
        kept = {name: value for name, value in document.api.items() if name not in ("policy", "binaryMediaTypes")}
        root = document.resources[document.api["rootResourceId"]]
        root.pop("resourceMethods", None)
        return RestDocument(kept, {root["id"]: root}, fresh.models)


def _source(request: Request) -> dict[str, Any]:
    try:
        return read(request["body"].decode())
    except (BadDocument, UnicodeDecodeError) as error:
        raise BadRequest(f"Invalid OpenAPI input: {error}") from None
