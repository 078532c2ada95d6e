"""What becomes of records of a stream that failed: tried again, halved, or given up. Pure.

A failed batch keeps its place: nothing behind it is run before it has succeeded or was given up. With `bisects` it is
halved, at no cost to its retries, until the record that fails is alone; where the function said which record failed,
it is cut there. Throttles and faults of the platform cost no retries; age is all that ends them.

Source: Lambda Developer Guide, "Error handling with DynamoDB and Lambda", "Configuring partial batch response with
DynamoDB and Lambda" (the lowest sequence number is the checkpoint; with both settings the batch is cut at the number
that was returned; splitting does not count towards the retry quota); DynamoDB Developer Guide (records live 24
hours). That age is judged record by record, and how long the waits are, is our own.
"""

from msgspec import Struct

from lambent.model.invocation import InvocationResult
from lambent.pollers.api import FOR_EVER, Change, StreamSettings
from lambent.pollers.responses import failed_ids

LIFE_S = 86_400
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 60.0
MOST_DOUBLINGS = 16  # the longest wait wins long before


class Piece(Struct, frozen=True):
    """A batch, or what is left of it. `retries` were spent, `invoked` times it was run; `fresh`: not by itself yet."""

    changes: tuple[Change, ...]
    retries: int = 0
    invoked: int = 0
    fresh: bool = True


class Verdict(Struct, frozen=True):
    """What follows from an invocation: so many records from the first on are done with, `rest` is to be run next, in
    this order, or else what is left is `given_up`."""

    done: int
    rest: tuple[Piece, ...] = ()
    given_up: tuple[Change, ...] = ()


def verdict_of(piece: Piece, failed_at: int | None, settings: StreamSettings) -> Verdict:
    """What follows when the record at that place was the first to fail; None when none did."""
    if failed_at is None:
        return Verdict(len(piece.changes))
    left, invoked = piece.changes[failed_at:], piece.invoked + 1
    if settings.bisects and failed_at > 0:
        return Verdict(failed_at, (Piece(left, piece.retries, invoked),))
    if settings.bisects and len(left) > 1:
        half = len(left) // 2
        return Verdict(0, tuple(Piece(part, piece.retries, invoked) for part in (left[:half], left[half:])))
    if settings.max_retries != FOR_EVER and piece.retries >= settings.max_retries:
        return Verdict(failed_at, given_up=left)
    return Verdict(failed_at, (Piece(left, piece.retries + 1, invoked, fresh=False),))


def failed_at(result: InvocationResult, changes: tuple[Change, ...], *, reports_failures: bool) -> int | None:
    """The place of the first record that failed; None when all succeeded."""
    failed = failed_ids(result, {change.sequence for change in changes}, reports_failures=reports_failures)
    return next((place for place, change in enumerate(changes) if change.sequence in failed), 0 if failed else None)


def longest_age_s(settings: StreamSettings) -> int:
    """How old a record may be; the stream itself keeps none for longer than its life."""
    return LIFE_S if settings.max_age_s == FOR_EVER else min(settings.max_age_s, LIFE_S)


def too_old(changes: tuple[Change, ...], now_s: float, settings: StreamSettings) -> int:
    """How many records, from the first on, are not to be run any more."""
    oldest_s = now_s - longest_age_s(settings)
    return next((place for place, change in enumerate(changes) if change.arrived_s >= oldest_s), len(changes))


def wait_s(piece: Piece) -> float:
    """How long to wait before a piece is run."""
    if piece.fresh:
        return 0.0
    return min(FIRST_WAIT_S * 2.0 ** min(piece.retries - 1, MOST_DOUBLINGS), LONGEST_WAIT_S)
