"""What one record costs: to append (the hot path), to read back, to render.

    .venv/bin/python bench/journal.py [--records 200000] [--per-turn 4]

The promise is that appending costs under 5 microseconds, writing to the segment file included.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from command import how_many, parser, run
from lambent.journal.lines import events_of
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord, LogLine


def record(number: int) -> InvocationRecord:
    """A warm invocation that printed one line."""
    return InvocationRecord(
        start_ms=1_700_000_000_000 + number,
        key=FunctionKey("000000000000", "us-east-1", "thumbnail"),
        version="$LATEST",
        runtime="python3.12",
        log_group="/aws/lambda/thumbnail",
        log_stream=f"2026/11/23/[$LATEST]{number % 16:032x}",
        request_id=f"3f6b1f70-0a4e-4a39-8d2c-{number:012x}",
        environment_id=f"{number % 16:032x}",
        duration_us=1234 + number % 1000,
        init_us=0,
        billed_ms=2,
        memory_mb=128,
        max_memory_mb=36,
        status="success",
        lines=[LogLine(1_700_000_000_000 + number, "[INFO] thumbnail made in 1.1 ms")],
    )


async def append_us(writer: JournalWriter, records: list[InvocationRecord], per_turn: int) -> float:
    """Microseconds for each record, `per_turn` of them in a turn of the loop."""
    start_s = time.perf_counter()
    for number, each in enumerate(records, start=1):
        writer.append(each)
        if number % per_turn == 0:
            await asyncio.sleep(0)
    writer.flush()
    return (time.perf_counter() - start_s) / len(records) * 1e6


def read_us(folder: Path, count: int) -> float:
    """Microseconds for each record, to read and decode it."""
    reader = JournalReader(folder)
    positions: dict[str, int] = {}
    ends, read = reader.ends(), 0
    start_s = time.perf_counter()
    while batch := reader.read(positions, ends):
        if not batch.positions:
            break
        positions |= batch.positions
        read += len(batch.records)
    assert read == count
    return (time.perf_counter() - start_s) / count * 1e6


def render_us(records: list[InvocationRecord]) -> float:
    """Microseconds for each record, to make its log events."""
    start_s = time.perf_counter()
    for each in records:
        events_of(each)
    return (time.perf_counter() - start_s) / len(records) * 1e6


async def measure(folder: Path, count: int, per_turn: int) -> None:
    records = [record(number) for number in range(count)]
    writer = JournalWriter(folder / "alone", "bench")
    print(f"append, one a turn    {await append_us(writer, records, 1):6.2f} us")
    writer.close()
    writer = JournalWriter(folder / "together", "bench")
    print(f"append, {per_turn} a turn      {await append_us(writer, records, per_turn):6.2f} us")
    writer.close()
    print(f"read and decode       {read_us(folder / 'together', count):6.2f} us")
    print(f"render as log events  {render_us(records):6.2f} us")


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--records", type=how_many, default=200_000)
    flags.add_argument("--per-turn", type=how_many, default=4)
    chosen = flags.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        uvloop.run(measure(Path(temporary), chosen.records, chosen.per_turn))


if __name__ == "__main__":
    run(main)
