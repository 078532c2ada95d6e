"""Blobs: content addresses, atomic files, and no way out of the folder."""

import asyncio
import hashlib
import stat
from pathlib import Path

import pytest

from lambent.store.blobs import open_blobs


async def test_what_was_put_is_got_back_at_its_hash(tmp_path: Path) -> None:
    blobs = await open_blobs(tmp_path / "blobs")
    digest = await blobs.put(b"code")
    assert digest == hashlib.sha256(b"code").hexdigest()
    assert await blobs.get(digest) == b"code"
    assert blobs.path(digest) == tmp_path / "blobs" / digest[:2] / digest[2:4] / digest
    assert stat.S_IMODE(blobs.path(digest).stat().st_mode) == 0o600


async def test_the_same_bytes_are_kept_once_even_when_they_come_together(tmp_path: Path) -> None:
    blobs = await open_blobs(tmp_path)
    digests = await asyncio.gather(*(blobs.put(b"same") for _ in range(20)))
    assert len(set(digests)) == 1
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [blobs.path(digests[0])]


async def test_what_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    blobs = await open_blobs(tmp_path)
    with pytest.raises(KeyError):
        await blobs.get("0" * 64)


async def test_deleting_forgets_and_may_be_repeated(tmp_path: Path) -> None:
    blobs = await open_blobs(tmp_path)
    digest = await blobs.put(b"code")
    await blobs.delete(digest)
    await blobs.delete(digest)
    with pytest.raises(KeyError):
        await blobs.get(digest)
    assert await blobs.put(b"code") == digest


async def test_what_a_killed_writer_left_is_removed_at_open(tmp_path: Path) -> None:
    blobs = await open_blobs(tmp_path)
    digest = await blobs.put(b"whole")
    (tmp_path / "unfinished" / "1-1").write_bytes(b"hal")
    again = await open_blobs(tmp_path)
    assert list((tmp_path / "unfinished").iterdir()) == []
    assert await again.get(digest) == b"whole"


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
async def test_a_name_that_is_no_digest_never_reaches_the_disk(tmp_path: Path, digest: str) -> None:
    blobs = await open_blobs(tmp_path)
    with pytest.raises(KeyError):
        await blobs.get(digest)
    with pytest.raises(KeyError):
        blobs.path(digest)
