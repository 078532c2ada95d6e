"""How log groups and streams are named in requests and answers: names, identifiers, ARNs.

Source: IAM reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs": a group
is `arn:aws:logs:R:A:log-group:NAME`, which some answers end with `:*`; a stream is
`arn:aws:logs:R:A:log-group:NAME:log-stream:STREAM`.
"""

from lambent.arn import make_arn, parse_arn
from lambent.services.logs.errors import InvalidParameter, no_group
from lambent.services.logs.store import LAST_NAME, Place
from lambent.services.operation import Request

GROUP = "log-group:"


def group_arn(place: Place, name: str) -> str:
    """The ARN of a log group, without `:*`."""
    account, region = place
    return make_arn("logs", region, account, GROUP + name)


def stream_arn(place: Place, group_name: str, name: str) -> str:
    """The ARN of a log stream."""
    return f"{group_arn(place, group_name)}:log-stream:{name}"


def group_name_in(place: Place, request: Request) -> str:
    """The name in `logGroupName` or `logGroupIdentifier`, of which a request has exactly one.

    Raises:
        InvalidParameter: both are there, or neither, or the ARN is not one of a log group.
        NotFound: the ARN names another account or Region, with which nothing is shared.
    """
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if bool(name) == bool(identifier):
        raise InvalidParameter("You must include either the logGroupName or the logGroupIdentifier, but not both.")
    return str(name) if name else group_name_of(place, str(identifier))


def group_name_of(place: Place, identifier: str) -> str:
    """The name of the group that a name or an ARN means."""
    if not identifier.startswith("arn:"):
        return identifier
    try:
        arn = parse_arn(identifier)
    except ValueError:
        raise InvalidParameter(f"{identifier} is not the ARN of a log group.") from None
    if arn.service != "logs" or not arn.resource.startswith(GROUP):
        raise InvalidParameter(f"{identifier} is not the ARN of a log group.")
    if (arn.account, arn.region) != place:
        raise no_group()
    return arn.resource.removeprefix(GROUP).removesuffix(":*")


def names_with(prefix: str) -> dict[str, str]:
    """The range of the names that begin with `prefix`, as parameters `low` and `high`."""
    return {"low": prefix, "high": prefix + LAST_NAME}
