"""Throttles as callers get them. Source: Lambda service model (TooManyRequestsException, ThrottleReason)."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

WAITER = """
def handler(event, context):
    stand(event["gate"])
"""
SLEEPER = """
import time
def handler(event, context):
    time.sleep(0.3)
"""


def at_once(platform: "Platform", name: str, count: int) -> list[dict[str, Any]]:
    """The throttles among `count` invocations, none of which ends before all have begun or were turned away."""
    lambda_ = platform.client("lambda", max_pool_connections=count)

    def invoke(event: str) -> dict[str, Any] | None:
        try:
            assert "FunctionError" not in lambda_.invoke(FunctionName=name, Payload=event)
        except lambda_.exceptions.TooManyRequestsException as error:
            return dict(error.response)
        return None

    with ThreadPoolExecutor(count) as threads, platform.gate() as gate:
        calls = [threads.submit(invoke, json.dumps({"gate": gate.name})) for _ in range(count)]
        gate.meet(calls)
    return [answer for call in calls if (answer := call.result()) is not None]


def test_the_pace_of_scaling_and_the_account_and_a_reservation_throttle(own_server: Callable[..., "Platform"]) -> None:
    platform = own_server(
        "--edges", "2", "--scaling-pace", "2", "--quotas-account-concurrency", "10", "--quotas-unreserved-minimum", "5"
    )
    lambda_, name = platform.client("lambda"), platform.create_gated(WAITER)
    throttles = at_once(platform, name, 9)
    assert {each["Reason"] for each in throttles} == {"ConcurrentInvocationLimitExceeded"}
    assert 4 <= len(throttles) <= 7, "one more for every five seconds that the requests needed to come in"
    (metadata, error) = (throttles[0]["ResponseMetadata"], throttles[0]["Error"])
    assert (metadata["HTTPStatusCode"], error["Code"], error["Message"]) == (
        429, "TooManyRequestsException", "Rate Exceeded.",
    )  # fmt: skip
    assert metadata["HTTPHeaders"]["retry-after"] == "1"

    name = platform.create_gated(WAITER)
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 8
    throttles = at_once(platform, name, 6)
    assert Counter(each["Reason"] for each in throttles) == {"ReservedFunctionConcurrentInvocationLimitExceeded": 4}
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert len(at_once(platform, name, 2)) == 2
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException):
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=6)
    lambda_.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in lambda_.get_function_concurrency(FunctionName=name)


def test_a_reservation_that_is_lowered_holds_for_a_function_that_is_never_idle(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    """Source: Lambda Developer Guide, "Configuring reserved concurrency for a function": the maximum, from then on."""
    lambda_, name = platform.client("lambda"), platform.create(SLEEPER)
    callers = [platform.client("lambda") for _ in range(6)]
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=len(callers))
    stopping = threading.Event()

    def rage(own: Any) -> None:
        while not stopping.is_set():
            with contextlib.suppress(own.exceptions.TooManyRequestsException):
                own.invoke(FunctionName=name)

    def count() -> int:
        there = json.loads(platform.lambent("status", "--format", "json").stdout)["environments"]
        return sum(each["function"]["name"] == name for each in there)

    with ThreadPoolExecutor(len(callers)) as threads:
        calls = [threads.submit(rage, own) for own in callers]
        try:
            eventually(lambda: count() > 1)
            lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
            eventually(lambda: count() == 1)
        finally:
            stopping.set()
    for call in calls:
        call.result()


def test_a_function_has_so_many_requests_a_second_for_each_unit_of_its_concurrency(
    own_server: Callable[..., "Platform"],
) -> None:
    platform = own_server("--edges", "2", "--requests-per-concurrency", "2")
    lambda_, name = platform.client("lambda"), platform.create("def handler(event, context):\n    return 1\n")
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    reasons = Counter[str]()
    begin_s, asked = time.monotonic(), 0
    while asked < 60 or (not reasons and asked < 1_000):  # where each takes half a second, none is too much
        asked += 1
        try:
            lambda_.invoke(FunctionName=name)
        except lambda_.exceptions.TooManyRequestsException as error:
            reasons[error.response["Reason"]] += 1
    passed, took_s = asked - reasons.total(), time.monotonic() - begin_s
    assert set(reasons) == {"ReservedFunctionInvocationRateLimitExceeded"}
    assert 2 <= passed <= 2 * (took_s + 1) + 1
