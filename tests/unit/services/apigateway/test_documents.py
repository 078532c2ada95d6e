"""OpenAPI documents in and out.

Sources: API Gateway Developer Guide, "OpenAPI extensions for API Gateway", "Import a REST API", "Export a REST API".
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.model.http import HttpResponse
from lambent.model.principal import Principal
from lambent.model.rest_api import RestDocument, RestTrial, TrialOutcome
from lambent.roles.api_gateway import Domains
from lambent.services.apigateway import apis
from lambent.services.apigateway.api import Links, RestApisService
from lambent.services.apigateway.importing import import_into
from lambent.services.apigateway.shelf import Shelf
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, REGION = "111111111111", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
YAML = b"""
swagger: "2.0"
info: {title: Pets, version: 2020-01-01, description: of all kinds}
basePath: /v1/api
x-amazon-apigateway-request-validators:
  all: {validateRequestBody: true, validateRequestParameters: true}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-binary-media-types: [image/png]
x-amazon-apigateway-gateway-responses:
  DEFAULT_4XX: {statusCode: 422, responseParameters: {gatewayresponse.header.X: "'y'"}}
securityDefinitions:
  key: {type: apiKey, name: x-api-key, in: header}
  decider:
    type: apiKey
    name: Authorization
    in: header
    x-amazon-apigateway-authtype: custom
    x-amazon-apigateway-authorizer:
      type: token
      authorizerUri: AUTHORIZER
definitions:
  Pet:
    type: object
    required: [name]
    properties: {name: {type: string}, friend: {$ref: '#/definitions/Pet'}}
paths:
  /pets/{id}:
    parameters:
      - {in: path, name: id, type: string, required: true}
    post:
      operationId: putPet
      consumes: [application/json]
      security: [{key: []}, {decider: []}]
      parameters:
        - {in: query, name: kind, type: string, required: true}
        - {in: body, name: body, schema: {$ref: '#/definitions/Pet'}}
      responses:
        200: {description: fine, schema: {$ref: '#/definitions/Pet'}, headers: {X-Kind: {type: string}}}
        400: {description: no}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: 200, responseParameters: {method.response.header.X-Kind: "'cat'"}}
          4\\d\\d: {statusCode: 400}
    x-amazon-apigateway-any-method:
      responses: {}
      x-amazon-apigateway-integration: {type: mock, passthroughBehavior: never}
""".replace(b"AUTHORIZER", URI.encode())


class House:
    def __init__(self) -> None:
        self.clock = FakeClock()

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.apigateway"))
        links = Links(self._announce, self._try, Domains())
        self.service = RestApisService(self.database, self.clock, FakeIds(), links, Quotas())
        return self

    async def _announce(self, _: str) -> None:
        """Nobody serves anything here."""

    async def _try(self, trial: RestTrial) -> TrialOutcome:
        return TrialOutcome(HttpResponse(200, [("x", "1")], trial.request.body), "log", 1)

    async def ask(self, operation: str, /, **request: Any) -> Any:
        principal = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
        return await self.service.operations[operation](RequestContext(principal, ACCOUNT, REGION, "r"), request)

    async def methods(self, api_id: str) -> dict[str, Any]:
        """All methods, by `VERB /path`."""
        items = (await self.ask("GetResources", restApiId=api_id, embed=["methods"], limit=500))["items"]
        return {f"{verb} {each['path']}": method for each in items
                for verb, method in each.get("resourceMethods", {}).items()}  # fmt: skip


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    yield made
    await made.database.close()


async def test_a_document_becomes_resources_methods_models_and_authorizers(house: House) -> None:
    api = await house.ask("ImportRestApi", body=YAML)
    assert (api["name"], api["version"], api["binaryMediaTypes"]) == ("Pets", "2020-01-01", ["image/png"])
    methods = await house.methods(api["id"])
    assert set(methods) == {"POST /pets/{id}", "ANY /pets/{id}"}
    post = methods["POST /pets/{id}"]
    assert post["requestParameters"] == {"method.request.path.id": True, "method.request.querystring.kind": True}
    assert post["requestModels"] == {"application/json": "Pet"}
    assert (post["apiKeyRequired"], post["authorizationType"], post["operationName"]) == (True, "CUSTOM", "putPet")
    assert post["methodResponses"]["200"]["responseParameters"] == {"method.response.header.X-Kind": False}
    responses = post["methodIntegration"]["integrationResponses"]
    assert (responses["400"]["selectionPattern"], "selectionPattern" in responses["200"]) == ("4\\d\\d", False)
    assert methods["ANY /pets/{id}"]["methodIntegration"]["passthroughBehavior"] == "NEVER"
    model = await house.ask("GetModel", restApiId=api["id"], modelName="Pet")
    friend = json.loads(model["schema"])["properties"]["friend"]["$ref"]
    assert friend == f"https://apigateway.amazonaws.com/restapis/{api['id']}/models/Pet"
    changed = await house.ask("GetGatewayResponse", restApiId=api["id"], responseType="DEFAULT_4XX")
    assert changed["statusCode"] == "422"


@pytest.mark.parametrize("kind", ["swagger", "oas30"])
@pytest.mark.parametrize("accepts", ["application/json", "application/yaml"])
async def test_what_is_exported_can_be_imported_again(house: House, kind: str, accepts: str) -> None:
    api = await house.ask("ImportRestApi", body=YAML)
    await house.ask("CreateDeployment", restApiId=api["id"], stageName="prod")
    told = await house.ask(
        "GetExport",
        restApiId=api["id"],
        stageName="prod",
        exportType=kind,
        accepts=accepts,
        parameters={"extensions": "apigateway"},
    )
    again = await house.ask("ImportRestApi", body=told["body"])
    before, after = await house.methods(api["id"]), await house.methods(again["id"])
    for methods in (before, after):
        for method in methods.values():
            method.pop("authorizerId", None)
            method.pop("requestValidatorId", None)
    assert after == before


@pytest.mark.parametrize(
    ("mode", "paths"), [("merge", {"POST /pets/{id}", "ANY /pets/{id}", "GET /new"}), ("overwrite", {"GET /new"})]
)
async def test_an_api_is_merged_with_a_document_or_overwritten(house: House, mode: str, paths: set[str]) -> None:
    api = await house.ask("ImportRestApi", body=YAML)
    new = {"openapi": "3.0.1", "info": {"title": "New", "version": "1"}, "paths": {"/new": {"get": {"responses": {}}}}}
    put = await house.ask("PutRestApi", restApiId=api["id"], mode=mode, body=json.dumps(new).encode())
    assert (put["id"], put["name"]) == (api["id"], "New")
    assert set(await house.methods(api["id"])) == paths


@pytest.mark.parametrize(("mode", "path"), [("ignore", "/x"), ("prepend", "/a/b/x"), ("split", "/b/x")])
async def test_a_base_path_is_left_out_or_becomes_part_of_paths(house: House, mode: str, path: str) -> None:
    source = {"swagger": "2.0", "info": {"title": "t"}, "basePath": "/a/b", "paths": {"/x": {"get": {}}}}
    api = await house.ask("ImportRestApi", body=json.dumps(source).encode(), parameters={"basepath": mode})
    assert set(await house.methods(api["id"])) == {f"GET {path}"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"a: &a [*a]", b'{"openapi": "3.0.0", "info": {"title": "x"}, "paths": {"/a b": {"get": {}}}}',
     b'{"openapi": "3.0.0", "info": {}, "paths": {}}', b'{"openapi": "3.0.0", "info": {"title": "x"}, "paths": []}',
     b'{"openapi": "3.0.0", "info": {"title": "x"}, "paths": {"/x": {"get": {"parameters": [{"$ref": "#/no"}]}}}}',
     b'{"openapi": "3.0.0", "info": {"title": "x"}, "paths": {"/x": {"get": {"x-amazon-apigateway-integration": 1}}}}'],
)  # fmt: skip
async def test_a_document_that_is_wrong_leaves_nothing(house: House, body: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        await house.ask("ImportRestApi", body=body)
    assert caught.value.code == "BadRequestException"
    assert (await house.ask("GetRestApis"))["items"] == []


async def test_warnings_end_an_import_where_the_caller_wants_that(house: House) -> None:
    schemas = {"Bad": {"type": "nonsense"}}
    source = {"openapi": "3.0.0", "info": {"title": "x"}, "paths": {}, "components": {"schemas": schemas}}
    body = json.dumps(source).encode()
    with pytest.raises(ServiceError, match="Warnings found"):
        await house.ask("ImportRestApi", body=body, failOnWarnings=True)
    assert len((await house.ask("ImportRestApi", body=body))["warnings"]) == 1


async def test_a_method_is_tried_without_a_deployment(house: House) -> None:
    api = await house.ask("ImportRestApi", body=YAML)
    items = (await house.ask("GetResources", restApiId=api["id"]))["items"]
    resource = next(each["id"] for each in items if each["path"] == "/pets/{id}")
    told = await house.ask(
        "TestInvokeMethod",
        restApiId=api["id"],
        resourceId=resource,
        httpMethod="POST",
        body="b",
        pathWithQueryString="/pets/1",
    )
    assert (told["status"], told["body"], told["headers"], told["log"]) == (200, "b", {"x": "1"}, "log")


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 600), st.sampled_from(["mock", "x", "#/paths", "/p/{id}", ""])
)
NAMES = st.sampled_from(
    ["paths", "/p", "/p/{id}", "get", "post", "parameters", "in", "name", "responses", "200", "schema", "$ref",
     "components", "schemas", "x-amazon-apigateway-integration", "type", "content", "security", "requestBody",
     "x-amazon-apigateway-request-validators", "x-amazon-apigateway-gateway-responses", "DEFAULT_4XX", "servers"]
)  # fmt: skip
TREES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4))
)


@settings(max_examples=80)
@given(st.dictionaries(NAMES, TREES, max_size=6))
def test_any_document_is_imported_or_refused(tree: dict[str, Any]) -> None:
    shelf = Shelf.__new__(Shelf)
    shelf.ids, shelf.clock = FakeIds(), FakeClock()
    document: RestDocument = apis.new_document(shelf, "x")
    try:
        import_into(document, {"openapi": "3.0.0", "info": {"title": "t"}, **tree}, shelf, {}, 29_000)
    except ServiceError:
        return
