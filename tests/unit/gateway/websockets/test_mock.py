"""MOCK integrations: a status by one template, a body by another.

Source: API Gateway Developer Guide, "Set up a WebSocket API integration response".
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.websockets.answer import Failed
from lambent.gateway.websockets.mock import mocked
from lambent.model.apis import MockResponse, MockTarget

OK = '{"statusCode": 200}'


def event(body: str = "") -> dict[str, Any]:
    return {"requestContext": {"connectionId": "c1", "requestId": "r1"}, "stageVariables": {"v": "1"}, "body": body}


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        (MockTarget({"200": OK}), "", 200),
        (MockTarget({"200": OK, "$default": '{"statusCode": 400}'}, "200"), "", 200),
        (MockTarget({"200": OK, "$default": '{"statusCode": 400}'}, "\\$default"), "", 400),
        (MockTarget({"a": OK, "b": '{"statusCode": 404}'}, "$request.body.kind"), '{"kind": "b"}', 404),
        (MockTarget({"x": "#set($s = $input.path('$.s')){\"statusCode\": $s}"}), '{"s": 201}', 201),
    ],
)
def test_the_template_says_the_status(target: MockTarget, body: str, status: int) -> None:
    assert mocked(target, event(body)).status == status


@pytest.mark.parametrize(("status", "body"), [(200, b"fine"), (404, b"c1 1"), (500, b"c1 1")])
def test_the_response_for_the_status_says_the_body(status: int, body: bytes) -> None:
    responses = (
        MockResponse("$default", {"t": "$context.connectionId $stageVariables.v"}),
        MockResponse("/2\\d\\d/", {"t": "fine"}),
    )
    target = MockTarget({"t": f'{{"statusCode": {status}}}'}, responses=responses)
    assert mocked(target, event()).body == body


def test_without_a_response_nothing_is_said() -> None:
    assert mocked(MockTarget({"t": OK}), event()).body == b""


@given(template=st.text(max_size=30) | st.text(alphabet='${}#"statusCode: 20input.path()', max_size=40))
@settings(max_examples=80)
def test_any_template_is_a_status_or_a_failure(template: str) -> None:
    try:
        status = mocked(MockTarget({"t": template}), event()).status
    except Failed as failed:
        status = failed.status
    assert 200 <= status <= 599
