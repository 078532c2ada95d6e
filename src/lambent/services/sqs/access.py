"""Which queue a request means, and whether the queue's policy lets the caller at it.

The owner's account may do everything that the policy does not deny; another account only what the policy allows, and
never what AWS keeps to the owner.

Source: SQS API reference, "Cross-account permissions don't apply to this action" (per action); Developer Guide,
"Amazon SQS API permissions".
"""

from lambent.services.operation import Request, RequestContext
from lambent.services.request_keys import request_keys
from lambent.services.resource_policy import Question, decision
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.errors import QueueAccessDenied, missing
from lambent.services.sqs.names import key_of_url

FOR_OTHERS = frozenset(
    {
        *("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "PurgeQueue"),
        *("GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues"),
    }
)
COUNTED = frozenset({"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"})


def live_of(broker: Broker, ctx: RequestContext, request: Request, action: str) -> Live:
    """The queue of a request's QueueUrl.

    Raises:
        QueueDoesNotExist: there is none.
        QueueAccessDenied: the caller may not do `action` with it.
        RequestThrottled: a FIFO queue is called too often.
    """
    url = request.get("QueueUrl")
    if not url:
        raise missing("QueueUrl")
    live = broker.find(key_of_url(url, ctx.account, ctx.region))
    check_access(ctx, live, action)
    if action in COUNTED and not live.queue.settings.group_throughput:
        broker.throughput.count(broker.clock.now_ms(), live.queue, action)
    return live


def check_access(ctx: RequestContext, live: Live, action: str) -> None:
    """Raises QueueAccessDenied."""
    own = live.queue.key.account == ctx.account
    document = live.queue.settings.policy
    if own and document is None:
        return
    decided = decision(document, _question(ctx, live, action))
    if decided == "Deny" or not (own or (decided == "Allow" and action in FOR_OTHERS)):
        url = live.queue.key.url(ctx.endpoint)
        raise QueueAccessDenied(
            f"Access to the resource {url} is denied: its policy {'denies' if decided == 'Deny' else 'does not allow'} "
            f"sqs:{action} to {ctx.principal.arn}."
        )


def _question(ctx: RequestContext, live: Live, action: str) -> Question:
    return Question("AWS", ctx.principal.arn, ctx.account, f"sqs:{action}", live.queue.arn, request_keys(ctx))
