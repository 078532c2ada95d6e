"""Where integrations and authorizers lead: the URIs of functions and of operations, with stage variables in them. Pure.

A function is named by the ARN with which API Gateway invokes it
(`arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`), for an HTTP API also by its own ARN;
`${stageVariables.NAME}` stands for a variable of the stage, which is known only when the stage is.

Source: API Gateway API Reference, `PutIntegration` (uri); API Gateway Developer Guide, "Create AWS Lambda proxy
integrations for HTTP APIs" and "Use stage variables" (a function name, or part of one, or an alias).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from lambent.arn import parse_arn
from lambent.model.function import FunctionKey

VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
AWS_URI = re.compile(r"arn:aws[a-z-]*:apigateway:([a-z0-9-]+):(?:[a-z0-9-]+\.)?([a-z0-9-]+):(path|action)/(.+)")
INVOCATION = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(.+)/invocations")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
QUALIFIER = re.compile(r"\$LATEST|[a-zA-Z0-9_-]{1,128}")


class Function(NamedTuple):
    """A function, or a version or alias of it ("" for none)."""

    key: FunctionKey
    qualifier: str


class Operation(NamedTuple):
    """An operation of a service: `action` is its name (`kind` action), or the path that it is sent to (path)."""

    region: str
    service: str
    kind: str
    action: str


def operation_of(uri: str, variables: Mapping[str, str]) -> Operation | None:
    """The operation that a URI names; None for what is no such URI."""
    match = AWS_URI.fullmatch(filled(uri, variables))
    return None if match is None else Operation(match[1], match[2], match[3], match[4])


def wraps_function(uri: str) -> bool:
    """Whether a URI is the one with which API Gateway invokes a function, whatever stands in it."""
    return INVOCATION.fullmatch(uri) is not None


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the stage's variables in it; one that is not there leaves nothing."""
    return VARIABLE.sub(lambda found: variables.get(found[1], ""), text) if "$" in text else text


def function_of(uri: str, variables: Mapping[str, str]) -> Function | None:
    """The function that a URI leads to; None where it names none."""
    return _function(filled(uri, variables))


@lru_cache(maxsize=4096)
def _function(text: str) -> Function | None:
    wrapped = INVOCATION.fullmatch(text)
    try:
        arn = parse_arn(wrapped[1] if wrapped else text)
    except ValueError:
        return None
    kind, _, rest = arn.resource.partition(":")
    name, _, qualifier = rest.partition(":")
    if arn.service != "lambda" or kind != "function" or not NAME.fullmatch(name):
        return None
    if qualifier and not QUALIFIER.fullmatch(qualifier):
        return None
    return Function(FunctionKey(arn.account, arn.region, name), qualifier)
