"""PutPermission and RemovePermission: which other accounts may send to a bus.

A policy is made of statements that allow events:PutEvents to accounts, or to all; one with conditions,
denials or other actions is refused, because nothing here would judge it.
"""

import re
from typing import Any

from msgspec import DecodeError, json, structs

from lambent.errors import ValidationError
from lambent.services.events import store
from lambent.services.events.errors import NotFound, PolicyTooLong
from lambent.services.events.model import Bus
from lambent.services.events.names import own_bus_key
from lambent.services.events.resource import Resource
from lambent.services.operation import Request, RequestContext, operation
from lambent.store.api import Transaction

LONGEST = 10_240
_ACCOUNT = re.compile(r"\*|\d{12}|arn:aws:iam::\d{12}:root", re.ASCII)
ACTIONS = ("events:PutEvents", "events:*")


class Permissions(Resource):
    """The policies of buses."""

    @operation("PutPermission")
    async def put_permission(self, ctx: RequestContext, request: Request) -> None:
        """Add a statement, or replace the whole policy."""
        key, now_ms = own_bus_key(ctx, request.get("EventBusName")), self.clock.now_ms()
        whole = request.get("Policy")
        statement = None if whole else _statement(request)
        if whole:
            _check_document(whole)

        def work(tx: Transaction) -> None:
            bus = store.bus(tx, key)
            if statement is None:
                policy = str(whole)
            else:
                others = [each for each in statements(bus) if each.get("Sid") != statement["Sid"]]
                policy = _document([*others, statement | {"Resource": key.arn}])
            if len(policy) > LONGEST:
                raise PolicyTooLong(f"The event bus policy is longer than {LONGEST} characters.")
            store.set_bus(tx, structs.replace(bus, policy=policy, modified_ms=now_ms))

        await self.write(key, work)

    @operation("RemovePermission")
    async def remove_permission(self, ctx: RequestContext, request: Request) -> None:
        """Remove one statement, or all."""
        key, now_ms = own_bus_key(ctx, request.get("EventBusName")), self.clock.now_ms()
        every, sid = request.get("RemoveAllPermissions", False), request.get("StatementId")
        if not every and not sid:
            raise ValidationError("Parameter StatementId is required.")

        def work(tx: Transaction) -> None:
            bus = store.bus(tx, key)
            left = [] if every else [each for each in statements(bus) if each.get("Sid") != sid]
            if not every and not bus.policy:
                raise NotFound("EventBus does not have a policy.")
            if not every and len(left) == len(statements(bus)):
                raise NotFound("Statement with the provided id does not exist.")
            store.set_bus(tx, structs.replace(bus, policy=_document(left) if left else "", modified_ms=now_ms))

        await self.write(key, work)


def statements(bus: Bus) -> list[dict[str, Any]]:
    """The statements of the bus's policy."""
    return _as_list(json.decode(bus.policy)["Statement"]) if bus.policy else []


def may_put(bus: Bus, account: str) -> bool:
    """Whether the policy lets another account send events to the bus."""
    return any(_names(statement["Principal"], account) for statement in statements(bus))


def _names(principal: Any, account: str) -> bool:
    if principal == "*":
        return True
    named = _as_list(principal.get("AWS", []))
    return not {"*", account, f"arn:aws:iam::{account}:root"}.isdisjoint(named)


def _statement(request: Request) -> dict[str, Any]:
    for name in ("Action", "Principal", "StatementId"):
        if not request.get(name):
            raise ValidationError(f"Parameter {name} must be specified, or a whole Policy.")
    if request["Action"] not in ACTIONS:
        raise ValidationError("Provided value in parameter 'action' is not supported.")
    if request.get("Condition"):
        raise ValidationError("Lambent does not judge conditions of bus policies; leave Condition out.")
    account = request["Principal"]
    principal: Any = account if account == "*" else {"AWS": f"arn:aws:iam::{account}:root"}
    return {"Sid": request["StatementId"], "Effect": "Allow", "Principal": principal, "Action": request["Action"]}


def _document(wanted: list[dict[str, Any]]) -> str:
    return json.encode({"Version": "2012-10-17", "Statement": wanted}).decode()


def _check_document(text: str) -> None:
    try:
        found = _as_list(json.decode(text, type=dict[str, Any])["Statement"])
    except (DecodeError, KeyError, RecursionError):
        raise ValidationError("The policy is not a valid JSON policy document.") from None
    for each in found:
        if not isinstance(each, dict) or each.get("Effect") != "Allow" or each.get("Condition"):
            raise ValidationError(
                "Lambent carries out bus policies of statements with the Effect Allow and no Condition."
            )
        if not _as_list(each.get("Action", [])) or not set(_as_list(each["Action"])) <= set(ACTIONS):
            raise ValidationError("Lambent carries out bus policies for the Action events:PutEvents only.")
        if each.get("Principal") != "*" and not _is_accounts(each.get("Principal")):
            raise ValidationError('The Principal of a bus policy is "*" or {"AWS": ACCOUNTS}.')


def _is_accounts(principal: Any) -> bool:
    return (
        isinstance(principal, dict)
        and set(principal) == {"AWS"}
        and all(isinstance(each, str) and _ACCOUNT.fullmatch(each) for each in _as_list(principal["AWS"]))
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
