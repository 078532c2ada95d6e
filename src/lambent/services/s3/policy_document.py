"""The policy of a bucket: whether it may be one, and whether it lets in the public. Pure.

What could not be judged is refused when the policy is put: canonical user ids, federated identities, and condition
keys whose values Lambent does not know (aws:PrincipalTag, s3:TlsVersion). Keys of what is not here (networks,
organizations, multi-factor devices, locks) are taken: no request has them, as no request on AWS that comes without.

Sources: S3 User Guide, "Bucket policies" and "Blocking public access to your Amazon S3 storage", "The meaning of
'public'"; the messages are those that S3 gives.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lambent.services.conditions import epoch_s, is_operator
from lambent.services.resource_policy import VERSIONS, Document
from lambent.services.s3.actions import is_of_objects, known_actions
from lambent.services.s3.errors import S3Error, not_implemented
from lambent.services.statements import as_list, like

LONGEST_BYTES = 20 * 1024
FIELDS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = re.compile(r"\*|(?i:s3):[A-Za-z*?]+")
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com|\*")
IDENTITY = re.compile(r"\*|\d{12}|arn:aws:(?:iam::\d{12}:(?:root|(?:user|role)/.+)|sts::\d{12}:assumed-role/.+)")
KEYS = re.compile(
    r"aws:(?:principal(?:arn|account|type|isawsservice|org(?:id|paths))|userid|username|useragent|referer"
    r"|currenttime|epochtime|sourceip|vpcsourceip|securetransport|viaawsservice|requestedregion|resourceaccount"
    r"|source(?:arn|account|owner|vpc|vpce)|multifactorauth(?:present|age))"
    r"|s3:(?:prefix|delimiter|max-keys|versionid|if-match|if-none-match|authtype|signatureversion|signatureage"
    r"|resourceaccount|objectcreationoperation|requestobjecttagkeys"
    r"|x-amz-(?:acl|content-sha256|copy-source|metadata-directive|storage-class|server-side-encryption"
    r"|server-side-encryption-(?:aws-kms-key-id|customer-algorithm)|website-redirect-location|grant-[a-z-]+)"
    r"|object-lock-(?:mode|retain-until-date|remaining-retention-days|legal-hold)"
    r"|(?:existing|request)objecttag/.+)",
    re.IGNORECASE,
)
CONFINING = frozenset(
    {
        *("aws:principalarn", "aws:principalaccount", "aws:userid", "aws:sourceip", "aws:sourcearn"),
        *("aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce"),
    }
)
WIDEST_V4, WIDEST_V6 = 8, 32


def document_of(text: str, bucket_arn: str) -> Document:
    """The policy that `text` is for that bucket. Raises MalformedPolicy, NotImplemented."""
    if len(text.encode()) > LONGEST_BYTES:
        raise _malformed("Policy exceeds the maximum allowed document size.")
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        document = None
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    if unknown := set(document) - {"Version", "Id", "Statement"}:
        raise _malformed(f"Unknown field {min(unknown)}")
    statements = as_list(document.get("Statement", []))
    if not statements:
        raise _malformed("Missing required field Statement")
    for each in statements:
        _check_statement(each, bucket_arn)
    return document


def is_public(document: Document) -> bool:
    """Whether anybody at all is let in: a wildcard principal, and no condition that confines it."""
    return any(
        each["Effect"] == "Allow" and _is_anybody(each["Principal"]) and not _confines(each.get("Condition", {}))
        for each in as_list(document["Statement"])
    )


def _check_statement(statement: Any, bucket_arn: str) -> None:
    if not isinstance(statement, dict):
        raise _malformed("Invalid policy syntax.")
    if unknown := set(statement) - FIELDS:
        raise _malformed(f"Unknown field {min(unknown)}")
    if not statement.get("Effect"):
        raise _malformed("Missing required field Effect")
    _, actions, resources = (_one_of(statement, name) for name in ("Principal", "Action", "Resource"))
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise _malformed("Allow with NotPrincipal is not allowed.")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
    if not all(isinstance(each, str) and ACTION.fullmatch(each) for each in actions):
        raise _malformed("Policy has invalid action")
    if not all(isinstance(each, str) and _is_within(each, bucket_arn) for each in resources):
        raise _malformed("Policy has invalid resource")
    _check_reach(actions, resources if {"Action", "Resource"} <= set(statement) else [], bucket_arn)
    _check_condition(statement.get("Condition", {}))


def _check_reach(actions: list[str], resources: list[str], bucket_arn: str) -> None:
    """Each action is one, and is about one of the resources, if there are any. Raises MalformedPolicy."""
    bucket = any(like(each, bucket_arn) for each in resources)
    objects = any("/" in each or each.endswith("*") for each in resources)
    for pattern in actions:
        meant = [each for each in known_actions() if like(pattern.lower(), each)]
        if not meant:
            raise _malformed("Policy has invalid action")
        if resources and not any(objects if is_of_objects(each) else bucket for each in meant):
            raise _malformed("Action does not apply to any resource(s) in statement")


def _one_of(statement: Mapping[str, Any], name: str) -> list[Any]:
    """What the statement names, or all but which it names: one of the two. Raises MalformedPolicy."""
    given = [statement[each] for each in (name, f"Not{name}") if each in statement]
    if not given or not given[0]:
        raise _malformed(f"Missing required field {name}")
    if len(given) > 1:
        raise _malformed(f"Statement has both {name} and Not{name}")
    return as_list(given[0])


def _is_within(resource: str, bucket_arn: str) -> bool:
    """Whether an ARN of a policy, which may have wildcards, names the bucket or something in it."""
    bucket, _, _ = resource.partition("/")
    return resource.startswith("arn:") and like(bucket, bucket_arn)


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise _malformed("Invalid principal in policy")
    for kind, names in principal.items():
        if kind in ("CanonicalUser", "Federated"):
            raise not_implemented(f"{kind} as a principal in the policy of a bucket")
        form = {"AWS": IDENTITY, "Service": SERVICE}.get(kind)
        if form is None or not all(isinstance(name, str) and form.fullmatch(name) for name in as_list(names)):
            raise _malformed("Invalid principal in policy")


def _check_condition(condition: Any) -> None:
    for operator, keys in _items(condition):
        if not is_operator(operator):
            raise _malformed(f"Invalid Condition type : {operator}")
        for key, values in _items(keys):
            if not KEYS.fullmatch(key):
                known = key.lower().startswith(("aws:", "s3:"))
                raise (
                    not_implemented(f"The condition key {key}")
                    if known
                    else _malformed("Policy has an invalid condition key")
                )
            wanted = as_list(values)
            if not wanted or not all(isinstance(value, str | bool | int | float) for value in wanted):
                raise _malformed("Invalid policy syntax.")
            if "IpAddress" in operator and not all(map(_is_network, wanted)):
                raise _malformed("Policy has an invalid IP address")
            if "Date" in operator and not all(map(_is_date, wanted)):
                raise _malformed("Policy has an invalid date")
            if "Numeric" in operator and not all(map(_is_number, wanted)):
                raise _malformed("Policy has an invalid number")


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _malformed("Invalid policy syntax.")
    yield from value.items()


def _is_anybody(principal: Any) -> bool:
    return principal == "*" or "*" in as_list(principal.get("AWS", []))


def _confines(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether some test of the condition lets in only who is named."""
    return any(
        key.lower() in CONFINING
        and _is_narrow(operator)
        and all(_is_fixed(key, str(value)) for value in as_list(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _is_narrow(operator: str) -> bool:
    """Whether a request without the key, or with another value, meets it not."""
    return not (
        "Not" in operator or operator == "Null" or operator.startswith("ForAll") or operator.endswith("IfExists")
    )


def _is_fixed(key: str, value: str) -> bool:
    if key.lower() != "aws:sourceip":
        return not set("*?") & set(value)
    network = ipaddress.ip_network(value, strict=False)
    return network.prefixlen >= (WIDEST_V4 if network.version == 4 else WIDEST_V6)


def _is_network(value: Any) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return isinstance(value, str)


def _is_date(value: Any) -> bool:
    try:
        epoch_s(str(value))
    except (ValueError, OverflowError):
        return False
    return True


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _malformed(message: str) -> S3Error:
    return S3Error("MalformedPolicy", 400, message)
