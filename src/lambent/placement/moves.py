"""Idle environments on their way from one edge to another: why, see docs/decisions/0008.

Knows: whom to ask, in which order, and what becomes of one that could not be moved. Does not know which edges
may have something to spare: the ledger's `elsewhere` says so.
"""

from collections.abc import Callable

import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.model.messages import LeaseGrant, LeaseRequest, Move
from lambent.placement.api import Agents, Edges
from lambent.placement.ledger import Ledger

log = structlog.get_logger()


class Moves:
    """Args: lost: has an environment stopped that its edge gave up and nobody got."""

    def __init__(self, ledger: Ledger, agents: Agents, edges: Edges, clock: Clock, lost: Callable[[str], None]) -> None:
        self._ledger, self._agents, self._edges = ledger, agents, edges
        self._clock, self._lost = clock, lost

    def givers(self, taker: int, request: LeaseRequest) -> list[int]:
        """The edges that may have an idle environment for `request`; provisioned ones are started, never moved."""
        return [] if request.provisioned else self._ledger.elsewhere(taker, request.key, request.environment_key)

    async def move(self, givers: list[int], taker: int, environment_key: str) -> LeaseGrant | None:
        """The first environment of this key that one of `givers` can spare, handed to `taker`."""
        for giver in givers:
            try:
                environment_id = await self._edges.give_up(giver, environment_key)
            except (Unavailable, ServiceError):
                continue
            if environment_id and (grant := await self._hand_on(environment_id, taker)) is not None:
                return grant
        return None

    async def _hand_on(self, environment_id: str, taker: int) -> LeaseGrant | None:
        holding = self._ledger.moved(environment_id, taker)
        if holding is None:
            return None  # its end is on the way
        try:
            log_stream = await self._agents.move(Move(environment_id, taker))
        except (Unavailable, ServiceError) as error:
            log.info("not moved", action="placement.move", environment=environment_id, error=str(error))
            self._lost(environment_id)
            return None
        age_s = self._clock.monotonic_s() - holding.born_s
        return LeaseGrant(environment_id, log_stream, moved=True, provisioned=holding.claim.pinned, age_s=age_s)
