"""Roles that a caller hands to a service, for it to act as. Pure.

A service may act as a role that trusts it, and every account's roles trust the same services. So what keeps one account
from using another's roles is that nobody can hand on a role of another account.

Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service" ("you cannot pass a role across
accounts"); the words are those of the services.
"""

from lambent.arn import parse_arn
from lambent.errors import AccessDenied


def check_passed(role_arn: str, account: str) -> None:
    """Raises AccessDenied for a role of another account; what is no ARN is for others to refuse."""
    try:
        owner = parse_arn(role_arn).account
    except ValueError:
        return
    if owner != account:
        raise AccessDenied("Cross-account pass role is not allowed.")
