"""Lifecycle rules: what a configuration may say, and what of a key's versions is over.

Source: S3 User Guide, "Lifecycle configuration elements" and "Expiring objects".
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.s3.lifecycle_rules import DAY_MS, abort, acts, entries_of, expiry, midnight_after, rules_of
from lambent.services.s3.model import Facts, Upload, Version

HOUR_MS = 3_600_000


def rules(**entry: Any) -> Any:
    base = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    return rules_of(entries_of({"Rules": [base | entry]}, lambda: "id"))


def version(age_days: float, *, marker: bool = False, size: int = 10, **tags: str) -> Version:
    return Version(1, "logs/a", marker, size, facts=Facts(tags=tags), modified_ms=int((100 - age_days) * DAY_MS))


NOW_MS = 100 * DAY_MS


def over(versions: list[Version], **entry: Any) -> list[tuple[str, int]]:
    return [(what, versions.index(each)) for what, each in acts(versions, rules(**entry), NOW_MS)]


def test_days_end_at_the_first_midnight_after_them() -> None:
    """The guide's example: made on the 15th at 10:30, three days, expires on the 19th at 00:00."""
    made_ms = int(datetime(2014, 1, 15, 10, 30, tzinfo=UTC).timestamp() * 1000)
    assert midnight_after(made_ms, 3) == int(datetime(2014, 1, 19, tzinfo=UTC).timestamp() * 1000)
    assert midnight_after(DAY_MS, 1) == 2 * DAY_MS


@pytest.mark.parametrize(
    ("versions", "entry", "expected"),
    [
        ([version(2)], {"Expiration": {"Days": 2}}, [("expire", 0)]),
        ([version(1.5)], {"Expiration": {"Days": 2}}, []),
        ([version(2)], {"Expiration": {"Days": 1}, "Filter": {"Prefix": "other/"}}, []),
        ([version(2)], {"Expiration": {"Days": 1}, "Filter": {"Tag": {"Key": "a", "Value": "1"}}}, []),
        (
            [version(2, a="1")],
            {"Expiration": {"Days": 1}, "Filter": {"Tag": {"Key": "a", "Value": "1"}}},
            [("expire", 0)],
        ),
        ([version(2)], {"Expiration": {"Days": 1}, "Filter": {"ObjectSizeGreaterThan": 10}}, []),
        ([version(2)], {"Expiration": {"Days": 1}, "Filter": {"ObjectSizeLessThan": 11}}, [("expire", 0)]),
        ([version(2)], {"Expiration": {"Days": 1}, "Status": "Disabled"}, []),
        ([version(0)], {"Expiration": {"Date": datetime(1970, 4, 11, tzinfo=UTC)}}, [("expire", 0)]),
        ([version(0)], {"Expiration": {"Date": datetime(1970, 4, 12, tzinfo=UTC)}}, []),
        ([version(1, marker=True)], {"Expiration": {"ExpiredObjectDeleteMarker": True}}, [("remove", 0)]),
        ([version(1, marker=True), version(2)], {"Expiration": {"ExpiredObjectDeleteMarker": True}}, []),
        ([version(2, marker=True)], {"Expiration": {"Days": 2}}, [("remove", 0)]),
        (
            [version(1), version(9), version(10)],
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
            [("remove", 2)],
        ),
        (
            [version(3), version(4), version(5)],
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}},
            [("remove", 2)],
        ),
    ],
)
def test_what_is_over(versions: list[Version], entry: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    assert over(versions, **entry) == expected


def test_the_first_rule_to_end_an_object_or_an_upload_is_told() -> None:
    found = rules(Expiration={"Days": 5}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2})
    assert expiry(version(0), found) == (105 * DAY_MS, "id")
    assert abort(Upload("u", 1, "k", 5 * HOUR_MS, Facts(), "CRC32", "FULL_OBJECT", True), found) == (3 * DAY_MS, "id")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Expiration": {"Date": datetime(2026, 1, 1, 1, tzinfo=UTC)}}, "InvalidArgument"),
        ({}, "InvalidRequest"),
        ({"Expiration": {"Days": 1}, "Prefix": ""}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "Status": "On"}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "ID": "x" * 256}, "InvalidArgument"),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented"),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}}, "InvalidArgument"),
        (
            {
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                "Filter": {"Tag": {"Key": "a", "Value": "b"}},
            },
            "InvalidRequest",
        ),
    ],
)
def test_what_would_not_be_carried_out_is_refused(entry: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        rules(**entry)
    assert caught.value.code == code


SMALL = st.integers(-1, 3)
ENTRIES = st.fixed_dictionaries(
    {"Status": st.sampled_from(["Enabled", "Disabled", "x"])},
    optional={
        "ID": st.text(max_size=3),
        "Prefix": st.text(max_size=3),
        "Filter": st.dictionaries(st.sampled_from(["Prefix", "ObjectSizeLessThan"]), st.just("1"), max_size=1)
        | st.fixed_dictionaries({"And": st.fixed_dictionaries({}, optional={"ObjectSizeGreaterThan": SMALL})}),
        "Expiration": st.dictionaries(st.sampled_from(["Days"]), SMALL, max_size=1),
        "NoncurrentVersionExpiration": st.dictionaries(
            st.sampled_from(["NoncurrentDays", "NewerNoncurrentVersions"]), SMALL, max_size=2
        ),
    },
)


@settings(max_examples=100)
@given(st.lists(ENTRIES, max_size=3), st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=5))
def test_any_configuration_is_refused_or_spares_what_is_young(
    entries: list[dict[str, Any]], history: list[tuple[int, bool]]
) -> None:
    for entry in entries:  # sizes are numbers on the wire
        entry.get("Filter", {}).pop("ObjectSizeLessThan", None)
    try:
        found = rules_of(entries_of({"Rules": entries}, lambda: "made"))
    except ServiceError:
        return
    ages = sorted(history, key=lambda each: each[0])
    versions = [version(age, marker=marker) for age, marker in ages]
    for what, each in acts(versions, found, NOW_MS):
        assert each.modified_ms <= NOW_MS - DAY_MS
        assert (what == "expire") <= (each is versions[0])
