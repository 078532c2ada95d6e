"""The log of one invocation in JSON, for functions whose LoggingConfig asks for it. Pure.

The platform's own records pass a filter, the system log level: what went well is INFO or DEBUG, what did
not is WARN. What the function wrote stays as it is: its runtime has made JSON of what it logged,
printed text is text, and what the application log level leaves out has not come here (`environment/log_level.py`).

Sources: behaviours sheet section 15; Lambda Developer Guide, "Log format" and "Log-level filtering"
(the level of each system event); Telemetry API reference for the members of each record, and recordings of 2026
for instanceId (the log stream) and instanceMaxMemory; recordings of 2024 and 2026 for spans and producedBytes of
runtimeDone, which has no spans where nothing was answered.
"""

import msgspec

from lambent.clock import iso_millis
from lambent.model.function_name import function_arn
from lambent.model.invocation import InvocationRecord, LogLine
from lambent.model.trace import traced

MIB = 1024 * 1024
LEVELS = {"DEBUG": 0, "INFO": 1, "WARN": 2}
SPANS = ("responseLatency", "responseDuration", "runtimeOverhead")
Facts = dict[str, object]
Event = tuple[int, str]


class JsonLog:
    """The events of one record, as they are collected."""

    def __init__(self, record: InvocationRecord, runtime_version: tuple[str, str]) -> None:
        self._record, self._runtime_version = record, runtime_version
        self._least = LEVELS[record.system_log_level]
        self.events: list[Event] = []

    def write(self) -> list[Event]:
        """All of them, in order."""
        record = self._record
        end_ms = max([record.start_ms + record.duration_us // 1000, *(line.time_ms for line in record.lines)])
        lines = record.lines
        if record.restore_us or record.init_us or record.init_status:
            lines = self._beginning()
        if record.init_only:
            return self.events
        start: Facts = {"requestId": record.request_id, "version": record.version, "functionArn": self._arn()}
        self._say(record.invoke_ms, "INFO", "platform.start", start | self._tracing())
        self._lines(lines)
        self._end(end_ms)
        return self.events

    def _beginning(self) -> list[LogLine]:
        """The init phase, or the restore from a snapshot; the lines that are left for the invoke phase."""
        record, restored = self._record, bool(self._record.restore_us)
        took_us = record.restore_us or record.init_us
        early = record.early_lines
        began_ms = record.start_ms - took_us // 1000
        version, arn = self._runtime_version
        facts: Facts = {"runtimeVersion": version, "runtimeVersionArn": arn} if record.runtime else {}  # an image's own
        facts |= {"functionName": record.key.name, "functionVersion": record.version}
        facts |= {"instanceId": record.log_stream, "instanceMaxMemory": record.memory_mb * MIB}
        what: Facts = {} if restored else {"initializationType": self._initialization(), "phase": "init"}
        first_ms = min([began_ms, *(each.time_ms for each in early)])
        known = "INFO" if record.runtime else "DEBUG"
        self._say(first_ms, known, "platform.restoreStart" if restored else "platform.initStart", what | facts)
        self._lines(early)
        done: Facts = {**what, "status": record.init_status or "success"}
        if record.init_status and record.error_type:
            done["errorType"] = record.error_type
        name = "platform.restore" if restored else "platform.init"
        on_demand = not restored and self._initialization() == "on-demand"
        quiet = "WARN" if record.init_status else "DEBUG" if on_demand else "INFO"
        end_ms = record.invoke_ms
        self._say(end_ms, "WARN" if record.init_status else "DEBUG", f"{name}RuntimeDone", done)
        self._say(end_ms, quiet, f"{name}Report", {**done, "metrics": {"durationMs": _ms(took_us)}})
        return record.lines[len(early) :]

    def _end(self, end_ms: int) -> None:
        record, failed = self._record, self._record.status != "success"
        done: Facts = {"requestId": record.request_id, "status": record.status}
        if failed and record.error_type:
            done["errorType"] = record.error_type
        duration_ms = _ms(record.duration_us)
        metrics: Facts = {
            "durationMs": duration_ms,
            "billedDurationMs": record.billed_ms,
            "memorySizeMB": record.memory_mb,
            "maxMemoryUsedMB": record.max_memory_mb,
        }
        if record.init_us and not record.init_status:
            metrics["initDurationMs"] = _ms(record.init_us)
        if record.restore_us:
            metrics["restoreDurationMs"] = _ms(record.restore_us)
            metrics["billedRestoreDurationMs"] = -(-record.billed_restore_us // 1000)
        told = {"durationMs": _ms(self._runtime_us()), "producedBytes": record.answer_bytes}
        runtime_done = {**done, **self._spans(), "metrics": told} | self._tracing()
        self._say(end_ms, "WARN" if failed else "DEBUG", "platform.runtimeDone", runtime_done)
        self._say(
            end_ms, "WARN" if failed else "INFO", "platform.report", {**done, "metrics": metrics} | self._tracing()
        )

    def _runtime_us(self) -> int:
        """How long the runtime was at work: the duration without what extensions did behind it."""
        return self._record.duration_us - self._record.extensions_us + self._record.overhead_us

    def _spans(self) -> Facts:
        """The parts of an invocation that was answered."""
        record = self._record
        if not record.latency_us:
            return {}
        answered_us = record.duration_us - record.extensions_us
        ends = (0, record.latency_us, answered_us, self._runtime_us())
        parts = zip(SPANS, ends, ends[1:], strict=False)
        return {"spans": [self._span(name, begin, end - begin) for name, begin, end in parts]}

    def _span(self, name: str, after_us: int, took_us: int) -> Facts:
        start = _iso(self._record.start_ms + after_us // 1000)
        return {"name": name, "start": start, "durationMs": _ms(took_us)}

    def _tracing(self) -> Facts:
        header = self._record.trace_header
        found = traced(header) if "ampled=1" in header else None
        if found is None:
            return {}
        return {"tracing": {"spanId": found[1], "type": "X-Amzn-Trace-Id", "value": header}}

    def _say(self, time_ms: int, level: str, kind: str, facts: Facts) -> None:
        if LEVELS[level] >= self._least:
            text = msgspec.json.encode({"time": _iso(time_ms), "type": kind, "record": facts}).decode()
            self.events.append((time_ms, text + "\n"))

    def _lines(self, lines: list[LogLine]) -> None:
        self.events += [(line.time_ms, line.text + "\n") for line in lines]

    def _initialization(self) -> str:
        if self._record.init_only:
            return "snap-start"
        return "provisioned-concurrency" if self._record.provisioned else "on-demand"

    def _arn(self) -> str:
        return function_arn(self._record.key, self._record.version if self._record.version.isdigit() else "")


def _iso(time_ms: int) -> str:
    return iso_millis(time_ms).removesuffix("+0000") + "Z"


def _ms(microseconds: int) -> float:
    return round(microseconds / 1000, 3)
