"""What SNS answers when it refuses, in AWS's words.

Sources: botocore's model `sns` for the codes; the words as the service gives them, collected from error reports in
public repositories.
"""

from lambent.errors import NotImplementedByLambent, ServiceError


class InvalidParameter(ServiceError):
    """A parameter is wrong."""

    code = "InvalidParameterException"


class InvalidParameterValue(ServiceError):
    """A message attribute is wrong."""

    code = "InvalidParameterValueException"


class NotFound(ServiceError):
    """There is no such topic or subscription."""

    code = "NotFoundException"


class ResourceNotFound(ServiceError):
    """The same, of the operations on tags."""

    code = "ResourceNotFoundException"


class AuthorizationError(ServiceError):
    """The topic's policy, or the subscription's owner, does not let this principal do it."""

    code = "AuthorizationErrorException"


class TopicLimitExceeded(ServiceError):
    """The account has too many topics."""

    code = "TopicLimitExceededException"


class FilterPolicyLimitExceeded(ServiceError):
    """The topic has too many filter policies."""

    code = "FilterPolicyLimitExceededException"


class TagLimitExceeded(ServiceError):
    """More than 50 tags."""

    code = "TagLimitExceededException"


class TooManyEntriesInBatchRequest(ServiceError):
    """More than ten entries."""

    code = "TooManyEntriesInBatchRequestException"


class EmptyBatchRequest(ServiceError):
    """No entries."""

    code = "EmptyBatchRequestException"


class BatchEntryIdsNotDistinct(ServiceError):
    """Two entries have the same id."""

    code = "BatchEntryIdsNotDistinctException"


class InvalidBatchEntryId(ServiceError):
    """An entry's id has a wrong form."""

    code = "InvalidBatchEntryIdException"


class BatchRequestTooLong(ServiceError):
    """The messages of a batch are too long together."""

    code = "BatchRequestTooLongException"


def no_topic() -> NotFound:
    return NotFound("Topic does not exist")


def no_subscription() -> NotFound:
    return NotFound("Subscription does not exist")


def invalid(what: str, reason: str = "") -> InvalidParameter:
    """`Invalid parameter: W Reason: R`"""
    return InvalidParameter(f"Invalid parameter: {what}" + (f" Reason: {reason}" if reason else ""))


def refused(what: str) -> NotImplementedByLambent:
    """Something that AWS has and Lambent lacks."""
    return NotImplementedByLambent(f"{what} is not implemented by this version of Lambent. Leave it out.")
