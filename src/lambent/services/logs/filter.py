"""FilterLogEvents: the events of a group, or of some of its streams, that match a pattern.

Streams are always interleaved. A call looks at a bounded number of events and answers with what it
found until then and a token, as AWS does; pages may be partly full, or empty.

Sources: botocore's model `logs`, documentation of FilterLogEvents (both ends of the time range are
included; `startFromHead` false turns the order round, and the token keeps it; `interleaved` is
ignored; `searchedLogStreams` is an empty list).
"""

from collections.abc import Awaitable, Callable, Iterator

from msgspec import Struct

from lambent.services.logs import store
from lambent.services.logs.errors import InvalidParameter
from lambent.services.logs.events import EVENT_OVERHEAD_BYTES, PAGE_BYTES, PAGE_EVENTS
from lambent.services.logs.names import group_name_in, names_with
from lambent.services.logs.patterns import InvalidPattern, Matcher, compile_pattern
from lambent.services.logs.positions import END, LATEST_MS, START, Token, event_id, parse_token
from lambent.services.logs.search import Found, Range, walk_backward, walk_forward
from lambent.services.logs.store import SQL, place_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database, Transaction

LOOK_AT = 100_000  # events in one call: under a second, in which the reader's thread serves nobody else
BACKWARD_FROM_MS = 1_704_067_200_000  # 2024-01-01, before which AWS does not go backward


class FilteredEvents:
    """Searches in log groups."""

    def __init__(self, database: Database, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._catch_up = database, catch_up

    @operation("FilterLogEvents")
    async def filter_log_events(self, ctx: RequestContext, request: Request) -> Answer:
        """A page of the matching events, the earliest first unless asked otherwise."""
        place, search = place_of(ctx), _search(request)
        group_name = group_name_in(place, request)
        await self._catch_up()

        def page(tx: Transaction) -> Page:
            group = store.group(tx, place, group_name)
            for name in search.streams:
                store.stream(tx, group["id"], name)
            return _page(_walk(tx, group["id"], search), search, request.get("limit", PAGE_EVENTS))

        found = await self._database.read(page)
        answer: Answer = {"events": [_event(each) for each in found.events], "searchedLogStreams": []}
        if found.next_position is not None:
            answer["nextToken"] = str(Token(search.token.forward, found.next_position))
        return answer


class Search(Struct, frozen=True):
    """What is looked for, and where. `streams` empty means all whose names begin with `prefix`."""

    matches: Matcher
    wanted: Range
    token: Token
    streams: frozenset[str]
    prefix: str


class Page(Struct, frozen=True):
    """What one call found; where the next goes on, None at the end."""

    events: list[Found]
    next_position: int | None = None


def _search(request: Request) -> Search:
    streams, prefix = request.get("logStreamNames", []), request.get("logStreamNamePrefix", "")
    if streams and prefix:
        raise InvalidParameter("logStreamNames and logStreamNamePrefix cannot be used together.")
    try:
        matches = compile_pattern(request.get("filterPattern", ""))
    except InvalidPattern as refusal:
        raise InvalidParameter(str(refusal)) from None
    wanted = Range(request.get("startTime", 0), min(LATEST_MS, request.get("endTime", LATEST_MS)))
    return Search(matches, wanted, _token(request), frozenset(streams), prefix)


def _token(request: Request) -> Token:
    if "nextToken" in request:
        return parse_token(request["nextToken"])
    if request.get("startFromHead", True):
        return Token(True, START)
    if request.get("startTime", 0) < BACKWARD_FROM_MS:
        raise InvalidParameter("startFromHead can be false only with a startTime on or after 2024-01-01T00:00:00Z.")
    return Token(False, END)


def _walk(tx: Transaction, group_id: int, search: Search) -> Iterator[Found]:
    wanted, token = search.wanted, search.token
    if wanted.from_ms > wanted.until_ms:
        return iter(())
    names = names_with(search.prefix)
    if search.streams:
        names = {"low": min(search.streams), "high": max(search.streams)}
    if token.forward:
        wanted = wanted._replace(from_position=token.position)
        fetch = store.fetch_from(tx, SQL.chunks_of_group, wanted, group_id=group_id, **names)
        return walk_forward(fetch, wanted, search.streams)
    wanted = wanted._replace(before_position=token.position)
    fetch = store.fetch_from(tx, SQL.chunks_of_group_backward, wanted, group_id=group_id, **names)
    return walk_backward(fetch, wanted, search.streams)


def _page(walk: Iterator[Found], search: Search, limit: int) -> Page:
    events: list[Found] = []
    room = PAGE_BYTES
    for looked_at, found in enumerate(walk):
        # Positions lie before their event: backward, the next page begins behind this one.
        here = found.position if search.token.forward else found.position + 1
        if len(events) == limit or looked_at == LOOK_AT:
            return Page(events, here)
        if not search.matches(found.message):
            continue
        room -= len(found.message.encode()) + EVENT_OVERHEAD_BYTES
        if events and room < 0:
            return Page(events, here)
        events.append(found)
    return Page(events)


def _event(found: Found) -> Answer:
    return {
        "logStreamName": found.stream,
        "timestamp": found.time_ms,
        "message": found.message,
        "ingestionTime": found.ingested_ms,
        "eventId": event_id(found.position),
    }
