"""The refusals of placement, in AWS's words.

Source: Lambda service model (TooManyRequestsException, ThrottleReason); the message is the one
that the real service records ("Rate Exceeded.").
"""

from enum import StrEnum

from lambent.errors import Fault, ServiceError

RETRY_AFTER_S = 1  # AWS promises no number; SDKs back off by themselves, plain HTTP clients read this


class Reason(StrEnum):
    """Whose limit was reached: the values of the model's ThrottleReason that placement can give."""

    ACCOUNT = "ConcurrentInvocationLimitExceeded"
    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
    ACCOUNT_RATE = "FunctionInvocationRateLimitExceeded"
    RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"


class Throttled(ServiceError):
    """No concurrency is left. The caller may try again; SDKs do so by themselves."""

    code, status = "TooManyRequestsException", 429

    def __init__(self, reason: Reason, message: str = "Rate Exceeded.") -> None:
        super().__init__(message, Reason=reason.value, Type="User", retryAfterSeconds=str(RETRY_AFTER_S))
        self.reason = reason


class NoMemory(Throttled):
    """The node's memory is used up, by environments that cannot go: an operator's limit, and no limit of AWS's."""

    def __init__(self, why: str) -> None:
        super().__init__(Reason.ACCOUNT, f"Rate Exceeded. {why}")
        self.why = why


class PlacementFailed(ServiceError):
    """The platform could not make an environment: no agent, or it went away meanwhile."""

    fault = Fault.PLATFORM
    code, status = "ServiceException", 500

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="Service")
