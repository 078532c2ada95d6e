"""What API Gateway answers when it refuses. Source: botocore's model `apigateway`; its own messages where known."""

from lambent.errors import NotImplementedByLambent, ServiceError


class BadRequest(ServiceError):
    """The request makes no sense."""

    code = "BadRequestException"


class NotFound(ServiceError):
    """There is no such thing."""

    code, status = "NotFoundException", 404


class Conflict(ServiceError):
    """The name is taken, or something still needs what should go."""

    code, status = "ConflictException", 409


class LimitExceeded(ServiceError):
    """A quota is used up."""

    code, status = "LimitExceededException", 429


def not_built(what: str) -> NotImplementedByLambent:
    """A setting that this version of Lambent cannot carry out."""
    return NotImplementedByLambent(f"{what} is not implemented by this version of Lambent for REST APIs.")
