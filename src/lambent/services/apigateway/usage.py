"""What keys use of their plans: counted durably before a request goes on, and shown by GetUsage.

A request with a key asks `Usage.spend`. Whether the key leads there, how fast and how often is decided here, in one
place for all edges, so that limits hold exactly; the count is on disk before the request goes on.

Source: API Gateway Developer Guide, "Usage plans and API keys for REST APIs". Weeks begin on Sunday, months with their
first day, all in UTC; `offset` is taken from the period in which the plan was made.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from lambent.model.rest_api import KeyUse, KeyVerdict, Part
from lambent.placement.buckets import Buckets
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest
from lambent.services.apigateway.shelf import Shelf, page
from lambent.services.apigateway.store import SQL, Place
from lambent.services.apigateway.usage_plans import DAY_S, KEYS, KIND, plan
from lambent.services.operation import Answer, Request, RequestContext, operation

INVALID = KeyVerdict("INVALID_API_KEY")
LONGEST_RANGE_DAYS = 90
EPOCH = date(1970, 1, 1)
REMAINING = (patch.scalar("/remaining", patch.integer, removable=False),)


class Usage:
    """GetUsage, UpdateUsage, and what the data path asks."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._buckets: dict[float, Buckets[tuple[str, ...]]] = {}

    def _today(self) -> int:
        return int(self._shelf.clock.now_s() // DAY_S)

    async def spend(self, use: KeyUse) -> KeyVerdict:
        """Whether a request with a key may go on; it is counted if so."""
        day = self._today()
        found = await self._shelf.database.read(lambda tx: _lookup(Place(tx, use.account, use.region), use))
        if found is None:
            return INVALID
        key_id, used_plan = found
        for name, limits in _throttles(used_plan, use):
            if not self._take((used_plan["id"], key_id, name), limits["rateLimit"], limits["burstLimit"]):
                return KeyVerdict("THROTTLED", key_id, used_plan["id"])
        return await self._shelf.database.write(
            lambda tx: _count(Place(tx, use.account, use.region), used_plan, key_id, day)
        )

    def _take(self, name: tuple[str, ...], rate: float, burst: float) -> bool:
        if not rate or not burst:
            return False
        buckets = self._buckets.setdefault(burst / rate, Buckets(burst / rate))
        return buckets.take(name, burst, 1, self._shelf.clock.monotonic_s()) == 1

    @operation("GetUsage")
    async def get_usage(self, ctx: RequestContext, request: Request) -> Answer:
        """Used and remaining requests of each day."""
        first, last = _day(request["startDate"]), _day(request["endDate"])
        if not 0 <= last - first <= LONGEST_RANGE_DAYS:
            raise BadRequest(f"The range of dates has to be 0 to {LONGEST_RANGE_DAYS} days long")

        def work(place: Place) -> list[Part]:
            used_plan = plan(place, request["usagePlanId"])
            ids = [request["keyId"]] if request.get("keyId") else place.column(
                SQL.used_keys, "key_id", plan_id=used_plan["id"]
            )  # fmt: skip
            return [{"id": each, "days": _days(place, used_plan, each, first, last)} for each in ids]

        found = page(request, await self._shelf.read(ctx, work), lambda each: each["id"], dict)
        dates = {"startDate": request["startDate"], "endDate": request["endDate"]}
        items = {each["id"]: each["days"] for each in found.pop("items")}
        return {"usagePlanId": request["usagePlanId"], "items": items} | dates | found

    @operation("UpdateUsage")
    async def update_usage(self, ctx: RequestContext, request: Request) -> Answer:
        """Give a key another number of requests for the period that runs."""
        day = self._today()

        def work(place: Place) -> Answer:
            used_plan, key_id = plan(place, request["usagePlanId"]), request["keyId"]
            if "quota" not in used_plan:
                raise BadRequest("Usage Plan has no quota")
            wanted = patch.patched({}, request.get("patchOperations", []), REMAINING).get("remaining")
            if wanted is not None:
                row = place.rows(SQL.used, plan_id=used_plan["id"], key_id=key_id, first=day, last=day)
                extra = (row[0]["extra"] if row else 0) + wanted - remaining(place, used_plan, key_id, day)
                place.run(SQL.set_extra, plan_id=used_plan["id"], key_id=key_id, day=day, extra=extra)
            today = _written(day)
            items = {key_id: _days(place, used_plan, key_id, day, day)}
            return {"usagePlanId": used_plan["id"], "startDate": today, "endDate": today, "items": items}

        return await self._shelf.write(ctx, work)


def remaining(place: Place, used_plan: Part, key_id: str, day: int) -> int:
    """How many requests the quota leaves at the end of `day`."""
    quota = used_plan["quota"]
    first = period_start(quota["period"], day)
    rows = place.rows(SQL.used, plan_id=used_plan["id"], key_id=key_id, first=first, last=day)
    offset = quota.get("offset", 0) if first <= used_plan.get("day", 0) <= day else 0
    return int(quota["limit"] - offset + sum(row["extra"] - row["count"] for row in rows))


def period_start(period: str, day: int) -> int:
    """The first day of the period that `day` is in."""
    if period == "DAY":
        return day
    if period == "WEEK":
        return day - (day + 4) % 7  # the epoch was a Thursday
    return day - (EPOCH + timedelta(days=day)).day + 1


def _lookup(place: Place, use: KeyUse) -> tuple[str, Part] | None:
    """The key, and its plan for this stage."""
    for key_id in place.column(SQL.key_of_value, "key_id", value=use.value):
        key = place.part(KEYS, key_id)
        if key is None or not key["enabled"]:
            return None
        for plan_id in place.column(SQL.plans_of_key, "plan_id", key_id=key_id):
            found = place.part(KIND, plan_id)
            if found is not None and _stage_of(found, use) is not None:
                return str(key_id), found
    return None


def _stage_of(used_plan: Part, use: KeyUse) -> Part | None:
    for each in used_plan["apiStages"]:
        if (each["apiId"], each["stage"]) == (use.api_id, use.stage):
            found: Part = each
            return found
    return None


def _throttles(used_plan: Part, use: KeyUse) -> list[tuple[str, Part]]:
    """The limits that hold for a request: the method's own before the plan's."""
    of_method = ((_stage_of(used_plan, use) or {}).get("throttle") or {}).get(use.method)
    name = f"{use.api_id}/{use.stage}{use.method}" if of_method else ""
    limits = of_method or used_plan.get("throttle")
    if not limits or "rateLimit" not in limits:
        return []
    return [(name, {"rateLimit": limits["rateLimit"], "burstLimit": limits.get("burstLimit", 0)})]


def _count(place: Place, used_plan: Part, key_id: str, day: int) -> KeyVerdict:
    if "quota" in used_plan and remaining(place, used_plan, key_id, day) <= 0:
        return KeyVerdict("QUOTA_EXCEEDED", key_id, used_plan["id"])
    place.run(SQL.count_use, plan_id=used_plan["id"], key_id=key_id, day=day)
    return KeyVerdict("", key_id, used_plan["id"])


def _days(place: Place, used_plan: Part, key_id: str, first: int, last: int) -> list[list[int]]:
    """Used and remaining requests, a pair for each day."""
    rows: dict[int, Any] = {
        row["day"]: row["count"]
        for row in place.rows(SQL.used, plan_id=used_plan["id"], key_id=key_id, first=first, last=last)
    }
    limited = "quota" in used_plan
    left = {day: remaining(place, used_plan, key_id, day) if limited else 0 for day in range(first, last + 1)}
    return [[rows.get(day, 0), max(0, remains)] for day, remains in left.items()]


def _day(text: str) -> int:
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        raise BadRequest(f"Invalid date {text}: it takes YYYY-MM-DD.") from None


def _written(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d")
