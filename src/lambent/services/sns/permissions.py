"""AddPermission and RemovePermission: statements of the topic's policy, by their labels.

Source: SNS API reference, AddPermission (the label is the statement's Sid).
"""

from typing import Any

from msgspec import json, structs

from lambent.services.operation import Request, RequestContext, operation
from lambent.services.sns import store
from lambent.services.sns.errors import invalid
from lambent.services.sns.messages import TOKEN
from lambent.services.sns.names import topic_key
from lambent.services.sns.resource import Shop, check_access
from lambent.services.sns.topic_attributes import OWNER_ACTIONS, policy_of
from lambent.store.api import Transaction

ACTIONS = (*OWNER_ACTIONS, "*")


class Permissions:
    """The shared access of topics."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @operation("AddPermission")
    async def add_permission(self, ctx: RequestContext, request: Request) -> None:
        """Let other accounts do some actions."""
        key, label = topic_key(request["TopicArn"]), request["Label"]
        accounts, actions = request["AWSAccountId"], request["ActionName"]
        if not TOKEN.fullmatch(label):
            raise invalid("Label")
        for account in accounts:
            if not (len(account) == 12 and account.isascii() and account.isdigit()):
                raise invalid("AWSAccountId", f"{account} is not the id of an account")
        for action in actions:
            if action not in ACTIONS:
                raise invalid("Policy statement action out of service scope!")

        def work(tx: Transaction) -> None:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "AddPermission")
            document, statements = _parts(policy_of(topic))
            if any(each.get("Sid") == label for each in statements):
                raise invalid("Statement already exists")
            statements.append(_statement(label, accounts, actions, key.arn))
            attributes = {**topic.attributes, "Policy": json.encode(document | {"Statement": statements}).decode()}
            store.set_topic(tx, structs.replace(topic, attributes=attributes))

        await self._shop.write(key, work)

    @operation("RemovePermission")
    async def remove_permission(self, ctx: RequestContext, request: Request) -> None:
        """Take back what a label stands for; one that is not there does not matter."""
        key, label = topic_key(request["TopicArn"]), request["Label"]

        def work(tx: Transaction) -> None:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "RemovePermission")
            document, statements = _parts(policy_of(topic))
            kept = [each for each in statements if each.get("Sid") != label]
            if not kept:
                raise invalid("Policy", "a topic's policy has at least one statement; set another one first")
            if len(kept) != len(statements):
                attributes = {**topic.attributes, "Policy": json.encode(document | {"Statement": kept}).decode()}
                store.set_topic(tx, structs.replace(topic, attributes=attributes))

        await self._shop.write(key, work)


def _parts(document: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    statements = document["Statement"]
    return document, list(statements) if isinstance(statements, list) else [statements]


def _statement(label: str, accounts: list[str], actions: list[str], arn: str) -> dict[str, Any]:
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    named = [f"SNS:{action}" for action in actions]
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
        "Action": named if len(named) > 1 else named[0],
        "Resource": arn,
    }
