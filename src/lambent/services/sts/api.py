"""The contract of this room: STS keeps nothing, and asks IAM for everything, through `Sessions`.

IAM's `Keys` satisfies it; the composition root connects the two.
"""

from typing import Protocol

from lambent.model.principal import AssumableRole, Principal, TemporaryCredentials


class Sessions(Protocol):
    """What STS needs to know and to make."""

    async def assumable_role(self, role_arn: str) -> AssumableRole | None:
        """The role at exactly this ARN, or None."""

    def trusts_caller(self, role: AssumableRole, caller: Principal, external_id: str, session_name: str) -> bool:
        """Whether the role's trust policy lets `caller` assume it."""

    def session_for_role(self, role: AssumableRole, session_name: str, duration_s: int) -> TemporaryCredentials:
        """Credentials of the role."""

    def session_for_caller(self, caller: Principal, duration_s: int) -> TemporaryCredentials:
        """Credentials that speak for `caller`."""

    async def account_of(self, access_key_id: str) -> str | None:
        """The account of an access key, or None."""
