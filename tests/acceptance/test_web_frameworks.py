"""Apps of web frameworks, deployed as one function with their published adapters, behind an HTTP API in both formats.

Source: the READMEs of Mangum (FastAPI), serverless-wsgi (Flask) and serverless-http (Express).
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
NODE = Path(__file__).parent / "javascript_program" / "node_modules"
PYTHON = f"python3.{sys.version_info.minor}"
BINARY = bytes(range(256))


class Apps:
    """The app of each framework as a function, which every API of the account may use; made when it is wanted."""

    def __init__(self, platform: "Platform") -> None:
        self._platform = platform
        self._made: dict[str, str] = {}
        self._runtimes = platform.runtimes()

    def function(self, app: str) -> str:
        """The name of its function. Skips where what it needs is not here."""
        if app not in self._made:
            self._made[app] = self._make(app)
        return self._made[app]

    def _make(self, app: str) -> str:
        packages, runtime = (NODE, self._node()) if app == "express" else (PACKAGES, PYTHON)
        if not any((packages / mark).exists() for mark in (".installed", ".package-lock.json")):
            pytest.skip(f"the packages of {app} are not here: make test fetches them")
        name, lambda_ = f"{app}-{uuid.uuid4().hex[:8]}", self._platform.client("lambda")
        lambda_.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=self._platform.role(),
            Handler=f"{app}_app.handler",
            Timeout=30,
            MemorySize=1024,
            Code={"ZipFile": package_of(app, packages)},
        )
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        lambda_.add_permission(
            FunctionName=name,
            StatementId="apis",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn="arn:aws:execute-api:us-east-1:000000000000:*",
        )
        return name

    def _node(self) -> str:
        found = [each for each in sorted(self._runtimes) if each.startswith("nodejs")]
        if not found:
            pytest.skip("Node.js is not here")
        return found[-1]


def package_of(app: str, packages: Path) -> bytes:
    """The app with the packages, as `pip install --target` or `npm ci`, and `zip`, make it."""
    buffer = io.BytesIO()
    below = Path("node_modules") if packages == NODE else Path()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        (source,) = APPS.glob(f"{app}_app.*")
        archive.write(source, source.name)
        for path in packages.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, below / path.relative_to(packages))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def apps(platform: "Platform") -> Apps:
    return Apps(platform)


def ask(platform: "Platform", host: str, method: str, path: str, **more: Any) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(platform.endpoint).port, timeout=60)
    connection.request(method, path, headers={"Host": host, **more.pop("headers", {})}, **more)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("payload_format", ["1.0", "2.0"])
@pytest.mark.parametrize("app", ["fastapi", "flask", "express"])
def test_an_app_answers_as_it_does_on_a_server_of_its_own(
    platform: "Platform", apps: Apps, app: str, payload_format: str
) -> None:
    api = platform.client("apigatewayv2")
    made = api.create_api(Name=f"{app} {payload_format}", ProtocolType="HTTP")["ApiId"]
    integration = api.create_integration(
        ApiId=made,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:us-east-1:000000000000:function:{apps.function(app)}",
        PayloadFormatVersion=payload_format,
    )["IntegrationId"]
    api.create_route(ApiId=made, RouteKey="ANY /{proxy+}", Target=f"integrations/{integration}")
    api.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    host = f"{made}.execute-api.us-east-1.localhost:{urlsplit(platform.endpoint).port}"

    check(platform, host, "")


@pytest.mark.parametrize("app", ["fastapi", "flask", "express"])
def test_an_app_answers_so_behind_a_rest_api_too(platform: "Platform", apps: Apps, app: str) -> None:
    api = platform.client("apigateway")
    made = api.create_rest_api(name=app, binaryMediaTypes=["image/*", "application/octet-stream"])
    resource = api.create_resource(restApiId=made["id"], parentId=made["rootResourceId"], pathPart="{proxy+}")["id"]
    name = {"restApiId": made["id"], "resourceId": resource, "httpMethod": "ANY"}
    api.put_method(**name, authorizationType="NONE")
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{apps.function(app)}"
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
    answer, body = ask(
        platform, host, "PUT", base + "/echo", body=BINARY, headers={"Content-Type": "image/png", "Accept": "image/png"}
    )
    assert (answer.status, body) == (200, BINARY)
    answer, _ = ask(platform, host, "GET", base + "/away")
    assert (answer.status, answer.getheader("location")) == (303, "/pets/1")
    assert ask(platform, host, "GET", base + "/nowhere")[0].status == 404
