"""The tables of Scheduler, over a Transaction; the only module that knows its SQL."""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from lambent.delivery.due import Found
from lambent.services.scheduler.errors import NotFound
from lambent.services.scheduler.model import DEFAULT, Group, GroupKey, Plan, Schedule, Times
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.scheduler"
SQL = load_queries(PACKAGE)
_plan = json.Decoder(Plan).decode


def group(tx: Transaction, key: GroupKey) -> Group:
    """The group. Raises NotFound."""
    if key.name == DEFAULT:
        return Group(key)
    row = tx.one(SQL.group, **_place(key), name=key.name)
    if row is None:
        raise NotFound(f"Schedule group {key.name} does not exist.")
    return Group(key, row["created_ms"], row["modified_ms"])


def has_group(tx: Transaction, key: GroupKey) -> bool:
    """Whether there is such a group."""
    return key.name == DEFAULT or tx.one(SQL.group, **_place(key), name=key.name) is not None


def groups(tx: Transaction, account: str, region: str) -> list[Group]:
    """All groups, by name."""
    rows = tx.all(SQL.groups, account=account, region=region)
    made = [Group(GroupKey(account, region, row["name"]), row["created_ms"], row["modified_ms"]) for row in rows]
    return sorted([Group(GroupKey(account, region)), *made], key=lambda each: each.key.name)


def add_group(tx: Transaction, key: GroupKey, now_ms: int) -> None:
    """Make a group."""
    tx.run(SQL.add_group, **_place(key), name=key.name, now_ms=now_ms)


def delete_group(tx: Transaction, key: GroupKey) -> None:
    """Remove the group with its schedules and tags."""
    tx.run(SQL.delete_schedules_of_group, **_place(key), name=key.name)
    tx.run(SQL.delete_group, **_place(key), name=key.name)
    tx.run(SQL.delete_tags, arn=key.arn)


def find_schedule(tx: Transaction, key: GroupKey, name: str) -> Schedule | None:
    """The schedule, if there is one."""
    row = tx.one(SQL.schedule, **_place(key), group_name=key.name, name=name)
    return None if row is None else _schedule(row)


def schedule(tx: Transaction, key: GroupKey, name: str) -> Schedule:
    """The schedule. Raises NotFound, also for its group."""
    group(tx, key)
    found = find_schedule(tx, key, name)
    if found is None:
        raise NotFound(f"Schedule {name} does not exist.")
    return found


def schedules(tx: Transaction, account: str, region: str) -> list[Schedule]:
    """All schedules, by group and name."""
    return [_schedule(row) for row in tx.all(SQL.schedules, account=account, region=region)]


def set_schedule(tx: Transaction, wanted: Schedule) -> None:
    """Make the schedule, or change it."""
    tx.run(
        SQL.set_schedule,
        **_place(wanted.group),
        group_name=wanted.group.name,
        name=wanted.name,
        plan=json.encode(wanted.plan).decode(),
        anchor_ms=wanted.times.anchor_ms,
        moment_ms=wanted.times.moment_ms,
        due_ms=wanted.times.due_ms,
        created_ms=wanted.created_ms,
        modified_ms=wanted.modified_ms,
    )


def delete_schedule(tx: Transaction, gone: Schedule) -> None:
    """Remove the schedule."""
    tx.run(SQL.delete_schedule, id=gone.id)


def due_schedules(tx: Transaction, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Schedule]:
    """Schedules that fire now, longest due first."""
    rows = tx.all(SQL.due_schedules, now_ms=now_ms, count=count + len(claimed))
    following = tx.one(SQL.next_due, now_ms=now_ms)
    free = [_schedule(row) for row in rows if row["id"] not in claimed][:count]
    return Found(free, None if following is None else following["due_ms"])


def set_fired(tx: Transaction, fired: Schedule, times: Times) -> None:
    """The schedule has fired; one that was changed meanwhile keeps its new times. One that is complete goes, if
    its plan says so."""
    which = {"id": fired.id, "was_ms": fired.times.due_ms, "modified_ms": fired.modified_ms}
    if times.due_ms is None and fired.plan.delete_after:
        tx.run(SQL.delete_fired, **which)
    else:
        tx.run(SQL.set_times, **which, moment_ms=times.moment_ms, due_ms=times.due_ms)


def set_tags(tx: Transaction, arn: str, tags: Mapping[str, str]) -> int:
    """Set `tags` beside those that are there; how many there are then."""
    tx.run_many(SQL.set_tag, [{"arn": arn, "tag_key": k, "tag_value": v} for k, v in tags.items()])
    return len(tx.all(SQL.tags, arn=arn))


def _schedule(row: Row) -> Schedule:
    return Schedule(
        GroupKey(row["account"], row["region"], row["group_name"]),
        row["name"],
        _plan(row["plan"]),
        Times(row["anchor_ms"], row["moment_ms"], row["due_ms"]),
        row["created_ms"],
        row["modified_ms"],
        row["id"],
    )


def _place(key: GroupKey) -> dict[str, Any]:
    return {"account": key.account, "region": key.region}
