"""Route selection expressions: what messages ask for.

Source: API Gateway Developer Guide, "WebSocket selection expressions in API Gateway".
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.selection import Sources, selector_of

MESSAGE = '{"action": "join", "service": {"name": "chat", "v": 2, "on": true, "list": []}}'


def chosen(expression: str, message: str = MESSAGE) -> str | None:
    return selector_of(expression)(Sources(message, {"x-route": "by-header"}, {"q": "by-query"}))


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("$request.body.action", "join"),
        ("${request.body.action}", "join"),
        ("$request.body.service.name", "chat"),
        ("${request.body.service.name}/${request.body.action}", "chat/join"),
        ("v${request.body.service.v}", "v2"),
        ("$request.body.service.on", "true"),
        ("$request.body.service", None),
        ("$request.body.service.list", None),
        ("$request.body.nothing.more", None),
        ("${request.body.action}/${request.body.nothing}", None),
        ("$request.header.X-Route", "by-header"),
        ("$request.querystring.q", "by-query"),
    ],
)
def test_an_expression_finds_its_key(expression: str, key: str | None) -> None:
    assert chosen(expression) == key


@pytest.mark.parametrize("message", ["", "no json", "[1]", "7", '"action"', "{" * 5000])
def test_a_message_that_is_no_object_asks_for_nothing(message: str) -> None:
    assert chosen("$request.body.action", message) is None


@pytest.mark.parametrize(
    "expression",
    ["", "action", "$request.method $request.path", "$request.body", "${request.body.}", "$x${request.body.a}"],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="route selection expression"):
        selector_of(expression)


@given(expression=st.text(alphabet="$request.body{}x/ ", max_size=40), message=st.text(max_size=40))
@settings(max_examples=100)
def test_any_text_is_an_expression_or_refused(expression: str, message: str) -> None:
    try:
        selector = selector_of(expression)
    except ValueError:
        return
    assert selector(Sources(message, {}, {})) is None or message
