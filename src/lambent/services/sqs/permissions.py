"""AddPermission and RemovePermission: statements of the queue's policy, by their labels.

Source: SQS API reference, AddPermission (up to seven actions; the label is the statement's Sid).
"""

import re
from typing import Any

import msgspec

from lambent.services.operation import Request, RequestContext, operation
from lambent.services.sqs.access import live_of
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.errors import OverLimit, invalid, missing
from lambent.services.sqs.queues import Queues

MOST_ACTIONS = 7
ACTIONS = frozenset(
    {
        *("*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"),
        *("GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue"),
    }
)
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"\d{12}")


class Permissions:
    """The shared access of queues."""

    def __init__(self, broker: Broker, queues: Queues) -> None:
        self._broker, self._queues = broker, queues

    @operation("AddPermission")
    async def add_permission(self, ctx: RequestContext, request: Request) -> None:
        """Let other accounts do some actions."""
        live = live_of(self._broker, ctx, request, "AddPermission")
        label, accounts, actions = request["Label"], request["AWSAccountIds"], request["Actions"]
        if not accounts or not actions:
            raise missing("AWSAccountIds" if not accounts else "Actions")
        if not _LABEL.fullmatch(label):
            raise invalid("Label", label, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80.")
        for account in accounts:
            if not _ACCOUNT.fullmatch(account):
                raise invalid("PrincipalId", f"[{account}]", "Unable to verify.")
        for action in actions:
            if action not in ACTIONS:
                raise invalid("ActionName", f"SQS:{action}", "Only the queue owner is allowed to invoke this action.")
        if len(actions) > MOST_ACTIONS:
            raise OverLimit(f"{len(actions)} Actions were found, maximum allowed is {MOST_ACTIONS}.")
        document = _document(live)
        if any(statement.get("Sid") == label for statement in document["Statement"]):
            raise invalid("Label", label, "Already exists.")
        document["Statement"].append(_statement(label, accounts, actions, live.queue.arn))
        await self._keep(live, document)

    @operation("RemovePermission")
    async def remove_permission(self, ctx: RequestContext, request: Request) -> None:
        """Take back what a label stands for."""
        live = live_of(self._broker, ctx, request, "RemovePermission")
        document, label = _document(live), request["Label"]
        kept = [statement for statement in document["Statement"] if statement.get("Sid") != label]
        if len(kept) == len(document["Statement"]):
            raise invalid("Label", label, "can't find label on existing policy.")
        await self._keep(live, document | {"Statement": kept})

    async def _keep(self, live: Live, document: dict[str, Any]) -> None:
        text = msgspec.json.encode(document).decode() if document["Statement"] else ""
        await self._queues.change_attributes(live, {"Policy": text})


def _document(live: Live) -> dict[str, Any]:
    """The queue's policy, or an empty one; a copy."""
    text = live.queue.attributes.get("Policy")
    if not text:
        return {"Version": "2008-10-17", "Id": f"{live.queue.arn}/SQSDefaultPolicy", "Statement": []}
    document: dict[str, Any] = msgspec.json.decode(text)
    statements = document["Statement"]
    return document | {"Statement": list(statements) if isinstance(statements, list) else [statements]}


def _statement(label: str, accounts: list[str], actions: list[str], arn: str) -> dict[str, Any]:
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
        "Action": [f"SQS:{action}" for action in actions] if len(actions) > 1 else f"SQS:{actions[0]}",
        "Resource": arn,
    }
