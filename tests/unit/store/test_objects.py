"""Blobs as files: whole or absent, and what the dead leave is swept, never what the living hold."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lambent.ids import SystemIds
from lambent.model.objects import Piece
from lambent.store.objects import FileObjects, open_objects

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
    pieces = [Piece(writing.name, 7, 5), Piece("", 0, 1, b"!"), Piece(writing.name, 0, 5)]
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
        await read(objects, [Piece(writing.name, 0, 6)])


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
    assert await read(objects, [Piece(known.name, 0, 1), Piece(held.name, 0, 1)]) == b"xx"
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
