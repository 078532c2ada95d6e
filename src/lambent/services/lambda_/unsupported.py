"""Settings of the Lambda API that Lambent does not carry out yet, refused by name.

A setting that is accepted has its effect; these would have none. Each entry is a parameter and
the test of whether its value asks for something: empty and default forms are accepted.
"""

from collections.abc import Callable
from typing import Any

from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.operation import Request

Asks = Callable[[Any], bool]


def _any_member(*names: str) -> Asks:
    return lambda value: any(value.get(name) for name in names)


NOT_CARRIED_OUT: dict[str, tuple[Asks, str]] = {
    "VpcConfig": (_any_member("SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack"), "virtual private clouds"),
    "KMSKeyArn": (bool, "encryption with keys of your own"),
    "CodeSigningConfigArn": (bool, "code signing"),
    "DurableConfig": (bool, "durable functions"),
    "CapacityProviderConfig": (bool, "capacity providers"),
    "TenancyConfig": (bool, "tenant isolation"),
    "RuntimeConfig": (bool, "runtimes of your own"),
    "AcceleratorConfig": (bool, "accelerators"),
    "PublishTo": (bool, "publishing to $LATEST.PUBLISHED"),
}
CODE_NOT_CARRIED_OUT: dict[str, tuple[Asks, str]] = {
    "S3ObjectStorageMode": (lambda value: value != "COPY", "code that stays in S3"),
    "SourceKMSKeyArn": (bool, "encryption with keys of your own"),
}


def check_settings(request: Request) -> None:
    """Raises InvalidParameter for the first setting that asks for what we do not do."""
    _check(request, NOT_CARRIED_OUT)


def check_code(code: Request) -> None:
    """The same for where the code comes from."""
    _check(code, CODE_NOT_CARRIED_OUT)


def _check(request: Request, table: dict[str, tuple[Asks, str]]) -> None:
    for name, (asks, what) in table.items():
        value = request.get(name)
        if value is not None and asks(value):
            raise _refused(name, what)


def _refused(name: str, what: str) -> InvalidParameter:
    return InvalidParameter(f"{name} is refused: Lambent does not support {what}.")
