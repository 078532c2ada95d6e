"""Names and ARNs of buses and rules."""

import re

from lambent.arn import parse_arn
from lambent.errors import ValidationError
from lambent.services.events.errors import not_valid
from lambent.services.events.model import DEFAULT, BusKey
from lambent.services.operation import RequestContext

_BUS_ARN = re.compile(r"arn:aws[\w-]*:events:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):event-bus/(?P<name>.+)")


def bus_key(ctx: RequestContext, named: str | None) -> BusKey:
    """The bus that a caller names: nothing for the default one, a name, or an ARN."""
    return bus_named(ctx.account, ctx.region, named or DEFAULT)


def own_bus_key(ctx: RequestContext, named: str | None) -> BusKey:
    """As `bus_key`, and the caller's own. Raises ValidationError."""
    key = bus_key(ctx, named)
    if (key.account, key.region) != (ctx.account, ctx.region):
        raise not_valid("EventBusName", "The event bus is not in this account and Region.")
    return key


def bus_named(account: str, region: str, named: str) -> BusKey:
    """The bus that a name means in an account and Region, or an ARN anywhere."""
    match = _BUS_ARN.fullmatch(named)
    return BusKey(match["account"], match["region"], match["name"]) if match else BusKey(account, region, named)


def is_bus_arn(arn: str) -> bool:
    """Whether it is the ARN of an event bus."""
    return _BUS_ARN.fullmatch(arn) is not None


def rule_of_arn(ctx: RequestContext, arn: str) -> tuple[BusKey, str] | None:
    """The bus, and the name of the rule there ("" for the bus itself); None when it is another's, or neither."""
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise ValidationError(f"{arn} is not the ARN of an event bus or a rule.") from None
    kind, _, path = parts.resource.partition("/")
    if (parts.service, parts.region, parts.account) != ("events", ctx.region, ctx.account):
        return None
    if kind == "event-bus":
        return BusKey(ctx.account, ctx.region, path), ""
    if kind != "rule":
        return None
    bus, _, name = path.rpartition("/")
    return BusKey(ctx.account, ctx.region, bus or DEFAULT), name
