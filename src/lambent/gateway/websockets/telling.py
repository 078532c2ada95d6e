"""What is told of each event of a connection when it is over: metrics, and a line of the stage's access log.

Sources: API Gateway Developer Guide, "Monitor WebSocket API execution with CloudWatch metrics" (a client's error is
found before the integration is called, an execution error in calling it, an integration error is its own answer; mocks
have no latency) and "Variables for access logging for API Gateway". What of $context was not known is "-".
"""

from typing import Any, NamedTuple

import msgspec

from lambent.gateway.apis.access_log import AccessLine, AccessLogs, from_tree
from lambent.gateway.apis.metrics import ApiMetrics, Gauge, Values, of_stage
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.answer import Answer, Failed
from lambent.gateway.websockets.event import CONNECT, MESSAGE, Standing, context_of
from lambent.gateway.websockets.integrations import Call
from lambent.model.apis import WebSocketApi, WebSocketStage

CLIENT, EXECUTION, INTEGRATION = ERRORS = ("ClientError", "ExecutionError", "IntegrationError")


class Seen(NamedTuple):
    """One event, as metrics see it. `error` is whose failure it was, `asked` whether the integration was."""

    event_type: str
    error: str
    asked: bool
    integration_ms: int | None = None


SENT = Seen("", "", asked=False)
"""A message to a client."""


class Passing:
    """One event on its way: `call` is there once its route is, and `answer` or `failed` when it is over."""

    __slots__ = ("answer", "call", "event_type", "facts", "failed", "message_id", "standing")

    def __init__(self, event_type: str, standing: Standing, facts: Facts) -> None:
        self.event_type, self.standing, self.facts = event_type, standing, facts
        self.call: Call | None = None
        self.answer: Answer | None = None
        self.failed: Failed | None = None
        self.message_id = ""

    @property
    def status(self) -> int:
        """What became of it."""
        if self.failed is not None:
            return self.failed.status
        return 200 if self.answer is None else self.answer.status


class Told:
    """Where one stage's events are told."""

    def __init__(self, stage: WebSocketStage, gauge: Gauge[Seen], line: AccessLine | None) -> None:
        self.stage, self.gauge, self.line = stage, gauge, line


class Telling:
    """All stages' of an edge."""

    def __init__(self, metrics: ApiMetrics, logs: AccessLogs) -> None:
        self._metrics, self._logs = metrics, logs
        self._known: dict[tuple[str, str], Told] = {}

    def tell(self, api: WebSocketApi, stage: WebSocketStage, passing: Passing) -> None:
        """It is over."""
        told = self._told(api, stage)
        told.gauge.see(passing.facts.now_ms, seen_in(passing))
        if told.line is not None:
            told.line(variables_of(passing))

    def tell_sent(self, api: WebSocketApi, stage: WebSocketStage, now_ms: int) -> None:
        """A message went to a client."""
        self._told(api, stage).gauge.see(now_ms, SENT)

    def forget(self, api_ids: list[str]) -> None:
        """These were changed, or are gone."""
        for key in [key for key in self._known if key[0] in api_ids]:
            del self._known[key]

    def _told(self, api: WebSocketApi, stage: WebSocketStage) -> Told:
        key = (api.api_id, stage.name)
        found = self._known.get(key)
        if found is None or found.stage is not stage:
            gauge = self._metrics.gauge(api, values_of, *of_stage("ApiId", api.api_id, stage.name))
            log, name = stage.access_log, f"{api.api_id}/{stage.name}"
            line = None if log is None else self._logs.line_of(log, name, from_tree)
            found = self._known[key] = Told(stage, gauge, line)
        return found


def seen_in(passing: Passing) -> Seen:
    """One event, as metrics see it."""
    call = passing.call
    if call is None:
        return Seen(passing.event_type, error_of(passing), asked=False)
    return Seen(passing.event_type, error_of(passing), call.asked, call.integration_ms)


def values_of(seen: Seen) -> Values:
    """The metrics of one event."""
    if seen == SENT:
        return {"MessageCount": 1}
    values = {name: int(name == seen.error) for name in ERRORS}
    if seen.event_type == CONNECT and seen.asked:
        values["ConnectCount"] = 1
    if seen.event_type == MESSAGE:
        values["MessageCount"] = 1
    if seen.integration_ms is not None:
        values["IntegrationLatency"] = seen.integration_ms
    return values


def error_of(passing: Passing) -> str:
    """Whose failure it was; "" for none's."""
    failed, asked = passing.failed, passing.call is not None and passing.call.asked
    if failed is None:
        return INTEGRATION if passing.status >= 400 else ""
    if asked:
        return INTEGRATION if failed.payload else EXECUTION
    return CLIENT if failed.status < 500 else EXECUTION


def variables_of(passing: Passing) -> dict[str, Any]:
    """All that a line may name."""
    call, failed = passing.call, passing.failed
    key = "" if call is None else call.route_key
    known = context_of(passing.standing, key, passing.event_type, passing.facts) | {"status": passing.status}
    if passing.message_id:
        known["messageId"] = passing.message_id
    if call is not None and call.integration_ms is not None:
        latency_ms = call.integration_ms
        known |= {"integrationLatency": latency_ms, "integration": {"latency": latency_ms}}
    if passing.answer is not None:
        known["integration"] = known.get("integration", {}) | {"status": passing.answer.status}
        known["integrationStatus"] = passing.answer.status
    if failed is not None:
        kind = "DEFAULT_5XX" if failed.status >= 500 else "DEFAULT_4XX"
        quoted = msgspec.json.encode(failed.message).decode()
        known["error"] = {"message": failed.message, "messageString": quoted, "responseType": kind}
    return known
