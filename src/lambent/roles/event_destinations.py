"""Where the ends of events may go: asked before a function or a mapping is given a destination.

Implements what the Lambda service asks, which is built before the services that destinations belong to: each is added
when it is there.
"""

from collections.abc import Awaitable, Callable, Collection

Exists = Callable[[str], Awaitable[bool]]


class EventDestinations:
    """By the services' names in ARNs."""

    def __init__(self) -> None:
        self._by_service: dict[str, Exists] = {}

    def add(self, service: str, exists: Exists) -> None:
        """Called once for each service, before anything is served; `exists` tells whether an ARN of it is there."""
        self._by_service[service] = exists

    def served(self) -> Collection[str]:
        return self._by_service.keys()

    async def exists(self, arn: str) -> bool:
        return await self._by_service[arn.split(":")[2]](arn)
