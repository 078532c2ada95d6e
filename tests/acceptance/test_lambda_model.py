"""Every constraint of every operation's input, in the words of the service model, is held by the server.

One list of requests is made from botocore's model: for each operation that is served, a good request with one member
that is too long, too large, too small, in no pattern or in no enumeration. Source: Lambda service model; behaviours
section 6 for the form of what is said.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

LATER = ("Durable", "CodeSigning", "CapacityProvider", "ScalingConfig")  # issue 4 names them as later
REFUSALS = ("ValidationException", "InvalidParameterValueException")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:nobody"
# For a good request; it is about things that are not there, except the function: limits that are settings come later.
GOOD: dict[str, Any] = {
    "Action": "lambda:InvokeFunction",
    "Arn": "arn:aws:lambda:us-east-1:000000000000:layer:nobody:1",
    "AuthType": "NONE",
    "Code": {"ZipFile": b"x"},
    "Content": {"ZipFile": b"x"},
    "FunctionVersion": "1",
    "InvokeArgs": b"{}",
    "LayerName": "nobody",
    "Name": "nobody",
    "Policy": "{}",
    "Principal": "*",
    "ProvisionedConcurrentExecutions": 1,
    "Qualifier": "live",
    "RecursiveLoop": "Allow",
    "ReservedConcurrentExecutions": 1,
    "Resource": ARN,
    "ResourceArn": ARN,
    "Role": "arn:aws:iam::000000000000:role/nobody",
    "StatementId": "s",
    "TagKeys": ["a"],
    "Tags": {"a": "b"},
    "UUID": "00000000-0000-0000-0000-000000000000",
    "UpdateRuntimeOn": "Auto",
    "VersionNumber": 1,
}


def wrong(shape: Shape) -> Iterator[Any]:
    """Values that break one constraint each."""
    limits, kind = shape.metadata, shape.type_name
    if kind == "string":
        if getattr(shape, "enum", None):
            yield "nonsense"
        if "max" in limits:
            yield "a" * (limits["max"] + 1)
        if limits.get("pattern", ".*") != ".*":
            yield "!! \xe9"
    elif kind in ("integer", "long"):
        yield from [limits["max"] + 1] if "max" in limits else []
        yield from [limits["min"] - 1] if "min" in limits else []
    elif kind == "list" and "max" in limits and shape.member.type_name == "string":
        yield ["a"] * (limits["max"] + 1)


def requests(operation: OperationModel, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All that is wrong with one operation's input, one thing at a time."""
    inputs = operation.input_shape
    good = {name: known[name] for name in inputs.required_members}
    for name, shape in inputs.members.items():
        for value in wrong(shape):
            yield good | {name: value}
        if shape.type_name == "structure":
            needed = {each: known.get(each, "x") for each in shape.required_members}
            for inner, inner_shape in shape.members.items():
                for value in wrong(inner_shape):
                    yield good | {name: needed | dict(good.get(name, {})) | {inner: value}}
        elif shape.type_name == "list" and shape.member.type_name == "string":
            for value in wrong(shape.member):
                yield good | {name: [value]}


def test_every_constraint_of_the_model_is_held(platform: "Platform") -> None:
    lambda_ = platform.client("lambda", parameter_validation=False)
    model, asked, through = lambda_.meta.service_model, 0, []
    known = GOOD | {"FunctionName": platform.create("def handler(event, context): return event")}
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.input_shape is None or any(word in name for word in LATER):
            continue
        for request in requests(operation, known):
            asked += 1
            with pytest.raises(ClientError) as refused:
                getattr(lambda_, xform_name(name))(**request)
            if refused.value.response["Error"]["Code"] not in REFUSALS:
                through.append((name, {k: v for k, v in request.items() if known.get(k) != v}, str(refused.value)))
    assert not through, "\n".join(map(str, through))
    assert asked > 250


@pytest.mark.parametrize("parameter", ["TenantId", "DurableExecutionName"])
def test_what_no_function_here_has_cannot_be_asked_of_one(platform: "Platform", parameter: str) -> None:
    lambda_ = platform.client("lambda")
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match=f"{parameter} is refused"):
        lambda_.invoke(FunctionName="nobody", **{parameter: "a"})
