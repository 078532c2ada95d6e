"""Which pages may do what with a bucket. Source: S3 User Guide, "Using cross-origin resource sharing (CORS)"."""

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.gateway.buckets import BUCKET, bucket_and_key, could_be_other, is_form, is_unsigned
from lambent.gateway.cross_origin import matching, preflight, told
from lambent.model.http import HttpRequest
from lambent.model.objects import CorsRule

RULES = (
    CorsRule(("https://*.example.com",), ("PUT",), ("x-amz-*", "Content-Type"), ("ETag",), 30),
    CorsRule(("*",), ("GET",)),
)


def asked(origin: str, method: str, headers: str = "") -> HttpRequest:
    fields = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return HttpRequest("OPTIONS", "/bucket/key", "", [(name, value) for name, value in fields.items() if value])


def test_the_first_rule_that_is_met_answers() -> None:
    headers = dict(
        preflight(RULES, asked("https://a.example.com", "PUT", "X-Amz-Date, content-type"), "OBJECT").headers
    )
    assert headers["access-control-allow-origin"] == "https://a.example.com"
    assert headers["access-control-allow-headers"] == "x-amz-date, content-type"
    assert (headers["access-control-max-age"], headers["access-control-expose-headers"]) == ("30", "ETag")
    assert dict(told(RULES, "https://else.where", "GET"))["access-control-allow-origin"] == "*"
    assert told(RULES, "https://else.where", "PUT") == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asked("https://else.where", "PUT"), "AccessForbidden"),
        (asked("https://a.example.com", "PUT", "x-other"), "AccessForbidden"),
        (asked("", "PUT"), "BadRequest"),
        (asked("https://a.example.com", "TRACE"), "BadRequest"),
    ],
)
def test_what_no_rule_lets_pass_is_refused(request_: HttpRequest, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        preflight(RULES, request_, "OBJECT")
    assert caught.value.code == code


@settings(max_examples=50)
@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_a_star_stands_for_anything(before: str, middle: str, after: str) -> None:
    if "*" not in before + after:
        rule = CorsRule((f"{before}*{after}",), ("GET",))
        assert matching([rule], before + middle + after, "GET", ()) is rule


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("127.0.0.1:4566", "/bucket/a/b", ("bucket", "a/b")),
        ("bucket.s3.localhost:4566", "/a/b", ("bucket", "a/b")),
        ("id.lambda-url.us-east-1.localhost", "/bucket/a", ("", "")),
        ("api.execute-api.us-east-1.localhost", "/", ("", "")),
        ("localhost", "/", ("", "")),
        ("localhost", "/_lambent/health", ("", "")),
    ],
)
def test_which_bucket_an_unsigned_request_would_be_for(host: str, path: str, found: tuple[str, str]) -> None:
    form = [("host", host), ("content-type", "multipart/form-data; boundary=x")]
    request = HttpRequest("POST", path, "", form)
    assert bucket_and_key(request) == found
    assert is_form(request) is (found[0] != "" and found[1] == "")
    assert not is_unsigned(HttpRequest("GET", path, "X-Amz-Algorithm=x", form))
    assert not is_unsigned(HttpRequest("GET", path, "", [("authorization", "x")]))


@pytest.mark.parametrize("service", ["lambda", "apigateway", "apigatewayv2", "scheduler", "sqs", "logs"])
def test_a_path_of_another_service_is_no_bucket_that_is_missing(service: str) -> None:
    """Source: the services' models. What could be a bucket's name in their paths is known."""
    model = botocore.session.get_session().get_service_model(service)
    uris = (model.operation_model(name).http["requestUri"] for name in model.operation_names)
    for first in {uri.split("?")[0].split("/")[1] for uri in uris}:
        asked = HttpRequest("GET", f"/{first}/x", "", [])
        assert could_be_other(asked) or not BUCKET.fullmatch(first)
    for other in ("/000000000000/queue", "/service/GraniteServiceVersion20100801/operation/PutMetricData"):
        assert could_be_other(HttpRequest("POST", other, "", []))
    assert not could_be_other(HttpRequest("GET", "/pictures/x", "", []))
