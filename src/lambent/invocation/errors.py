"""The refusals of the data plane, with the names of the Lambda service model."""

from lambent.errors import Fault, RemoteServiceError, ServiceError


class ResourceConflict(ServiceError):
    """The state of the function forbids invoking it."""

    code, status = "ResourceConflictException", 409

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="User")


class SnapStartNotReady(ServiceError):
    """The version is being initialised for its snapshot."""

    code, status = "SnapStartNotReadyException", 409

    def __init__(self) -> None:
        super().__init__(
            "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
            Type="User",
        )


class SnapStartFailed(ServiceError):
    """A hook that runs after the restore has failed; its own words are in the function's log."""

    code, status = "SnapStartException", 400

    def __init__(self) -> None:
        super().__init__(
            "An after-restore runtime hook failed, or the snapshot could not be restored; see the function's log.",
            Type="User",
        )


class SnapStartTimeout(ServiceError):
    """The hooks that run after the restore took too long."""

    code, status = "SnapStartTimeoutException", 408

    def __init__(self) -> None:
        super().__init__("Lambda couldn't restore the snapshot within the timeout limit.", Type="User")


class ServiceFailed(ServiceError):
    """A fault of the platform: the caller may try again."""

    fault = Fault.PLATFORM
    code, status = "ServiceException", 500

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="Service")


def is_throttle(error: ServiceError) -> bool:
    """Whether `error` says that a limit was reached, wherever it was raised."""
    return error.code == "TooManyRequestsException"


def same_as(error: ServiceError) -> ServiceError:
    """A copy, for one more caller: an exception object belongs to one traceback."""
    return RemoteServiceError(error.code, error.status, error.message, error.members)
