"""Points: put, joined, found, rolled up, and gone in the end."""

import contextlib
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.model.meter import Collected
from lambent.services.cloudwatch import sketch
from lambent.services.cloudwatch.api import CloudWatchService
from lambent.services.cloudwatch.errors import InvalidParameterValue
from lambent.services.cloudwatch.model import joined, point_of, point_of_all, point_of_counts
from lambent.services.cloudwatch.retention import Retention
from lambent.services.cloudwatch.statistics import statistic
from lambent.store.api import Database

Ask = Callable[..., Awaitable[dict[str, Any]]]
DAY_S = 86_400


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def put(ask: Ask, *data: dict[str, Any], **also: Any) -> None:
    await ask("PutMetricData", Namespace="Mine", MetricData=[{"MetricName": "m", **each} for each in data], **also)


async def statistics(ask: Ask, clock: FakeClock, period_s: int = 60, back_s: int = 3600, **also: Any) -> Any:
    now_s = clock.now_s()
    asked = {"Statistics": ["SampleCount", "Sum", "Minimum", "Maximum", "Average"], **also}
    answer = await ask(
        "GetMetricStatistics",
        Namespace="Mine",
        MetricName="m",
        StartTime=at(now_s - back_s),
        EndTime=at(now_s + 60),
        Period=period_s,
        **asked,
    )
    return answer["Datapoints"]


async def test_values_counts_and_statistic_sets_of_one_minute_are_one_point(ask: Ask, clock: FakeClock) -> None:
    await put(ask, {"Value": 2.0}, {"Values": [1.0, 4.0], "Counts": [3.0, 1.0]})
    whole = {"SampleCount": 2.0, "Sum": 20.0, "Minimum": 5.0, "Maximum": 15.0}
    await put(ask, {"StatisticValues": whole})
    (point,) = await statistics(ask, clock)
    assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"]) == (7.0, 29.0, 1.0, 15.0)
    assert point["Average"] == 29.0 / 7
    assert point["Timestamp"] == at(clock.now_s())


async def test_percentiles_are_there_for_single_values_and_not_once_a_statistic_set_joined_them(
    ask: Ask, clock: FakeClock
) -> None:
    await put(ask, {"Values": [float(n) for n in range(1, 101)]})
    (point,) = await statistics(ask, clock, Statistics=[], ExtendedStatistics=["p50", "p99", "p100"])
    extended = point["ExtendedStatistics"]
    assert extended["p50"] == pytest.approx(50, rel=0.011)
    assert extended["p99"] == pytest.approx(99, rel=0.011)
    assert extended["p100"] == 100.0
    await put(ask, {"StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}})
    (point,) = await statistics(ask, clock, Statistics=["Sum"], ExtendedStatistics=["p50"])
    assert "ExtendedStatistics" not in point


async def test_units_and_accounts_have_points_of_their_own(ask: Ask, clock: FakeClock) -> None:
    await put(ask, {"Value": 1.0, "Unit": "Seconds"}, {"Value": 2.0, "Unit": "Bytes"})
    await put(ask, {"Value": 4.0, "Unit": "Bytes"}, account="111111111111")
    points = await statistics(ask, clock)
    assert [(each["Unit"], each["Sum"]) for each in points] == [("Bytes", 2.0), ("Seconds", 1.0)]
    points = await statistics(ask, clock, Unit="Bytes")
    assert [each["Sum"] for each in points] == [2.0]


async def test_high_resolution_is_found_under_short_periods_and_under_long_ones(ask: Ask, clock: FakeClock) -> None:
    await put(ask, {"Value": 1.0, "StorageResolution": 1})
    await clock.advance(7)
    await put(ask, {"Value": 2.0, "StorageResolution": 1}, {"Value": 8.0})
    assert [each["Sum"] for each in await statistics(ask, clock, 5, 60)] == [1.0, 2.0]
    assert [each["Sum"] for each in await statistics(ask, clock, 60)] == [11.0]


async def test_points_are_rolled_up_as_they_age_and_deleted_after_fifteen_months(
    ask: Ask, clock: FakeClock, database: Database
) -> None:
    retention = Retention(database, clock, (0.125, 15.0, 63.0, 455.0))

    async def spans() -> list[tuple[int, float]]:
        rows = await database.read(lambda tx: tx.all("SELECT span_s, total FROM point ORDER BY start_s"))
        return [(row["span_s"], row["total"]) for row in rows]

    for number in range(10):
        await put(ask, {"Value": 1.0, "StorageResolution": 1}, {"Value": float(number)})
        await clock.advance(60)
    expected = sum(range(10)) + 10.0
    for later_s, span_s in [(DAY_S, 60), (16 * DAY_S, 300), (64 * DAY_S, 3600)]:
        await clock.advance(later_s)
        await retention.sweep()
        found = await spans()
        assert {each[0] for each in found} == {span_s}
        assert sum(each[1] for each in found) == expected
    await clock.advance(455 * DAY_S)
    await retention.sweep()
    assert await spans() == []
    assert await database.read(lambda tx: tx.all("SELECT * FROM metric")) == []


async def test_metrics_are_listed_for_two_weeks_and_found_by_dimensions(ask: Ask, clock: FakeClock) -> None:
    await put(ask, {"Value": 1.0, "Dimensions": [{"Name": "Shop", "Value": "a"}, {"Name": "Area", "Value": "x"}]})
    await put(ask, {"Value": 1.0})
    found = (await ask("ListMetrics", Dimensions=[{"Name": "Shop"}]))["Metrics"]
    assert found[0]["Dimensions"] == [{"Name": "Area", "Value": "x"}, {"Name": "Shop", "Value": "a"}]
    assert len((await ask("ListMetrics", Namespace="Mine", MetricName="m"))["Metrics"]) == 2
    assert (await ask("ListMetrics", Dimensions=[{"Name": "Shop", "Value": "b"}]))["Metrics"] == []
    await clock.advance(4 * 3600)
    assert (await ask("ListMetrics", RecentlyActive="PT3H"))["Metrics"] == []
    await clock.advance(14 * DAY_S)
    assert (await ask("ListMetrics"))["Metrics"] == []


BAD_DATA: list[tuple[dict[str, Any], str]] = [
    ({}, "MissingRequiredParameterException"),
    ({"Value": math.nan}, "InvalidParameterValueException"),
    ({"Value": math.inf}, "InvalidParameterValueException"),
    ({"Value": 2.0**361}, "InvalidParameterValueException"),
    ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombinationException"),
    ({"Value": 1.0, "Counts": [1.0]}, "InvalidParameterCombinationException"),
    ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValueException"),
    ({"Values": [1.0] * 151}, "InvalidParameterValueException"),
    ({"Value": 1.0, "StorageResolution": 30}, "InvalidParameterValueException"),
    ({"Value": 1.0, "Timestamp": at(1_600_000_000)}, "InvalidParameterValueException"),
    ({"Value": 1.0, "Timestamp": at(1_700_010_000)}, "InvalidParameterValueException"),
    ({"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "1"}] * 2}, "InvalidParameterValueException"),
]


@pytest.mark.parametrize(("datum", "code"), BAD_DATA, ids=str)
async def test_bad_data_is_refused_and_leaves_nothing(ask: Ask, datum: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await put(ask, {"Value": 1.0}, datum)
    assert refused.value.code == code
    assert (await ask("ListMetrics"))["Metrics"] == []


async def test_more_than_1440_points_and_wrong_periods_are_refused(ask: Ask, clock: FakeClock) -> None:
    with pytest.raises(ServiceError, match="exceeds the limit of 1,440"):
        await statistics(ask, clock, back_s=2 * DAY_S)
    with pytest.raises(ServiceError, match="multiple of 60"):
        await statistics(ask, clock, 61)
    with pytest.raises(ServiceError, match="tm99 is not implemented"):
        await statistics(ask, clock, ExtendedStatistics=["tm99"])


async def test_what_rooms_measure_is_a_metric_before_the_next_look(
    ask: Ask, service: CloudWatchService, clock: FakeClock
) -> None:
    for _ in range(3):
        service.meter.measure(("000000000000", "us-east-1"), "Mine", {"m": 2.0}, (), "Count")
    assert [each["Sum"] for each in await statistics(ask, clock)] == [6.0]
    await service.close()


async def test_what_another_process_collected_counts_for_each_of_its_dimensions(
    ask: Ask, service: CloudWatchService, clock: FakeClock
) -> None:
    sets = ((("ApiId", "a"),), (("ApiId", "a"), ("Stage", "s")))
    place, start_s = ("000000000000", "us-east-1"), int(clock.now_s()) // 60 * 60
    for _ in range(2):
        service.meter.collect(Collected(place, "Mine", "m", "Count", start_s, sets, {0: 3, 5: 1}))
    for dimensions in sets:
        named = [{"Name": name, "Value": value} for name, value in dimensions]
        (point,) = await statistics(ask, clock, Dimensions=named)
        assert (point["Sum"], point["SampleCount"], point["Maximum"]) == (10.0, 8.0, 5.0)
    assert await statistics(ask, clock) == []
    await service.close()


@settings(max_examples=50)
@given(st.dictionaries(st.integers(0, 10**6), st.integers(1, 5), min_size=1, max_size=20))
def test_values_with_counts_are_the_same_point_as_each_value_by_itself(counts: dict[int, int]) -> None:
    assert point_of_counts(counts) == point_of_all(value for value, count in counts.items() for _ in range(count))


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.floats(0, 100))
def test_a_percentile_is_within_one_percent_of_a_value_of_its_rank(values: list[float], percent: float) -> None:
    spread = point_of_all(values).sketch
    assert spread is not None
    rank = max(0, math.ceil(len(values) * percent / 100 - 1e-9) - 1)
    exact = sorted(values)[rank]
    assert sketch.percentile(spread, percent) == pytest.approx(exact, rel=0.0101, abs=1e-300)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.integers(1, 19))
@settings(max_examples=50)
def test_points_joined_in_any_split_say_the_same(values: list[float], cut: int) -> None:
    whole = point_of(values[0])
    for value in values[1:]:
        whole = joined(whole, point_of(value))
    left, right = values[: min(cut, len(values) - 1)], values[min(cut, len(values) - 1) :]
    parts = []
    for part in (left, right):
        point = point_of(part[0])
        for value in part[1:]:
            point = joined(point, point_of(value))
        parts.append(point)
    both = joined(*parts)
    assert (both.sample_count, both.minimum, both.maximum) == (whole.sample_count, whole.minimum, whole.maximum)
    assert both.sketch == whole.sketch


@given(st.text(max_size=8))
@settings(max_examples=50)
def test_any_name_of_a_statistic_is_known_or_refused(name: str) -> None:
    with contextlib.suppress(InvalidParameterValue):
        statistic(name)
