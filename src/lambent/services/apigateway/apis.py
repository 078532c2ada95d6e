"""REST APIs themselves: CreateRestApi and its kind."""

import json
from typing import Any

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch, policies
from lambent.services.apigateway.domain_names import Domains, refuse_mapped
from lambent.services.apigateway.errors import BadRequest, LimitExceeded, not_built
from lambent.services.apigateway.media_types import check_media_type
from lambent.services.apigateway.shelf import Shelf, given, page, shown
from lambent.services.apigateway.store import Place
from lambent.services.apigateway.tags import check_tags
from lambent.services.apigateway.usage_plans import forget_stages
from lambent.services.operation import Answer, Request, RequestContext, operation

KEY_SOURCES = ("HEADER", "AUTHORIZER")
ENDPOINT_TYPES = ("EDGE", "REGIONAL")
MEMBERS = ("name", "description", "version", "binaryMediaTypes", "apiKeySource", "policy", "tags")
ERROR_MODEL = (
    '{\n  "$schema" : "http://json-schema.org/draft-04/schema#",\n  "title" : "Error Schema",\n'
    '  "type" : "object",\n  "properties" : {\n    "message" : { "type" : "string" }\n  }\n}'
)
EMPTY_MODEL = (
    '{\n  "$schema": "http://json-schema.org/draft-04/schema#",\n  "title" : "Empty Schema",\n  "type" : "object"\n}'
)


def _endpoint_type(part: Part, _op: str, _names: list[str], value: str) -> None:
    part["endpointConfiguration"] = endpoint_configuration({"types": [value]})


def _no_compression(_part: Part, op: str, _names: list[str], value: str) -> None:
    if op != "remove" and value:
        raise not_built("Compression (minimumCompressionSize)")


RULES = (
    patch.scalar("/name", removable=False),
    patch.scalar("/description"),
    patch.scalar("/version"),
    patch.scalar("/policy"),
    patch.scalar("/apiKeySource", patch.one_of(*KEY_SOURCES), removable=False),
    patch.scalar("/disableExecuteApiEndpoint", patch.boolean, removable=False),
    patch.elements("binaryMediaTypes"),
    patch.Rule("/endpointConfiguration/types/{}", frozenset({"replace"}), _endpoint_type),
    patch.Rule("/endpointConfiguration/types", frozenset({"replace"}), _endpoint_type),
    patch.Rule("/minimumCompressionSize", frozenset({"replace", "remove", "add"}), _no_compression),
)


class Apis:
    """CreateRestApi, GetRestApi, GetRestApis, UpdateRestApi, DeleteRestApi."""

    def __init__(self, shelf: Shelf, domains: Domains) -> None:
        self._shelf, self._domains = shelf, domains

    @operation("CreateRestApi")
    async def create_rest_api(self, ctx: RequestContext, request: Request) -> Answer:
        """An API with its root resource, or a copy of another."""
        if request.get("endpointAccessMode") or request.get("securityPolicy"):
            raise not_built("endpointAccessMode and securityPolicy")

        def work(place: Place) -> Answer:
            document = new_document(self._shelf, request.get("name", ""))
            if request.get("cloneFrom"):
                document = _copied(place.document(request["cloneFrom"]), document)
            if request.get("minimumCompressionSize") is not None:
                raise not_built("Compression (minimumCompressionSize)")
            document.api |= given(request, *MEMBERS)
            document.api["disableExecuteApiEndpoint"] = bool(request.get("disableExecuteApiEndpoint"))
            if request.get("endpointConfiguration"):
                document.api["endpointConfiguration"] = endpoint_configuration(request["endpointConfiguration"])
            check(document.api)
            add(place, document, self._shelf.quotas.rest_apis)
            return seen(document.api)

        return await self._shelf.write(ctx, work)

    @operation("GetRestApi")
    async def get_rest_api(self, ctx: RequestContext, request: Request) -> Answer:
        """One API."""
        return await self._shelf.look(ctx, request, lambda document: seen(document.api))

    @operation("GetRestApis")
    async def get_rest_apis(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        found = await self._shelf.read(ctx, lambda place: [each.api for each in place.documents()])
        return page(request, found, lambda api: api["id"], seen)

    @operation("UpdateRestApi")
    async def update_rest_api(self, ctx: RequestContext, request: Request) -> Answer:
        """Change some settings; they are served with the next deployment."""

        def work(document: RestDocument) -> Answer:
            document.api = patch.patched(document.api, request.get("patchOperations", []), RULES)
            check(document.api)
            return seen(document.api)

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteRestApi")
    async def delete_rest_api(self, ctx: RequestContext, request: Request) -> None:
        """Remove it with its deployments and stages."""
        api_id = request["restApiId"]

        def work(place: Place) -> None:
            place.document(api_id)  # raises NotFound
            place.delete_api(api_id)
            forget_stages(place, api_id)

        await refuse_mapped(self._domains, api_id)
        await self._shelf.serve(ctx, api_id, work)


def seen(api: Part) -> Answer:
    """An API as callers see it: its policy as AWS gives it, with the escapes of a text inside a JSON string."""
    answer = shown(api)
    if answer.get("policy"):
        answer["policy"] = json.dumps(answer["policy"])[1:-1].replace("/", r"\/")
    return answer


def new_document(shelf: Shelf, name: str) -> RestDocument:
    """An API with nothing but its root and the two models that every API begins with."""
    api_id, root = shelf.new_id(10), shelf.new_id(10)
    api: dict[str, Any] = {
        "id": api_id,
        "name": name,
        "createdDate": shelf.now_s(),
        "apiKeySource": "HEADER",
        "endpointConfiguration": endpoint_configuration({}),
        "disableExecuteApiEndpoint": False,
        "rootResourceId": root,
    }
    models = {
        "Empty": _model(shelf, "Empty", "This is a default empty schema model", EMPTY_MODEL),
        "Error": _model(shelf, "Error", "This is a default error schema model", ERROR_MODEL),
    }
    return RestDocument(api, {root: {"id": root, "path": "/"}}, models)


def add(place: Place, document: RestDocument, most: int) -> None:
    """Keep a new API. Raises LimitExceeded."""
    if len(place.documents()) >= most:
        raise LimitExceeded(f"There can be no more than {most} REST APIs.")
    place.save(document)


def check(api: Part) -> None:
    """Raises BadRequest."""
    if not api.get("name"):
        raise BadRequest("API name must not be empty.")
    if len(api["name"]) > 1024 or len(api.get("description", "")) > 1024:
        raise BadRequest("name and description have at most 1024 characters.")
    if api["apiKeySource"] not in KEY_SOURCES:
        raise BadRequest(f"apiKeySource takes {' or '.join(KEY_SOURCES)}.")
    for media_type in api.get("binaryMediaTypes", []):
        check_media_type(media_type)
    check_tags(api.get("tags", {}))
    if api.get("policy"):
        api["policy"] = policies.normalized(api["policy"])


def endpoint_configuration(wanted: Part) -> Part:
    """What a caller wants, whole. EDGE and REGIONAL are served alike. Raises BadRequest, NotImplementedByLambent."""
    types = wanted.get("types") or ["EDGE"]
    if "PRIVATE" in types or wanted.get("vpcEndpointIds"):
        raise not_built("Private APIs (PRIVATE, vpcEndpointIds)")
    if len(types) != 1 or types[0] not in ENDPOINT_TYPES:
        raise BadRequest(f"Invalid endpoint type: it takes one of {', '.join(ENDPOINT_TYPES)}.")
    if wanted.get("ipAddressType", "ipv4") != "ipv4":
        raise not_built("ipAddressType other than ipv4")
    return {"types": types, "ipAddressType": "ipv4"}


def _model(shelf: Shelf, name: str, description: str, schema: str) -> Part:
    model = {"id": shelf.new_id(), "name": name, "description": description, "schema": schema}
    return model | {"contentType": "application/json"}


def _copied(source: RestDocument, fresh: RestDocument) -> RestDocument:
    """The parts of `source` under the name and ids of `fresh`; a root resource keeps its id."""
    keep = {name: fresh.api[name] for name in ("id", "name", "createdDate")}
    source.api |= keep
    source.api.pop("tags", None)
    return source
