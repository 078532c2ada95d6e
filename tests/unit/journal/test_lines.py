"""The text of log events. Sources: behaviours sheet section 15 (recorded lines), and recordings of
CloudWatch Logs output in public repositories from 2025 and 2026 for timeouts and failed init phases."""

import msgspec
import pytest

from lambent.journal.lines import events_of
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord, LogLine
from lambent.model.runtime_version import runtime_version_arn

START_MS = 1_756_861_430_053
WARM = InvocationRecord(
    start_ms=START_MS,
    key=FunctionKey("000000000000", "eu-west-1", "f"),
    version="$LATEST",
    runtime="python3.12",
    log_group="/aws/lambda/f",
    log_stream="2026/11/23/[$LATEST]0",
    request_id="1e5c8abd-3d36-461b-8c0f-a56b952715b3",
    environment_id="e",
    duration_us=3_014,
    init_us=0,
    billed_ms=4,
    memory_mb=128,
    max_memory_mb=36,
    status="success",
    lines=[LogLine(START_MS + 1, "hello"), LogLine(START_MS + 2, "two\nlines")],
)
ID = WARM.request_id


def changed(**fields: object) -> InvocationRecord:
    return msgspec.structs.replace(WARM, **fields)


def test_a_warm_invocation_has_start_its_lines_end_and_report() -> None:
    assert events_of(WARM) == [
        (START_MS, f"START RequestId: {ID} Version: $LATEST\n"),
        (START_MS + 1, "hello\n"),
        (START_MS + 2, "two\nlines\n"),
        (START_MS + 3, f"END RequestId: {ID}\n"),
        (
            START_MS + 3,
            f"REPORT RequestId: {ID}\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 36 MB\t\n",
        ),
    ]


def test_a_restore_from_a_snapshot_has_its_own_lines_and_durations() -> None:
    """Source: Lambda Developer Guide, "Monitoring for Lambda SnapStart"."""
    early = [LogLine(START_MS - 2, "hook")]
    events = events_of(changed(restore_us=9_120, billed_restore_us=4_300, billed_ms=8, lines=early + WARM.lines))
    arn = runtime_version_arn("python3.12", "eu-west-1")
    assert events[:4] == [
        (START_MS - 9, f"RESTORE_START Runtime Version: python:3.12.v1\tRuntime Version ARN: {arn}\n"),
        (START_MS - 2, "hook\n"),
        (START_MS, "RESTORE_REPORT Restore Duration: 9.12 ms\n"),
        (START_MS, f"START RequestId: {ID} Version: $LATEST\n"),
    ]
    assert events[-1][1].endswith("\tRestore Duration: 9.12 ms\tBilled Restore Duration: 5 ms\t\n")


@pytest.mark.parametrize(("status", "tail"), [("", ""), ("timeout", "\tStatus: timeout")])
def test_the_init_phase_of_a_snapshot_has_a_log_without_an_invocation(status: str, tail: str) -> None:
    lines = [LogLine(START_MS - 1_500, "loading"), LogLine(START_MS, "ready")]
    events = events_of(changed(init_only=True, init_us=2_000_000, init_status=status, lines=lines))
    assert [text.split(" ")[0].strip() for _, text in events] == ["INIT_START", "loading", "ready", "INIT_REPORT"]
    assert events[-1][1] == f"INIT_REPORT Init Duration: 2000.00 ms\tPhase: init{tail}\n"
    assert sorted(events, key=lambda event: event[0]) == events


@pytest.mark.parametrize("level", ["", "INFO"])
def test_what_is_written_in_the_shutdown_phase_stands_by_itself(level: str) -> None:
    last = changed(shutdown_only=True, system_log_level=level, lines=[LogLine(START_MS, "bye"), LogLine(9, "now")])
    assert events_of(last) == [(START_MS, "bye\n"), (9, "now\n")]


def test_a_restore_that_failed_says_so() -> None:
    events = events_of(changed(restore_us=9_120, init_status="timeout", status="error", lines=[]))
    assert events[1][1] == "RESTORE_REPORT Restore Duration: 9.12 ms\tStatus: timeout\n"


def test_a_last_line_stamped_a_millisecond_after_the_sum_still_precedes_the_report() -> None:
    events = events_of(changed(lines=[LogLine(START_MS + 4, "late")]))
    assert [when for when, _ in events] == [START_MS, START_MS + 4, START_MS + 4, START_MS + 4]
    assert [text.split(" ")[0] for _, text in events] == ["START", "late\n", "END", "REPORT"]


def test_a_cold_start_begins_with_the_runtime_and_reports_the_init_duration() -> None:
    early = [LogLine(START_MS - 20, "importing")]
    events = events_of(changed(init_us=110_100, billed_ms=114, lines=early + WARM.lines))
    arn = runtime_version_arn("python3.12", "eu-west-1")
    assert events[:3] == [
        (START_MS - 110, f"INIT_START Runtime Version: python:3.12.v1\tRuntime Version ARN: {arn}\n"),
        (START_MS - 20, "importing\n"),
        (START_MS, f"START RequestId: {ID} Version: $LATEST\n"),
    ]
    assert events[-1][1].endswith("\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n")
    assert [text for _, text in events[3:5]] == ["hello\n", "two\nlines\n"]


def test_a_cold_start_of_an_image_names_no_runtime_because_that_is_its_own() -> None:
    events = events_of(changed(init_us=1000, runtime=""))
    assert events[0] == (START_MS, f"START RequestId: {ID} Version: $LATEST\n")
    assert "\tInit Duration: 1.00 ms\t" in events[-1][1]


def test_a_timeout_is_named_before_the_end_and_in_the_report() -> None:
    events = events_of(changed(duration_us=3_000_000, billed_ms=3068, init_us=67_490, status="timeout"))
    assert [text for _, text in events[-3:]] == [
        f"2025-09-03T01:03:53.053Z {ID} Task timed out after 3.00 seconds\n\n",
        f"END RequestId: {ID}\n",
        f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3068 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 67.49 ms\tStatus: timeout\n",
    ]


def test_a_failure_of_the_runtime_is_named_in_the_report() -> None:
    report = events_of(changed(status="error", error_type="Runtime.ExitError"))[-1][1]
    assert report.endswith("\tMax Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError\n")


def test_an_error_that_the_handler_raised_is_not_named_in_the_report() -> None:
    assert events_of(changed(status="error"))[-1][1].endswith("\tMax Memory Used: 36 MB\t\n")


def test_an_init_phase_that_failed_has_its_own_report_and_no_init_duration_in_the_other() -> None:
    events = events_of(
        changed(
            init_us=88_210, duration_us=0, init_status="error", status="error", error_type="Runtime.ImportModuleError"
        )
    )
    texts = [text for _, text in events]
    line = "INIT_REPORT Init Duration: 88.21 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n"
    assert texts.index(line) == texts.index(f"START RequestId: {ID} Version: $LATEST\n") - 1
    assert "Init Duration" not in texts[-1]
    assert texts[-1].endswith("Status: error\tError Type: Runtime.ImportModuleError\n")


def test_what_an_init_phase_says_before_it_fails_comes_before_its_report() -> None:
    """The runtime's word on why arrives in the millisecond in which the phase ends, or in the next one."""
    lines = [LogLine(START_MS - 1, "loading"), LogLine(START_MS, "why"), LogLine(START_MS + 1, "Traceback")]
    record = changed(init_us=2_000, duration_us=0, init_status="error", status="error", error_type="E", lines=lines)
    for log in (record, msgspec.structs.replace(record, system_log_level="INFO")):
        events = events_of(log)
        reports = [at for at, (_, text) in enumerate(events) if "INIT_REPORT" in text or "platform.initReport" in text]
        assert [text for _, text in events[1:4]] == ["loading\n", "why\n", "Traceback\n"]
        assert reports[0] >= 4
        assert sorted(time_ms for time_ms, _ in events) == [time_ms for time_ms, _ in events]


def test_an_init_phase_that_timed_out_says_so() -> None:
    texts = [text for _, text in events_of(changed(init_us=9_999_470, init_status="timeout"))]
    assert "INIT_REPORT Init Duration: 9999.47 ms\tPhase: init\tStatus: timeout\n" in texts


def test_a_throttled_request_leaves_no_line() -> None:
    assert events_of(changed(throttled=True)) == []


@pytest.mark.parametrize(
    ("runtime", "version"),
    [
        ("python3.12", "python:3.12.v1"),
        ("nodejs20.x", "nodejs:20.v1"),
        ("java21", "java:21.v1"),
        ("provided.al2023", "provided:al2023.v1"),
    ],
)
def test_runtime_versions_are_written_as_aws_does(runtime: str, version: str) -> None:
    assert f"Runtime Version: {version}\t" in events_of(changed(init_us=1000, runtime=runtime))[0][1]
