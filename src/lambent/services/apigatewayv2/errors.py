"""What API Gateway v2 answers when it refuses.

Sources: botocore's model `apigatewayv2` for the codes; the messages as the service gives them, collected from
public reports, where they are known.
"""

from lambent.errors import ServiceError


class BadRequest(ServiceError):
    """A parameter is wrong by itself, or together with another."""

    code = "BadRequestException"


class NotFound(ServiceError):
    """There is no such resource."""

    code = "NotFoundException"


class Conflict(ServiceError):
    """It is there already, or something else stands in the way."""

    code = "ConflictException"


class LimitExceeded(ServiceError):
    """A quota is used up."""

    code = "TooManyRequestsException"


def no_api(api_id: str) -> NotFound:
    return NotFound(f"Invalid API identifier specified {api_id}")


def no_part(kind: str, part_id: str) -> NotFound:
    return NotFound(f"Invalid {kind} identifier specified {part_id}")
