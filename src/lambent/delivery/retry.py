"""What follows an attempt that failed. Pure.

Source: EventBridge User Guide, "How EventBridge retries delivering events": 185 retries over 24 hours
with exponential back-off and jitter. From 1 s, doubling up to 480 s, is ours: 185 such waits are a
little more than those 24 hours. SNS Developer Guide, "Creating an HTTP/S delivery policy", for the phases of
a Pace; it names its curves and draws them, the formulas are ours.
"""

from msgspec import Struct

from lambent.delivery.api import Delivery, Pace

FIRST_S, LONGEST_S, JITTER = 1.0, 480.0, 0.1
BY_RETRIES, BY_AGE = "MaximumRetryAttempts", "MaximumEventAgeInSeconds"


class Later(Struct, frozen=True):
    """Try again then."""

    due_ms: int


class GiveUp(Struct, frozen=True):
    """Never again; `condition` names the limit that was reached, "" when trying again is no use."""

    condition: str = ""


def is_too_old(delivery: Delivery, at_ms: int) -> bool:
    """Whether the delivery may no longer be tried at `at_ms`."""
    return at_ms - delivery.accepted_ms > delivery.max_age_s * 1000


def after_failure(delivery: Delivery, attempts: int, now_ms: int, fraction: float) -> Later | GiveUp:
    """What follows the failed attempt number `attempts`, from 1; `fraction` is random, for the jitter.

    Raises:
        ValueError: attempts is below 1.
    """
    if attempts < 1:
        raise ValueError(f"attempts starts at 1, got {attempts}")
    if attempts > delivery.max_retries:
        return GiveUp(BY_RETRIES)
    if delivery.pace is None:
        wait_s = min(FIRST_S * 2.0 ** min(attempts - 1, 16), LONGEST_S) * (1 + JITTER * fraction)
    else:
        wait_s = paced_wait_s(delivery.pace, delivery.max_retries, attempts)
    due_ms = now_ms + round(wait_s * 1000)
    return GiveUp(BY_AGE) if is_too_old(delivery, due_ms) else Later(due_ms)


def paced_wait_s(pace: Pace, retries: int, retry: int) -> float:
    """The wait before the retry of that number, from 1, of so many."""
    if retry <= pace.at_once:
        return 0.0
    if retry <= pace.at_once + pace.at_min:
        return pace.min_s
    if retry > retries - pace.at_max:
        return pace.max_s
    growing = retries - pace.at_once - pace.at_min - pace.at_max
    step = retry - pace.at_once - pace.at_min
    return pace.min_s + (pace.max_s - pace.min_s) * _risen(pace, step, growing)


def _risen(pace: Pace, step: int, steps: int) -> float:
    """How far the waits have grown at `step` of `steps`, from 0 to 1."""
    if pace.max_s <= pace.min_s:
        return 0.0
    match pace.curve:
        case "linear":
            return step / steps
        case "arithmetic":
            return step * (step + 1) / (steps * (steps + 1))
        case _:  # by a constant factor, for exponential from the first step that doubles
            low = max(pace.min_s, 1.0)
            ratio = max(pace.max_s, low) / low
            grown = low * (2.0 ** min(step, 32) if pace.curve == "exponential" else ratio ** (step / steps))
            return min(1.0, max(0.0, (grown - pace.min_s) / (pace.max_s - pace.min_s)))
