"""What a REST API answers by itself: the types, their status, and the message that each begins with. Pure.

Source: API Gateway Developer Guide, "Gateway response types for API Gateway"; the body and its only template are
those that GetGatewayResponses shows.
"""

from typing import Any, NamedTuple


class Usual(NamedTuple):
    """A type's status (None: that of what went wrong), message, and x-amzn-ErrorType."""

    status: int | None
    message: str = ""
    error_type: str = ""


TEMPLATE = {"application/json": '{"message":$context.error.messageString}'}
DEFAULTS: dict[str, Usual] = {
    "ACCESS_DENIED": Usual(403, "Forbidden", "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": Usual(500, "Internal server error", "InternalServerErrorException"),
    "AUTHORIZER_CONFIGURATION_ERROR": Usual(500, "Internal server error", "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": Usual(500, "Internal server error", "AuthorizerConfigurationException"),
    "BAD_REQUEST_BODY": Usual(400, "Invalid request body", "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": Usual(400, "Missing required request parameters", "BadRequestException"),
    "DEFAULT_4XX": Usual(None),
    "DEFAULT_5XX": Usual(None),
    "EXPIRED_TOKEN": Usual(403, "The security token included in the request is expired", "ExpiredTokenException"),
    "INTEGRATION_FAILURE": Usual(504, "Network error communicating with endpoint", "InternalServerErrorException"),
    "INTEGRATION_TIMEOUT": Usual(504, "Endpoint request timed out", "InternalServerErrorException"),
    "INVALID_API_KEY": Usual(403, "Forbidden", "ForbiddenException"),
    "INVALID_SIGNATURE": Usual(403, "Forbidden", "InvalidSignatureException"),
    "MISSING_AUTHENTICATION_TOKEN": Usual(403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": Usual(429, "Limit Exceeded", "LimitExceededException"),
    "REQUEST_TOO_LARGE": Usual(413, "Request Too Long", "RequestTooLongException"),
    "RESOURCE_NOT_FOUND": Usual(404, "Not Found", "NotFoundException"),
    "THROTTLED": Usual(429, "Too Many Requests", "TooManyRequestsException"),
    "UNAUTHORIZED": Usual(401, "Unauthorized", "UnauthorizedException"),
    "UNSUPPORTED_MEDIA_TYPE": Usual(415, "Unsupported Media Type", "BadRequestException"),
    "WAF_FILTERED": Usual(403, "Forbidden", "ForbiddenException"),
}


def default_part(kind: str) -> dict[str, Any]:
    """A type as it is before anybody changes it, in the shape of AWS's model."""
    status = DEFAULTS[kind].status
    part: dict[str, Any] = {"responseType": kind, "responseParameters": {}, "responseTemplates": dict(TEMPLATE)}
    return part | {"defaultResponse": True} | ({} if status is None else {"statusCode": str(status)})
