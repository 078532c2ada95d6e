"""Which requests need no signature: those two links of SNS, and nothing that could mean something else."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.exchange import Exchange
from lambent.gateway.links import OpenLinks, region_of
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.protocol.wires import wire_for

TOPIC = "arn:aws:sns:eu-west-1:000000000000:t"
CONFIRM = urlencode({"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "a"})
ALLOWED = ("ConfirmSubscription", "Unsubscribe")
PARTS = ["Action=Unsubscribe", "Action=DeleteTopic", "action=Unsubscribe", "A%63tion=DeleteTopic", "Token=a"]


def request(query: str, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str) -> HttpRequest:
    return HttpRequest(method, path, query, list(headers.items()), body)


async def test_a_confirmation_is_forwarded_as_nobodys() -> None:
    asked: list[Forwarded] = []

    async def ask(forwarded: Forwarded) -> HttpResponse:
        asked.append(forwarded)
        return HttpResponse(200, [], b"")

    step = OpenLinks(ask)(Exchange(request(CONFIRM), "id", "127.0.0.1", lambda _: None, came_s=0.0))
    assert step is not None
    await step
    (forwarded,) = asked
    assert (forwarded.service, forwarded.region, forwarded.principal.account) == ("sns", "eu-west-1", "")


@pytest.mark.parametrize(
    "other",
    [
        request(CONFIRM, method="POST"),
        request(CONFIRM, path="/bucket"),
        request(CONFIRM, body=b"Action=DeleteTopic&TopicArn=" + TOPIC.encode()),
        request(CONFIRM, authorization="AWS4-HMAC-SHA256 Credential=..."),
        request(CONFIRM + "&X-Amz-Signature=a"),
        request(CONFIRM.replace("ConfirmSubscription", "DeleteTopic")),
        request("Action=ConfirmSubscription&TopicArn=t&Token=a"),
        request(""),
    ],
)
async def test_all_else_goes_on_to_authentication(other: HttpRequest) -> None:
    async def ask(forwarded: Forwarded) -> HttpResponse:
        raise AssertionError("it was let through")

    assert OpenLinks(ask)(Exchange(other, "id", "127.0.0.1", lambda _: None, came_s=0.0)) is None


@settings(max_examples=50)
@given(st.lists(st.sampled_from([*PARTS, CONFIRM, f"TopicArn={TOPIC}", f"SubscriptionArn={TOPIC}:a", "&", "=", "%"])))
def test_what_is_let_through_is_read_by_the_dispatcher_as_one_of_the_two(parts: list[str]) -> None:
    made = request("&".join(parts))
    if region_of(made) is not None:
        assert wire_for("sns", made).operation_of(made) in ALLOWED
