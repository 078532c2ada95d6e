"""What the poller of one mapping has done: for status, and for CloudWatch where the mapping asks for it.

Source: Lambda Developer Guide, "Types of metrics for Lambda functions", event source mapping metrics (EventCount).
"""

from lambent.model.meter import Meter
from lambent.pollers.api import Mapping

NAMESPACE, DIMENSION = "AWS/Lambda", "EventSourceMappingUUID"
METRICS = {
    "polled": "PolledEventCount",
    "filtered_out": "FilteredOutEventCount",
    "invoked": "InvokedEventCount",
    "failed": "FailedInvokeEventCount",
    "deleted": "DeletedEventCount",
    "dropped": "DroppedEventCount",
    "handed_on": "OnFailureDestinationDeliveredEventCount",
    "throttled": "",  # the function's own metric tells it
}


class Counts:
    """The numbers since the start, by their names in `Statistics`."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.values = dict.fromkeys(METRICS, 0)

    def add(self, mapping: Mapping, what: str, count: int) -> None:
        """So many more."""
        self.values[what] += count
        if mapping.counts_events and METRICS[what] and count:
            place, dimensions = (mapping.function.account, mapping.function.region), ((DIMENSION, mapping.uuid),)
            self._meter.measure(place, NAMESPACE, {METRICS[what]: float(count)}, dimensions, "Count")
