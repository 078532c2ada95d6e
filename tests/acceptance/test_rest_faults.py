"""A quota of a usage plan holds whatever is killed meanwhile, and what was deployed is served afterwards."""

import os
import signal
from collections.abc import Callable
from typing import Any

import httpx

from lambent.cli.access import read_status

KEY, LIMIT = "a-key-that-is-long-enough", 6


def make(platform: Any) -> str:
    """The path of an API whose one method needs a key."""
    api = platform.client("apigateway")
    made = api.create_rest_api(name="faults")
    name = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    api.put_method(**name, authorizationType="NONE", apiKeyRequired=True)
    api.put_integration(**name, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    api.put_method_response(**name, statusCode="200")
    api.put_integration_response(**name, statusCode="200")
    api.create_deployment(restApiId=made["id"], stageName="prod")
    key = api.create_api_key(value=KEY, enabled=True)["id"]
    stages = [{"apiId": made["id"], "stage": "prod"}]
    plan = api.create_usage_plan(name="p", apiStages=stages, quota={"limit": LIMIT, "period": "MONTH"})["id"]
    api.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return f"/restapis/{made['id']}/prod/_user_request_/"


def test_a_quota_holds_when_control_and_then_everything_is_killed(
    own_server: Callable[..., Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    platform = own_server()
    path = make(platform)

    def ask() -> int:
        return httpx.get(platform.endpoint + path, headers={"x-api-key": KEY}, timeout=30).status_code

    used = [ask(), ask()].count(200)
    os.kill(read_status(platform.server.access)["parts"]["control"]["pid"], signal.SIGKILL)
    eventually(lambda: ask() == 200)
    used += 1
    os.killpg(platform.server.process.pid, signal.SIGKILL)
    platform.server.process.wait()
    platform = own_server()
    answers = [ask() for _ in range(LIMIT)]
    assert answers == [200] * (LIMIT - used) + [429] * used
