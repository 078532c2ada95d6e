"""Chunks of a blob: any stretch of them is what was written, and what was touched is not opened."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.store.encryption import CHUNK_BYTES, KEY_BYTES, SEALED_BYTES, TAG_BYTES, Sealing, opened, sealed_range

KEY = bytes(range(KEY_BYTES))
SIZES = st.one_of(st.integers(0, 40), st.integers(CHUNK_BYTES - 2, CHUNK_BYTES + 2), st.integers(0, 3 * CHUNK_BYTES))


def sealed_in(steps: list[bytes]) -> bytes:
    sealing = Sealing(KEY)
    return b"".join([*map(sealing.update, steps), sealing.finish()])


@settings(max_examples=50)
@given(st.lists(SIZES, max_size=4), st.integers(0, 2**20), st.integers(0, 2**20))
def test_any_stretch_is_what_was_written_in_whatever_steps(sizes: list[int], one: int, other: int) -> None:
    steps = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    data, file = b"".join(steps), sealed_in(steps)
    chunks = -(-len(data) // CHUNK_BYTES)
    assert len(file) == len(data) + chunks * TAG_BYTES
    begin, end = sorted((one % (len(data) + 1), other % (len(data) + 1)))
    first, last = sealed_range(begin, end)
    at = begin % CHUNK_BYTES
    assert opened(KEY, file[first:last], first)[at : at + end - begin] == data[begin:end]


def test_what_was_changed_moved_or_cut_is_not_opened() -> None:
    file = sealed_in([b"x" * (2 * CHUNK_BYTES + 5)])
    one, two, three = file[:SEALED_BYTES], file[SEALED_BYTES : 2 * SEALED_BYTES], file[2 * SEALED_BYTES :]
    flipped = bytes([file[0] ^ 1]) + file[1:]
    for changed in (flipped, two + one + three, file[:-1], one + three, file[: SEALED_BYTES + 3]):
        with pytest.raises(ValueError, match="changed"):
            opened(KEY, changed, 0)
    with pytest.raises(ValueError, match="changed"):
        opened(KEY, one, SEALED_BYTES)
    with pytest.raises(ValueError, match="changed"):
        opened(bytes(KEY_BYTES), file, 0)


def test_the_same_bytes_look_like_nothing_twice() -> None:
    file = sealed_in([bytes(2 * CHUNK_BYTES)])
    assert file[:SEALED_BYTES] != file[SEALED_BYTES:]
    assert bytes(64) not in file
