"""What links say in their query that requests say in headers, and what a Host says that requests say in paths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.buckets import addressed, comes_in_pieces, unmoved, without_bucket
from lambent.model.http import HttpRequest

SIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fs3%2Faws4_request&X-Amz-Signature=0"


def request(query: str, *headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest("PUT", "/bucket/key", query, list(headers))


def test_headers_that_a_signer_moved_count() -> None:
    found = unmoved(request(f"{SIGNED}&x-amz-meta-a=b%20c&x-amz-tagging=t%3D1&x-amz-acl=public-read&If-None-Match=%2A"))
    assert found.headers == [
        ("x-amz-meta-a", "b c"),
        ("x-amz-tagging", "t=1"),
        ("x-amz-acl", "public-read"),
        ("if-none-match", "*"),
    ]


def test_what_is_of_the_signature_or_of_a_body_that_nobody_knew_does_not() -> None:
    """The SDK for JavaScript puts the checksum of an empty body into links; AWS does not look at it."""
    query = f"{SIGNED}&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject"
    assert unmoved(request(query)).headers == []
    assert unmoved(request(f"{SIGNED}&x-amz-checksum-algorithm=SHA256")).headers == [
        ("x-amz-checksum-algorithm", "SHA256")
    ]


def test_a_header_is_stronger_than_the_query_and_nobodys_query_says_nothing() -> None:
    given_ = ("x-amz-meta-a", "header")
    assert unmoved(request(f"{SIGNED}&x-amz-meta-a=query", given_)).headers == [given_]
    assert unmoved(request("x-amz-acl=public-read")).headers == []


def test_a_link_to_a_copy_takes_no_body() -> None:
    assert comes_in_pieces(request(SIGNED))
    assert not comes_in_pieces(request(f"{SIGNED}&x-amz-copy-source=bucket%2Fother"))


@settings(max_examples=50)
@given(st.text(alphabet="xamz-&=%2fIMETAhead"))
def test_any_query_is_read(text: str) -> None:
    for name, _ in unmoved(request(f"{SIGNED}&{text}")).headers:
        assert name == name.lower()


@pytest.mark.parametrize(
    ("host", "path", "endpoint"),
    [
        ("Photos.s3.localhost:4566", "/photos/key", "https://s3.localhost:4566"),
        ("photos.localhost", "/photos/key", "https://localhost"),
        ("s3.eu-west-1.localhost", "/key", "https://s3.eu-west-1.localhost"),
        ("127.0.0.1:4566", "/key", "https://127.0.0.1:4566"),
    ],
)
def test_links_to_objects_name_the_bucket_once(host: str, path: str, endpoint: str) -> None:
    """The SDK for JavaScript's uploads by parts answer with the Location that the service gives."""
    virtual = HttpRequest("PUT", "/key", "", [("host", host)])
    assert addressed(virtual).path == path
    assert without_bucket(f"https://{host}", virtual).lower() == endpoint
