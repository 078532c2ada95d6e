"""WebSocket APIs as users meet them: boto3 and `aws` make them, the `websockets` client speaks to them.

Sources: API Gateway Developer Guide, "Working with WebSocket APIs" and the pages below it; botocore's models
`apigatewayv2` and `apigatewaymanagementapi`; behaviours section 22 (events).
"""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

PATIENT: dict[str, Any] = {"open_timeout": 60, "ping_timeout": None}
SOURCE = """
import json, os, boto3

ends = boto3.client("sqs")

def handler(event, context):
    about = event["requestContext"]
    if event.get("type") == "REQUEST":
        token = event["queryStringParameters"]["token"]
        if token == "broken":
            raise ValueError("private")
        if token == "unknown":
            raise Exception("Unauthorized")
        statement = {"Effect": token, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "me", "policyDocument": document, "context": {"room": "lobby"}}
    if about["eventType"] == "CONNECT":
        query = event.get("queryStringParameters") or {}
        if query.get("status"):
            return {"statusCode": int(query["status"]), "body": "as you like"}
        if query.get("fail"):
            raise ValueError("private")
        asked = event["headers"].get("Sec-WebSocket-Protocol")
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "b"} if asked else {}}
    if about["eventType"] == "DISCONNECT":
        queue = (event.get("stageVariables") or {}).get("ends")
        if queue:
            ends.send_message(QueueUrl=os.environ["AWS_ENDPOINT_URL"] + queue, MessageBody=json.dumps(event))
        return {"statusCode": 200}
    body = event["body"]
    if body.startswith("post"):
        address = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{about['apiId']}/{about['stage']}"
        clients = boto3.client("apigatewaymanagementapi", endpoint_url=address)
        clients.post_to_connection(ConnectionId=about["connectionId"], Data=json.dumps(event).encode())
    if body == "fail" or "broken" in body:
        raise ValueError("private")
    return {"statusCode": 200, "body": "answer to " + body}
"""


class Api:
    """A WebSocket API, deployed at the stage `prod`."""

    def __init__(self, platform: "Platform", function: str, **connect_route: Any) -> None:
        self.platform, self.v2 = platform, platform.client("apigatewayv2")
        made = self.v2.create_api(
            Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
        )
        self.api_id, self.endpoint = made["ApiId"], made["ApiEndpoint"]
        arn = platform.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
        self.uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        self.integration = self.v2.create_integration(
            ApiId=self.api_id, IntegrationType="AWS_PROXY", IntegrationUri=self.uri
        )["IntegrationId"]
        self.route("$connect", **connect_route)
        self.route("$disconnect")
        self.route("$default")
        platform.client("lambda").add_permission(
            FunctionName=function,
            StatementId=f"api-{self.api_id}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.api_id}/*",
        )
        self.v2.create_stage(ApiId=self.api_id, StageName="prod", AutoDeploy=True)
        self.port = urlsplit(platform.endpoint).port
        self.management = self.manager(platform)

    def route(self, key: str, *, answers: bool = False, **more: Any) -> str:
        if answers:
            more["RouteResponseSelectionExpression"] = "$default"
        target = f"integrations/{more.pop('integration', self.integration)}"
        route_id: str = self.v2.create_route(ApiId=self.api_id, RouteKey=key, Target=target, **more)["RouteId"]
        if answers:
            self.v2.create_route_response(ApiId=self.api_id, RouteId=route_id, RouteResponseKey="$default")
        return route_id

    def manager(self, platform: "Platform") -> Any:
        return platform.session().client(
            "apigatewaymanagementapi", endpoint_url=f"{platform.endpoint}/_aws/execute-api/{self.api_id}/prod"
        )

    @contextmanager
    def client(self, query: str = "", **options: Any) -> Iterator[ClientConnection]:
        uri = f"ws://127.0.0.1:{self.port}/_aws/execute-api/{self.api_id}/prod{query}"
        with connect(uri, proxy=None, **PATIENT, **options) as client:
            yield client

    def event(self, client: ClientConnection, text: str = "post") -> Any:
        """The event that the function got for a message of this client."""
        client.send(text)
        return json.loads(client.recv(timeout=60))


@pytest.fixture(scope="module")
def function(platform: "Platform") -> str:
    return platform.create(SOURCE, MemorySize=1769)


@pytest.fixture(scope="module")
def api(platform: "Platform", function: str) -> Api:
    made = Api(platform, function)
    made.route("ask", answers=True)
    return made


def refused(api: Api, query: str = "", **options: Any) -> tuple[int, bytes]:
    with pytest.raises(InvalidStatus) as caught, api.client(query, **options):
        pass
    return caught.value.response.status_code, bytes(caught.value.response.body)


def test_messages_reach_the_function_and_come_back_by_connections(api: Api) -> None:
    with api.client() as client:
        event = api.event(client)
        about = event["requestContext"]
        assert (event["body"], event["isBase64Encoded"]) == ("post", False)
        assert (about["routeKey"], about["eventType"], about["messageDirection"]) == ("$default", "MESSAGE", "IN")
        assert (about["apiId"], about["stage"]) == (api.api_id, "prod")
        assert about["identity"]["sourceIp"] == "127.0.0.1"
        assert about["connectedAt"] <= about["requestTimeEpoch"]
        assert about["messageId"]

        shown = api.management.get_connection(ConnectionId=about["connectionId"])
        assert round(shown["ConnectedAt"].timestamp() * 1000) == about["connectedAt"]
        assert shown["Identity"]["SourceIp"] == "127.0.0.1"
        api.management.post_to_connection(ConnectionId=about["connectionId"], Data="größer " * 14_000)
        assert client.recv(timeout=60) == "größer " * 14_000  # in frames of 32 KB
        api.management.delete_connection(ConnectionId=about["connectionId"])
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)
        with pytest.raises(ClientError) as gone:
            api.management.post_to_connection(ConnectionId=about["connectionId"], Data=b"x")
        assert gone.value.response["Error"]["Code"] == "GoneException"
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_route_with_a_response_answers_its_client(api: Api) -> None:
    with api.client() as client:
        asked = json.dumps({"action": "ask"})
        client.send(asked)
        assert client.recv(timeout=60) == f"answer to {asked}"


def test_what_fails_is_told_to_the_client_in_words(api: Api) -> None:
    with api.client() as client:
        client.send("fail")
        told = json.loads(client.recv(timeout=60))
        assert (told["message"], len(told["connectionId"])) == ("Internal server error", 16)
        assert told["requestId"]


def test_a_message_that_is_too_long_ends_the_connection(api: Api) -> None:
    with api.client() as client:
        client.send("x" * 32_769)
        with pytest.raises(ConnectionClosed) as ended:
            client.recv(timeout=60)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1009


@pytest.mark.parametrize(("query", "status"), [("?status=401", 401), ("?status=403", 403), ("?fail=1", 502)])
def test_what_connect_says_is_how_the_handshake_ends(api: Api, query: str, status: int) -> None:
    assert refused(api, query)[0] == status


def test_a_subprotocol_is_chosen_by_connect(api: Api) -> None:
    with api.client(subprotocols=["a", "b"]) as client:
        assert client.subprotocol == "b"


def test_the_end_of_a_connection_reaches_disconnect(platform: "Platform", api: Api, eventually: Any) -> None:
    sqs = platform.client("sqs")
    queue = sqs.create_queue(QueueName=f"ends-{api.api_id}")["QueueUrl"]
    ends = urlsplit(queue).path
    api.v2.update_stage(ApiId=api.api_id, StageName="prod", StageVariables={"ends": ends})
    with api.client() as client:
        connection_id = api.event(client)["requestContext"]["connectionId"]
        client.close(4010, "bye")
    (message,) = eventually(
        lambda: [
            each
            for each in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", [])
            if connection_id in each["Body"]
        ]
    )
    about = json.loads(message["Body"])["requestContext"]
    assert (about["eventType"], about["connectionId"]) == ("DISCONNECT", connection_id)
    assert (about["disconnectStatusCode"], about["disconnectReason"]) == (4010, "bye")


def test_no_permission_is_500_and_no_route_is_forbidden(platform: "Platform", function: str) -> None:
    api = Api(platform, function)
    for route in api.v2.get_routes(ApiId=api.api_id)["Items"]:
        if route["RouteKey"] == "$default":
            api.v2.delete_route(ApiId=api.api_id, RouteId=route["RouteId"])
    with api.client() as client:
        client.send("{}")
        assert json.loads(client.recv(timeout=60))["message"] == "Forbidden"
        platform.client("lambda").remove_permission(FunctionName=function, StatementId=f"api-{api.api_id}")
        assert refused(api)[0] == 500
        api.v2.delete_api(ApiId=api.api_id)  # who is connected learns it by the next message
        client.send("{}")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)
    assert refused(api)[0] == 403


def test_connect_can_ask_for_a_signature_and_connections_always_do(platform: "Platform", function: str) -> None:
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    api = Api(platform, function, AuthorizationType="AWS_IAM")
    assert refused(api)[0] == 403
    address = f"{platform.endpoint}/_aws/execute-api/{api.api_id}/prod"
    request = AWSRequest("GET", address)
    SigV4QueryAuth(platform.session().get_credentials(), "execute-api", "us-east-1").add_auth(request)
    with api.client("?" + urlsplit(request.prepare().url).query) as client:
        about = api.event(client)["requestContext"]
        assert about["identity"]["userArn"] == "arn:aws:iam::000000000000:root"
    stranger = platform.session().client(
        "apigatewaymanagementapi",
        endpoint_url=address,
        aws_access_key_id=platform.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="wrong",
    )
    with pytest.raises(ClientError) as denied:
        stranger.get_connection(ConnectionId=about["connectionId"])
    assert denied.value.response["Error"]["Code"] == "ForbiddenException"
    for wrong, code in (("nonsense", "BadRequestException"), ("AAAAAAAAAAAAAAA=", "GoneException")):
        with pytest.raises(ClientError) as caught:
            api.management.get_connection(ConnectionId=wrong)
        assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as long:
        api.management.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x" * 131_073)
    assert long.value.response["Error"]["Code"] == "PayloadTooLargeException"


class Echo(http.server.BaseHTTPRequestHandler):
    """A server that answers with what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        told = {
            "path": self.path,
            "who": self.headers["connectionId"],
            "type": self.headers["content-type"],
            "body": body,
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None: ...


def test_another_server_hears_messages_and_who_sent_them(api: Api) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        integration = api.v2.create_integration(
            ApiId=api.api_id,
            IntegrationType="HTTP_PROXY",
            IntegrationMethod="POST",
            IntegrationUri=f"http://127.0.0.1:{server.server_port}/rooms/{{room}}",
            RequestParameters={
                "integration.request.header.connectionId": "context.connectionId",
                "integration.request.path.room": "route.request.body.room",
                "integration.request.querystring.kind": "'message'",
            },
        )["IntegrationId"]
        api.route("elsewhere", answers=True, integration=integration)
        with api.client() as client:
            connection_id = api.event(client)["requestContext"]["connectionId"]
            message = json.dumps({"action": "elsewhere", "room": "a/b"})
            client.send(message)
            assert json.loads(client.recv(timeout=60)) == {
                "path": "/rooms/a%2Fb?kind=message",
                "who": connection_id,
                "type": "application/json",
                "body": message,
            }
    finally:
        server.shutdown()
        server.server_close()


def test_a_heartbeat_needs_no_function(api: Api) -> None:
    integration = api.v2.create_integration(
        ApiId=api.api_id, IntegrationType="MOCK", RequestTemplates={"200": '{"statusCode": 200}'},
        TemplateSelectionExpression="200",
    )["IntegrationId"]  # fmt: skip
    template = '{"pong": true, "id": "$context.connectionId"}'
    names = {"ApiId": api.api_id, "IntegrationId": integration}
    made = api.v2.create_integration_response(
        **names, IntegrationResponseKey="/2\\d\\d/", ResponseTemplates={"$default": template}
    )
    assert api.v2.get_integration_responses(**names)["Items"] == [
        {name: value for name, value in made.items() if name != "ResponseMetadata"}
    ]
    api.route("ping", answers=True, integration=integration)
    with api.client() as client:
        client.send('{"action": "ping"}')
        told = json.loads(client.recv(timeout=60))
        assert (told["pong"], len(told["id"])) == (True, 16)
    with pytest.raises(ClientError) as refused_one:
        api.v2.create_integration_response(
            ApiId=api.api_id, IntegrationId=api.integration, IntegrationResponseKey="$default"
        )
    assert refused_one.value.response["Error"]["Code"] == "BadRequestException"


def test_a_custom_domain_name_leads_to_a_stage(api: Api) -> None:
    name = f"chat-{api.api_id}.example.test"
    api.v2.create_domain_name(DomainName=name, DomainNameConfigurations=[{"EndpointType": "REGIONAL"}])
    api.v2.create_api_mapping(DomainName=name, ApiId=api.api_id, Stage="prod", ApiMappingKey="v1")
    reached = socket.create_connection(("127.0.0.1", api.port))
    with connect(f"ws://{name}:{api.port}/v1", proxy=None, sock=reached, **PATIENT) as client:
        about = api.event(client)["requestContext"]
        assert (about["domainName"], about["stage"]) == (name, "prod")


def test_an_authorizer_lets_in_whom_its_policy_allows(platform: "Platform", function: str) -> None:
    api = Api(platform, function)
    authorizer = api.v2.create_authorizer(
        ApiId=api.api_id, Name="door", AuthorizerType="REQUEST", AuthorizerUri=api.uri,
        IdentitySource=["route.request.querystring.token"],
    )["AuthorizerId"]  # fmt: skip
    (connect_route,) = [each for each in api.v2.get_routes(ApiId=api.api_id)["Items"] if each["RouteKey"] == "$connect"]
    api.v2.update_route(
        ApiId=api.api_id, RouteId=connect_route["RouteId"], AuthorizationType="CUSTOM", AuthorizerId=authorizer
    )
    for query, status in (("", 401), ("?token=Deny", 403), ("?token=unknown", 401), ("?token=broken", 500)):
        assert refused(api, query)[0] == status
    with api.client("?token=Allow") as client:
        about = api.event(client)["requestContext"]
        assert about["authorizer"] == {"principalId": "me", "room": "lobby"}


def test_a_throttle_of_a_route_is_told_to_who_sends_too_much(api: Api) -> None:
    route_id = api.route("slow", answers=True)
    settings = {"slow": {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1}}
    api.v2.update_stage(ApiId=api.api_id, StageName="prod", RouteSettings=settings)
    with api.client() as client:
        asked = json.dumps({"action": "slow"})
        answers = []
        for _ in range(2):
            client.send(asked)
            answers.append(client.recv(timeout=60))
        assert answers[0] == f"answer to {asked}"
        assert json.loads(answers[1])["message"] == "Too Many Requests"
    api.v2.delete_route_settings(ApiId=api.api_id, StageName="prod", RouteKey="slow")
    api.v2.delete_route(ApiId=api.api_id, RouteId=route_id)


def test_the_command_line_makes_an_api_whose_connect_is_a_mock(platform: "Platform") -> None:
    def v2(*words: str) -> Any:
        return platform.aws("apigatewayv2", *words)

    expression = "${request.body.service}/${request.body.action}"
    made = v2(
        "create-api", "--name", "mock", "--protocol-type", "WEBSOCKET", "--route-selection-expression", expression
    )
    api = ("--api-id", made["ApiId"])
    assert made["ApiEndpoint"].startswith(f"ws://{made['ApiId']}.execute-api.us-east-1.localhost")
    templates = json.dumps({"200": json.dumps({"statusCode": 200})})
    mock = v2(
        "create-integration", *api, "--integration-type", "MOCK",
        "--request-templates", templates, "--template-selection-expression", "200",
    )  # fmt: skip
    boto = platform.client("apigatewayv2")
    target = f"integrations/{mock['IntegrationId']}"
    boto.create_route(ApiId=made["ApiId"], RouteKey="$connect", Target=target)
    deployment = boto.create_deployment(ApiId=made["ApiId"])["DeploymentId"]
    boto.create_stage(ApiId=made["ApiId"], StageName="dev", DeploymentId=deployment)
    port = urlsplit(platform.endpoint).port
    host = f"{made['ApiId']}.execute-api.us-east-1.localhost"
    reached = socket.create_connection(("127.0.0.1", port))
    with connect(f"ws://{host}:{port}/dev", proxy=None, sock=reached, **PATIENT) as client:
        client.send('{"service": "a", "action": "b"}')
        assert json.loads(client.recv(timeout=60))["message"] == "Forbidden"
        status = json.loads(platform.lambent("status", "--format", "json").stdout)
        assert status["websockets"] >= 1


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("create_api", {"Name": "x", "ProtocolType": "WEBSOCKET"}),
        ("create_api", {"Name": "x", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "action"}),
        ("create_route", {"RouteKey": "$what"}),
        ("create_route", {"RouteKey": "x", "AuthorizationType": "AWS_IAM"}),
        ("create_route", {"RouteKey": "x", "ApiKeyRequired": True}),
        ("create_integration", {"IntegrationType": "MOCK"}),
        ("create_integration", {"IntegrationType": "MOCK", "RequestTemplates": {"200": "#if(1)"}}),
        ("create_integration", {"IntegrationType": "AWS_PROXY", "IntegrationUri": "arn:aws:s3:::x"}),
        (
            "create_integration",
            {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x", "IntegrationMethod": "ANY"},
        ),
        ("create_integration", {"IntegrationType": "HTTP", "IntegrationUri": "http://x", "IntegrationMethod": "GET"}),
        ("create_stage", {"StageName": "$default"}),
        ("create_stage", {"StageName": "x", "AccessLogSettings": {"DestinationArn": "x", "Format": "y"}}),
        ("create_authorizer", {"Name": "x", "AuthorizerType": "JWT", "IdentitySource": []}),
        ("create_authorizer", {"Name": "x", "AuthorizerType": "REQUEST", "IdentitySource": ["$request.header.x"]}),
    ],
)
def test_what_cannot_be_is_refused_by_name(api: Api, operation: str, members: dict[str, Any]) -> None:
    more = {} if operation == "create_api" else {"ApiId": api.api_id}
    with pytest.raises(ClientError) as caught:
        getattr(api.v2, operation)(**more, **members)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    assert caught.value.response["Error"]["Message"]
