"""Apps of web frameworks, deployed as one function with their published adapters, behind an HTTP API in both formats.

Source: the READMEs of Mangum (FastAPI) and serverless-wsgi (Flask).
"""

import http.client
import io
import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

APPS = Path(__file__).parent / "apps"
PACKAGES = Path(__file__).parents[2] / "build" / "apps"
BINARY = bytes(range(256))


@pytest.fixture(scope="module")
def package() -> bytes:
    """The frameworks and the apps, as `pip install --target` and `zip` make them."""
    if not (PACKAGES / ".installed").exists():
        pytest.skip("the web frameworks are not here: make test fetches them")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for root in (PACKAGES, APPS):
            for path in root.rglob("*"):
                name = path.relative_to(root)
                if path.is_file() and "__pycache__" not in name.parts:
                    archive.write(path, name)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def functions(platform: "Platform", package: bytes) -> dict[str, str]:
    """The app of each framework as a function, which every API of the account may use."""
    made, lambda_ = {}, platform.client("lambda")
    for app in ("fastapi", "flask"):
        name = made[app] = f"{app}-{uuid.uuid4().hex[:8]}"
        lambda_.create_function(
            FunctionName=name,
            Runtime=f"python3.{sys.version_info.minor}",
            Role=platform.role(),
            Handler=f"{app}_app.handler",
            Timeout=30,
            MemorySize=1024,
            Code={"ZipFile": package},
        )
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        lambda_.add_permission(
            FunctionName=name,
            StatementId="apis",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn="arn:aws:execute-api:us-east-1:000000000000:*",
        )
    return made


def ask(platform: "Platform", host: str, method: str, path: str, **more: Any) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(platform.endpoint).port, timeout=60)
    connection.request(method, path, headers={"Host": host, **more.pop("headers", {})}, **more)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("payload_format", ["1.0", "2.0"])
@pytest.mark.parametrize("app", ["fastapi", "flask"])
def test_an_app_answers_as_it_does_on_a_server_of_its_own(
    platform: "Platform", functions: dict[str, str], app: str, payload_format: str
) -> None:
    api = platform.client("apigatewayv2")
    made = api.create_api(Name=f"{app} {payload_format}", ProtocolType="HTTP")["ApiId"]
    integration = api.create_integration(
        ApiId=made,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:us-east-1:000000000000:function:{functions[app]}",
        PayloadFormatVersion=payload_format,
    )["IntegrationId"]
    api.create_route(ApiId=made, RouteKey="ANY /{proxy+}", Target=f"integrations/{integration}")
    api.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    host = f"{made}.execute-api.us-east-1.localhost:{urlsplit(platform.endpoint).port}"

    check(platform, host, "")


@pytest.mark.parametrize("app", ["fastapi", "flask"])
def test_an_app_answers_so_behind_a_rest_api_too(platform: "Platform", functions: dict[str, str], app: str) -> None:
    api = platform.client("apigateway")
    made = api.create_rest_api(name=app, binaryMediaTypes=["image/*", "application/octet-stream"])
    resource = api.create_resource(restApiId=made["id"], parentId=made["rootResourceId"], pathPart="{proxy+}")["id"]
    name = {"restApiId": made["id"], "resourceId": resource, "httpMethod": "ANY"}
    api.put_method(**name, authorizationType="NONE")
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{functions[app]}"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    api.put_integration(**name, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    api.create_deployment(restApiId=made["id"], stageName="prod")
    check(platform, f"{made['id']}.execute-api.us-east-1.localhost:{urlsplit(platform.endpoint).port}", "/prod")


def check(platform: "Platform", host: str, base: str) -> None:
    """The app is there and whole."""
    headers = {"Cookie": "seen=yes; other=1", "X-Who": "ann"}
    answer, body = ask(platform, host, "GET", base + "/pets/caf%C3%A9%201?tag=a%26b", headers=headers)
    assert (answer.status, json.loads(body)) == (200, {"id": "café 1", "tag": "a&b", "seen": "yes", "who": "ann"})
    typed = {"Content-Type": "application/json"}
    answer, body = ask(platform, host, "POST", base + "/pets", body='{"name": "Rex", "age": 3}', headers=typed)
    assert (answer.status, json.loads(body)) == (201, {"name": "Rex"})
    assert [each.partition(";")[0] for each in answer.headers.get_all("set-cookie")] == ["seen=yes", "twice=yes"]
    assert ask(platform, host, "POST", base + "/pets", body='{"name": "Rex"}', headers=typed)[0].status == 422
    answer, body = ask(platform, host, "PUT", base + "/echo", body=BINARY, headers={"Content-Type": "image/png"})
    assert (answer.status, body) == (200, BINARY)
    answer, _ = ask(platform, host, "GET", base + "/away")
    assert (answer.status, answer.getheader("location")) == (303, "/pets/1")
    assert ask(platform, host, "GET", base + "/nowhere")[0].status == 404
