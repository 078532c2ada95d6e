"""What follows an attempt that failed. Pure.

Source: EventBridge User Guide, "How EventBridge retries delivering events": 185 retries over 24 hours
with exponential back-off and jitter. From 1 s, doubling up to 480 s, is ours: 185 such waits are a
little more than those 24 hours.
"""

from msgspec import Struct

from lambent.delivery.api import Delivery

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
    wait_s = min(FIRST_S * 2.0 ** min(attempts - 1, 16), LONGEST_S)
    due_ms = now_ms + round(wait_s * (1 + JITTER * fraction) * 1000)
    return GiveUp(BY_AGE) if is_too_old(delivery, due_ms) else Later(due_ms)
