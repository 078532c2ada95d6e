"""What SQS answers when it refuses, in AWS's words.

Sources: botocore's model `sqs` for the modelled codes; SQS API reference, "Common errors", for InvalidParameterValue,
MissingParameter and AccessDenied; the words as the service gives them, collected from error reports in public
repositories.
"""

from lambent.errors import ServiceError


class InvalidParameterValue(ServiceError):
    """A parameter is wrong by itself, or for this kind of queue."""

    code = "InvalidParameterValue"


class MissingParameter(ServiceError):
    """A parameter that this request needs is not there."""

    code = "MissingParameter"


class InvalidAttributeName(ServiceError):
    """No queue attribute has this name, or it may not be set."""

    code = "InvalidAttributeName"


class InvalidAttributeValue(ServiceError):
    """A queue attribute cannot have this value."""

    code = "InvalidAttributeValue"


class InvalidMessageContents(ServiceError):
    """The body holds characters that SQS does not take."""

    code = "InvalidMessageContents"


class QueueDoesNotExist(ServiceError):
    """There is no such queue."""

    code = "QueueDoesNotExist"


class QueueNameExists(ServiceError):
    """A queue of that name has other attributes."""

    code = "QueueNameExists"


class QueueDeletedRecently(ServiceError):
    """The name was in use less than a minute ago."""

    code = "QueueDeletedRecently"


class PurgeQueueInProgress(ServiceError):
    """The queue was purged less than a minute ago."""

    code = "PurgeQueueInProgress"


class OverLimit(ServiceError):
    """Too many messages in flight, or too many actions in a permission."""

    code = "OverLimit"


class ReceiptHandleIsInvalid(ServiceError):
    """A receipt handle that this queue never gave out."""

    code = "ReceiptHandleIsInvalid"


class MessageNotInflight(ServiceError):
    """The visibility of a message that nobody holds cannot be changed."""

    code = "MessageNotInflight"


class TooManyEntriesInBatchRequest(ServiceError):
    """More than ten entries."""

    code = "TooManyEntriesInBatchRequest"


class EmptyBatchRequest(ServiceError):
    """No entries."""

    code = "EmptyBatchRequest"


class BatchEntryIdsNotDistinct(ServiceError):
    """Two entries have the same id."""

    code = "BatchEntryIdsNotDistinct"


class InvalidBatchEntryId(ServiceError):
    """An entry's id has a wrong form."""

    code = "InvalidBatchEntryId"


class BatchRequestTooLong(ServiceError):
    """The messages of a batch are too long together."""

    code = "BatchRequestTooLong"


class RequestThrottled(ServiceError):
    """A FIFO queue is called too often."""

    code = "RequestThrottled"


class ResourceNotFound(ServiceError):
    """A queue or a task that a move task names does not exist."""

    code = "ResourceNotFoundException"


class QueueAccessDenied(ServiceError):
    """The queue's policy does not let this principal do it."""

    code, status = "AccessDenied", 403


def no_queue() -> QueueDoesNotExist:
    return QueueDoesNotExist("The specified queue does not exist.")


def invalid(parameter: str, value: object, reason: str) -> InvalidParameterValue:
    """`Value V for parameter P is invalid. Reason: R`"""
    return InvalidParameterValue(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> MissingParameter:
    return MissingParameter(f"The request must contain the parameter {parameter}.")


def wrong_kind(parameter: str, value: object) -> InvalidParameterValue:
    """The parameter belongs to the other kind of queue."""
    return invalid(parameter, value, "The request include parameter that is not valid for this queue type")
