"""REST APIs under load: a Lambda proxy behind a resource, plain, and a function behind mapping templates.

    .venv/bin/python bench/rest_apis.py [--seconds 5]

The promise is 3,000 requests a second through a Lambda proxy on two cores, load generator, policy, sandbox, logs and
metering included. With an API key every request is counted on disk before it goes on. CPU is that of the edge, a
request.
"""

import json
from typing import Any

from command import how_many, parser, run
from lambent.cli.access import client
from lambent.cli.server import Server, temporary_server
from load import require_wrk
from urls import Urls

ACCOUNT, STAGE = "000000000000", "prod"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
KEY = "a-key-that-is-long-enough"
REQUEST = """#set($b = $input.path('$'))
{"body": "{\\"name\\": \\"$b.name\\"}", "id": "$context.requestId", "a": "$input.params('a')"}"""


def make_api(server: Server, function: str, kind: str = "AWS_PROXY", *, key: bool = False) -> str:
    """The host of a REST API with one method that leads to that function."""
    api = client(server.access, "apigateway")
    made = api.create_rest_api(name="bench")
    at = {"restApiId": made["id"], "parentId": made["rootResourceId"], "pathPart": "{name}"}
    name = {"restApiId": made["id"], "resourceId": api.create_resource(**at)["id"], "httpMethod": "POST"}
    api.put_method(**name, authorizationType="NONE", apiKeyRequired=key)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}{function}/invocations"
    templates = {"requestTemplates": {"application/json": REQUEST}} if kind == "AWS" else {}
    api.put_integration(**name, type=kind, integrationHttpMethod="POST", uri=uri, **templates)
    if kind == "AWS":
        api.put_method_response(**name, statusCode="200")
        told = {"application/json": "$input.path('$.body')"}
        api.put_integration_response(**name, statusCode="200", responseTemplates=told)
    api.create_deployment(restApiId=made["id"], stageName=STAGE)
    client(server.access, "lambda").add_permission(
        FunctionName=function,
        StatementId=made["id"],
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{made['id']}/*/*/{{name}}",
    )
    if key:
        add_key(api, made["id"])
    return f"{made['id']}.execute-api.us-east-1.localhost"


def add_key(api: Any, api_id: str) -> None:
    """A key whose plan has a quota that nobody uses up."""
    key_id = api.create_api_key(value=KEY, enabled=True)["id"]
    stages = [{"apiId": api_id, "stage": STAGE}]
    plan = api.create_usage_plan(name="p", apiStages=stages, quota={"limit": 2_000_000_000, "period": "MONTH"})["id"]
    api.create_usage_plan_key(usagePlanId=plan, keyId=key_id, keyType="API_KEY")


def measure_rest_apis(seconds: int = 5) -> dict[str, Any]:
    """All of it."""
    path = f"/{STAGE}/hello?a=1"
    with temporary_server(["--log-level", "error"]) as server:
        urls = Urls(server)
        found: dict[str, Any] = {"url": urls.load(urls.make("api", "BUFFERED"), 16, seconds)}
        host = make_api(server, "api")
        found |= {str(count): urls.load(host, count, seconds, path) for count in (1, 16, 64)}
        found["mapped"] = urls.load(make_api(server, "api", "AWS"), 16, seconds, path)
        keyed = make_api(server, "api", key=True)
        return found | {"keyed": urls.load(keyed, 16, seconds, path, {"x-api-key": KEY})}


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5)
    arguments = flags.parse_args()
    require_wrk()
    print(json.dumps(measure_rest_apis(arguments.seconds), indent=1))


if __name__ == "__main__":
    run(main)
