"""Control's side of SnapStart: what the Lambda service asks of the agent, and the log of a version's one init phase."""

import contextlib

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.ids import Ids
from lambent.journal.writer import JournalWriter
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import InvocationRecord
from lambent.model.messages import Expected, LeaseRequest, SnapshotTaken
from lambent.placement.placement import Placement
from lambent.placement.throttle import Throttled
from lambent.roles.control_links import Agents, Specs
from lambent.services.lambda_.data_plane import DataPlane


class Snapshots:
    """Implements `services.lambda_.api.Snapshots`. `connect` it once the service that it is given to is made."""

    _specs: Specs
    _functions: DataPlane
    _placement: Placement

    def __init__(self, agents: Agents, journal: JournalWriter, clock: Clock, ids: Ids) -> None:
        self._agents, self._journal, self._clock, self._ids = agents, journal, clock, ids

    def connect(self, specs: Specs, functions: DataPlane, placement: Placement) -> None:
        """Who knows what an environment is made from, and whether there is room for one."""
        self._specs, self._functions, self._placement = specs, functions, placement

    async def take(self, key: FunctionKey, version: str, environment_key: str) -> SnapshotTaken:
        """See the contract. What the init phase wrote goes to a log stream of its own."""
        request = LeaseRequest(key, version, version, environment_key)
        environment_id = self._ids.hex(32)
        stream = await self._specs.log_stream(request)
        try:
            async with self._placement.room(request):
                taken = await self._agents.take_snapshot(await self._specs.spec(request, environment_id, stream))
        except Throttled as full:
            raise Unavailable(f"no room for the init phase of {key.name}: {full.message}") from full
        function = await self._functions.snapshot(key, version)
        self._journal.append(_record(function, taken, environment_id, stream, self._clock.now_ms()))
        return taken

    async def expect(self, runtime: str, memory_mb: int) -> None:
        """See the contract."""
        with contextlib.suppress(Unavailable):
            await self._agents.expect(Expected(runtime, memory_mb))

    async def expect_all(self) -> None:
        """An agent that has just come hears of what is deployed."""
        for runtime, memory_mb in sorted(await self._functions.kinds()):
            await self.expect(runtime, memory_mb)

    async def forget(self, environment_keys: list[str]) -> None:
        """See the contract."""
        with contextlib.suppress(Unavailable):
            if environment_keys:
                await self._agents.forget_snapshots(environment_keys)


def _record(
    function: FunctionSnapshot, taken: SnapshotTaken, environment_id: str, stream: str, end_ms: int
) -> InvocationRecord:
    return InvocationRecord(
        start_ms=end_ms,
        key=function.key,
        version=function.version,
        runtime=function.runtime,
        log_group=function.log_group,
        log_stream=stream,
        request_id="",
        environment_id=environment_id,
        duration_us=0,
        init_us=taken.init_us,
        billed_ms=-(-taken.init_us // 1000),
        memory_mb=function.memory_mb,
        max_memory_mb=0,
        status="success" if taken.status == "success" else "error",
        lines=list(taken.lines),
        error_type=taken.error_type,
        init_status="" if taken.status == "success" else taken.status,
        init_only=True,
    )
