"""What authorizers have said, for as long as their owner lets it be believed.

An answer is kept under everything that it can depend on: the deployment, the authorizer and the identity that it was
asked about. FlushStageAuthorizersCache changes the first part of all names of a stage.
"""

from collections import OrderedDict

from msgspec import Struct

from lambent.clock import Clock
from lambent.model.rest_api import Part

KEPT = 20_000
Name = tuple[str, ...]


class Verdict(Struct, frozen=True):
    """An authorizer's answer, read: a policy, and what it says about the caller."""

    statements: list[Part]
    values: dict[str, str]
    usage_key: str = ""


class AuthorizerCache:
    """The oldest answer goes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[Name, tuple[float, Verdict]] = OrderedDict()

    def get(self, name: Name) -> Verdict | None:
        """What is still believed."""
        found = self._known.get(name)
        if found is None or found[0] <= self._clock.now_s():
            return None
        return found[1]

    def keep(self, name: Name, verdict: Verdict, ttl_s: float) -> None:
        """Believe it for so long."""
        if ttl_s <= 0:
            return
        self._known.pop(name, None)
        self._known[name] = self._clock.now_s() + ttl_s, verdict
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
