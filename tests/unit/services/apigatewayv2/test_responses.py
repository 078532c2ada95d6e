"""Route responses and integration responses: one resource below another, in one way.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Set up a route response for a WebSocket API" and
"Set up a WebSocket API integration response".
"""

from typing import Any

import pytest

from lambent.services.apigatewayv2.errors import BadRequest, Conflict, NotFound

from .conftest import OTHER, Desk

MOCK: dict[str, Any] = {"IntegrationType": "MOCK", "RequestTemplates": {"200": '{"statusCode": 200}'}}


async def parts(desk: Desk) -> tuple[str, dict[str, list[str]]]:
    """A WebSocket API with two owners of each kind."""
    made = await desk.call(
        "CreateApi", Name="w", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    api_id = str(made["ApiId"])
    routes = [(await desk.call("CreateRoute", ApiId=api_id, RouteKey=key))["RouteId"] for key in ("a", "b")]
    mocks = [(await desk.call("CreateIntegration", ApiId=api_id, **MOCK))["IntegrationId"] for _ in range(2)]
    return api_id, {"Route": routes, "Integration": mocks}


@pytest.mark.parametrize(
    ("owner", "change", "after"),
    [
        ("Route", {"RouteResponseKey": "$default"}, {"RouteResponseKey": "$default"}),
        (
            "Integration",
            {"ResponseTemplates": {"$default": "x"}},
            {"IntegrationResponseKey": "$default", "ResponseTemplates": {"$default": "x"}},
        ),
    ],
)
async def test_the_life_of_a_response(desk: Desk, owner: str, change: dict[str, Any], after: dict[str, Any]) -> None:
    api_id, owners = await parts(desk)
    kind = f"{owner}Response"
    one, other = ({"ApiId": api_id, f"{owner}Id": each} for each in owners[owner])
    made = await desk.call(f"Create{kind}", **one, **{f"{kind}Key": "$default"})
    assert set(made) == {f"{kind}Id", f"{kind}Key"}
    with pytest.raises(Conflict, match="already exists for this"):
        await desk.call(f"Create{kind}", **one, **{f"{kind}Key": "$default"})
    await desk.call(f"Create{kind}", **other, **{f"{kind}Key": "$default"})
    name = {f"{kind}Id": made[f"{kind}Id"]}
    assert await desk.call(f"Get{kind}", **one, **name) == made
    assert (await desk.call(f"Get{kind}s", **one))["Items"] == [made]
    changed = await desk.call(f"Update{kind}", **one, **name, **change)
    assert changed == {**name, **after} == await desk.call(f"Get{kind}", **one, **name)
    for operation in ("Get", "Update", "Delete"):
        with pytest.raises(NotFound):  # it is another's
            await desk.call(f"{operation}{kind}", **other, **name)
        with pytest.raises(NotFound):
            await desk.call(f"{operation}{kind}", OTHER, **one, **name)
    with pytest.raises(NotFound):
        await desk.call(f"Get{kind}s", ApiId=api_id, **{f"{owner}Id": "none"})
    await desk.call(f"Delete{kind}", **one, **name)
    assert (await desk.call(f"Get{kind}s", **one))["Items"] == []


async def test_what_has_no_effect_is_refused(desk: Desk) -> None:
    api_id, owners = await parts(desk)
    route = {"ApiId": api_id, "RouteId": owners["Route"][0]}
    mock = {"ApiId": api_id, "IntegrationId": owners["Integration"][0]}
    for name, request in (
        ("CreateRouteResponse", {**route, "RouteResponseKey": "other"}),
        ("CreateRouteResponse", {**route, "RouteResponseKey": "$default", "ResponseModels": {"a": "b"}}),
        ("CreateIntegrationResponse", {**mock, "IntegrationResponseKey": "text"}),
        ("CreateIntegrationResponse", {**mock, "IntegrationResponseKey": "/(/"}),
        (
            "CreateIntegrationResponse",
            {**mock, "IntegrationResponseKey": "$default", "ContentHandlingStrategy": "CONVERT_TO_TEXT"},
        ),
    ):
        with pytest.raises(BadRequest):
            await desk.call(name, **request)
    assert (await desk.call("GetRouteResponses", **route))["Items"] == []
    assert (await desk.call("GetIntegrationResponses", **mock))["Items"] == []
