"""APIs from OpenAPI documents and back: ImportApi, ReimportApi, ExportApi.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs".
"""

import asyncio

import msgspec

from lambent.model.apis import api_host
from lambent.services.addresses import address_below
from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.apis import ID_LENGTH, SELECTION, api_arn, check_api, wire
from lambent.services.apigatewayv2.deploying import changed, content_of
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.exporting import document_of, written
from lambent.services.apigatewayv2.importing import Definition, definition_of
from lambent.services.apigatewayv2.model import DEFAULT, Api, Authorizer, Deployment, Integration, Route, Stage, edited
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_apis, check_parts
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

BASED = ("ignore", "prepend", "split")
REPLACED = (Route, Integration, Authorizer)


class Definitions:
    """What documents say of APIs."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources
        self._reading = asyncio.Lock()

    @operation("ImportApi")
    async def import_api(self, context: RequestContext, request: Request) -> Answer:
        """A new API as the document has it, with no stage yet."""
        found = await self._read_beside(request)
        dates = {"CreatedDate": self._all.clock.now_ms(), "ProtocolType": "HTTP", "RouteSelectionExpression": SELECTION}
        api = msgspec.convert({"ApiId": self._all.ids.letters(ID_LENGTH).lower(), **dates, **found.members}, Api)

        def work(tx: Transaction) -> None:
            store.set_api(tx, context, api)
            self._put(tx, context, api, found)

        await self._all.changes.make(api.api_id, work)
        return {**wire(context, api, found.tags), "Warnings": found.warnings}

    @operation("ReimportApi")
    async def reimport_api(self, context: RequestContext, request: Request) -> Answer:
        """The API as the document has it; its stages and deployments stay."""
        found = await self._read_beside(request)

        def work(tx: Transaction) -> Answer:
            before = store.api(tx, context, request["ApiId"])
            if before.protocol_type == WEBSOCKET:
                refuse("An OpenAPI document", "for WebSocket APIs")
            gone = {"Description": None, "Version": None, "CorsConfiguration": None}
            api = edited(before, {**gone, "DisableExecuteApiEndpoint": False, **found.members})
            store.set_api(tx, context, api)
            for kind in REPLACED:
                for part in store.parts(tx, api.api_id, kind):
                    store.delete_part(tx, api.api_id, kind, part.part_id)
            self._put(tx, context, api, found)
            tags = store.tags(tx, api_arn(context, api.api_id))
            return {**wire(context, api, tags), "Warnings": found.warnings}

        return await self._all.changes.make(request["ApiId"], work)

    @operation("ExportApi")
    async def export_api(self, context: RequestContext, request: Request) -> Answer:
        """The API as it is now, or as a stage serves it."""
        if request["Specification"] != "OAS30":
            raise BadRequest("Specification is OAS30.")
        if request["OutputType"] not in ("JSON", "YAML"):
            raise BadRequest("OutputType is JSON or YAML.")
        if request.get("ExportVersion", "1.0") != "1.0":
            raise BadRequest("ExportVersion is 1.0.")

        def work(tx: Transaction) -> bytes:
            api = store.api(tx, context, request["ApiId"])
            if api.protocol_type == WEBSOCKET:
                refuse("An OpenAPI document", "for WebSocket APIs")
            content, stage = content_of(tx, api), request.get("StageName") or DEFAULT
            if request.get("StageName"):
                deployment_id = store.part(tx, api.api_id, Stage, stage).deployment_id
                if deployment_id is None:
                    raise BadRequest(f"Nothing is deployed to stage {stage}.")
                content = store.part(tx, api.api_id, Deployment, deployment_id).content
            endpoint = address_below(api_host(api.api_id, context.region), context.endpoint)
            with_extensions = request.get("IncludeExtensions", True)
            document = document_of(api, content, endpoint, stage, extensions=with_extensions)
            return written(document, request["OutputType"])

        return {"body": await self._all.database.read(work)}

    async def _read_beside(self, request: Request) -> Definition:
        """A large document takes seconds: beside the loop, and one at a time, or they would hold it up together."""
        async with self._reading:
            return await asyncio.to_thread(self._read, request)

    def _read(self, request: Request) -> Definition:
        how_based = (request.get("Basepath") or "ignore").lower()
        if how_based not in BASED:
            raise BadRequest("Basepath is ignore, prepend or split.")
        found = definition_of(request["Body"], how_based, self._all.ids)
        if found.warnings and request.get("FailOnWarnings"):
            raise BadRequest(f"Warnings found during import: {'; '.join(found.warnings)}")
        check_api(found.members)
        return found

    def _put(self, tx: Transaction, context: RequestContext, api: Api, found: Definition) -> None:
        for part in (*found.integrations, *found.authorizers, *found.routes):
            store.set_part(tx, api.api_id, part)
        store.set_tags(tx, api_arn(context, api.api_id), found.tags)
        check_apis(tx, context, self._all.quotas)
        check_parts(tx, api.api_id, self._all.quotas)
        changed(tx, api, self._all)
