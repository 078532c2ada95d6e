"""The platform events of the Telemetry API, member by member.

Source: recordings of 2024 and 2026 of platform.initStart, platform.runtimeDone and platform.report; Lambda Developer
Guide, "Lambda Telemetry API Event schema reference".
"""

import asyncio
import os
import socket
from typing import Any

from lambent.clock import FakeClock
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.channel import Work
from lambent.environment.frames import Frame
from lambent.environment.live import LiveEnvironment
from lambent.environment.runtime_api.environment_api import Ends, EnvironmentApi
from lambent.environment.runtime_api.story import Story
from lambent.ids import FakeIds
from lambent.model.environment import ApiFacts, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

KEY = FunctionKey("000000000000", "us-east-1", "f")
FACTS = ApiFacts(KEY, "$LATEST", "h", "python3.12", "on-demand", 256, log_stream="2026/11/23/[$LATEST]ab")
TRACE = "Root=1-6a1c0de5-3d36461b8c0fa56b952715b3;Parent=8c0fa56b952715b3;Sampled=1"


class Heard:
    """A story, and what it told."""

    def __init__(self, facts: ApiFacts = FACTS) -> None:
        self.clock = FakeClock()
        self.told: dict[str, Any] = {}
        self.story = Story(facts, self.told.__setitem__, self.clock)


def test_the_start_of_the_init_phase_names_runtime_function_and_instance() -> None:
    begun = Heard().told["platform.initStart"]
    assert begun.pop("runtimeVersionArn").startswith("arn:aws:lambda:us-east-1::runtime:")
    assert begun == {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": "python:3.12.v1",
        "functionName": "f",
        "functionVersion": "$LATEST",
        "instanceId": "2026/11/23/[$LATEST]ab",
        "instanceMaxMemory": 268_435_456,
    }


def started(trace_header: str) -> dict[str, Any]:
    heard = Heard()
    heard.story.initialised(1)
    heard.story.begun(Work("r", 0, "arn", trace_header, "", b"{}", 100))
    told: dict[str, Any] = heard.told["platform.start"]
    return told


async def test_an_invocation_has_three_spans_and_its_trace() -> None:
    heard = Heard()
    story, clock = heard.story, heard.clock
    story.initialised(110_100)
    story.begun(Work("r", 0, "arn", TRACE, "", b"{}", 100))
    assert heard.told["platform.start"]["tracing"] == {
        "spanId": "8c0fa56b952715b3",
        "type": "X-Amzn-Trace-Id",
        "value": TRACE,
    }
    assert "tracing" not in started(TRACE.replace("Sampled=1", "Sampled=0"))
    for wait_s, frame in (
        (0.2, Frame(frames.STREAM, ["r", ""], b"")),
        (0.05, Frame(frames.CHUNK, ["r"], b"12345")),
        (0.25, Frame(frames.RESPONSE, ["r"], b"")),
    ):
        await clock.advance(wait_s)
        story.said(frame)
    await clock.advance(0.01)
    story.runtime_done()
    done = heard.told["platform.runtimeDone"]
    assert {span["name"]: span["durationMs"] for span in done["spans"]} == {
        "responseLatency": 200,
        "responseDuration": 300,
        "runtimeOverhead": 10,
    }
    assert done["metrics"] == {"durationMs": 510, "producedBytes": 5}
    story.settled(Outcome(OutcomeKind.READY, 510_000), 510_000, 0)
    assert heard.told["platform.report"]["metrics"]["billedDurationMs"] == 621


class Watched(EnvironmentApi):
    """Keeps how long the last phase took."""

    took_us = -1

    def settled(self, outcome: Outcome, duration_us: int, peak_bytes: int) -> None:
        self.took_us = duration_us
        super().settled(outcome, duration_us, peak_bytes)


async def test_what_was_cut_off_took_exactly_its_timeout_as_its_report_says() -> None:
    clock = FakeClock()
    channel, peer = socket.socketpair()
    output, written = os.pipe()
    api = Watched(FACTS, Ends(channel), clock, FakeIds())
    environment = LiveEnvironment(EnvironmentGrant("e", "k"), api, output, None, clock)
    peer.sendall(frames.encode(frames.READY, ["1"], b""))
    await environment.wait_ready(1.0)
    task = asyncio.create_task(environment.invoke(Invocation("r", KEY, "", b"{}"), "arn", 2, 100))
    while environment.usable:
        await asyncio.sleep(0)
    await clock.advance(2.002)
    assert (await task).kind is OutcomeKind.TIMEOUT
    assert api.took_us == 2_000_000
    environment.close()
    peer.close()
    os.close(written)
