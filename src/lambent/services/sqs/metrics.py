"""What CloudWatch is told of queues, in the namespace AWS/SQS.

Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS": counts of calls as they happen, and once a
minute how many messages wait, are in flight and are delayed, and how old the oldest is.
"""

from collections.abc import Sequence

from lambent.services.sqs import store
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.model import Outgoing, Queue

EVERY_S = 60.0
NAMESPACE = "AWS/SQS"


def measure(broker: Broker, queue: Queue, values: dict[str, float], unit: str = "Count") -> None:
    """Tell these values of a queue."""
    key = queue.key
    broker.meter.measure((key.account, key.region), NAMESPACE, values, (("QueueName", key.name),), unit)


def measure_sent(broker: Broker, queue: Queue, messages: Sequence[Outgoing]) -> None:
    """Messages were sent."""
    measure(broker, queue, {"NumberOfMessagesSent": float(len(messages))})
    for message in messages:
        measure(broker, queue, {"SentMessageSize": float(len(message.content.body.encode()))}, "Bytes")


def measure_received(broker: Broker, queue: Queue, count: int) -> None:
    """A receive was answered."""
    name = "NumberOfMessagesReceived" if count else "NumberOfEmptyReceives"
    measure(broker, queue, {name: float(count or 1)})


async def measure_queues(broker: Broker) -> None:
    """Look at every queue once a minute, until cancelled."""
    while True:
        for live in broker:
            await _look(broker, live)
        await broker.clock.sleep(EVERY_S)


async def _look(broker: Broker, live: Live) -> None:
    counts, lane = live.line.counts(), live.queue.lane
    values = {
        "ApproximateNumberOfMessagesVisible": float(counts.visible),
        "ApproximateNumberOfMessagesNotVisible": float(counts.in_flight),
        "ApproximateNumberOfMessagesDelayed": float(counts.delayed),
    }
    measure(broker, live.queue, values)
    oldest_ms = await broker.database.read(lambda tx: store.oldest_ms(tx, lane))
    age_s = 0.0 if oldest_ms is None else (broker.clock.now_ms() - oldest_ms) / 1000
    measure(broker, live.queue, {"ApproximateAgeOfOldestMessage": float(max(0, int(age_s)))}, "Seconds")
