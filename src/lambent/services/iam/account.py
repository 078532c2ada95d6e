"""What IAM says of an account as a whole. Source: IAM API Reference, the page of each operation."""

from lambent.services.iam.resource import Resource
from lambent.services.operation import Answer, Request, RequestContext, operation


class Account(Resource):
    """GetAccountSummary, ListAccountAliases."""

    @operation("GetAccountSummary")
    async def get_account_summary(self, context: RequestContext, request: Request) -> Answer:
        """How much there is, and how much there may be; what Lambent lacks counts as none."""
        counts = await self.store.read(lambda tx: tx.one(self.store.sql.summary, account=context.account))
        found = counts or {"users": 0, "roles": 0, "policies": 0}
        return {
            "SummaryMap": {
                "Users": found["users"],
                "Roles": found["roles"],
                "Policies": found["policies"],
                "Groups": 0,
                "MFADevices": 0,
                "AccountMFAEnabled": 0,
                "AccessKeysPerUserQuota": self.quotas.access_keys_per_user,
                "AttachedPoliciesPerRoleQuota": self.quotas.policies_per_role,
                "AttachedPoliciesPerUserQuota": self.quotas.policies_per_user,
                "PolicySizeQuota": self.quotas.policy_chars,
                "VersionsPerPolicyQuota": self.quotas.policy_versions,
                "UserPolicySizeQuota": self.quotas.user_policies_chars,
                "AssumeRolePolicySizeQuota": self.quotas.trust_chars,
            }
        }

    @operation("ListAccountAliases")
    async def list_account_aliases(self, context: RequestContext, request: Request) -> Answer:
        """No account has an alias, for none can be made."""
        return {"AccountAliases": [], "IsTruncated": False}
