"""The grammar of policy documents: what may stand in one, in the words of AWS's refusals.

Knows: form only, of identity policies (attached or inline) and of trust policies. What a policy
allows is for its evaluation to say.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements
reference"; the messages are those that IAM answers with MalformedPolicyDocument.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from lambent.services.iam.errors import MalformedPolicyDocument
from lambent.services.statements import as_list

VERSIONS = ("2008-10-17", "2012-10-17")
_ACTION = re.compile(r"[A-Za-z0-9*?\-]+:[A-Za-z0-9*?]+|\*")
_RESOURCE = re.compile(r"(arn|\*)(:[^:]*){5}.*|\*|arn:.*\*", re.DOTALL)
_SID = re.compile(r"[A-Za-z0-9]*")
_ACCOUNT_OR_ARN = re.compile(r"\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::(\d{12}|\*):.+|AIDA\w+|AROA\w+")
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws|amazon)\.(com|com\.cn)|\*")
_FIELDS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
}
_TRUST_ACTIONS = {"sts:*", "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"} | {
    *("sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext")
}
Document = dict[str, Any]


def identity_policy(text: str) -> Document:
    """The parsed policy of a user or role. Raises MalformedPolicyDocument."""
    return _parsed(text, _check_identity_statement)


def trust_policy(text: str) -> Document:
    """The parsed policy that says who may assume a role. Raises MalformedPolicyDocument."""
    return _parsed(text, _check_trust_statement)


def chars_of(text: str) -> int:
    """The size that quotas count: white space does not."""
    return len(re.sub(r"\s", "", text))


def statements_of(document: Document) -> list[dict[str, Any]]:
    """A document's statements."""
    return as_list(document["Statement"])


def _parsed(text: str, check: Callable[[dict[str, Any]], None]) -> Document:
    try:
        document = json.loads(text, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError):
        raise MalformedPolicyDocument("This policy contains invalid Json") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise _syntax()
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise MalformedPolicyDocument("The policy must contain a valid version string")
    if not isinstance(document.get("Id", ""), str) or not document.get("Statement"):
        raise _syntax()
    for statement in statements_of(document):
        _check_form(statement)
        check(statement)
    sids = [statement["Sid"] for statement in statements_of(document) if statement.get("Sid")]
    if len(sids) != len(set(sids)):
        raise MalformedPolicyDocument("Statement IDs (SID) in a single policy must be unique.")
    return document


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _check_form(statement: Any) -> None:
    """What holds for the statement of any policy."""
    if not isinstance(statement, dict) or not set(statement) <= _FIELDS:
        raise _syntax()
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in statement and other in statement:
            raise _syntax()
    if statement.get("Effect") not in ("Allow", "Deny") or not _is_condition(statement.get("Condition", {})):
        raise _syntax()
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        raise _syntax()
    if not _SID.fullmatch(sid):
        raise MalformedPolicyDocument(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*"
        )
    actions = _strings(statement, "Action", "NotAction")
    if not actions:
        raise MalformedPolicyDocument("Policy statement must contain actions.")
    if not all(map(_ACTION.fullmatch, actions)):
        raise MalformedPolicyDocument("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


def _check_identity_statement(statement: dict[str, Any]) -> None:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise MalformedPolicyDocument("Policy document should not specify a principal.")
    resources = _strings(statement, "Resource", "NotResource")
    if not resources:
        raise MalformedPolicyDocument("Policy statement must contain resources.")
    for resource in resources:
        if not _RESOURCE.fullmatch(resource):
            raise MalformedPolicyDocument(f'Resource {resource} must be in ARN format or "*".')


def _check_trust_statement(statement: dict[str, Any]) -> None:
    if "Resource" in statement or "NotResource" in statement:
        raise MalformedPolicyDocument("Has prohibited field Resource")
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise MalformedPolicyDocument("Missing required field Principal")
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise MalformedPolicyDocument("Allow with NotPrincipal is not allowed.")
    if not set(_strings(statement, "Action", "NotAction")) <= _TRUST_ACTIONS:
        raise MalformedPolicyDocument("AssumeRole policy may only specify STS AssumeRole actions.")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise _syntax()
    for kind, named in principal.items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise MalformedPolicyDocument(f'Invalid principal in policy: "{kind}"')
        form = {"AWS": _ACCOUNT_OR_ARN, "Service": _SERVICE}.get(kind)
        for value in as_list(named) or [""]:
            if not isinstance(value, str) or not value or (form is not None and not form.fullmatch(value)):
                shown = str(value).upper() if kind == "Service" else value
                raise MalformedPolicyDocument(f'Invalid principal in policy: "{kind}":"{shown}"')


def _strings(statement: dict[str, Any], *names: str) -> list[str]:
    """The strings under whichever of `names` is there."""
    for name in names:
        if name in statement:
            values = as_list(statement[name])
            if not all(isinstance(value, str) for value in values):
                raise _syntax()
            return values
    return []


def _is_condition(condition: Any) -> bool:
    """`{operator: {key: value or values}}`."""
    if not isinstance(condition, dict):
        return False
    return all(
        isinstance(keys, dict)
        and all(isinstance(value, str | bool | int | float) for values in keys.values() for value in as_list(values))
        for keys in condition.values()
    )


def _syntax() -> MalformedPolicyDocument:
    return MalformedPolicyDocument("Syntax errors in policy.")
