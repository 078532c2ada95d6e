"""Nothing that was read before an invalidation is given to a request that comes after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import AccessDenied, ServiceError
from lambent.invocation.snapshots import Snapshots
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.messages import SnapshotRequest

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, OTHER = (FunctionKey("000000000000", "us-east-1", name) for name in ("f", "g"))


class Truth:
    """What control knows: the number of the newest change. `hold` keeps answers back."""

    def __init__(self, snapshot_of: Callable[..., FunctionSnapshot]) -> None:
        self.snapshot_of = snapshot_of
        self.revision = 1
        self.fetches = 0
        self.error: ServiceError | None = None
        self.held: list[asyncio.Future[None]] = []
        self.hold = False

    async def fetch(self, request: SnapshotRequest) -> FunctionSnapshot:
        self.fetches += 1
        snapshot = self.snapshot_of(request.key, revision_id=str(self.revision))
        error = self.error
        if self.hold:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]
        if error is not None:
            raise error
        return snapshot


def snapshot_of(key: FunctionKey, revision_id: str) -> FunctionSnapshot:
    fields: dict[str, Any] = dict.fromkeys(FunctionSnapshot.__struct_fields__, "")
    fields |= {
        "key": key,
        "timeout_s": 3,
        "memory_mb": 128,
        "ephemeral_mb": 512,
        "reserved_concurrency": None,
        "other": None,
    }
    return FunctionSnapshot(**{**fields, "revision_id": revision_id})


@pytest.fixture
def truth() -> Truth:
    return Truth(snapshot_of)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_snapshot_is_fetched_once(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    first = await snapshots.get(KEY, "")
    assert snapshots.cached(KEY, "") is first
    assert await snapshots.get(KEY, "") is first
    assert truth.fetches == 1


async def test_requests_at_the_same_time_share_one_fetch(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    await asyncio.gather(*(snapshots.get(KEY, "") for _ in range(10)))
    assert truth.fetches == 1


async def test_qualifiers_are_kept_apart(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    await snapshots.get(KEY, "")
    assert snapshots.cached(KEY, "prod") is None
    assert snapshots.cached(OTHER, "") is None


async def test_an_invalidation_names_what_was_known(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    await asyncio.gather(snapshots.get(KEY, ""), snapshots.get(KEY, "prod"), snapshots.get(OTHER, ""))
    assert snapshots.invalidate([KEY]) == {KEY: {"", "prod"}}
    assert snapshots.invalidate([KEY]) == {}
    assert snapshots.environment_keys(KEY) == set()
    assert len(snapshots.environment_keys(OTHER)) == 1
    assert snapshots.invalidate_all() == {OTHER: {""}}


async def test_a_fetch_that_began_before_an_invalidation_is_neither_cached_nor_joined(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    truth.hold = True
    early = asyncio.ensure_future(snapshots.get(KEY, ""))
    await settle()
    truth.revision = 2
    snapshots.invalidate([KEY])
    late = asyncio.ensure_future(snapshots.get(KEY, ""))
    await settle()
    truth.held[0].set_result(None)
    assert (await early).revision_id == "1"
    assert snapshots.cached(KEY, "") is None
    truth.held[1].set_result(None)
    assert (await late).revision_id == "2"
    found = snapshots.cached(KEY, "")
    assert found is not None
    assert found.revision_id == "2"


async def test_errors_reach_everyone_and_are_not_remembered(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    truth.error = AccessDenied("no")
    answers = await asyncio.gather(*(snapshots.get(KEY, "") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, AccessDenied) for answer in answers)
    truth.error = None
    await snapshots.get(KEY, "")
    assert truth.fetches == 2


async def test_a_caller_that_gives_up_does_not_take_the_others_with_it(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    truth.hold = True
    one, two = (asyncio.ensure_future(snapshots.get(KEY, "")) for _ in range(2))
    await settle()
    one.cancel()
    await settle()
    truth.held[0].set_result(None)
    assert (await two).revision_id == "1"


async def test_closing_ends_what_is_being_fetched(truth: Truth) -> None:
    snapshots = Snapshots(truth.fetch)
    truth.hold = True
    waiting = asyncio.ensure_future(snapshots.get(KEY, ""))
    await settle()
    await snapshots.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


STEPS = st.lists(st.sampled_from(["ask", "change", "answer first", "answer last"]), max_size=30)


@settings(max_examples=200)
@given(STEPS)
def test_no_request_is_given_anything_older_than_the_last_acknowledged_change(steps: list[str]) -> None:
    async def walk() -> None:
        truth = Truth(snapshot_of)
        truth.hold = True
        snapshots = Snapshots(truth.fetch)
        asked: list[tuple[int, asyncio.Task[FunctionSnapshot]]] = []
        for step in steps:
            if step == "ask":
                asked.append((truth.revision, asyncio.ensure_future(snapshots.get(KEY, ""))))
            elif step == "change":
                truth.revision += 1
                snapshots.invalidate([KEY])
            elif truth.held:
                held = truth.held.pop(0 if step == "answer first" else -1)
                held.set_result(None)
            await settle()
        while truth.held:
            truth.held.pop().set_result(None)
            await settle()
        for acknowledged, task in asked:
            assert int((await task).revision_id) >= acknowledged

    asyncio.run(walk())
