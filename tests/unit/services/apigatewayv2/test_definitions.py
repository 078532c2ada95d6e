"""APIs from documents and back.

Source: API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs", "OpenAPI extensions for API
Gateway".
"""

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.model.apis import FunctionTarget, HttpApi, JwtAuthorizer
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.importing import definition_of

if TYPE_CHECKING:
    from tests.unit.services.apigatewayv2.conftest import Desk

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
INVOKED = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "version": "7", "description": "All of them"},
    "tags": [{"name": "team", "x-amazon-apigateway-tag-value": "blue"}, {"name": "plain"}],
    "paths": {
        "/pets/{id}": {
            "get": {
                "operationId": "read",
                "security": [{"tokens": ["pets.read"]}],
                "x-amazon-apigateway-integration": {"$ref": "#/components/x-amazon-apigateway-integrations/f"},
            },
            "delete": {
                "security": [{"signed": []}],
                "x-amazon-apigateway-integration": {"$ref": "#/components/x-amazon-apigateway-integrations/f"},
            },
        },
        "/$default": {
            "x-amazon-apigateway-any-method": {
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "ANY",
                    "uri": "https://x.example/{proxy}",
                    "payloadFormatVersion": "1.0",
                    "requestParameters": {"append:header.x": "$request.path"},
                }
            }
        },
    },
    "components": {
        "securitySchemes": {
            "tokens": {
                "type": "oauth2",
                "x-amazon-apigateway-authorizer": {
                    "type": "jwt",
                    "identitySource": "$request.header.Authorization",
                    "jwtConfiguration": {"issuer": "https://id.example", "audience": ["pets"]},
                },
            },
            "signed": {"type": "apiKey", "x-amazon-apigateway-authtype": "awsSigv4"},
        },
        "x-amazon-apigateway-integrations": {
            "f": {"type": "aws_proxy", "httpMethod": "POST", "uri": INVOKED, "payloadFormatVersion": "2.0"}
        },
    },
    "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 5},
}


async def routes_of(desk: "Desk", api_id: str) -> HttpApi:
    if not (await desk.call("GetStages", ApiId=api_id))["Items"]:
        await desk.call("CreateStage", ApiId=api_id, StageName="$default", AutoDeploy=True)
    compiled = await desk.service.compiled(api_id)
    assert isinstance(compiled, HttpApi)
    return compiled


async def test_a_document_becomes_an_api_that_serves_what_it_says(desk: "Desk") -> None:
    made = await desk.call("ImportApi", Body=json.dumps(DOCUMENT), FailOnWarnings=True)
    assert (made["Name"], made["Version"], made["Tags"], made["Warnings"]) == ("Pets", "7", {"team": "blue"}, [])
    assert len((await desk.call("GetIntegrations", ApiId=made["ApiId"]))["Items"]) == 2  # one is shared
    stage = (await routes_of(desk, made["ApiId"])).stages["$default"]
    routes = {route.key: route for route in stage.routes}
    assert sorted(routes) == ["$default", "DELETE /pets/{id}", "GET /pets/{id}"]
    read = routes["GET /pets/{id}"]
    assert isinstance(read.target, FunctionTarget)
    assert isinstance(read.authorizer, JwtAuthorizer)
    assert read.authorizer.scopes == ("pets.read",)
    assert routes["$default"].request_parameters == {"append:header.x": "$request.path"}
    assert stage.cors is not None


@pytest.mark.parametrize("output_type", ["JSON", "YAML"])
async def test_what_is_exported_is_imported_as_the_same_api(desk: "Desk", output_type: str) -> None:
    first = (await desk.call("ImportApi", Body=json.dumps(DOCUMENT)))["ApiId"]
    exported = await desk.call("ExportApi", ApiId=first, Specification="OAS30", OutputType=output_type)
    second = (await desk.call("ImportApi", Body=exported["body"].decode(), FailOnWarnings=True))["ApiId"]
    again = await desk.call("ExportApi", ApiId=second, Specification="OAS30", OutputType=output_type)
    assert again["body"].replace(second.encode(), first.encode()) == exported["body"]


async def test_a_document_that_comes_again_replaces_what_was_there(desk: "Desk") -> None:
    api_id = (await desk.call("ImportApi", Body=json.dumps(DOCUMENT)))["ApiId"]
    await routes_of(desk, api_id)
    less = {**DOCUMENT, "info": {"title": "Fewer"}, "paths": {"/$default": DOCUMENT["paths"]["/$default"]}}
    assert (await desk.call("ReimportApi", ApiId=api_id, Body=json.dumps(less)))["Name"] == "Fewer"
    assert [route.key for route in (await routes_of(desk, api_id)).stages["$default"].routes] == ["$default"]
    assert "Version" not in await desk.call("GetApi", ApiId=api_id)


async def test_warnings_are_told_and_fail_when_they_are_to(desk: "Desk") -> None:
    strange = {**DOCUMENT, "x-amazon-apigateway-policy": {}, "security": [{"nowhere": []}]}
    body = json.dumps(strange)
    warnings = (await desk.call("ImportApi", Body=body))["Warnings"]
    assert len(warnings) == 2
    with pytest.raises(BadRequest):
        await desk.call("ImportApi", Body=body, FailOnWarnings=True)
    assert len((await desk.call("GetApis"))["Items"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"openapi": "2.0"},
        {"info": {}},
        {"paths": {"pets": {"get": {}}}},
        {"paths": {"/{a+}/b": {"get": {}}}},
        {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}}},
        {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "x", "own": 1}}}}},
        {"x-amazon-apigateway-cors": {"maxAge": "long"}},
        {"x-amazon-apigateway-cors": []},
        {"components": {"securitySchemes": {"a": {"x-amazon-apigateway-authorizer": {"type": "token"}}}}},
    ],
)
async def test_what_an_extension_says_wrongly_is_refused_and_makes_nothing(
    desk: "Desk", change: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        await desk.call("ImportApi", Body=json.dumps({**DOCUMENT, **change}))
    assert (await desk.call("GetApis"))["Items"] == []


PARTS: Any = (
    st.sampled_from([*DOCUMENT, "get", "/a", "type", "uri", "jwt", "security", "a"]) | st.none() | st.integers()
)
VALUES: Any = st.recursive(
    PARTS,
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.text(max_size=3), each, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=6), VALUES), max_size=3))
def test_no_document_does_anything_else_than_be_taken_or_refused(changes: list[tuple[list[int], Any]]) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    for steps, value in changes:
        place = document
        for step in steps:
            keys = list(place) if isinstance(place, dict) else []
            if not keys:
                break
            key = keys[step % len(keys)]
            if not isinstance(place[key], dict) or step == 3:
                place[key] = value
                break
            place = place[key]
    with contextlib.suppress(ServiceError):
        definition_of(json.dumps(document), "prepend", FakeIds())
