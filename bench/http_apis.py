"""HTTP APIs under load: a Lambda proxy behind a route, plain, and with a throttle and an access log in front of it.

    .venv/bin/python bench/http_apis.py [--seconds 5]

The promise is 4,000 requests a second on two cores, load generator, policy, sandbox, logs and metering included. The
same function's URL in the same run is what to compare it with. CPU is that of the edge, a request.
"""

import json
from typing import Any

from command import how_many, parser, run
from lambent.cli.access import client
from lambent.cli.server import Server, temporary_server
from load import require_wrk
from urls import Urls

ACCOUNT = "000000000000"
GUARDS = {
    "AccessLogSettings": {
        "DestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:apis",
        "Format": '{"id":"$context.requestId","status":"$context.status","ms":"$context.responseLatency"}',
    },
    "DefaultRouteSettings": {"ThrottlingRateLimit": 1e6, "ThrottlingBurstLimit": 1_000_000},
}


def make_api(server: Server, function: str, **settings: Any) -> str:
    """The host of an HTTP API with one route to that function."""
    api = client(server.access, "apigatewayv2")
    made = api.create_api(Name="bench", ProtocolType="HTTP")["ApiId"]
    integration = api.create_integration(
        ApiId=made,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    api.create_route(ApiId=made, RouteKey="POST /{name}", Target=f"integrations/{integration}")
    api.create_stage(ApiId=made, StageName="$default", AutoDeploy=True, **settings)
    client(server.access, "lambda").add_permission(
        FunctionName=function,
        StatementId=made,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{made}/*/*/{{name}}",
    )
    return f"{made}.execute-api.us-east-1.localhost"


def measure_http_apis(seconds: int = 5) -> dict[str, Any]:
    """All of it."""
    with temporary_server(["--log-level", "error"]) as server:
        urls = Urls(server)
        found: dict[str, Any] = {"url": urls.load(urls.make("api", "BUFFERED"), 16, seconds)}
        host = make_api(server, "api")
        found |= {str(count): urls.load(host, count, seconds) for count in (1, 16, 64)}
        client(server.access, "logs").create_log_group(logGroupName="apis")
        return found | {"guarded": urls.load(make_api(server, "api", **GUARDS), 16, seconds)}


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5)
    arguments = flags.parse_args()
    require_wrk()
    print(json.dumps(measure_http_apis(arguments.seconds), indent=1))


if __name__ == "__main__":
    run(main)
