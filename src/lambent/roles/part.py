"""One part of the platform, as its supervisor sees it: started, started again when it dies, stopped."""

import asyncio
import signal
from collections.abc import Callable

import structlog

from lambent.clock import Clock
from lambent.roles.forked import Forked, fork
from lambent.roles.orphans import Orphans
from lambent.roles.process import HOPELESS

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 5.0
STEADY_S = 10.0  # a part that lived this long starts again without delay
AGENT = "agent"  # the part that has children

log = structlog.get_logger()


class Part:
    """One child process that has to be there. `body` is what it does, with the descriptors `kept`."""

    def __init__(
        self,
        name: str,
        body: Callable[[], None],
        kept: tuple[int, ...],
        orphans: Orphans,
        clock: Clock,
        *,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.hopeless = False  # whether starting it again would only repeat its end
        self._give_up = give_up
        self._orphans = orphans
        self._body, self._kept, self._clock = body, kept, clock
        self._process: Forked | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of its process, from when it is started until its end has been waited for."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    @property
    def fell(self) -> bool:
        """Whether its last process could not leave in order."""
        return self._process is not None and self._process.returncode not in (None, 0)

    async def run(self) -> None:
        """Start it, wait for its end, start it again; until `stop`."""
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping:
            began_s = self._clock.monotonic_s()
            why = await self._live()
            if self._stopping:
                return
            if why == HOPELESS:
                self.hopeless = True
                self._give_up()
                return
            if self._clock.monotonic_s() - began_s > STEADY_S:
                backoff_s = FIRST_BACKOFF_S
            log.error("a part died", action="supervisor.restart", name=self.name, code=why, again_in_s=backoff_s)
            if self.name == AGENT:
                await self._orphans.clear()
            await self._clock.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _live(self) -> int | str:
        """From its start to its end; the exit code, or why there was no start."""
        async with self._orphans.starting:
            if self._stopping:
                return 0
            try:
                self._process = await fork(self._body, self._kept)
            except OSError as error:
                return str(error)
        return await self._process.wait()

    async def stop(self, patience_s: float) -> None:
        """SIGTERM, and SIGKILL for one that does not go."""
        self._stopping = True
        async with self._orphans.starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        process.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            log.error("a part did not stop", action="supervisor.kill", name=self.name)
            process.send(signal.SIGKILL)
            await process.wait()
