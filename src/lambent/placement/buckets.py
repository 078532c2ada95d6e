"""Allowances that refill all the time: so much in each window, and never more than a window's worth saved up."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)


class Bucket(Struct):
    """What is left, as of `at_s`."""

    left: float
    at_s: float
    window_s: float


class Buckets(Generic[K]):
    """One bucket for each key; it is full at the first use."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._buckets: dict[K, Bucket] = {}

    def take(self, key: K, most: float, wanted: int, now_s: float, window_s: float = 0.0) -> int:
        """Up to `wanted` whole units of `key`, of which `most` flow in during each window; 0 is the usual one."""
        window_s = window_s or self._window_s
        bucket = self._buckets.pop(key, None) or Bucket(most, now_s, window_s)
        self._buckets[key] = bucket  # the one that was used last comes last
        self._forget_full(now_s)
        bucket.left = min(most, bucket.left + (now_s - bucket.at_s) * most / window_s)
        bucket.at_s = now_s
        taken = max(0, min(wanted, int(bucket.left)))
        bucket.left -= taken
        return taken

    def wait_s(self, key: K, most: float) -> float:
        """How long after its last use until there is a unit of `key` again; a window when none flows in."""
        bucket = self._buckets[key]
        return min((1.0 - bucket.left) / most, 1.0) * bucket.window_s if most >= 1 else bucket.window_s

    def _forget_full(self, now_s: float) -> None:
        """Drop those that have everything again."""
        while len(self._buckets) > 1:
            oldest = next(iter(self._buckets.values()))
            if now_s - oldest.at_s <= oldest.window_s:
                return
            del self._buckets[next(iter(self._buckets))]
