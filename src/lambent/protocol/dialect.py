"""What the five protocols have in common: a dialect reads requests and writes answers of one service.

Plans are made when an operation is first used and kept; a request then only looks them up.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.model import OperationModel, ServiceModel

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.faults import FaultForm

RequestReader = Callable[[HttpRequest], dict[str, Any]]
Answerer = Callable[[Mapping[str, Any], str], HttpResponse]


class Dialect(Protocol):
    """One service in one protocol. Headers with request ids are the wire's work, not the dialect's."""

    def operation_of(self, request: HttpRequest) -> str:
        """The operation's name. Raises UnknownOperation."""

    def reader(self, operation: OperationModel) -> RequestReader:
        """`request -> parameters`, to be kept. The reader raises Unparsable."""

    def answerer(self, operation: OperationModel) -> Answerer:
        """`(output, request id) -> answer`, to be kept."""

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        """The error's answer."""

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        """`event -> message`, for operations that answer with an event stream."""


def is_operation(model: ServiceModel, name: str) -> bool:
    """Whether the model has an operation of this name."""
    return name in model.operation_names


def no_parameters(_request: HttpRequest) -> dict[str, Any]:
    """The reader of operations that take nothing."""
    return {}
