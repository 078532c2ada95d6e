"""Each way to be refused has AWS's code, status and words, by protocol family.

Sources: S3 API Reference, "Error responses"; IAM, STS and Lambda API References, "Common errors";
DynamoDB Developer Guide, "Error handling" (400 for all of them); S3 API Reference,
"Authenticating Requests: Using Query Parameters" for X-Amz-Expires.
"""

import datetime
import hashlib
from collections.abc import Callable

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.sigv4 import SignatureRefused, credential_of, unknown_key, verify
from lambent.protocol.sigv4_refusals import REFUSALS, Family, Reason, _iso, family_of

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "secret", Principal("1" * 12, "arn", "id"))
Change = Callable[[HttpRequest], None]


def signed(service: str) -> tuple[HttpRequest, float]:
    auth = S3SigV4Auth if family_of(service) is Family.S3 else SigV4Auth
    request = AWSRequest("POST", "http://localhost:4566/", {}, b"body")
    auth(Credentials(KEY.access_key_id, KEY.secret), service, "us-east-1").add_auth(request)
    sent = [(name.lower(), str(value)) for name, value in request.headers.items()]
    moment = datetime.datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ")
    made = HttpRequest("POST", "/", "", [("host", "localhost:4566"), *sent], b"body")
    return made, moment.replace(tzinfo=datetime.UTC).timestamp()


def refused(request: HttpRequest, key: AccessKey, now_s: float) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as caught:
        verify(request, credential_of(request), key, now_s)
    return caught.value


def edit(request: HttpRequest, name: str, old: str, new: str) -> None:
    request.headers = [(n, v.replace(old, new) if n == name else v) for n, v in request.headers]


def test_every_family_answers_every_reason() -> None:
    assert set(REFUSALS) == set(Family)
    assert all(set(answers) == set(Reason) for answers in REFUSALS.values())


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("s3", "SignatureDoesNotMatch", 403),
        ("iam", "SignatureDoesNotMatch", 403),
        ("sts", "SignatureDoesNotMatch", 403),
        ("dynamodb", "InvalidSignatureException", 400),
        ("lambda", "InvalidSignatureException", 403),
    ],
)
def test_a_wrong_signature(service: str, code: str, status: int) -> None:
    request, now_s = signed(service)
    error = refused(request, AccessKey(KEY.access_key_id, "wrong", KEY.principal), now_s)
    assert (error.code, error.status) == (code, status)
    assert error.message.startswith("The request signature we calculated does not match the signature you provided.")


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("s3", "InvalidAccessKeyId"),
        ("sts", "InvalidClientTokenId"),
        ("dynamodb", "UnrecognizedClientException"),
        ("lambda", "UnrecognizedClientException"),
    ],
)
def test_an_unknown_or_inactive_key(service: str, code: str) -> None:
    request, now_s = signed(service)
    inactive = AccessKey(KEY.access_key_id, KEY.secret, KEY.principal, active=False)
    assert unknown_key(service).code == refused(request, inactive, now_s).code == code


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("s3", "RequestTimeTooSkewed"),
        ("sts", "SignatureDoesNotMatch"),
        ("dynamodb", "InvalidSignatureException"),
        ("lambda", "InvalidSignatureException"),
    ],
)
def test_fifteen_minutes_either_way_are_allowed_and_no_more(service: str, code: str) -> None:
    request, now_s = signed(service)
    verify(request, credential_of(request), KEY, now_s + 900)
    verify(request, credential_of(request), KEY, now_s - 900)
    late, early = refused(request, KEY, now_s + 901), refused(request, KEY, now_s - 901)
    assert late.code == early.code == code
    if service == "s3":  # Source: an answer of S3, as users quote it in reports of skewed clocks
        assert early.members["RequestTime"] == request.header("x-amz-date")
        assert early.members["ServerTime"] == _iso(now_s - 901)
        assert late.members["MaxAllowedSkewMilliseconds"] == 900_000
    else:
        assert late.message.startswith("Signature expired: ")
        assert late.message.endswith(" - 15 min.)")
        assert early.message.startswith("Signature not yet current: ")
        assert early.message.endswith(" + 15 min.)")


@pytest.mark.parametrize(
    ("service", "code"),
    [("", "MissingAuthenticationTokenException"), ("sts", "MissingAuthenticationToken"), ("s3", "AccessDenied")],
)
@pytest.mark.parametrize("headers", [[], [("authorization", "Bearer x")], [("authorization", "AWS id:signature")]])
def test_no_signature(service: str, code: str, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(SignatureRefused) as caught:
        credential_of(HttpRequest("GET", "/", "", headers), service)
    assert (caught.value.code, caught.value.status) == (code, 403)


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("SignedHeaders=", "Signed=", "IncompleteSignatureException", "requires 'SignedHeaders' parameter."),
        ("Credential=", "Cred=", "IncompleteSignatureException", "requires 'Credential' parameter."),
        ("Signature=", "Sig=", "IncompleteSignatureException", "requires 'Signature' parameter."),
        ("/aws4_request", "/aws5_request", "IncompleteSignatureException", "valid terminator: 'aws4_request'"),
        ("/us-east-1", "", "IncompleteSignatureException", "exactly 5 slash-delimited elements"),
        ("HMAC-SHA256", "HMAC-SHA1", "IncompleteSignatureException", "Unsupported AWS 'algorithm'"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "IncompleteSignatureException", "Unsupported AWS 'algorithm'"),
        ("host;", "", "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader'"),
        ("host;", "host;absent;", "InvalidSignatureException", "The request signature we calculated"),
    ],
)
def test_a_header_that_is_not_whole_says_what_is_missing(old: str, new: str, code: str, words: str) -> None:
    request, now_s = signed("lambda")
    edit(request, "authorization", old, new)
    error = refused(request, KEY, now_s)
    assert error.code == code
    assert words in error.message


def test_dates_must_be_there_in_basic_format_and_agree_with_the_scope() -> None:
    request, now_s = signed("lambda")
    request.headers = [(name, value) for name, value in request.headers if name != "x-amz-date"]
    assert "existence of either a 'X-Amz-Date' or a 'Date' header" in refused(request, KEY, now_s).message
    request.headers.append(("x-amz-date", "yesterday"))
    assert "'basic format'. Got 'yesterday'" in refused(request, KEY, now_s).message
    request.headers[-1] = ("x-amz-date", "20010203T040506Z")
    assert "Date in Credential scope does not match" in refused(request, KEY, now_s).message


def test_s3_wants_each_x_amz_header_signed_and_names_those_that_are_not() -> None:
    request, now_s = signed("s3")
    request.headers.append(("x-amz-acl", "public-read"))
    error = refused(request, KEY, now_s)
    assert (error.code, error.members) == ("AccessDenied", {"HeadersNotSigned": "x-amz-acl"})


def test_the_operation_of_a_json_service_must_be_signed() -> None:
    request, now_s = signed("dynamodb")
    request.headers.append(("x-amz-target", "DynamoDB_20120810.DeleteTable"))
    assert "'X-Amz-Target' must be a 'SignedHeader'" in refused(request, KEY, now_s).message


def test_s3_checks_the_body_against_the_hash_that_was_signed() -> None:
    request, now_s = signed("s3")
    request.body = b"other"
    error = refused(request, KEY, now_s)
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)


def test_s3_refuses_a_payload_word_that_it_does_not_know() -> None:
    request, now_s = signed("s3")
    edit(request, "x-amz-content-sha256", dict(request.headers)["x-amz-content-sha256"], "SIGNED-SOMEHOW")
    assert refused(request, KEY, now_s).code == "InvalidArgument"
    request.headers = [(name, value) for name, value in request.headers if name != "x-amz-content-sha256"]
    edit(request, "authorization", "x-amz-content-sha256;", "")
    assert refused(request, KEY, now_s).code == "InvalidRequest"


def test_only_s3_lets_a_body_go_unsigned() -> None:
    request = AWSRequest("POST", "http://localhost:4566/", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, b"body")
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret), "lambda", "us-east-1").add_auth(request)
    sent = [(name.lower(), str(value)) for name, value in request.headers.items()]
    _, now_s = signed("lambda")
    made = HttpRequest("POST", "/", "", [("host", "localhost:4566"), *sent], b"body")
    assert refused(made, KEY, now_s).reason is Reason.MISMATCH


def link(**changes: str) -> tuple[HttpRequest, float]:
    request = AWSRequest("GET", "http://localhost:4566/b/k", {})
    S3SigV4QueryAuth(Credentials(KEY.access_key_id, KEY.secret), "s3", "us-east-1", expires=60).add_auth(request)
    query = request.url.partition("?")[2]
    for name, value in changes.items():
        pieces = [piece for piece in query.split("&") if not piece.startswith(f"X-Amz-{name}=")]
        query = "&".join([*pieces, f"X-Amz-{name}={value}"] if value != "gone" else pieces)
    moment = datetime.datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ")
    made = HttpRequest("GET", "/b/k", query, [("host", "localhost:4566")])
    return made, moment.replace(tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Expires": "604801"}, "X-Amz-Expires must be less than a week (in seconds)"),
        ({"Expires": "-1"}, "X-Amz-Expires must be non-negative"),
        ({"Expires": "soon"}, "X-Amz-Expires should be a number"),
        ({"Signature": "gone"}, "must include 'X-Amz-Signature'"),
        ({"Algorithm": "AWS4-HMAC-MD5"}, "Unsupported AWS 'algorithm'"),
    ],
)
def test_a_link_that_is_not_whole_says_what_is_wrong(changes: dict[str, str], words: str) -> None:
    request, now_s = link(**changes)
    error = refused(request, KEY, now_s)
    assert (error.code, error.status) == ("AuthorizationQueryParametersError", 400)
    assert words in error.message


def test_an_s3_link_that_has_expired_or_was_made_longer_is_denied() -> None:
    request, now_s = link()
    error = refused(request, KEY, now_s + 61)
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    longer, _ = link(Expires="3600")
    assert refused(longer, KEY, now_s).code == "SignatureDoesNotMatch"


def test_a_parameter_given_twice_or_two_mechanisms_at_once_are_refused() -> None:
    request, now_s = link()
    request.query += "&X-Amz-Expires=3600"
    assert "only once" in refused(request, KEY, now_s).message
    both, now_s = signed("s3")
    both.query = link()[0].query
    assert "Only one authentication mechanism" in refused(both, KEY, now_s).message


def test_s3_tells_what_was_to_be_signed_and_others_do_not() -> None:
    """S3 API reference, "Error responses": what an answer to a wrong signature holds."""
    wrong = AccessKey(KEY.access_key_id, "wrong", KEY.principal)
    request, now_s = signed("s3")
    told = refused(request, wrong, now_s).members
    assert (told["AWSAccessKeyId"], told["SignatureProvided"]) == (KEY.access_key_id, credential_of(request).signature)
    digest = hashlib.sha256(told["CanonicalRequest"].encode()).hexdigest()
    assert told["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert told["StringToSign"].endswith(digest)
    assert bytes.fromhex(told["StringToSignBytes"]) == told["StringToSign"].encode()
    assert not refused(signed("lambda")[0], wrong, now_s).members


def test_a_link_that_has_ended_says_when() -> None:
    asked = AWSRequest("GET", "http://localhost:4566/bucket/key")
    S3SigV4QueryAuth(Credentials(KEY.access_key_id, KEY.secret), "s3", "us-east-1", expires=2).add_auth(asked)
    query = asked.url.partition("?")[2]
    request = HttpRequest("GET", "/bucket/key", query, [("host", "localhost:4566")])
    moment = datetime.datetime.strptime(asked.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    error = refused(request, KEY, moment.timestamp() + 3)
    assert (error.code, error.members["X-Amz-Expires"]) == ("AccessDenied", 2)
    ended, now = (f"{moment + datetime.timedelta(seconds=after):%Y-%m-%dT%H:%M:%SZ}" for after in (2, 3))
    assert (error.members["Expires"], error.members["ServerTime"]) == (ended, now)
