"""What of an item a request wants to see. Pure."""

from collections.abc import Mapping
from typing import Any

from lambent.services.dynamodb import legacy
from lambent.services.dynamodb.errors import wrong_parameters
from lambent.services.dynamodb.expressions.binding import Project, bound_projection, projection_of
from lambent.services.dynamodb.expressions.placeholders import Placeholders, placeholders_of


def project_of(request: Mapping[str, Any]) -> Project | None:
    """The projection of a GetItem and its like, whose only expression it is. Raises ValidationError."""
    legacy.check_not_mixed(request, ("AttributesToGet",), ("ProjectionExpression",))
    given = placeholders_of(request, "ProjectionExpression")
    project = projection_in(request, given)
    given.check_used()
    return project


def projection_in(request: Mapping[str, Any], given: Placeholders) -> Project | None:
    """The projection of a request that may have other expressions. Raises ValidationError."""
    text, names = request.get("ProjectionExpression"), request.get("AttributesToGet")
    if text is not None:
        return bound_projection(text, given)
    if names is None:
        return None
    if len(set(names)) != len(names):
        raise wrong_parameters(f"Duplicate value in attribute name: {next(n for n in names if names.count(n) > 1)}")
    return projection_of([(name,) for name in names])
