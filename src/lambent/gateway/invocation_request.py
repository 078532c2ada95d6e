"""What the two ways to invoke read alike: the function, the payload, the headers, and what is wrong with them.

Source: Lambda service model, Invoke and InvokeWithResponseStream; behaviours section 8.
"""

import binascii
from urllib.parse import parse_qs

import msgspec

from lambent.config import Quotas
from lambent.errors import ServiceError, ValidationError
from lambent.gateway.exchange import Exchange
from lambent.model.function_name import one_qualifier, owner_named, parse_function_name
from lambent.model.invocation import Invocation

LOG_TYPES = ("None", "Tail")
NOT_CARRIED_OUT = (
    ("x-amz-tenant-id", "TenantId is refused: Lambent does not support tenant isolation, so the function has none."),
    ("x-amz-durable-execution-name", "DurableExecutionName is refused: Lambent does not support durable functions."),
)

_check_json = msgspec.json.Decoder(msgspec.Raw).decode


class InvalidRequestContent(ServiceError):
    """The payload is not JSON."""

    code = "InvalidRequestContentException"


class RequestTooLarge(ServiceError):
    """The payload is over the limit of its kind."""

    code, status = "RequestTooLargeException", 413


class NotCarriedOut(ServiceError):
    """The request asks for what no function here has."""

    code = "InvalidParameterValueException"


class Requests:
    """Reads requests to invoke; `types` are the invocation types that this way has."""

    def __init__(self, quotas: Quotas, types: tuple[str, ...]) -> None:
        self._quotas, self._types = quotas, types

    def read(self, exchange: Exchange, name: str, headers: dict[str, str]) -> tuple[str, Invocation]:
        """The invocation type, and what is to be invoked; of another account it may be, so that admission has to judge.

        Raises:
            ServiceError: the request cannot be carried out, with AWS's words.
        """
        assert exchange.principal is not None
        kind = headers.get("x-amz-invocation-type") or "RequestResponse"
        owner = owner_named(name, exchange.principal.account)
        key, derived = parse_function_name(name, owner, exchange.region)
        query = exchange.request.query
        if query:
            derived = one_qualifier(derived, parse_qs(query).get("Qualifier", [""])[0])
        log_type = headers.get("x-amz-log-type") or "None"
        _check_choices(kind, self._types, log_type)
        for header, words in NOT_CARRIED_OUT:
            if header in headers:
                raise NotCarriedOut(words, Type="User")
        payload = exchange.request.body or b"{}"
        self._check_payload(payload, kind)
        return kind, Invocation(
            request_id=exchange.request_id,
            function=key,
            qualifier=derived,
            payload=payload,
            trace_header=exchange.trace_header,
            client_context=self._client_context(headers.get("x-amz-client-context", "")),
            tail=log_type == "Tail",
        )

    def _check_payload(self, payload: bytes, kind: str) -> None:
        limit = self._quotas.async_payload_bytes if kind == "Event" else self._quotas.sync_payload_bytes
        if len(payload) > limit:
            raise RequestTooLarge(
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                Type="User",
            )
        try:
            _check_json(payload)
            payload.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequestContent(
                f"Could not parse request body into json: Could not parse payload into json: {error}", Type="User"
            ) from None

    def _client_context(self, encoded: str) -> str:
        if not encoded:
            return ""
        if len(encoded) > self._quotas.client_context_bytes:
            raise InvalidRequestContent(
                f"Client context must be no more than {self._quotas.client_context_bytes} bytes when base64-encoded",
                Type="User",
            )
        try:
            text = binascii.a2b_base64(encoded, strict_mode=True)
            _check_json(text)
            return text.decode()
        except (ValueError, msgspec.DecodeError, RecursionError):
            raise InvalidRequestContent(
                "Client context must be a valid Base64-encoded JSON object.", Type="User"
            ) from None


def _check_choices(kind: str, types: tuple[str, ...], log_type: str) -> None:
    wrong: list[tuple[str, str, tuple[str, ...]]] = []
    if kind not in types:
        wrong.append(("invocationType", kind, types))
    if log_type not in LOG_TYPES:
        wrong.append(("logType", log_type, LOG_TYPES))
    if not wrong:
        return
    errors = "; ".join(
        f"Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(choices)}]"
        for name, value, choices in wrong
    )
    plural = "s" if len(wrong) > 1 else ""
    raise ValidationError(f"{len(wrong)} validation error{plural} detected: {errors}")
