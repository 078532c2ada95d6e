"""What every module of the service works with: APIs read and changed, pages, and parts as callers see them.

Only what is deployed is served, so changing an API tells nobody; what changes a stage goes through `Shelf.serve`.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import store
from lambent.services.apigateway.errors import BadRequest
from lambent.services.apigateway.store import Place
from lambent.services.changes import Changes
from lambent.services.operation import Answer, Request, RequestContext
from lambent.store.api import Database, Transaction

T = TypeVar("T")
USUAL_PAGE, LARGEST_PAGE = 25, 500
DATES = ("createdDate", "lastUpdatedDate")
Announce = Callable[[str], Awaitable[None]]


class Shelf:
    """The database, and the ways to use it.

    Args:
        announce: told the id of an API whose stages were changed; returns once no edge serves it as it was.
        quotas: how many there may be of each kind, and the longest timeout of an integration.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, announce: Announce, quotas: Quotas) -> None:
        self.database, self.clock, self.ids, self.quotas = database, clock, ids, quotas
        self.changes: Changes[str] = Changes(database, announce)

    def new_id(self, length: int = 6) -> str:
        """An id in the form of API Gateway's."""
        return self.ids.letters(length).lower()

    def now_s(self) -> int:
        """The time of a creation or a change."""
        return int(self.clock.now_s())

    async def read(self, ctx: RequestContext, work: Callable[[Place], T]) -> T:
        """Look."""
        return await self.database.read(lambda tx: work(store.place_of(tx, ctx)))

    async def write(self, ctx: RequestContext, work: Callable[[Place], T]) -> T:
        """Look and change."""
        return await self.database.write(lambda tx: work(store.place_of(tx, ctx)))

    async def look(self, ctx: RequestContext, request: Request, work: Callable[[RestDocument], T]) -> T:
        """Look at the API that a request names. Raises NotFound."""
        return await self.read(ctx, lambda place: work(place.document(request["restApiId"])))

    async def change(self, ctx: RequestContext, request: Request, work: Callable[[RestDocument], T]) -> T:
        """Change the API that a request names; what `work` raises leaves it as it was."""

        def unit(tx: Transaction) -> T:
            place = store.place_of(tx, ctx)
            document = place.document(request["restApiId"])
            answer = work(document)
            place.save(document)
            return answer

        return await self.database.write(unit)

    async def serve(self, ctx: RequestContext, api_id: str, work: Callable[[Place], T]) -> T:
        """Change what is served of an API; returns once nothing else is."""
        return await self.changes.make(api_id, lambda tx: work(store.place_of(tx, ctx)))


def shown(part: Mapping[str, Any]) -> Answer:
    """A part as callers see it: dates as dates."""
    answer = dict(part)
    for name in DATES:
        if name in answer:
            answer[name] = datetime.fromtimestamp(answer[name], UTC)
    return answer


def given(request: Request, *members: str) -> Part:
    """The members that a request has."""
    return {name: request[name] for name in members if request.get(name) is not None}


def page(request: Request, items: Sequence[Part], key: Callable[[Part], str], show: Callable[[Part], Any]) -> Answer:
    """What follows `position`, at most `limit` of it, in the order of the keys. Raises BadRequest."""
    limit = request.get("limit") or USUAL_PAGE
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadRequest(f"limit takes 1 to {LARGEST_PAGE}.")
    try:
        after = base64.b64decode(request.get("position") or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest("Invalid position parameter specified") from None
    rest = [each for each in sorted(items, key=key) if key(each) > after]
    answer: Answer = {"items": [show(each) for each in rest[:limit]]}
    if len(rest) > limit:
        answer["position"] = base64.urlsafe_b64encode(key(rest[limit - 1]).encode()).decode()
    return answer
