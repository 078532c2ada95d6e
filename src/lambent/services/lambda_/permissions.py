"""Who may use a function: AddPermission, RemovePermission, GetPolicy, and the operations on whole policies.

A policy belongs to the function, to a version or to an alias, and speaks for exactly that: who calls
by a qualified name is judged by the qualified policy.

Source: Lambda service model; behaviours section 20; Lambda Developer Guide, "Working with resource-based
IAM policies in Lambda".
"""

from functools import partial

import msgspec

from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn, parse_function_name
from lambent.services.lambda_ import attachments, store
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.errors import NO_RESOURCE, InvalidParameter, NotFound, StalePolicy
from lambent.services.lambda_.names import check_target, named
from lambent.services.lambda_.policy import (
    NO_POLICY,
    Asked,
    Document,
    Policy,
    allows,
    check_length,
    denies,
    with_statement,
    without_statement,
)
from lambent.services.lambda_.policy_document import parsed
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.statements import statement_for
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

READ_WITH = "GetPolicy"


class Permissions:
    """The resource policies of functions."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    async def allows(self, key: FunctionKey, qualifier: str, caller: Caller) -> bool:
        """Whether the policy of what is called lets `caller` in; False when there is no such thing."""
        return allows(*await self._question(key, qualifier, caller))

    async def denies(self, key: FunctionKey, qualifier: str, caller: Caller) -> bool:
        """Whether that policy shuts `caller` out, who may come in by rights of its own."""
        return denies(*await self._question(key, qualifier, caller))

    async def admits(self, key: FunctionKey, qualifier: str, caller: Caller) -> bool:
        """Whether an identity may do what it asks: of the function's own account unless the policy denies it, of
        another one if the policy allows it."""
        if caller.account == key.account:
            return not await self.denies(key, qualifier, caller)
        return await self.allows(key, qualifier, caller)

    async def _question(self, key: FunctionKey, qualifier: str, caller: Caller) -> tuple[Policy | None, Asked]:
        qualifier = "" if qualifier == LATEST else qualifier
        document = await self._all.database.read(lambda tx: attachments.policy(tx, key, qualifier))
        policy = None if document is None else Policy(document, "")
        return policy, Asked(caller.principal, caller.action, function_arn(key, qualifier), caller.context())

    @operation("AddPermission")
    async def add_permission(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)
        if qualifier == LATEST:
            raise InvalidParameter("We currently do not support adding policies for $LATEST.")
        statement = statement_for(function_arn(key, qualifier), request)

        def work(tx: Transaction) -> None:
            check_target(tx, key, qualifier)
            present = _present(tx, key, qualifier, request.get("RevisionId"))
            limit_bytes = self._all.rules.quotas.policy_bytes
            self._put(tx, key, qualifier, with_statement(present, statement, "", limit_bytes))

        await self._all.changes.make(key, work)
        return {"Statement": msgspec.json.encode(statement).decode()}

    @operation("RemovePermission")
    async def remove_permission(self, context: RequestContext, request: Request) -> None:
        key, qualifier = _policy_named(context, request)

        def work(tx: Transaction) -> None:
            if store.find_version(tx, key, 0) is None:
                raise NotFound(f"No policy found for: {function_arn(key)}")
            check_target(tx, key, qualifier)
            present = _present(tx, key, qualifier, request.get("RevisionId"))
            self._put(tx, key, qualifier, without_statement(present, request["StatementId"], ""))

        await self._all.changes.make(key, work)

    @operation("GetPolicy")
    async def get_policy(self, context: RequestContext, request: Request) -> Answer:
        """Where there is none it does not matter why (recorded)."""
        place = _policy_named(context, request)
        try:
            return await self._get(*place)
        except NotFound:
            raise NotFound(NO_RESOURCE) from None

    @operation("PutResourcePolicy")
    async def put_resource_policy(self, context: RequestContext, request: Request) -> Answer:
        """Replaces whatever was there, statements of AddPermission too."""
        key, qualifier = _resource(context, request)
        document = parsed(request["Policy"], function_arn(key, qualifier))
        check_length(request["Policy"], self._all.rules.quotas.policy_bytes)

        def work(tx: Transaction) -> None:
            _present(tx, key, qualifier, request.get("RevisionId"))
            self._put(tx, key, qualifier, Policy(document, ""))

        await self._all.changes.make(key, work)
        return await self._get(key, qualifier)

    @operation("GetResourcePolicy")
    async def get_resource_policy(self, context: RequestContext, request: Request) -> Answer:
        return await self._get(*_resource(context, request))

    @operation("DeleteResourcePolicy")
    async def delete_resource_policy(self, context: RequestContext, request: Request) -> None:
        key, qualifier = _resource(context, request)

        def work(tx: Transaction) -> None:
            if _present(tx, key, qualifier, request.get("RevisionId")) is None:
                raise NotFound(NO_POLICY)
            self._put(tx, key, qualifier, None)

        await self._all.changes.make(key, work)

    async def _get(self, key: FunctionKey, qualifier: str) -> Answer:
        policy = await self._all.database.read(partial(_present, key=key, qualifier=qualifier, revision_id=None))
        await self._all.changes.seen(key)
        if policy is None:
            raise NotFound(NO_POLICY)
        return {"Policy": policy.text, "RevisionId": policy.revision_id}

    def _put(self, tx: Transaction, key: FunctionKey, qualifier: str, policy: Policy | None) -> None:
        attachments.put_policy(tx, key, qualifier, None if policy is None else policy.document)
        attachments.revise(tx, key, qualifier, self._all.ids.uuid())


def _present(tx: Transaction, key: FunctionKey, qualifier: str, revision_id: str | None) -> Policy | None:
    """The policy as it is. Raises NotFound (no such function), StalePolicy."""
    present = attachments.revision(tx, key, qualifier)
    if revision_id and revision_id != present:
        raise StalePolicy(READ_WITH)
    document: Document | None = attachments.policy(tx, key, qualifier)
    return None if document is None else Policy(document, present)


def _policy_named(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    key, qualifier = named(context, request)
    return key, "" if qualifier == LATEST else qualifier


def _resource(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    """The function of a ResourceArn. Raises InvalidParameter, and as the parser of names."""
    arn = request["ResourceArn"]
    if ":function:" not in arn:
        raise InvalidParameter(f"{arn} is refused: Lambent has resource policies of functions only.")
    key, qualifier = parse_function_name(arn, context.account, context.region)
    if qualifier == LATEST:
        raise InvalidParameter("We currently do not support adding policies for $LATEST.")
    return key, qualifier
