"""REST APIs without a platform: PATCH, resources, deployments, stages, usage plans; the clock in hand.

Sources: API Gateway API Reference, the pages of each operation and "Patch operations"; Developer Guide, "Usage plans".
"""

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.model.rest_api import KeyUse
from lambent.services.apigateway import apis, integrations, methods, patch, plan_rules, stage_rules, usage

if TYPE_CHECKING:
    from tests.unit.services.apigateway.conftest import House

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
MOCK = {"application/json": '{"statusCode": 200}'}


def change(op: str, path: str, value: str = "", source: str = "") -> dict[str, str]:
    return {"op": op, "path": path, "value": value} | ({"from": source} if source else {})


@pytest.mark.parametrize(
    ("rules", "before", "operation", "after"),
    [
        (apis.RULES, {"name": "a"}, change("replace", "/name", "b"), {"name": "b"}),
        (apis.RULES, {}, change("add", "/binaryMediaTypes/image~1png"), {"binaryMediaTypes": ["image/png"]}),
        (methods.RULES, {}, change("replace", "/apiKeyRequired", "true"), {"apiKeyRequired": True}),
        (
            methods.RULES,
            {"requestParameters": {"a": True}},
            change("remove", "/requestParameters/a"),
            {"requestParameters": {}},
        ),
        (
            integrations.RULES,
            {"requestTemplates": {}},
            change("add", "/requestTemplates/application~1json", "x"),
            {"requestTemplates": {"application/json": "x"}},
        ),
        (stage_rules.RULES, {}, change("replace", "/variables/a", "1"), {"variables": {"a": "1"}}),
        (
            stage_rules.RULES,
            {"canarySettings": {"deploymentId": "d"}, "deploymentId": "c"},
            change("copy", "/deploymentId", source="/canarySettings/deploymentId"),
            {"canarySettings": {"deploymentId": "d"}, "deploymentId": "d"},
        ),
        (
            stage_rules.RULES,
            {},
            change("replace", "/~1pets~1{id}/GET/throttling/rateLimit", "5"),
            {"methodSettings": {"~1pets~1{id}/GET": stage_rules.USUAL | {"throttlingRateLimit": 5.0}}},
        ),
        (
            plan_rules.RULES,
            {"apiStages": []},
            change("add", "/apiStages", "api:prod"),
            {"apiStages": [{"apiId": "api", "stage": "prod"}]},
        ),
        (plan_rules.RULES, {"quota": {"limit": 1}}, change("remove", "/quota"), {}),
    ],
)
def test_a_patch_changes_what_its_path_names(rules: Any, before: Any, operation: Any, after: Any) -> None:
    kept = json.dumps(before)
    assert patch.patched(before, [operation], rules) == after
    assert json.dumps(before) == kept


@pytest.mark.parametrize(
    ("rules", "operation"),
    [
        (apis.RULES, change("replace", "/id", "x")),
        (apis.RULES, change("move", "/name", "x")),
        (apis.RULES, change("replace", "/disableExecuteApiEndpoint", "perhaps")),
        (methods.RULES, change("remove", "/requestParameters/none")),
        (stage_rules.RULES, change("replace", "/*/*/throttling/burstLimit", "many")),
        (stage_rules.RULES, change("replace", "/*/*/nonsense/x", "1")),
        (stage_rules.RULES, change("replace", "/*/*/logging/loglevel", "INFO")),
        (stage_rules.RULES, change("replace", "/tracingEnabled", "true")),
        (stage_rules.RULES, change("copy", "/variables", source="/description")),
        (plan_rules.RULES, change("add", "/apiStages", "nonsense")),
        (plan_rules.RULES, change("replace", "/apiStages/a:b/throttle/~1x/GET/rateLimit", "1")),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(rules: Any, operation: Any) -> None:
    with pytest.raises(ServiceError):
        patch.patched({"apiStages": []}, [operation], rules)


@settings(max_examples=60)
@given(
    st.sampled_from([apis.RULES, methods.RULES, integrations.RULES, stage_rules.RULES, plan_rules.RULES]),
    st.sampled_from(["add", "remove", "replace", "copy", "move", "test", ""]),
    st.lists(st.sampled_from(["variables", "*", "a", "throttle", "rateLimit", "", "~1x", "apiStages"]), max_size=6),
    st.text(max_size=8),
)
def test_any_patch_is_carried_out_or_refused(rules: Any, op: str, path: list[str], value: str) -> None:
    with contextlib.suppress(ServiceError):
        patch.patched({"apiStages": []}, [{"op": op, "path": "/" + "/".join(path), "value": value}], rules)


async def test_resources_have_whole_paths_and_one_variable_among_siblings(house: "House") -> None:
    pets = await house.ask("CreateResource", restApiId=house.api, parentId=house.root, pathPart="pets")
    one = await house.ask("CreateResource", restApiId=house.api, parentId=pets["id"], pathPart="{id}")
    assert one["path"] == "/pets/{id}"
    at = {"restApiId": house.api, "parentId": pets["id"]}
    assert (await house.refused("CreateResource", **at, pathPart="{other}"))[0] == "BadRequestException"
    assert (await house.refused("CreateResource", **at, pathPart="{id}"))[0] == "ConflictException"
    assert (await house.refused("CreateResource", **at, pathPart="a b"))[0] == "BadRequestException"
    rename = [change("replace", "/pathPart", "animals")]
    await house.ask("UpdateResource", restApiId=house.api, resourceId=pets["id"], patchOperations=rename)
    shown = await house.ask("GetResource", restApiId=house.api, resourceId=one["id"])
    assert shown["path"] == "/animals/{id}"
    await house.ask("DeleteResource", restApiId=house.api, resourceId=pets["id"])
    assert [each["path"] for each in (await house.ask("GetResources", restApiId=house.api))["items"]] == ["/"]


async def test_accounts_share_nothing(house: "House") -> None:
    with pytest.raises(ServiceError, match="Invalid API identifier"):
        await house.ask("GetRestApi", account=OTHER, restApiId=house.api)
    assert (await house.ask("GetRestApis", account=OTHER))["items"] == []


async def test_a_stage_serves_what_was_deployed_and_edges_are_told_first(house: "House") -> None:
    await house.mock()
    assert house.told == [house.api]
    served = await house.service.serving.api(house.api)
    assert served is not None
    before = served.stages["prod"].document
    await house.ask("CreateResource", restApiId=house.api, parentId=house.root, pathPart="later")
    again = await house.service.serving.api(house.api)
    assert again is not None
    assert again.stages["prod"].document == before
    code, _ = await house.refused("DeleteDeployment", restApiId=house.api, deploymentId=house.deployment)
    assert code == "BadRequestException"
    await house.ask("DeleteStage", restApiId=house.api, stageName="prod")
    await house.ask("DeleteDeployment", restApiId=house.api, deploymentId=house.deployment)
    assert len(house.told) == 2


async def test_a_canary_has_its_own_deployment_and_is_promoted_by_copies(house: "House") -> None:
    await house.mock()
    canary = {"percentTraffic": 25.0, "stageVariableOverrides": {"a": "2"}}
    new = await house.ask("CreateDeployment", restApiId=house.api, stageName="prod", canarySettings=canary)
    served = await house.service.serving.api(house.api)
    assert served is not None
    stage = served.stages["prod"]
    assert stage.canary is not None
    assert (stage.deployment_id, stage.canary.deployment_id) == (house.deployment, new["id"])
    assert (stage.canary.percent, stage.canary.variables) == (25.0, {"a": "2"})
    promote = [
        change("copy", "/deploymentId", source="/canarySettings/deploymentId"),
        change("copy", "/variables", source="/canarySettings/stageVariableOverrides"),
        change("remove", "/canarySettings"),
    ]
    shown = await house.ask("UpdateStage", restApiId=house.api, stageName="prod", patchOperations=promote)
    assert (shown["deploymentId"], shown["variables"]) == (new["id"], {"a": "2"})
    assert "canarySettings" not in shown


async def test_a_canary_without_overrides_is_promoted_by_the_same_operations(house: "House") -> None:
    await house.mock()
    new = await house.ask("CreateDeployment", restApiId=house.api)
    begun = [
        change("replace", "/canarySettings/percentTraffic", "10"),
        change("replace", "/canarySettings/deploymentId", new["id"]),
    ]
    stage = {"restApiId": house.api, "stageName": "prod"}
    await house.ask("UpdateStage", **stage, patchOperations=begun)
    promotion = [
        change("copy", "/deploymentId", source="/canarySettings/deploymentId"),
        change("copy", "/variables", source="/canarySettings/stageVariableOverrides"),
        change("remove", "/canarySettings"),
    ]
    shown = await house.ask("UpdateStage", **stage, patchOperations=promotion)
    assert (shown["deploymentId"], shown["variables"], "canarySettings" in shown) == (new["id"], {}, False)
    assert (await house.refused("UpdateStage", **stage, patchOperations=promotion[1:2]))[0] == "BadRequestException"


async def test_a_server_s_certificate_is_always_verified(house: "House") -> None:
    name = {"restApiId": house.api, "resourceId": house.root, "httpMethod": "GET"}
    await house.mock()
    told = [change("replace", "/tlsConfig/insecureSkipVerification", "false")]
    shown = await house.ask("UpdateIntegration", **name, patchOperations=told)
    assert shown["tlsConfig"] == {"insecureSkipVerification": False}
    told = [change("replace", "/tlsConfig/insecureSkipVerification", "true")]
    assert (await house.refused("UpdateIntegration", **name, patchOperations=told))[0] == "NotImplemented"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"type": "NONSENSE"}, "BadRequestException"),
        ({"type": "AWS_PROXY", "uri": "x", "integrationHttpMethod": "POST"}, "BadRequestException"),
        ({"type": "AWS_PROXY", "uri": URI, "integrationHttpMethod": "GET"}, "BadRequestException"),
        ({"type": "AWS_PROXY", "uri": URI}, "BadRequestException"),
        ({"type": "MOCK", "timeoutInMillis": 40_000}, "BadRequestException"),
        ({"type": "MOCK", "requestParameters": {"integration.request.header.X": "nonsense"}}, "BadRequestException"),
        ({"type": "MOCK", "requestTemplates": {"application/json": "#if("}}, "BadRequestException"),
        ({"type": "MOCK", "connectionType": "VPC_LINK", "connectionId": "x"}, "NotImplemented"),
    ],
)
async def test_an_integration_that_cannot_run_is_refused(house: "House", options: dict[str, Any], code: str) -> None:
    name = {"restApiId": house.api, "resourceId": house.root, "httpMethod": "GET"}
    await house.ask("PutMethod", **name, authorizationType="NONE")
    assert (await house.refused("PutIntegration", **name, **options))[0] == code
    assert (await house.refused("GetIntegration", **name))[0] == "NotFoundException"


async def planned(house: "House", **options: Any) -> tuple[str, str, KeyUse]:
    await house.mock()
    key = (await house.ask("CreateApiKey", value="x" * 20, enabled=True))["id"]
    stages = [{"apiId": house.api, "stage": "prod"}]
    plan = (await house.ask("CreateUsagePlan", name="p", apiStages=stages, **options))["id"]
    await house.ask("CreateUsagePlanKey", usagePlanId=plan, keyId=key, keyType="API_KEY")
    return key, plan, KeyUse(ACCOUNT, REGION, house.api, "prod", "//GET", "x" * 20)


async def test_a_quota_holds_for_its_period_and_begins_anew(house: "House") -> None:
    _, plan, use = await planned(house, quota={"limit": 2, "period": "DAY", "offset": 1})
    assert [(await house.service.usage.spend(use)).refusal for _ in range(2)] == ["", "QUOTA_EXCEEDED"]
    await house.clock.advance(86_400)
    told = [(await house.service.usage.spend(use)).refusal for _ in range(3)]
    assert told == ["", "", "QUOTA_EXCEEDED"]
    shown = await house.ask("GetUsage", usagePlanId=plan, startDate="2023-11-14", endDate="2023-11-15")
    assert list(shown["items"].values()) == [[[1, 0], [2, 0]]]


async def test_a_plan_s_throttle_refills_with_time(house: "House") -> None:
    _, _, use = await planned(house, throttle={"rateLimit": 1.0, "burstLimit": 2})
    told = [(await house.service.usage.spend(use)).refusal for _ in range(3)]
    assert told == ["", "", "THROTTLED"]
    await house.clock.advance(1)
    assert (await house.service.usage.spend(use)).refusal == ""


async def test_a_key_leads_nowhere_when_it_is_off_or_of_no_plan(house: "House") -> None:
    key, plan, use = await planned(house)
    assert (await house.service.usage.spend(use)).key_id == key
    off = [change("replace", "/enabled", "false")]
    await house.ask("UpdateApiKey", apiKey=key, patchOperations=off)
    assert (await house.service.usage.spend(use)).refusal == "INVALID_API_KEY"
    await house.ask("UpdateApiKey", apiKey=key, patchOperations=[change("replace", "/enabled", "true")])
    await house.ask("DeleteUsagePlanKey", usagePlanId=plan, keyId=key)
    assert (await house.service.usage.spend(use)).refusal == "INVALID_API_KEY"


@pytest.mark.parametrize("path", ["/pets/{id}", "~1pets~1{id}"])
async def test_a_method_s_limit_in_a_plan_is_named_with_or_without_escapes(house: "House", path: str) -> None:
    """Terraform's provider writes the path of a resource as it is; the reference of UpdateUsagePlan escapes it."""
    _, plan, _ = await planned(house)
    way = f"/apiStages/{house.api}:prod/throttle/{path}/GET"
    operations = [change("replace", f"{way}/rateLimit", "5"), change("replace", f"{way}/burstLimit", "2")]
    shown = await house.ask("UpdateUsagePlan", usagePlanId=plan, patchOperations=operations)
    assert shown["apiStages"][0]["throttle"] == {"/pets/{id}/GET": {"rateLimit": 5.0, "burstLimit": 2}}
    shown = await house.ask("UpdateUsagePlan", usagePlanId=plan, patchOperations=[change("remove", way)])
    assert shown["apiStages"][0]["throttle"] == {}


async def test_a_policy_is_shown_as_a_part_of_a_json_string(house: "House") -> None:
    """The form of AWS's own answers, which Terraform's provider relies on."""
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{house.api}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    changed = await house.ask("UpdateRestApi", restApiId=house.api, patchOperations=[change("add", "/policy", policy)])
    shown = await house.ask("GetRestApi", restApiId=house.api)
    assert changed["policy"] == shown["policy"]
    assert shown["policy"].startswith('{\\"Version\\":')
    assert r"\/*" in shown["policy"]
    assert json.loads(json.loads(f'"{shown["policy"]}"')) == json.loads(policy)


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/pets/GET", {"~1pets/GET"}),
        ("/~1pets/GET", {"~1pets/GET"}),
        ("/*/*", {"*/*"}),
        ("/~1pets/ANY", {f"~1pets/{verb}" for verb in methods.VERBS}),
    ],
)
async def test_settings_of_a_method_hold_however_a_tool_writes_its_path(
    house: "House", path: str, served: set[str]
) -> None:
    await house.mock()
    limit = [change("replace", f"{path}/throttling/rateLimit", "5")]
    shown = await house.ask("UpdateStage", restApiId=house.api, stageName="prod", patchOperations=limit)
    assert list(shown["methodSettings"]) == [path[1:]]
    api = await house.service.serving.api(house.api)
    assert api is not None
    assert set(api.stages["prod"].settings) == served


@pytest.mark.parametrize("path", ["/*/GET", "/~1pets/*", "/~1pets/get"])
def test_settings_of_no_method_are_refused(path: str) -> None:
    with pytest.raises(ServiceError, match="Invalid method setting path"):
        patch.patched({}, [change("replace", f"{path}/throttling/rateLimit", "5")], stage_rules.RULES)


async def test_a_stage_that_goes_leaves_its_plans(house: "House") -> None:
    _, plan, use = await planned(house)
    await house.ask("DeleteStage", restApiId=house.api, stageName="prod")
    assert (await house.ask("GetUsagePlan", usagePlanId=plan))["apiStages"] == []
    assert (await house.service.usage.spend(use)).refusal == "INVALID_API_KEY"


def test_periods_begin_where_aws_begins_them() -> None:
    tuesday = 19_675  # 2023-11-14
    assert usage.period_start("DAY", tuesday) == tuesday
    assert usage.period_start("WEEK", tuesday) == tuesday - 2  # the Sunday before
    assert usage.period_start("MONTH", tuesday) == tuesday - 13
