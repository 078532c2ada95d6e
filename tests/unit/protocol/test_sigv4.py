"""Requests signed by botocore's own signers are believed, and nothing else is.

Sources: botocore.auth (SigV4Auth, S3SigV4Auth, SigV4QueryAuth, S3SigV4QueryAuth), the reference
implementation that boto3 and the AWS CLI sign with; AWS General Reference, "Create a signed AWS
API request".
"""

import datetime
import re
from collections.abc import Callable
from typing import Any
from unittest import mock
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.sigv4 import SignatureRefused, credential_of, verify

NOW = datetime.datetime(2026, 5, 4, 3, 2, 1, tzinfo=datetime.UTC)
NOW_S = NOW.timestamp()
WHO = Principal("123456789012", "arn:aws:iam::123456789012:user/ann", "AIDAEXAMPLE")
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", WHO)
TEMPORARY = AccessKey("ASIAIOSFODNN7EXAMPLE", "s3cr3t", WHO, session_token="tok/en+with==", expires_s=NOW_S + 60)
HOST = "localhost:4566"
FEW = settings(max_examples=60)


def signed(
    auth: Callable[..., Any],
    service: str,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    key: AccessKey = KEY,
    **options: Any,
) -> HttpRequest:
    """What arrives at the door when botocore signed the request at NOW."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, dict(headers or {}), body)
    credentials = Credentials(key.access_key_id, key.secret, key.session_token or None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        auth(credentials, service, "eu-west-3", **options).add_auth(request)
    parts = urlsplit(request.url)
    sent = [(name.lower(), str(value)) for name, value in request.headers.items()]
    return HttpRequest(method, parts.path, parts.query, [("host", HOST), *sent], body)


def check(request: HttpRequest, key: AccessKey = KEY, now_s: float = NOW_S) -> None:
    verify(request, credential_of(request), key, now_s)


def refusal_of(request: HttpRequest, key: AccessKey = KEY, now_s: float = NOW_S) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as refused:
        check(request, key, now_s)
    return refused.value


# Path segments as clients send them: percent-encoded, dots, doubled slashes and all.
segment = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map(lambda text: quote(text, ""))
odd_segment = st.one_of(segment, st.sampled_from(["", ".", "..", "~", "a:b", "$LATEST", "x(y)", "a,b", "!*'"]))
paths = st.lists(odd_segment, max_size=5).map(lambda segments: "/" + "/".join(segments))
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
queries = st.lists(st.tuples(words.filter(bool), words), max_size=5).map(
    lambda pairs: "&".join(f"{quote(name, '-_.~')}={quote(value, '-_.~')}" for name, value in pairs)
)
values = st.text(st.sampled_from("ab \t=;:,\"'/%é"), max_size=12)
extra_headers = st.dictionaries(
    st.sampled_from(["X-Amz-Target", "Content-Type", "X-Custom", "x-amz-meta-a"]), values, max_size=3
)


def on_the_wire(headers: dict[str, str]) -> dict[str, str]:
    """The gateway reads octets: what botocore signs as UTF-8 arrives as those bytes in latin-1."""
    return {name: value.encode().decode("latin-1") for name, value in headers.items()}


@FEW
@given(paths, queries, extra_headers, st.binary(max_size=40))
def test_whatever_the_general_signer_signs_is_believed(
    path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    request = signed(SigV4Auth, "lambda", "PUT", path, query, headers, body)
    request.headers = [(name, on_the_wire({"": value})[""]) for name, value in request.headers]
    check(request)


@FEW
@given(st.lists(segment, max_size=5), queries, st.binary(max_size=40))
def test_whatever_the_s3_signer_signs_is_believed(segments: list[str], query: str, body: bytes) -> None:
    path = "/" + "/".join(quote(segment, "~/%") for segment in segments)
    check(signed(S3SigV4Auth, "s3", "PUT", path, query, {"x-amz-acl": "private"}, body))


@FEW
@given(paths, st.dictionaries(words.filter(bool), words.filter(bool), max_size=3))
def test_whatever_the_presigner_signs_is_believed_until_it_expires(path: str, parameters: dict[str, str]) -> None:
    query = "&".join(f"{quote(name, '-_.~')}={quote(value, '-_.~')}" for name, value in parameters.items())
    assume(not any(name.startswith("X-Amz-") for name in parameters))
    request = signed(SigV4QueryAuth, "sts", "GET", path, query, expires=60)
    check(request)
    check(request, now_s=NOW_S + 60)
    assert refusal_of(request, now_s=NOW_S + 61).code == "SignatureDoesNotMatch"


@FEW
@given(st.lists(segment, max_size=4))
def test_an_s3_link_leaves_the_body_free(segments: list[str]) -> None:
    request = signed(S3SigV4QueryAuth, "s3", "PUT", "/bucket/" + "/".join(segments), expires=60)
    request.body = b"anything"
    check(request)


def test_a_request_with_a_date_header_only_is_believed() -> None:
    check(signed(SigV4Auth, "lambda", headers={"Date": "to be replaced"}))


def test_the_signature_may_stand_anywhere_in_the_header() -> None:
    request = signed(SigV4Auth, "lambda")
    name, value = request.headers[-1]
    algorithm, _, rest = value.partition(" ")
    request.headers[-1] = (name, f"{algorithm} " + ",".join(reversed(rest.split(", "))))
    check(request)


def test_repeated_headers_are_signed_joined_by_commas() -> None:
    request = signed(SigV4Auth, "lambda", headers={"X-Custom": "one,two  three"})
    at = [name for name, _ in request.headers].index("x-custom")
    request.headers[at : at + 1] = [("x-custom", " one"), ("x-custom", "two three ")]
    check(request)


def test_temporary_credentials_need_their_own_token() -> None:
    request = signed(SigV4Auth, "lambda", key=TEMPORARY)
    check(request, TEMPORARY)
    other = AccessKey(TEMPORARY.access_key_id, TEMPORARY.secret, WHO, session_token="other")
    assert refusal_of(request, other).code == "UnrecognizedClientException"
    assert refusal_of(request, TEMPORARY, now_s=NOW_S + 60).code == "ExpiredTokenException"


def flips(text: str) -> list[str]:
    return [text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :] for at in range(len(text)) for bit in range(8)]


def same_query(query: str) -> str:
    """`%2f` and `%2F` are one character in two spellings, and may stand for one another."""
    return re.sub("%[0-9A-Fa-f]{2}", lambda code: code[0].upper(), query)


def altered(request: HttpRequest) -> list[HttpRequest]:
    """`request` with each bit of each signed thing flipped, one at a time."""
    signed_names = {"authorization", *credential_of(request).signed_headers}
    made = [HttpRequest(m, request.path, request.query, request.headers, request.body) for m in flips(request.method)]
    made += [HttpRequest(request.method, p, request.query, request.headers, request.body) for p in flips(request.path)]
    made += [HttpRequest(request.method, request.path, q, request.headers, request.body) for q in flips(request.query)]
    for at, (name, value) in enumerate(request.headers):
        for changed in flips(value) if name in signed_names else []:
            headers = [*request.headers[:at], (name, changed), *request.headers[at + 1 :]]
            made.append(HttpRequest(request.method, request.path, request.query, headers, request.body))
    for body in flips(request.body.decode("latin-1")):
        made.append(HttpRequest(request.method, request.path, request.query, request.headers, body.encode("latin-1")))
    return made


@pytest.mark.parametrize(
    "request_",
    [
        signed(SigV4Auth, "lambda", path="/a/b%20c", query="A=1&b=", headers={"X-Amz-Target": "T.Op"}, body=b"{}"),
        signed(S3SigV4Auth, "s3", "PUT", "/b/k%20y", "acl=", {"x-amz-meta-a": "v w"}, b"body"),
        signed(SigV4QueryAuth, "sts", "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15"),
        signed(S3SigV4QueryAuth, "s3", "GET", "/bucket/key", key=KEY),
    ],
    ids=["header", "s3-header", "query", "s3-query"],
)
def test_one_flipped_bit_of_anything_signed_is_refused(request_: HttpRequest) -> None:
    check(request_)
    believed = []
    for request in altered(request_):
        try:
            check(request)
        except SignatureRefused:
            continue
        if same_query(request.query) != same_query(request_.query) or request.query == request_.query:
            believed.append(request)
    assert believed == []


@pytest.mark.parametrize("key", [KEY, TEMPORARY], ids=["long-lived", "temporary"])
def test_a_wrong_secret_is_refused(key: AccessKey) -> None:
    wrong = AccessKey(key.access_key_id, key.secret + "x", WHO, session_token=key.session_token)
    assert refusal_of(signed(SigV4Auth, "lambda", key=key), wrong).code == "InvalidSignatureException"


@settings(max_examples=150)
@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.sampled_from(["", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential="]),
)
def test_garbage_is_refused_in_order_and_never_fails_otherwise(text: str, query: str, start: str) -> None:
    requests = [
        HttpRequest("GET", "/", "", [("host", HOST), ("authorization", start + text), ("date", text)]),
        HttpRequest("GET", "/", f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={query}&{text}", [("host", HOST)]),
    ]
    for request in requests:
        refusal_of(request)
