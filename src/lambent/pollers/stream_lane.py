"""One lane of one shard at work: batch after batch, each until it has succeeded or was given up.

What a lane is done with it writes down before it goes on, so whatever is killed, a record comes again until it was
seen through, and never out of its order. What was read and not run is forgotten with the lane, and read again.

Records that are given up are on the durable road to their destination before the checkpoint passes them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
import structlog

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.delivery.api import Delivery
from lambent.errors import ServiceError, Unavailable
from lambent.invocation.asynchronous.api import Outbox
from lambent.model.function_name import LATEST, function_arn
from lambent.model.invocation import InvocationResult
from lambent.model.meter import Meter
from lambent.pollers.api import FOR_EVER, Change, Mapping, Registry, StreamSettings
from lambent.pollers.checkpoints import NO_STATE, Checkpoints, Lane, Spot
from lambent.pollers.counts import Counts
from lambent.pollers.invoking import Attempt, BatchInvoker, Patience, Refusal
from lambent.pollers.stream_batches import Portion, StreamBatches
from lambent.pollers.stream_events import (
    EXHAUSTED,
    LARGEST_STATE_BYTES,
    TOO_OLD,
    Discard,
    Origin,
    Window,
    discard_record,
    event_of,
)
from lambent.pollers.stream_failures import Piece, failed_at, longest_age_s, too_old, verdict_of, wait_s
from lambent.pollers.waiting import first_of
from lambent.store.api import StoreFailed

REST_S = 5.0  # after a fault of ours
IDLE_CHECKPOINT_S = 1.0  # how often records that nobody wants are written down as passed
FAILED = "PROBLEM: Function call failed"
WENT_WELL = "OK"
RESTED = (ServiceError, StoreFailed, Unavailable)  # what a lane may raise, after which it begins anew
NOT_RUN = Attempt("", Refusal("", ""))
log = structlog.get_logger()


class LaneTools(NamedTuple):
    """What the lanes of a mapping share. `told` takes what LastProcessingResult is to say, `gone` that there is no
    function, `running` one more or less."""

    mapping: Mapping
    settings: StreamSettings
    invoker: BatchInvoker
    checkpoints: Checkpoints
    outbox: Outbox
    registry: Registry
    counts: Counts
    meter: Meter
    clock: Clock
    event_bytes: int
    stopping: asyncio.Event
    told: Callable[[str], None]
    gone: Callable[[Refusal], Awaitable[None]]
    running: Callable[[int], None]


class StreamLane:
    """Works until it is stopped, or the shard has ended."""

    def __init__(self, lane: Lane, spot: Spot, batches: StreamBatches, tools: LaneTools) -> None:
        self._lane, self._spot, self._batches, self._tools = lane, spot, batches, tools
        self._mapping, self._settings, self._clock = tools.mapping, tools.settings, tools.clock
        self._origin = Origin(tools.mapping.source_arn, lane.shard)
        self._last = NOT_RUN
        self._written_s = self._clock.monotonic_s()

    async def run(self) -> None:
        """Return when there is nothing more to do. Raises ServiceError, StoreFailed, Unavailable."""
        while not self._tools.stopping.is_set() and not self._spot.ended:
            if self._batches.ready:
                await self._serve(self._batches.ready.popleft())
            elif self._batches.ended:
                await self._reach(msgspec.structs.replace(self._spot, position=self._batches.position, ended=True))
            else:
                await self._pass_unwanted()
                work = self._batches.read(self._tools.event_bytes, self._tools.counts)
                await first_of(work, self._tools.stopping.wait())

    async def _pass_unwanted(self) -> None:
        batches, now_s = self._batches, self._clock.monotonic_s()
        passed = batches.idle and batches.position > self._spot.position
        if passed and now_s - self._written_s >= IDLE_CHECKPOINT_S:
            await self._reach(msgspec.structs.replace(self._spot, position=batches.position))

    async def _reach(self, spot: Spot) -> None:
        await self._tools.checkpoints.reach(self._mapping, self._lane, spot)
        self._spot, self._written_s = spot, self._clock.monotonic_s()

    # --- a batch ---------------------------------------------------------------------------

    async def _serve(self, portion: Portion) -> None:
        """Run it, and what it falls into; returns before it is done with only when the lane is stopped."""
        if portion.closes:
            await self._end_window(portion.window_s, early=False)
            return
        todo = deque([Piece(portion.changes)])
        while todo and await self._rest(wait_s(todo[0])):
            piece = await self._without_old(todo.popleft(), portion)
            if not piece.changes:
                continue
            attempt = await self._invoke(piece.changes, self._window(portion.window_s))
            if isinstance(attempt.answer, Refusal):
                todo.appendleft(piece)
                await self._rest(REST_S)
                continue
            await self._follow(piece, attempt.answer, portion, todo)

    async def _follow(self, piece: Piece, result: InvocationResult, portion: Portion, todo: deque[Piece]) -> None:
        """What comes of an answer."""
        reports, counts = self._mapping.reports_failures, self._tools.counts
        state = state_in(result) if portion.window_s is not None else NO_STATE
        place = 0 if state is None else failed_at(result, piece.changes, reports_failures=reports)
        verdict = verdict_of(piece, place, self._settings)
        counts.add(self._mapping, "invoked", 0 if place == 0 else len(piece.changes))
        counts.add(self._mapping, "failed", 0 if place is None else len(piece.changes) - place)
        self._tools.told(WENT_WELL if place is None else FAILED)
        todo.extendleft(reversed(verdict.rest))
        if verdict.done:
            await self._done(piece.changes[: verdict.done], portion, state)
        if verdict.given_up:
            await self._give_up(EXHAUSTED, verdict.given_up, piece.invoked + 1, portion)

    async def _done(self, changes: tuple[Change, ...], portion: Portion, state: bytes | None) -> None:
        state = state or NO_STATE
        await self._reach(Spot(changes[-1].sequence, False, portion.window_s, state))
        if len(state) > LARGEST_STATE_BYTES:
            await self._end_window(portion.window_s, early=True)

    async def _without_old(self, piece: Piece, portion: Portion) -> Piece:
        count = too_old(piece.changes, self._clock.now_s(), self._settings)
        if count:
            await self._give_up(TOO_OLD, piece.changes[:count], piece.invoked, portion)
        return msgspec.structs.replace(piece, changes=piece.changes[count:])

    async def _give_up(self, condition: str, changes: tuple[Change, ...], invoked: int, portion: Portion) -> None:
        """Tell the destination, and go on behind these records."""
        log.warning("records are given up", action="poller.given_up", condition=condition, **self._facts(changes))
        counts = self._tools.counts
        if self._settings.on_failure:
            last = self._last if invoked else NOT_RUN
            result = last.answer if isinstance(last.answer, InvocationResult) else None
            discard = Discard(condition, changes, last.request_id, invoked, result)
            await self._tools.outbox.put([await self._delivery(discard)])
            counts.add(self._mapping, "handed_on", len(changes))
        counts.add(self._mapping, "dropped", len(changes))
        await self._reach(Spot(changes[-1].sequence, False, portion.window_s, self._window_state(portion.window_s)))

    async def _delivery(self, discard: Discard) -> Delivery:
        key, target = self._mapping.function, self._settings.on_failure
        now_ms, arn = self._clock.now_ms(), function_arn(key, self._mapping.qualifier or LATEST)
        kept_whole = parse_arn(target).service == "s3"
        return Delivery(
            account=key.account,
            region=key.region,
            target_arn=target,
            payload=discard_record(discard, self._origin, arn, now_ms, with_payload=kept_whole),
            source_arn=arn,
            principal="lambda.amazonaws.com",
            accepted_ms=now_ms,
            role_arn=await self._tools.registry.role(self._mapping),
            options={"ObjectKeyPrefix": f"aws/lambda/{self._mapping.uuid}/{self._lane.shard}"} if kept_whole else {},
        )

    # --- tumbling windows ------------------------------------------------------------------

    def _window(self, start_s: int | None, *, final: bool = False, early: bool = False) -> Window | None:
        if start_s is None:
            return None
        return Window(start_s, self._settings.tumbling_s, self._window_state(start_s), final, early)

    def _window_state(self, start_s: int | None) -> bytes:
        return self._spot.state if self._spot.window_s == start_s and start_s is not None else NO_STATE

    async def _end_window(self, start_s: int | None, *, early: bool) -> None:
        """The function sees what came of the window; a window that ended early begins again with nothing."""
        retries = 0
        while await self._rest(wait_s(Piece((), retries, fresh=not retries))):
            attempt = await self._invoke((), self._window(start_s, final=True, early=early))
            if isinstance(attempt.answer, Refusal):
                await self._rest(REST_S)
                continue
            failed = bool(attempt.answer.function_error)
            self._tools.told(FAILED if failed else WENT_WELL)
            old = self._clock.now_s() > (start_s or 0) + self._settings.tumbling_s + longest_age_s(self._settings)
            exhausted = self._settings.max_retries != FOR_EVER and retries >= self._settings.max_retries
            if not failed or old or exhausted:
                await self._reach(Spot(self._spot.position, False, start_s if early else None, NO_STATE))
                return
            retries += 1

    # --- invoking --------------------------------------------------------------------------

    async def _invoke(self, changes: tuple[Change, ...], window: Window | None) -> Attempt:
        tools, now_s = self._tools, self._clock.now_s()
        oldest_s = changes[0].arrived_s if changes else now_s
        until_s = self._clock.monotonic_s() + oldest_s + longest_age_s(self._settings) - now_s
        if changes:
            self._measure_age(changes[-1])
        tools.running(1)
        try:
            patience = Patience(until_s, self._rest, self._refused)
            self._last = await tools.invoker.invoke(
                self._mapping, event_of(changes, self._origin, window), "", patience
            )
        finally:
            tools.running(-1)
        answer = self._last.answer
        if isinstance(answer, Refusal) and not tools.stopping.is_set():
            self._tell(answer)
            if answer.gone:
                await tools.gone(answer)
        return self._last

    def _measure_age(self, newest: Change) -> None:
        """Source: Lambda Developer Guide, "Types of metrics for Lambda functions" (IteratorAge)."""
        mapping = self._mapping
        age_ms = max(0.0, float(self._clock.now_ms() - newest.arrived_s * 1000))
        place, name = (mapping.function.account, mapping.function.region), mapping.function.name
        resource = f"{name}:{mapping.qualifier}" if mapping.qualifier else name
        for dimensions in ((("FunctionName", name),), (("FunctionName", name), ("Resource", resource))):
            self._tools.meter.measure(place, "AWS/Lambda", {"IteratorAge": age_ms}, dimensions, "Milliseconds")

    async def _rest(self, seconds: float) -> bool:
        """Wait, and whether to go on."""
        if seconds > 0:
            await first_of(self._clock.sleep(seconds), self._tools.stopping.wait())
        return not self._tools.stopping.is_set()

    def _refused(self, refusal: Refusal) -> None:
        self._tell(refusal)
        if refusal.throttled:
            self._tools.counts.add(self._mapping, "throttled", 1)

    def _tell(self, refusal: Refusal) -> None:
        self._tools.told(f"PROBLEM: {refusal.message}")

    def _facts(self, changes: tuple[Change, ...]) -> dict[str, object]:
        mapping = self._mapping
        span = {"first": changes[0].sequence, "last": changes[-1].sequence, "records": len(changes)}
        return {"mapping": mapping.uuid, "function": mapping.function.name, "shard": self._lane.shard, **span}


def state_in(result: InvocationResult) -> bytes | None:
    """The `state` of an answer, as JSON; None when the function failed or gave none.

    Source: Lambda Developer Guide, "Implementing stateful DynamoDB stream processing": an answer without `state` is
    a failed invocation.
    """
    if result.function_error:
        return None
    try:
        answer: Any = msgspec.json.decode(result.payload) if result.payload else None
    except (ValueError, RecursionError):
        return None
    state = answer.get("state") if isinstance(answer, dict) else None
    return msgspec.json.encode(state) if isinstance(state, dict) else None
