"""REST APIs (API Gateway v1), built with boto3 and `aws` and called over HTTP.

Sources: API Gateway Developer Guide, "REST APIs"; the errors and bodies named in each test are AWS's recorded ones.
"""

import datetime
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

SOURCE = """
import json

def handler(event, context):
    if event.get("type") == "TOKEN":
        token = event["authorizationToken"]
        if token == "unauthorized":
            raise Exception("Unauthorized")
        effect = "Allow" if token == "allow" else "Deny"
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
        return {
            "principalId": "user",
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"level": 7, "staff": True},
        }
    if event.get("fail"):
        raise ValueError("not found: " + event["fail"])
    if "requestContext" not in event:
        return {"got": event}
    if event["path"].endswith("/malformed"):
        return "no answer"
    if event["path"].endswith("/teapot"):
        return {"statusCode": 418, "headers": {"X-Kind": "tea"}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
    return {"statusCode": 200, "body": json.dumps(event)}
"""


class Rest:
    """A REST API in the making."""

    def __init__(self, platform: Any) -> None:
        self.platform, self.client = platform, platform.client("apigateway")
        made = self.client.create_rest_api(name=f"api-{uuid.uuid4().hex[:8]}")
        self.id, self.root = made["id"], made["rootResourceId"]

    def resource(self, *parts: str) -> str:
        """A path, made part by part."""
        at = str(self.root)
        for part in parts:
            known = self.client.get_resources(restApiId=self.id, limit=500)["items"]
            found = [each["id"] for each in known if each.get("parentId") == at and each["pathPart"] == part]
            if not found:
                found = [self.client.create_resource(restApiId=self.id, parentId=at, pathPart=part)["id"]]
            at = str(found[0])
        return at

    def method(self, resource: str, verb: str, **options: Any) -> dict[str, str]:
        """A method; what names it in further calls."""
        name = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        self.client.put_method(**name, **({"authorizationType": "NONE"} | options))
        return name

    def function_uri(self, function: str) -> str:
        """The URI of a function that lets this API in."""
        lambda_ = self.platform.client("lambda")
        arn = lambda_.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
        lambda_.add_permission(
            FunctionName=function,
            StatementId=f"api-{self.id}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.id}/*",
        )
        return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"

    def proxy(self, name: dict[str, str], uri: str) -> None:
        """A Lambda proxy integration."""
        self.client.put_integration(**name, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)

    def answers(self, name: dict[str, str], status: str, **options: Any) -> None:
        """A method response with its integration response."""
        declared = dict.fromkeys(options.get("responseParameters", {}), False)
        self.client.put_method_response(**name, statusCode=status, responseParameters=declared)
        self.client.put_integration_response(**name, statusCode=status, **options)

    def deploy(self, stage: str = "prod", **options: Any) -> str:
        """Deploy; the deployment's id."""
        return str(self.client.create_deployment(restApiId=self.id, stageName=stage, **options)["id"])

    def call(self, method: str, path: str, stage: str = "prod", **options: Any) -> httpx.Response:
        """A request to a stage."""
        url = f"{self.platform.endpoint}/restapis/{self.id}/{stage}/_user_request_{path}"
        return httpx.request(method, url, timeout=40, **options)


@pytest.fixture(scope="module", name="function")
def function_fixture(platform: Any) -> Iterator[str]:
    name = platform.create(SOURCE)
    yield name
    platform.client("lambda").delete_function(FunctionName=name)


@pytest.fixture
def rest(platform: Any) -> Iterator[Rest]:
    api = Rest(platform)
    yield api
    api.client.delete_rest_api(restApiId=api.id)


def refusal(wanted: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        wanted()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_function_behind_a_proxy_gets_format_1_and_its_answer_comes_back(rest: Rest, function: str) -> None:
    name = rest.method(rest.resource("pets", "{id}"), "ANY")
    uri = rest.function_uri(function)
    rest.proxy(name, uri)
    rest.proxy(rest.method(rest.resource("{proxy+}"), "GET"), uri)
    deployment = rest.deploy(variables={"color": "red"})
    answer = rest.call("POST", "/pets/7%20a?x=1&x=2&y=", json={"a": 1}, headers={"X-Custom": "z"})
    assert answer.status_code == 200, answer.text
    event = answer.json()
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/7%20a", "POST")
    assert event["pathParameters"] == {"id": "7 a"}
    assert event["queryStringParameters"] == {"x": "2", "y": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert event["headers"]["x-custom"] == "z"
    assert event["headers"]["Content-Type"] == "application/json"
    assert json.loads(event["body"]) == {"a": 1}
    assert event["isBase64Encoded"] is False
    assert event["stageVariables"] == {"color": "red"}
    context = event["requestContext"]
    assert context["resourcePath"] == "/pets/{id}"
    assert context["path"] == "/prod/pets/7%20a" or context["path"] == "/pets/7%20a"
    assert (context["stage"], context["apiId"], context["deploymentId"]) == ("prod", rest.id, deployment)
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    teapot = rest.call("GET", "/teapot")
    assert (teapot.status_code, teapot.headers["x-kind"]) == (418, "tea")
    assert teapot.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert teapot.headers["x-amzn-requestid"]


def test_what_is_served_is_what_was_deployed(rest: Rest, function: str) -> None:
    name = rest.method(rest.root, "GET")
    template = {"application/json": '{"statusCode": 200}'}
    rest.client.put_integration(**name, type="MOCK", requestTemplates=template)
    rest.answers(name, "200", responseTemplates={"application/json": "one"})
    rest.deploy()
    assert rest.call("GET", "/").text == "one"
    change = [{"op": "replace", "path": "/responseTemplates/application~1json", "value": "two"}]
    rest.client.update_integration_response(**name, statusCode="200", patchOperations=change)
    assert rest.call("GET", "/").text == "one"
    rest.deploy()
    assert rest.call("GET", "/").text == "two"


def test_refusals_of_the_gateway_are_aws_s(rest: Rest, function: str, platform: Any) -> None:
    rest.proxy(rest.method(rest.resource("{proxy+}"), "GET"), rest.function_uri(function))
    rest.deploy()
    unknown = rest.call("POST", "/x")
    assert (unknown.status_code, unknown.json()) == (403, {"message": "Missing Authentication Token"})
    assert unknown.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert rest.call("GET", "/x", stage="nope").json() == {"message": "Forbidden"}
    malformed = rest.call("GET", "/malformed")
    assert (malformed.status_code, malformed.json()) == (502, {"message": "Internal server error"})
    platform.client("lambda").remove_permission(FunctionName=function, StatementId=f"api-{rest.id}")
    closed = rest.call("GET", "/x")
    assert (closed.status_code, closed.json()) == (500, {"message": "Internal server error"})


def test_templates_and_selection_patterns_stand_between_caller_and_function(rest: Rest, function: str) -> None:
    name = rest.method(rest.resource("map"), "POST")
    request = (
        '#set($b = $input.path(\'$\')){"fail": "$!b.fail", "q": "$input.params(\'q\')", "all": $input.json(\'$.l\')}'
    )
    rest.client.put_integration(
        **name,
        type="AWS",
        integrationHttpMethod="POST",
        uri=rest.function_uri(function),
        requestTemplates={"application/json": request},
        passthroughBehavior="NEVER",
    )
    rest.answers(
        name,
        "200",
        responseTemplates={
            "application/json": '{"q": "$input.path(\'$.got.q\')", "n": $input.path(\'$.got.all\').size()}'
        },
        responseParameters={"method.response.header.X-Q": "integration.response.body.got.q"},
    )
    rest.answers(
        name,
        "404",
        selectionPattern="not found.*",
        responseTemplates={"application/json": "{\"why\": $input.json('$.errorMessage')}"},
    )
    rest.deploy()
    fine = rest.call("POST", "/map?q=z", json={"l": [1, 2]})
    assert (fine.status_code, fine.json(), fine.headers["x-q"]) == (200, {"q": "z", "n": 2}, "z")
    missing = rest.call("POST", "/map", json={"fail": "cat", "l": []})
    assert (missing.status_code, missing.json()) == (404, {"why": "not found: cat"})
    other = rest.call("POST", "/map", content=b"x", headers={"content-type": "text/plain"})
    assert (other.status_code, other.json()) == (415, {"message": "Unsupported Media Type"})


def test_requests_are_validated_against_models_and_parameters(rest: Rest) -> None:
    schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    rest.client.create_model(restApiId=rest.id, name="Pet", contentType="application/json", schema=json.dumps(schema))
    validator = rest.client.create_request_validator(
        restApiId=rest.id, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    name = rest.method(
        rest.resource("pets"),
        "POST",
        requestValidatorId=validator,
        requestModels={"application/json": "Pet"},
        requestParameters={"method.request.querystring.kind": True, "method.request.header.X-Opt": False},
    )
    rest.client.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    rest.answers(name, "200")
    rest.client.put_gateway_response(
        restApiId=rest.id,
        responseType="BAD_REQUEST_BODY",
        statusCode="422",
        responseParameters={"gatewayresponse.header.X-Why": "'shape'"},
        responseTemplates={"application/json": '{"error": $context.error.messageString, "at": "$context.stage"}'},
    )
    rest.deploy()
    assert rest.call("POST", "/pets?kind=cat", json={"name": "Tom"}).status_code == 200
    lacking = rest.call("POST", "/pets", json={"name": "Tom"})
    assert (lacking.status_code, lacking.json()) == (400, {"message": "Missing required request parameters: [kind]"})
    wrong = rest.call("POST", "/pets?kind=cat", json={"name": 1})
    assert (wrong.status_code, wrong.json()) == (422, {"error": "Invalid request body", "at": "prod"})
    assert wrong.headers["x-why"] == "shape"


def test_api_keys_count_against_the_quota_of_their_plan(rest: Rest) -> None:
    name = rest.method(rest.root, "GET", apiKeyRequired=True)
    rest.client.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    rest.answers(name, "200")
    rest.deploy()
    value = uuid.uuid4().hex
    key = rest.client.create_api_key(name="k", value=value, enabled=True)["id"]
    plan = rest.client.create_usage_plan(
        name="p", apiStages=[{"apiId": rest.id, "stage": "prod"}], quota={"limit": 2, "period": "DAY"}
    )["id"]
    assert rest.call("GET", "/", headers={"x-api-key": value}).status_code == 403
    rest.client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    assert rest.call("GET", "/").json() == {"message": "Forbidden"}
    answers = [rest.call("GET", "/", headers={"x-api-key": value}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].json() == {"message": "Limit Exceeded"}

    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    assert rest.client.get_usage(usagePlanId=plan, startDate=today, endDate=today)["items"] == {key: [[2, 0]]}
    rest.client.update_usage(
        usagePlanId=plan, keyId=key, patchOperations=[{"op": "replace", "path": "/remaining", "value": "5"}]
    )
    assert rest.call("GET", "/", headers={"x-api-key": value}).status_code == 200
    slow = [
        {"op": "replace", "path": "/throttle/rateLimit", "value": "0.001"},
        {"op": "replace", "path": "/throttle/burstLimit", "value": "1"},
    ]
    rest.client.update_usage_plan(usagePlanId=plan, patchOperations=slow)
    pair = [rest.call("GET", "/", headers={"x-api-key": value}) for _ in range(2)]
    assert [each.status_code for each in pair] == [200, 429]
    assert pair[1].json() == {"message": "Too Many Requests"}
    rest.client.update_usage_plan(
        usagePlanId=plan, patchOperations=[{"op": "remove", "path": "/apiStages", "value": f"{rest.id}:prod"}]
    )
    rest.client.delete_usage_plan(usagePlanId=plan)
    rest.client.delete_api_key(apiKey=key)


def test_a_token_authorizer_decides_and_its_answer_is_kept(rest: Rest, function: str) -> None:
    uri = rest.function_uri(function)
    authorizer = rest.client.create_authorizer(
        restApiId=rest.id,
        name="a",
        type="TOKEN",
        authorizerUri=uri,
        identitySource="method.request.header.Authorization",
        identityValidationExpression="[a-z]+",
    )["id"]
    rest.proxy(rest.method(rest.root, "GET", authorizationType="CUSTOM", authorizerId=authorizer), uri)
    rest.deploy()
    allowed = rest.call("GET", "/", headers={"authorization": "allow"})
    assert allowed.json()["requestContext"]["authorizer"] == {"principalId": "user", "level": "7", "staff": "true"}
    denied = rest.call("GET", "/", headers={"authorization": "deny"})
    assert denied.status_code == 403
    assert denied.json() == {"Message": "User is not authorized to access this resource with an explicit deny"}
    for headers in ({}, {"authorization": "unauthorized"}, {"authorization": "123"}):
        refused = rest.call("GET", "/", headers=headers)
        assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})


def test_bad_requests_have_aws_s_codes_and_leave_nothing(rest: Rest) -> None:
    client = rest.client
    pets = rest.resource("pets")
    assert refusal(lambda: client.create_resource(restApiId=rest.id, parentId=rest.root, pathPart="pets"))[0] == (
        "ConflictException"
    )
    assert refusal(lambda: client.get_rest_api(restApiId="nope"))[0] == "NotFoundException"
    assert refusal(rest.deploy) == ("BadRequestException", "The REST API doesn't contain any methods")
    code, message = refusal(
        lambda: client.update_rest_api(
            restApiId=rest.id, patchOperations=[{"op": "replace", "path": "/nonsense", "value": "x"}]
        )
    )
    assert (code, "Invalid patch path" in message) == ("BadRequestException", True)
    name = rest.method(pets, "GET")
    broken = {"application/json": "#if(1"}
    assert refusal(lambda: client.put_integration(**name, type="MOCK", requestTemplates=broken))[0] == (
        "BadRequestException"
    )
    assert refusal(lambda: client.get_integration(**name))[0] == "NotFoundException"
    assert refusal(lambda: client.create_stage(restApiId=rest.id, stageName="s", deploymentId="x"))[0] == (
        "NotFoundException"
    )
    assert refusal(client.generate_client_certificate)[0] == "NotImplemented"


def test_the_aws_command_line_lists_and_pages(platform: Any, rest: Rest) -> None:
    for number in range(3):
        rest.resource(f"r{number}")
    shown = platform.aws("apigateway", "get-resources", "--rest-api-id", rest.id)
    assert {each["path"] for each in shown["items"]} == {"/", "/r0", "/r1", "/r2"}
    paginator = rest.client.get_paginator("get_resources")
    pages = list(paginator.paginate(restApiId=rest.id, PaginationConfig={"PageSize": 2}))
    assert [len(each["items"]) for each in pages] == [2, 2]
