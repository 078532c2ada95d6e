"""APIs and their parts, as the operations make them.

Sources: API Gateway Developer Guide, "Working with HTTP APIs"; botocore's model `apigatewayv2`.
"""

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.mapping.uris import function_of
from lambent.model.apis import FunctionTarget, HttpApi, HttpStage, HttpTarget, Throttle
from lambent.services.apigatewayv2.errors import BadRequest, Conflict, LimitExceeded, NotFound
from lambent.services.apigatewayv2.routes import check_route_key
from lambent.services.apigatewayv2.targets import is_url, names_function

if TYPE_CHECKING:
    from tests.unit.services.apigatewayv2.conftest import Desk

OTHER = "222222222222"
PROXY = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "IntegrationUri": "https://x.example/{a}"}
FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"


async def stage_of(desk: "Desk", api_id: str, name: str = "$default") -> HttpStage:
    compiled = await desk.service.compiled(api_id)
    assert isinstance(compiled, HttpApi)
    return compiled.stages[name]


@pytest.mark.parametrize(("target", "kind"), [(FUNCTION, FunctionTarget), ("https://x.example/", HttpTarget)])
async def test_a_target_makes_a_whole_api(desk: "Desk", target: str, kind: type) -> None:
    api_id = await desk.api(Target=target, RouteKey="GET /pets")
    (route,) = (await stage_of(desk, api_id)).routes
    assert route.key == "GET /pets"
    assert isinstance(route.target, kind)
    assert desk.announced == [api_id]


async def test_accounts_share_nothing(desk: "Desk") -> None:
    api_id = await desk.api(Tags={"a": "b"})
    assert (await desk.call("GetApis", OTHER))["Items"] == []
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api_id}"
    for name, request in (
        ("GetApi", {}),
        ("DeleteApi", {}),
        ("GetRoutes", {}),
        ("CreateStage", {"StageName": "s"}),
        ("ExportApi", {"Specification": "OAS30", "OutputType": "JSON"}),
        ("GetTags", {"ResourceArn": arn}),
    ):
        with pytest.raises(NotFound):
            await desk.call(name, OTHER, ApiId=api_id, **request)
    assert (await desk.call("GetTags", ResourceArn=arn))["Tags"] == {"a": "b"}


async def test_a_stage_serves_its_deployment_and_follows_only_if_it_is_to(desk: "Desk") -> None:
    api_id = await desk.api()
    with pytest.raises(BadRequest):
        await desk.call("CreateDeployment", ApiId=api_id)  # at least one route
    target = await desk.target(api_id)
    await desk.call("CreateRoute", ApiId=api_id, RouteKey="GET /a", Target=target)
    await desk.call("CreateStage", ApiId=api_id, StageName="still")
    await desk.call("CreateStage", ApiId=api_id, StageName="follows", AutoDeploy=True)
    first = await desk.call("CreateDeployment", ApiId=api_id, StageName="still")
    route = await desk.call("CreateRoute", ApiId=api_id, RouteKey="GET /b", Target=target)
    assert len((await stage_of(desk, api_id, "still")).routes) == 1
    assert len((await stage_of(desk, api_id, "follows")).routes) == 2
    with pytest.raises(BadRequest):
        await desk.call("DeleteDeployment", ApiId=api_id, DeploymentId=first["DeploymentId"])
    await desk.call("DeleteRoute", ApiId=api_id, RouteId=route["RouteId"])
    deployments = (await desk.call("GetDeployments", ApiId=api_id))["Items"]
    assert len(deployments) == 2  # those of before that nobody serves are gone


async def test_names_are_taken_once_and_what_is_used_stays(desk: "Desk") -> None:
    api_id = await desk.api()
    target = await desk.target(api_id)
    route = await desk.call("CreateRoute", ApiId=api_id, RouteKey="GET /a", Target=target)
    for name, request in (
        ("CreateRoute", {"RouteKey": "GET /a"}),
        ("DeleteIntegration", {"IntegrationId": target.partition("/")[2]}),
    ):
        with pytest.raises(Conflict):
            await desk.call(name, ApiId=api_id, **request)
    await desk.call("UpdateRoute", ApiId=api_id, RouteId=route["RouteId"], RouteKey="GET /b")
    await desk.call("CreateRoute", ApiId=api_id, RouteKey="GET /a")


async def test_what_is_not_carried_out_is_refused_and_makes_nothing(desk: "Desk") -> None:
    api_id = await desk.api()
    for name, request in (
        ("CreateApi", {"Name": "a", "ProtocolType": "HTTP", "Target": FUNCTION, "CredentialsArn": "arn:aws:iam::1:r"}),
        ("CreateApi", {"Name": "a", "ProtocolType": "HTTP", "DisableSchemaValidation": True}),
        ("CreateApi", {"Name": "a", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["example.com"]}}),
        ("CreateApi", {"Name": "", "ProtocolType": "HTTP"}),
        ("CreateApi", {"Name": "a" * 129, "ProtocolType": "HTTP"}),
        ("CreateApi", {"Name": "a", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowMethods": ["FETCH"]}}),
        ("CreateIntegration", {"IntegrationType": "AWS_PROXY", "IntegrationUri": "arn:aws:sqs:us-east-1:1:q"}),
        ("CreateIntegration", {"IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage"}),
        ("CreateIntegration", {"IntegrationType": "HTTP_PROXY", "ConnectionType": "VPC_LINK", "ConnectionId": "c"}),
        ("CreateIntegration", {"IntegrationType": "MOCK"}),
        ("CreateIntegration", {**PROXY, "IntegrationUri": "https://x.example{proxy}"}),
        ("CreateIntegration", {**PROXY, "IntegrationUri": "ftp://x.example/"}),
        ("CreateIntegration", {**PROXY, "RequestParameters": {"overwrite:header.host": "x"}}),
        ("CreateRoute", {"RouteKey": "GET /a", "ApiKeyRequired": True}),
        ("CreateRoute", {"RouteKey": "GET /a", "AuthorizationType": "JWT"}),
        ("CreateRoute", {"RouteKey": "GET /a", "Target": "integrations/none"}),
        ("CreateStage", {"StageName": "s", "DefaultRouteSettings": {"LoggingLevel": "INFO"}}),
        ("CreateStage", {"StageName": "a/b"}),
        ("CreateStage", {"StageName": "s", "StageVariables": {"a-b": "c"}}),
        ("CreateStage", {"StageName": "s", "AccessLogSettings": {"DestinationArn": "x", "Format": "f"}}),
        ("CreateDomainName", {"DomainName": "api.example.com", "DomainNameConfigurations": [{"CertificateArn": "c"}]}),
        ("CreateDomainName", {"DomainName": "localhost"}),
        ("CreateDomainName", {"DomainName": "*.example.com"}),
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            await desk.call(name, **({"ApiId": api_id} if name != "CreateApi" else {}), **request)
    for name in ("GetIntegrations", "GetRoutes", "GetStages"):
        assert (await desk.call(name, ApiId=api_id))["Items"] == []
    assert len((await desk.call("GetApis"))["Items"]) == 1


async def test_a_routes_own_settings_come_before_the_stages(desk: "Desk") -> None:
    api_id = await desk.api()
    target = await desk.target(api_id)
    for key in ("GET /a", "GET /b"):
        await desk.call("CreateRoute", ApiId=api_id, RouteKey=key, Target=target)
    await desk.call(
        "CreateStage",
        ApiId=api_id,
        StageName="$default",
        AutoDeploy=True,
        DefaultRouteSettings={"ThrottlingRateLimit": 5.0, "ThrottlingBurstLimit": 7},
        RouteSettings={"GET /a": {"ThrottlingBurstLimit": 1}},
    )
    throttles = {route.key: route.throttle for route in (await stage_of(desk, api_id)).routes}
    assert throttles == {"GET /a": Throttle(5.0, 1), "GET /b": Throttle(5.0, 7)}
    await desk.call("DeleteRouteSettings", ApiId=api_id, StageName="$default", RouteKey="GET /a")
    assert {route.throttle for route in (await stage_of(desk, api_id)).routes} == {Throttle(5.0, 7)}


async def test_a_stages_variables_say_which_function_answers(desk: "Desk") -> None:
    api_id = await desk.api()
    target = await desk.target(api_id, IntegrationUri=FUNCTION.removesuffix(":f") + ":${stageVariables.name}")
    await desk.call("CreateRoute", ApiId=api_id, RouteKey="$default", Target=target)
    stage = {"ApiId": api_id, "StageName": "$default"}
    await desk.call("CreateStage", **stage, AutoDeploy=True, StageVariables={"name": "g"})
    (route,) = (await stage_of(desk, api_id)).routes
    assert isinstance(route.target, FunctionTarget)
    assert route.target.function.name == "g"
    await desk.call("UpdateStage", **stage, StageVariables={"name": ""})
    assert (await stage_of(desk, api_id)).routes[0].target is None


async def test_an_update_keeps_the_entries_that_it_does_not_name_and_an_empty_one_goes(desk: "Desk") -> None:
    """What Terraform's provider sends: changed entries, and empty ones for those that go."""
    api_id = await desk.api()
    stage = {"ApiId": api_id, "StageName": "s"}
    await desk.call("CreateStage", **stage, StageVariables={"a": "1", "b": "2", "c": "3"})
    changed = await desk.call("UpdateStage", **stage, StageVariables={"a": "", "b": "4"})
    assert changed["StageVariables"] == {"b": "4", "c": "3"}
    made = await desk.call(
        "CreateIntegration",
        ApiId=api_id,
        **PROXY,
        RequestParameters={"append:header.a": "1", "overwrite:path": "/x"},
        ResponseParameters={"200": {"append:header.a": "1"}, "500": {"overwrite:statuscode": "201"}},
    )
    changed = await desk.call(
        "UpdateIntegration",
        ApiId=api_id,
        IntegrationId=made["IntegrationId"],
        RequestParameters={"overwrite:path": ""},
        ResponseParameters={"500": {}},
    )
    assert changed["RequestParameters"] == {"append:header.a": "1"}
    assert changed["ResponseParameters"] == {"200": {"append:header.a": "1"}}


async def test_the_usual_place_of_an_api_key_is_no_setting(desk: "Desk") -> None:
    """Terraform's provider sends the usual value for each API."""
    usual = "$request.header.x-api-key"
    assert await desk.api(ApiKeySelectionExpression=usual)
    with pytest.raises(BadRequest, match="ApiKeySelectionExpression"):
        await desk.api(ApiKeySelectionExpression="$context.authorizer.usageIdentifierKey")


async def test_lists_come_in_pages(desk: "Desk") -> None:
    made = {await desk.api() for _ in range(5)}
    seen: list[str] = []
    token: dict[str, Any] = {}
    while True:
        answer = await desk.call("GetApis", MaxResults="2", **token)
        seen += [each["ApiId"] for each in answer["Items"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == sorted(made)
    for bad in ({"MaxResults": "x"}, {"MaxResults": "0"}, {"NextToken": "!"}):
        with pytest.raises(BadRequest):
            await desk.call("GetApis", **bad)


@pytest.mark.parametrize("key", ["GET /", "ANY /{proxy+}", "$default", "POST /a/{b}/c.d", "GET /a/{b}/{c+}"])
def test_a_route_key_has_one_of_two_forms(key: str) -> None:
    check_route_key(key)


@settings(max_examples=100)
@given(st.text(max_size=20), st.sampled_from(["GET /", "ANY /{", "$", "", FUNCTION + ":", "https://"]))
def test_no_text_does_harm_as_a_key_or_a_target(text: str, before: str) -> None:
    with contextlib.suppress(ServiceError):
        check_route_key(before + text)
    function_of(before + text, {"a": "b"})
    names_function(before + text)
    is_url(before + text)


async def test_quotas_hold_and_nothing_of_what_is_too_much_stays(desk: "Desk") -> None:
    made = [await desk.api() for _ in range(5)]
    with pytest.raises(LimitExceeded):
        await desk.api()
    for key in ("GET /a", "GET /b", "GET /c"):
        await desk.call("CreateRoute", ApiId=made[0], RouteKey=key)
    with pytest.raises(LimitExceeded):
        await desk.call("CreateRoute", ApiId=made[0], RouteKey="GET /d")
    assert len((await desk.call("GetRoutes", ApiId=made[0]))["Items"]) == 3


async def test_a_domain_name_leads_to_stages_that_are_there_once_for_each_key(desk: "Desk") -> None:
    api_id = await desk.api(Target=FUNCTION)
    name = {"DomainName": "api.example.com"}
    await desk.call("CreateDomainName", **name)
    with pytest.raises(BadRequest):
        await desk.call("CreateDomainName", OTHER, **name)  # a Host leads to one place
    made = await desk.call("CreateApiMapping", **name, ApiId=api_id, Stage="$default")
    for request, error in (
        ({"ApiId": api_id, "Stage": "$default"}, Conflict),
        ({"ApiId": api_id, "Stage": "none", "ApiMappingKey": "a"}, BadRequest),
        ({"ApiId": "none", "Stage": "s", "ApiMappingKey": "a"}, NotFound),
        ({"ApiId": api_id, "Stage": "$default", "ApiMappingKey": "/a"}, BadRequest),
    ):
        with pytest.raises(error):
            await desk.call("CreateApiMapping", **name, **request)
    await desk.call("CreateApiMapping", **name, ApiId="restapi", Stage="prod", ApiMappingKey="v1/old")
    changed = {"ApiMappingId": made["ApiMappingId"], "ApiId": api_id, "ApiMappingKey": "v2"}
    await desk.call("UpdateApiMapping", **name, **changed)
    told = await desk.service.domains()
    assert sorted((each.key, each.api_id) for each in told["api.example.com"]) == [
        ("v1/old", "restapi"),
        ("v2", api_id),
    ]
    with pytest.raises(Conflict):
        await desk.call("DeleteStage", ApiId=api_id, StageName="$default")
    await desk.call("DeleteDomainName", **name)
    assert await desk.service.domains() == {}
