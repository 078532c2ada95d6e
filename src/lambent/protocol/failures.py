"""What goes wrong while a request is read or an answer written.

Knows: the errors of the wire itself. Does not know how each protocol spells them: the
dialects rename `Unparsable` (MalformedXML for S3, MalformedInput for query, and so on).
"""

from typing import TypeVar

from lambent.errors import LambentError, ServiceError, UnknownOperation

E = TypeVar("E", bound=ServiceError)


class Unparsable(ServiceError):
    """The request does not have the form that its protocol asks for."""

    code, status = "SerializationException", 400


class Unmodelled(LambentError):
    """A bug of ours: an answer holds something that the model lacks or cannot carry."""


def coded(error: E, code: str, status: int | None = None) -> E:
    """The same error under another code, which belongs to this one answer."""
    error.code = code
    if status is not None:
        error.status = status
    return error


def unknown_operation(message: str, code: str = "UnknownOperationException", status: int = 404) -> UnknownOperation:
    """UnknownOperation as this protocol calls it."""
    return coded(UnknownOperation(message), code, status)
