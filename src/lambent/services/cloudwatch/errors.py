"""What CloudWatch answers when it refuses, in AWS's words.

Sources: botocore's model `cloudwatch` for the codes; the messages as the service gives them, collected from
error reports in public repositories.
"""

from lambent.errors import ServiceError, ValidationError


class InvalidParameterValue(ServiceError):
    """The value of a parameter is wrong."""

    code = "InvalidParameterValueException"


class MissingParameter(ServiceError):
    """A parameter is not there."""

    code = "MissingRequiredParameterException"


class InvalidCombination(ServiceError):
    """Parameters that cannot stand together."""

    code = "InvalidParameterCombinationException"


class InvalidNextToken(ServiceError):
    """The token is none of ours."""

    code = "InvalidNextToken"


class InvalidQuery(ValidationError):
    """A query of GetMetricData is wrong."""

    code = "ValidationError"
