"""Managed policies and their versions. Source: IAM API Reference, the page of each operation."""

from msgspec import json, structs

from lambent.errors import AccessDenied
from lambent.services.iam.document import chars_of, identity_policy
from lambent.services.iam.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from lambent.services.iam.model import Policy, encoded, moment, with_tags
from lambent.services.iam.resource import Members, Resource
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Row, Transaction


class Policies(Resource):
    """Create, Get, List and Delete, of policies and of their versions; SetDefaultPolicyVersion."""

    @operation("CreatePolicy")
    async def create_policy(self, context: RequestContext, request: Request) -> Answer:
        """A new policy, whose first version is `v1`."""
        path, name, now_ms = request.get("Path", "/"), request["PolicyName"], self.clock.now_ms()
        policy = Policy(
            arn=f"arn:aws:iam::{context.account}:policy{path}{name}",
            account=context.account,
            name=name,
            path=path,
            policy_id=self.unique_id("ANPA"),
            description=request.get("Description", ""),
            default_version=1,
            last_version=1,
            created_ms=now_ms,
            updated_ms=now_ms,
            tags=self.new_tags(request),
        )
        document = self._checked(request["PolicyDocument"])
        await self.store.write(lambda tx: self._add(tx, policy, document))
        return {"Policy": with_tags(policy.answer(0), policy.tags)}

    @operation("GetPolicy")
    async def get_policy(self, context: RequestContext, request: Request) -> Answer:
        """One policy, without its document."""

        def work(tx: Transaction) -> tuple[Policy, int]:
            policy = self._policy(tx, context, request)
            return policy, self.store.attachment_counts(tx, context.account).get(policy.arn, 0)

        policy, attached = await self.store.read(work)
        described = {"Description": policy.description} if policy.description else {}
        return {"Policy": with_tags({**policy.answer(attached), **described}, policy.tags)}

    @operation("ListPolicies")
    async def list_policies(self, context: RequestContext, request: Request) -> Answer:
        """The account's policies and AWS's."""
        if request.get("PolicyUsageFilter") == "PermissionsBoundary":
            return {"Policies": [], "IsTruncated": False}
        page, prefix = Page(request), request.get("PathPrefix", "/")

        def work(tx: Transaction) -> tuple[list[Policy], dict[str, int]]:
            counts = dict(self.store.attachment_counts(tx, context.account))
            found = self.store.policies(tx, context.account, request.get("Scope", "All"))
            return [policy for policy in found if policy.path.startswith(prefix)], counts

        policies, counts = await self.store.read(work)
        if request.get("OnlyAttached"):
            policies = [policy for policy in policies if policy.arn in counts]
        return page.cut("Policies", policies, _arn, lambda policy: policy.answer(counts.get(policy.arn, 0)))

    @operation("DeletePolicy")
    async def delete_policy(self, context: RequestContext, request: Request) -> None:
        """Remove a policy that nobody has and that has no other version than its default."""

        def work(tx: Transaction) -> None:
            policy = self._own_policy(tx, context, request)
            if policy.arn in self.store.attachment_counts(tx, context.account):
                raise DeleteConflict("Cannot delete a policy attached to entities.")
            if len(tx.all(self.store.sql.policy_versions, arn=policy.arn)) > 1:
                raise DeleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the "
                    "policy's versions. The default version is deleted with the policy."
                )
            tx.run(self.store.sql.remove_policy_version, arn=policy.arn, number=policy.default_version)
            tx.run(self.store.sql.remove_policy, arn=policy.arn)

        await self.store.write(work)

    @operation("CreatePolicyVersion")
    async def create_policy_version(self, context: RequestContext, request: Request) -> Answer:
        """The next version; numbers are never used again."""
        document, now_ms = self._checked(request["PolicyDocument"]), self.clock.now_ms()

        def work(tx: Transaction) -> tuple[Policy, Row]:
            policy = self._own_policy(tx, context, request)
            if len(tx.all(self.store.sql.policy_versions, arn=policy.arn)) >= self.quotas.policy_versions:
                raise LimitExceeded(
                    f"A managed policy can have up to {self.quotas.policy_versions} versions. Before you create a "
                    "new version, you must delete an existing version."
                )
            version = {"number": policy.last_version + 1, "document": document, "created_ms": now_ms}
            tx.run(self.store.sql.add_policy_version, arn=policy.arn, **version)
            default = version["number"] if request.get("SetAsDefault") else policy.default_version
            changed = structs.replace(policy, last_version=version["number"], default_version=default)
            self._keep_versions(tx, changed, now_ms)
            return changed, version

        policy, version = await self.store.write(work)
        return {"PolicyVersion": _version(policy, version)}

    @operation("GetPolicyVersion")
    async def get_policy_version(self, context: RequestContext, request: Request) -> Answer:
        """One version, with its document."""

        def work(tx: Transaction) -> tuple[Policy, Row]:
            policy = self._policy(tx, context, request)
            return policy, self._version(tx, policy, request["VersionId"])

        policy, version = await self.store.read(work)
        return {"PolicyVersion": {**_version(policy, version), "Document": encoded(version["document"])}}

    @operation("ListPolicyVersions")
    async def list_policy_versions(self, context: RequestContext, request: Request) -> Answer:
        """The versions, newest first."""

        def work(tx: Transaction) -> tuple[Policy, list[Row]]:
            policy = self._policy(tx, context, request)
            if self.store.managed_document(policy.arn) is not None:
                return policy, [self._version(tx, policy, "v1")]
            return policy, tx.all(self.store.sql.policy_versions, arn=policy.arn)

        policy, versions = await self.store.read(work)
        page = Page(request)
        # A page begins after a key, so the newest must have the smallest.
        return page.cut("Versions", versions, lambda row: f"{10**9 - row['number']}", lambda row: _version(policy, row))

    @operation("SetDefaultPolicyVersion")
    async def set_default_policy_version(self, context: RequestContext, request: Request) -> None:
        """Which version counts from now on."""

        def work(tx: Transaction) -> None:
            policy = self._own_policy(tx, context, request)
            version = self._version(tx, policy, request["VersionId"])
            self._keep_versions(tx, structs.replace(policy, default_version=version["number"]), self.clock.now_ms())

        await self.store.write(work)

    @operation("DeletePolicyVersion")
    async def delete_policy_version(self, context: RequestContext, request: Request) -> None:
        """Remove a version that is not the default."""

        def work(tx: Transaction) -> None:
            policy = self._own_policy(tx, context, request)
            version = self._version(tx, policy, request["VersionId"])
            if version["number"] == policy.default_version:
                raise DeleteConflict("Cannot delete the default version of a policy.")
            tx.run(self.store.sql.remove_policy_version, arn=policy.arn, number=version["number"])

        await self.store.write(work)

    def _policy(self, tx: Transaction, context: RequestContext, request: Request) -> Policy:
        return self.store.policy(tx, context.account, request["PolicyArn"])

    def _own_policy(self, tx: Transaction, context: RequestContext, request: Request) -> Policy:
        policy = self._policy(tx, context, request)
        if policy.account != context.account:
            raise AccessDenied(f"{policy.arn} is kept by AWS and cannot be changed.")
        return policy

    def _version(self, tx: Transaction, policy: Policy, version_id: str) -> Row:
        managed = self.store.managed_document(policy.arn)
        if managed is not None and version_id == "v1":
            return {"number": 1, "document": managed, "created_ms": policy.created_ms}
        number = int(version_id[1:].partition(".")[0])
        row = tx.one(self.store.sql.policy_version, arn=policy.arn, number=number) if number < 10**9 else None
        if row is None:
            raise NoSuchEntity(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")
        return row

    def _keep_versions(self, tx: Transaction, policy: Policy, now_ms: int) -> None:
        numbers = {"default_version": policy.default_version, "last_version": policy.last_version}
        tx.run(self.store.sql.set_policy_versions, arn=policy.arn, updated_ms=now_ms, **numbers)

    def _add(self, tx: Transaction, policy: Policy, document: str) -> None:
        name_key = policy.name.lower()
        others = self.store.policies(tx, policy.account, "Local")
        if any(other.name.lower() == name_key for other in others):
            raise EntityAlreadyExists(f"A policy called {policy.name} already exists. Duplicate names are not allowed.")
        columns = structs.asdict(policy)
        for made_by_the_database in ("default_version", "last_version", "updated_ms"):
            del columns[made_by_the_database]
        columns["tags"] = json.encode(policy.tags).decode()
        tx.run(self.store.sql.add_policy, name_key=name_key, **columns)
        version = {"number": 1, "document": document, "created_ms": policy.created_ms}
        tx.run(self.store.sql.add_policy_version, arn=policy.arn, **version)

    def _checked(self, document: str) -> str:
        identity_policy(document)
        if chars_of(document) > self.quotas.policy_chars:
            raise LimitExceeded(f"Cannot exceed quota for PolicySize: {self.quotas.policy_chars}")
        return document


def _version(policy: Policy, row: Row) -> Members:
    return {
        "VersionId": f"v{row['number']}",
        "IsDefaultVersion": row["number"] == policy.default_version,
        "CreateDate": moment(row["created_ms"]),
    }


def _arn(policy: Policy) -> str:
    return policy.arn
