"""Records on their way into batches. Pure.

A batch is closed by its size, by the end of its window, or before its event would be larger than an invocation takes.
Whatever a source's records are: here they have bytes, and a moment by which they have to be gone.

Source: Lambda Developer Guide, "Batching behavior" (batching window, batch size, 6 MB).
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Entry(Struct, Generic[T], frozen=True):
    """A record as the function will see it, and whatever its source has to know of it."""

    item: T
    encoded: bytes


Batch = list[Entry[T]]


class Limits(Struct, frozen=True):
    """When a batch is closed. `event_bytes`: of its records, with a comma after each."""

    size: int
    window_s: float
    event_bytes: int


class Gathering(Generic[T]):
    """The one batch that is open, for as long as its window."""

    def __init__(self) -> None:
        self._open: Batch[T] = []
        self._bytes = 0
        self._until_s = 0.0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def until_s(self) -> float | None:
        """When the open batch has to be closed; None when there is none."""
        return self._until_s if self._open else None

    def add(self, entries: Iterable[Entry[T]], limits: Limits, now_s: float) -> list[Batch[T]]:
        """Take records in their order; the batches that this closes."""
        closed: list[Batch[T]] = []
        for entry in entries:
            size_bytes = len(entry.encoded) + 1
            if self._open and self._bytes + size_bytes > limits.event_bytes:
                closed.append(self.close())
            if not self._open:
                self._until_s = now_s + limits.window_s
            self._open.append(entry)
            self._bytes += size_bytes
            if len(self._open) >= limits.size:
                closed.append(self.close())
        if self._open and now_s >= self._until_s:
            closed.append(self.close())
        return closed

    def due(self, now_s: float) -> list[Batch[T]]:
        """The open batch, if its window has ended."""
        return [self.close()] if self._open and now_s >= self._until_s else []

    def close(self) -> Batch[T]:
        """The open batch as it is."""
        batch, self._open, self._bytes = self._open, [], 0
        return batch
