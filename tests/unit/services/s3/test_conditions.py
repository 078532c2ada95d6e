"""Conditions of requests, as S3's answers show them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambent.services.s3.conditions import check_write, not_modified
from lambent.services.s3.errors import S3Error
from lambent.services.s3.model import Version

NOW = datetime(2026, 1, 31, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
FOUND = Version(1, "key", etag="e", modified_ms=NOW_MS - 60_000)


def test_a_date_in_the_future_says_nothing_about_what_a_reader_has() -> None:
    assert not_modified({"IfModifiedSince": NOW}, FOUND, NOW_MS)
    assert not not_modified({"IfModifiedSince": NOW + timedelta(days=1)}, FOUND, NOW_MS)


@pytest.mark.parametrize(
    ("member", "value", "condition"),
    [
        ("IfMatch", "other", "If-Match"),
        ("IfNoneMatch", '"e"', "If-None-Match"),
        ("IfModifiedSince", NOW, "If-Modified-Since"),
        ("IfUnmodifiedSince", NOW - timedelta(days=1), "If-Unmodified-Since"),
    ],
)
def test_a_copy_is_told_which_of_its_conditions_failed(member: str, value: Any, condition: str) -> None:
    with pytest.raises(S3Error) as caught:
        not_modified({f"CopySource{member}": value}, FOUND, NOW_MS, "CopySource")
    assert caught.value.code == "PreconditionFailed"
    assert caught.value.members == {"Condition": f"x-amz-copy-source-{condition}"}


@pytest.mark.parametrize(
    ("request_", "header"),
    [
        ({"IfMatch": "e", "IfNoneMatch": "*"}, "If-Match,If-None-Match"),
        ({"IfMatch": "*"}, "If-Match"),
        ({"IfNoneMatch": "e"}, "If-None-Match"),
    ],
)
def test_conditions_that_s3_does_not_know_are_refused_by_name(request_: dict[str, str], header: str) -> None:
    with pytest.raises(S3Error) as caught:
        check_write(request_, "key", FOUND)
    assert (caught.value.code, caught.value.members["Header"]) == ("NotImplemented", header)
