"""What of an item a request wants to see. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from lambent.services.dynamodb import legacy
from lambent.services.dynamodb.errors import wrong_parameters
from lambent.services.dynamodb.expressions.binding import Project, bound_projection, projection_of
from lambent.services.dynamodb.expressions.placeholders import Placeholders, placeholders_of
from lambent.services.dynamodb.values import check_attribute_name


def project_of(request: Mapping[str, Any], keys: Collection[str]) -> Project | None:
    """The projection of a GetItem and its like, whose only expression it is. Raises ValidationError."""
    legacy.check_not_mixed(request, ("AttributesToGet",), ("ProjectionExpression",))
    given = placeholders_of(request, "ProjectionExpression", keys=keys)
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
    for name in names:
        check_attribute_name(name)
    return projection_of([(name,) for name in names])
