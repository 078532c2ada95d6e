"""S3's chunked uploads are taken apart, in any pieces, and nothing that was touched passes.

Sources: the two worked examples of the S3 API Reference, "Transferring Payload in Multiple Chunks"
and "Including Trailing Headers (Chunked Upload)", with their published signatures; botocore's
AwsChunkedWrapper for the unsigned form, which boto3 sends.
"""

import hashlib
import hmac
import io
from collections.abc import Callable

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.chunked import (
    ChunkedDecoder,
    IncompleteBody,
    InvalidChunkSize,
    MalformedTrailer,
    MissingContentLength,
    decode,
    decoder_for,
    is_chunked,
)
from lambent.protocol.sigv4 import Credential, SignatureRefused

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Principal("1" * 12, "arn", "id"))
DATA = b"a" * 66_560
FEW = settings(max_examples=60)


def credential(seed: str) -> Credential:
    return Credential(KEY.access_key_id, "20130524", "us-east-1", "s3", ("host",), seed, "20130524T000000Z")


def upload(form: str, body: bytes, length: int, trailer: str = "") -> HttpRequest:
    headers = [("x-amz-content-sha256", form), ("x-amz-decoded-content-length", str(length))]
    return HttpRequest("PUT", "/b/k", "", [*headers, *([("x-amz-trailer", trailer)] if trailer else [])], body)


def chunks(signatures: list[str]) -> bytes:
    first, second, last = (
        f"{size};chunk-signature={s}\r\n" for size, s in zip(("10000", "400", "0"), signatures, strict=True)
    )
    return first.encode() + DATA[:65_536] + b"\r\n" + second.encode() + DATA[65_536:] + b"\r\n" + last.encode()


PUBLISHED_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
PUBLISHED = chunks(
    [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]
)
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
PUBLISHED_WITH_TRAILER = (
    chunks(
        [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ]
    )
    + b"x-amz-checksum-crc32c:sOO8/Q=="
)
TRAILER_SIGNATURE = b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"


def test_the_published_example_is_believed() -> None:
    request = upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PUBLISHED + b"\r\n", len(DATA))
    assert is_chunked(request)
    assert decode(request, credential(PUBLISHED_SEED), KEY) == (DATA, {})


@pytest.mark.parametrize("end_of_trailer", [b"\r\n", b"\n\r\n"])
def test_the_published_example_with_a_trailer_is_believed(end_of_trailer: bytes) -> None:
    body = PUBLISHED_WITH_TRAILER + end_of_trailer + TRAILER_SIGNATURE
    request = upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", body, len(DATA), "x-amz-checksum-crc32c")
    assert decode(request, credential(TRAILER_SEED), KEY) == (DATA, {"x-amz-checksum-crc32c": "sOO8/Q=="})


@pytest.mark.parametrize(("old", "new"), [(b"sOO8/Q==", b"sOO8/R=="), (b"d81f82", b"d81f83"), (b"crc32c", b"crc32d")])
def test_a_touched_trailer_is_refused(old: bytes, new: bytes) -> None:
    body = (PUBLISHED_WITH_TRAILER + b"\r\n" + TRAILER_SIGNATURE).replace(old, new)
    request = upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", body, len(DATA), "x-amz-checksum-crc32c")
    with pytest.raises(SignatureRefused) as refused:
        decode(request, credential(TRAILER_SEED), KEY)
    assert refused.value.code == "SignatureDoesNotMatch"


@FEW
@given(st.integers(0, len(PUBLISHED) * 8 + 15))
def test_one_flipped_bit_is_refused(at: int) -> None:
    body = bytearray(PUBLISHED + b"\r\n")
    body[at // 8] ^= 1 << at % 8
    with pytest.raises(ServiceError):
        decode(upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", bytes(body), len(DATA)), credential(PUBLISHED_SEED), KEY)


@FEW
@given(st.integers(0, len(PUBLISHED) + 1))
def test_a_truncated_body_is_refused(size: int) -> None:
    request = upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", (PUBLISHED + b"\r\n")[:size], len(DATA))
    with pytest.raises(IncompleteBody):
        decode(request, credential(PUBLISHED_SEED), KEY)


def in_pieces(decoder: ChunkedDecoder, body: bytes, sizes: list[int]) -> tuple[bytes, dict[str, str]]:
    data, at = b"", 0
    for size in [*sizes, len(body)]:
        data += decoder.feed(body[at : at + size])
        at = min(at + size, len(body))
    return data, decoder.finish()


@FEW
@given(st.binary(max_size=300), st.integers(1, 50), st.lists(st.integers(1, 40)))
def test_what_botocore_writes_is_read_whatever_the_pieces(data: bytes, chunk: int, sizes: list[int]) -> None:
    wrapper = AwsChunkedWrapper(io.BytesIO(data), Crc32Checksum, "x-amz-checksum-crc32", chunk_size=chunk)
    request = upload("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"", len(data), "x-amz-checksum-crc32")
    checksum = Crc32Checksum()
    checksum.update(data)
    read = in_pieces(decoder_for(request, credential(""), KEY), wrapper.read(), sizes)
    assert read == (data, {"x-amz-checksum-crc32": checksum.b64digest()})


def sign_chunks(pieces: list[bytes], seed: str) -> bytes:
    """An independent writer of the signed form, after the S3 API Reference."""
    signing = f"AWS4{KEY.secret}".encode()
    for word in ("20130524", "us-east-1", "s3", "aws4_request"):
        signing = hmac.new(signing, word.encode(), hashlib.sha256).digest()
    body, previous = b"", seed
    for piece in [*pieces, b""]:
        hashes = f"{hashlib.sha256(b'').hexdigest()}\n{hashlib.sha256(piece).hexdigest()}"
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{previous}\n{hashes}"
        previous = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
        body += f"{len(piece):x};chunk-signature={previous}\r\n".encode() + piece + b"\r\n"
    return body


@FEW
@given(st.lists(st.integers(8_192, 9_000), max_size=3), st.integers(0, 9_000), st.lists(st.integers(1, 5_000)))
def test_signed_chunks_of_any_size_in_any_pieces_are_believed(large: list[int], last: int, sizes: list[int]) -> None:
    pieces = [bytes([size & 255]) * size for size in [*large, last] if size]
    data, seed = b"".join(pieces), "0" * 64
    request = upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", b"", len(data))
    assert in_pieces(decoder_for(request, credential(seed), KEY), sign_chunks(pieces, seed), sizes) == (data, {})


def test_chunks_in_another_order_are_refused() -> None:
    body = sign_chunks([b"a" * 8_192, b"b" * 8_192], "0" * 64)
    frame = len(f"2000;chunk-signature={'0' * 64}\r\n") + 8_192 + 2
    swapped = body[frame : 2 * frame] + body[:frame] + body[2 * frame :]
    with pytest.raises(SignatureRefused):
        decode(upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", swapped, 16_384), credential("0" * 64), KEY)


def test_a_small_chunk_before_the_last_is_refused() -> None:
    body = sign_chunks([b"a" * 8_191, b"b" * 8_192], "0" * 64)
    with pytest.raises(InvalidChunkSize):
        decode(upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body, 16_383), credential("0" * 64), KEY)


UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
LONG = b"a" * 2_000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", IncompleteBody),
        (b"3\r\nabc\r\n", IncompleteBody),
        (b"3\r\nabcd\r\n0\r\nx-t:1\r\n\r\n", IncompleteBody),
        (b"4\r\nabcd\r\n0\r\nx-t:1\r\n\r\n", IncompleteBody),
        (b"2\r\nab\r\n0\r\nx-t:1\r\n\r\n", IncompleteBody),
        (b"-3\r\nabc\r\n0\r\nx-t:1\r\n\r\n", IncompleteBody),
        (b"0x3\r\nabc\r\n0\r\nx-t:1\r\n\r\n", IncompleteBody),
        (b"ffffffffffffffffff\r\n", IncompleteBody),
        (b"3;chunk-signature=" + b"0" * 64 + b"\r\nabc\r\n", IncompleteBody),
        (b"3\r\nabc\r\n0\r\nx-t:1\r\n\r\nmore", IncompleteBody),
        (LONG, IncompleteBody),
        (b"3\r\nabc\r\n0\r\n\r\n", MalformedTrailer),
        (b"3\r\nabc\r\n0\r\nx-other:1\r\n\r\n", MalformedTrailer),
        (b"3\r\nabc\r\n0\r\nx-t:1\r\nx-t:2\r\n\r\n", MalformedTrailer),
        (b"3\r\nabc\r\n0\r\nno colon\r\n\r\n", MalformedTrailer),
        (b"3\r\nabc\r\n0\r\n" + (b"x-t:" + LONG[:900] + b"\r\n") * 30, MalformedTrailer),
    ],
)
def test_a_broken_frame_is_refused_by_its_code(body: bytes, error: type[ServiceError]) -> None:
    with pytest.raises(error):
        decode(upload(UNSIGNED, body, 3, "x-t"), credential(""), KEY)


@pytest.mark.parametrize("length", ["", "-1", "many", "1.5"])
def test_the_length_of_the_data_must_be_announced(length: str) -> None:
    request = HttpRequest(
        "PUT", "/", "", [("x-amz-content-sha256", UNSIGNED), ("x-amz-decoded-content-length", length)]
    )
    with pytest.raises(MissingContentLength):
        decoder_for(request, credential(""), KEY)


def make_unsigned() -> ChunkedDecoder:
    return decoder_for(upload(UNSIGNED, b"", 40, "x-t"), credential(""), KEY)


def make_signed() -> ChunkedDecoder:
    return decoder_for(upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", b"", 40), credential(""), KEY)


@pytest.mark.parametrize("make", [make_unsigned, make_signed])
@settings(max_examples=150)
@given(
    parts=st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"3\r\nabc\r\n", b"0\r\n", b"\r\n", b"x-t:1"])))
)
def test_garbage_is_refused_in_order_and_never_fails_otherwise(
    make: Callable[[], ChunkedDecoder], parts: list[bytes]
) -> None:
    with pytest.raises(ServiceError):
        in_pieces(make(), b"".join(parts), [len(part) for part in parts])
