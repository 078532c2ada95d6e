"""How a service's operations are declared, and what each is told about its request."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from lambent.model.principal import Principal

Request = Mapping[str, Any]
Answer = dict[str, Any]
Operation = Callable[["RequestContext", Request], Awaitable[Answer | None]]
F = TypeVar("F", bound=Callable[..., Any])


class RequestContext(Struct, frozen=True):
    """Who asks, where, and how this request is called in logs. `endpoint` is the address the
    caller used, such as `http://127.0.0.1:4566`: links in answers start with it. `trace_header` is
    the X-Amzn-Trace-Id that came along. Who did not sign, which few
    operations take, has no `account`. `operation` is what was asked for.
    `keys` tells the condition keys of policies that only the request itself knows."""

    principal: Principal
    account: str
    region: str
    request_id: str
    endpoint: str = ""
    source_ip: str = ""
    trace_header: str = ""
    operation: str = ""
    keys: Callable[[], Mapping[str, str]] = dict


def operation(name: str) -> Callable[[F], F]:
    """Mark a method as the operation `name` of its service's botocore model."""

    def mark(method: F) -> F:
        method.__dict__["operation"] = name
        return method

    return mark


def operations_of(*owners: object) -> dict[str, Operation]:
    """All operations that `owners` (a service's objects, one per resource) carry out, by name.

    Raises:
        ValueError: two methods claim the same operation.
    """
    found: dict[str, Operation] = {}
    for owner in owners:
        for attribute in dir(type(owner)):
            name = getattr(getattr(type(owner), attribute), "operation", None)
            if not isinstance(name, str):
                continue
            if name in found:
                raise ValueError(f"{name} is declared twice")
            found[name] = functools.partial(getattr(type(owner), attribute), owner)
    return found
