"""Blobs as files: whole or absent, and what the dead leave is swept, never what the living hold."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lambent.ids import SystemIds
from lambent.model.objects import Piece
from lambent.store.encryption import CHUNK_BYTES
from lambent.store.objects import FileObjects, open_objects, place_of

LATER_S = 4_000_000_000.0


async def read(objects: FileObjects, pieces: Sequence[Piece]) -> bytes:
    return b"".join([data async for data in objects.read(pieces)])


async def nobody_knows(names: list[str]) -> set[str]:
    return set()


async def test_pieces_of_blobs_are_read_in_order(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "objects", SystemIds())
    writing = await objects.begin()
    await writing.write(b"hello, ")
    await writing.write(b"world")
    await writing.finish()
    writing.release()
    name, key = writing.name, writing.key
    pieces = [Piece(name, 7, 5, key=key), Piece("", 0, 1, b"!"), Piece(name, 0, 5, key=key)]
    assert await read(objects, pieces) == b"world!hello"
    await objects.delete([writing.name, "0" * 32])
    with pytest.raises(FileNotFoundError):
        await read(objects, pieces)


async def test_a_blob_that_is_too_short_is_no_answer(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "objects", SystemIds())
    writing = await objects.begin()
    await writing.write(b"short")
    await writing.finish()
    writing.release()
    with pytest.raises(OSError, match="shorter"):
        await read(objects, [Piece(writing.name, 0, CHUNK_BYTES + 1, key=writing.key)])


async def test_a_blob_is_encrypted_and_opened_in_stretches(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "objects", SystemIds())
    writing, other = await objects.begin(), await objects.begin()
    data = bytes(range(256)) * 7_000
    for at in range(0, len(data), 300_001):
        await writing.write(data[at : at + 300_001])
    await writing.finish()
    file = place_of(tmp_path / "objects", writing.name)
    assert data[:32] not in file.read_bytes()
    for begin, end in ((0, len(data)), (65_535, 65_537), (1_000_000, 1_700_000), (len(data) - 1, len(data))):
        piece = Piece(writing.name, begin, end - begin, key=writing.key)
        assert await read(objects, [piece]) == data[begin:end]
    with pytest.raises(OSError, match="damaged"):
        await read(objects, [Piece(writing.name, 0, 10, key=other.key)])
    with file.open("r+b") as opened:
        opened.seek(70_000)
        opened.write(b"!")
    assert await read(objects, [Piece(writing.name, 0, 10, key=writing.key)]) == data[:10]
    with pytest.raises(OSError, match="damaged"):
        await read(objects, [Piece(writing.name, 66_000, 1, key=writing.key)])
    writing.release()
    other.release()


async def test_a_blob_from_before_they_were_encrypted_is_read_as_it_is(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "objects", SystemIds())
    place_of(tmp_path / "objects", "ab" * 16).write_bytes(b"as it is")
    assert await read(objects, [Piece("ab" * 16, 3, 2)]) == b"it"
    with pytest.raises(OSError, match="shorter"):
        await read(objects, [Piece("ab" * 16, 0, 9)])


async def test_a_sweep_spares_what_is_known_young_or_being_written(tmp_path: Path) -> None:
    objects, other = (open_objects(tmp_path / "objects", SystemIds()) for _ in range(2))
    written = []
    for _ in range(3):
        writing = await objects.begin()
        await writing.write(b"x")
        await writing.finish()
        written.append(writing)
    unfinished = await objects.begin()
    known, held, abandoned = written
    known.release()
    abandoned.release()

    async def knows(names: list[str]) -> set[str]:
        return {known.name} & set(names)

    assert await other.sweep(knows, 0.0) == 0  # nothing is as old as that
    assert await other.sweep(knows, LATER_S) == 1
    assert await read(objects, [Piece(each.name, 0, 1, key=each.key) for each in (known, held)]) == b"xx"
    await held.discard()
    held.release()
    unfinished.release()
    assert await other.sweep(nobody_knows, LATER_S) == 2
    left = [each for each in (tmp_path / "objects").rglob("*") if each.is_file()]
    assert left == []


async def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "objects", SystemIds())
    for name in ("../../../../etc/passwd", "a" * 31, "a" * 31 + "/"):
        with pytest.raises(KeyError):
            await read(objects, [Piece(name, 0, 1)])
