"""Asking a part that may be restarting: it is back in a moment, so a request waits for it a while."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.invocation.errors import ServiceFailed

PATIENCE_S = 5.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.02, 0.5

T = TypeVar("T")


async def reach(ask: Callable[[], Awaitable[T]], clock: Clock, wanted: Callable[[], bool]) -> T:
    """The answer of `ask`, tried again while it is Unavailable and somebody still wants it.

    Raises:
        ServiceFailed: the part stayed away for too long.
        ServiceError: whatever `ask` raises.
    """
    deadline_s = clock.monotonic_s() + PATIENCE_S
    delay_s = FIRST_RETRY_S
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if clock.monotonic_s() + delay_s > deadline_s or not wanted():
                raise ServiceFailed("The control plane cannot be reached now; try again.") from error
        await clock.sleep(delay_s)
        delay_s = min(2 * delay_s, LONGEST_RETRY_S)
