"""What moving one invocation from the journal into its log stream and its metrics costs, in CPU of the whole process.

    .venv/bin/python bench/ingest.py [--records 100000] [--streams 16] [--without-metrics]

The promise is under 10 microseconds for the logs at 10,000 invocations a second, in passes a fifth of a second
apart (2,000 records each). Commits are part of it; waiting for the disk is not CPU.
"""

import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from command import how_many, parser, run
from journal import record
from lambent.clock import SystemClock
from lambent.journal.follower import Consumer, JournalFollower
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.services.cloudwatch.lambda_metrics import LambdaMetrics
from lambent.services.logs.api import PACKAGE
from lambent.services.logs.ingest import LogIngester
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

A_PASS = 2000


async def measure(folder: Path, count: int, streams: int, *, with_metrics: bool) -> None:
    database = await open_sqlite(folder / "logs.db", load_schema(PACKAGE))
    writer = JournalWriter(folder / "journal", "bench")
    clock = SystemClock()
    metrics = await open_sqlite(folder / "metrics.db", load_schema("lambent.services.cloudwatch"))
    consumers: list[Consumer] = [LogIngester(database, clock)]
    if with_metrics:
        consumers.append(LambdaMetrics(metrics))
    ingester = JournalFollower(JournalReader(folder / "journal"), clock, consumers)
    records = [
        msgspec.structs.replace(record(number), log_stream=f"2026/11/23/[$LATEST]{number % streams:032x}")
        for number in range(count)
    ]
    spent_s = longest_s = 0.0
    for start in range(0, count, A_PASS):
        for each in records[start : start + A_PASS]:
            writer.append(each)
        writer.flush()
        before_s, began_s = time.process_time(), time.perf_counter()
        await ingester.catch_up()
        spent_s += time.process_time() - before_s
        longest_s = max(longest_s, time.perf_counter() - began_s)
    print(f"ingest, {streams} streams  {spent_s / count * 1e6:6.2f} us of CPU a record")
    print(f"longest pass of {A_PASS}  {longest_s * 1e3:6.1f} ms")
    row = await database.read(
        lambda tx: tx.one("SELECT sum(event_count) AS n, count(*) AS c, sum(length(body)) AS b FROM log_chunk")
    )
    assert row is not None
    assert row["n"] == 4 * count
    print(f"chunks {row['c']}, {row['b'] / count:.0f} bytes in chunks a record")
    writer.close()
    await database.close()
    await metrics.close()


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--records", type=how_many, default=100_000)
    flags.add_argument("--streams", type=how_many, default=16)
    flags.add_argument("--without-metrics", action="store_true")
    chosen = flags.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        uvloop.run(measure(Path(temporary), chosen.records, chosen.streams, with_metrics=not chosen.without_metrics))


if __name__ == "__main__":
    run(main)
