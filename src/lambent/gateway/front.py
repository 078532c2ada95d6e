"""The way of every request, as one list of stages. The first stage that answers ends it.

What a stage may give back is told in `exchange.py`. Errors leave a stage as exceptions and become
bytes once, in `failure.py`.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence

from lambent.clock import Clock
from lambent.errors import InternalFailure
from lambent.gateway.exchange import LATER, Exchange, Respond, Stage, Step, Taken
from lambent.gateway.http.streams import Body, StreamedResponse, Upgrade
from lambent.ids import Ids
from lambent.model.http import HttpRequest, HttpResponse


class Front:
    """Runs the stages in order."""

    def __init__(self, stages: Sequence[Stage], ids: Ids, clock: Clock) -> None:
        self._stages, self._ids, self._clock = tuple(stages), ids, clock
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, request: HttpRequest, source_ip: str, respond: Respond, body: Body | None = None) -> None:
        """Have `respond` called once with the answer to `request`, whatever happens."""
        came_s = self._clock.now_s()
        exchange = Exchange(request, self._ids.uuid(), source_ip, respond, body, came_s=came_s)
        self._run(exchange, iter(self._stages))

    def _run(self, exchange: Exchange, stages: Iterator[Stage]) -> None:
        try:
            for stage in stages:
                step = stage(exchange)
                if step is None:
                    continue
                if step is LATER:
                    return
                if isinstance(step, (HttpResponse, StreamedResponse, Upgrade)):
                    exchange.answer(step)
                    return
                assert not isinstance(step, Taken)
                self._wait(exchange, step, stages)
                return
            raise InternalFailure("no stage answered this request")
        except Exception as error:
            exchange.fail(error)

    def _wait(self, exchange: Exchange, step: Awaitable[Step], stages: Iterator[Stage]) -> None:
        task = asyncio.get_running_loop().create_task(self._go_on(exchange, step, stages))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _go_on(self, exchange: Exchange, step: Awaitable[Step], stages: Iterator[Stage]) -> None:
        try:
            response = await step
        except Exception as error:
            exchange.fail(error)
            return
        if response is None:
            self._run(exchange, stages)
        elif not isinstance(response, Taken):
            exchange.answer(response)
