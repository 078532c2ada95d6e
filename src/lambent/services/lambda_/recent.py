"""Versions that were given out lately, by the environment key that stands for all their content.

An invocation that arrived before a change may still need an environment of the function as it
was, so what a change supersedes stays for a while; the rest stays until it has been out of use longest.
"""

from collections import OrderedDict

from lambent.clock import Clock
from lambent.model.function import FunctionKey
from lambent.services.lambda_.model import Version

SUPERSEDED_S = 60.0
FUNCTIONS = 10_000


class RecentVersions:
    """A bounded memory; what it lacks can be read again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._present: OrderedDict[FunctionKey, dict[str, Version]] = OrderedDict()
        self._superseded: OrderedDict[str, tuple[float, Version]] = OrderedDict()

    def add(self, version: Version) -> None:
        """Remember what was just read."""
        self._present.setdefault(version.key, {})[version.environment_key()] = version
        self._present.move_to_end(version.key)
        if len(self._present) > FUNCTIONS:
            self._present.popitem(last=False)

    def changed(self, key: FunctionKey) -> None:
        """The function was changed: what is known of it is what it was."""
        now_s = self._clock.monotonic_s()
        for environment_key, version in self._present.pop(key, {}).items():
            self._superseded[environment_key] = now_s, version
            self._superseded.move_to_end(environment_key)
        while self._superseded and next(iter(self._superseded.values()))[0] <= now_s - SUPERSEDED_S:
            self._superseded.popitem(last=False)

    def get(self, key: FunctionKey, environment_key: str) -> Version | None:
        """The version with that environment key, if it is or was current lately."""
        present = self._present.get(key, {}).get(environment_key)
        if present is not None:
            return present
        changed_s, version = self._superseded.get(environment_key, (0.0, None))
        return version if self._clock.monotonic_s() - changed_s < SUPERSEDED_S else None
