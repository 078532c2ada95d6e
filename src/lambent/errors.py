"""Errors by whose fault they are, carrying the name that AWS gives them.

Knows: the kinds of fault, and the fields a client may see. Does not know HTTP wire
forms: `gateway` turns a ServiceError into bytes once, with the service's own model.
"""

import errno
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Fault(Enum):
    """Who has to act: the caller, the function's author, or the operator of the platform."""

    CALLER = "caller"
    FUNCTION = "function"
    PLATFORM = "platform"


class LambentError(Exception):
    """Anything that Lambent raises on purpose."""

    fault: ClassVar[Fault] = Fault.PLATFORM


class IllegalStep(LambentError):
    """A bug of ours: something was asked for a step that its state does not allow."""


class Unavailable(LambentError):
    """A part of the platform that is needed cannot be reached now; trying again is right."""


class Hopeless(LambentError):
    """What was found in the data folder allows no start, and would not the next time: the operator has to act."""


class NoRoom(LambentError):
    """The disk is full, or may not be written: nothing of ours is wrong, and the operator has to act."""


def lacks_room(error: BaseException) -> bool:
    """Whether `error` says that of the disk."""
    return isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in NO_ROOM)


class ServiceError(LambentError):
    """An answer that the caller is meant to see. Only the gateway turns it into HTTP.

    Subclasses set `code`, the shape name in the service's botocore model (a test looks each
    one up), and, for errors that no model lists, `status`.

    Args:
        message: what happened and what to do, in AWS's words where AWS has words.
        members: further members of the modelled error shape, by their modelled names.
    """

    fault: ClassVar[Fault] = Fault.CALLER
    code: str = "ServiceException"
    status: int = 400  # used where the model does not give one
    headers: Mapping[str, str] = MappingProxyType({})  # what the answer says besides the error

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members = members


class RemoteServiceError(ServiceError):
    """A ServiceError that another part raised, rebuilt on this side of the connection."""

    def __init__(self, code: str, status: int, message: str, members: dict[str, Any]) -> None:
        super().__init__(message, **members)
        self.code, self.status = code, status


class InternalFailure(ServiceError):
    """A fault of ours that the caller has to be told about without our details."""

    fault = Fault.PLATFORM
    code, status = "InternalFailure", 500


class NotImplementedByLambent(ServiceError):
    """An operation that the service's model names and Lambent does not carry out."""

    fault = Fault.PLATFORM
    code, status = "NotImplemented", 501


class UnknownOperation(ServiceError):
    """The request matches no operation of the service's model."""

    code, status = "UnknownOperationException", 404


class ValidationError(ServiceError):
    """The input breaks the service model's constraints, in AWS's own message form."""

    code, status = "ValidationException", 400


class AccessDenied(ServiceError):
    """The principal may not do this."""

    code, status = "AccessDeniedException", 403


def kept_out(principal_arn: str, action: str, resource: str, *, own: bool) -> AccessDenied:
    """AWS's words to one whom a resource policy keeps out: of the resource's own account, or of another one."""
    because = f"because no resource-based policy allows the {action} action"
    if own:
        because = "with an explicit deny in a resource-based policy"
    return AccessDenied(
        f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource} {because}", Type="User"
    )
