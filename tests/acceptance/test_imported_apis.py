"""An OpenAPI document of a public API, from a package's own examples, imports and serves, and no fuzzer finds a 500.

Sources: API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs"; the documents are those that
openapi-spec-validator measures itself with; schemathesis makes the requests.
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

FUZZ = Path(__file__).parents[2] / "build" / "fuzz"
PETS = "tests/bench/specs/petstore-v3.yaml"
SOURCE = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "[]"}
"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The pet store of the OpenAPI Initiative."""
    if not (FUZZ / ".installed").exists():
        pytest.skip("the fuzzer and its documents are not here: make test fetches them")
    (source,) = FUZZ.glob("openapi_spec_validator-*.tar.gz")
    with tarfile.open(source) as archive:
        file = archive.extractfile(f"{source.name.removesuffix('.tar.gz')}/{PETS}")
        assert file is not None
        found: dict[str, Any] = yaml.safe_load(file.read())
    return found


def test_a_public_document_imports_and_serves_and_survives_a_fuzzer(
    platform: "Platform", document: dict[str, Any], tmp_path: Path
) -> None:
    name = platform.create(SOURCE)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    platform.client("lambda").add_permission(
        FunctionName=name, StatementId="apis", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": arn, "payloadFormatVersion": "2.0"}
    for path in document["paths"].values():
        for told in path.values():
            told["x-amazon-apigateway-integration"] = integration
    place = tmp_path / "pets.yaml"
    place.write_text(yaml.safe_dump(document))
    made = platform.aws("apigatewayv2", "import-api", "--body", f"file://{place}", "--fail-on-warnings")
    routes = platform.aws("apigatewayv2", "get-routes", "--api-id", made["ApiId"])["Items"]
    assert {route["RouteKey"] for route in routes} == {"GET /pets", "POST /pets", "GET /pets/{petId}"}
    platform.aws("apigatewayv2", "create-stage", "--api-id", made["ApiId"], "--stage-name", "$default", "--auto-deploy")
    exported = tmp_path / "exported.json"
    words = ("--specification", "OAS30", "--output-type", "JSON", str(exported))
    platform.command(platform.bin / "aws", "apigatewayv2", "export-api", "--api-id", made["ApiId"], *words)
    assert set(json.loads(exported.read_text())["paths"]) == {"/pets", "/pets/{petId}"}

    fuzz(f"{platform.endpoint}/_aws/execute-api/{made['ApiId']}", place)


def test_a_rest_api_of_the_same_document_survives_it_too(
    platform: "Platform", document: dict[str, Any], tmp_path: Path
) -> None:
    name = platform.create(SOURCE)
    platform.client("lambda").add_permission(
        FunctionName=name, StatementId="apis", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    document = json.loads(json.dumps(document))
    document["x-amazon-apigateway-request-validators"] = {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    }
    document["x-amazon-apigateway-request-validator"] = "all"
    for path in document["paths"].values():
        for told in path.values():
            told["x-amazon-apigateway-integration"] = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    place = tmp_path / "pets.yaml"
    place.write_text(yaml.safe_dump(document))
    made = platform.aws("apigateway", "import-rest-api", "--body", f"fileb://{place}", "--fail-on-warnings")
    api = platform.client("apigateway")
    items = api.get_resources(restApiId=made["id"])["items"]
    found = {each["path"]: set(each.get("resourceMethods", {})) for each in items}
    assert found == {"/": set(), "/pets": {"GET", "POST"}, "/pets/{petId}": {"GET"}}
    api.create_deployment(restApiId=made["id"], stageName="prod")
    fuzz(f"{platform.endpoint}/_aws/execute-api/{made['id']}/prod", place)


def fuzz(url: str, document: Path) -> None:
    """Let a fuzzer look for answers that are our fault."""
    fuzzed = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", document, "--url", url,
            "--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--max-examples", "10",
            "--suppress-health-check", "all", "--seed", "7",
        ],
        env={**os.environ, "PYTHONPATH": str(FUZZ)}, cwd=document.parent, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert fuzzed.returncode == 0, fuzzed.stdout[-3000:] + fuzzed.stderr[-2000:]
