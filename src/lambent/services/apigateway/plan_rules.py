"""What a usage plan may say, and what PATCH may change of it. Pure.

`/apiStages/API:STAGE/throttle/~1pets/GET/rateLimit` is the limit of one method; `/apiStages` is added to and removed
from by the value API:STAGE. Source: API Gateway API Reference, "UpdateUsagePlan".
"""

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, NotFound, not_built
from lambent.services.apigateway.patch import Rule

PERIODS = {"DAY": 1, "WEEK": 7, "MONTH": 31}  # days, at most; an offset is a number of requests


def _stages(part: Part, op: str, _names: list[str], value: str) -> None:
    api_id, colon, stage = value.partition(":")
    if not colon or not api_id or not stage:
        raise BadRequest(f"Invalid API stage '{value}': it takes API:STAGE.")
    rest = [each for each in part["apiStages"] if (each["apiId"], each["stage"]) != (api_id, stage)]
    if op == "add" and len(rest) < len(part["apiStages"]):
        raise BadRequest(f"The usage plan already has the API stage {value}")
    if op == "remove" and len(rest) == len(part["apiStages"]):
        raise NotFound(f"Usage Plan does not have the API stage {value}")
    part["apiStages"] = rest + ([{"apiId": api_id, "stage": stage}] if op == "add" else [])


def _stage(part: Part, name: str) -> Part:
    for each in part["apiStages"]:
        if f"{each['apiId']}:{each['stage']}" == name:
            found: Part = each
            return found
    raise NotFound(f"Usage Plan does not have the API stage {name}")


def _method_limit(member: str, convert: patch.Convert) -> Rule:
    def change(part: Part, op: str, names: list[str], value: str) -> None:
        limits = _stage(part, names[0]).setdefault("throttle", {}).setdefault(f"{names[1]}/{names[2]}", {})
        if op == "remove":
            limits.pop(member, None)
        else:
            limits[member] = convert(value)

    return Rule(f"/apiStages/{{}}/throttle/{{+}}/{{}}/{member}", CHANGES, change)


def _no_method_limit(part: Part, _op: str, names: list[str], _value: str) -> None:
    throttle = _stage(part, names[0]).get("throttle", {})
    if len(names) == 1:
        throttle.clear()
    else:
        throttle.pop(f"{names[1]}/{names[2]}", None)


CHANGES = frozenset({"add", "replace", "remove"})
RULES = (
    patch.scalar("/name", removable=False),
    patch.scalar("/description"),
    Rule("/productCode", CHANGES, lambda _part, _op, _names, _value: _refuse()),
    Rule("/apiStages", frozenset({"add", "remove"}), _stages),
    _method_limit("rateLimit", patch.number),
    _method_limit("burstLimit", patch.integer),
    Rule("/apiStages/{}/throttle/{+}/{}", frozenset({"remove"}), _no_method_limit),
    Rule("/apiStages/{}/throttle", frozenset({"remove"}), _no_method_limit),
    patch.scalar("/throttle/rateLimit", patch.number),
    patch.scalar("/throttle/burstLimit", patch.integer),
    patch.whole("throttle"),
    patch.scalar("/quota/limit", patch.integer),
    patch.scalar("/quota/offset", patch.integer),
    patch.scalar("/quota/period", patch.one_of(*PERIODS)),
    patch.whole("quota"),
)


def check_plan(made: Part) -> None:
    """Raises BadRequest."""
    if not made.get("name"):
        raise BadRequest("Usage plan name must not be empty.")
    quota = made.get("quota")
    if quota is not None and (quota.get("limit", 0) < 1 or quota.get("period") not in PERIODS):
        raise BadRequest("Usage Plan quota limit must be positive, and its period DAY, WEEK or MONTH")
    if quota is not None and not 0 <= quota.get("offset", 0) <= quota["limit"]:
        raise BadRequest("Usage Plan quota offset must be between 0 and the limit")
    throttles = [made.get("throttle")]
    names = set()
    for each in made["apiStages"]:
        if not each.get("apiId") or not each.get("stage") or (each["apiId"], each["stage"]) in names:
            raise BadRequest("Each of apiStages has an apiId and a stage, and is there once.")
        names.add((each["apiId"], each["stage"]))
        throttles += list((each.get("throttle") or {}).values())
    for throttle in throttles:
        if throttle and (throttle.get("rateLimit", 0.0) < 0 or throttle.get("burstLimit", 0) < 0):
            raise BadRequest("Usage Plan throttle rate and burst limits must not be negative")


def _refuse() -> None:
    raise not_built("productCode")
