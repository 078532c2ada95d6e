"""REST APIs (API Gateway v1), built with boto3 and `aws` and called over HTTP.

Sources: API Gateway Developer Guide, "REST APIs"; the errors and bodies named in each test are AWS's recorded ones.
"""

import datetime
import http.server
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
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
    assert event["headers"]["X-Custom"] == "z"  # as the client wrote it
    assert event["headers"]["Content-Type"] == "application/json"
    assert json.loads(event["body"]) == {"a": 1}
    assert event["isBase64Encoded"] is False
    assert event["stageVariables"] == {"color": "red"}
    context = event["requestContext"]
    assert context["resourcePath"] == "/pets/{id}"
    assert context["path"] == "/prod/pets/7%20a" or context["path"] == "/pets/7%20a"
    assert (context["stage"], context["apiId"], context["deploymentId"]) == ("prod", rest.id, deployment)
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    for verb, path in (("PUT", "/pets/seven"), ("PATCH", "/pets/seven")):  # a PUT to a bucket would look like this
        assert json.loads(rest.call(verb, path, json={"b": 2}).json()["body"]) == {"b": 2}
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
    asked = {"restApiId": rest.id, "authorizerId": authorizer}
    tried = rest.client.test_invoke_authorizer(**asked, headers={"Authorization": "deny"})
    assert (tried["clientStatus"], tried["principalId"]) == (0, "user")
    assert json.loads(tried["policy"])["Statement"][0]["Effect"] == "Deny"
    assert f"Starting authorizer: {authorizer}" in tried["log"]
    assert rest.client.test_invoke_authorizer(**asked, headers={"Authorization": "123"})["clientStatus"] == 401
    with pytest.raises(rest.client.exceptions.NotFoundException):
        rest.client.test_invoke_authorizer(restApiId=rest.id, authorizerId="none")
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


def test_another_server_answers_by_proxy_and_through_a_mapping(rest: Rest) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    class Backend(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = 503 if self.path.startswith("/broken") else 201
            answer = b'{"made": {"id": 7}}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Own", "1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    proxied = rest.method(rest.resource("p", "{proxy+}"), "ANY", requestParameters={"method.request.path.proxy": True})
    path = {"integration.request.path.proxy": "method.request.path.proxy"}
    rest.client.put_integration(
        **proxied, type="HTTP_PROXY", integrationHttpMethod="ANY", uri=base + "/in/{proxy}", requestParameters=path
    )
    mapped = rest.method(rest.resource("m"), "POST")
    rest.client.put_integration(
        **mapped,
        type="HTTP",
        integrationHttpMethod="POST",
        uri=base + "/${stageVariables.way}",
        requestTemplates={"application/json": "{\"n\": $input.json('$.a')}"},
        requestParameters={"integration.request.header.X-Id": "context.requestId"},
    )
    rest.answers(mapped, "200", responseTemplates={"application/json": "{\"id\": $input.path('$.made.id')}"})
    rest.answers(mapped, "502", selectionPattern="5\\d\\d")
    away = rest.method(rest.resource("away"), "GET")
    rest.client.put_integration(**away, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    rest.deploy(variables={"way": "fine"})
    try:
        answer = rest.call("POST", "/p/a/b?x=1", content=b"raw", headers={"x-mine": "2"})
        assert (answer.status_code, answer.json(), answer.headers["x-own"]) == (201, {"made": {"id": 7}}, "1")
        assert (seen[0][1], seen[0][2]["x-mine"], seen[0][3]) == ("/in/a/b?x=1", "2", b"raw")
        answer = rest.call("POST", "/m", json={"a": 5}, headers={"x-mine": "2"})
        assert (answer.status_code, answer.json()) == (200, {"id": 7})
        assert (seen[1][1], json.loads(seen[1][3]), "x-mine" in seen[1][2]) == ("/fine", {"n": 5}, False)
        assert seen[1][2]["x-id"] == answer.headers["x-amzn-requestid"]
        rest.client.update_stage(
            restApiId=rest.id,
            stageName="prod",
            patchOperations=[{"op": "replace", "path": "/variables/way", "value": "broken"}],
        )
        assert rest.call("POST", "/m", json={"a": 5}).status_code == 502
        gone = rest.call("GET", "/away")
        assert (gone.status_code, gone.json()) == (504, {"message": "Network error communicating with endpoint"})
    finally:
        server.shutdown()
        server.server_close()


def test_signed_requests_are_asked_for_and_the_api_s_own_policy_is_judged(rest: Rest, platform: Any) -> None:
    name = rest.method(rest.root, "GET", authorizationType="AWS_IAM")
    template = {"application/json": '{"statusCode": 200}'}
    rest.client.put_integration(**name, type="MOCK", requestTemplates=template)
    rest.answers(name, "200", responseTemplates={"application/json": "$context.identity.userArn"})
    rest.deploy()
    unsigned = rest.call("GET", "/")
    assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Missing Authentication Token"})

    def signed() -> httpx.Response:
        url = f"{platform.endpoint}/restapis/{rest.id}/prod/_user_request_/"
        request = AWSRequest("GET", url)
        SigV4Auth(platform.session().get_credentials(), "execute-api", "us-east-1").add_auth(request)
        return httpx.get(url, headers=dict(request.headers))

    assert signed().text == "arn:aws:iam::000000000000:root"
    condition = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny | {"Condition": condition}]})
    change = [{"op": "replace", "path": "/policy", "value": policy}]
    rest.client.update_rest_api(restApiId=rest.id, patchOperations=change)
    assert signed().status_code == 200
    rest.deploy()
    refused = signed()
    assert refused.status_code == 403
    assert refused.json()["Message"].endswith("with an explicit deny")


def test_a_document_is_imported_tried_served_and_exported(platform: Any, rest: Rest, tmp_path: Any) -> None:
    answer = {"statusCode": "200", "responseTemplates": {"application/json": "$input.params('id')"}}
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": answer},
    }
    operation = {"responses": {"200": {"description": "fine"}}, "x-amazon-apigateway-integration": integration}
    document = {
        "openapi": "3.0.1",
        "info": {"title": "imported", "version": "1"},
        "paths": {"/x/{id}": {"get": operation}},
    }
    file = tmp_path / "api.json"
    file.write_text(json.dumps(document))
    put = platform.aws(
        "apigateway", "put-rest-api", "--rest-api-id", rest.id, "--mode", "overwrite", "--body", f"fileb://{file}"
    )
    assert put["name"] == "imported"
    items = rest.client.get_resources(restApiId=rest.id)["items"]
    resource = next(each["id"] for each in items if each["path"] == "/x/{id}")
    tried = rest.client.test_invoke_method(
        restApiId=rest.id, resourceId=resource, httpMethod="GET", pathWithQueryString="/x/7"
    )
    assert (tried["status"], tried["body"]) == (200, "7")
    assert "Method completed with status: 200" in tried["log"]
    rest.deploy()
    assert rest.call("GET", "/x/8").text == "8"
    exported = tmp_path / "out.yaml"
    platform.aws(
        "apigateway", "get-export", "--rest-api-id", rest.id, "--stage-name", "prod", "--export-type", "oas30",
        "--accepts", "application/yaml", "--parameters", "extensions=integrations", exported,
    )  # fmt: skip
    assert "/x/{id}" in exported.read_text()


def test_each_request_leaves_a_line_in_the_stage_s_access_log(rest: Rest, platform: Any, eventually: Any) -> None:
    name = rest.method(rest.resource("x", "{id}"), "GET")
    rest.client.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    rest.answers(name, "200")
    rest.deploy()
    logs = platform.client("logs")
    group = f"/rest/{rest.id}"
    logs.create_log_group(logGroupName=group)
    line = "$context.requestId $context.resourcePath $context.status $context.error.messageString"
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    changes = [("destinationArn", arn), ("format", line)]
    rest.client.update_stage(
        restApiId=rest.id,
        stageName="prod",
        patchOperations=[{"op": "replace", "path": f"/accessLogSettings/{name}", "value": to} for name, to in changes],
    )
    answer = rest.call("GET", "/x/1")
    rest.call("GET", "/nothing")

    def told() -> list[str]:
        found = platform.logged(group)
        return found if len(found) == 2 else []

    lines = eventually(told)
    assert lines[0] == f"{answer.headers['x-amzn-requestid']} /x/{{id}} 200 -"
    assert lines[1].endswith(' - 403 "Missing Authentication Token"')
    logs.delete_log_group(logGroupName=group)


def test_a_body_for_a_custom_domain_name_is_no_object_s(rest: Rest, platform: Any, function: str) -> None:
    rest.proxy(rest.method(rest.resource("{proxy+}"), "ANY"), rest.function_uri(function))
    rest.deploy()
    v2, domain = platform.client("apigatewayv2"), f"8{rest.id}.example.com"
    v2.create_domain_name(DomainName=domain)
    v2.create_api_mapping(DomainName=domain, ApiId=rest.id, Stage="prod")
    host = {"host": domain}
    put = httpx.put(f"{platform.endpoint}/pets/seven", headers=host, json={"a": "x" * 100_000})
    assert json.loads(put.json()["body"]) == {"a": "x" * 100_000}
    posted = httpx.post(f"{platform.endpoint}/upload", headers=host, files={"file": ("a.txt", b"hello")})
    assert "hello" in posted.json()["body"]
    v2.delete_domain_name(DomainName=domain)


def test_a_custom_domain_name_leads_to_a_stage(rest: Rest, platform: Any) -> None:
    name = rest.method(rest.resource("x"), "GET")
    rest.client.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    rest.answers(name, "200", responseTemplates={"application/json": "$context.path $context.domainName"})
    rest.deploy()
    v2, domain = platform.client("apigatewayv2"), f"7{rest.id}.example.com"
    v2.create_domain_name(DomainName=domain)
    wanted = {"DomainName": domain, "ApiId": rest.id, "ApiMappingKey": "shop"}
    assert refusal(lambda: v2.create_api_mapping(**wanted, Stage="nope"))[0] == "BadRequestException"
    v2.create_api_mapping(**wanted, Stage="prod")
    answer = httpx.get(f"{platform.endpoint}/shop/x", headers={"host": domain})
    assert (answer.status_code, answer.text) == (200, f"/shop/x {domain}")
    v2.delete_domain_name(DomainName=domain)


def test_base_paths_of_a_custom_domain_name_lead_to_stages_and_the_aws_tool_says_so(rest: Rest, platform: Any) -> None:
    name = rest.method(rest.resource("x"), "GET")
    rest.client.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    rest.answers(name, "200", responseTemplates={"application/json": "$context.stage $context.path"})
    rest.deploy()
    v1, domain = rest.client, f"8{rest.id}.example.com"
    made = v1.create_domain_name(domainName=domain, endpointConfiguration={"types": ["REGIONAL"]})
    assert made["domainNameStatus"] == "AVAILABLE"
    v1.create_base_path_mapping(domainName=domain, basePath="shop", restApiId=rest.id, stage="prod")
    v1.create_base_path_mapping(domainName=domain, restApiId=rest.id)

    def ask(path: str) -> tuple[int, str]:
        answer = httpx.get(f"{platform.endpoint}{path}", headers={"host": domain})
        return answer.status_code, answer.text

    assert ask("/shop/x") == (200, "prod /shop/x")
    assert ask("/prod/x") == (200, "prod /prod/x")  # no stage in the mapping: the caller names it
    assert ask("/none/x")[0] == 403
    change = [{"op": "replace", "path": "/basePath", "value": "store"}]
    v1.update_base_path_mapping(domainName=domain, basePath="shop", patchOperations=change)
    assert (ask("/store/x"), ask("/shop/x")[0]) == ((200, "prod /store/x"), 403)
    pages = v1.get_paginator("get_base_path_mappings").paginate(domainName=domain, PaginationConfig={"PageSize": 1})
    assert [each["basePath"] for page in pages for each in page["items"]] == ["(none)", "store"]
    told = platform.aws("apigateway", "get-base-path-mapping", "--domain-name", domain, "--base-path", "store")
    assert told == {"basePath": "store", "restApiId": rest.id, "stage": "prod"}
    assert refusal(lambda: v1.delete_rest_api(restApiId=rest.id))[0] == "BadRequestException"
    v1.delete_base_path_mapping(domainName=domain, basePath="(none)")
    assert (ask("/store/x")[0], ask("/prod/x")[0]) == (200, 403)
    v1.delete_domain_name(domainName=domain)


def test_queues_and_tables_are_reached_with_the_integration_s_role(rest: Rest, platform: Any) -> None:
    iam, sqs, dynamodb = platform.client("iam"), platform.client("sqs"), platform.client("dynamodb")
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=f"r{rest.id}", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    url = sqs.create_queue(QueueName=f"q{rest.id}")["QueueUrl"]
    dynamodb.create_table(
        TableName=f"t{rest.id}",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = "arn:aws:apigateway:us-east-1:"
    sent = rest.method(rest.resource("send"), "POST")
    usual = {"type": "AWS", "integrationHttpMethod": "POST", "credentials": role}
    rest.client.put_integration(
        **sent,
        **usual,
        uri=f"{arn}sqs:path/000000000000/q{rest.id}",
        requestParameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        requestTemplates={"application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"},
    )
    body = "{\"id\": $input.json('$.SendMessageResponse.SendMessageResult.MessageId')}"
    rest.answers(sent, "200", responseTemplates={"application/json": body})
    by_name = rest.method(rest.resource("named"), "POST")
    names = {"QueueUrl": f"'{url}'", "MessageBody": "method.request.querystring.m"}
    parameters = {f"integration.request.querystring.{name}": value for name, value in names.items()}
    rest.client.put_integration(**by_name, **usual, uri=f"{arn}sqs:action/SendMessage", requestParameters=parameters)
    rest.answers(by_name, "200")
    put = rest.method(rest.resource("items", "{id}"), "PUT")
    item = json.dumps({"TableName": f"t{rest.id}", "Item": {"id": {"S": "$input.params('id')"}}})
    rest.client.put_integration(
        **put, **usual, uri=f"{arn}dynamodb:action/PutItem", requestTemplates={"application/json": item}
    )
    rest.answers(put, "200")
    rest.answers(put, "400", selectionPattern="4\\d\\d")
    rest.deploy()
    answer = rest.call("POST", "/send", json={"a": "b c"})
    assert answer.status_code == 200, answer.text
    assert rest.call("POST", "/named?m=hello%20you").status_code == 200
    found = [sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2)]
    assert {each["Body"] for each in found} == {'{"a":"b c"}', "hello you"}
    assert answer.json()["id"] in {each["MessageId"] for each in found}
    assert rest.call("PUT", "/items/7").status_code == 200
    assert dynamodb.get_item(TableName=f"t{rest.id}", Key={"id": {"S": "7"}})["Item"] == {"id": {"S": "7"}}
    dynamodb.delete_table(TableName=f"t{rest.id}")
    assert rest.call("PUT", "/items/7").status_code == 400
    iam.update_assume_role_policy(RoleName=f"r{rest.id}", PolicyDocument=document.replace("apigateway", "lambda"))
    refused = rest.call("POST", "/send", json={})
    assert (refused.status_code, refused.json()) == (500, {"message": "Internal server error"})
    iam.delete_role(RoleName=f"r{rest.id}")
    sqs.delete_queue(QueueUrl=url)
    assert refusal(lambda: rest.client.put_integration(**sent, **usual, uri=f"{arn}s3:path/b/k"))[0] == "NotImplemented"
