"""From the journal into metrics: each record once, beside the logs, whatever happens in between."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.journal.follower import Consumer, JournalFollower
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.concurrency import met, peaks, shorn
from lambent.services.cloudwatch.lambda_metrics import LambdaMetrics
from lambent.services.cloudwatch.totals import prometheus
from lambent.services.logs.ingest import LogIngester
from lambent.store.api import Database, StoreFailed
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

START_MS = 1_700_000_040_000


def record(number: int = 0, **changes: Any) -> InvocationRecord:
    known: dict[str, Any] = {
        "start_ms": START_MS + number,
        "key": FunctionKey("000000000000", "us-east-1", "f"),
        "version": "$LATEST",
        "runtime": "python3.12",
        "log_group": "/aws/lambda/f",
        "log_stream": "s",
        "request_id": f"id-{number}",
        "environment_id": f"e{number}",
        "duration_us": 2_000,
        "init_us": 0,
        "billed_ms": 2,
        "memory_mb": 128,
        "max_memory_mb": 30,
        "status": "success",
        "lines": [],
    }
    return InvocationRecord(**(known | changes))


async def sums(database: Database) -> dict[str, float]:
    """The sums of all metrics, by name and dimensions."""
    rows = await database.read(
        lambda tx: tx.all(
            "SELECT name, dimensions, sum(total) AS t FROM metric JOIN point ON metric_id = id GROUP BY id"
        )
    )
    return {f"{row['name']} {row['dimensions']}": row["t"] for row in rows}


async def test_what_urls_answer_counts_and_is_no_invocation(database: Database) -> None:
    """Source: Lambda Developer Guide, "Monitoring function URLs": by FunctionName, and by Resource for an alias."""
    answered = [(200, ""), (404, ""), (502, "live"), (200, "live")]
    records = [
        record(number, url_status=status, qualifier=qualifier, version="", environment_id="")
        for number, (status, qualifier) in enumerate(answered)
    ]
    await database.write(LambdaMetrics(database).prepare(records))
    found = await sums(database)
    name, of = '["FunctionName","f"]', '["Resource","f:live"]'
    assert found[f"UrlRequestCount [{name}]"] == 4
    assert found[f"Url4xxCount [{name}]"] == found[f"Url5xxCount [{name}]"] == 1
    assert found[f"UrlRequestLatency [{name},{of}]"] == 4.0
    assert found[f"Url5xxCount [{name},{of}]"] == 1
    assert not any(
        key.startswith(("Invocations", "Throttles", "Concurrent")) or "ExecutedVersion" in key for key in found
    )


async def test_records_count_by_function_qualifier_and_version(database: Database) -> None:
    work = LambdaMetrics(database).prepare(
        [
            record(0, init_us=5, extensions_us=1_500),
            record(1, status="error", qualifier="live", version="3"),
            record(2, throttled=True, qualifier="live", version="3"),
            record(3, qualifier="3", version="3", provisioned=True, reserved=True),
            record(4, init_only=True),
            record(5, shutdown_only=True),
        ]
    )
    await database.write(work)
    found = await sums(database)
    name, of = '["FunctionName","f"]', '["Resource","f:live"]'
    assert found["Invocations []"] == found[f"Invocations [{name}]"] == 3
    assert found[f'Invocations [{name},["Resource","f"]]'] == 1
    assert found[f"Errors [{name},{of}]"] == found[f"Throttles [{name},{of}]"] == 1
    assert found[f'Errors [["ExecutedVersion","3"],{name},{of}]'] == 1
    assert f'Invocations [["ExecutedVersion","3"],{name},["Resource","f:3"]]' not in found
    assert found[f'ProvisionedConcurrencyInvocations [{name},["Resource","f:3"]]'] == 1
    assert found[f"Duration [{name}]"] == 6.0
    assert found[f"PostRuntimeExtensionsDuration [{name}]"] == 1.5
    text = prometheus(await database.read(store.totals))
    labels = 'account="000000000000",function="f",region="us-east-1"'
    assert f"lambent_function_cold_starts_total{{{labels}}} 1.0" in text
    assert f"lambent_function_throttles_total{{{labels}}} 1.0" in text
    assert 'function="f",le="0.001",region="us-east-1"} 0.0' in text
    assert 'function="f",le="0.0025",region="us-east-1"} 3.0' in text


class Failing:
    """A database whose next writes fail, as often as `failures` says."""

    def __init__(self, database: Database) -> None:
        self._database, self.failures = database, 0

    async def write(self, work: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise StoreFailed("disk full")
        return await self._database.write(work)

    async def read(self, work: Any) -> Any:
        return await self._database.read(work)

    async def rewrite(self) -> None:
        await self._database.rewrite()

    async def close(self) -> None:
        await self._database.close()


@pytest.mark.parametrize("which", [0, 1], ids=["logs fail", "metrics fail"])
async def test_a_consumer_that_failed_catches_up_alone_and_nothing_counts_twice(
    database: Database, tmp_path: Path, which: int
) -> None:
    logs = await open_sqlite(tmp_path / "logs.db", load_schema("lambent.services.logs"))
    databases = [Failing(logs), Failing(database)]
    consumers: list[Consumer] = [LogIngester(databases[0], FakeClock()), LambdaMetrics(databases[1])]
    writer = JournalWriter(tmp_path / "journal", "edge-1-a", segment_bytes=1000)
    reader = JournalReader(tmp_path / "journal", read_bytes=1500)
    follower = JournalFollower(reader, FakeClock(), consumers)
    for number in range(41):  # the last one fails, so that its segment is consumed after its writer has gone
        writer.append(record(number))
        writer.flush()
        databases[which].failures = number % 3 == 1
        if databases[which].failures:
            with pytest.raises(StoreFailed):
                await follower.catch_up()
        else:
            await follower.catch_up()
    writer.close()
    await follower.catch_up()
    await follower.catch_up()
    assert (await sums(database))["Invocations []"] == 41
    starts = await logs.read(lambda tx: tx.one("SELECT sum(event_count) AS n FROM log_chunk"))
    assert starts is not None
    assert starts["n"] == 3 * 41
    assert reader.ends() == {}
    for each in (logs, database):
        assert await each.read(lambda tx: tx.all("SELECT * FROM journal_position")) == []
    await logs.close()


def test_overlaps_are_counted_across_passes_and_minutes() -> None:
    first = [(1000.0 + n, float(n)) for n in range(60)]
    second = [(1100.0 + n, float(n)) for n in range(40)]
    found, kept = met((), first)
    assert found == {0: 60}
    assert met(kept, second)[0] == {0: 100}
    assert peaks([(60_600.0, 60_500.0), (181_000.0, 59_000.0)]) == {0: 1, 60: 2, 120: 1, 180: 1}


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 90_000)), min_size=1, max_size=20))
@settings(max_examples=50)
def test_peaks_are_those_of_counting_at_every_moment(spans: list[tuple[int, int]]) -> None:
    intervals = sorted((float(begin + length), float(begin)) for begin, length in spans)
    expected: dict[int, int] = {}
    for at_ms in sorted({begin for _, begin in intervals} | {float(m) for m in range(0, 300_000, 60_000)}):
        level = sum(begin <= at_ms < end for end, begin in intervals)
        if level:
            minute = int(at_ms // 60_000) * 60
            expected[minute] = max(level, expected.get(minute, 0))
    assert peaks(intervals) == expected


def test_one_environment_never_overlaps_itself() -> None:
    free_ms: dict[str, float] = {}
    spans = [("a", 5.0, 5.9), ("b", 5.0, 6.0), ("a", 5.0, 5.4), ("a", 5.0, 5.0)]
    assert peaks(sorted(shorn(free_ms, *each) for each in spans)) == {0: 2}


async def test_the_same_batch_again_does_not_count_its_overlaps_twice(database: Database) -> None:
    metrics = LambdaMetrics(database)
    batch = [record(0, duration_us=900_000), record(1, duration_us=900_000)]
    metrics.prepare(batch)
    await database.write(metrics.prepare(batch))
    await database.write(metrics.prepare([record(2, duration_us=900_000)]))
    rows = await database.read(
        lambda tx: tx.all("SELECT maximum FROM metric JOIN point ON metric_id = id WHERE name = 'ConcurrentExecutions'")
    )
    assert {row["maximum"] for row in rows} == {3.0}
