"""What stands in front of an HTTP API's integrations, and behind them: authorizers, throttles, other servers, logs.

Sources: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers", "... with AWS Lambda
authorizers", "... with IAM authorization", "Throttle requests to your HTTP APIs", "Transform API requests and responses
for HTTP APIs", "Customize HTTP API access logs".
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
def handler(event, context):
    return event

def decide(event, context):
    name = event["headers"].get("who", "")
    if name == "nobody":
        raise Exception("Unauthorized")
    if event["version"] == "2.0":
        return {"isAuthorized": name == "ann", "context": {"name": name, "stamp": event["requestContext"]["requestId"]}}
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {"principalId": name, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"age": 7}}
"""


class Elsewhere(ThreadingHTTPServer):
    """A server of another house: an OpenID provider that also answers whatever else it is asked."""

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def token(self, **claims: Any) -> str:
        now_s = int(time.time())
        told = {"iss": self.url, "aud": "shop", "iat": now_s - 1, "exp": now_s + 60, "sub": "ann", **claims}
        return jwt.encode({k: v for k, v in told.items() if v is not None}, self.key, "RS256", {"kid": "one"})


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server: Any = self.server
        server.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            told: Any = {"issuer": server.url, "jwks_uri": f"{server.url}/keys"}
        elif self.path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(server.key.public_key()))
            told = {"keys": [{**key, "kid": "one", "use": "sig", "alg": "RS256"}]}
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = {"path": self.path, "method": self.command, "headers": headers, "body": body}
        data = json.dumps(told).encode()
        self.send_response(202 if self.path.startswith("/shop") else 200)
        self.send_header("content-type", "application/json")
        self.send_header("x-secret", "inside")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Api:
    """An API with one stage that deploys by itself, and functions that let it in."""

    connection: http.client.HTTPConnection

    def __init__(self, platform: "Platform", functions: dict[str, str]) -> None:
        self.platform, self.functions = platform, functions
        self.client = platform.client("apigatewayv2")
        self.id = self.client.create_api(Name="guarded", ProtocolType="HTTP")["ApiId"]
        self.client.create_stage(ApiId=self.id, StageName="$default", AutoDeploy=True)
        for name in functions.values():
            platform.client("lambda").add_permission(
                FunctionName=name,
                StatementId=self.id,
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.id}/*",
            )
        self.target = self.integrate(
            IntegrationType="AWS_PROXY", IntegrationUri=self.arn("handler"), PayloadFormatVersion="2.0"
        )

    def arn(self, handler: str) -> str:
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.functions[handler]}"

    def integrate(self, **members: Any) -> str:
        made = self.client.create_integration(ApiId=self.id, **members)
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, **members: Any) -> None:
        self.client.create_route(ApiId=self.id, RouteKey=key, **{"Target": self.target, **members})

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, Any]:
        host = f"{self.id}.execute-api.us-east-1.localhost:{self.connection.port}"
        self.connection.request(method, path, headers={"Host": host} | headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return answer, json.loads(body) if body else None


@pytest.fixture(scope="module")
def whole(platform: "Platform") -> Api:
    return Api(platform, {name: platform.create(SOURCE, Handler=f"app.{name}") for name in ("handler", "decide")})


@pytest.fixture
def api(whole: Api) -> Iterator[Api]:
    """On one connection, and so at one edge: issuers' keys and answers of authorizers are kept by each edge."""
    port = urlsplit(whole.platform.endpoint).port
    whole.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    yield whole
    whole.connection.close()


def test_a_token_of_the_issuer_opens_the_routes_of_its_scopes(api: Api, elsewhere: Elsewhere) -> None:
    authorizer = api.client.create_authorizer(
        ApiId=api.id,
        Name="tokens",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": elsewhere.url, "Audience": ["shop"]},
    )["AuthorizerId"]
    guarded = {"AuthorizationType": "JWT", "AuthorizerId": authorizer}
    api.route("GET /token", **guarded)
    api.route("GET /buy", AuthorizationScopes=["buy", "sell"], **guarded)

    answer, body = api.ask("/token")
    assert (answer.status, body) == (401, {"message": "Unauthorized"})
    answer, event = api.ask("/token", Authorization=f"Bearer {elsewhere.token(age=7, tags=['a', 'b'])}")
    assert answer.status == 200
    told = event["requestContext"]["authorizer"]["jwt"]
    assert (told["claims"]["sub"], told["claims"]["age"], told["claims"]["tags"]) == ("ann", "7", "[a b]")
    assert told["scopes"] is None

    for wrong in (
        elsewhere.token(aud="other"),
        elsewhere.token(iss="http://other"),
        elsewhere.token(exp=int(time.time()) - 1),
        elsewhere.token(nbf=int(time.time()) + 60),
        jwt.encode({"sub": "ann"}, "secret" * 8, "HS256"),
        "nonsense",
    ):
        answer, body = api.ask("/token", Authorization=f"Bearer {wrong}")
        assert (answer.status, body) == (401, {"message": "Unauthorized"})
        assert 'error="invalid_token"' in str(answer.getheader("www-authenticate"))

    assert api.ask("/buy", Authorization=elsewhere.token())[0].status == 403
    answer, event = api.ask("/buy", Authorization=elsewhere.token(scope="look buy"))
    assert event["requestContext"]["authorizer"]["jwt"]["scopes"] == ["buy", "sell"]
    assert elsewhere.asked.count("/keys") == 1


def test_a_function_decides_and_its_answer_is_kept(api: Api) -> None:
    made = api.client.create_authorizer(
        ApiId=api.id,
        Name="decides",
        AuthorizerType="REQUEST",
        IdentitySource=["$request.header.who"],
        AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{api.arn('decide')}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        AuthorizerResultTtlInSeconds=300,
    )
    api.route("GET /decided", AuthorizationType="CUSTOM", AuthorizerId=made["AuthorizerId"])
    assert api.ask("/decided")[0].status == 401
    answer, body = api.ask("/decided", who="bob")
    assert (answer.status, body) == (403, {"message": "Forbidden"})
    assert api.ask("/decided", who="nobody")[0].status == 401
    stamps = [api.ask("/decided", who="ann")[1]["requestContext"]["authorizer"]["lambda"]["stamp"] for _ in range(2)]
    assert stamps[0] == stamps[1]
    api.client.reset_authorizers_cache(ApiId=api.id, StageName="$default")
    assert api.ask("/decided", who="ann")[1]["requestContext"]["authorizer"]["lambda"]["stamp"] != stamps[0]

    policy = api.client.create_authorizer(
        ApiId=api.id,
        Name="policy",
        AuthorizerType="REQUEST",
        IdentitySource=["$request.header.who"],
        AuthorizerUri=api.arn("decide"),
        AuthorizerPayloadFormatVersion="1.0",
    )["AuthorizerId"]
    for path in ("/one", "/two"):
        api.route(f"GET {path}", AuthorizationType="CUSTOM", AuthorizerId=policy)
    event = api.ask("/one", who="carl")[1]
    assert event["requestContext"]["authorizer"]["lambda"] == {"principalId": "carl", "age": 7}
    assert api.ask("/two", who="carl")[0].status == 403  # what is kept allows the first route only


def test_a_signed_request_comes_in_with_its_identity(api: Api, platform: "Platform") -> None:
    api.route("GET /signed", AuthorizationType="AWS_IAM")
    answer, body = api.ask("/signed")
    assert (answer.status, body) == (403, {"message": "Forbidden"})
    port = urlsplit(platform.endpoint).port
    request = AWSRequest("GET", f"http://{api.id}.execute-api.us-east-1.localhost:{port}/signed")
    SigV4Auth(platform.session().get_credentials(), "execute-api", "us-east-1").add_auth(request)
    answer, event = api.ask("/signed", **dict(request.headers))
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"


def test_another_server_answers_what_parameter_mapping_made_of_the_request(api: Api, elsewhere: Elsewhere) -> None:
    target = api.integrate(
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=f"{elsewhere.url}/shop/{{proxy}}?from=api",
        PayloadFormatVersion="1.0",
        RequestParameters={
            "overwrite:header.x-who": "$request.querystring.who of $context.stage",
            "append:querystring.added": "$request.path.proxy",
            "remove:header.x-gone": "''",
        },
        ResponseParameters={"202": {"remove:header.x-secret": "''", "overwrite:statuscode": "203",
                                    "append:header.x-path": "$response.body.path"}},
    )  # fmt: skip
    api.route("ANY /shop/{proxy+}", Target=target)
    answer, told = api.ask("/shop/a%20b/c?who=ann", "POST", **{"x-gone": "1", "Content-Length": "0"})
    assert answer.status == 203
    assert told["path"] == "/shop/a%20b/c?from=api&who=ann&added=a+b%2Fc"
    assert told["method"] == "POST"
    assert (told["headers"]["x-who"], "x-gone" in told["headers"]) == ("ann of $default", False)
    assert "for=127.0.0.1" in told["headers"]["forwarded"]
    assert (answer.getheader("x-secret"), answer.getheader("x-path")) == (None, told["path"])

    away = api.integrate(
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="GET",
        IntegrationUri="http://127.0.0.1:1/",
        PayloadFormatVersion="1.0",
    )
    api.route("GET /away", Target=away)
    answer, body = api.ask("/away")
    assert (answer.status, body) == (503, {"message": "Service Unavailable"})


def test_more_than_a_route_may_have_is_turned_away_and_each_request_is_logged(
    api: Api, platform: "Platform", eventually: Any
) -> None:
    group = f"/apis/{api.id}"
    platform.client("logs").create_log_group(logGroupName=group)
    api.route("GET /few")
    settings = {
        "DestinationArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}",
        "Format": "$context.requestId $context.routeKey $context.status $context.error.messageString $context.nothing",
    }
    api.client.update_stage(
        ApiId=api.id,
        StageName="$default",
        AccessLogSettings=settings,
        RouteSettings={"GET /few": {"ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 2}},
    )
    answers = [api.ask("/few") for _ in range(4)]
    assert [answer.status for answer, _ in answers] == [200, 200, 429, 429]
    assert answers[-1][1] == {"message": "Too Many Requests"}

    def lines() -> list[str]:
        found = platform.logged(group)
        return found if len(found) == 4 else []

    refused = answers[-1][0].getheader("apigw-requestid")
    assert f'{refused} GET /few 429 "Too Many Requests" -' in eventually(lines)
