"""What a claim could use that another edge has, known to be idle or not. Pure choices over one function's holdings.

An edge says only after a while that an environment fell idle, and of one that is always in use it never does. So, at a
limit or on a full node, a claim is shown the way to an edge that has environments of the same key (`host_of`): its
requests wait there with that edge's own, in the order of arrival. Where that is no use, environments that may be
idle are asked for (`to_probe`), and none twice within PROBE_AGAIN_S.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection

from lambent.placement.going import goes
from lambent.placement.holdings import Claim, Holding, State, Waiter

PROBE_AGAIN_S = 0.1  # by then an edge reports what has become idle


def host_of(held: Collection[Holding], claim: Claim) -> list[Holding]:
    """The environments that could serve `claim` where they are: those of the edge with the most of them.

    None where the claim's own edge has one: its requests wait for that.
    """
    if claim.pinned or claim.here:
        return []
    staying = [each for each in held if each.claim.environment_key == claim.environment_key and _serves(each)]
    count = Counter(each.claim.edge for each in staying)
    if not count or claim.edge in count:
        return []
    host = max(count, key=lambda edge: count[edge])
    return [each for each in staying if each.claim.edge == host]


def may_be_asked(held: OrderedDict[str, Holding], hosts: Collection[Holding], at_s: float) -> bool:
    """Whether one of `hosts` may be idle without our knowing; all of them are asked then. Keeps the order of `held`."""
    there = [each for each in hosts if each.state is not State.STARTING]
    if any(at_s - each.probed_s < PROBE_AGAIN_S for each in there):
        return False
    for holding in there:
        holding.probed_s = at_s
        held.move_to_end(holding.environment_id)
    return bool(there)


def to_probe(held: OrderedDict[str, Holding], waiter: Waiter, wanted: int) -> list[Holding]:
    """Up to `wanted` that may be idle without our knowing: not those that the asking edge would have used.

    Those that were asked for last are the last of `held`, and stay so.
    """
    found: list[Holding] = []
    for holding in held.values():
        if waiter.at_s - holding.probed_s < PROBE_AGAIN_S or len(found) == wanted:
            break
        if holding.state is State.HELD and not holding.claim.pinned and holding.claim.place != waiter.claim.place:
            found.append(holding)
    for holding in found:
        holding.probed_s = waiter.at_s
        held.move_to_end(holding.environment_id)
    return found


def _serves(holding: Holding) -> bool:
    return not goes(holding) and (holding.ready or not holding.claim.pinned)
