"""PutLogEvents and GetLogEvents: the events of one stream."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from lambent.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.chunks import pack
from lambent.services.logs.errors import InvalidParameter
from lambent.services.logs.names import group_name_in
from lambent.services.logs.positions import END, LATEST_MS, START, Token, parse_token, position_of
from lambent.services.logs.search import Found, Range, walk_backward, walk_forward
from lambent.services.logs.store import SQL, place_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database, Transaction

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OLDEST_MS, NEWEST_MS, LONGEST_BATCH_MS = 14 * DAY_MS, 2 * HOUR_MS, DAY_MS
BATCH_BYTES, EVENT_OVERHEAD_BYTES, EVENT_BYTES = 1_048_576, 26, 1_048_576
PAGE_EVENTS, PAGE_BYTES = 10_000, 1_048_576


class LogEvents:
    """Events as they are put into and read out of one stream."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    @operation("PutLogEvents")
    async def put_log_events(self, ctx: RequestContext, request: Request) -> Answer:
        """Append events to a stream that exists. Sequence tokens are ignored, as AWS does since 2023.

        Too old, expired and too new events are named in the answer, and the others are kept.
        """
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        _check_batch(events)
        now_ms = self._clock.now_ms()

        def put(tx: Transaction) -> Rejected:
            group = store.group(tx, place_of(ctx), request["logGroupName"])
            stream = store.stream(tx, group["id"], request["logStreamName"])
            rejected = rejected_of([at_ms for at_ms, _ in events], now_ms, group["retention_days"])
            kept = events[rejected.first_kept : rejected.first_too_new]
            if kept and kept[-1][0] - kept[0][0] > LONGEST_BATCH_MS:
                raise InvalidParameter(
                    "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
                )
            store.add_chunks(tx, group["id"], stream["name"], pack(kept), now_ms)
            return rejected

        return _put_answer(await self._database.write(put), len(events), request)

    @operation("GetLogEvents")
    async def get_log_events(self, ctx: RequestContext, request: Request) -> Answer:
        """A page of a stream, the earliest event first; the latest page unless `startFromHead` or a token is given."""
        place, wanted = place_of(ctx), Range(request.get("startTime", 0), _last_ms(request))
        group_name = group_name_in(place, request)
        token = _token(request, wanted)
        await self._catch_up()

        def page(tx: Transaction) -> list[Found]:
            group = store.group(tx, place, group_name)
            stream = store.stream(tx, group["id"], request["logStreamName"])
            if wanted.from_ms > wanted.until_ms:
                return []
            return first_page(_walk(tx, stream["id"], wanted, token), request.get("limit", PAGE_EVENTS))

        found = sorted(await self._database.read(page))
        first = found[0].position if found else token.position
        behind = found[-1].position + 1 if found else token.position
        if not found and token.position == END:  # an empty stream has all its events before it
            first = behind = position_of(wanted.from_ms)
        return {
            "events": [
                {"timestamp": each.time_ms, "message": each.message, "ingestionTime": each.ingested_ms}
                for each in found
            ],
            "nextForwardToken": str(Token(True, behind)),
            "nextBackwardToken": str(Token(False, first)),
        }


class Rejected(Struct, frozen=True):
    """Which events of a batch, whose times rise, are not taken: those before `first_kept` and from `first_too_new` on.

    Of those before, the first `too_old` are older than any group keeps, the rest than this one does.
    """

    too_old: int
    first_kept: int
    first_too_new: int


def rejected_of(times_ms: Sequence[int], now_ms: int, retention_days: int | None) -> Rejected:
    """What PutLogEvents does not take. Source: the model's documentation of PutLogEvents."""
    too_old = sum(1 for at_ms in times_ms if at_ms < now_ms - OLDEST_MS)
    kept_ms = OLDEST_MS if retention_days is None else min(OLDEST_MS, retention_days * DAY_MS)
    expired = sum(1 for at_ms in times_ms if at_ms < now_ms - kept_ms)
    return Rejected(too_old, expired, sum(1 for at_ms in times_ms if at_ms <= now_ms + NEWEST_MS))


def first_page(walk: Iterator[Found], limit: int) -> list[Found]:
    """The first events of `walk`, at most `limit` of them and a megabyte, but one if there is one."""
    page: list[Found] = []
    room = PAGE_BYTES
    for found in walk:
        room -= len(found.message.encode()) + EVENT_OVERHEAD_BYTES
        if page and room < 0:
            break
        page.append(found)
        if len(page) == limit:
            break
    return page


def _check_batch(events: Sequence[tuple[int, str]]) -> None:
    size, before_ms = 0, 0
    for at_ms, message in events:
        if at_ms < before_ms:
            raise InvalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
        before_ms = at_ms
        message_bytes = len(message.encode())
        if message_bytes > EVENT_BYTES - EVENT_OVERHEAD_BYTES:
            raise InvalidParameter(f"Log event too large: {message_bytes} bytes exceeds limit of {EVENT_BYTES}")
        size += message_bytes + EVENT_OVERHEAD_BYTES
    if size > BATCH_BYTES:
        raise InvalidParameter(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES}")


def _put_answer(rejected: Rejected, count: int, request: Request) -> Answer:
    info: dict[str, Any] = {}
    if rejected.too_old:
        info["tooOldLogEventEndIndex"] = rejected.too_old
    if rejected.first_kept > rejected.too_old:
        info["expiredLogEventEndIndex"] = rejected.first_kept
    if rejected.first_too_new < count:
        info["tooNewLogEventStartIndex"] = rejected.first_too_new
    answer: Answer = {"rejectedLogEventsInfo": info} if info else {}
    if request.get("entity"):
        answer["rejectedEntityInfo"] = {"errorType": "UnsupportedLogGroupType"}  # the only way to say: not here
    return answer


def _last_ms(request: Request) -> int:
    """GetLogEvents leaves out events at `endTime` itself."""
    return min(LATEST_MS, request["endTime"] - 1) if "endTime" in request else LATEST_MS


def _token(request: Request, wanted: Range) -> Token:
    if "nextToken" in request:
        return parse_token(request["nextToken"])
    if request.get("startFromHead"):
        return Token(True, position_of(min(wanted.from_ms, LATEST_MS)))
    return Token(False, END)


def _walk(tx: Transaction, stream_id: int, wanted: Range, token: Token) -> Iterator[Found]:
    if token.forward:
        wanted = wanted._replace(from_position=max(START, token.position))
        return walk_forward(store.fetch_from(tx, SQL.chunks_of_stream, wanted, stream_id=stream_id), wanted)
    wanted = wanted._replace(before_position=token.position)
    return walk_backward(store.fetch_from(tx, SQL.chunks_of_stream_backward, wanted, stream_id=stream_id), wanted)
