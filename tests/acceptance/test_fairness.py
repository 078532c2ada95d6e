"""One function's storm on a node that it fills does not starve another function. Issue 3, item 8; our own promise.

How long a request waits is told in invocations of the storm that are answered meanwhile: the same on every machine.
"""

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SLEEPER = """
import time
def handler(event, context):
    time.sleep(0.5)
    return 1
"""
QUICK = "def handler(event, context):\n    return 2\n"
COUNTER = "import time\ndef handler(event, context):\n    time.sleep(0.002)\n    return event\n"
ENVIRONMENTS = 6
CALLERS = 18


def test_a_storm_leaves_room_for_others(own_server: Callable[..., "Platform"], eventually: Callable[..., Any]) -> None:
    platform = own_server("--edges", "2", "--node-memory-mb", str(128 * ENVIRONMENTS))
    storm, quiet = platform.create(SLEEPER), platform.create(QUICK)
    stormy = platform.client("lambda", max_pool_connections=CALLERS)
    stopping = threading.Event()

    answered: list[int] = []

    def rage(_: int) -> None:
        while not stopping.is_set():
            with contextlib.suppress(stormy.exceptions.TooManyRequestsException):
                answered.append(json.loads(stormy.invoke(FunctionName=storm)["Payload"].read()))

    with ThreadPoolExecutor(CALLERS) as threads:
        callers = [threads.submit(rage, number) for number in range(CALLERS)]
        try:
            lambda_ = platform.client("lambda")
            eventually(lambda: len(answered) > CALLERS)  # the storm has the whole node
            passed_by = []
            for _ in range(10):
                before = len(answered)
                assert json.loads(lambda_.invoke(FunctionName=quiet)["Payload"].read()) == 2
                passed_by.append(len(answered) - before)
        finally:
            stopping.set()
    for caller in callers:
        caller.result()
    check_that_one_place_serves_all(platform)
    assert max(passed_by) <= 5 * ENVIRONMENTS, passed_by  # the first waits for one sleeper to be done
    assert sorted(passed_by)[5] <= ENVIRONMENTS, passed_by


def check_that_one_place_serves_all(platform: "Platform") -> None:
    """Eight connections, at whichever edges they are, share one environment by reservation. Nobody starves."""
    name = platform.create(COUNTER, Timeout=30)
    platform.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    answered = [0] * 8

    def ask(number: int) -> None:
        lambda_ = platform.client("lambda")
        while min(answered) < 20:
            with contextlib.suppress(lambda_.exceptions.TooManyRequestsException):
                assert json.loads(lambda_.invoke(FunctionName=name, Payload=str(number))["Payload"].read()) == number
                answered[number] += 1
                assert sum(answered) < 2_000, answered

    with ThreadPoolExecutor(len(answered)) as threads:
        for done in [threads.submit(ask, number) for number in range(len(answered))]:
            done.result()
