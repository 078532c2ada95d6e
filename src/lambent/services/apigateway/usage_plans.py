"""Usage plans: which stages the keys of a plan lead to, how fast and how often. And the keys of each plan."""

from typing import Any

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch, store
from lambent.services.apigateway.errors import BadRequest, Conflict, LimitExceeded, NotFound
from lambent.services.apigateway.plan_rules import RULES, check_plan
from lambent.services.apigateway.shelf import Shelf, given, page
from lambent.services.apigateway.store import SQL, Place
from lambent.services.apigateway.tags import check_tags
from lambent.services.operation import Answer, Request, RequestContext, operation

KIND, KEYS = "usageplans", "apikeys"
DAY_S = 86_400


class UsagePlans:
    """CreateUsagePlan, GetUsagePlan, GetUsagePlans, UpdateUsagePlan, DeleteUsagePlan."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateUsagePlan")
    async def create_usage_plan(self, ctx: RequestContext, request: Request) -> Answer:
        """A plan."""
        day = int(self._shelf.clock.now_s() // DAY_S)

        def work(place: Place) -> Answer:
            if place.count(KIND) >= (most := self._shelf.quotas.usage_plans):
                raise LimitExceeded(f"There can be no more than {most} usage plans.")
            made: Part = {"id": self._shelf.new_id(), "apiStages": [], "day": day}
            made |= given(request, "name", "description", "apiStages", "throttle", "quota", "tags")
            _check(place, made)
            place.set_part(KIND, made["id"], made)
            return _seen(made)

        return await self._shelf.write(ctx, work)

    @operation("GetUsagePlan")
    async def get_usage_plan(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        return await self._shelf.read(ctx, lambda place: _seen(plan(place, request["usagePlanId"])))

    @operation("GetUsagePlans")
    async def get_usage_plans(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them, or those that a key is in."""

        def work(place: Place) -> list[Part]:
            found = place.parts(KIND)
            if not request.get("keyId"):
                return found
            of_key = set(place.column(SQL.plans_of_key, "plan_id", key_id=request["keyId"]))
            return [each for each in found if each["id"] in of_key]

        return page(request, await self._shelf.read(ctx, work), lambda each: each["id"], _seen)

    @operation("UpdateUsagePlan")
    async def update_usage_plan(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it; the next request meets it."""

        def work(place: Place) -> Answer:
            new = patch.patched(plan(place, request["usagePlanId"]), request.get("patchOperations", []), RULES)
            _check(place, new)
            for key_id in place.column(SQL.plan_keys, "key_id", plan_id=new["id"]):
                _check_alone(place, new, key_id)
            place.set_part(KIND, new["id"], new)
            return _seen(new)

        return await self._shelf.write(ctx, work)

    @operation("DeleteUsagePlan")
    async def delete_usage_plan(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, with what was counted."""

        def work(place: Place) -> None:
            gone = plan(place, request["usagePlanId"])
            if gone["apiStages"]:
                names = ",".join(f"{each['apiId']}:{each['stage']}" for each in gone["apiStages"])
                raise BadRequest(f"Cannot delete usage plan {gone['id']}: it still has the stages {names}")
            place.delete_part(KIND, gone["id"])
            place.run(SQL.forget_plan, plan_id=gone["id"])
            place.run(SQL.forget_used, plan_id=gone["id"])

        await self._shelf.write(ctx, work)


class UsagePlanKeys:
    """CreateUsagePlanKey, GetUsagePlanKey, GetUsagePlanKeys, DeleteUsagePlanKey."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateUsagePlanKey")
    async def create_usage_plan_key(self, ctx: RequestContext, request: Request) -> Answer:
        """A key joins a plan."""
        if request["keyType"] != "API_KEY":
            raise BadRequest("Usage plan key type must be API_KEY")

        def work(place: Place) -> Answer:
            join(place, request["usagePlanId"], request["keyId"])
            return _key(place, request["keyId"])

        return await self._shelf.write(ctx, work)

    @operation("GetUsagePlanKey")
    async def get_usage_plan_key(self, ctx: RequestContext, request: Request) -> Answer:
        """One key of a plan."""
        return await self._shelf.read(ctx, lambda place: _member(place, request))

    @operation("GetUsagePlanKeys")
    async def get_usage_plan_keys(self, ctx: RequestContext, request: Request) -> Answer:
        """All keys of a plan."""

        def work(place: Place) -> list[Part]:
            plan(place, request["usagePlanId"])
            ids = place.column(SQL.plan_keys, "key_id", plan_id=request["usagePlanId"])
            found = [_key(place, each) for each in ids]
            return [each for each in found if each.get("name", "").startswith(request.get("nameQuery") or "")]

        return page(request, await self._shelf.read(ctx, work), lambda each: each["id"], dict)

    @operation("DeleteUsagePlanKey")
    async def delete_usage_plan_key(self, ctx: RequestContext, request: Request) -> None:
        """A key leaves a plan."""

        def work(place: Place) -> None:
            _member(place, request)
            place.run(SQL.delete_plan_key, plan_id=request["usagePlanId"], key_id=request["keyId"])

        await self._shelf.write(ctx, work)


def plan(place: Place, plan_id: str) -> Part:
    """Raises NotFound."""
    found = place.part(KIND, plan_id)
    if found is None:
        raise NotFound(f"Invalid Usage Plan ID specified: {plan_id}")
    return found


def join(place: Place, plan_id: str, key_id: str) -> None:
    """Put a key into a plan. Raises Conflict and NotFound."""
    joined = plan(place, plan_id)
    _key(place, key_id)
    if plan_id in place.column(SQL.plans_of_key, "plan_id", key_id=key_id):
        raise Conflict(f"{key_id} is already associated with the usage plan {plan_id}")
    _check_alone(place, joined, key_id)
    place.run(SQL.add_plan_key, plan_id=plan_id, key_id=key_id)


def forget_stages(place: Place, api_id: str, stage: str | None = None) -> None:
    """Take a stage that goes, or all of an API, out of every plan."""
    for each in place.parts(KIND):
        kept = [at for at in each["apiStages"] if at["apiId"] != api_id or stage not in (None, at["stage"])]
        if len(kept) < len(each["apiStages"]):
            place.set_part(KIND, each["id"], each | {"apiStages": kept})


def _check(place: Place, made: Part) -> None:
    check_plan(made)
    check_tags(made.get("tags", {}))
    for each in made["apiStages"]:
        place.document(each["apiId"])
        if store.find_stage(place.tx, each["apiId"], each["stage"]) is None:
            raise NotFound(f"API Stage not found: {each['apiId']}:{each['stage']}")


def _check_alone(place: Place, joined: Part, key_id: str) -> None:
    """A key may be in one plan only for each stage. Raises Conflict."""
    wanted = {(each["apiId"], each["stage"]) for each in joined["apiStages"]}
    for other_id in place.column(SQL.plans_of_key, "plan_id", key_id=key_id):
        other = plan(place, other_id)
        if other_id != joined["id"] and wanted & {(each["apiId"], each["stage"]) for each in other["apiStages"]}:
            raise Conflict(f"The key {key_id} has another usage plan for one of these stages: {other_id}")


def _key(place: Place, key_id: str) -> Part:
    found = place.part(KEYS, key_id)
    if found is None:
        raise NotFound("Invalid API Key identifier specified")
    return {"id": key_id, "type": "API_KEY", "value": found["value"], "name": found.get("name", "")}


def _member(place: Place, request: Request) -> Part:
    plan(place, request["usagePlanId"])
    if request["keyId"] not in place.column(SQL.plan_keys, "key_id", plan_id=request["usagePlanId"]):
        raise NotFound("Invalid Usage Plan Key identifier specified")
    return _key(place, request["keyId"])


def _seen(part: Part) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "day"}
