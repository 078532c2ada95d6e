"""CreateLogGroup, DeleteLogGroup, DescribeLogGroups."""

from collections.abc import Awaitable, Callable
from typing import Any

from lambent.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.errors import AlreadyExists, InvalidParameter
from lambent.services.logs.names import group_arn, group_name_of, names_with
from lambent.services.logs.store import SQL, Place, place_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Conflict, Database, Row, Transaction

PAGE = 50


class LogGroups:
    """The log groups of every account and Region."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    @operation("CreateLogGroup")
    async def create_log_group(self, ctx: RequestContext, request: Request) -> None:
        """Make a log group, with its tags."""
        _refuse_what_is_not_carried_out(request)
        await self._catch_up()
        await self._database.write(lambda tx: _create(tx, place_of(ctx), request, self._clock.now_ms()))

    @operation("DeleteLogGroup")
    async def delete_log_group(self, ctx: RequestContext, request: Request) -> None:
        """Delete a group with its streams and events. What was logged before does not bring it back."""
        await self._catch_up()

        def delete(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), request["logGroupName"])
            tx.run(SQL.delete_group, group_id=group["id"])

        await self._database.write(delete)

    @operation("DescribeLogGroups")
    async def describe_log_groups(self, ctx: RequestContext, request: Request) -> Answer:
        """The groups by name, fifty at a time, chosen by prefix, by a part of the name, or one by one."""
        if request.get("logGroupNamePrefix") and request.get("logGroupNamePattern"):
            raise InvalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        await self._catch_up()
        if request.get("logGroupClass", "STANDARD") != "STANDARD":
            return {"logGroups": []}
        place, limit = place_of(ctx), request.get("limit", PAGE)
        rows = await self._database.read(lambda tx: _groups(tx, place, request, limit + 1))
        answer: Answer = {"logGroups": [_description(place, row) for row in rows[:limit]]}
        if request.get("logGroupNamePattern"):
            few = ("arn", "creationTime", "logGroupName")
            answer["logGroups"] = [{name: each[name] for name in few} for each in answer["logGroups"]]
        if len(rows) > limit:
            answer["nextToken"] = rows[limit - 1]["name"]
        return answer


def _create(tx: Transaction, place: Place, request: Request, now_ms: int) -> None:
    try:
        group_id = store.add_group(tx, place, request["logGroupName"], now_ms)
    except Conflict:
        raise AlreadyExists("The specified log group already exists") from None
    store.set_tags(tx, group_id, request.get("tags", {}))


def _refuse_what_is_not_carried_out(request: Request) -> None:
    if request["logGroupName"].lower().startswith("aws/"):
        raise InvalidParameter("Log groups starting with AWS/ are reserved for AWS.")
    if request.get("kmsKeyId"):
        raise InvalidParameter("Lambent does not encrypt log groups with KMS keys; leave kmsKeyId out.")
    if request.get("logGroupClass", "STANDARD") != "STANDARD":
        raise InvalidParameter("Lambent has log groups of class STANDARD only.")
    if request.get("deletionProtectionEnabled"):
        raise InvalidParameter(
            "Lambent has no deletion protection for log groups; leave deletionProtectionEnabled out."
        )


def _groups(tx: Transaction, place: Place, request: Request, limit: int) -> list[Row]:
    wanted: dict[str, Any] = {"account": place[0], "region": place[1], "after": request.get("nextToken", "")}
    identifiers = request.get("logGroupIdentifiers")
    if identifiers:
        names = sorted({group_name_of(place, each) for each in identifiers})
        found = [tx.one(SQL.groups, **wanted, low=name, high=name, part="", limit=1) for name in names]
        return [row for row in found if row is not None][:limit]
    names_range = names_with(request.get("logGroupNamePrefix", ""))
    return tx.all(SQL.groups, **wanted, **names_range, part=request.get("logGroupNamePattern", ""), limit=limit)


def _description(place: Place, row: Row) -> Answer:
    arn = group_arn(place, row["name"])
    answer: Answer = {
        "logGroupName": row["name"],
        "creationTime": row["created_ms"],
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": row["stored_bytes"],
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
        "deletionProtectionEnabled": False,
    }
    if row["retention_days"] is not None:
        answer["retentionInDays"] = row["retention_days"]
    return answer
