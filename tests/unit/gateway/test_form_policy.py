"""Policies of posted forms, and forms in pieces."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.gateway.form_parts import FormParts
from lambent.gateway.form_policy import policy_of

FIELDS = {"key": "a/b.txt", "content-type": "text/plain", "policy": "p", "x-amz-signature": "s", "bucket": "b"}


def encoded(conditions: Any, expiration: Any = "2026-01-01T00:00:00.000Z") -> str:
    return b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


@pytest.mark.parametrize(
    ("conditions", "fault"),
    [
        ([{"key": "a/b.txt"}, {"Content-Type": "text/plain"}], None),
        ([["eq", "$key", "a/b.txt"], ["starts-with", "$Content-Type", ""]], None),
        ([["starts-with", "$key", "a/"], {"content-type": "text/html"}], "Policy Condition failed"),
        ([["starts-with", "$key", "c/"], ["starts-with", "$content-type", ""]], 'failed: ["starts-with", "$key", "c/"'),
        ([{"key": "a/b.txt"}], "Extra input fields: content-type"),
        ([{"key": "a/b.txt"}, {"content-type": "text/plain"}, {"acl": "private"}], "Policy Condition failed"),
    ],
)
def test_every_field_has_to_be_as_the_signer_said(conditions: list[Any], fault: str | None) -> None:
    """S3 API reference, "Creating a POST policy"."""
    policy = policy_of(encoded(conditions))
    if fault is None:
        policy.check(FIELDS, 0.0)
        return
    with pytest.raises(ServiceError, match="Invalid according to Policy") as caught:
        policy.check(FIELDS, 0.0)
    assert fault in caught.value.message


def test_a_form_ends_with_its_policy() -> None:
    policy = policy_of(encoded([{"key": "a/b.txt"}, {"content-type": "text/plain"}]))
    policy.check(FIELDS, policy.ends_s - 0.1)
    with pytest.raises(ServiceError, match="Policy expired"):
        policy.check(FIELDS, policy.ends_s)


@settings(max_examples=100)
@given(
    st.text(max_size=30)
    | st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=2)
        | st.lists(st.sampled_from(["eq", "starts-with", "content-length-range", "$key", 1, "2", -1, None]), max_size=4)
        | st.none(),
        max_size=4,
    ).map(encoded)
    | st.one_of(st.none(), st.text(max_size=25), st.integers()).map(lambda moment: encoded([], moment))
)
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    code = ""
    try:
        policy_of(text)
    except ServiceError as error:
        code = error.code
    assert code in ("", "InvalidPolicyDocument")


async def read(body: bytes, sizes: list[int]) -> tuple[dict[str, str], str, bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        rest, turn = body, 0
        while rest:
            size = sizes[turn % len(sizes)]
            yield rest[:size]
            rest, turn = rest[size:], turn + 1

    parts = FormParts('multipart/form-data; boundary="xx"', pieces())
    fields = await parts.read_fields()
    return fields, parts.filename, b"".join([piece async for piece in parts.file()])


def form(fields: dict[str, str], data: bytes, after: str = "") -> bytes:
    head = "".join(
        f'--xx\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    file = '--xx\r\ncontent-disposition: form-data; name="file"; filename="C:\\dir\\f.txt"\r\n\r\n'
    return head.encode() + file.encode() + data + f"\r\n{after}--xx--\r\n".encode()


@settings(max_examples=50)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.binary(max_size=60))
async def test_a_form_is_the_same_in_whatever_pieces_it_comes(sizes: list[int], data: bytes) -> None:
    if b"\r\n--xx" in b"\r\n" + data:
        return
    after = '--xx\r\ncontent-disposition: form-data; name="late"\r\n\r\n1\r\n'
    assert await read(form({"Key": "k", "empty": ""}, data, after), sizes) == ({"key": "k", "empty": ""}, "f.txt", data)


@settings(max_examples=50)
@given(st.binary(max_size=80), st.integers(0, 150))
async def test_what_is_no_form_is_refused(noise: bytes, cut: int) -> None:
    whole = form({"key": "k"}, b"data")
    with pytest.raises(ServiceError) as caught:
        await read(whole[: min(cut, len(whole) - 6)] + noise.replace(b"--", b"  "), [7])
    assert caught.value.code in ("MalformedPOSTRequest", "InvalidArgument")


async def test_fields_may_not_be_endless() -> None:
    with pytest.raises(ServiceError) as caught:
        await read(form({"key": "k" * 21_000}, b""), [1000])
    assert caught.value.code == "MaxPostPreDataLengthExceededError"
