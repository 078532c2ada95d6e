"""The log of one invocation as CloudWatch Logs shows it, from its record. Pure.

Used when records are moved into log streams, and for LogType=Tail. Throttled requests leave no
line, and what a function URL answered leaves none. `start_ms` is the beginning of the
invoke phase, and the init phase lies before it.

Sources: behaviours sheet section 15 (recorded lines; tabs between fields, each event ends with a
newline, REPORT with a tab before it unless a status follows); recordings of 2025 and 2026 for
`Status: timeout` behind Init Duration and for INIT_REPORT in front of START. The line "Task timed
out" ends with an empty line, and comes before END.
"""

import msgspec

from lambent.clock import iso_millis
from lambent.journal.json_lines import JsonLog
from lambent.model.invocation import InvocationRecord, LogLine
from lambent.model.runtime_version import runtime_version, runtime_version_arn
from lambent.model.trace import traced

Event = tuple[int, str]
"""Epoch milliseconds, and the message with its newline."""


def events_of(record: InvocationRecord) -> list[Event]:
    """The events of `record`, in the order in which they happened."""
    if record.throttled or record.url_status:
        return []
    if record.shutdown_only:
        return [(line.time_ms, line.text + "\n") for line in record.lines]
    if record.init_only:
        return _events_of_init(record)
    if record.system_log_level:
        arn = runtime_version_arn(record.runtime, record.key.region)
        return JsonLog(record, (runtime_version(record.runtime), arn)).write()
    start_ms, request_id, lines = record.start_ms, record.request_id, record.lines
    # Both parts of the sum are cut to whole milliseconds: a last line may be stamped one later, and still precedes END.
    end_ms = max([start_ms + record.duration_us // 1000, *(line.time_ms for line in lines)])
    if record.restore_us:
        events, lines = _restore_events(record)
    elif record.init_us or record.init_status:
        events, lines = _init_events(record)
    else:
        events = []
    events.append((record.invoke_ms, f"START RequestId: {request_id} Version: {record.version}\n"))
    for line in lines:
        events.append((line.time_ms, line.text + "\n"))
    if record.status == "timeout":
        events.append((end_ms, _timed_out(record, end_ms)))
    events.append((end_ms, f"END RequestId: {request_id}\n"))
    events.append((end_ms, _report(record)))
    return events


def _init_events(record: InvocationRecord) -> tuple[list[Event], list[LogLine]]:
    """The events of the init phase, and the lines that are left for the invoke phase."""
    start_ms, early = record.start_ms, record.early_lines
    arn = runtime_version_arn(record.runtime, record.key.region)
    init_ms = start_ms - record.init_us // 1000
    first_ms = min(init_ms, early[0].time_ms) if early else init_ms
    events: list[Event] = []
    if record.runtime:  # an image brings its own, of which we know no version
        events.append(
            (first_ms, f"INIT_START Runtime Version: {runtime_version(record.runtime)}\tRuntime Version ARN: {arn}\n")
        )
    events += [(line.time_ms, line.text + "\n") for line in early]
    if record.init_status or record.init_only:
        events.append((record.invoke_ms, _init_report(record)))
    return events, record.lines[len(early) :]


def _restore_events(record: InvocationRecord) -> tuple[list[Event], list[LogLine]]:
    """The events of a restore from a snapshot (SnapStart), and the lines that are left for the invoke phase."""
    start_ms, early = record.start_ms, record.early_lines
    arn = runtime_version_arn(record.runtime, record.key.region)
    restore_ms = start_ms - record.restore_us // 1000
    first_ms = min(restore_ms, early[0].time_ms) if early else restore_ms
    events = [
        (first_ms, f"RESTORE_START Runtime Version: {runtime_version(record.runtime)}\tRuntime Version ARN: {arn}\n")
    ]
    events += [(line.time_ms, line.text + "\n") for line in early]
    report = f"RESTORE_REPORT Restore Duration: {record.restore_us / 1000:.2f} ms"
    if record.init_status:
        report += f"\tStatus: {record.init_status}"
    events.append((record.invoke_ms, report + "\n"))
    return events, record.lines[len(early) :]


def _events_of_init(record: InvocationRecord) -> list[Event]:
    """The init phase of a version with SnapStart, which belongs to no invocation and always has its report."""
    end_ms = max([record.start_ms, *(line.time_ms + 1 for line in record.lines)])
    events, _ = _init_events(msgspec.structs.replace(record, start_ms=end_ms))
    return events


def _init_report(record: InvocationRecord) -> str:
    line = f"INIT_REPORT Init Duration: {record.init_us / 1000:.2f} ms\tPhase: init"
    if record.init_status:
        line += f"\tStatus: {record.init_status}"
    if record.init_status == "error" and record.error_type:
        line += f"\tError Type: {record.error_type}"
    return line + "\n"


def _report(record: InvocationRecord) -> str:
    line = (
        f"REPORT RequestId: {record.request_id}\tDuration: {record.duration_us / 1000:.2f} ms\t"
        f"Billed Duration: {record.billed_ms} ms\tMemory Size: {record.memory_mb} MB\t"
        f"Max Memory Used: {record.max_memory_mb} MB\t"
    )
    if record.init_us and not record.init_status:
        line += f"Init Duration: {record.init_us / 1000:.2f} ms\t"
    if record.restore_us:
        line += f"Restore Duration: {record.restore_us / 1000:.2f} ms\t"
        line += f"Billed Restore Duration: {-(-record.billed_restore_us // 1000)} ms\t"
    if record.status == "timeout":
        line += "Status: timeout"
    elif record.status != "success" and record.error_type:
        line += f"Status: error\tError Type: {record.error_type}"
    return line + "\n" + _trace(record)


def _trace(record: InvocationRecord) -> str:
    """The second line of REPORT, where the request is traced."""
    found = traced(record.trace_header) if "ampled=1" in record.trace_header else None
    return "" if found is None else f"XRAY TraceId: {found[0]}\tSegmentId: {found[1]}\tSampled: true\t\n"


def _timed_out(record: InvocationRecord, end_ms: int) -> str:
    """The timeout is a whole number of seconds, and the duration of what it cut off is at least as long."""
    moment = iso_millis(end_ms).removesuffix("+0000")
    seconds = round(record.duration_us / 1_000_000)
    return f"{moment}Z {record.request_id} Task timed out after {seconds:.2f} seconds\n\n"
