"""CreateLogStream, DeleteLogStream, DescribeLogStreams."""

from collections.abc import Awaitable, Callable

from lambent.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.errors import AlreadyExists, InvalidParameter, invalid_token
from lambent.services.logs.names import group_name_in, names_with, stream_arn
from lambent.services.logs.positions import LATEST_MS
from lambent.services.logs.store import LAST_NAME, SQL, Place, place_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Conflict, Database, Row, Transaction

PAGE = 50


class LogStreams:
    """The log streams of every group."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    @operation("CreateLogStream")
    async def create_log_stream(self, ctx: RequestContext, request: Request) -> None:
        """Make an empty stream in a group that exists."""
        await self._catch_up()

        def create(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), request["logGroupName"])
            name, now_ms = request["logStreamName"], self._clock.now_ms()
            try:
                tx.run(SQL.add_stream, group_id=group["id"], name=name, created_ms=now_ms)
            except Conflict:
                raise AlreadyExists("The specified log stream already exists") from None

        await self._database.write(create)

    @operation("DeleteLogStream")
    async def delete_log_stream(self, ctx: RequestContext, request: Request) -> None:
        """Delete a stream with its events."""
        await self._catch_up()

        def delete(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), request["logGroupName"])
            stream = store.stream(tx, group["id"], request["logStreamName"])
            tx.run(SQL.delete_stream, stream_id=stream["id"])

        await self._database.write(delete)

    @operation("DescribeLogStreams")
    async def describe_log_streams(self, ctx: RequestContext, request: Request) -> Answer:
        """The streams of a group by name or by the time of their last event, fifty at a time."""
        by_time = request.get("orderBy") == "LastEventTime"
        if by_time and request.get("logStreamNamePrefix"):
            raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
        place, limit = place_of(ctx), request.get("limit", PAGE)
        group_name = group_name_in(place, request)
        page = _page_by_time if by_time else _page_by_name
        await self._catch_up()

        def streams(tx: Transaction) -> list[Row]:
            return page(tx, store.group(tx, place, group_name)["id"], request, limit + 1)

        rows = await self._database.read(streams)
        answer: Answer = {"logStreams": [_description(place, group_name, row) for row in rows[:limit]]}
        if len(rows) > limit:
            last = rows[limit - 1]
            answer["nextToken"] = f"{last['last_event_ms'] or 0}:{last['name']}" if by_time else last["name"]
        return answer


def _page_by_name(tx: Transaction, group_id: int, request: Request, limit: int) -> list[Row]:
    names = names_with(request.get("logStreamNamePrefix", ""))
    if request.get("descending"):
        after = request.get("nextToken", LAST_NAME)
        return tx.all(SQL.streams_by_name_descending, group_id=group_id, after=after, limit=limit, **names)
    after = request.get("nextToken", "")
    return tx.all(SQL.streams_by_name, group_id=group_id, after=after, limit=limit, **names)


def _page_by_time(tx: Transaction, group_id: int, request: Request, limit: int) -> list[Row]:
    descending = bool(request.get("descending"))
    start = f"{LATEST_MS}:{LAST_NAME}" if descending else "0:"
    time_ms, colon, name = request.get("nextToken", start).partition(":")
    if not colon or not time_ms.isdecimal() or len(time_ms) > 15:
        raise invalid_token()
    statement = SQL.streams_by_time_descending if descending else SQL.streams_by_time
    return tx.all(statement, group_id=group_id, after_ms=int(time_ms), after=name, limit=limit)


def _description(place: Place, group_name: str, row: Row) -> Answer:
    """`storedBytes` has been 0 for every stream since 2019, says the model."""
    answer: Answer = {
        "logStreamName": row["name"],
        "creationTime": row["created_ms"],
        "arn": stream_arn(place, group_name, row["name"]),
        "storedBytes": 0,
    }
    if row["last_event_ms"] is not None:
        answer["firstEventTimestamp"] = row["first_event_ms"]
        answer["lastEventTimestamp"] = row["last_event_ms"]
        answer["lastIngestionTime"] = row["last_ingestion_ms"]
    return answer
