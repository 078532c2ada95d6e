"""What follows from an attempt to run an event: it is over, or tried again later. Pure.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation";
behaviours section 16 for the conditions. The conditions of a loop and of a deleted function are not in them: ours.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from lambent.errors import Fault
from lambent.invocation.asynchronous.api import Event, EventRules
from lambent.invocation.asynchronous.records import SUCCESS, Ending
from lambent.invocation.asynchronous.retry import is_too_old, retry_delay_s
from lambent.model.invocation import InvocationResult

RETRIES_EXHAUSTED, TOO_OLD = "RetriesExhausted", "EventAgeExceeded"
GONE = "FunctionNotFound"
STOPPED, LOOP = "ZeroReservedConcurrency", "RecursiveInvocation"
THROTTLED = 429


class Attempt(Struct, frozen=True):
    """How an attempt went: the function's answer, or why there is none and whose fault that is.

    `hopeless` is the condition of an event that needs no other attempt.
    """

    result: InvocationResult | None = None
    fault: Fault | None = None
    hopeless: str = ""
    code: int = 200
    message: str = ""


class Later(Struct, frozen=True):
    """The event, with its counters, is tried again then."""

    event: Event
    due_ms: int


def ending_unattempted(event: Event, rules: EventRules, now_ms: int) -> Ending | None:
    """How an event ends that may not be run now; None when it may."""
    if rules.stopped:
        return Ending(STOPPED, event.attempts, None, THROTTLED, "The function's reserved concurrency is 0.")
    if is_too_old(event.accepted_ms, now_ms, rules.max_age_s):
        return Ending(TOO_OLD, event.attempts, None, THROTTLED, "The event was too old to be run.")
    return None


def verdict(
    event: Event, rules: EventRules, attempt: Attempt, now_ms: int, delays_s: Sequence[float]
) -> Ending | Later:
    """What follows from an attempt."""
    attempts = event.attempts + (attempt.result is not None)
    if attempt.hopeless:
        return Ending(attempt.hopeless, attempts, None, attempt.code, attempt.message)
    if attempt.fault is None:
        return Ending(SUCCESS, attempts, attempt.result)
    counter = "attempts" if attempt.fault is Fault.FUNCTION else "requeues"
    made = getattr(event, counter) + 1
    delay_s = retry_delay_s(attempt.fault, made, rules.max_retries, delays_s)
    if delay_s is None:
        return Ending(RETRIES_EXHAUSTED, attempts, attempt.result)
    due_ms = now_ms + round(delay_s * 1000)
    if is_too_old(event.accepted_ms, due_ms, rules.max_age_s):
        return Ending(TOO_OLD, attempts, attempt.result, attempt.code, attempt.message)
    return Later(msgspec.structs.replace(event, **{counter: made}), due_ms)
