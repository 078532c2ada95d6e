"""Invocations from end to end, in environments whose outcomes are scripted.

AWS behaviour from the behaviours sheet: section 8 (error bodies, hang-ups), 9 (throttles),
11 (init phase), 15 (log tail), 25 (billed duration).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import Outcome, OutcomeKind
from lambent.errors import ServiceError
from lambent.invocation.api import Limits
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.invocation.conftest import Gate, Lab

KEY = FunctionKey("000000000000", "us-east-1", "f")
SLEPT = Outcome(OutcomeKind.RESPONSE, 1_000_000, b'"slept"')


async def test_a_function_answers_with_its_own_bytes_and_its_version(lab: Lab) -> None:
    result = await lab.invoke(b'{"a":1}')
    assert (result.payload, result.executed_version, result.function_error) == (b'{"a":1}', "$LATEST", "")


async def test_the_next_invocation_meets_the_same_environment(lab: Lab) -> None:
    for _ in range(3):
        await lab.invoke()
    assert len(lab.leases) == 1
    assert [record.environment_id for record in lab.records] == ["e1"] * 3


async def test_the_most_recently_used_environment_is_taken_first(lab: Lab) -> None:
    gates = [lab.gate(SLEPT) for _ in range(2)]
    lab.answers = [[gates[0]], [gates[1]]]
    calls = [lab.begin(), lab.begin()]
    await lab.settle()
    gates[1].open()
    await lab.settle()
    gates[0].open()
    await asyncio.gather(*calls)
    await lab.invoke()
    assert lab.records[-1].environment_id == "e1"


async def test_the_first_record_has_the_start_in_it_and_the_next_has_not(lab: Lab) -> None:
    lab.inits = [Outcome(OutcomeKind.READY, 110_100)]
    lab.answers = [[Outcome(OutcomeKind.RESPONSE, 3_010, b"1"), Outcome(OutcomeKind.RESPONSE, 1_000, b"2")]]
    await lab.invoke()
    await lab.invoke()
    cold, warm = lab.records
    assert (cold.init_us, cold.duration_us, cold.billed_ms) == (110_100, 3_010, 114)
    assert cold.start is not None
    assert (cold.start.placement_us, cold.start.init_us) == (7, 110_100)
    assert (warm.init_us, warm.billed_ms, warm.start, warm.init_status) == (0, 1, None, "")
    assert (cold.log_stream, cold.max_memory_mb, cold.memory_mb) == ("stream of e1", 31, 128)
    assert lab.told_ready == ["e1"]


async def test_a_function_error_is_a_result_and_the_environment_lives_on(lab: Lab) -> None:
    body = b'{"errorType":"ValueError"}'
    lab.answers = [[Outcome(OutcomeKind.ERROR, 5, body, "ValueError")]]
    result = await lab.invoke()
    assert (result.payload, result.function_error, result.status) == (body, "Unhandled", "error")
    assert lab.records[0].error_type == ""  # REPORT does not name what a handler raises
    await lab.invoke()
    assert len(lab.leases) == 1


async def test_a_timeout_is_answered_as_on_aws_and_the_environment_never_used_again(lab: Lab) -> None:
    lab.answers = [[lab.gate(SLEPT)]]
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(3)
    result = await call
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id-1 Error: Task timed out after 3.00 seconds",
    }
    assert (result.function_error, result.status) == ("Unhandled", "timeout")
    assert (lab.records[0].duration_us, lab.records[0].status) == (3_000_000, "timeout")
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == lab.retired == ["e1"]
    await lab.invoke()
    assert lab.records[-1].environment_id == "e2"


@pytest.mark.parametrize(
    ("notice", "error_type", "text"),
    [
        (EnvironmentExit("e1", exit_status=0), "Runtime.ExitError", "Runtime exited without providing a reason"),
        (EnvironmentExit("e1", exit_status=3), "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        (EnvironmentExit("e1", signal=9), "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        (
            EnvironmentExit("e1", signal=11),
            "Runtime.ExitError",
            "Runtime exited with error: signal: segmentation fault",
        ),
        (
            EnvironmentExit("e1", signal=9, out_of_memory=True),
            "Runtime.OutOfMemory",
            "Runtime exited with error: signal: killed",
        ),
    ],
)
async def test_a_runtime_that_ends_is_answered_with_how(
    lab: Lab, notice: EnvironmentExit, error_type: str, text: str
) -> None:
    """Source: aws-lambda-runtime-interface-emulator, internal/lambda/rapid/handlers.go."""
    lab.answers = [[lab.gate(SLEPT)]]
    call = lab.begin()
    await lab.settle()
    lab.estate.exited(notice)
    body = json.loads((await call).payload)
    assert body == {"errorType": error_type, "errorMessage": f"RequestId: id-1 Error: {text}"}
    assert lab.records[0].error_type == error_type
    assert lab.records[0].max_memory_mb == (128 if notice.out_of_memory else 31)
    await lab.settle()
    assert len(lab.stopped) == 1


async def test_garbage_on_the_channel_ends_the_environment(lab: Lab) -> None:
    lab.answers = [[Outcome(OutcomeKind.GARBAGE, 5)]]
    result = await lab.invoke()
    assert json.loads(result.payload)["errorType"] == "Runtime.ExitError"
    await lab.settle()
    assert len(lab.stopped) == 1


async def test_a_response_that_is_too_large_costs_the_answer_but_not_the_environment(
    labs: Callable[..., Lab],
) -> None:
    """Source: behaviours sheet section 8 (recorded): the text names 6291556 bytes by default."""
    lab = labs(limits=Limits(response_bytes=10))
    result = await lab.invoke(b'"01234567890"')
    assert json.loads(result.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (10 bytes).",
    }
    await lab.invoke(b"1")
    assert len(lab.leases) == 1


async def test_a_lost_environment_is_the_platforms_fault(lab: Lab) -> None:
    lab.answers = [[lab.gate(SLEPT)]]
    call = lab.begin()
    await lab.settle()
    lab.estate.agent_lost()
    with pytest.raises(ServiceError) as caught:
        await call
    assert (caught.value.code, caught.value.status) == ("ServiceException", 500)
    assert lab.records[0].status == "failure"


async def test_a_failed_init_is_the_answer_of_the_invocation_that_wanted_it(lab: Lab) -> None:
    body = b'{"errorMessage":"Unable to import module","errorType":"Runtime.ImportModuleError","requestId":""}'
    lab.inits = [Outcome(OutcomeKind.ERROR, 40_000, body, "Runtime.ImportModuleError")]
    result = await lab.invoke()
    assert (result.payload, result.function_error) == (body, "Unhandled")
    record = lab.records[0]
    assert (record.init_status, record.init_us, record.duration_us) == ("error", 40_000, 0)
    assert record.error_type == "Runtime.ImportModuleError"
    await lab.settle()
    assert len(lab.stopped) == 1
    assert (await lab.invoke(b"2")).payload == b"2"


async def test_an_exit_in_the_init_phase_is_answered_as_an_exit(lab: Lab) -> None:
    lab.inits = [Outcome(OutcomeKind.EXIT, 1_000, exit=EnvironmentExit("e1", exit_status=1))]
    body = json.loads((await lab.invoke()).payload)
    assert body == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: id-1 Error: Runtime exited with error: exit status 1",
    }


async def test_an_init_over_ten_seconds_is_redone_under_the_functions_timeout(lab: Lab) -> None:
    """Source: Lambda Developer Guide, "Init phase"; behaviours sheet section 11."""
    lab.functions[KEY, ""] = lab.snapshot_of(timeout_s=30)
    lab.inits = [None, None]
    lab.answers = [[], [Outcome(OutcomeKind.RESPONSE, 1_000, b'"ok"')]]
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(10)
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == ["e1"]
    lab.environments["e2"].wake(Outcome(OutcomeKind.READY, 12_000_000))
    assert (await call).payload == b'"ok"'
    record = lab.records[0]
    assert (record.init_status, record.init_us, record.duration_us) == ("timeout", 10_000_000, 12_001_000)
    assert record.environment_id == "e2"
    await lab.invoke()
    assert lab.records[1].init_status == ""


async def test_an_init_that_never_ends_is_a_timeout_of_the_function(lab: Lab) -> None:
    lab.default_init = None
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(10)
    await lab.settle()
    await lab.fake_clock.advance(3)
    body = json.loads((await call).payload)
    assert body["errorMessage"] == "RequestId: id-1 Error: Task timed out after 3.00 seconds"
    assert lab.records[0].duration_us == 3_000_000
    await lab.settle()
    assert lab.alive == {}
    assert lab.data_plane.statistics().busy == 0


async def test_the_second_init_may_be_throttled(labs: Callable[..., Lab]) -> None:
    lab = labs(limit=1)
    lab.default_init = None
    call = lab.begin()
    await lab.settle()
    lab.limit = 0
    await lab.fake_clock.advance(10)
    with pytest.raises(ServiceError) as caught:
        await call
    assert caught.value.code == "TooManyRequestsException"
    assert lab.data_plane.statistics().busy == 0


async def test_a_caller_that_hangs_up_does_not_stop_the_function(lab: Lab) -> None:
    """Source: behaviours sheet section 8: the function runs on to its end."""
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    call.cancel()
    await lab.settle()
    gate.open()
    await lab.settle()
    assert lab.records[0].status == "success"
    await lab.invoke()
    assert len(lab.leases) == 1


async def test_an_unknown_function_is_not_found(lab: Lab) -> None:
    with pytest.raises(ServiceError) as caught:
        await lab.invoke(key=FunctionKey("000000000000", "us-east-1", "nobody"))
    assert caught.value.code == "ResourceNotFoundException"


async def test_a_function_whose_state_forbids_it_is_not_run(lab: Lab) -> None:
    message = (
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    )
    lab.functions[KEY, ""] = lab.snapshot_of(refusal=message)
    with pytest.raises(ServiceError) as caught:
        await lab.invoke()
    assert (caught.value.code, caught.value.message) == ("ResourceConflictException", message)
    assert lab.leases == []


async def test_a_reservation_of_zero_stops_the_function_without_asking_control(lab: Lab) -> None:
    lab.functions[KEY, ""] = lab.snapshot_of(reserved_concurrency=0)
    with pytest.raises(ServiceError) as caught:
        await lab.invoke()
    assert caught.value.members["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (lab.leases, lab.records[0].throttled) == ([], True)


async def test_what_is_over_the_limit_is_throttled_at_once_and_the_rest_is_served(labs: Callable[..., Lab]) -> None:
    lab = labs(limit=2)
    gates = [lab.gate(SLEPT) for _ in range(2)]
    lab.answers = [[gates[0]], [gates[1]]]
    calls = [lab.begin() for _ in range(5)]
    await lab.settle()
    assert [call.done() for call in calls] == [False, False, True, True, True]
    lab.open_all(gates)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [getattr(answer, "code", "served") for answer in answers] == ["served"] * 2 + [
        "TooManyRequestsException"
    ] * 3
    assert sum(record.throttled for record in lab.records) == lab.data_plane.statistics().throttles == 3


async def test_throttled_callers_share_no_exception_object(labs: Callable[..., Lab]) -> None:
    lab = labs(limit=0)
    answers = await asyncio.gather(*(lab.begin() for _ in range(3)), return_exceptions=True)
    assert len({id(answer) for answer in answers}) == 3


async def test_a_waiting_request_takes_what_falls_idle_first(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    lab.inits = [Outcome(OutcomeKind.READY, 1), None]
    first = lab.begin()
    await lab.settle()
    second = lab.begin()
    await lab.settle()
    assert len(lab.leases) == 2  # one more is on its way
    gate.open()
    await asyncio.gather(first, second)
    assert [record.environment_id for record in lab.records] == ["e1", "e1"]
    lab.environments["e2"].wake(Outcome(OutcomeKind.READY, 1))
    await lab.settle()
    assert lab.data_plane.statistics().idle == 2


async def test_requests_are_served_in_the_order_of_arrival(lab: Lab) -> None:
    lab.default_init = None
    calls = [lab.begin(str(number).encode()) for number in range(4)]
    await lab.settle()
    for name in ("e3", "e1", "e4", "e2"):
        lab.environments[name].wake(Outcome(OutcomeKind.READY, 1))
        await lab.settle()
    await asyncio.gather(*calls)
    assert [record.request_id for record in lab.records] == ["id-1", "id-2", "id-3", "id-4"]


async def test_a_burst_asks_for_one_environment_for_each_request_and_no_more(lab: Lab) -> None:
    lab.default_init = None
    calls = [lab.begin() for _ in range(20)]
    await lab.settle()
    assert len(lab.leases) == 20
    for environment in list(lab.environments.values()):
        environment.wake(Outcome(OutcomeKind.READY, 1))
    await asyncio.gather(*calls)
    assert lab.data_plane.statistics().cold_starts <= 20


async def learn(lab: Lab, start_s: float, duration_us: int) -> None:
    """Let the pool see one start and one invocation."""
    lab.inits, lab.answers = [None], [[Outcome(OutcomeKind.RESPONSE, duration_us, b"1")]]
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(start_s)
    lab.environments["e1"].wake(Outcome(OutcomeKind.READY, 1))
    await call


async def test_a_quick_function_is_waited_for_rather_than_started_again(lab: Lab) -> None:
    await learn(lab, start_s=1.0, duration_us=1_000)
    gate = lab.gate(Outcome(OutcomeKind.RESPONSE, 1_000, b"1"))
    lab.environments["e1"]._answers.append(gate)
    calls = [lab.begin() for _ in range(5)]
    await lab.settle()
    assert len(lab.leases) == 1
    gate.open()
    await asyncio.gather(*calls)
    assert len(lab.leases) == 1


async def test_who_has_waited_for_a_whole_start_is_promised_an_environment(lab: Lab) -> None:
    await learn(lab, start_s=1.0, duration_us=1_000)
    gate = lab.gate(Outcome(OutcomeKind.RESPONSE, 900_000, b"slow this time"))
    lab.environments["e1"]._answers.append(gate)
    slow, waits = lab.begin(), lab.begin(b"2")
    await lab.settle()
    assert len(lab.leases) == 1
    await lab.fake_clock.advance(1.1)
    assert (await waits).payload == b"2"
    assert len(lab.leases) == 2
    gate.open()
    await slow


async def test_an_environment_that_dies_while_idle_is_not_leased(lab: Lab) -> None:
    await lab.invoke()
    lab.estate.exited(EnvironmentExit("e1", exit_status=1))
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == ["e1"]
    assert (await lab.invoke(b"2")).payload == b"2"


async def test_the_tail_is_the_end_of_the_rendered_log(lab: Lab) -> None:
    async def chatty(invocation: object) -> Outcome:
        for number in range(500):
            lab.environments["e1"].write(f"line {number} é")
        return Outcome(OutcomeKind.RESPONSE, 1, b"1")

    lab.answers = [[chatty]]
    result = await lab.invoke(tail=True)
    assert 4090 <= len(result.log_tail) <= 4096
    assert result.log_tail.decode().endswith("line 499 é\nEND id-1\n")
    assert (await lab.invoke()).log_tail == b""


async def test_lines_of_the_init_phase_are_in_the_first_record(lab: Lab) -> None:
    lab.inits = [None]
    call = lab.begin()
    await lab.settle()
    lab.environments["e1"].write("loading")
    lab.environments["e1"].wake(Outcome(OutcomeKind.READY, 1))
    await call
    assert [line.text for line in lab.records[0].lines] == ["loading"]


async def test_draining_waits_for_what_runs_and_takes_nothing_new(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    drain = asyncio.ensure_future(lab.data_plane.drain(8))
    await lab.settle()
    with pytest.raises(ServiceError) as caught:
        await lab.invoke()
    assert caught.value.code == "ServiceException"
    assert not drain.done()
    gate.open()
    assert await drain
    assert (await call).payload == b'"slept"'


async def test_draining_ends_when_its_time_is_up(lab: Lab) -> None:
    lab.functions[KEY, ""] = lab.snapshot_of(timeout_s=900)
    lab.answers = [[lab.gate(SLEPT)]]
    call = lab.begin()
    await lab.settle()
    drain = asyncio.ensure_future(lab.data_plane.drain(8))
    await lab.settle()
    await lab.fake_clock.advance(9)
    assert not await drain
    await lab.data_plane.close()
    with pytest.raises(ServiceError, match="stopping"):
        await call


async def test_warm_functions_answer_while_control_is_away(lab: Lab) -> None:
    await lab.invoke()
    lab.reachable = False
    assert (await lab.invoke(b"2")).payload == b"2"


async def test_a_cold_start_waits_for_control_to_come_back(lab: Lab) -> None:
    lab.reachable = False
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(0.5)
    lab.reachable = True
    await lab.fake_clock.advance(0.5)
    assert (await call).status == "success"


async def test_control_that_stays_away_is_the_platforms_fault(lab: Lab) -> None:
    lab.reachable = False
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(6)
    with pytest.raises(ServiceError) as caught:
        await call
    assert caught.value.code == "ServiceException"


async def test_a_full_house_that_waits_is_served_when_something_is_given_back(lab: Lab) -> None:
    gates: list[Gate] = [lab.gate(SLEPT) for _ in range(3)]
    lab.answers = [[gate] for gate in gates]
    calls = [lab.begin() for _ in range(3)]
    await lab.settle()
    lab.reachable = False
    late = lab.begin(b"late")
    await lab.settle()
    gates[1].open()
    await lab.settle()
    assert (await late).payload == b"late"
    lab.open_all(gates)
    await asyncio.gather(*calls)
    await lab.fake_clock.advance(1)
    assert lab.data_plane.statistics().starting == 0


async def test_an_environment_that_ends_between_ready_and_invoke_answers_as_an_exit(lab: Lab) -> None:
    lab.inits = [None]
    call = lab.begin()
    await lab.settle()
    lab.environments["e1"].wake(Outcome(OutcomeKind.READY, 1))
    lab.estate.exited(EnvironmentExit("e1", exit_status=1))
    assert json.loads((await call).payload)["errorType"] == "Runtime.ExitError"


async def test_statistics_tell_what_is_where(lab: Lab) -> None:
    await lab.invoke()
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    lab.environments["e1"]._answers.append(gate)
    call = lab.begin()
    await lab.settle()
    statistics = lab.data_plane.statistics()
    assert (statistics.busy, statistics.idle, statistics.invocations, statistics.cold_starts) == (1, 0, 1, 1)
    gate.open()
    await call


async def test_an_alias_with_weights_sends_each_its_part(lab: Lab) -> None:
    """Behaviours section 10: the choice is random for each request. 2,000 draws, five standard deviations."""
    second = lab.snapshot_of(environment_key="k2", version="2")
    lab.functions[KEY, "live"] = lab.snapshot_of(version="1", other=second, other_weight=0.1)
    served = Counter([(await lab.invoke(qualifier="live")).executed_version for _ in range(2_000)])
    assert abs(served["2"] - 200) < 5 * (2_000 * 0.1 * 0.9) ** 0.5
    assert served["1"] + served["2"] == 2_000
    assert len(lab.leases) == 2


async def test_both_versions_of_an_alias_stay_warm_through_an_unrelated_change(lab: Lab) -> None:
    second = lab.snapshot_of(environment_key="k2", version="2")
    lab.functions[KEY, "live"] = lab.snapshot_of(version="1", other=second, other_weight=0.5)
    while len(lab.leases) < 2:
        await lab.invoke(qualifier="live")
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert lab.stopped == []
    lab.functions[KEY, "live"] = lab.snapshot_of(version="1")
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert len(lab.stopped) == 1
