"""What happens in an environment, told as the platform events of the Telemetry API.

Knows one environment's phases as it hears of them; does not know who listens.

Source: Lambda Developer Guide, "Lambda Telemetry API Event schema reference"; recordings of 2024 and 2026 for
runtimeVersion, instanceId (the log stream), instanceMaxMemory and the three spans.
"""

from collections.abc import Callable
from typing import Any

from lambent.clock import Clock, iso_millis
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.channel import Work
from lambent.environment.frames import Frame
from lambent.model.environment import ApiFacts
from lambent.model.invocation import billed_ms
from lambent.model.runtime_version import runtime_version, runtime_version_arn
from lambent.model.trace import traced

MIB = 1024 * 1024
ON_DEMAND = "on-demand"


class Story:
    """Tells `tell(type, record)`."""

    def __init__(self, facts: ApiFacts, tell: Callable[[str, Any], None], clock: Clock) -> None:
        self._facts, self._tell, self._clock = facts, tell, clock
        self._phase = {"initializationType": facts.initialization_type, "phase": "init"}
        self._ready = False
        self._init_us = 0  # until the first invocation has reported it
        self._work: Work | None = None
        self._begun_s = self._answering_s = self._answered_s = 0.0
        self._status, self._error_type, self._produced_bytes = "success", "", 0
        self._done_told = False
        told = {"functionName": facts.function.name, "functionVersion": facts.version}
        instance = {"instanceId": facts.log_stream, "instanceMaxMemory": facts.memory_mb * MIB}
        tell("platform.initStart", {**self._phase, **_runtime(facts), **told, **instance})

    def initialised(self, init_us: int) -> None:
        """The init phase is over, and well."""
        self._ready, self._init_us = True, init_us
        self._tell_init("success", "", init_us)

    def begun(self, work: Work) -> None:
        """An invocation."""
        self._work, self._begun_s = work, self._clock.monotonic_s()
        self._answering_s = self._answered_s = 0.0
        self._status, self._error_type, self._produced_bytes, self._done_told = "success", "", 0, False
        told: dict[str, Any] = {"requestId": work.request_id, "version": self._facts.version}
        self._tell("platform.start", told | self._tracing())

    def said(self, frame: Frame) -> None:
        """The runtime's answer, or a part of it."""
        if self._work is None:
            return
        self._produced_bytes += len(frame.payload)
        self._answered_s = self._clock.monotonic_s()
        self._answering_s = self._answering_s or self._answered_s
        if frame.kind == frames.ERROR:
            self._status, self._error_type = "error", frame.fields[1]

    def runtime_done(self) -> None:
        """The runtime has asked for more."""
        if self._work is None or self._done_told:
            return
        self._done_told = True
        now_s = self._clock.monotonic_s()
        metrics = {"durationMs": _ms(now_s - self._begun_s), "producedBytes": self._produced_bytes}
        told = {**self._ending(), "metrics": metrics, "spans": self._spans(now_s)}
        self._tell("platform.runtimeDone", told | self._tracing())

    def settled(self, outcome: Outcome, duration_us: int, peak_bytes: int) -> None:
        """The init phase failed, or the invocation is over."""
        if outcome.kind is not OutcomeKind.READY:
            timed_out = outcome.kind is OutcomeKind.TIMEOUT
            self._status = "timeout" if timed_out else "failure"
            self._error_type = "" if timed_out else outcome.error_type or "Runtime.ExitError"
        if not self._ready:
            self._tell_init("timeout" if self._status == "timeout" else "error", self._error_type, duration_us)
        elif self._work is not None:
            self.runtime_done()
            self._report(duration_us, peak_bytes)
            self._work = None

    def _report(self, duration_us: int, peak_bytes: int) -> None:
        init_us = self._init_us if self._facts.initialization_type == ON_DEMAND else 0
        memory_mb = self._facts.memory_mb
        metrics = {
            "durationMs": round(duration_us / 1000, 3),
            "billedDurationMs": billed_ms(init_us, duration_us),
            "memorySizeMB": memory_mb,
            "maxMemoryUsedMB": min(memory_mb, -(-peak_bytes // MIB)),
        }
        if self._init_us:
            metrics["initDurationMs"] = round(self._init_us / 1000, 3)
        self._init_us = 0
        self._tell("platform.report", {**self._ending(), "metrics": metrics} | self._tracing())

    def _tell_init(self, status: str, error_type: str, init_us: int) -> None:
        told = {**self._phase, "status": status} | ({"errorType": error_type} if error_type else {})
        self._tell("platform.initRuntimeDone", told)
        self._tell("platform.initReport", {**told, "metrics": {"durationMs": round(init_us / 1000, 3)}})

    def _ending(self) -> dict[str, Any]:
        assert self._work is not None
        told = {"requestId": self._work.request_id, "status": self._status}
        return told | ({"errorType": self._error_type} if self._error_type else {})

    def _tracing(self) -> dict[str, Any]:
        """The trace, of a request that is traced: no other has it in its events."""
        found = None if self._work is None else traced(self._work.trace_header)
        if self._work is None or found is None:
            return {}
        return {"tracing": {"spanId": found[1], "type": "X-Amzn-Trace-Id", "value": self._work.trace_header}}

    def _spans(self, now_s: float) -> list[dict[str, Any]]:
        """The parts of an invocation, as far as it came."""
        if not self._answered_s:
            return []
        latency = self._span("responseLatency", self._begun_s, self._answering_s)
        duration = self._span("responseDuration", self._answering_s, self._answered_s)
        return [latency, duration, self._span("runtimeOverhead", self._answered_s, now_s)]

    def _span(self, name: str, from_s: float, to_s: float) -> dict[str, Any]:
        start_ms = self._clock.now_ms() - round((self._clock.monotonic_s() - from_s) * 1000)
        start = iso_millis(start_ms).removesuffix("+0000") + "Z"
        return {"name": name, "start": start, "durationMs": _ms(to_s - from_s)}


def _runtime(facts: ApiFacts) -> dict[str, str]:
    """Which version of which runtime; an image brings its own, of which we know none."""
    if not facts.runtime:
        return {}
    arn = runtime_version_arn(facts.runtime, facts.function.region)
    return {"runtimeVersion": runtime_version(facts.runtime), "runtimeVersionArn": arn}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
