"""Who may use a layer version: AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy.

Source: Lambda service model; behaviours section 20. Organizations do not exist here, so a permission
for one is kept and shown as AWS does, and holds for nobody.
"""

from functools import partial

import msgspec

from lambent.services.lambda_ import layer_store
from lambent.services.lambda_.errors import NotFound
from lambent.services.lambda_.layer_model import LayerKey, LayerVersion
from lambent.services.lambda_.layers import numbered, own_layer
from lambent.services.lambda_.policy import (
    NO_POLICY,
    Policy,
    Statement,
    check_revision,
    with_statement,
    without_statement,
)
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

READ_WITH = "GetLayerPolicy"  # AWS's word for it in the refusal


class LayerPermissions:
    """The policy of a layer version."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("AddLayerVersionPermission")
    async def add_layer_version_permission(self, context: RequestContext, request: Request) -> Answer:
        key, number = own_layer(context, request), numbered(request)
        statement = _statement(key.arn(number), request)
        revision_id, limit_bytes = self._all.ids.uuid(), self._all.rules.quotas.policy_bytes

        def work(tx: Transaction) -> None:
            version = _found(tx, key, number)
            check_revision(version.policy, request.get("RevisionId"), READ_WITH)
            _put(tx, version, with_statement(version.policy, statement, revision_id, limit_bytes))

        await self._all.database.write(work)
        return {"Statement": msgspec.json.encode(statement).decode(), "RevisionId": revision_id}

    @operation("RemoveLayerVersionPermission")
    async def remove_layer_version_permission(self, context: RequestContext, request: Request) -> None:
        key, number = own_layer(context, request), numbered(request)
        revision_id = self._all.ids.uuid()

        def work(tx: Transaction) -> None:
            version = _found(tx, key, number)
            left = without_statement(version.policy, request["StatementId"], revision_id)
            check_revision(version.policy, request.get("RevisionId"), READ_WITH)
            _put(tx, version, left)

        await self._all.database.write(work)

    @operation("GetLayerVersionPolicy")
    async def get_layer_version_policy(self, context: RequestContext, request: Request) -> Answer:
        key, number = own_layer(context, request), numbered(request)
        version = await self._all.database.read(partial(_found, key=key, number=number))
        if version.policy is None:
            raise NotFound(NO_POLICY)
        return {"Policy": version.policy.text, "RevisionId": version.policy.revision_id}


def _statement(arn: str, request: Request) -> Statement:
    principal = request["Principal"]
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    statement: Statement = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": principal},
        "Action": request["Action"],
        "Resource": arn,
    }
    if request.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request["OrganizationId"]}}
    return statement


def _found(tx: Transaction, key: LayerKey, number: int) -> LayerVersion:
    version = layer_store.find(tx, key, number)
    if version is None:
        raise NotFound(f"Layer version {key.arn(number)} does not exist.")
    return version


def _put(tx: Transaction, version: LayerVersion, policy: Policy | None) -> None:
    layer_store.put(tx, msgspec.structs.replace(version, policy=policy))
