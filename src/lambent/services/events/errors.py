"""What EventBridge answers when it refuses, in AWS's words.

Sources: botocore's model `events` for the codes; the messages as the service gives them, collected from
error reports in public repositories.
"""

from lambent.errors import ServiceError, ValidationError


class NotFound(ServiceError):
    """There is no such bus, rule or statement."""

    code = "ResourceNotFoundException"


class AlreadyExists(ServiceError):
    """A bus of that name exists."""

    code = "ResourceAlreadyExistsException"


class LimitExceeded(ServiceError):
    """A quota is used up."""

    code = "LimitExceededException"


class InvalidEventPattern(ServiceError):
    """The event pattern is wrong."""

    code = "InvalidEventPatternException"


class PolicyTooLong(ServiceError):
    """The policy of a bus is longer than 10,240 characters."""

    code = "PolicyLengthExceededException"


def no_bus(name: str) -> NotFound:
    return NotFound(f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> NotFound:
    return NotFound(f"Rule {name} does not exist on EventBus {bus}.")


def not_valid(parameter: str, reason: str = "") -> ValidationError:
    return ValidationError(f"Parameter {parameter} is not valid." + (f" Reason: {reason}" if reason else ""))
