"""HTTP APIs as users meet them: boto3 and `aws` make them, plain HTTP clients call them.

Sources: API Gateway Developer Guide, "Working with HTTP APIs"; behaviours section 22 (events, bodies of failures).
"""

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import json, time

def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/fail"):
        raise ValueError("private")
    if path.endswith("/bad"):
        return {"statusCode": "what"}
    if path.endswith("/sleep"):
        time.sleep(5)
    if path.endswith("/made"):
        return {"statusCode": 201, "headers": {"X-Own": "1"}, "cookies": ["a=1", "b=2"], "body": "made"}
    if event["version"] == "1.0":
        return {"statusCode": 200, "body": json.dumps(event), "multiValueHeaders": {"x-two": ["a", "b"]}}
    return event
"""


class Client:
    """Reaches one API, by its host or by its path, as clients without a resolver for *.localhost do."""

    def __init__(self, platform: "Platform", api_id: str) -> None:
        self.port, self.api_id = urlsplit(platform.endpoint).port or 80, api_id
        self.host = f"{api_id}.execute-api.us-east-1.localhost:{self.port}"

    def ask(self, path: str = "/", method: str = "GET", **more: Any) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": self.host, **more.pop("headers", {})}
        connection.request(method, path, headers=headers, **more)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def json(self, path: str = "/", method: str = "GET", **more: Any) -> Any:
        answer, body = self.ask(path, method, **more)
        assert answer.status == 200, (answer.status, body)
        return json.loads(body)


@pytest.fixture(scope="module")
def function(platform: "Platform") -> str:
    return platform.create(SOURCE)


def arn_of(platform: "Platform", name: str) -> str:
    return str(platform.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"])


def allow(platform: "Platform", name: str, api_id: str, route: str = "*") -> None:
    platform.client("lambda").add_permission(
        FunctionName=name,
        StatementId=f"api-{api_id}-{abs(hash(route))}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/{route}",
    )


def test_an_api_of_one_call_answers_by_host_and_by_path(platform: "Platform", function: str) -> None:
    name = "quick"
    made = platform.aws(
        "apigatewayv2", "create-api", "--name", name, "--protocol-type", "HTTP", "--target", arn_of(platform, function)
    )
    client = Client(platform, made["ApiId"])
    assert made["ApiEndpoint"] == f"http://{client.host}"

    answer, body = client.ask("/hello")
    assert (answer.status, json.loads(body)) == (500, {"message": "Internal Server Error"})  # no permission yet

    allow(platform, function, made["ApiId"])
    event = client.json("/hello?a=1&a=2", headers={"Cookie": "c=1"})
    assert event["version"] == "2.0"
    assert event["routeKey"] == "$default"
    assert event["rawPath"] == "/hello"
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert event["cookies"] == ["c=1"]
    assert event["requestContext"]["apiId"] == made["ApiId"]
    assert event["requestContext"]["stage"] == "$default"
    assert event["requestContext"]["domainName"] == client.host.rpartition(":")[0]

    by_path = client.json(f"/_aws/execute-api/{made['ApiId']}/hello", headers={"Host": "127.0.0.1"})
    assert by_path["rawPath"] == "/hello"

    platform.client("lambda").remove_permission(
        FunctionName=function, StatementId=f"api-{made['ApiId']}-{abs(hash('*'))}"
    )
    assert client.ask("/hello")[0].status == 500
    platform.client("apigatewayv2").delete_api(ApiId=made["ApiId"])
    answer, body = client.ask("/hello")
    assert (answer.status, json.loads(body)) == (403, {"message": "Forbidden"})


def test_a_deployment_is_what_the_next_request_meets(platform: "Platform", function: str) -> None:
    api = platform.client("apigatewayv2")
    api_id = api.create_api(Name="staged", ProtocolType="HTTP")["ApiId"]
    allow(platform, function, api_id)
    client = Client(platform, api_id)
    integrations = [
        api.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn_of(platform, function),
            PayloadFormatVersion=version,
        )["IntegrationId"]
        for version in ("1.0", "2.0")
    ]
    route = api.create_route(ApiId=api_id, RouteKey="GET /pets/{id}", Target=f"integrations/{integrations[0]}")
    api.create_stage(ApiId=api_id, StageName="prod", StageVariables={"colour": "red"})
    answer, body = client.ask("/prod/pets/7")
    assert (answer.status, json.loads(body)) == (404, {"message": "Not Found"})  # nothing is deployed

    api.create_deployment(ApiId=api_id, StageName="prod")
    answer, body = client.ask("/prod/pets/7")
    event = json.loads(body)
    assert answer.headers.get_all("x-two") == ["a", "b"]
    assert (event["version"], event["resource"], event["path"]) == ("1.0", "/pets/{id}", "/prod/pets/7")
    assert event["pathParameters"] == {"id": "7"}
    assert event["stageVariables"] == {"colour": "red"}

    api.update_route(ApiId=api_id, RouteId=route["RouteId"], Target=f"integrations/{integrations[1]}")
    assert client.json("/prod/pets/7")["version"] == "1.0"
    api.create_deployment(ApiId=api_id, StageName="prod")
    assert client.json("/prod/pets/7")["version"] == "2.0"
    assert client.ask("/prod/pets/7", "POST")[0].status == 404

    api.create_stage(ApiId=api_id, StageName="live", AutoDeploy=True)
    api.create_route(ApiId=api_id, RouteKey="ANY /{proxy+}", Target=f"integrations/{integrations[1]}")
    assert client.json("/live/a/b", "POST")["pathParameters"] == {"proxy": "a/b"}
    assert client.ask("/prod/a/b", "POST")[0].status == 404


def test_what_a_function_does_wrong_is_said_in_the_words_of_the_service(platform: "Platform", function: str) -> None:
    api = platform.client("apigatewayv2")
    made = api.create_api(Name="wrong", ProtocolType="HTTP", Target=arn_of(platform, function))
    allow(platform, function, made["ApiId"])
    client = Client(platform, made["ApiId"])
    for path in ("/fail", "/bad"):
        answer, body = client.ask(path)
        assert (answer.status, json.loads(body)) == (500, {"message": "Internal Server Error"})
    answer, body = client.ask("/made")
    assert (answer.status, body, answer.getheader("x-own")) == (201, b"made", "1")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert answer.getheader("apigw-requestid")
    integration = api.get_integrations(ApiId=made["ApiId"])["Items"][0]
    api.update_integration(ApiId=made["ApiId"], IntegrationId=integration["IntegrationId"], TimeoutInMillis=500)
    answer, body = client.ask("/sleep")
    assert (answer.status, json.loads(body)) == (503, {"message": "Service Unavailable"})


def test_a_path_leads_to_no_function_url_of_another_where_the_host_is_an_apis(
    platform: "Platform", function: str
) -> None:
    """Source: RFC 6454: browsers let all that one host answers share cookies and scripts."""
    api, lambda_ = platform.client("apigatewayv2"), platform.client("lambda")
    made = api.create_api(Name="alone", ProtocolType="HTTP", Target=arn_of(platform, function))["ApiId"]
    allow(platform, function, made)
    url = lambda_.create_function_url_config(FunctionName=function, AuthType="AWS_IAM")["FunctionUrl"]
    path = f"/_aws/lambda-url/{url.split('/')[2].partition('.')[0]}/x"
    name = f"alone-{made}.example.test"
    api.create_domain_name(DomainName=name, DomainNameConfigurations=[{"EndpointType": "REGIONAL"}])
    api.create_api_mapping(DomainName=name, ApiId=made, Stage="$default")
    client = Client(platform, made)
    assert client.json(path)["rawPath"] == path
    client.host = f"{name}:{client.port}"
    assert client.json(path)["rawPath"] == path
    client.host = f"127.0.0.1:{client.port}"
    assert client.ask(path)[0].status == 403  # it is the function URL, which wants a signature
    lambda_.delete_function_url_config(FunctionName=function)


def test_a_custom_domain_name_leads_to_the_stages_that_its_paths_name(platform: "Platform", function: str) -> None:
    api = platform.client("apigatewayv2")
    made = api.create_api(Name="named", ProtocolType="HTTP", Target=arn_of(platform, function))["ApiId"]
    allow(platform, function, made)
    name = f"api-{made}.example.test"
    api.create_domain_name(DomainName=name, DomainNameConfigurations=[{"EndpointType": "REGIONAL"}])
    client = Client(platform, made)
    client.host = f"{name}:{client.port}"
    assert client.ask("/pets")[0].status == 403  # it leads nowhere
    mapping = api.create_api_mapping(DomainName=name, ApiId=made, Stage="$default", ApiMappingKey="shop/v1")
    event = client.json("/shop/v1/pets?a=1")
    assert (event["rawPath"], event["requestContext"]["domainName"]) == ("/shop/v1/pets", name)
    assert client.ask("/shop/v2/pets")[0].status == 403

    client.host = f"{made}.execute-api.us-east-1.localhost:{client.port}"
    api.update_api(ApiId=made, DisableExecuteApiEndpoint=True)
    assert client.ask("/pets")[0].status == 404
    with pytest.raises(api.exceptions.BadRequestException):
        api.delete_api(ApiId=made)
    api.delete_api_mapping(DomainName=name, ApiMappingId=mapping["ApiMappingId"])
    client.host = f"{name}:{client.port}"
    assert client.ask("/shop/v1/pets")[0].status == 403
    api.delete_domain_name(DomainName=name)
    assert (
        client.ask("/shop/v1/pets")[0].status == 404
    )  # the host is nobody's: the path is that of a bucket that is not there
    assert name not in {each["DomainName"] for each in platform.client("apigatewayv2").get_domain_names()["Items"]}
