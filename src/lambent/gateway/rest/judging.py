"""What policies say about a request: an authorizer's, and the API's own. Pure; services/conditions.py is the judge.

Source: API Gateway Developer Guide, "Output from an API Gateway Lambda authorizer" and "API Gateway resource policy
examples" (aws:SourceIp by NotIpAddress and IpAddress; a Resource `execute-api:/stage/...` stands for the API's own).
"""

from lambent.gateway.apis.authorizer_policy import allows
from lambent.gateway.rest.calls import RestCall
from lambent.model.rest_api import Part
from lambent.services.request_keys import principal_keys
from lambent.services.resource_policy import Document, Question, decision, parsed
from lambent.services.statements import as_list

ACTION = "execute-api:Invoke"
SHORT = "execute-api:/"


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def known_of(call: RestCall) -> dict[str, str]:
    """The condition keys of a request."""
    known = {
        "aws:sourceip": call.facts.source_ip,
        "aws:useragent": call.request.header("user-agent"),
        "aws:referer": call.request.header("referer"),
        **(principal_keys(call.facts.principal) if call.facts.principal else {}),
    }
    return {key: value for key, value in known.items() if value}


def explicitly_denied(policy: Document, call: RestCall) -> bool:
    """Whether an authorizer's policy, which does not let the caller in, says so: no Allow would help."""
    statements = [*as_list(policy.get("Statement", [])), EVERYTHING]
    return not allows({**policy, "Statement": statements}, call.arn, known_of(call))


def judged(policy: str, call: RestCall, principal: str) -> str:
    """What the API's own policy decides: Allow, Deny or nothing."""
    document = parsed(policy)
    prefix = call.arn.split("/", 1)[0]
    whole = {**document, "Statement": [_whole(each, prefix) for each in as_list(document.get("Statement", []))]}
    account = call.facts.principal.account if call.facts.principal else ""
    return decision(whole, Question("AWS", principal, account, ACTION, call.arn, known_of(call)))


def _whole(statement: Part, prefix: str) -> Part:
    """A statement with its short Resources written out."""
    resources = [
        f"{prefix}/{each.removeprefix(SHORT)}" if each.startswith(SHORT) else each
        for each in as_list(statement.get("Resource", prefix + "/*"))
    ]
    return {**statement, "Resource": resources}
