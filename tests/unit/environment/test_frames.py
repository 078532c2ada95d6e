"""The channel's frames, in every kind of piece and every kind of wrong. Source: environment/api.py."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.environment import frames
from lambent.environment.frames import Frame, FrameReader, Garbage, encode

FIELD = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
FRAMES = st.sampled_from(sorted(frames.FROM_BOOTSTRAP)).flatmap(
    lambda kind: st.builds(
        Frame,
        st.just(kind),
        st.lists(FIELD, min_size=frames.FROM_BOOTSTRAP[kind], max_size=frames.FROM_BOOTSTRAP[kind]),
        st.binary(max_size=50),
        st.just(0),
    )
)


def wire(sent: list[Frame]) -> bytes:
    return b"".join(encode(frame.kind, frame.fields, frame.payload) for frame in sent)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if end > start]


@settings(max_examples=150)
@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_what_is_sent_is_received_however_it_is_cut(sent: list[Frame], cuts: list[int]) -> None:
    reader, received = FrameReader(), []
    for piece in pieces_of(wire(sent), cuts):
        received += reader.feed(piece)
    assert received == sent


@settings(max_examples=150)
@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 10_000), max_size=8), st.integers(0, 50))
def test_a_payload_over_the_limit_is_counted_and_what_follows_is_whole(
    sent: list[Frame], cuts: list[int], limit_bytes: int
) -> None:
    reader, received = FrameReader(), []
    reader.limit_bytes = limit_bytes
    for piece in pieces_of(wire(sent), cuts):
        received += reader.feed(piece)
    assert received == [
        frame
        if len(frame.payload) <= limit_bytes or frame.kind in frames.PIECES
        else Frame(frame.kind, frame.fields, b"", len(frame.payload))
        for frame in sent
    ]


def test_a_piece_that_is_longer_than_any_bootstrap_sends_is_garbage() -> None:
    whole = frames.encode(frames.CHUNK, ["r"], bytes(frames.PIECE_BYTES))
    assert len(FrameReader().feed(whole)) == 1
    with pytest.raises(Garbage):
        FrameReader().feed(frames.encode(frames.CHUNK, ["r"], bytes(frames.PIECE_BYTES + 1))[:20])


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=10))
def test_arbitrary_bytes_give_frames_or_garbage_and_nothing_else(pieces: list[bytes]) -> None:
    reader = FrameReader()
    try:
        for piece in pieces:
            reader.feed(piece)
    except Garbage:
        with pytest.raises(Garbage):
            reader.feed(b"\0")


@pytest.mark.parametrize(
    "data",
    [
        frames.HEADER.pack(3, 99, 0),
        frames.HEADER.pack(3, frames.INVOKE, 0),
        frames.HEADER.pack(2, frames.RESPONSE, 0),
        frames.HEADER.pack(4, frames.RESPONSE, 2),
        encode(frames.RESPONSE, ["a", "b"], b""),
        encode(frames.ERROR, ["a"], b""),
        frames.HEADER.pack(4, frames.RESPONSE, 1) + b"\xff",
    ],
    ids=[
        "unknown kind",
        "a kind of ours",
        "too short",
        "meta over length",
        "field too many",
        "field missing",
        "not UTF-8",
    ],
)
def test_every_malformation_is_garbage_and_stays_garbage(data: bytes) -> None:
    reader = FrameReader()
    for _ in range(2):
        with pytest.raises(Garbage):
            reader.feed(data)


def test_a_promise_of_four_gibibytes_is_never_kept_in_memory() -> None:
    reader = FrameReader()
    reader.limit_bytes = 1000
    assert reader.feed(frames.HEADER.pack(2**32 - 1, frames.RESPONSE, 1) + b"r") == []
    for _ in range(100):
        assert reader.feed(bytes(100_000)) == []
    assert reader._pieces == []


@pytest.mark.parametrize("fields", [["a\0b"], ["x" * 70_000]])
def test_fields_that_no_frame_can_carry_are_refused(fields: list[str]) -> None:
    with pytest.raises(ValueError, match="field"):
        encode(frames.RESPONSE, fields, b"")


def test_a_long_frame_in_tiny_pieces_takes_little_more_than_its_bytes() -> None:
    reader, payload = FrameReader(), bytes(range(250)) * 400
    whole = frames.encode(frames.RESPONSE, ["r"], payload)
    received = []
    for start in range(0, len(whole), 2):
        received += reader.feed(whole[start : start + 2])
        assert len(reader._pieces) <= frames.MOST_PIECES + 1
    assert [each.payload for each in received] == [payload]
