"""What happens to APIs of each kind, as CloudWatch and access logs tell it.

Sources: API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics", "Monitor CloudWatch metrics for HTTP
APIs", "Monitor WebSocket API execution with CloudWatch metrics", "Variables for access logging for API Gateway".
"""

import http.client
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform


def call(platform: "Platform", path: str) -> int:
    """The status of a request to `path` of the endpoint."""
    address = urlsplit(platform.endpoint)
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.fixture
def counted(platform: "Platform") -> Callable[..., dict[str, tuple[float, float]]]:
    """Sum and count of metrics of APIs in the last hour, by their names."""
    cloudwatch = platform.client("cloudwatch")

    def ask(names: list[str], **dimensions: str) -> dict[str, tuple[float, float]]:
        now, found = datetime.now(UTC), {}
        for name in names:
            points = cloudwatch.get_metric_statistics(
                Namespace="AWS/ApiGateway",
                MetricName=name,
                Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
                StartTime=now - timedelta(minutes=30),
                EndTime=now + timedelta(minutes=30),
                Period=3600,
                Statistics=["Sum", "SampleCount"],
            )["Datapoints"]
            found[name] = (sum(each["Sum"] for each in points), sum(each["SampleCount"] for each in points))
        return found

    return ask


def test_requests_to_an_http_api_are_counted(
    platform: "Platform", counted: Callable[..., Any], eventually: Any
) -> None:
    v2 = platform.client("apigatewayv2")
    api_id = v2.create_api(Name="counted", ProtocolType="HTTP")["ApiId"]
    nobody = f"arn:aws:lambda:us-east-1:{'0' * 12}:function:nobody"
    integration = v2.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=nobody, PayloadFormatVersion="2.0"
    )
    v2.create_route(ApiId=api_id, RouteKey="GET /it", Target=f"integrations/{integration['IntegrationId']}")
    v2.create_stage(
        ApiId=api_id, StageName="s", AutoDeploy=True, RouteSettings={"GET /it": {"DetailedMetricsEnabled": True}}
    )
    base = f"/_aws/execute-api/{api_id}/s"
    assert [call(platform, base + path) for path in ("/it", "/it", "/nothing")] == [500, 500, 404]
    wanted = {"Count": (3, 3), "4xx": (1, 3), "5xx": (2, 3)}
    names = list(wanted)
    eventually(lambda: counted(names, ApiId=api_id) == wanted)
    eventually(lambda: counted(names, ApiId=api_id, Stage="s") == wanted)
    route = {"ApiId": api_id, "Method": "GET", "Resource": "/it", "Stage": "s"}
    eventually(lambda: counted(names, **route) == {"Count": (2, 2), "4xx": (0, 2), "5xx": (2, 2)})
    latency = counted(["Latency", "IntegrationLatency"], ApiId=api_id)
    assert (latency["Latency"][1], latency["IntegrationLatency"][1]) == (3, 2)
    v2.delete_api(ApiId=api_id)


def test_requests_to_a_rest_api_are_counted(platform: "Platform", counted: Callable[..., Any], eventually: Any) -> None:
    v1 = platform.client("apigateway")
    api = v1.create_rest_api(name="counted-by-name")
    where = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    v1.put_method(**where, authorizationType="NONE")
    v1.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    v1.put_method_response(**where, statusCode="200")
    v1.put_integration_response(**where, statusCode="200")
    v1.create_deployment(restApiId=api["id"], stageName="s")
    change = {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}
    settings = v1.update_stage(restApiId=api["id"], stageName="s", patchOperations=[change])["methodSettings"]
    assert settings["*/*"]["metricsEnabled"] is True
    base = f"/restapis/{api['id']}/s/_user_request_"
    assert [call(platform, base + path) for path in ("/", "/nothing")] == [200, 403]
    wanted = {"Count": (2, 2), "4XXError": (1, 2), "5XXError": (0, 2)}
    names = list(wanted)
    eventually(lambda: counted(names, ApiName="counted-by-name") == wanted)
    eventually(lambda: counted(names, ApiName="counted-by-name", Stage="s") == wanted)
    method = {"ApiName": "counted-by-name", "Method": "GET", "Resource": "/", "Stage": "s"}
    eventually(lambda: counted(["Count"], **method) == {"Count": (1, 1)})
    v1.delete_rest_api(restApiId=api["id"])


def test_events_of_a_websocket_api_are_counted_and_logged(
    platform: "Platform", counted: Callable[..., Any], eventually: Any
) -> None:
    v2 = platform.client("apigatewayv2")
    made = v2.create_api(Name="counted", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    api_id, group = made["ApiId"], f"/ws/{made['ApiId']}"
    templates = {"200": '{"statusCode": 200}'}
    integration = v2.create_integration(ApiId=api_id, IntegrationType="MOCK", RequestTemplates=templates,
                                        TemplateSelectionExpression="200")["IntegrationId"]  # fmt: skip
    for key in ("$connect", "say"):
        v2.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integration}")
    platform.client("logs").create_log_group(logGroupName=group)
    line = {"id": "$context.requestId", "type": "$context.eventType", "key": "$context.routeKey",
            "status": "$context.status", "error": "$context.error.message"}  # fmt: skip
    settings = {
        "DestinationArn": f"arn:aws:logs:us-east-1:{'0' * 12}:log-group:{group}",
        "Format": json.dumps(line),
    }
    v2.create_stage(ApiId=api_id, StageName="s", AutoDeploy=True, AccessLogSettings=settings)
    address = f"ws://127.0.0.1:{urlsplit(platform.endpoint).port}/_aws/execute-api/{api_id}/s"
    with connect(address, proxy=None) as client:
        client.send('{"action": "say"}')
        client.send("what")
        assert json.loads(client.recv(timeout=30))["message"] == "Forbidden"
    wanted = {"ConnectCount": 1, "MessageCount": 2, "ClientError": 1, "ExecutionError": 0, "IntegrationError": 0}

    def sums() -> dict[str, float]:
        return {name: total for name, (total, _) in counted(list(wanted), ApiId=api_id, Stage="s").items()}

    eventually(lambda: sums() == wanted)
    rows = {("CONNECT", "$connect", "200", "-"), ("MESSAGE", "say", "200", "-"), ("MESSAGE", "-", "403", "Forbidden")}

    def logged() -> set[tuple[str, ...]]:
        lines = [json.loads(text) for text in platform.logged(group)]
        return {(each["type"], each["key"], each["status"], each["error"]) for each in lines}

    eventually(lambda: logged() >= rows)
    v2.delete_api(ApiId=api_id)
    platform.client("logs").delete_log_group(logGroupName=group)
