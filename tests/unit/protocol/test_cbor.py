"""CBOR against botocore's reader and writer, and against hostile bytes. Source: RFC 8949."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ServiceModel
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.protocol.cbor import decode_cbor, encode_cbor
from lambent.protocol.failures import Unmodelled, Unparsable

PARSER = RpcV2CBORParser()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def botocore_reads(body: bytes) -> Any:
    return PARSER.parse_data_item(PARSER.get_peekable_stream_from_bytes(body))


def without_null_members(value: Any) -> Any:
    """botocore leaves members that are null out of maps."""
    if isinstance(value, dict):
        return {key: without_null_members(item) for key, item in value.items() if item is not None}
    return [without_null_members(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=150)
@given(VALUES)
def test_what_we_write_is_read_back_by_us_and_by_botocore(value: Any) -> None:
    body = encode_cbor(value)
    assert decode_cbor(body) == value
    assert botocore_reads(body) == without_null_members(value)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        decode_cbor(body)
    except Unparsable:
        return


@settings(max_examples=100)
@given(VALUES, st.integers(0, 100))
def test_a_body_that_is_cut_short_is_refused(value: Any, at: int) -> None:
    body = encode_cbor([value])
    with pytest.raises(Unparsable):
        decode_cbor(body[: at % len(body)])


@pytest.mark.parametrize(
    "body",
    ["9b7fffffffffffffff", "5b7fffffffffffffff", "bb7fffffffffffffff", "c2", "c24100", "f8ff", "ff", "81ff", "a1ff00",
     "a10102", "0000", "bf00ff", "7f4100ff", "1c", "c1fb7ff8000000000000", "c11b7fffffffffffffff", "61ff"],
)  # fmt: skip
def test_hostile_bodies_are_refused(body: str) -> None:
    with pytest.raises(Unparsable):
        decode_cbor(bytes.fromhex(body))


def test_nesting_has_an_end() -> None:
    with pytest.raises(Unparsable, match="nested"):
        decode_cbor(b"\x81" * 100_000)


def test_indefinite_lengths_are_read() -> None:
    assert decode_cbor(bytes.fromhex("9f01bf6161f5ff7f61616162ff5f4101ffff")) == [1, {"a": True}, "ab", b"\x01"]


def test_half_and_single_floats_are_read() -> None:
    assert decode_cbor(bytes.fromhex("82f93c00fa3fc00000")) == [1.0, 1.5]


def test_timestamps_carry_tag_one() -> None:
    moment = datetime(2026, 1, 31, 23, 59, 59, 123000, tzinfo=UTC)
    assert decode_cbor(encode_cbor(moment)) == moment
    assert encode_cbor(datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)).hex() == "c105"


def test_what_cbor_cannot_carry_is_a_bug() -> None:
    for value in ({1}, 2**64):
        with pytest.raises(Unmodelled):
            encode_cbor(value)


def test_what_botocore_writes_is_read() -> None:
    shapes = {
        "In": {"type": "structure", "members": {"A": {"shape": "L"}, "B": {"shape": "Bl"}, "D": {"shape": "D"}}},
        "L": {"type": "list", "member": {"shape": "Long"}},
        "Long": {"type": "long"},
        "Bl": {"type": "blob"},
        "D": {"type": "double"},
    }
    metadata = {"protocol": "smithy-rpc-v2-cbor", "targetPrefix": "P", "serviceId": "P", "endpointPrefix": "p"}
    operation = {"name": "Op", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}}
    model = ServiceModel({"metadata": metadata, "operations": {"Op": operation}, "shapes": shapes}, "p")
    value = {"A": [1, -5, 2**40], "B": b"x" * 300, "D": float("inf")}
    request = RpcV2CBORSerializer().serialize_to_request(value, model.operation_model("Op"))
    assert decode_cbor(request["body"]) == value
