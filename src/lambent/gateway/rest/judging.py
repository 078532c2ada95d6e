"""What policies say about a request: an authorizer's, and the API's own. Pure; services/statements.py is the judge.

Source: API Gateway Developer Guide, "Output from an API Gateway Lambda authorizer" and "API Gateway resource policy
examples" (aws:SourceIp by NotIpAddress and IpAddress; a Resource `execute-api:/stage/...` stands for the API's own).
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lambent.gateway.rest.calls import RestCall
from lambent.model.rest_api import Part
from lambent.services.resource_policy import Document, Question, decision, parsed
from lambent.services.statements import as_list, like

ACTION = "execute-api:Invoke"
SHORT = "execute-api:/"


def allows(statements: Iterable[Part], arn: str) -> bool:
    """Whether an authorizer's policy lets a caller in."""
    effects = [each.get("Effect") for each in statements if _names(each, arn)]
    return "Allow" in effects and "Deny" not in effects


def explicitly_denied(statements: Iterable[Part], arn: str) -> bool:
    """Whether it says that it does not."""
    return any(each.get("Effect") == "Deny" for each in statements if _names(each, arn))


def judged(policy: str, call: RestCall, principal: str) -> str:
    """What the API's own policy decides: Allow, Deny or nothing."""
    document = parsed(policy)
    prefix = call.arn.split("/", 1)[0]
    whole = {**document, "Statement": [_whole(each, prefix) for each in as_list(document.get("Statement", []))]}
    context = {
        "aws:sourceip": call.facts.source_ip,
        "aws:useragent": call.request.header("user-agent"),
        "aws:referer": call.request.header("referer"),
        "aws:principalarn": principal,
    }
    account = call.facts.principal.account if call.facts.principal else ""
    return decision(_without_ranges(whole, call.facts.source_ip),
                    Question("AWS", principal, account, ACTION, call.arn, context))  # fmt: skip


def _names(statement: Part, arn: str) -> bool:
    actions, resources = as_list(statement.get("Action", [])), as_list(statement.get("Resource", []))
    return any(like(str(each).lower(), ACTION.lower()) for each in actions) and any(
        like(str(each), arn) for each in resources
    )


def _whole(statement: Part, prefix: str) -> Part:
    """A statement with its short Resources written out."""
    resources = [
        f"{prefix}/{each.removeprefix(SHORT)}" if each.startswith(SHORT) else each
        for each in as_list(statement.get("Resource", prefix + "/*"))
    ]
    return {**statement, "Resource": resources}


def _without_ranges(document: Document, source_ip: str) -> Document:
    """The document with its conditions about addresses judged: true ones left out, false ones with their statement."""
    kept = []
    for statement in document["Statement"]:
        conditions = dict(statement.get("Condition", {}))
        outcomes = [
            _in_ranges(keys, source_ip) is wanted
            for operator, wanted in (("IpAddress", True), ("NotIpAddress", False))
            if (keys := conditions.pop(operator, None)) is not None
        ]
        if all(outcomes):
            kept.append({**statement, "Condition": conditions})
    return {**document, "Statement": kept}


def _in_ranges(keys: Mapping[str, Any], source_ip: str) -> bool:
    try:
        address = ipaddress.ip_address(source_ip)
        ranges = [each for key, values in keys.items() if key.lower() == "aws:sourceip" for each in as_list(values)]
        return any(address in ipaddress.ip_network(each, strict=False) for each in ranges)
    except ValueError:
        return False
