"""From a request's parameters to a Configuration that this host can carry out.

Knows: defaults, limits and what may not be combined. The service model's own constraints were
checked at the door; what AWS checks beyond them is checked here.

Source: Lambda service model (CreateFunction, UpdateFunctionConfiguration); behaviours sections 2 and 4.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.config import Quotas
from lambent.errors import ValidationError
from lambent.model.function import FunctionKey
from lambent.model.log_stream import default_log_group
from lambent.services.lambda_ import images, snap_start
from lambent.services.lambda_.api import Links
from lambent.services.lambda_.environment_variables import check_variables, is_unicode
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.file_systems import use_of
from lambent.services.lambda_.model import IMAGE, ZIP, Configuration, ImageOverrides
from lambent.services.lambda_.runtimes import check_runtime
from lambent.services.lambda_.unsupported import check_settings
from lambent.services.operation import Request
from lambent.services.passed_roles import check_passed

MEMBERS = {
    "Runtime": "runtime",
    "Handler": "handler",
    "Role": "role",
    "Description": "description",
    "Timeout": "timeout_s",
    "MemorySize": "memory_mb",
}


class Rules(Struct, frozen=True):
    """What a configuration is checked against."""

    quotas: Quotas
    links: Links
    walls: bool = True
    file_systems: Mapping[str, str] = {}  # the place of each, by its ARN


async def created(key: FunctionKey, request: Request, rules: Rules) -> Configuration:
    """The configuration of a new function. Raises InvalidParameter, ValidationError, AccessDenied."""
    check_settings(request)
    package_type = request.get("PackageType", ZIP)
    images.check_code(request["Code"], package_type, "creating")
    if package_type == IMAGE:
        images.check_request(request, walls=rules.walls)
    elif not request.get("Runtime") or not request.get("Handler"):
        raise InvalidParameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    return await _checked(_blank(key.name, request, rules, package_type), key.account, request, rules)


async def updated(present: Configuration, account: str, request: Request, rules: Rules) -> Configuration:
    """`present`, of a function of `account`, with what the request changes. Raises as `created`."""
    check_settings(request)
    if present.package_type == IMAGE:
        images.check_request(request, walls=rules.walls)
    return await _checked(present, account, request, rules)


def check_architecture(architectures: list[str] | None, rules: Rules) -> str:
    """The one architecture asked for, or the host's. Raises InvalidParameter when they differ."""
    host = rules.links.runtimes.architecture
    wanted = architectures or [host]
    if len(wanted) != 1:
        raise ValidationError(
            f"1 validation error detected: Value '[{', '.join(wanted)}]' at 'architectures' failed to satisfy "
            "constraint: Member must have length less than or equal to 1"
        )
    if wanted[0] != host:
        raise InvalidParameter(f"Architectures {wanted[0]} is refused: this host's processor is {host}.")
    return wanted[0]


def _blank(name: str, request: Request, rules: Rules, package_type: str) -> Configuration:
    return Configuration(
        runtime="",
        handler="",
        role="",
        architecture=check_architecture(request.get("Architectures"), rules),
        log_group=default_log_group(name),
        package_type=package_type,
    )


async def _checked(present: Configuration, account: str, request: Request, rules: Rules) -> Configuration:
    changes: dict[str, Any] = {ours: request[theirs] for theirs, ours in MEMBERS.items() if theirs in request}
    if "Environment" in request:
        changes["variables"] = dict(request["Environment"].get("Variables") or {})
    if "ImageConfig" in request:
        changes["image_overrides"] = _overrides(present, request["ImageConfig"])
    if "EphemeralStorage" in request:
        changes["ephemeral_mb"] = request["EphemeralStorage"]["Size"]
    if "SnapStart" in request:
        changes["snap_start"] = request["SnapStart"].get("ApplyOn") == snap_start.PUBLISHED_VERSIONS
    if "LoggingConfig" in request:
        changes |= _logging(present, request["LoggingConfig"])
    if "TracingConfig" in request:
        changes["active_tracing"] = request["TracingConfig"].get("Mode") == "Active"
    if "FileSystemConfigs" in request:
        changes["file_system"] = use_of(request["FileSystemConfigs"], rules.file_systems, walls=rules.walls)
    if "DeadLetterConfig" in request:
        changes["dead_letter"] = request["DeadLetterConfig"].get("TargetArn", "")
    wanted = msgspec.structs.replace(present, **changes)
    _check_limits(wanted, rules.quotas)
    if "runtime" in changes:
        check_runtime(wanted.runtime, rules.links.runtimes)
    if "role" in changes:
        await _check_role(wanted.role, account, rules)
    return wanted


async def _check_role(role_arn: str, account: str, rules: Rules) -> None:
    check_passed(role_arn, account)
    if not await rules.links.roles.assumable_by_lambda(role_arn, account):
        raise InvalidParameter(
            f"The role defined for the function cannot be assumed by Lambda. {role_arn} has to be there, with a trust "
            "policy that lets lambda.amazonaws.com call sts:AssumeRole."
        )


def _overrides(present: Configuration, wanted: Mapping[str, Any]) -> ImageOverrides | None:
    found = images.overrides_of(wanted)
    if found is not None and present.package_type != IMAGE:
        raise InvalidParameter("Please don't provide ImageConfig when the function's packageType is Zip.")
    return found


def _logging(present: Configuration, wanted: Mapping[str, str]) -> dict[str, Any]:
    """What is not sent stays; levels are for JSON only, and INFO there. Source: Lambda service model, LoggingConfig."""
    log_format = wanted.get("LogFormat", present.log_format)
    changes: dict[str, Any] = {"log_format": log_format, "log_group": wanted.get("LogGroup") or present.log_group}
    for theirs, ours in (("ApplicationLogLevel", "application_log_level"), ("SystemLogLevel", "system_log_level")):
        if log_format == "JSON":
            changes[ours] = wanted.get(theirs) or getattr(present, ours) or "INFO"
        elif theirs in wanted:
            raise InvalidParameter(f"LoggingConfig.{theirs} is only allowed with the LogFormat JSON.")
        else:
            changes[ours] = ""
    return changes


def _check_limits(wanted: Configuration, quotas: Quotas) -> None:
    _within("memorySize", wanted.memory_mb, quotas.memory_mb_min, quotas.memory_mb_max)
    _within("timeout", wanted.timeout_s, 1, quotas.timeout_s_max)
    _within("ephemeralStorage.size", wanted.ephemeral_mb, quotas.ephemeral_mb_min, quotas.ephemeral_mb_max)
    if not wanted.handler and wanted.package_type != IMAGE:
        raise InvalidParameter("Handler is a mandatory parameter for functions created with deployment packages.")
    if "\0" in wanted.handler or not is_unicode(wanted.handler + wanted.description):
        raise InvalidParameter("Handler and Description may hold neither NUL nor half characters.")
    check_variables(wanted.variables or {}, quotas.environment_bytes)
    snap_start.check(wanted)


def _within(path: str, value: int, least: int, most: int) -> None:
    if least <= value <= most:
        return
    bound = f"less than or equal to {most}" if value > most else f"greater than or equal to {least}"
    raise ValidationError(
        f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: "
        f"Member must have value {bound}"
    )
