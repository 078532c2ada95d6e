"""EventBridge without a platform: operations in, deliveries out, the clock in hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.delivery.api import Delivery
from lambent.errors import AccessDenied, ServiceError, ValidationError
from lambent.ids import FakeIds
from lambent.model.principal import Principal
from lambent.services.events.api import Links
from lambent.services.events.model import BusKey
from lambent.services.events.put_events import forwarded_event
from lambent.services.events.service import EventsService
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/other"


class Outbox:
    def __init__(self) -> None:
        self.got: list[Delivery] = []

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        self.got += deliveries

    def refusal(self, target_arn: str) -> str | None:
        return "no such service" if ":kinesis:" in target_arn else None

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        return role_arn.endswith("/good")


class House:
    def __init__(self) -> None:
        self.clock, self.outbox = FakeClock(1_767_225_600.0), Outbox()  # 2026-01-01T00:00:00Z

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.events"))
        links = Links(self.outbox, self.outbox, self.outbox)
        self.service = EventsService(self.database, self.clock, FakeIds(), links, Quotas())
        self.start()
        return self

    def start(self) -> None:
        self.task = asyncio.create_task(self.service.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def close(self) -> None:
        await self.stop()
        await self.database.close()

    async def call(self, name: str, account: str = ACCOUNT, **request: Any) -> Any:
        principal = Principal(account, f"arn:aws:iam::{account}:root", account)
        context = RequestContext(principal, account, REGION, "request")
        return await self.service.operations[name](context, request)

    async def put(self, *, account: str = ACCOUNT, **entry: Any) -> dict[str, str]:
        wanted = {"Source": "s", "DetailType": "t", "Detail": "{}"} | entry
        answer = await self.call("PutEvents", account, Entries=[wanted])
        entry_answer: dict[str, str] = answer["Entries"][0]
        return entry_answer

    async def rule(
        self, pattern: dict[str, Any] | None = None, target: dict[str, Any] | None = None, **rule: Any
    ) -> None:
        wanted = {"EventPattern": json.dumps(pattern)} if pattern else {}
        await self.call("PutRule", Name="r", **wanted, **rule)
        bus = {"EventBusName": rule["EventBusName"]} if "EventBusName" in rule else {}
        await self.call("PutTargets", Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION} | (target or {})], **bus)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await self.call("ListRules")

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        for _ in range(4):  # each reading lets the loop's own works pass
            await self.call("ListRules")
            await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    yield made
    await made.close()


async def test_a_match_becomes_a_delivery_with_everything_it_needs(house: House) -> None:
    target = {
        "RoleArn": "arn:aws:iam::111111111111:role/good",
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": QUEUE},
        "Input": "1",
    }
    await house.rule({"source": ["s"]}, target)
    answer = await house.put(TraceHeader="Root=1")
    (made,) = house.outbox.got
    assert (made.target_arn, made.payload, made.principal) == (FUNCTION, b"1", "events.amazonaws.com")
    assert made.source_arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
    assert (made.max_retries, made.max_age_s, made.role_arn) == (3, 60, target["RoleArn"])
    assert made.options == {"TraceHeader": "Root=1"}
    assert made.dead_letter is not None
    assert json.loads(made.dead_letter.payload)["id"] == answer["EventId"]
    assert made.dead_letter.attributes == {"RULE_ARN": made.source_arn, "TARGET_ARN": FUNCTION}


async def test_an_acknowledged_change_is_what_the_next_event_meets(house: House) -> None:
    await house.rule({"source": ["s"]})
    await house.put()
    await house.call("DisableRule", Name="r")
    await house.put()
    await house.call("EnableRule", Name="r")
    await house.put()
    await house.call("PutRule", Name="r", EventPattern='{"source": ["x"]}')
    await house.put()
    await house.call("RemoveTargets", Rule="r", Ids=["1"])
    await house.put(Source="x")
    assert len(house.outbox.got) == 2


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": "x" * 129}, "InvalidArgument"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"Source": "aws.s3"}, "NotAuthorizedForSourceException"),
    ],
)
async def test_a_wrong_entry_fails_alone(house: House, entry: dict[str, Any], code: str) -> None:
    """Source: the model's documentation of PutEventsRequestEntry; codes as collected from error reports."""
    await house.rule({"source": [{"exists": True}]})
    good = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    answer = await house.call("PutEvents", Entries=[good, good | entry, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1]["ErrorCode"] == code
    assert len(house.outbox.got) == 2


async def test_an_event_for_a_bus_that_is_not_there_gets_an_id_and_goes_nowhere(house: House) -> None:
    """As AWS answers (put_events.py says where that is known from); the log says what became of it."""
    with capture_logs() as said:
        answer = await house.put(EventBusName="missing")
    assert answer.keys() == {"EventId"}
    assert [(each["action"], each["event_id"]) for each in said] == [("events.no_bus", answer["EventId"])]
    assert house.outbox.got == []


async def test_time_and_resources_are_the_senders(house: House) -> None:
    await house.rule({"source": ["s"]})
    await house.put(
        Time=datetime(2020, 1, 2, 3, 4, 5, 600_000, UTC), Resources=["a"], Detail='{"n": 12345678901234567890}'
    )
    event = json.loads(house.outbox.got[0].payload)
    assert (event["time"], event["resources"]) == ("2020-01-02T03:04:05Z", ["a"])
    assert event["detail"]["n"] == 12345678901234567890


async def test_another_account_may_send_where_the_policy_lets_it(house: House) -> None:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    await house.rule({"source": ["s"]})
    assert (await house.put(account=OTHER, EventBusName=arn))["ErrorCode"] == "AccessDeniedException"
    grant = {"Action": "events:PutEvents", "Principal": OTHER, "StatementId": "them"}
    await house.call("PutPermission", **grant)
    assert "EventId" in await house.put(account=OTHER, EventBusName=arn)
    assert json.loads(house.outbox.got[0].payload)["account"] == OTHER
    assert json.loads((await house.call("DescribeEventBus"))["Policy"])["Statement"][0]["Sid"] == "them"
    await house.call("RemovePermission", StatementId="them")
    assert "ErrorCode" in await house.put(account=OTHER, EventBusName=arn)


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "{}",
        '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "events:PutEvents"}}',
        '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutRule"}}',
        '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:user/x"}, "Action": "events:*"}}',
        '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:*", "Condition": {"Bool": {}}}}',
    ],
)
async def test_a_bus_policy_that_would_not_be_judged_is_refused(house: House, policy: str) -> None:
    with pytest.raises(ValidationError):
        await house.call("PutPermission", Policy=policy)


async def test_two_accounts_share_nothing(house: House) -> None:
    await house.rule({"source": ["s"]})
    await house.put(account=OTHER)
    assert house.outbox.got == []
    assert (await house.call("ListRules", OTHER))["Rules"] == []


async def test_an_event_that_a_bus_sent_is_not_sent_on_to_a_third(house: House) -> None:
    await house.call("CreateEventBus", Name="b")
    await house.rule({"source": ["s"]}, {"Arn": BUS}, EventBusName="b")
    await house.put(EventBusName="b")
    (first,) = house.outbox.got
    await house.service.intake.accept(BusKey(ACCOUNT, REGION, "b"), forwarded_event(first.payload, 0), ACCOUNT)
    assert len(house.outbox.got) == 1


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"},
        {"DeadLetterConfig": {"Arn": FUNCTION}},
        {"DeadLetterConfig": {"Arn": QUEUE + ".fifo"}},
        {"RoleArn": "arn:aws:iam::111111111111:role/bad"},
        {"Input": "{"},
        {"Input": "{}", "InputPath": "$"},
        {"InputPath": "detail"},
        {"InputTransformer": {"InputTemplate": '"<nobody>"'}},
        {"InputTransformer": {"InputPathsMap": {"aws.x": "$"}, "InputTemplate": '"a"'}},
        {"InputTransformer": {"InputTemplate": "plain"}},
        {"SqsParameters": {"MessageGroupId": "g"}},
        {"Arn": QUEUE + ".fifo"},
        {"EcsParameters": {"TaskDefinitionArn": "x"}},
        {"Arn": BUS, "Input": "{}"},
    ],
    ids=str,
)
async def test_a_target_that_could_not_be_carried_out_is_refused_and_nothing_stays(
    house: House, target: dict[str, Any]
) -> None:
    await house.rule({"source": ["s"]})
    wrong = {"Id": "2", "Arn": FUNCTION} | target
    with pytest.raises(ValidationError):
        await house.call("PutTargets", Rule="r", Targets=[{"Id": "3", "Arn": FUNCTION}, wrong])
    assert [each["Id"] for each in (await house.call("ListTargetsByRule", Rule="r"))["Targets"]] == ["1"]


async def test_a_rule_may_not_name_a_role_that_eventbridge_cannot_act_as(house: House) -> None:
    with pytest.raises(ValidationError, match="cannot be assumed by principal"):
        await house.rule({"source": ["s"]}, RoleArn="arn:aws:iam::111111111111:role/bad")


async def test_a_bus_of_another_account_takes_events_only_if_its_policy_says_so(house: House) -> None:
    key, event = BusKey(ACCOUNT, REGION), forwarded_event(b'{"source": "s"}', 0)
    with pytest.raises(AccessDenied):
        await house.service.intake.accept(key, event, OTHER)
    await house.call("PutPermission", Action="events:PutEvents", Principal="*", StatementId="all")
    await house.service.intake.accept(key, event, OTHER)


async def test_a_bus_goes_only_without_its_rules(house: House) -> None:
    """Source: EventBridge API reference, DeleteEventBus; the words as error reports have them."""
    await house.call("CreateEventBus", Name="mine")
    await house.call("PutRule", Name="r", EventBusName="mine", EventPattern='{"source": ["s"]}')
    with pytest.raises(ValidationError, match="EventBus can't be deleted since it has rules"):
        await house.call("DeleteEventBus", Name="mine")
    await house.call("DeleteRule", Name="r", EventBusName="mine")
    await house.call("DeleteEventBus", Name="mine")
    names = [each["Name"] for each in (await house.call("ListEventBuses"))["EventBuses"]]
    assert "mine" not in names


async def test_a_rule_has_five_targets_and_goes_only_without_them(house: House) -> None:
    await house.rule({"source": ["s"]})
    with pytest.raises(ServiceError) as refusal:
        await house.call("PutTargets", Rule="r", Targets=[{"Id": f"x{n}", "Arn": FUNCTION} for n in range(5)])
    assert refusal.value.code == "LimitExceededException"
    with pytest.raises(ValidationError, match="has targets"):
        await house.call("DeleteRule", Name="r")
    assert (await house.call("RemoveTargets", Rule="r", Ids=["1", "9"]))["FailedEntryCount"] == 1
    await house.call("DeleteRule", Name="r")
    await house.call("DeleteRule", Name="r")


async def test_lists_come_in_pages(house: House) -> None:
    for name in "abcde":
        await house.call("PutRule", Name=name, EventPattern='{"source": ["s"]}')
    first = await house.call("ListRules", Limit=3)
    rest = await house.call("ListRules", Limit=3, NextToken=first["NextToken"])
    assert [each["Name"] for each in first["Rules"] + rest["Rules"]] == list("abcde")
    assert "NextToken" not in rest
    with pytest.raises(ValidationError):
        await house.call("ListRules", NextToken="?")


async def test_tags_belong_to_what_is_there(house: House) -> None:
    await house.call("PutRule", Name="r", EventPattern='{"source": ["s"]}', Tags=[{"Key": "a", "Value": "1"}])
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
    await house.call("TagResource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    await house.call("UntagResource", ResourceARN=arn, TagKeys=["a"])
    assert (await house.call("ListTagsForResource", ResourceARN=arn))["Tags"] == [{"Key": "b", "Value": "2"}]
    for other in (arn + "x", arn.replace(ACCOUNT, OTHER)):
        with pytest.raises(ServiceError):
            await house.call("ListTagsForResource", ResourceARN=other)


async def test_a_rate_sends_the_scheduled_event_at_each_interval(house: House) -> None:
    """Source: EventBridge User Guide, "Creating an EventBridge rule that runs on a schedule"."""
    await house.rule(ScheduleExpression="rate(5 minutes)")
    for number in range(1, 4):
        await house.clock.advance(300)
        await house.until(lambda wanted=number: len(house.outbox.got) == wanted)  # type: ignore[misc]
    event = json.loads(house.outbox.got[1].payload)
    event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "2026-01-01T00:10:00Z",
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"],
        "detail": {},
    }


async def test_what_passed_while_nobody_ran_is_made_up_for_once(house: House) -> None:
    await house.rule(ScheduleExpression="cron(0 * * * ? *)")
    await house.stop()
    await house.clock.advance(5 * 3600 + 60)
    house.start()
    await house.until(lambda: len(house.outbox.got) == 1)
    assert json.loads(house.outbox.got[0].payload)["time"] == "2026-01-01T05:00:00Z"
    await house.clock.advance(3600)
    await house.until(lambda: len(house.outbox.got) == 2)


async def test_a_disabled_rule_rests_and_an_unchanged_put_does_not_restart_the_rate(house: House) -> None:
    await house.rule(ScheduleExpression="rate(10 minutes)")
    await house.clock.advance(540)
    await house.call("PutRule", Name="r", ScheduleExpression="rate(10 minutes)", Description="again")
    await house.clock.advance(60)
    await house.until(lambda: len(house.outbox.got) == 1)
    await house.call("DisableRule", Name="r")
    await house.advance(3600)
    assert len(house.outbox.got) == 1
    await house.call("EnableRule", Name="r")
    await house.clock.advance(600)
    await house.until(lambda: len(house.outbox.got) == 2)
