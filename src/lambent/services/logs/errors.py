"""What CloudWatch Logs answers when it refuses, in AWS's words.

Sources: botocore's model `logs` for the codes; the messages as the service gives them, collected
from error reports in public repositories.
"""

from lambent.errors import ServiceError


class InvalidParameter(ServiceError):
    """A parameter is wrong by itself, or together with another."""

    code = "InvalidParameterException"


class NotFound(ServiceError):
    """The log group or log stream does not exist."""

    code = "ResourceNotFoundException"


class AlreadyExists(ServiceError):
    """A log group or log stream of that name exists."""

    code = "ResourceAlreadyExistsException"


class TooManyTags(ServiceError):
    """A resource can have no more than 50 tags."""

    code = "TooManyTagsException"


def no_group() -> NotFound:
    return NotFound("The specified log group does not exist.")


def no_stream() -> NotFound:
    return NotFound("The specified log stream does not exist.")


def invalid_token() -> InvalidParameter:
    return InvalidParameter("The specified nextToken is invalid.")
