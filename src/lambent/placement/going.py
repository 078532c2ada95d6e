"""Which environments go: for a limit that was lowered, or for somebody else's memory. Pure choices over holdings.

Those that are idle go at once, the least recently used first. Of those in use some end when they are done, of the
function that has the most: a busy function's environments are never idle, and whatever waited for that would wait
for ever. What is provisioned stays. So does what starts, for a limit: it is looked at again when it has started.

Source: Lambda Developer Guide, "Configuring reserved concurrency for a function" (the maximum number of concurrent
instances). What becomes of those that run when it is lowered is our own choice.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from lambent.placement.holdings import Holding, State

GOING = (State.ASKED, State.LEAVING)


def excess_of(held: Sequence[Holding], idle: Iterable[Holding], limit: int) -> tuple[list[Holding], list[Holding]]:
    """What is to be given up now, and what when it is done, until no more than `limit` of `held` stay.

    Args:
        held: every environment that counts against the limit.
        idle: those of them that are idle, the least recently used first.
    """
    surplus = sum(not goes(each) for each in held) - limit
    if surplus <= 0:
        return [], []
    now = [each for each in idle if not goes(each) and not each.claim.pinned][:surplus]
    size = Counter(each.claim.function for each in held)
    busy = sorted((each for each in held if _may_end(each)), key=lambda each: -size[each.claim.function])
    return now, busy[: surplus - len(now)]


def enough_idle(idle: Iterable[Holding], missing_mb: int) -> tuple[list[Holding], int]:
    """The first of `idle` that make room, and what is missing then."""
    chosen: list[Holding] = []
    for holding in idle:
        if missing_mb <= 0:
            break
        if not holding.claim.pinned and not holding.ending:
            chosen.append(holding)
            missing_mb -= holding.claim.memory_mb
    return chosen, missing_mb


def enough_busy(held: Iterable[Holding], spare_mb: int, missing_mb: int) -> list[Holding]:
    """Those of one function's environments in use that make room, at most `spare_mb` together."""
    chosen: list[Holding] = []
    for holding in held:
        if missing_mb <= 0 or spare_mb < holding.claim.memory_mb:
            break
        if _may_end(holding):
            chosen.append(holding)
            spare_mb -= holding.claim.memory_mb
            missing_mb -= holding.claim.memory_mb
    return chosen


def _may_end(holding: Holding) -> bool:
    return holding.state is State.HELD and not goes(holding) and not holding.claim.pinned


def goes(holding: Holding) -> bool:
    """Whether its end is decided, or asked for."""
    return holding.ending or holding.doomed or holding.state in GOING
