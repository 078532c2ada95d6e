"""API keys: CreateApiKey and its kind, and ImportApiKeys."""

import csv
import io

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, LimitExceeded, NotFound, not_built
from lambent.services.apigateway.shelf import Shelf, given, page, shown
from lambent.services.apigateway.store import SQL, Place
from lambent.services.apigateway.tags import check_tags
from lambent.services.apigateway.usage_plans import join
from lambent.services.operation import Answer, Request, RequestContext, operation

KIND = "apikeys"
SHORTEST_VALUE, LONGEST_VALUE = 20, 128
COLUMNS = {"name", "key", "description", "enabled", "usageplanids"}
RULES = (
    patch.scalar("/name"),
    patch.scalar("/description"),
    patch.scalar("/customerId"),
    patch.scalar("/enabled", patch.boolean, removable=False),
)


class ApiKeys:
    """CreateApiKey, GetApiKey, GetApiKeys, UpdateApiKey, DeleteApiKey, ImportApiKeys."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateApiKey")
    async def create_api_key(self, ctx: RequestContext, request: Request) -> Answer:
        """A key; it leads to nothing before it is in a usage plan."""
        if request.get("stageKeys"):
            raise not_built("stageKeys, which usage plans have replaced,")
        members = given(request, "name", "description", "customerId", "tags", "value", "enabled")
        return await self._shelf.write(ctx, lambda place: shown(self._add(place, members)))

    @operation("ImportApiKeys")
    async def import_api_keys(self, ctx: RequestContext, request: Request) -> Answer:
        """Keys from a file of comma-separated values."""
        if request.get("format", "csv") != "csv":
            raise BadRequest("Invalid format: it takes csv.")
        rows = _rows(request["body"])

        def work(place: Place) -> Answer:
            ids, warnings = [], []
            for row in rows:
                members: Part = {"name": row["name"], "value": row["key"], "enabled": row["enabled"].lower() == "true"}
                try:
                    made = self._add(place, members | {"description": row["description"]})
                    for plan_id in filter(None, row["usageplanids"].split(",")):
                        join(place, plan_id.strip(), made["id"])
                    ids.append(made["id"])
                except (BadRequest, Conflict, NotFound) as error:
                    warnings.append(f"{row['name']}: {error.message}")
            if warnings and request.get("failOnWarnings"):
                raise BadRequest("; ".join(warnings))
            return {"ids": ids, "warnings": warnings}

        return await self._shelf.write(ctx, work)

    @operation("GetApiKey")
    async def get_api_key(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them; its value for those who ask."""
        found = await self._shelf.read(ctx, lambda place: key(place, request["apiKey"]))
        return _seen(found, values=bool(request.get("includeValue")))

    @operation("GetApiKeys")
    async def get_api_keys(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them, or those of a name or a customer."""
        found = await self._shelf.read(ctx, lambda place: place.parts(KIND))
        wanted = [
            each
            for each in found
            if each.get("name", "").startswith(request.get("nameQuery") or "")
            and request.get("customerId") in (None, each.get("customerId"))
        ]
        values = bool(request.get("includeValues"))
        return page(request, wanted, lambda each: each["id"], lambda each: _seen(each, values=values))

    @operation("UpdateApiKey")
    async def update_api_key(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it; the next request meets it."""
        now_s = self._shelf.now_s()

        def work(place: Place) -> Answer:
            new = patch.patched(key(place, request["apiKey"]), request.get("patchOperations", []), RULES)
            new["lastUpdatedDate"] = now_s
            place.set_part(KIND, new["id"], new)
            return _seen(new, values=False)

        return await self._shelf.write(ctx, work)

    @operation("DeleteApiKey")
    async def delete_api_key(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, also from usage plans."""

        def work(place: Place) -> None:
            gone = key(place, request["apiKey"])["id"]
            place.delete_part(KIND, gone)
            place.run(SQL.delete_key_value, key_id=gone)
            place.run(SQL.forget_key, key_id=gone)

        await self._shelf.write(ctx, work)

    def _add(self, place: Place, members: Part) -> Part:
        """Raises BadRequest, Conflict and LimitExceeded."""
        if place.count(KIND) >= (most := self._shelf.quotas.api_keys):
            raise LimitExceeded(f"There can be no more than {most} API keys.")
        value = members.get("value") or self._shelf.new_id(40)
        if not SHORTEST_VALUE <= len(value) <= LONGEST_VALUE or not value.isascii() or not value.isprintable():
            raise BadRequest(f"API Key value should have {SHORTEST_VALUE} to {LONGEST_VALUE} characters")
        if place.column(SQL.key_of_value, "key_id", value=value):
            raise Conflict("API Key already exists")
        check_tags(members.get("tags", {}))
        now_s = self._shelf.now_s()
        made: Part = {"id": self._shelf.new_id(10), "enabled": False, "createdDate": now_s, "lastUpdatedDate": now_s}
        made |= members | {"value": value, "stageKeys": []}
        place.set_part(KIND, made["id"], made)
        place.run(SQL.add_key_value, value=value, key_id=made["id"])
        return made


def key(place: Place, key_id: str) -> Part:
    """Raises NotFound."""
    found = place.part(KIND, key_id)
    if found is None:
        raise NotFound("Invalid API Key identifier specified")
    return found


def _seen(part: Part, *, values: bool) -> Answer:
    answer = shown(part)
    if not values:
        answer.pop("value", None)
    return answer


def _rows(body: bytes) -> list[dict[str, str]]:
    """The rows of a file. Raises BadRequest."""
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
        names = {name: name.strip().lower() for name in reader.fieldnames or ()}
        rows = [{names[name]: value or "" for name, value in row.items() if name in names} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"The file of API keys cannot be read: {error}") from None
    if not {"name", "key"} <= set(names.values()):
        raise BadRequest("The file of API keys needs a first line with name and key.")
    return [dict.fromkeys(COLUMNS, "") | row for row in rows]
