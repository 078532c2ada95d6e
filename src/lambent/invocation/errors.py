"""The refusals of the data plane, with the names of the Lambda service model."""

from lambent.errors import Fault, RemoteServiceError, ServiceError


class ResourceConflict(ServiceError):
    """The state of the function forbids invoking it."""

    code, status = "ResourceConflictException", 409

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="User")


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
