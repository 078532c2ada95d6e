"""What an event source mapping of a queue may ask for. Pure, but for the queues that it is told of.

Source: Lambda service model; Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping";
behaviours section 21 for AWS's words.
"""

from lambent.errors import ServiceError
from lambent.pollers.api import QueueFacts
from lambent.services.lambda_.api import Queues
from lambent.services.lambda_.errors import Conflict, InvalidParameter
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.lambda_.model import Version
from lambent.services.operation import Request

MOST_WITHOUT_WINDOW = MOST_OF_FIFO = 10
NOT_OF_QUEUES = (
    *("ParallelizationFactor", "DestinationConfig", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"),
    *("MaximumRetryAttempts", "TumblingWindowInSeconds", "StartingPositionTimestamp"),
)
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)


def check_queue_parameters(request: Request, source_arn: str) -> None:
    """Whether the request names only what a queue's mapping has. Raises InvalidParameter."""
    if request.get("StartingPosition"):
        raise InvalidParameter(f"Unsupported starting position for arn type: {source_arn}")
    for name in NOT_OF_QUEUES:
        if request.get(name) not in (None, [], {}, False):
            raise InvalidParameter(f"Unsupported {name} parameter for given event source mapping type.")


def check_queue(queues: Queues, mapping: EventSourceMapping, version: Version) -> None:
    """Whether the mapping fits its queue and its function. Raises InvalidParameter."""
    try:
        facts = queues.facts(mapping.source_arn)
    except ServiceError:
        raise InvalidParameter(NO_QUEUE) from None
    _check_batching(mapping, facts)
    timeout_s = version.configuration.timeout_s
    if facts.visibility_s < timeout_s:
        raise InvalidParameter(
            f"Queue visibility timeout: {facts.visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
        )


def queue_taken(mapping: EventSourceMapping, other: EventSourceMapping) -> Conflict:
    """There is another mapping of the same queue and function."""
    return Conflict(
        f'An event source mapping with SQS arn (" {mapping.source_arn} ") and function '
        f'(" {mapping.function.name} ") already exists. Please update or delete the existing mapping with '
        f"UUID {other.uuid}"
    )


def _check_batching(mapping: EventSourceMapping, facts: QueueFacts) -> None:
    if facts.fifo and mapping.window_s:
        raise InvalidParameter("Batching window is not supported for FIFO queues")
    if facts.fifo and mapping.batch_size > MOST_OF_FIFO:
        raise InvalidParameter(f"BatchSize for FIFO queues cannot be greater than {MOST_OF_FIFO}.")
    if mapping.batch_size > MOST_WITHOUT_WINDOW and not mapping.window_s:
        raise InvalidParameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
