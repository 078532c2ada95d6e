"""What the holder of a link of the second version may change: nothing that says what is done.

Source: S3 User Guide (API version 2006-03-01), "Signing and authenticating REST requests": the sub-resources and the
`x-amz-` headers are signed. botocore signs, with its `HmacV1QueryAuth`.
"""

from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.buckets import addressed, operation_of, unmoved
from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.sigv2_links import credential_of_link, is_link, verify_link
from lambent.protocol.sigv4 import SignatureRefused

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "secret", Principal("1" * 12, "arn", "id"))
ADDED = [
    "X-Amz-Copy-Source=/other/k",
    "x%2Damz-copy-source=/other/k",
    "X-AMZ-TAGGING=a%3Db",
    "x-amz-meta-who=me",
    "acl",
    "%61cl",
    "t%61gging=",
    "versionI%64=1",
    "response-content-typ%65=text/html",
    "attributes",
    "legal-hold",
    "encryption",
    "publicAccessBlock",
]


def link(method: str, path: str, **headers: str) -> HttpRequest:
    request = AWSRequest(method, f"http://localhost{path}", headers)
    request.auth_path = f"{path.partition('?')[0]}/" if path.count("/") == 1 else None
    HmacV1QueryAuth(Credentials(KEY.access_key_id, KEY.secret)).add_auth(request)
    parts = urlsplit(request.url)
    return HttpRequest(method, parts.path, parts.query, [("host", "localhost")])


def check(request: HttpRequest) -> None:
    verify_link(request, addressed(request).path, credential_of_link(request), KEY, 0.0)


@pytest.mark.parametrize("more", ADDED)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/bucket/key", "/bucket"])
def test_what_is_added_to_a_link_is_refused_where_it_says_what_is_done(method: str, path: str, more: str) -> None:
    request = link(method, path)
    check(request)
    request.query += f"&{more}"
    with pytest.raises(SignatureRefused):
        check(request)


@pytest.mark.parametrize("more", ["prefix=a", "list-type=2", "x-id=GetObject", "utm_source=mail", "max-keys=1"])
def test_what_the_version_leaves_to_the_holder_may_be_added(more: str) -> None:
    request = link("GET", "/bucket")
    request.query += f"&{more}"
    check(request)


def test_a_signed_header_may_stand_in_the_query_once() -> None:
    request = link("PUT", "/bucket/key", **{"x-amz-copy-source": "/other/a,b"})
    check(request)
    split = HttpRequest(request.method, request.path, request.query.replace("a%2Cb", "a&x-amz-copy-source=b"), [])
    twice = HttpRequest(request.method, request.path, request.query, [("x-amz-copy-source", "/other/a")])
    for changed in (split, twice):
        with pytest.raises(SignatureRefused):
            check(changed)


@pytest.mark.parametrize("query", ["xAWSAccessKeyId=1&Signature=2&Expires=1", "AWSAccessKeyId=1&X-Amz-Signature=2"])
def test_a_query_that_only_looks_like_a_link_is_none(query: str) -> None:
    assert not is_link(HttpRequest("GET", "/bucket/key", query, []))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from([*(each.partition("=")[0] for each in ADDED), "prefix", "q"]), st.text())))
def test_no_addition_makes_another_operation_or_header_of_a_link(more: list[tuple[str, str]]) -> None:
    request = link("PUT", "/bucket/key")
    request.query += "".join(f"&{name}={quote(value)}" for name, value in more)
    try:
        check(request)
    except SignatureRefused:
        return
    assert operation_of(unmoved(request)) == "PutObject"
    assert unmoved(request).headers == request.headers
