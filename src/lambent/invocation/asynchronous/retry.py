"""When an asynchronous invocation is tried again. Pure: values in, values out.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation". It names 1 s, 5 min and 6 h; doubling in between is ours.
"""

from collections.abc import Sequence

from lambent.errors import Fault

AFTER_FUNCTION_ERROR_S = (60.0, 120.0)
FIRST_REQUEUE_S, LONGEST_REQUEUE_S = 1.0, 300.0
LONGEST_AGE_S = 21_600.0


def retry_delay_s(
    fault: Fault, attempts: int, max_retries: int = 2, delays_s: Sequence[float] = AFTER_FUNCTION_ERROR_S
) -> float | None:
    """How long an asynchronous invocation waits before it is tried again.

    The function's own failures spend its retries. Ours (throttled, no node) spend
    none: they back off until the event is too old, which the queue decides, not we.

    Args:
        fault: whose fault the last attempt was.
        attempts: attempts of that fault already made, the first being 1.
        max_retries: the function's MaximumRetryAttempts, 0 to 2.
        delays_s: the wait after each failure of the function's own; the last one is used again.

    Returns:
        Seconds, or None when the event now belongs to its on-failure destination.

    Raises:
        ValueError: attempts is below 1.
    """
    if attempts < 1:
        raise ValueError(f"attempts starts at 1, got {attempts}")
    if fault is Fault.FUNCTION:
        if attempts > max_retries:
            return None
        return delays_s[min(attempts, len(delays_s)) - 1] if delays_s else 0.0
    doublings = min(attempts - 1, 16)  # the cap wins long before the power grows large
    return min(FIRST_REQUEUE_S * float(2**doublings), LONGEST_REQUEUE_S)


def is_too_old(accepted_ms: int, at_ms: int, longest_age_s: float = LONGEST_AGE_S) -> bool:
    """Whether an event of that time may no longer be tried at `at_ms`."""
    return at_ms - accepted_ms > longest_age_s * 1000
