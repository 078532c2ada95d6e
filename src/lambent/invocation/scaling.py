"""How many more environments a pool should ask for: pure arithmetic over what is known.

A request that finds nothing idle is served by the first of three: an environment that is coming,
one that is busy and will be done, or a new one, which takes a whole start. A new one is worth
asking for only when it would be ready before the others get round to the request. So we count
how many requests the coming and the busy environments can take up within one start's time, and
ask for as many as are left over.

Two things keep this from being too clever. Without figures (a function that has not run yet)
every request gets its own environment, as on AWS. And the estimate may be wrong, as when a quick
function is slow this time: whoever has waited as long as a start takes is promised one.

Source: DESIGN.md section 2 (a burst does not start more environments than it needs when those
already starting will be ready sooner). The arithmetic is our own.
"""

from msgspec import Struct

OFTEN = 1_000_000  # what "duration zero" may do within one start; keeps the division finite


class Demand(Struct, frozen=True):
    """One pool at one moment.

    `impatient` of the `waiting` have waited for a whole start. `coming` environments are asked
    for or in their init phase, since `coming_age_s` on average. The estimates are None until known.
    """

    waiting: int
    impatient: int
    coming: int
    busy: int
    coming_age_s: float
    start_s: float | None
    duration_s: float | None


def more_environments(demand: Demand) -> int:
    """How many to ask for now; never more than there are requests without one of their own."""
    unserved = demand.waiting - demand.coming
    if unserved <= 0:
        return 0
    if demand.start_s is None or demand.duration_s is None:
        return unserved
    promised = demand.impatient - demand.coming
    needed = demand.waiting - _taken_up(demand, demand.start_s, demand.duration_s)
    return max(0, promised, min(unserved, needed))


def _taken_up(demand: Demand, start_s: float, duration_s: float) -> int:
    """How many requests the others begin to serve before a new environment could."""
    left_s = min(start_s, demand.coming_age_s)
    by_coming = demand.coming * (1 + _times(left_s, duration_s))
    return by_coming + demand.busy * _times(start_s, duration_s)


def _times(span_s: float, duration_s: float) -> int:
    return OFTEN if duration_s * OFTEN <= span_s else int(span_s / duration_s)
