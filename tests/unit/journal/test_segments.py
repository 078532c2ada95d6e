"""Writing and following segments: order, rotation, checkpoints, torn tails, deletion."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.journal.api import HEADER
from lambent.journal.frames import parse_frames
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord, LogLine

KEY = FunctionKey("000000000000", "us-east-1", "f")


def record(request_id: str, text: str = "hello") -> InvocationRecord:
    return InvocationRecord(
        1_700_000_000_000,
        KEY,
        "$LATEST",
        "python3.12",
        "/aws/lambda/f",
        "2026/11/23/[$LATEST]0",
        request_id,
        "e",
        1500,
        0,
        2,
        128,
        36,
        "success",
        [LogLine(1_700_000_000_000, text)],
    )


def read_all(reader: JournalReader, positions: dict[str, int]) -> list[str]:
    """Everything that is there now, moving `positions` on."""
    ends, found = reader.ends(), list[str]()
    while (batch := reader.read(positions, ends)).positions:
        positions |= batch.positions
        found += [each.request_id for each in batch.records]
    return found


async def test_records_of_one_turn_are_written_together_when_it_ends(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path)
    writer.append(record("1"))
    writer.append(record("2"))
    assert reader.ends() == {}
    await asyncio.sleep(0)
    assert read_all(reader, {}) == ["1", "2"]
    assert writer.statistics().records == 2
    writer.close()


async def test_a_record_comes_back_as_it_went_in(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path)
    written = record("1", "täglich\u00a0grüßt")
    writer.append(written)
    writer.close()
    assert reader.read({}, reader.ends()).records == [written]


async def test_reading_goes_on_at_the_checkpoint(tmp_path: Path) -> None:
    writer, reader, positions = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path), dict[str, int]()
    writer.append(record("1"))
    writer.flush()
    assert read_all(reader, positions) == ["1"]
    assert read_all(reader, positions) == []
    writer.append(record("2"))
    writer.close()
    assert read_all(reader, positions) == ["2"]


async def test_segments_rotate_by_size_and_keep_their_order(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "edge-1-a", segment_bytes=600)
    for number in range(20):
        writer.append(record(str(number)))
        writer.flush()
    writer.close()
    reader = JournalReader(tmp_path, read_bytes=500)
    assert len(reader.ends()) > 3
    assert read_all(reader, {}) == [str(number) for number in range(20)]


async def test_a_record_longer_than_the_room_is_read_whole(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path, read_bytes=100)
    writer.append(record("1", "x" * 10_000))
    writer.append(record("2"))
    writer.close()
    assert read_all(reader, {}) == ["1", "2"]


async def test_only_consumed_segments_without_a_writer_are_deleted(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "edge-1-a", segment_bytes=600)
    reader, positions = JournalReader(tmp_path), dict[str, int]()
    for number in range(10):
        writer.append(record(str(number)))
        writer.flush()
    writer.append(record("10"))
    writer.flush()
    assert reader.delete_consumed(positions) == []
    read_all(reader, positions)
    *closed, current = reader.ends()
    assert reader.delete_consumed(positions) == closed
    assert list(reader.ends()) == [current]
    writer.close()
    assert reader.delete_consumed(positions) == [current]


async def test_a_writer_never_appends_to_a_segment_that_the_reader_is_deleting(tmp_path: Path) -> None:
    """The window between making a segment and locking it, in which it looks like an abandoned one."""
    writer, reader = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path)
    real_open, stolen = os.open, list[str]()

    def open_and_lose(path: str, *arguments: int) -> int:
        descriptor = real_open(path, *arguments)
        if not stolen:
            stolen.extend(reader.delete_consumed({}))
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambent.journal.writer.os.open", open_and_lose)
        writer.append(record("1"))
        writer.flush()
    assert stolen == ["edge-1-a.00000001.journal"]
    assert read_all(reader, {}) == ["1"]
    writer.close()


async def test_a_torn_tail_is_skipped_and_its_segment_deleted(tmp_path: Path) -> None:
    writer, reader, positions = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path), dict[str, int]()
    for number in range(3):
        writer.append(record(str(number)))
    writer.close()
    (segment,) = tmp_path.iterdir()
    os.truncate(segment, segment.stat().st_size - 1)
    assert read_all(reader, positions) == ["0", "1"]
    assert reader.delete_consumed(positions) == [segment.name]


async def test_a_frame_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path) -> None:
    writer, reader, positions = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path), dict[str, int]()
    writer.append(record("1"))
    writer.append(record("2"))
    writer.close()
    (segment,) = tmp_path.iterdir()
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-10])
    assert read_all(reader, positions) == ["1"]
    segment.write_bytes(whole)
    assert read_all(reader, positions) == ["2"]


async def test_damage_gives_up_what_is_there_but_not_what_follows(tmp_path: Path) -> None:
    writer, reader, positions = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path), dict[str, int]()
    writer.append(record("1"))
    writer.flush()
    first_bytes = next(iter(reader.ends().values()))
    writer.append(record("2"))
    writer.flush()
    (segment,) = tmp_path.iterdir()
    with open(segment, "r+b") as file:
        file.seek(first_bytes + HEADER.size + 3)
        file.write(b"\xff")
    assert read_all(reader, positions) == ["1"]
    writer.append(record("3"))
    writer.close()
    assert read_all(reader, positions) == ["3"]


async def test_a_full_disk_drops_records_and_serving_goes_on(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path, "edge-1-a"), JournalReader(tmp_path)
    writer.append(record("1"))
    writer.flush()

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambent.journal.writer.os.write", full)
        writer.append(record("2"))
        writer.flush()
    writer.append(record("3"))
    writer.close()
    assert read_all(reader, {}) == ["1", "3"]
    assert writer.statistics().dropped == 1


@settings(max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_are_parsed_without_an_error(data: bytes) -> None:
    parsed = parse_frames(data)
    assert 0 <= parsed.consumed <= len(data)


def test_a_record_of_another_lambent_is_counted_and_passed_over() -> None:
    body = b"\x93\x01\x02\x03"
    from zlib import crc32

    data = HEADER.pack(len(body), crc32(body)) + body
    assert parse_frames(data) == ([], len(data), 0, "", 1)


def test_what_a_killed_writer_wrote_is_read_and_its_segment_is_free(tmp_path: Path) -> None:
    """The writer is killed with SIGKILL while it writes; each number it printed had been flushed before."""
    program = f"""
import asyncio, itertools, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from lambent.journal.writer import JournalWriter
from test_segments import record

async def main():
    writer = JournalWriter(Path({str(tmp_path)!r}), "edge-1-a", segment_bytes=50_000)
    for number in itertools.count():
        writer.append(record(str(number)))
        await asyncio.sleep(0)
        print(number, flush=True)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        printed = [child.stdout.readline() for _ in range(500)]
        child.kill()
        printed += child.stdout.readlines()
    reader, positions = JournalReader(tmp_path), dict[str, int]()
    found = read_all(reader, positions)
    whole = [line.strip() for line in printed if line.endswith("\n")]  # the kill may have cut the last one short
    assert found[: len(whole)] == whole
    assert found == [str(number) for number in range(len(found))]
    assert reader.delete_consumed(positions) != []
    assert reader.ends() == {}
