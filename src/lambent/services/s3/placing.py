"""Bytes that control itself brings to where they stay: few travel with the commit, more are a blob first.

(What clients send, the edges place: `gateway/receiving.py`.)
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lambent.errors import LambentError
from lambent.model.objects import Stored
from lambent.store.api import Objects

SMALL_BYTES = 16 * 1024


@asynccontextmanager
async def placed(objects: Objects, pieces: AsyncIterator[bytes], length: int) -> AsyncIterator[Stored]:
    """So many bytes, on disk or to be committed inside the block. Where it fails nobody knows of them, and they are
    deleted; where it is cut off somebody may, and the next sweep finds out."""
    if length <= SMALL_BYTES:
        yield Stored(length, data=b"".join([each async for each in pieces]))
        return
    writing = await objects.begin()
    try:
        async for data in pieces:
            await writing.write(data)
        await writing.finish()
        yield Stored(length, blob=writing.name, key=writing.key)
    except (LambentError, OSError):
        await writing.discard()
        raise
    finally:
        writing.release()
