"""Logs in JSON: what each system log level shows, and the members of each record.

Source: Lambda Developer Guide, "Log-level filtering" and "JSON structured logs"; behaviours section 15.
"""

import json
from typing import Any

import pytest

from lambent.journal.lines import events_of
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord, LogLine


def record(level: str, **changes: Any) -> InvocationRecord:
    facts: dict[str, Any] = {
        "start_ms": 1_700_000_000_500,
        "key": FunctionKey("0" * 12, "us-east-1", "f"),
        "version": "$LATEST",
        "runtime": "python3.12",
        "log_group": "/aws/lambda/f",
        "log_stream": "s",
        "request_id": "id",
        "environment_id": "e",
        "duration_us": 12_345,
        "init_us": 0,
        "billed_ms": 13,
        "memory_mb": 128,
        "max_memory_mb": 40,
        "status": "success",
        "lines": [LogLine(1_700_000_000_505, "printed")],
        "system_log_level": level,
    }
    return InvocationRecord(**(facts | changes))


def kinds(record: InvocationRecord) -> list[str]:
    """The type of each event, `-` for what the function wrote."""
    texts = [text for _, text in events_of(record)]
    return [json.loads(text)["type"].removeprefix("platform.") if text[0] == "{" else "-" for text in texts]


@pytest.mark.parametrize(
    ("level", "changes", "expected"),
    [
        ("INFO", {}, ["start", "-", "report"]),
        ("DEBUG", {}, ["start", "-", "runtimeDone", "report"]),
        ("WARN", {}, ["-"]),
        ("WARN", {"status": "error"}, ["-", "runtimeDone", "report"]),
        ("INFO", {"init_us": 1000}, ["initStart", "start", "-", "report"]),
        ("DEBUG", {"init_us": 1, "lines": []},
         ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]),
        ("WARN", {"init_us": 1000, "init_status": "timeout"}, ["initRuntimeDone", "initReport", "-"]),
        ("INFO", {"init_us": 1000, "runtime": ""}, ["start", "-", "report"]),
        ("INFO", {"init_us": 1, "provisioned": True, "lines": []}, ["initStart", "initReport", "start", "report"]),
        ("INFO", {"restore_us": 1000}, ["restoreStart", "restoreReport", "start", "-", "report"]),
        ("INFO", {"throttled": True}, []),
    ],
)  # fmt: skip
def test_each_level_shows_its_events(level: str, changes: dict[str, Any], expected: list[str]) -> None:
    assert kinds(record(level, **changes)) == expected


def test_the_report_has_the_figures_of_the_text_and_the_time_of_its_event() -> None:
    *_, (time_ms, text) = events_of(record("INFO", init_us=100_500))
    assert json.loads(text) == {
        "time": "2023-11-14T22:13:20.512Z",
        "type": "platform.report",
        "record": {
            "requestId": "id",
            "status": "success",
            "metrics": {
                "durationMs": 12.345,
                "billedDurationMs": 13,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 40,
                "initDurationMs": 100.5,
            },
        },
    }
    assert time_ms == 1_700_000_000_512


def test_a_timeout_says_so_in_its_report() -> None:
    last = json.loads(events_of(record("WARN", status="timeout", error_type="Sandbox.Timedout"))[-1][1])
    assert (last["record"]["status"], last["record"]["errorType"]) == ("timeout", "Sandbox.Timedout")


def test_lines_of_the_init_phase_come_before_the_start() -> None:
    lines = [LogLine(1_700_000_000_490, "early"), LogLine(1_700_000_000_505, "late")]
    texts = [text for _, text in events_of(record("INFO", init_us=20_000, lines=lines))]
    assert texts[1] == "early\n"
    assert texts[3] == "late\n"


def test_what_came_in_pieces_and_what_is_traced_is_told() -> None:
    """Source: Telemetry API reference: producedBytes of platform.runtimeDone, and tracing."""
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    told = [json.loads(text) for _, text in events_of(record("DEBUG", lines=[], answer_bytes=7, trace_header=trace))]
    found = {each["type"]: each["record"] for each in told}
    assert found["platform.runtimeDone"]["metrics"]["producedBytes"] == 7
    span = {"spanId": "53995c3f42cd8ad8", "type": "X-Amzn-Trace-Id", "value": trace}
    kinds = ("platform.start", "platform.runtimeDone", "platform.report")
    assert [found[kind]["tracing"] for kind in kinds] == [span] * 3


def runtime_done(**changes: Any) -> dict[str, Any]:
    (found,) = [text for _, text in events_of(record("DEBUG", **changes)) if "platform.runtimeDone" in text]
    told: dict[str, Any] = json.loads(found)["record"]
    return told


def test_runtime_done_has_the_parts_of_the_runtimes_work() -> None:
    """Source: recordings of 2024 in a public test suite: names, order and members."""
    changes = {
        "duration_us": 20_000,
        "extensions_us": 8_000,
        "latency_us": 9_500,
        "overhead_us": 250,
        "answer_bytes": 50,
    }
    assert list(runtime_done(**changes)) == ["requestId", "status", "spans", "metrics"]
    assert runtime_done(**changes) == {
        "requestId": "id",
        "status": "success",
        "spans": [
            {"name": "responseLatency", "start": "2023-11-14T22:13:20.500Z", "durationMs": 9.5},
            {"name": "responseDuration", "start": "2023-11-14T22:13:20.509Z", "durationMs": 2.5},
            {"name": "runtimeOverhead", "start": "2023-11-14T22:13:20.512Z", "durationMs": 0.25},
        ],
        "metrics": {"durationMs": 12.25, "producedBytes": 50},
    }


def test_what_was_never_answered_has_no_parts() -> None:
    """Source: a recording of 2026: a timeout."""
    told = runtime_done(status="timeout", error_type="Sandbox.Timedout")
    assert "spans" not in told
    assert told["metrics"] == {"durationMs": 12.345, "producedBytes": 0}
