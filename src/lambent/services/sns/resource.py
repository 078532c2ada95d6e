"""What the resources of SNS share: the database, the clock, telling the router of changes, and who may do what.

The owner's account may do everything that the topic's policy does not deny; another account only what it allows.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.operation import RequestContext
from lambent.services.request_keys import request_keys
from lambent.services.resource_policy import Question, decision
from lambent.services.sns.api import Links
from lambent.services.sns.errors import AuthorizationError
from lambent.services.sns.model import Topic
from lambent.services.sns.names import TopicKey
from lambent.services.sns.routing import Router
from lambent.services.sns.topic_attributes import policy_of
from lambent.store.api import Database, Transaction

T = TypeVar("T")


class Shop(NamedTuple):
    """What every resource needs; one for the service."""

    database: Database
    clock: Clock
    ids: Ids
    router: Router
    links: Links
    quotas: Quotas

    async def write(self, key: TopicKey, work: Callable[[Transaction], T]) -> T:
        """Run `work`; when this returns, messages meet what it changed about the topic."""
        try:
            return await self.database.write(work)
        finally:
            self.router.changed(key)


def check_access(ctx: RequestContext, topic: Topic, action: str, asked: Mapping[str, str] | None = None) -> None:
    """Whether the caller may; `asked` has the condition keys of the action itself. Raises AuthorizationError."""
    own = ctx.account == topic.key.account
    if own and "Policy" not in topic.attributes:
        return
    context = request_keys(ctx) | {"aws:sourceowner": ctx.account} | dict(asked or {})
    question = Question("AWS", ctx.principal.arn, ctx.account, f"SNS:{action}", topic.arn, context)
    decided = decision(policy_of(topic), question)
    if decided == "Deny" or not (own or decided == "Allow"):
        raise AuthorizationError(
            f"User: {ctx.principal.arn} is not authorized to perform: SNS:{action} on resource: {topic.arn} because "
            + ("its policy denies it" if decided == "Deny" else "no resource-based policy allows the SNS action")
        )


def service_may_publish(topic: Topic, service: str, source_arn: str, source_account: str) -> bool:
    """Whether the topic's policy lets a service, such as events.amazonaws.com, publish on behalf of a resource."""
    context = {
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": source_account,
        "aws:principalisawsservice": "true",
        "aws:securetransport": "true",
    }
    question = Question("Service", service, source_account, "SNS:Publish", topic.arn, context)
    return decision(policy_of(topic), question) == "Allow"
