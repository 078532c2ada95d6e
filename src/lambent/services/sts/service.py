"""The operations of STS. Source: STS API Reference, the page of each operation.

Ours: the root may assume a role that trusts its account. AWS forbids it, but here the root key is
what an administrator works with, and CDK and its like assume roles with whatever key there is.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lambent.errors import AccessDenied, NotImplementedByLambent, ServiceError, ValidationError
from lambent.model.principal import TemporaryCredentials
from lambent.services.operation import Answer, Operation, Request, RequestContext, operation, operations_of
from lambent.services.sts.api import Sessions

DEFAULT_ROLE_SESSION_S = 3_600
CHAINED_SESSION_S = 3_600
DEFAULT_SESSION_TOKEN_S = 43_200
ROOT_SESSION_S = 3_600
UNSUPPORTED = {
    "Policy": "session policies are not enforced yet",
    "PolicyArns": "session policies are not enforced yet",
    "Tags": "session tags are not carried yet",
    "TransitiveTagKeys": "session tags are not carried yet",
    "SourceIdentity": "source identities are not carried yet",
    "ProvidedContexts": "provided contexts are not carried",
    "SerialNumber": "there are no MFA devices",
    "TokenCode": "there are no MFA devices",
}


class Denied(AccessDenied):
    """STS's own spelling: botocore's model of STS names no such error."""

    code = "AccessDenied"


class InvalidAccessKey(ServiceError):
    """GetAccessKeyInfo was asked about a key that nobody has."""

    code, status = "InvalidClientTokenId", 403


class Sts:
    """GetCallerIdentity, AssumeRole, GetSessionToken, GetAccessKeyInfo."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    @operation("GetCallerIdentity")
    async def get_caller_identity(self, context: RequestContext, request: Request) -> Answer:
        """Who asks."""
        caller = context.principal
        return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}

    @operation("AssumeRole")
    async def assume_role(self, context: RequestContext, request: Request) -> Answer:
        """Credentials of a role, when its trust policy lets the caller have them."""
        _refuse_unsupported(request)
        arn, name, caller = request["RoleArn"], request["RoleSessionName"], context.principal
        role = await self.sessions.assumable_role(arn)
        external_id = request.get("ExternalId", "")
        if role is None or not self.sessions.trusts_caller(role, caller, external_id, name):
            raise Denied(f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
        duration_s = request.get("DurationSeconds", DEFAULT_ROLE_SESSION_S)
        if ":assumed-role/" in caller.arn and duration_s > CHAINED_SESSION_S:
            raise ValidationError(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
        if duration_s > role.max_session_s:
            raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        made = self.sessions.session_for_role(role, name, duration_s)
        assumed = {"AssumedRoleId": made.principal.user_id, "Arn": made.principal.arn}
        return {"Credentials": _credentials(made), "AssumedRoleUser": assumed}

    @operation("GetSessionToken")
    async def get_session_token(self, context: RequestContext, request: Request) -> Answer:
        """Credentials that speak for the user who asks, for a while."""
        _refuse_unsupported(request)
        caller = context.principal
        if caller.temporary:
            raise Denied("Cannot call GetSessionToken with session credentials")
        duration_s = request.get("DurationSeconds", DEFAULT_SESSION_TOKEN_S)
        if caller.arn.endswith(":root"):
            duration_s = min(duration_s, ROOT_SESSION_S)
        return {"Credentials": _credentials(self.sessions.session_for_caller(caller, duration_s))}

    @operation("GetAccessKeyInfo")
    async def get_access_key_info(self, context: RequestContext, request: Request) -> Answer:
        """The account of any access key."""
        account = await self.sessions.account_of(request["AccessKeyId"])
        if account is None:
            raise InvalidAccessKey("The security token included in the request is invalid.")
        return {"Account": account}

    @operation("AssumeRoleWithWebIdentity")
    async def assume_role_with_web_identity(self, context: RequestContext, request: Request) -> Answer:
        """Refused: no identity provider can be trusted yet."""
        raise NotImplementedByLambent("AssumeRoleWithWebIdentity is not supported: there are no identity providers.")


def sts_operations(sessions: Sessions) -> dict[str, Operation]:
    """All operations of STS that Lambent carries out, by name."""
    return operations_of(Sts(sessions))


def _refuse_unsupported(request: Mapping[str, Any]) -> None:
    for name, reason in UNSUPPORTED.items():
        if request.get(name):
            raise NotImplementedByLambent(f"{name} is not supported: {reason}.")


def _credentials(made: TemporaryCredentials) -> dict[str, Any]:
    return {
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret,
        "SessionToken": made.session_token,
        "Expiration": datetime.fromtimestamp(made.expires_s, UTC),
    }
