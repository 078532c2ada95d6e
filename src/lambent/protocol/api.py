"""The contract of the wire: one `ServiceWire` for each service model, the same for every protocol.

`wires.wire_for(service, request)` gives it (kept after the first call; loading a model takes tens of
milliseconds); `service` is a model's name or a signing name, the request tells apart models that share one.
Parameters and outputs are plain Python values in the shapes that botocore's clients use: dicts by
modelled member names, lists, str, int, float, bool, bytes for blobs, aware datetimes for timestamps.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse


class ServiceWire(Protocol):
    """Parses requests and writes answers for one service."""

    service: str
    operations: frozenset[str]

    def operation_of(self, request: HttpRequest) -> str:
        """The operation's name. Raises UnknownOperation."""

    def parse(self, operation: str, request: HttpRequest) -> dict[str, Any]:
        """The parameters, checked against every constraint of the model.

        Raises:
            ValidationError: a constraint is broken, in AWS's words.
            ServiceError: the body cannot be parsed (SerializationException and its like).
        """

    def answer(self, operation: str, output: Mapping[str, Any], request: HttpRequest, request_id: str) -> HttpResponse:
        """The success answer, in the protocol of `request`. A member called `StatusCode` that the
        model binds to the status code sets it; members the model lacks are a bug and raise."""

    def error(
        self, error: ServiceError, request: HttpRequest, request_id: str, operation: str | None = None
    ) -> HttpResponse:
        """The error answer: status, code, message and members in the protocol's own form."""

    def event_writer(self, operation: str, protocol: str | None = None) -> Callable[[Mapping[str, Any]], bytes]:
        """For an operation whose answer is an event stream: `{"PayloadChunk": {"Payload": b"..."}}` -> message."""
