"""GetMetricData: queries, expressions and pages."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.services.cloudwatch.errors import InvalidNextToken, InvalidQuery
from lambent.services.cloudwatch.expressions.evaluate import Scope, evaluate
from lambent.services.cloudwatch.expressions.syntax import parse
from lambent.services.cloudwatch.expressions.values import Series, Value
from lambent.services.cloudwatch.get_data import _after

Ask = Callable[..., Awaitable[dict[str, Any]]]
MOMENTS = range(0, 300, 60)
RESULTS: dict[str, Value] = {
    "m1": Series({0: 1.0, 60: 2.0, 180: 4.0}, 60),
    "m2": Series({0: 10.0, 60: 0.0, 120: 30.0}, 60),
}


def value(text: str) -> Value:
    return evaluate(parse(text), Scope(RESULTS, ["m1", "m2"], MOMENTS))


SERIES: list[tuple[str, dict[int, float]]] = [
    ("m1 + m2", {0: 11.0, 60: 2.0}),
    ("m1 / m2", {0: 0.1}),
    ("2 * (m1 - 1) ^ 2", {0: 0.0, 60: 2.0, 180: 18.0}),
    ("-m1 + 2 ^ 3 ^ 0", {0: 1.0, 60: 0.0, 180: -2.0}),
    ("2 ^ -1 * m1", {0: 0.5, 60: 1.0, 180: 2.0}),
    ("SUM([m1, m2])", {0: 11.0, 60: 2.0, 120: 30.0, 180: 4.0}),
    ("SUM(METRICS())", {0: 11.0, 60: 2.0, 120: 30.0, 180: 4.0}),
    ('AVG(METRICS("2"))', {0: 10.0, 60: 0.0, 120: 30.0}),
    ("MAX([m1, m2])", {0: 10.0, 60: 2.0, 120: 30.0, 180: 4.0}),
    ("MIN([m1, m2])", {0: 1.0, 60: 0.0, 120: 30.0, 180: 4.0}),
    ("m1 - MIN(m1)", {0: 0.0, 60: 1.0, 180: 3.0}),
    ("FILL(m1, 0)", {0: 1.0, 60: 2.0, 120: 0.0, 180: 4.0, 240: 0.0}),
    ("FILL(m1, REPEAT)", {0: 1.0, 60: 2.0, 120: 2.0, 180: 4.0, 240: 4.0}),
    ("FILL(m1, LINEAR)", {0: 1.0, 60: 2.0, 120: 3.0, 180: 4.0}),
    ("m1 * 60 / PERIOD(m1)", {0: 1.0, 60: 2.0, 180: 4.0}),
    ("DIFF(m1)", {60: 1.0, 180: 2.0}),
    ("RATE(m1) * 60", {60: 1.0, 180: 1.0}),
    ("RUNNING_SUM(m1)", {0: 1.0, 60: 3.0, 180: 7.0}),
    ("TIME_SERIES(5)", {0: 5.0, 60: 5.0, 120: 5.0, 180: 5.0, 240: 5.0}),
    ("ABS(0 - m1) + CEIL(0.5) + FLOOR(0.5)", {0: 2.0, 60: 3.0, 180: 5.0}),
    ("LOG10(m2)", {0: 1.0, 120: 1.4771212547196624}),
]


@pytest.mark.parametrize(("text", "expected"), SERIES, ids=str)
def test_an_expression_comes_to_its_series(text: str, expected: dict[int, float]) -> None:
    found = value(text)
    assert isinstance(found, Series)
    assert found.values == pytest.approx(expected)


def test_a_list_is_worked_on_member_by_member() -> None:
    found = value("METRICS() * 2")
    assert isinstance(found, list)
    assert [each.values[0] for each in found] == [2.0, 20.0]


REFUSED = [
    ("m1 +", "unexpected the end"),
    ("m1 m2", "unexpected m2"),
    ("m9", "no query with the id m9"),
    ("m1 > 2", "Comparisons"),
    ("SEARCH('x', 'Sum')", "SEARCH is not implemented"),
    ("IF(m1, 1, 2)", "IF is not implemented"),
    ("SUM(m1, m2)", "takes 1 argument"),
    ("FILL(m1, NEVER)", "no query with the id NEVER"),
    ("METRICS() + METRICS()", "two lists"),
    ("'text' + 1", "needs a time series"),
    ("(" * 60 + "1" + ")" * 60, "deeper"),
    ("é", "unexpected"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=str)
def test_what_cannot_be_carried_out_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ServiceError, match=why) as refused:
        value(text)
    assert refused.value.code == "ValidationError"


WORDS = st.sampled_from(
    ["m1", "m2", "1", "2.5", "+", "-", "*", "/", "^", "(", ")", ",", "[", "]", "SUM", "FILL", "'a'"]
)


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=20).map(" ".join)))
@settings(max_examples=150)
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidQuery):
        value(text)


async def filled(ask: Ask, clock: FakeClock) -> dict[str, datetime]:
    """Ten minutes of two metrics; the range that they lie in."""
    begin_s = clock.now_s()
    for number in range(10):
        data = [{"MetricName": "a", "Value": float(number)}, {"MetricName": "b", "Value": 1.0}]
        await ask("PutMetricData", Namespace="Mine", MetricData=data)
        await clock.advance(60)
    moments = begin_s, clock.now_s()
    return dict(zip(("StartTime", "EndTime"), (datetime.fromtimestamp(each, UTC) for each in moments), strict=True))


def query(name: str, metric: str, period_s: int = 60, **also: Any) -> dict[str, Any]:
    metric_ = {"Namespace": "Mine", "MetricName": metric}
    return {"Id": name, "MetricStat": {"Metric": metric_, "Period": period_s, "Stat": "Sum"}, **also}


async def test_the_newest_comes_first_unless_asked_otherwise(ask: Ask, clock: FakeClock) -> None:
    range_ = await filled(ask, clock)
    answer = await ask("GetMetricData", MetricDataQueries=[query("m", "a")], **range_)
    assert answer["MetricDataResults"][0]["Values"] == [float(n) for n in reversed(range(10))]
    answer = await ask("GetMetricData", MetricDataQueries=[query("m", "a")], ScanBy="TimestampAscending", **range_)
    assert answer["MetricDataResults"][0]["Values"] == [float(n) for n in range(10)]
    assert answer["MetricDataResults"][0]["StatusCode"] == "Complete"


@pytest.mark.parametrize("order", ["TimestampAscending", "TimestampDescending"])
async def test_pages_together_are_the_whole_whatever_their_size(ask: Ask, clock: FakeClock, order: str) -> None:
    range_ = await filled(ask, clock)
    queries = [query("m", "a"), query("n", "b"), {"Id": "e", "Expression": "m + n"}]
    whole = await ask("GetMetricData", MetricDataQueries=queries, ScanBy=order, **range_)
    for size in (1, 3, 10, 15, 29, 30, 31):
        found: dict[str, list[float]] = {}
        token: dict[str, str] = {}
        while True:
            page = await ask(
                "GetMetricData", MetricDataQueries=queries, ScanBy=order, MaxDatapoints=size, **token, **range_
            )
            for each in page["MetricDataResults"]:
                found.setdefault(each["Id"], []).extend(each["Values"])
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert found == {each["Id"]: each["Values"] for each in whole["MetricDataResults"]}


BAD: list[tuple[list[dict[str, Any]], str]] = [
    ([], "1 to 500"),
    ([query("M", "a")], "small letter"),
    ([query("m", "a"), query("m", "b")], "not unique"),
    ([query("m", "a", ReturnData=False)], "ReturnData"),
    ([{"Id": "m"}], "either an Expression or a MetricStat"),
    ([query("m", "a", 7)], "multiple of 60"),
    ([query("m", "a", Label="${MAX}")], "Dynamic labels"),
    ([{"Id": "e", "Expression": "f"}, {"Id": "f", "Expression": "e"}], "use one another"),
    ([query("m", "a"), {"Id": "e", "Expression": "1 + 1"}], "not to a number"),
    ([query("m", "a", AccountId="111111111111")], "AccountId"),
]


@pytest.mark.parametrize(("queries", "why"), BAD, ids=[why for _, why in BAD])
async def test_bad_queries_are_refused_in_words(
    ask: Ask, clock: FakeClock, queries: list[dict[str, Any]], why: str
) -> None:
    range_ = await filled(ask, clock)
    with pytest.raises(ServiceError, match=why):
        await ask("GetMetricData", MetricDataQueries=queries, **range_)


@given(st.text(max_size=20))
@settings(max_examples=50)
def test_any_token_is_one_of_ours_or_refused(token: str) -> None:
    with contextlib.suppress(InvalidNextToken):
        number, moment = _after({"NextToken": token})
        assert number >= 0
        assert moment is None or moment >= 0
