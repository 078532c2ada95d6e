"""How callers name functions, and the ARNs that we answer with.

Four forms: `NAME`, `ACCOUNT:function:NAME`, `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, each
with or without `:QUALIFIER`. The bare name is the hot path of Invoke and costs one match.

Knows: the forms, and what is said about those that lead elsewhere. Does not know which functions exist.
Source: Lambda service model (FunctionName, NamespacedFunctionName); behaviours section 3. An ARN of another
account is refused here: who may serve its callers parses it for its owner, once the function's policy was asked.
"""

import re

from lambent.errors import AccessDenied, ServiceError, ValidationError
from lambent.model.function import FunctionKey

LATEST = "$LATEST"
LONGEST_NAME = 64
BARE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)  # AWS's own, for its message
FORM = re.compile(
    r"(?P<arn>arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9]):)?"
    r"(?:(?P<account>[0-9]{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)
QUALIFIER = re.compile(r"\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]{1,128}")


class MismatchedQualifier(ServiceError):
    """The name and the Qualifier parameter disagree."""

    code = "InvalidParameterValueException"


class NotInThisRegion(ServiceError):
    """The ARN is of another Region."""

    code, status = "ResourceNotFoundException", 404


def parse_function_name(text: str, account: str, region: str) -> tuple[FunctionKey, str]:
    """Which function `text` names for a caller of this account and Region, and its qualifier ("" for none).

    Raises:
        ValidationError: it has none of the forms, or the name is too long.
        NotInThisRegion: it is an ARN of another Region.
        AccessDenied: it is an ARN of another account.
    """
    if BARE.fullmatch(text) is not None:
        return FunctionKey(account, region, text), ""
    match = FORM.fullmatch(text)
    if match is None or (match["arn"] and not (match["region"] and match["account"])):
        raise _invalid(text, f"satisfy regular expression pattern: {PATTERN}")
    if len(match["name"]) > LONGEST_NAME:
        raise _invalid(text, f"have length less than or equal to {LONGEST_NAME}")
    _check_place(match["region"] or region, match["account"] or account, FunctionKey(account, region, match["name"]))
    return FunctionKey(account, region, match["name"]), match["qualifier"] or ""


def owner_named(text: str, account: str) -> str:
    """Whose function `text` names for a caller of this account; the caller's own where it has no legal form."""
    if BARE.fullmatch(text) is not None:
        return account
    match = FORM.fullmatch(text)
    return account if match is None else match["account"] or account


def one_qualifier(derived: str, given: str) -> str:
    """The qualifier of a request that may carry one in the name and one of its own.

    Raises:
        MismatchedQualifier: both are there and differ.
        ValidationError: the given one has no legal form.
    """
    if given and QUALIFIER.fullmatch(given) is None:
        raise ValidationError(
            f"1 validation error detected: Value '{given}' at 'qualifier' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
        )
    if derived and given and derived != given:
        raise MismatchedQualifier(
            "The derived qualifier from the function name does not match the specified qualifier.", Type="User"
        )
    return given or derived


def function_arn(key: FunctionKey, qualifier: str = "") -> str:
    """The ARN of a function, or of the version or alias that `qualifier` names."""
    arn = f"arn:aws:lambda:{key.region}:{key.account}:function:{key.name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def _check_place(region: str, account: str, key: FunctionKey) -> None:
    if region != key.region:
        raise NotInThisRegion(
            f"Functions from '{region}' are not reachable in this region ('{key.region}')", Type="User"
        )
    if account != key.account:
        arn = function_arn(FunctionKey(account, region, key.name))
        raise AccessDenied(
            f"Account {key.account} is not authorized to perform this action on resource: {arn} "
            "because no resource-based policy allows the action",
            Type="User",
        )


def _invalid(text: str, constraint: str) -> ValidationError:
    return ValidationError(
        f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
        f"Member must {constraint}"
    )
