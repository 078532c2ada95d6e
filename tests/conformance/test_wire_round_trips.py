"""Every operation of the services' models, in every protocol they list, against botocore's client code.

Source of truth: botocore's service models, serializers and parsers (1.44).
"""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambent.errors import RemoteServiceError
from lambent.model.http import HttpRequest
from lambent.protocol.faults import SQS_QUERY_ERRORS
from lambent.protocol.wires import wire_for


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


calls, samples = beside("wire_calls"), beside("wire_samples")
CALLERS = calls.callers()
SEEDS = [(0, False), (1, True), (2, True)]

# Deprecated operations whose requests nothing tells from their successors'; both names mean one request.
SAME_ON_THE_WIRE = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
# Operations for which no sample can be made, with the reason.
NOT_GENERATED: dict[str, str] = {}


@pytest.fixture(scope="module", params=CALLERS, ids="-".join)
def caller(request: pytest.FixtureRequest) -> Any:
    return calls.Caller(*request.param)


def test_what_botocore_sends_is_routed_and_parsed_to_the_same(caller: Any) -> None:
    wire = wire_for(caller.service)
    for operation in caller.operations():
        for seed, full in SEEDS:
            parameters = samples.Samples(seed, full).structure(operation.input_shape)
            request = caller.request(operation, parameters)
            routed = wire.operation_of(request)
            assert routed == SAME_ON_THE_WIRE.get(operation.name, operation.name)
            parsed = wire.parse(operation.name, request)
            if "ContentLength" not in parameters:  # the client's own header, which S3's model has as a member
                parsed.pop("ContentLength", None)
            assert calls.pruned(parsed) == calls.pruned(parameters), operation.name


def test_what_we_answer_is_parsed_by_botocore_to_the_same(caller: Any) -> None:
    wire = wire_for(caller.service)
    for operation in caller.operations():
        request = caller.request(operation, samples.Samples(0, False).structure(operation.input_shape))
        for seed, full in SEEDS:
            output = samples.Samples(seed, full).structure(operation.output_shape)
            stream = operation.output_shape.event_stream_name if operation.output_shape is not None else None
            if stream is not None:
                output[stream] = events(operation.output_shape.members[stream], seed, full)
            answer = wire.answer(operation.name, output, request, "request-1")
            assert 200 <= answer.status < 300
            assert request.method != "HEAD" or not answer.body
            parsed = caller.parsed(operation, answer)
            for name in always_there(operation.output_shape) - output.keys():
                parsed.pop(name, None)
            assert calls.pruned(parsed) == calls.pruned(output), operation.name


def always_there(shape: Any) -> set[str]:
    """The members that botocore fills from what every answer has: its status, its content type, its bare text."""
    members = shape.members.items() if shape is not None else ()
    payload = shape.serialization.get("payload") if shape is not None else None
    return {
        name
        for name, member in members
        if member.serialization.get("location") == "statusCode"
        or member.serialization.get("name") == "Content-Type"
        or (name == payload and member.type_name == "string")
    }


def events(stream: Any, seed: int, full: bool) -> list[dict[str, Any]]:
    """One event of each kind that is no error."""
    kinds = {name: shape for name, shape in stream.members.items() if not shape.metadata.get("exception")}
    return [{name: samples.Samples(seed, full).structure(shape)} for name, shape in kinds.items()]


def test_every_modelled_error_is_parsed_by_botocore_to_the_same(caller: Any) -> None:
    wire = wire_for(caller.service)
    request = any_request(caller)
    for shape in caller.model.error_shapes:
        members = samples.Samples(3, True).structure(shape)
        members = {name: value for name, value in members.items() if name.lower() not in ("message", "type", "code")}
        message = "What <happened> & why: \u00e9"
        answer = wire.error(RemoteServiceError(shape.name, 400, message, members), request, "request-1")
        error = caller.parsed_error(answer)["Error"]
        assert error["Code"] == code_on_the_wire(caller, shape)
        assert error.get("Message", error.get("message")) == message
        assert answer.status == shape.metadata.get("error", {}).get("httpStatusCode", answer.status)
        found = caller.parsed_error(answer, shape)
        assert calls.pruned({name: found.get(name) for name in members}) == calls.pruned(members), shape.name


def code_on_the_wire(caller: Any, shape: Any) -> str:
    """Query and S3 have codes of their own; the json services that once spoke query say both."""
    compatible = "awsQueryCompatible" in caller.model.metadata
    if caller.service == "sqs":
        return str(SQS_QUERY_ERRORS.get(shape.name, (shape.name, 400))[0])
    if caller.protocol == "query" or compatible:
        return str(shape.metadata.get("error", {}).get("code", shape.name))
    return str(shape.name)


def any_request(caller: Any) -> HttpRequest:
    operation = next(caller.operations())
    request: HttpRequest = caller.request(operation, samples.Samples(0, False).structure(operation.input_shape))
    return request


def test_the_table_of_operations_without_samples_is_empty() -> None:
    assert not NOT_GENERATED
