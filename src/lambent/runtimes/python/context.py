"""The context object: what a handler is told about its invocation.

Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Python function
information"; the `repr` forms, `w3c` and which attributes are None when a caller gave nothing
were compared with awslambdaric 4.2.2.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

from .errors import LambdaFault

if TYPE_CHECKING:
    from typing import Any

W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class _Record:
    """A few attributes from a mapping; what the mapping lacks is None."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, source: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, source.get(name))

    def __repr__(self) -> str:
        told = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{told}])"


class CognitoIdentity(_Record):
    """Who the caller is to Amazon Cognito; Lambent has none, so both are None."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")
    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None


class Client(_Record):
    """The application that called, as its mobile SDK describes it."""

    __slots__ = (  # noqa: RUF023  the order of its repr
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Record):
    """What the caller sent in X-Amz-Client-Context."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023  the order of its repr
    custom: Any
    env: Any
    client: Any


class LambdaContext:
    """Given to the handler as its second argument."""

    def __init__(
        self,
        request_id: str,
        deadline_ms: int,
        invoked_function_arn: str,
        facts: dict[str, Any],
        client_context: Any = None,
    ) -> None:
        self.aws_request_id = request_id
        self.__dict__.update(facts)
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = None
        self.identity = CognitoIdentity({})
        self._w3c: dict[str, str] = {}
        self.client_context: ClientContext | None = None
        if client_context is not None:
            self._take(client_context)
        self._deadline_ms = deadline_ms

    def _take(self, told: dict[str, Any]) -> None:
        w3c = told.pop("w3c", None)
        if isinstance(w3c, dict):
            self._w3c = {name: w3c[name] for name in W3C_FIELDS if isinstance(w3c.get(name), str)}
        self.client_context = known = ClientContext(told)
        if known.client is not None:
            known.client = Client(known.client)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out, never below 0."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the client context."""
        return dict(self._w3c)

    def log(self, message: object) -> None:
        """Write `message` to the function's log as one event."""
        import logging  # the function may have replaced the handlers since the start

        for handler in logging.getLogger().handlers:
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        told = ",".join(f"{name}={getattr(self, name, None)}" for name in names)
        return f"{type(self).__name__}([{told}])"


def function_facts() -> dict[str, Any]:
    """The attributes that are the same in every invocation of this environment."""
    return {
        "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
    }


def parse_client_context(text: str) -> Any:
    """The client context as an object, None for an empty text.

    Raises:
        LambdaFault: it is not a JSON object.
    """
    if not text:
        return None
    try:
        told = json.loads(text)
    except ValueError as error:
        raise LambdaFault(
            "Runtime.LambdaContextUnmarshalError", f"Unable to parse Client Context JSON: {error}"
        ) from None
    if told is not None and not isinstance(told, dict):
        raise LambdaFault("Runtime.LambdaContextUnmarshalError", "Unable to parse Client Context JSON: not an object")
    return told
