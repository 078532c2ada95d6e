"""Scheduler without a platform: operations in, deliveries out, the clock in hand.

Sources: EventBridge Scheduler User Guide and API Reference, the pages of each operation and "Schedule types",
"Configuring flexible time windows", "Adding context attributes", "Configuring a dead-letter queue".
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.delivery.api import Delivery
from lambent.errors import ServiceError, ValidationError
from lambent.ids import FakeIds
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.scheduler.api import Links
from lambent.services.scheduler.model import Plan
from lambent.services.scheduler.service import SchedulerService
from lambent.services.scheduler.times import fire, first_times
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/good"
TARGET = {"Arn": FUNCTION, "RoleArn": ROLE}
START = datetime(2026, 1, 1, tzinfo=UTC)
OFF = {"Mode": "OFF"}


class Outbox:
    def __init__(self) -> None:
        self.got: list[Delivery] = []

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        self.got += deliveries

    def refusal(self, target_arn: str) -> str | None:
        return "no such service" if ":sns:" in target_arn else None

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        return role_arn == ROLE and service == "scheduler.amazonaws.com" and ":schedule-group/" in source_arn


class House:
    def __init__(self) -> None:
        self.clock, self.outbox = FakeClock(START.timestamp()), Outbox()

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.scheduler"))
        links = Links(self.outbox, self.outbox, self.outbox)
        self.service = SchedulerService(self.database, self.clock, FakeIds(), links)
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
        return await self.service.operations[name](RequestContext(principal, account, REGION, "request"), request)

    async def create(self, expression: str, **request: Any) -> Any:
        wanted = {"Name": "s", "Target": TARGET, "FlexibleTimeWindow": OFF} | request
        return await self.call("CreateSchedule", ScheduleExpression=expression, **wanted)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.outbox.got) < count:
                await self.call("ListScheduleGroups")

    async def settled(self) -> int:
        """How many were sent, when nothing more follows at this time."""
        for _ in range(12):
            await self.call("ListScheduleGroups")
            await asyncio.sleep(0)
        return len(self.outbox.got)

    async def names(self, **request: Any) -> list[str]:
        return [each["Name"] for each in (await self.call("ListSchedules", **request))["Schedules"]]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    yield made
    await made.close()


async def test_a_one_time_schedule_fires_once_and_stays_or_goes(house: House) -> None:
    await house.create("at(2026-01-01T09:00:00)", Name="stays", ScheduleExpressionTimezone="Europe/Berlin")
    await house.create("at(2026-01-01T08:00:00)", Name="goes", ActionAfterCompletion="DELETE")
    await house.clock.advance(8 * 3600 - 1)
    assert await house.settled() == 0
    await house.clock.advance(1)
    await house.until(2)
    assert await house.settled() == 2
    async with asyncio.timeout(60):
        while await house.names() != ["stays"]:
            pass  # each question lets the loop's own work pass


async def test_a_target_without_input_gets_the_scheduled_event(house: House) -> None:
    made = await house.create("at(2026-01-01T08:00:00)")
    await house.clock.advance(8 * 3600)
    await house.until(1)
    (delivery,) = house.outbox.got
    event = json.loads(delivery.payload)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-01-01T08:00:00Z",
        "region": REGION,
        "resources": [made["ScheduleArn"]],
        "detail": "{}",
    }
    assert (delivery.principal, delivery.role_arn) == ("scheduler.amazonaws.com", ROLE)
    assert delivery.source_arn == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
    assert delivery.accepted_ms == house.clock.now_ms()


async def test_context_attributes_are_put_in(house: House) -> None:
    names = {"a": "schedule-arn", "t": "scheduled-time", "e": "execution-id"}
    members = [f'"{key}": "<aws.scheduler.{name}>"' for key, name in names.items()]
    text = "{" + ", ".join([*members, '"n": <aws.scheduler.attempt-number>']) + "}"
    made = await house.create("at(2026-01-01T08:00:00)", Target=TARGET | {"Input": text})
    await house.clock.advance(8 * 3600)
    await house.until(1)
    (delivery,) = house.outbox.got
    assert delivery.attempt_mark.encode() in delivery.payload
    event = json.loads(delivery.payload.replace(delivery.attempt_mark.encode(), b"3"))
    assert (event["a"], event["t"], event["n"]) == (made["ScheduleArn"], "2026-01-01T08:00:00Z", 3)
    assert "<" not in event["e"]


async def test_a_dead_letter_tells_of_the_schedule(house: House) -> None:
    policy = {"RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}}
    target = TARGET | policy | {"DeadLetterConfig": {"Arn": QUEUE}}
    made = await house.create("rate(1 minute)", Target=target)
    await house.until(1)
    delivery = house.outbox.got[0]
    assert (delivery.max_retries, delivery.max_age_s) == (0, 60)
    assert delivery.dead_letter is not None
    assert (delivery.dead_letter.queue_arn, delivery.dead_letter.role_arn) == (QUEUE, ROLE)
    assert delivery.dead_letter.attributes == {
        "SCHEDULE_ARN": made["ScheduleArn"], "SCHEDULED_TIME": "2026-01-01T00:00:00Z", "TARGET_ARN": FUNCTION,
    }  # fmt: skip


async def test_a_rate_begins_at_once_or_at_its_start_and_ends_at_its_end(house: House) -> None:
    await house.create("rate(10 minutes)", Name="now", EndDate=START + timedelta(minutes=20))
    await house.create("rate(10 minute)", Name="later", StartDate=START + timedelta(hours=1))
    await house.until(1)
    for wanted in (2, 3, 3, 3):
        await house.clock.advance(600)
        await house.until(wanted)
        await house.settled()
    assert len(house.outbox.got) == 3  # at 0, 10 and 20 minutes
    await house.clock.advance(1200)
    await house.until(4)
    assert b"/later" in house.outbox.got[3].payload


async def test_an_outage_is_made_up_for_once_and_ages_from_what_was_missed(house: House) -> None:
    await house.create("cron(0 * * * ? *)")
    await house.stop()
    await house.clock.advance(5 * 3600 + 1800)
    house.start()
    await house.until(1)
    assert await house.settled() == 1
    missed = house.outbox.got[0]
    assert missed.accepted_ms == round((START + timedelta(hours=5)).timestamp() * 1000)
    await house.clock.advance(1800)
    await house.until(2)


async def test_an_update_replaces_and_a_disabled_schedule_rests(house: House) -> None:
    await house.create("rate(1 hour)", Description="d", StartDate=START + timedelta(minutes=1))
    shape: dict[str, Any] = {"Name": "s", "Target": TARGET, "FlexibleTimeWindow": OFF}
    await house.call("UpdateSchedule", ScheduleExpression="rate(1 minute)", State="DISABLED", **shape)
    found = await house.call("GetSchedule", Name="s")
    assert (found["State"], found["ScheduleExpression"]) == ("DISABLED", "rate(1 minute)")
    assert "Description" not in found
    assert "StartDate" not in found
    await house.clock.advance(7200)
    assert await house.settled() == 0
    await house.call("UpdateSchedule", ScheduleExpression="cron(0 * * * ? *)", **shape)
    await house.clock.advance(3600)
    await house.until(1)


async def test_a_request_that_is_sent_again_happens_once(house: House) -> None:
    first = await house.create("rate(1 hour)", ClientToken="t")
    assert await house.create("rate(1 hour)", ClientToken="t") == first
    with pytest.raises(ServiceError) as refusal:
        await house.create("rate(2 hours)", ClientToken="t")
    assert refusal.value.code == "ConflictException"
    with pytest.raises(ServiceError) as refusal:
        await house.create("rate(1 hour)", ClientToken="other")
    assert refusal.value.code == "ConflictException"
    await house.call("DeleteSchedule", Name="s", ClientToken="d")
    assert await house.call("DeleteSchedule", Name="s", ClientToken="d") == {}
    with pytest.raises(ServiceError) as refusal:
        await house.call("DeleteSchedule", Name="s", ClientToken="e")
    assert refusal.value.code == "ResourceNotFoundException"


async def test_groups_hold_schedules_and_take_them_along(house: House) -> None:
    made = await house.call("CreateScheduleGroup", Name="g", Tags=[{"Key": "a", "Value": "1"}])
    await house.create("rate(1 day)", GroupName="g")
    await house.create("rate(1 day)")
    assert await house.names() == ["s", "s"]
    assert await house.names(GroupName="g", NamePrefix="s", State="ENABLED") == ["s"]
    assert (await house.call("ListTagsForResource", ResourceArn=made["ScheduleGroupArn"]))["Tags"] == [
        {"Key": "a", "Value": "1"}
    ]
    await house.call("DeleteScheduleGroup", Name="g")
    assert await house.names() == ["s"]
    for name, request in (
        ("GetScheduleGroup", {"Name": "g"}),
        ("ListSchedules", {"GroupName": "g"}),
        ("GetSchedule", {"Name": "s", "GroupName": "g"}),
        ("ListTagsForResource", {"ResourceArn": made["ScheduleGroupArn"]}),
    ):
        with pytest.raises(ServiceError) as refusal:
            await house.call(name, **request)
        assert refusal.value.code == "ResourceNotFoundException"


async def test_two_accounts_share_nothing(house: House) -> None:
    await house.create("rate(1 day)")
    with pytest.raises(ServiceError):
        await house.call("GetSchedule", OTHER, Name="s")
    assert (await house.call("ListSchedules", OTHER))["Schedules"] == []


WRONG: list[dict[str, Any]] = [
    {"ScheduleExpression": "rate(0 hours)"},
    {"ScheduleExpression": "cron(0 0 * * * *)"},
    {"ScheduleExpressionTimezone": "Mars/Olympus"},
    {"StartDate": START, "EndDate": START},
    {"StartDate": START - timedelta(minutes=6)},
    {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
    {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
    {"KmsKeyArn": "arn:aws:kms:us-east-1:111111111111:key/k"},
    {"Target": TARGET | {"RoleArn": ROLE + "x"}},
    {"Target": TARGET | {"Arn": "x"}},
    {"Target": TARGET | {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}},
    {"Target": TARGET | {"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"}},
    {"Target": TARGET | {"Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"}},
    {"Target": TARGET | {"Arn": BUS}},
    {"Target": TARGET | {"EventBridgeParameters": {"Source": "s", "DetailType": "t"}}},
    {"Target": TARGET | {"SqsParameters": {"MessageGroupId": "g"}}},
    {"Target": TARGET | {"Arn": QUEUE + ".fifo"}},
    {"Target": TARGET | {"EcsParameters": {"TaskDefinitionArn": "t"}}},
    {"Target": TARGET | {"Input": "not json"}},
    {"Target": TARGET | {"Arn": BUS, "EventBridgeParameters": {"Source": "s", "DetailType": "t"}, "Input": "[]"}},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_what_cannot_be_carried_out_is_refused_and_nothing_stays(house: House, wrong: dict[str, Any]) -> None:
    request = {"ScheduleExpression": "rate(1 hour)", "Name": "s", "Target": TARGET, "FlexibleTimeWindow": OFF} | wrong
    with pytest.raises(ValidationError):
        await house.call("CreateSchedule", **request)
    assert await house.names() == []


def test_a_window_moves_each_firing_within_it() -> None:
    plan = Plan("rate(1 hour)", TARGET, window_min=30)
    times = first_times(plan, 0, 0.5)
    assert (times.moment_ms, times.due_ms) == (0, 15 * 60_000)
    moment_ms, times = fire(plan, times, 15 * 60_000, 0.999)
    assert moment_ms == 0
    assert times.moment_ms == 3_600_000
    assert times.due_ms is not None
    assert 3_600_000 <= times.due_ms < 3_600_000 + 30 * 60_000


def test_ten_years_of_a_schedule_in_a_time_zone_are_fired_in_a_second() -> None:
    plan = Plan("cron(30 2 * * ? *)", TARGET, zone="America/New_York")
    begin_s, now_ms, fired = time.process_time(), round(START.timestamp() * 1000), 0
    times = first_times(plan, now_ms, 0)
    while times.due_ms is not None and times.due_ms < now_ms + 10 * 365 * 86_400_000:
        _, times = fire(plan, times, times.due_ms, 0)
        fired += 1
    assert fired == 3650 - 10  # each spring one morning has no 02:30
    assert time.process_time() - begin_s < 1.0
