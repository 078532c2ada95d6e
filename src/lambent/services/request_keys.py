"""The condition keys that a request to any service has, for the policies of resources. Pure.

Source: IAM User Guide, "AWS global condition context keys": aws:PrincipalArn of a session is its role's, aws:username
is there for users only, aws:MultiFactorAuthPresent for temporary credentials only.
"""

from lambent.model.principal import Principal
from lambent.services.operation import RequestContext

TYPES = {"root": "Account", "user": "User", "assumed-role": "AssumedRole"}


def request_keys(ctx: RequestContext) -> dict[str, str]:
    """Those of a request: who asks, from where, when and how."""
    found = {
        **ctx.keys(),
        "aws:sourceip": ctx.source_ip,
        "aws:securetransport": str(ctx.endpoint.startswith("https")).lower(),
        "aws:requestedregion": ctx.region,
        "aws:principaltype": "Anonymous",
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
    }
    return found | principal_keys(ctx.principal) if ctx.principal.account else found


def principal_keys(principal: Principal) -> dict[str, str]:
    """Those of an identity."""
    kind, _, name = principal.arn.split(":", 5)[-1].partition("/")
    found = {
        "aws:principalarn": principal.identity_arn,
        "aws:principalaccount": principal.account,
        "aws:userid": principal.user_id,
        "aws:principaltype": TYPES.get(kind, kind),
    }
    if kind == "user":
        found["aws:username"] = name.rpartition("/")[2]
    if principal.temporary:
        found["aws:multifactorauthpresent"] = "false"
    return found
