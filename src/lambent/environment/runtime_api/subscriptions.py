"""What an extension may subscribe to, and which events of an environment that is. Pure.

Two APIs ask for the same with other words: Telemetry (schema 2022-07-01 and later) and its predecessor Logs (2020-08-15
and 2021-03-18), whose events are fewer and shorter.

Sources: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Lambda
Telemetry API event schema reference", "Using the Lambda Logs API"; behaviours section 14. The words of refusals are
ours.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from lambent.environment.runtime_api.answers import ApiError

HOSTS = ("sandbox.localdomain", "sandbox")
LEAST_PORT = 1024
TELEMETRY_SCHEMAS = ("2022-07-01", "2022-12-13", "2025-01-29")
LOGS_SCHEMAS = ("2020-08-15", "2021-03-18")
FACTS_IN_LOGS = {
    "platform.start": ("requestId", "version"),
    "platform.runtimeDone": ("requestId", "status"),
    "platform.report": ("requestId", "metrics"),
    "platform.extension": ("name", "state", "events"),
    "platform.logsDropped": ("droppedRecords", "droppedBytes", "reason"),
}


class Buffering(Struct, frozen=True):
    """How long events may be kept back."""

    maxItems: Annotated[int, Meta(ge=1000, le=10_000)] = 10_000
    maxBytes: Annotated[int, Meta(ge=262_144, le=1_048_576)] = 262_144
    timeoutMs: Annotated[int, Meta(ge=25, le=30_000)] = 1000


class Destination(Struct, frozen=True):
    """Where they go: an HTTP server or a TCP listener inside the environment."""

    protocol: Literal["HTTP", "TCP"]
    URI: str = ""
    port: int = 0
    method: Literal["POST", "PUT"] = "POST"
    encoding: Literal["JSON"] = "JSON"


class Subscription(Struct, frozen=True):
    """The body of a subscription."""

    types: Annotated[list[Literal["platform", "function", "extension"]], Meta(min_length=1)]
    destination: Destination
    buffering: Buffering = Buffering()
    schemaVersion: str = ""


class Target(Struct, frozen=True):
    """Where to connect; `path` is None for bare TCP."""

    port: int
    host: str = ""
    path: str | None = None
    method: str = "POST"


def parse(body: bytes, *, logs: bool) -> Subscription:
    """A subscription that can be served. Raises ApiError."""
    try:
        wanted = msgspec.json.decode(body, type=Subscription)
    except (ValueError, RecursionError) as error:
        raise _invalid(str(error)) from None
    schemas = LOGS_SCHEMAS if logs else TELEMETRY_SCHEMAS
    if wanted.schemaVersion not in ("", *schemas):
        raise _invalid(f"schemaVersion is one of {', '.join(schemas)}")
    target_of(wanted.destination)
    return wanted


def target_of(destination: Destination) -> Target:
    """Where a destination is. Raises ApiError."""
    if destination.protocol == "TCP":
        return Target(_port(destination.port))
    try:
        parts = urlsplit(destination.URI)
        port = parts.port or 80
    except ValueError:
        raise _invalid("destination.URI is not a URI") from None
    if parts.scheme != "http" or parts.hostname not in HOSTS or not destination.URI.isprintable():
        raise _invalid("destination.URI has the form http://sandbox.localdomain:PORT/PATH")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(_port(port), parts.netloc, path.replace(" ", "%20"), destination.method)


def _port(port: int) -> int:
    if not LEAST_PORT <= port <= 65535 or port == 9001:
        raise _invalid("a destination's port is between 1024 and 65535, and not 9001")
    return port


def _invalid(words: str) -> ApiError:
    return ApiError(400, "ValidationError", words)


class View:
    """The events as one subscriber gets them."""

    def __init__(self, wanted: Subscription, *, logs: bool, json_lines: bool) -> None:
        self._types, self._logs, self._json_lines = frozenset(wanted.types), logs, json_lines
        self._tells_done = wanted.schemaVersion != LOGS_SCHEMAS[0]
        self._raw_lines = json_lines and not logs and wanted.schemaVersion not in ("", TELEMETRY_SCHEMAS[0])

    def of(self, time: str, kind: str, record: Any) -> list[bytes]:
        """The JSON of an event: none when it is not wanted, two where the Logs API has two for it."""
        if kind.partition(".")[0] not in self._types:
            return []
        if not kind.startswith("platform."):
            return [_encoded(time, kind, self._line(record))]
        if not self._logs:
            return [_encoded(time, kind, record)]
        if kind not in FACTS_IN_LOGS or (kind == "platform.runtimeDone" and not self._tells_done):
            return []
        told = {name: record[name] for name in FACTS_IN_LOGS[kind] if name in record}
        events = [_encoded(time, kind, told)]
        if kind == "platform.report":
            events.insert(0, _encoded(time, "platform.end", {"requestId": record["requestId"]}))
        return events

    def _line(self, text: str) -> Any:
        """A line in JSON is an object to newer subscribers, where the function logs in JSON."""
        if self._raw_lines and text.startswith("{"):
            try:
                return msgspec.json.decode(text, type=dict[str, Any])
            except (ValueError, RecursionError):
                return text
        return text


def _encoded(time: str, kind: str, record: Any) -> bytes:
    return msgspec.json.encode({"time": time, "type": kind, "record": record})
