"""Which function and version a request is about.

Source: behaviours sections 3 and 6.
"""

import re

from lambent.arn import parse_arn
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn, one_qualifier, parse_function_name
from lambent.services.lambda_ import alias_store, mapping_store, store
from lambent.services.lambda_.errors import NO_RESOURCE, InvalidParameter, NotFound, function_not_found
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.lambda_.model import Alias, Version
from lambent.services.operation import Request, RequestContext
from lambent.store.api import Transaction

ALIAS = re.compile(r"[a-zA-Z0-9_-]+")
NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # fits the database's integers
ON_FUNCTIONS_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


def named(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    """The function of FunctionName, and the qualifier of either parameter. Raises as the parser does."""
    key, derived = parse_function_name(request["FunctionName"], context.account, context.region)
    return key, one_qualifier(derived, request.get("Qualifier", ""))


def function_named(context: RequestContext, request: Request) -> FunctionKey:
    """The same, where only a whole function will do. Raises InvalidParameter."""
    key, qualifier = named(context, request)
    if qualifier not in ("", LATEST):
        raise InvalidParameter(ON_FUNCTIONS_ONLY)
    return key


def mapping_tagged(context: RequestContext, resource: str) -> str | None:
    """The UUID of the event source mapping of a tags operation's ARN; None when it is none's, or not here."""
    arn = parse_arn(resource)
    kind, _, uuid = arn.resource.partition(":")
    here = (arn.account, arn.region) == (context.account, context.region)
    return uuid if kind == "event-source-mapping" and here else None


def find_mapping(tx: Transaction, context: RequestContext, uuid: str) -> EventSourceMapping:
    """The event source mapping. Raises NotFound."""
    mapping = mapping_store.find(tx, context.account, context.region, uuid)
    if mapping is None:
        raise NotFound(NO_RESOURCE)
    return mapping


def function_tagged(context: RequestContext, resource: str) -> FunctionKey:
    """The function of a tags operation's ARN. Raises InvalidParameter for all else that has tags."""
    if not parse_arn(resource).resource.startswith("function:"):
        raise InvalidParameter("Tags are supported on functions and event source mappings only.")
    key, qualifier = parse_function_name(resource, context.account, context.region)
    if qualifier:
        raise InvalidParameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return key


def find_version(tx: Transaction, key: FunctionKey, qualifier: str) -> Version:
    """The version that `qualifier` leads to; of an alias with weights, its first. Raises NotFound."""
    found = None
    if qualifier in ("", LATEST):
        found = store.find_version(tx, key, 0)
    elif NUMBER.fullmatch(qualifier):
        found = store.find_version(tx, key, int(qualifier))
    elif (alias := alias_store.find(tx, key, qualifier)) is not None:
        found = store.find_version(tx, key, alias.version)
    if found is None:
        raise function_not_found(key, qualifier)
    return found


def check_target(tx: Transaction, key: FunctionKey, qualifier: str) -> None:
    """Raises NotFound where there is none; an alias is told in other words than by `find_version`."""
    if ALIAS.fullmatch(qualifier) and not NUMBER.fullmatch(qualifier):
        find_alias(tx, key, qualifier)
    else:
        find_version(tx, key, qualifier)


def find_alias(tx: Transaction, key: FunctionKey, name: str) -> Alias:
    """The alias. Raises NotFound."""
    found = alias_store.find(tx, key, name)
    if found is None:
        raise NotFound(f"Cannot find alias arn: {function_arn(key, name)}")
    return found


def second_version(tx: Transaction, key: FunctionKey, qualifier: str) -> tuple[Version | None, float]:
    """The second version of an alias with weights, and its part of the traffic."""
    alias = alias_store.find(tx, key, qualifier)
    if alias is None or alias.other is None:
        return None, 0.0
    return store.find_version(tx, key, alias.other), alias.weight
