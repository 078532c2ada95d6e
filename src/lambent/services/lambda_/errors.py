"""The refusals of this service, with the names of the Lambda service model.

Source: Lambda service model (error shapes); the texts stand where they are raised.
"""

from lambent.errors import Fault, ServiceError
from lambent.model.function import FunctionKey
from lambent.model.function_name import function_arn


class LambdaError(ServiceError):
    """An error of the caller's, which every Lambda error says in its `Type`."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="User")


class InvalidParameter(LambdaError):
    """A value that the model allows and Lambda does not."""

    code = "InvalidParameterValueException"


class NotFound(LambdaError):
    """There is no such resource."""

    code, status = "ResourceNotFoundException", 404


class Conflict(LambdaError):
    """The resource exists already, or its state forbids this."""

    code, status = "ResourceConflictException", 409


class InUse(LambdaError):
    """The resource is on its way from one state to another."""

    code = "ResourceInUseException"


class ProvisionedNotFound(LambdaError):
    """The version or alias has no provisioned concurrency."""

    code, status = "ProvisionedConcurrencyConfigNotFoundException", 404

    def __init__(self) -> None:
        super().__init__("No Provisioned Concurrency Config found for this function")


class MountFailure(LambdaError):
    """The function's file system cannot be mounted."""

    code, status = "EFSMountFailureException", 403


class StaleRevision(LambdaError):
    """The caller's RevisionId is not the newest."""

    code, status = "PreconditionFailedException", 412

    def __init__(self) -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


class TooLarge(LambdaError):
    """The request, or the code in it, is over its limit."""

    code, status = "RequestEntityTooLargeException", 413


class StorageExceeded(LambdaError):
    """The account's code storage in this Region is full."""

    code = "CodeStorageExceededException"

    def __init__(self) -> None:
        super().__init__("Code storage limit exceeded.")


class Failed(ServiceError):
    """A fault of the platform: the caller may try again."""

    fault = Fault.PLATFORM
    code, status = "ServiceException", 500

    def __init__(self, message: str) -> None:
        super().__init__(message, Type="Service")


NO_RESOURCE = "The resource you requested does not exist."


def function_not_found(key: FunctionKey, qualifier: str = "") -> NotFound:
    """What is said about a function, version or alias that is not there."""
    return NotFound(f"Function not found: {function_arn(key, qualifier)}")


class PolicyTooLong(LambdaError):
    """A resource policy would be over its limit."""

    code = "PolicyLengthExceededException"


class StalePolicy(LambdaError):
    """The caller's RevisionId is not the policy's newest; `operation` tells it."""

    code, status = "PreconditionFailedException", 412

    def __init__(self, operation: str) -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {operation} API to retrieve the latest Revision Id"
        )
