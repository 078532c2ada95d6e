"""REST APIs in the edge, without an edge: functions, control and other servers are stand-ins.

Sources: API Gateway Developer Guide, "Gateway responses", "Set up data mapping", "Use API Gateway Lambda authorizers",
"Set up a canary release deployment", "Work with binary media types"; the bodies are AWS's recorded ones.
"""

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import Unavailable
from lambent.gateway.apis.address import Place
from lambent.gateway.http.answer import bytes_of
from lambent.gateway.proxy_event import Facts
from lambent.gateway.rest import outbound, way
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.outbound import url_of
from lambent.mapping.gateway_responses import default_part
from lambent.model.apis import Throttle
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.rest_api import Canary, KeyUse, KeyVerdict, RestApi, RestDocument, RestStage

from .conftest import ACCOUNT, API, REGION, URI, World


def told(answer: HttpResponse) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)


async def test_the_resource_is_chosen_before_its_method(world: World) -> None:
    world.method("/pets", "GET", {"type": "AWS_PROXY"})
    world.method("/{proxy+}", "ANY", {"type": "AWS_PROXY"})
    assert (await world.ask("GET", "/pets")).status == 200
    assert told(await world.ask("POST", "/pets")) == (403, {"message": "Missing Authentication Token"})
    await world.ask("POST", "/other/deep")
    assert world.events[-1]["pathParameters"] == {"proxy": "other/deep"}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("text", 502, {"message": "Internal server error"}),
        ([{"statusCode": 200}], 502, {"message": "Internal server error"}),
        ({"statusCode": 200, "cookies": []}, 502, {"message": "Internal server error"}),
        ({"errorMessage": "x"}, 502, {"message": "Internal server error"}),
        ({"statusCode": "soon"}, 502, {"message": "Internal server error"}),
        ({"statusCode": 200, "body": {"a": 1}}, 502, {"message": "Internal server error"}),
        (Exception("x"), 502, {"message": "Internal server error"}),
    ],
)
async def test_a_function_that_answers_wrong_is_a_bad_gateway(
    world: World, answer: Any, status: int, body: Any
) -> None:
    world.method("/x", "GET", {"type": "AWS_PROXY"})
    world.function = lambda _: answer
    assert told(await world.ask("GET", "/x")) == (status, body)


async def test_every_member_of_an_answer_may_be_left_out(world: World) -> None:
    """Recorded behaviour."""
    world.method("/x", "GET", {"type": "AWS_PROXY"})
    for answer, body in (({}, b""), ({"body": "x"}, b"x"), ({"headers": None}, b""), ({"headers": {"a": "b"}}, b"")):
        world.function = lambda _, answer=answer: answer  # type: ignore[misc]
        told = await world.ask("GET", "/x")
        assert (told.status, told.body) == (200, body)


async def test_a_late_integration_is_given_up(world: World) -> None:
    world.method("/x", "GET", {"type": "AWS_PROXY", "timeoutInMillis": 10})
    world.function = lambda _: None
    assert told(await world.ask("GET", "/x")) == (504, {"message": "Endpoint request timed out"})


async def test_bodies_that_are_too_long_are_refused(world: World) -> None:
    world.method("/x", "POST", {"type": "AWS_PROXY"})
    assert told(await world.ask("POST", "/x", b"x" * 1001)) == (413, {"message": "Request Too Long"})
    assert told(await world.ask("POST", "/x", b"\x01" * 900)) == (413, {"message": "Request Too Long"})


async def test_a_head_that_is_too_long_is_refused(world: World) -> None:
    world.mock("/x")
    long = "y" * (4000 - len("GET /x HTTP/1.1" + "h"))
    assert (await world.ask("GET", "/x", A=long)).status == 200
    assert told(await world.ask("GET", "/x", A=long, B="z")) == (431, {"message": "Request Header Fields Too Large"})


async def test_what_is_wrong_with_a_body_may_be_told_in_quotes(world: World) -> None:
    world.document.models = {"M": {"name": "M", "schema": '{"required": ["a"]}'}}
    world.document.validators = {"v": {"id": "v", "validateRequestBody": True}}
    part = {"responseTemplates": {"application/json": '{"why": "$context.error.validationErrorString"}'}}
    world.document.responses = {"BAD_REQUEST_BODY": default_part("BAD_REQUEST_BODY") | part}
    world.mock("/x", requestModels={"application/json": "M"}, requestValidatorId="v")
    why = '[object has missing required properties (["a"])]'
    assert told(await world.ask("GET", "/x", b"{}")) == (400, {"why": why})


async def test_binary_bodies_are_base64_where_the_api_names_their_type(world: World) -> None:
    world.method("/x", "POST", {"type": "AWS_PROXY"})
    world.function = lambda event: {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "body": base64.b64encode(b"\x00png").decode(),
        "isBase64Encoded": True,
    }
    plain = await world.ask("POST", "/x", b"\xff\x00", content_type="image/png")
    assert (world.events[-1]["isBase64Encoded"], plain.body) == (False, base64.b64encode(b"\x00png"))
    world.document.api["binaryMediaTypes"] = ["image/*"]
    for accept, body in (("image/png, */*", b"\x00png"), ("*/*", plain.body), ("", plain.body)):
        answer = await world.ask("POST", "/x", b"\xff\x00", content_type="image/png", accept=accept)
        assert (world.events[-1]["isBase64Encoded"], world.events[-1]["body"]) == (True, "/wA=")
        assert answer.body == body
    world.document.api["binaryMediaTypes"] = ["*/*"]
    assert (await world.ask("POST", "/x")).body == b"\x00png"


@pytest.mark.parametrize(("authorization", "handed_on"), [("NONE", True), ("CUSTOM", True), ("AWS_IAM", False)])
def test_a_signature_is_for_the_gateway_alone(authorization: str, handed_on: bool) -> None:
    request = HttpRequest("GET", "/x", "", [("authorization", "AWS4-HMAC-SHA256 x"), ("x-a", "1")], b"")
    call = RestCall(
        RestApi(API, ACCOUNT, REGION, {}), Place("prod", "/x", "/prod"), "h", request, Facts("1", "", "", 0)
    )
    call.method = SimpleNamespace(authorization=authorization)  # type: ignore[assignment]
    for names in (call.headers, dict(outbound.handed_on(call))):
        assert ("authorization" in names, "x-a" in names) == (handed_on, True)


async def test_what_a_proxy_integration_demands_of_clients_gets_another_name(world: World) -> None:
    world.method("/x", "GET", {"type": "AWS_PROXY"})
    world.function = lambda _: {"statusCode": 401, "headers": {"WWW-Authenticate": "Basic"}}
    assert ("x-amzn-remapped-www-authenticate", "Basic") in (await world.ask("GET", "/x")).headers


async def test_an_event_invocation_is_queued_and_answered_at_once(world: World) -> None:
    event_type = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    responses = {"202": {"statusCode": "202"}}
    integration = {"type": "AWS", "requestParameters": event_type, "integrationResponses": responses}
    world.method("/x", "POST", integration)
    assert (await world.ask("POST", "/x", b'{"a": 1}')).status == 202
    assert json.loads(world.queued[0].payload) == {"a": 1}
    assert world.events == []


async def test_templates_override_status_and_headers(world: World) -> None:
    world.mock(
        answer='#set($context.responseOverride.status = 418)#set($context.responseOverride.header.X-A = "b")'
        "$stageVariables.v $context.stage $context.identity.sourceIp"
    )
    answer = await world.ask("GET", "/m")
    assert (answer.status, answer.body) == (418, b"w prod 10.0.0.9")


async def test_a_mock_without_a_status_fails(world: World) -> None:
    method = world.mock()
    method["methodIntegration"]["requestTemplates"] = {"application/json": "{}"}
    assert told(await world.ask("GET", "/m")) == (500, {"message": "Internal server error"})


async def test_a_mock_s_template_may_leave_quotes_out(world: World) -> None:
    method = world.mock(answer="fine")
    method["methodIntegration"]["requestTemplates"] = {"application/json": "{ statusCode: 204 }"}
    assert (await world.ask("GET", "/m")).status == 200


async def test_a_request_that_needs_control_is_unavailable_without_it(world: World) -> None:
    world.mock(apiKeyRequired=True)

    async def away(use: KeyUse) -> KeyVerdict:
        raise Unavailable("control")

    world.spend = away  # type: ignore[method-assign]
    assert told(await world.ask("GET", "/m", x_api_key="value")) == (503, {"message": "Service Unavailable"})


async def test_an_answer_that_no_response_is_for_fails(world: World) -> None:
    method = world.mock()
    method["methodIntegration"]["integrationResponses"] = {"404": {"statusCode": "404", "selectionPattern": "4\\d\\d"}}
    assert (await world.ask("GET", "/m")).status == 500


@pytest.mark.parametrize(("behavior", "status"), [("WHEN_NO_MATCH", 200), ("WHEN_NO_TEMPLATES", 415), ("NEVER", 415)])
async def test_a_body_without_a_template_passes_as_the_behavior_says(world: World, behavior: str, status: int) -> None:
    integration = {"type": "AWS", "requestTemplates": {"application/json": "{}"}, "passthroughBehavior": behavior}
    world.method("/x", "POST", integration | {"integrationResponses": {"200": {"statusCode": "200"}}})
    answer = await world.ask("POST", "/x", b'"as it is"', content_type="text/plain")
    assert answer.status == status
    assert world.events == (["as it is"] if status == 200 else [])


async def test_gateway_responses_are_the_owner_s_and_fall_back_to_their_class(world: World) -> None:
    world.mock()
    world.document.responses = {
        "DEFAULT_4XX": {
            "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
            "responseTemplates": {
                "application/json": '{"e": $context.error.messageString, "t": "$context.error.responseType"}'
            },
        }
    }
    answer = await world.ask("GET", "/no")
    assert told(answer) == (403, {"e": "Missing Authentication Token", "t": "MISSING_AUTHENTICATION_TOKEN"})
    assert dict(answer.headers)["access-control-allow-origin"] == "*"


async def test_a_method_with_a_key_is_counted_before_it_runs(world: World) -> None:
    world.mock(apiKeyRequired=True, answer="$context.identity.apiKeyId")
    assert told(await world.ask("GET", "/m")) == (403, {"message": "Forbidden"})
    world.verdict = KeyVerdict("", "key7")
    assert (await world.ask("GET", "/m", x_api_key="value")).body == b"key7"
    assert world.uses == [KeyUse(ACCOUNT, REGION, API, "prod", "/m/GET", "value")]
    for refusal, message in (("QUOTA_EXCEEDED", "Limit Exceeded"), ("THROTTLED", "Too Many Requests")):
        world.verdict = KeyVerdict(refusal)
        assert told(await world.ask("GET", "/m", x_api_key="value")) == (429, {"message": message})


async def test_a_key_may_come_from_the_authorizer(world: World) -> None:
    world.document.api["apiKeySource"] = "AUTHORIZER"
    authorized(world, ttl_s=0)
    world.document.resources["/m"]["resourceMethods"]["GET"]["apiKeyRequired"] = True
    world.function = lambda event: policy("Allow", event["methodArn"]) | {"usageIdentifierKey": "theirs"}
    assert (await world.ask("GET", "/m", authorization="a")).status == 200
    assert world.uses[0].value == "theirs"


def authorized(world: World, ttl_s: int = 300, **more: Any) -> None:
    usual = {"id": "a1", "name": "a", "type": "TOKEN", "identitySource": "method.request.header.Authorization"}
    world.document.authorizers["a1"] = usual | {"authorizerUri": URI, "authorizerResultTtlInSeconds": ttl_s, **more}
    world.mock(authorizationType="CUSTOM", authorizerId="a1", answer="$context.authorizer.level")


def policy(effect: str, resource: str) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "p", "policyDocument": document, "context": {"level": 3}}


async def test_an_authorizer_s_answer_is_kept_and_judged_for_each_method(world: World) -> None:
    authorized(world)
    world.mock("/other", authorizationType="CUSTOM", authorizerId="a1")
    world.function = lambda event: policy("Allow", event["methodArn"])
    served = world.served()
    assert (await world.ask_of(served, "GET", "/m", authorization="t")).body == b"3"
    assert (await world.ask_of(served, "GET", "/m", authorization="t")).status == 200
    assert len(world.events) == 1
    refused = await world.ask_of(served, "GET", "/other", authorization="t")
    assert told(refused) == (403, {"Message": "User is not authorized to access this resource"})
    await world.clock.advance(301)
    await world.ask_of(served, "GET", "/m", authorization="t")
    assert len(world.events) == 2


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (Exception("Unauthorized"), 401, {"message": "Unauthorized"}),
        (Exception("other"), 500, {"message": None}),
        ({"principalId": "p"}, 500, {"message": None}),
        ("text", 500, {"message": None}),
        (policy("Allow", "*") | {"context": {"a": [1]}}, 500, {"message": None}),
        (policy("Deny", "*"), 403, {"Message": "User is not authorized to access this resource with an explicit deny"}),
    ],
)
async def test_what_an_authorizer_says_ends_a_request(world: World, answer: Any, status: int, body: Any) -> None:
    authorized(world)
    world.function = lambda _: answer
    assert told(await world.ask("GET", "/m", authorization="t")) == (status, body)


async def test_a_request_authorizer_sees_the_request_and_wants_its_sources(world: World) -> None:
    sources = "method.request.header.X-A,method.request.querystring.q"
    authorized(world, type="REQUEST", identitySource=sources)
    world.function = lambda event: policy("Allow", event["methodArn"])
    assert (await world.ask("GET", "/m?q=1", x_a="2")).status == 200
    event = world.events[0]
    assert (event["type"], event["httpMethod"], event["queryStringParameters"]) == ("REQUEST", "GET", {"q": "1"})
    assert event["methodArn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/prod/GET/m"
    assert told(await world.ask("GET", "/m?q=1")) == (401, {"message": "Unauthorized"})


async def test_a_resource_policy_lets_in_whom_it_names(world: World) -> None:
    world.mock()
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/GET/*"}
    condition = {"NotIpAddress": {"aws:SourceIp": ["192.168.0.0/16"]}}
    world.document.api["policy"] = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow | {"Condition": condition}]}
    )
    assert (await world.ask("GET", "/m")).status == 200
    condition["NotIpAddress"]["aws:SourceIp"] = ["10.0.0.0/8"]
    world.document.api["policy"] = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow | {"Condition": condition}]}
    )
    status, body = told(await world.ask("GET", "/m"))
    assert (status, body["Message"].startswith("User: anonymous is not authorized")) == (403, True)


async def test_a_canary_meets_its_share_of_requests(world: World) -> None:
    world.mock(answer="old")
    other = World()
    other.mock(answer="new $stageVariables.v")
    world.stage = {"canary": Canary("d2", 25.0, other.document, {"v": "2"})}
    served = world.served()
    answers = [(await world.ask_of(served, "GET", "/m")).body for _ in range(400)]
    assert set(answers) == {b"old", b"new 2"}
    assert 80 <= answers.count(b"new 2") <= 120


async def test_another_server_gets_what_is_mapped(world: World) -> None:
    world.method(
        "/{id}",
        "GET",
        {
            "type": "HTTP_PROXY",
            "httpMethod": "GET",
            "uri": "https://example.com/${stageVariables.v}/{name}?k=1",
            "requestParameters": {
                "integration.request.path.name": "method.request.path.id",
                "integration.request.querystring.s": "'t'",
                "integration.request.header.X-Id": "context.requestId",
            },
        },
    )
    world.away = HttpResponse(204, [("connection", "close"), ("x-a", "1")])
    answer = await world.ask("GET", "/a%2Fb?q=1&q=2", x_api_key="secret", x_mine="1", X_Kept="2")
    sent = world.sent[0]
    assert (sent.method, sent.url) == ("GET", "https://example.com/w/a/b?k=1&q=1&q=2&s=t")
    assert ("x-mine", "1") in sent.headers
    assert ("X-Kept", "2") in sent.headers
    assert not any(name == "x-api-key" for name, _ in sent.headers)
    assert (answer.status, ("x-a", "1") in answer.headers, ("connection", "close") in answer.headers) == (
        204,
        True,
        False,
    )


@pytest.mark.parametrize(("verb", "asked", "length"), [("ANY", "HEAD", True), ("GET", "GET", False)])
async def test_a_head_tells_how_long_the_other_server_s_answer_is(
    world: World, verb: str, asked: str, length: bool
) -> None:
    world.method("/x", "ANY", {"type": "HTTP_PROXY", "httpMethod": verb, "uri": "https://example.com/x"})
    world.away = HttpResponse(200, [("content-length", "77")], b"" if asked == "HEAD" else b"y" * 77)
    answer = await world.ask("HEAD", "/x")
    assert world.sent[0].method == asked
    assert (("content-length", "77") in answer.headers) is length
    assert bytes_of(answer, keep_alive=True, head_only=True).count(b"content-length: 77\r\n") == 1


@pytest.mark.parametrize(
    ("uri", "query", "sent"),
    [
        ("dynamodb:action/PutItem", {}, ("/", b'{"a": 1}', "DynamoDB_20120810.PutItem")),
        (
            "sqs:action/SendMessage",
            {"integration.request.querystring.X": "'y z'"},
            ("/", b"Action=SendMessage&X=y+z", ""),
        ),
        ("sqs:path/1/${stageVariables.v}", {}, ("/1/w", b'{"a": 1}', "")),
        (
            "sqs:path/1/q",
            {
                "integration.request.querystring.Action": "'SendMessage'",
                "integration.request.querystring.MessageBody": "method.request.body",
            },
            ("/1/q", b"Action=SendMessage&MessageBody=%7B%22a%22%3A+1%7D", ""),
        ),
    ],
)
async def test_another_service_is_asked_in_its_own_way(world: World, uri: str, query: Any, sent: Any) -> None:
    integration = {"type": "AWS", "uri": f"arn:aws:apigateway:{REGION}:{uri}", "credentials": "role"}
    responses = {"200": {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$.R.A')"}}}
    world.method("/x", "POST", integration | {"requestParameters": query, "integrationResponses": responses})
    answer = await world.ask("POST", "/x", b'{"a": 1}')
    request = world.called[0].request
    assert (request.path, request.body, request.header("x-amz-target")) == sent
    assert (answer.status, json.loads(answer.body)) == (200, {"B": ["1", "2"], "C": None})


async def test_what_is_too_much_is_refused_before_anybody_is_asked(world: World) -> None:
    world.method("/x", "GET", {"type": "AWS_PROXY"})
    world.admits = False
    assert told(await world.ask("GET", "/x")) == (429, {"message": "Too Many Requests"})
    assert world.events == []


def test_a_method_has_its_own_limit_or_its_stage_s() -> None:
    own, every = (
        {"throttlingRateLimit": 5.0, "throttlingBurstLimit": 2},
        {"throttlingRateLimit": -1, "throttlingBurstLimit": 1},
    )
    document = RestDocument({})
    stage = RestStage("s", "d", document, {}, {"~1a~1{b}/GET": own, "*/*": every})
    assert way.throttle_of(stage, "/a/{b}", "GET") == ("~1a~1{b}/GET", Throttle(5.0, 2))
    assert way.throttle_of(stage, "/a", "GET") == ("*/*", None)


@settings(max_examples=50)
@given(st.text(max_size=30), st.text(max_size=12), st.binary(max_size=30))
async def test_any_request_is_answered(path: str, query: str, body: bytes) -> None:
    world = World()
    world.method("/{proxy+}", "ANY", {"type": "AWS_PROXY"})
    quoted = "/" + path.encode("utf-8", "replace").decode("latin-1").replace("?", "").replace("#", "")
    answer = await world.ask("POST", f"{quoted}?{query}", body, content_type="application/json")
    assert answer.status in (200, 403, 413)


@given(
    st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3), max_size=3), st.text(max_size=20)
)
@settings(max_examples=50)
def test_a_url_is_made_of_any_parameters(query: dict[str, list[str]], value: str) -> None:
    url = url_of("https://example.com/{a}/x", {"a": value}, query)
    assert url.startswith("https://example.com/")
    assert " " not in url
    assert "\n" not in url


async def test_requests_are_counted_by_the_api_s_name_and_a_method_s_own_where_that_is_wanted(world: World) -> None:
    world.mock("/m")
    world.mock("/n")
    off = {"throttlingRateLimit": 1.0, "throttlingBurstLimit": 1, "metricsEnabled": False}
    world.stage["settings"] = {"~1m/GET": off | {"metricsEnabled": True}, "*/*": off}
    served = world.served()
    for path in ("/m", "/n", "/nothing"):
        await world.ask_of(served, "GET", path)
    await world.metrics.send()
    name = world.document.api["name"]
    found = {(each.dimensions[-1], each.name): each.values for each in world.collected}
    stage = (("ApiName", name), ("Stage", "prod"))
    method = (("ApiName", name), ("Method", "GET"), ("Resource", "/m"), ("Stage", "prod"))
    assert {dimensions for dimensions, _ in found} == {stage, method}
    assert found[stage, "Count"] == {1: 3}
    assert found[stage, "4XXError"] == {0: 2, 1: 1}
    assert found[stage, "5XXError"] == {0: 3}
    assert found[method, "Count"] == {1: 1}
