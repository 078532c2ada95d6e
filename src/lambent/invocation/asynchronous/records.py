"""What destinations and dead-letter queues are told about an event. Pure.

Source: behaviours section 16 (recorded records and attributes); Lambda Developer Guide, "Retaining
records of asynchronous invocations". That payloads are left out where the whole is too large for its
target is in the recordings; how large each target takes is in the quotas of SQS, SNS and EventBridge.
"""

from typing import Any

import msgspec
from msgspec import Struct

from lambent.arn import parse_arn
from lambent.clock import iso_millis
from lambent.delivery.api import Delivery
from lambent.invocation.asynchronous.api import Event, EventRules
from lambent.model.invocation import InvocationResult
from lambent.model.lineage import extended

SUCCESS = "Success"
DETAIL_TYPE = "Lambda Function Invocation Result - "
KIB = 1024
LARGEST_BYTES = {"sqs": 1024 * KIB, "sns": 256 * KIB, "events": 1024 * KIB, "lambda": 1024 * KIB}
LONGEST_MESSAGE_BYTES = 1024

_JSON = msgspec.json.Decoder(msgspec.Raw)


class Ending(Struct, frozen=True):
    """How an event ended. `condition` is AWS's word; `result` the last answer of the function, if one
    was given; `code` and `message` say why there is none."""

    condition: str
    attempts: int
    result: InvocationResult | None = None
    code: int = 200
    message: str = ""


def deliveries_of(event: Event, rules: EventRules, ending: Ending, now_ms: int) -> list[Delivery]:
    """What follows from the end of `event`: nothing, one delivery or two."""
    succeeded = ending.condition == SUCCESS
    target = rules.on_success if succeeded else rules.on_failure
    key = event.invocation.function
    found = Delivery(
        account=key.account,
        region=key.region,
        target_arn=target,
        payload=b"",
        source_arn=rules.arn,
        principal="lambda.amazonaws.com",
        accepted_ms=now_ms,
        role_arn=rules.role,
        options={"TraceHeader": extended(event.invocation.trace_header, key)},
    )
    deliveries: list[Delivery] = []
    if target:
        bus = {"Source": "lambda", "DetailType": DETAIL_TYPE + ("Success" if succeeded else "Failure")}
        options = {**found.options, **bus, "Resources": f"{target} {rules.arn}"}
        payload = _fitting_record(event, rules, ending, now_ms)
        destined = msgspec.structs.replace(found, payload=payload, options=options)
        deliveries.append(msgspec.structs.replace(destined, lost_as="DestinationDeliveryFailures"))
    if rules.dead_letter and not succeeded:
        deliveries.append(
            msgspec.structs.replace(
                found,
                target_arn=rules.dead_letter,
                payload=event.invocation.payload,
                attributes=attributes_of(event, ending),
                attribute_types={"ErrorCode": "Number"},
                lost_as="DeadLetterErrors",
            )
        )
    return deliveries


def _fitting_record(event: Event, rules: EventRules, ending: Ending, now_ms: int) -> bytes:
    target = rules.on_success if ending.condition == SUCCESS else rules.on_failure
    record = record_of(event, rules.arn, ending, now_ms)
    if len(record) <= LARGEST_BYTES.get(parse_arn(target).service, len(record)):
        return record
    return record_of(event, rules.arn, ending, now_ms, payloads=False)


def record_of(event: Event, arn: str, ending: Ending, now_ms: int, *, payloads: bool = True) -> bytes:
    """The invocation record, version 1.0."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso_millis(now_ms).removesuffix("+0000") + "Z",
        "requestContext": {
            "requestId": event.invocation.request_id,
            "functionArn": arn,
            "condition": ending.condition,
            "approximateInvokeCount": ending.attempts,
        },
    }
    if payloads:
        record["requestPayload"] = msgspec.Raw(event.invocation.payload)
    result = ending.result
    if result is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": result.executed_version}
        if result.function_error:
            record["responseContext"]["functionError"] = result.function_error
        if payloads:
            record["responsePayload"] = _as_json(result.payload)
    return msgspec.json.encode(record)


def _as_json(payload: bytes) -> msgspec.Raw:
    """An answer inside a record; one that is no JSON (a stream, or bytes of the handler's own) is a string."""
    text = payload.decode("utf-8", "replace")  # Raw takes any bytes inside a string
    try:
        return _JSON.decode(text or "null")
    except (ValueError, RecursionError):
        return msgspec.Raw(msgspec.json.encode(text))


def attributes_of(event: Event, ending: Ending) -> dict[str, str]:
    """The message attributes of an event in a dead-letter queue; ErrorCode is a Number."""
    message = ending.message if ending.result is None else _error_message(ending.result.payload)
    return {
        "RequestID": event.invocation.request_id,
        "ErrorCode": str(ending.code),
        "ErrorMessage": _cut(message) or "Unknown",
    }


def _error_message(payload: bytes) -> str:
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return ""
    message = told.get("errorMessage") if isinstance(told, dict) else None
    return message if isinstance(message, str) else ""


def _cut(text: str) -> str:
    """The first KB of what may stand in a message attribute."""
    legal = "".join(char for char in text if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char < "\ufffe")
    return legal.encode()[:LONGEST_MESSAGE_BYTES].decode(errors="ignore")
