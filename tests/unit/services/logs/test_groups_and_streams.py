"""Groups, streams, retention and tags. Sources: botocore's model `logs` (documentation and constraints);
messages as the service gives them, from error reports in public repositories."""

from collections.abc import Awaitable, Callable
from typing import Any

import botocore.session
import pytest

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.model.principal import Principal
from lambent.services.logs import errors
from lambent.services.logs.api import LogsService
from lambent.services.logs.errors import AlreadyExists, InvalidParameter, NotFound, TooManyTags
from lambent.services.operation import RequestContext

Call = Callable[..., Awaitable[Any]]
NOW_MS = 1_800_000_000_000
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f"


def context(account: str, region: str) -> RequestContext:
    return RequestContext(Principal(account, "", ""), account, region, "request")


def test_every_operation_and_error_is_in_the_model(service: LogsService) -> None:
    model = botocore.session.get_session().get_service_model("logs")
    assert set(service.operations) <= set(model.operation_names)
    codes = {
        each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ServiceError)
    } - {ServiceError.code}
    assert codes <= set(model.shape_names)


async def test_a_group_is_described_with_both_forms_of_its_arn(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="/aws/lambda/f")
    assert await call("DescribeLogGroups") == {
        "logGroups": [
            {
                "logGroupName": "/aws/lambda/f",
                "creationTime": NOW_MS,
                "metricFilterCount": 0,
                "arn": f"{ARN}:*",
                "logGroupArn": ARN,
                "storedBytes": 0,
                "logGroupClass": "STANDARD",
                "deletionProtectionEnabled": False,
            }
        ]
    }


async def test_a_group_that_exists_cannot_be_made_again(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="g")
    with pytest.raises(AlreadyExists, match="The specified log group already exists"):
        await call("CreateLogGroup", logGroupName="g")


@pytest.mark.parametrize(
    "extra",
    [
        {"logGroupName": "aws/g"},
        {"kmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/1"},
        {"logGroupClass": "INFREQUENT_ACCESS"},
        {"deletionProtectionEnabled": True},
    ],
)
async def test_what_lambent_does_not_carry_out_is_refused(call: Call, extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        await call("CreateLogGroup", **({"logGroupName": "g"} | extra))
    assert await call("DescribeLogGroups") == {"logGroups": []}


async def test_groups_are_found_by_prefix_by_part_and_by_identifier(call: Call) -> None:
    for name in ("/aws/lambda/a", "/aws/lambda/b", "/aws/lambdas", "DataLogs", "datalogs"):
        await call("CreateLogGroup", logGroupName=name)

    async def found(**request: Any) -> list[str]:
        return [each["logGroupName"] for each in (await call("DescribeLogGroups", **request))["logGroups"]]

    assert await found() == ["/aws/lambda/a", "/aws/lambda/b", "/aws/lambdas", "DataLogs", "datalogs"]
    assert await found(logGroupNamePrefix="/aws/lambda/") == ["/aws/lambda/a", "/aws/lambda/b"]
    assert await found(logGroupNamePattern="Logs") == ["DataLogs"]
    assert await found(logGroupIdentifiers=["datalogs", "nobody"]) == ["datalogs"]
    assert await found(logGroupClass="INFREQUENT_ACCESS") == []
    by_part = await call("DescribeLogGroups", logGroupNamePattern="Logs")
    assert set(by_part["logGroups"][0]) == {"arn", "creationTime", "logGroupName"}
    with pytest.raises(InvalidParameter, match="mutually exclusive"):
        await found(logGroupNamePattern="x", logGroupNamePrefix="y")


async def test_groups_come_in_pages(call: Call) -> None:
    for number in range(5):
        await call("CreateLogGroup", logGroupName=f"g{number}")
    seen, request = [], dict[str, Any]()
    while True:
        page = await call("DescribeLogGroups", limit=2, **request)
        seen.append([each["logGroupName"] for each in page["logGroups"]])
        if "nextToken" not in page:
            break
        request = {"nextToken": page["nextToken"]}
    assert seen == [["g0", "g1"], ["g2", "g3"], ["g4"]]


async def test_accounts_and_regions_share_nothing(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="g")
    for other in (context("111111111111", "us-east-1"), context("000000000000", "eu-west-1")):
        assert await call("DescribeLogGroups", ctx=other) == {"logGroups": []}
        with pytest.raises(NotFound):
            await call("DeleteLogGroup", ctx=other, logGroupName="g")
        arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
        with pytest.raises(NotFound):
            await call("DescribeLogStreams", ctx=other, logGroupIdentifier=arn)
        await call("CreateLogGroup", ctx=other, logGroupName="g")


async def test_deleting_a_group_deletes_its_streams_and_events(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="g", tags={"a": "b"})
    await call("CreateLogStream", logGroupName="g", logStreamName="s")
    await call("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[{"timestamp": NOW_MS, "message": "x"}])
    await call("DeleteLogGroup", logGroupName="g")
    with pytest.raises(NotFound, match="The specified log group does not exist"):
        await call("DeleteLogGroup", logGroupName="g")
    await call("CreateLogGroup", logGroupName="g")
    assert await call("DescribeLogStreams", logGroupName="g") == {"logStreams": []}
    assert (await call("FilterLogEvents", logGroupName="g"))["events"] == []
    assert await call("ListTagsLogGroup", logGroupName="g") == {"tags": {}}


async def test_streams_need_their_group_and_are_made_once(call: Call) -> None:
    with pytest.raises(NotFound, match="The specified log group does not exist"):
        await call("CreateLogStream", logGroupName="g", logStreamName="s")
    await call("CreateLogGroup", logGroupName="g")
    await call("CreateLogStream", logGroupName="g", logStreamName="s")
    with pytest.raises(AlreadyExists, match="The specified log stream already exists"):
        await call("CreateLogStream", logGroupName="g", logStreamName="s")
    await call("DeleteLogStream", logGroupName="g", logStreamName="s")
    with pytest.raises(NotFound, match="The specified log stream does not exist"):
        await call("DeleteLogStream", logGroupName="g", logStreamName="s")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["LogStreamName", "LastEventTime"])
async def test_streams_are_ordered_by_name_or_last_event_in_pages(call: Call, order: str, descending: bool) -> None:
    await call("CreateLogGroup", logGroupName="g")
    for number in range(5):
        name = f"s{number}"
        await call("CreateLogStream", logGroupName="g", logStreamName=name)
        if number:
            event = {"timestamp": NOW_MS - number // 2 * 1000, "message": "x"}
            await call("PutLogEvents", logGroupName="g", logStreamName=name, logEvents=[event])
    seen, request = [], dict[str, Any]()
    while True:
        page = await call(
            "DescribeLogStreams", logGroupName="g", orderBy=order, descending=descending, limit=2, **request
        )
        seen += [each["logStreamName"] for each in page["logStreams"]]
        if "nextToken" not in page:
            break
        request = {"nextToken": page["nextToken"]}
    expected = ["s0", "s1", "s2", "s3", "s4"] if order == "LogStreamName" else ["s0", "s4", "s2", "s3", "s1"]
    assert seen == (expected[::-1] if descending else expected)


async def test_a_stream_is_described_with_the_times_of_its_events(call: Call, clock: FakeClock) -> None:
    await call("CreateLogGroup", logGroupName="g")
    await call("CreateLogStream", logGroupName="g", logStreamName="a/b")
    await clock.advance(10)
    for offset_ms in (5000, 1000):
        event = {"timestamp": NOW_MS + offset_ms, "message": "x"}
        await call("PutLogEvents", logGroupName="g", logStreamName="a/b", logEvents=[event])
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    answer = await call("DescribeLogStreams", logGroupIdentifier=f"{arn}:*", logStreamNamePrefix="a/")
    assert answer["logStreams"] == [
        {
            "logStreamName": "a/b",
            "creationTime": NOW_MS,
            "firstEventTimestamp": NOW_MS + 1000,
            "lastEventTimestamp": NOW_MS + 5000,
            "lastIngestionTime": NOW_MS + 10_000,
            "arn": f"{arn}:log-stream:a/b",
            "storedBytes": 0,
        }
    ]
    assert (await call("DescribeLogStreams", logGroupName="g", logStreamNamePrefix="b"))["logStreams"] == []


async def test_streams_are_not_described_by_time_with_a_prefix_or_without_a_group(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="g")
    with pytest.raises(InvalidParameter, match="Cannot order by LastEventTime with a logStreamNamePrefix"):
        await call("DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="x")
    with pytest.raises(InvalidParameter):
        await call("DescribeLogStreams")
    with pytest.raises(InvalidParameter):
        await call("DescribeLogStreams", logGroupName="g", logGroupIdentifier="g")
    with pytest.raises(InvalidParameter, match="nextToken is invalid"):
        await call("DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", nextToken="x")


async def test_retention_takes_the_days_that_the_model_names(call: Call) -> None:
    await call("CreateLogGroup", logGroupName="g")
    with pytest.raises(InvalidParameter, match="retentionInDays"):
        await call("PutRetentionPolicy", logGroupName="g", retentionInDays=2)
    await call("PutRetentionPolicy", logGroupName="g", retentionInDays=3653)
    assert (await call("DescribeLogGroups"))["logGroups"][0]["retentionInDays"] == 3653
    await call("DeleteRetentionPolicy", logGroupName="g")
    assert "retentionInDays" not in (await call("DescribeLogGroups"))["logGroups"][0]
    with pytest.raises(NotFound):
        await call("PutRetentionPolicy", logGroupName="nobody", retentionInDays=1)


async def test_events_that_outlive_their_retention_are_deleted(
    call: Call, service: LogsService, clock: FakeClock
) -> None:
    for name in ("short", "ever"):
        await call("CreateLogGroup", logGroupName=name)
        await call("CreateLogStream", logGroupName=name, logStreamName="s")
        await call(
            "PutLogEvents", logGroupName=name, logStreamName="s", logEvents=[{"timestamp": NOW_MS, "message": "x"}]
        )
    await call("PutRetentionPolicy", logGroupName="short", retentionInDays=1)
    assert await service.retention.sweep() == 0
    await clock.advance(86_400 + 1)
    assert await service.retention.sweep() == 1
    assert (await call("FilterLogEvents", logGroupName="short"))["events"] == []
    assert len((await call("FilterLogEvents", logGroupName="ever"))["events"]) == 1
    by_name = {each["logGroupName"]: each for each in (await call("DescribeLogGroups"))["logGroups"]}
    assert by_name["short"]["storedBytes"] == 0
    assert by_name["ever"]["storedBytes"] > 0


async def test_tags_are_set_listed_and_taken_away_by_arn_and_by_name(call: Call) -> None:
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    await call("CreateLogGroup", logGroupName="g", tags={"a": "1", "b": "2"})
    await call("TagResource", resourceArn=arn, tags={"b": "3", "c": "4"})
    assert await call("ListTagsForResource", resourceArn=arn) == {"tags": {"a": "1", "b": "3", "c": "4"}}
    await call("UntagResource", resourceArn=arn, tagKeys=["a", "zzz"])
    await call("TagLogGroup", logGroupName="g", tags={"d": "5"})
    await call("UntagLogGroup", logGroupName="g", tags=["b"])
    assert await call("ListTagsLogGroup", logGroupName="g") == {"tags": {"c": "4", "d": "5"}}
    with pytest.raises(TooManyTags):
        await call("TagResource", resourceArn=arn, tags={f"k{n}": "" for n in range(49)})
    assert await call("ListTagsLogGroup", logGroupName="g") == {"tags": {"c": "4", "d": "5"}}
    with pytest.raises(NotFound):
        await call("ListTagsForResource", resourceArn=arn + "x")
    with pytest.raises(InvalidParameter):
        await call("ListTagsForResource", resourceArn="g")
