"""A function made or brought up to date through the public API, as any AWS tool would do it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

WAIT = {"Delay": 1, "MaxAttempts": 120}


class Wish(Struct, frozen=True):
    """How a function should be. What is None stays as it is, or takes AWS's default when it is new."""

    name: str
    runtime: str | None = None
    handler: str | None = None
    memory_mb: int | None = None
    timeout_s: int | None = None
    variables: Mapping[str, str] | None = None

    def parameters(self) -> dict[str, Any]:
        """As CreateFunction and UpdateFunctionConfiguration name it."""
        named = {
            "Runtime": self.runtime,
            "Handler": self.handler,
            "MemorySize": self.memory_mb,
            "Timeout": self.timeout_s,
            "Environment": None if self.variables is None else {"Variables": dict(self.variables)},
        }
        return {name: value for name, value in named.items() if value is not None}


def existing(lambda_: Any, name: str) -> dict[str, Any] | None:
    """The configuration of `name`, or None when there is no such function."""
    try:
        configuration: dict[str, Any] = lambda_.get_function_configuration(FunctionName=name)
    except lambda_.exceptions.ResourceNotFoundException:
        return None
    return configuration


def create(lambda_: Any, role: str, wish: Wish, package: bytes) -> None:
    """A new function, active when this returns."""
    lambda_.create_function(FunctionName=wish.name, Role=role, Code={"ZipFile": package}, **wish.parameters())
    lambda_.get_waiter("function_active_v2").wait(FunctionName=wish.name, WaiterConfig=WAIT)


def update(lambda_: Any, wish: Wish, package: bytes) -> None:
    """New code, then the new settings, each in force when this returns."""
    updated = lambda_.get_waiter("function_updated_v2")
    lambda_.update_function_code(FunctionName=wish.name, ZipFile=package)
    updated.wait(FunctionName=wish.name, WaiterConfig=WAIT)
    if wish.parameters():
        lambda_.update_function_configuration(FunctionName=wish.name, **wish.parameters())
        updated.wait(FunctionName=wish.name, WaiterConfig=WAIT)
