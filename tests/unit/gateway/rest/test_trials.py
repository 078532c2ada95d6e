"""Trials of methods and authorizers: what the execution log tells.

Source: API Gateway Developer Guide, "Use the API Gateway console to test a REST API method" (its example of a log).
"""

import re
from typing import Any

import pytest

from lambent.gateway.rest import traces, trials
from lambent.model.http import HttpRequest
from lambent.model.rest_api import RestApi, RestStage, RestTrial, TrialOutcome

from .conftest import ACCOUNT, API, REGION, URI, World

ALLOW = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}


async def trial_of(world: World, path: str, body: bytes = b"", authorizer: str = "", token: str = "") -> TrialOutcome:
    request = HttpRequest("GET", path, "q=1", [("x-tok", token)], body, ["X-Tok"])
    stage = RestStage(trials.STAGE, "", world.document, {})
    api = RestApi(API, ACCOUNT, REGION, {trials.STAGE: stage})
    run = trials.run_authorizer if authorizer else trials.run
    trial = RestTrial(api, path, "GET", request, "11111111-2222-4333-8444-555555555555", authorizer)
    return await run(trial, world._ports())  # type: ignore[arg-type]


def lines(outcome: TrialOutcome) -> list[str]:
    first, *rest = outcome.log.splitlines()
    assert first.startswith("Execution log for request 1111")
    stamp = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4} : ")
    assert all(stamp.match(line) for line in rest)
    return [stamp.sub("", line) for line in rest]


async def test_a_log_tells_what_templates_made_of_a_request_and_of_its_answer(world: World) -> None:
    responses = {"200": {"statusCode": "200", "responseTemplates": {"application/json": "made of $input.json('$.b')"}}}
    request = {"application/json": "{\"a\": $input.json('$.n')}"}
    world.method(
        "/x", "GET", {"type": "AWS", "uri": URI, "requestTemplates": request, "integrationResponses": responses}
    )
    world.function = lambda event: {"b": event["a"]}
    told = lines(await trial_of(world, "/x", b'{"n": 7}'))
    uri = f"https://lambda.{REGION}.amazonaws.com/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    for line in (
        "Method request query string: {q=1}",
        f"Endpoint request URI: {uri}/invocations",
        'Endpoint request body after transformations: {"a": 7}',
        "Received response. Status: 200, Integration latency: 0 ms",
        'Endpoint response body before transformations: {"b": 7}',
        "Method response body after transformations: made of 7",
        "Successfully completed execution",
    ):
        assert line in told
    assert told[-1] == "Method completed with status: 200"


async def test_a_log_tells_what_another_server_was_sent_and_why_a_method_failed(world: World) -> None:
    world.method("/away", "GET", {"type": "HTTP_PROXY", "uri": "http://away.example/", "httpMethod": "GET"})
    told = lines(await trial_of(world, "/away"))
    assert "Endpoint request URI: http://away.example/?q=1" in told
    assert "Endpoint response headers: {content-type=application/json}" in told
    world.method("/x", "GET", {"type": "AWS_PROXY"})
    world.function = lambda _: {"statusCode": "soon"}
    told = lines(await trial_of(world, "/x"))
    assert any("Malformed Lambda proxy response" in line for line in told)
    assert "Successfully completed execution" not in told
    assert told[-1] == "Method completed with status: 502"


@pytest.mark.parametrize(
    ("answer", "status", "principal"),
    [
        ({"principalId": "me", "policyDocument": ALLOW}, 200, "me"),
        ({"principalId": "me"}, 500, None),
        (Exception("Unauthorized"), 401, None),
    ],
)
async def test_an_authorizer_is_asked_about_a_request(world: World, answer: Any, status: int, principal: Any) -> None:
    source = "method.request.header.X-Tok"
    world.document.authorizers["a"] = {"id": "a", "type": "TOKEN", "authorizerUri": URI, "identitySource": source}
    world.function = lambda _: answer
    outcome = await trial_of(world, "/", authorizer="a", token="t")
    assert outcome.response.status == status
    assert world.events[-1]["authorizationToken"] == "t"
    assert (outcome.permission and outcome.permission.principal_id) == principal
    assert lines(outcome)[0].startswith("Starting authorizer: a for request")
    nothing = await trial_of(world, "/", authorizer="a")
    assert (nothing.response.status, len(world.events)) == (401, 1)


def test_a_long_body_is_cut_short() -> None:
    assert traces.shown_body(b"x" * 2000) == "x" * traces.LONGEST_SHOWN + " [TRUNCATED]"
