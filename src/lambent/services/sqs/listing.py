"""GetQueueUrl, ListQueues, ListDeadLetterSourceQueues: which queues there are.

Source: SQS API reference, each of them (pages of up to 1,000, and tokens only where MaxResults is set).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs.access import check_access, live_of
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.errors import invalid, missing
from lambent.services.sqs.model import Queue
from lambent.services.sqs.names import QueueKey

PAGE = 1000


class Listing:
    """The queues by name."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @operation("GetQueueUrl")
    async def get_queue_url(self, ctx: RequestContext, request: Request) -> Answer:
        """The URL of a queue, of this account or of the one that is named."""
        owner = request.get("QueueOwnerAWSAccountId") or ctx.account
        live = self._broker.find(QueueKey(owner, ctx.region, request["QueueName"]))
        check_access(ctx, live, "GetQueueUrl")
        return {"QueueUrl": live.queue.key.url(ctx.endpoint)}

    @operation("ListQueues")
    async def list_queues(self, ctx: RequestContext, request: Request) -> Answer:
        """The URLs of this account's queues, by name."""
        prefix = request.get("QueueNamePrefix") or ""
        here = [
            live.queue.key for live in self._broker if _is_here(live, ctx) and live.queue.key.name.startswith(prefix)
        ]
        page, token = _page(here, request)
        answer: Answer = {"QueueUrls": [key.url(ctx.endpoint) for key in page]} if page else {}
        return answer | token

    @operation("ListDeadLetterSourceQueues")
    async def list_dead_letter_source_queues(self, ctx: RequestContext, request: Request) -> Answer:
        """The queues whose messages come to this one when they were received too often."""
        arn = live_of(self._broker, ctx, request, "ListDeadLetterSourceQueues").queue.arn
        sources = [live.queue.key for live in self._broker if _target_arn(live.queue) == arn]
        page, token = _page(sources, request)
        return {"queueUrls": [key.url(ctx.endpoint) for key in page]} | token


def _is_here(live: Live, ctx: RequestContext) -> bool:
    return live.queue.key.account == ctx.account and live.queue.key.region == ctx.region


def _target_arn(queue: Queue) -> str:
    return queue.settings.redrive.target_arn if queue.settings.redrive is not None else ""


def _page(keys: Iterable[QueueKey], request: Request) -> tuple[list[QueueKey], Answer]:
    """Up to MaxResults queues by name; a token to go on, where AWS gives one: when MaxResults was set."""
    most, token = request.get("MaxResults"), request.get("NextToken")
    if most is not None and not 1 <= most <= PAGE:
        raise invalid("MaxResults", most, f"MaxResults must be between 1 and {PAGE}.")
    if token and most is None:
        raise missing("MaxResults")
    try:
        after = urlsafe_b64decode(token).decode() if token else ""
    except (Error, ValueError):
        raise invalid("NextToken", token, "Invalid or expired next token.") from None
    following = sorted((key for key in keys if key.name > after), key=lambda key: key.name)
    page = following[: most or PAGE]
    if most is None or len(following) <= most:
        return page, {}
    return page, {"NextToken": urlsafe_b64encode(page[-1].name.encode()).decode()}
